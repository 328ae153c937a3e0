from dataclasses import replace

import cv2
import numpy as np
import pytest

from fineparser.rendering.mask_track import MaskTrack
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
        framing=Framing.whole(112, 112),
        mask_probability=probability,
    )


def box(mask):
    rows, columns = np.nonzero(mask)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_a_sampled_frame_has_its_own_mask(sparse):
    track = MaskTrack(sparse)
    for index in (0, 5, 15):
        assert (track.at(2 * index) == sparse.full_size_mask(index)).all()


def test_between_two_samples_the_mask_is_half_way(sparse):
    track = MaskTrack(sparse)
    assert box(track.at(6)) == (12, 22, 50, 60)
    assert box(track.at(7)) == (14, 24, 50, 60)
    assert box(track.at(8)) == (16, 26, 50, 60)


def test_masks_that_are_not_alike_are_not_joined(sparse):
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
    picture = np.zeros((112, 112), np.float32)
    turn = cv2.getRotationMatrix2D((55.5, 55.5), -degrees, 1.0)
    turn[1, 2] += row - 55.5
    picture[51:61, 36:76] = 1
    picture[47:65, 70:82] = 1
    return cv2.warpAffine(picture, turn, (112, 112))


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def test_between_two_samples_a_tumbling_mask_is_turned_half_way(tumbling):
    track = MaskTrack(tumbling)
    for index in range(11):
        truth = bar(30 * index + 15, 41 + 2 * index) >= 0.5
        found = track.at(2 * index + 1)
        assert overlap(found, truth) > 0.85
        assert overlap(found, truth) > overlap(tumbling.mask_probability[index] >= 0.5, truth) + 0.2


def test_it_is_turned_in_the_source_though_the_window_squeezes_it(tumbling):
    """The window is twice as wide as it is high, and is squeezed into a square of pixels."""
    masks = np.stack([cv2.resize(mask, (56, 112), interpolation=cv2.INTER_AREA) for mask in tumbling.mask_probability])
    squeezed = np.zeros_like(tumbling.mask_probability)
    squeezed[:, :, :56] = masks
    wide = replace(
        tumbling,
        info=replace(tumbling.info, width=224),
        framing=Framing.whole(224, 112),
        mask_probability=squeezed,
    )
    truth = bar(15, 41) >= 0.5
    assert overlap(MaskTrack(wide).at(1)[:, :112], truth) > 0.85


def test_a_ball_is_not_turned(tumbling):
    ball = np.zeros((112, 112), np.float32)
    cv2.circle(ball, (55, 55), 15, 1, -1)
    track = MaskTrack(replace(tumbling, mask_probability=np.repeat(ball[None], 96, 0)))
    assert (track.at(1) == (ball >= 0.5)).all()
