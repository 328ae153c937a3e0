"""The rate at which a video of a source's frames is written, so that it plays at the source's speed."""

import numpy as np

from fineparser.video.info import VideoInfo

FASTEST = 120.0
"""Frames a second above which a video of varying rate is not written; players drop them."""


def playback_rate(info: VideoInfo) -> float:
    """Frames a second to write at: the source's own, or where it varies one fine enough for its quickest stretch."""
    if info.timestamps is None:
        return info.fps
    # A few odd intervals of a millisecond must not blow the rate up, hence not the shortest of all.
    short = float(np.quantile(np.diff(info.timestamps), 0.05))
    return max(info.fps, min(FASTEST, 1 / short))
