from dataclasses import replace

import cv2
import numpy as np
import pytest

from fineparser.rendering.mask_track import MaskTrack, mask_polygons, polygons_from_mask
from fineparser.video.framing import Framing


@pytest.fixture
def sparse(report, info):
    """Every second frame of a clip of 112x112 was sampled; a square of 10x10 falls by 4 pixels a sample, and is half
    as high again twice over from sample 10 on, gone from sample 20 on."""
    probability = np.zeros((96, 112, 112), np.float32)
    for index in range(20):
        height = 10 if index < 10 else 25
        probability[index, 4 * index : 4 * index + height, 50:60] = 1
    return replace(
        report,
        info=replace(info, width=112, height=112, frame_count=191),
        first_frame=0,
        last_frame=190,
        frame_numbers=np.arange(96) * 2,
        framing=Framing.full_frame(112, 112),
        mask_probability=probability,
    )


def full_size_mask(report, index):
    """The mask of one sampled frame at the source's size."""
    info, probability = report.info, report.mask_probability[index]
    return report.framing.mask_to_source(probability, index, info.width, info.height, longest_side=None) >= 0.5


def box(mask):
    rows, columns = np.nonzero(mask)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_a_sampled_frame_has_its_own_mask(sparse):
    track = MaskTrack(sparse)
    for index in (0, 5, 15):
        assert (track.at(2 * index) == full_size_mask(sparse, index)).all()


def test_between_two_samples_the_mask_is_half_way(sparse):
    track = MaskTrack(sparse)
    assert box(track.at(6)) == (12, 22, 50, 60)
    assert box(track.at(7)) == (14, 24, 50, 60)
    assert box(track.at(8)) == (16, 26, 50, 60)


def test_masks_of_different_size_are_not_interpolated(sparse):
    assert box(MaskTrack(sparse).at(19)) == (36, 46, 50, 60)  # of sample 9, though sample 10 is 2.5 times as large


def test_a_lost_diver_is_not_followed(sparse):
    track = MaskTrack(sparse)
    assert box(track.at(39)) == box(track.at(38))
    assert not track.at(41).any()


def test_outside_the_analysed_part_there_is_no_mask(report):
    track = MaskTrack(report)
    assert track.at(1) is None
    assert track.at(56) is None
    assert track.at(2).any()


def test_short_clips_that_repeat_frames(report):
    """54 frames for 96 samples: every frame has the mask of one of its samples."""
    track = MaskTrack(report)
    for number in range(2, 56):
        assert box(track.at(number))[0] == pytest.approx(number + 5, abs=1)


@pytest.fixture
def tumbling(sparse):
    """Every second frame was sampled; a bar of 40 x 10 with a head at its end turns by 30 degrees a sample, clockwise
    as seen, and falls by 2 pixels."""
    probability = np.stack([bar(30 * index, 40 + 2 * index) for index in range(12)])
    empty = np.zeros((84, 112, 112), np.float32)
    return replace(sparse, mask_probability=np.concatenate([probability, empty]))


def bar(degrees, row):
    image = np.zeros((112, 112), np.float32)
    turn = cv2.getRotationMatrix2D((55.5, 55.5), -degrees, 1.0)
    turn[1, 2] += row - 55.5
    image[51:61, 36:76] = 1
    image[47:65, 70:82] = 1
    return cv2.warpAffine(image, turn, (112, 112))


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def test_between_two_samples_a_tumbling_mask_is_turned_half_way(tumbling):
    track = MaskTrack(tumbling)
    for index in range(11):
        truth = bar(30 * index + 15, 41 + 2 * index) >= 0.5
        found = track.at(2 * index + 1)
        assert overlap(found, truth) > 0.85
        assert overlap(found, truth) > overlap(tumbling.mask_probability[index] >= 0.5, truth) + 0.2


def test_the_turn_is_one_of_the_source_frame(tumbling):
    """The crop is twice as wide as it is high, and is scaled to equal width and height."""
    masks = np.stack([cv2.resize(mask, (56, 112), interpolation=cv2.INTER_AREA) for mask in tumbling.mask_probability])
    squeezed = np.zeros_like(tumbling.mask_probability)
    squeezed[:, :, :56] = masks
    wide = replace(
        tumbling,
        info=replace(tumbling.info, width=224),
        framing=Framing.full_frame(224, 112),
        mask_probability=squeezed,
    )
    truth = bar(15, 41) >= 0.5
    assert overlap(MaskTrack(wide).at(1)[:, :112], truth) > 0.85


def test_a_ball_is_not_turned(tumbling):
    ball = np.zeros((112, 112), np.float32)
    cv2.circle(ball, (55, 55), 15, 1, -1)
    track = MaskTrack(replace(tumbling, mask_probability=np.repeat(ball[None], 96, 0)))
    assert (track.at(1) == (ball >= 0.5)).all()


def test_a_block_is_its_four_corners(report):
    frames = mask_polygons(report)
    assert len(frames) == 54  # 2 to 55
    for number, (polygon,) in enumerate(frames, start=2):
        corners = np.array(polygon)
        assert corners.min(axis=0) == pytest.approx([70, number + 5], abs=1.5)
        assert corners.max(axis=0) == pytest.approx([90, number + 25], abs=1.5)


def test_holes_and_scale():
    """A ring at half the size: filled by the even-odd rule it is the ring again."""
    ring = np.zeros((48, 80), np.uint8)
    cv2.circle(ring, (40, 24), 20, 1, -1)
    cv2.circle(ring, (40, 24), 10, 0, -1)
    found = polygons_from_mask(ring.astype(bool), (160, 96))
    assert len(found) == 2
    filled = np.zeros((96, 160), np.uint8)
    cv2.fillPoly(filled, [np.round(np.array(polygon)).astype(int) for polygon in found], 1)  # even-odd
    truth = cv2.resize(ring, (160, 96), interpolation=cv2.INTER_NEAREST)
    assert (filled & truth).sum() / (filled | truth).sum() > 0.9


def test_without_a_diver_there_is_no_polygon(report):
    lost = replace(report, mask_probability=np.zeros_like(report.mask_probability))
    assert mask_polygons(lost) == [[]] * 54


def test_polygons_between_samples_are_interpolated(report):
    """Only every third of the 96 samples: the block falls by a pixel a frame."""
    numbers = np.arange(2, 56, 3)
    kept = [int(np.argmin(np.abs(report.frame_numbers - number))) for number in numbers]
    sparse = replace(
        report, frame_numbers=report.frame_numbers[kept], mask_probability=report.mask_probability[kept], last_frame=53
    )
    for number, (polygon,) in enumerate(mask_polygons(sparse), start=2):
        assert np.array(polygon).min(axis=0) == pytest.approx([70, number + 5], abs=1.6)
