"""Limits of a clip."""

from pathlib import Path

import pytest

from fineparser.video.info import VideoError
from fineparser.video.limits import Limits


def test_limits_must_be_possible():
    with pytest.raises(ValueError, match=r"Limits\.max_seconds must be above 0, not 0"):
        Limits(max_seconds=0)
    with pytest.raises(ValueError, match=r"min_frames \(50\) must not exceed"):
        Limits(min_frames=50, max_frames=40)


def test_an_hour_is_within_the_limits():
    Limits().check_length(Path("session.mp4"), 3600 * 60, 3600.0)


def test_time_for_the_scan_grows_with_the_clip_and_with_the_file(tmp_path):
    limits = Limits(max_probe_seconds=1e-9)
    large, small = tmp_path / "large.mp4", tmp_path / "small.mp4"
    large.write_bytes(bytes(10**6))
    small.write_bytes(b"")
    check = limits.stopwatch(large)
    check(10.0)
    with pytest.raises(VideoError, match="takes more than 1e-09 s to scan"):
        check(0.0)
    with pytest.raises(VideoError, match="takes more than"):
        limits.stopwatch(small)(3600.0)
