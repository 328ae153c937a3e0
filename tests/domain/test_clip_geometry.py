"""Windows and sampling of a clip against values counted by hand."""

import numpy as np
import pytest

from fineparser.domain.clip_geometry import CLIP_FRAMES, WINDOW_COUNT, WINDOW_FRAMES, sample_frames, window_starts


def test_windows_cover_the_clip_exactly():
    starts = window_starts()
    assert starts == (0, 10, 20, 30, 40, 50, 60, 70, 80)
    assert len(starts) == WINDOW_COUNT
    assert starts[-1] + WINDOW_FRAMES == CLIP_FRAMES


def test_both_ends_are_included_and_fractions_truncated():
    numbers = sample_frames(0, 190)  # steps of exactly 2
    assert numbers.tolist() == list(range(0, 191, 2))
    # 103 frames, as in MTL-AQA: 102 / 95 frames a step, computed with integers.
    assert sample_frames(0, 102).tolist() == [index * 102 // 95 for index in range(96)]


def test_source_numbers_are_preserved():
    numbers = sample_frames(1731, 1731 + 95)
    assert numbers.tolist() == list(range(1731, 1827))
    assert numbers.dtype == np.int64


def test_short_ranges_repeat_frames():
    numbers = sample_frames(10, 17)
    assert len(numbers) == CLIP_FRAMES
    assert set(numbers.tolist()) == set(range(10, 18))
    assert np.all(np.diff(numbers) >= 0)
    assert sample_frames(5, 5, count=3).tolist() == [5, 5, 5]


def test_invalid_ranges_are_rejected():
    with pytest.raises(ValueError, match=r"last frame \(3\) comes before the first \(4\)"):
        sample_frames(4, 3)
    with pytest.raises(ValueError, match="not 0"):
        sample_frames(0, 9, count=0)
