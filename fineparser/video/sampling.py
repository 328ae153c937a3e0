"""Which frames of a clip the network sees, apart from decoding them."""

import numpy as np

from fineparser.domain.phases import CLIP_FRAMES, WINDOW_FRAMES, window_starts


def sample_frames(first: int, last: int, count: int = CLIP_FRAMES) -> np.ndarray:
    """Numbers of `count` frames spread evenly from `first` to `last`, both included: int64 [count].

    As in FineDiving's published loader, `np.linspace(first, last, count).astype(int)`: fractions are cut off, not
    rounded, so that the last frame is the only one that may be `last`. A stretch of fewer frames than `count`
    repeats some. ValueError if `last` comes before `first`.

    >>> sample_frames(100, 109, count=4).tolist()
    [100, 103, 106, 109]
    >>> sample_frames(0, 2, count=5).tolist()
    [0, 0, 1, 1, 2]
    """
    if last < first:
        raise ValueError(f"The last frame ({last}) comes before the first ({first}). Swap them.")
    if count < 1:
        raise ValueError(f"At least one frame must be taken, not {count}.")
    return np.linspace(first, last, count).astype(np.int64)


def windows(frames: np.ndarray) -> np.ndarray:
    """The overlapping windows of a clip: [96, ...] -> [9, 16, ...] (a copy), for frames, masks or frame numbers.

    >>> windows(np.arange(96))[:, 0].tolist()
    [0, 10, 20, 30, 40, 50, 60, 70, 80]
    """
    frames = np.asarray(frames)
    if frames.ndim == 0 or len(frames) != CLIP_FRAMES:
        raise ValueError(f"Windows are cut from {CLIP_FRAMES} frames, not from an array of {frames.shape}.")
    return frames[np.array(window_starts())[:, None] + np.arange(WINDOW_FRAMES)]
