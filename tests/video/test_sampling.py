import numpy as np
import pytest

from fineparser.domain.phases import CLIP_FRAMES
from fineparser.video.sampling import sample_frames, windows


def test_ends_are_included_and_fractions_cut_off():
    numbers = sample_frames(0, 190)  # steps of exactly 2
    assert numbers.tolist() == list(range(0, 191, 2))
    # 103 frames, as in MTL-AQA: 102 / 95 frames a step, worked out with whole numbers.
    assert sample_frames(0, 102).tolist() == [index * 102 // 95 for index in range(96)]


def test_source_numbers_are_kept():
    numbers = sample_frames(1731, 1731 + 95)
    assert numbers.tolist() == list(range(1731, 1827))
    assert numbers.dtype == np.int64


def test_short_stretches_repeat_frames():
    numbers = sample_frames(10, 17)
    assert len(numbers) == CLIP_FRAMES
    assert set(numbers.tolist()) == set(range(10, 18))
    assert np.all(np.diff(numbers) >= 0)
    assert sample_frames(5, 5, count=3).tolist() == [5, 5, 5]


def test_refusals():
    with pytest.raises(ValueError, match=r"last frame \(3\) comes before the first \(4\)"):
        sample_frames(4, 3)
    with pytest.raises(ValueError, match="not 0"):
        sample_frames(0, 9, count=0)


def test_windows_start_every_ten_frames():
    clip = np.arange(96 * 2).reshape(96, 2)
    cut = windows(clip)
    assert cut.shape == (9, 16, 2)
    for index in range(9):
        np.testing.assert_array_equal(cut[index], clip[10 * index : 10 * index + 16])
    with pytest.raises(ValueError, match="96 frames"):
        windows(clip[:95])
