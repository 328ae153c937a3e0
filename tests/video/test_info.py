"""Facts about a clip: frame numbers and times."""

from dataclasses import replace
from pathlib import Path

import pytest

from fineparser.video.info import VideoInfo

INFO = VideoInfo(Path("dive.mp4"), "mp4", 120, 29.97, 640, 480, 640, 480)


def test_constant_rate():
    assert not INFO.variable_frame_rate
    assert INFO.duration == pytest.approx(120 / 29.97)
    assert INFO.seconds(119) == pytest.approx(119 / 29.97)
    assert [INFO.number_at(INFO.seconds(number)) for number in INFO.frame_numbers] == list(range(120))
    assert INFO.number_at(-1) == 0
    assert INFO.number_at(100) == 119
    with pytest.raises(ValueError, match="Frame 120 does not exist: the frames are 0 to 119"):
        INFO.seconds(120)


def test_variable_rate_in_a_source_that_starts_late():
    info = replace(INFO, frame_count=4, first_number=100, timestamps=(0.0, 0.1, 0.4, 0.5))
    assert info.variable_frame_rate
    assert info.seconds(102) == 0.4
    assert info.frame_numbers == range(100, 104)
    assert [info.number_at(time) for time in (0.0, 0.09, 0.1, 0.39, 0.4, 9.0)] == [100, 100, 101, 101, 102, 103]
