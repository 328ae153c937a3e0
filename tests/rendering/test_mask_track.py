from dataclasses import replace

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
