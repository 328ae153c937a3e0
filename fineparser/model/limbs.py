"""Limbs between the points of the body: which way they lie, how long they look, and how far the joints are bent."""

import torch
from torch import Tensor

HEAD, NECK, KNEES, ANKLES, TOES, WRISTS, PELVIS = range(7)
"""Places of the points that `FocusDecoder` finds."""
SEGMENTS = (
    (PELVIS, NECK),
    (NECK, HEAD),
    (NECK, WRISTS),
    (PELVIS, KNEES),
    (KNEES, ANKLES),
    (ANKLES, TOES),
    (ANKLES, WRISTS),  # the line of the whole body, as it goes into the water
)
"""From where to where."""
JOINTS = ((0, 1), (0, 2), (0, 3), (3, 4), (4, 5))
"""Segments that meet in the neck, the shoulders, the hips, the knees and the ankles."""
SHORTEST = 0.03
"""Half sides of the square, a pixel: shorter segments have less and less of a direction."""


def limbs(points: Tensor) -> Tensor:
    """Numbers that say what a body is doing, wherever and however large it is shown.

    Faults are angles: with coordinates alone, a network would have to learn division before it learns diving.

    Args:
        points: [..., 7, 3], see `FocusView.points`.

    Returns:
        [..., 31]: direction (x, y) of each segment, its length in half sides of the square, and cosine and sine of the
        angle at each joint.
    """
    places = points[..., :2]
    starts, ends = zip(*SEGMENTS, strict=True)
    ways = places[..., ends, :] - places[..., starts, :]  # [..., 7, 2]
    lengths = ways.norm(dim=-1)
    units = ways / lengths.clamp_min(SHORTEST)[..., None]
    one, other = (units[..., joined, :] for joined in zip(*JOINTS, strict=True))
    cosines = (one * other).sum(-1)
    sines = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return torch.cat([units.flatten(-2), lengths, cosines, sines], dim=-1)
