"""Geometry of a clip in time and space, and other constants that several packages share.

A clip is `CLIP_FRAMES` frames. The network reads it as `WINDOW_COUNT` overlapping windows (FineParser, section 4.1:
nine snippets of 16 frames at stride 10). In space it is a square crop: the published loader scales every frame to
`LOADER_WIDTH` x `CLIP_SIDE` and crops `CLIP_SIDE` x `CLIP_SIDE` of it.
"""

import numpy as np

CLIP_FRAMES = 96
WINDOW_FRAMES = 16
WINDOW_STRIDE = 10
WINDOW_COUNT = 9

CLIP_SIDE = 112
"""Side of a clip's square frames as in the publication, pixels."""

LOADER_WIDTH = 200
"""Width to which the published loader scales every frame (height `CLIP_SIDE`) before it crops the middle."""

CROPPED_SIDES = (CLIP_SIDE, 2 * CLIP_SIDE)
"""Sides of square frames that count as cropped already: the published loader's, and twice that for networks with a
larger input."""

LANDMARKS = ("head", "neck", "knees", "ankles", "toes", "wrists", "pelvis")
"""Points of the body whose positions are predicted, in the order of all arrays of landmarks; of paired joints, the
midpoint."""
HEAD, NECK, KNEES, ANKLES, TOES, WRISTS, PELVIS = range(len(LANDMARKS))
"""Their indices."""

LAYERS = ("body", "flying water", "foam")
"""Materials of which the share in each pixel is predicted, in the order of all arrays of layers."""

GRAVITY = 9.81
"""Acceleration of free fall, m/s2."""


def window_starts() -> tuple[int, ...]:
    """First frames of the windows of a clip.

    >>> window_starts()
    (0, 10, 20, 30, 40, 50, 60, 70, 80)
    """
    return tuple(index * WINDOW_STRIDE for index in range(WINDOW_COUNT))


def sample_frames(first: int, last: int, count: int = CLIP_FRAMES) -> np.ndarray:
    """Numbers of `count` frames spread evenly from `first` to `last`, both included: int64 [count].

    As in FineDiving's published loader, `np.linspace(first, last, count).astype(int)`: fractions are cut off, not
    rounded, so that the last frame is the only one that may be `last`. A range of fewer frames than `count` repeats
    some. ValueError if `last` comes before `first`.

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


def is_cropped(width: int, height: int) -> bool:
    """True for the size of frames that are cropped to a clip already.

    >>> is_cropped(112, 112), is_cropped(640, 360)
    (True, False)
    """
    return width == height and width in CROPPED_SIDES
