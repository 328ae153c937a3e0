"""Limits of a clip."""

import pytest

from fineparser.video.limits import Limits


def test_limits_must_be_possible():
    with pytest.raises(ValueError, match=r"Limits\.max_seconds must be above 0, not 0"):
        Limits(max_seconds=0)
    with pytest.raises(ValueError, match=r"min_frames \(50\) must not exceed"):
        Limits(min_frames=50, max_frames=40)
