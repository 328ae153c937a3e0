"""What may be the diver in one frame, and the chain of such candidates that is most likely one person."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.video.framing import CLIP_SIDE

LEAST_PIXELS = 10
"""Pixels of the small picture that a diver covers, at least."""

STRAY = 0.35
"""Heights of the picture by which the diver moves between two looks at most, on a picture that stands still, apart
from chance: further away is more likely something else."""


@dataclass(frozen=True)
class Look:
    """A candidate for the diver in one frame."""

    x: float
    y: float
    """Middle, source pixels."""
    extent: float
    """Length of the outline, source pixels."""
    weight: float
    """Pixels of the outline on the source times their probability; less where nothing moves."""
    moves: float = 1.0
    """How much moves there, as a share of what moves where most does; NaN where next to nothing moves anywhere."""


def looks_at(mask: np.ndarray, box: np.ndarray) -> list[Look]:
    """The candidates in one mask, float [112, 112] over the box (x0, y0, x1, y1) of the source."""
    inside = (mask >= 0.5).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(cv2.dilate(inside, np.ones((3, 3), np.uint8)))
    size = (box[2:] - box[:2]) / CLIP_SIDE
    found = []
    for part in range(1, count):
        belongs = (labels == part) & (inside > 0)
        if belongs.sum() >= LEAST_PIXELS:
            extent = math.hypot(stats[part, cv2.CC_STAT_WIDTH] * size[0], stats[part, cv2.CC_STAT_HEIGHT] * size[1])
            x, y = box[:2] + (centres[part] + 0.5) * size
            # By area on the source: the same diver weighs the same in every window.
            weight = float(mask[belongs].sum()) * float(size[0] * size[1])
            found.append(Look(float(x), float(y), extent, weight))
    return found


def best_chain(seen: list[list[Look]], still: list[np.ndarray]) -> list[int]:
    """One candidate of each look, so that weights are large and jumps small: dynamic programming over all chains.

    Args:
        seen: candidates of each look, one at least.
        still: [k, 2] of each look: where they are on a picture that stands still, in heights.
    """
    heaviest = max(look.weight for looks in seen for look in looks)
    worth = [np.log([look.weight / heaviest for look in looks]) for looks in seen]
    total, back = worth[0], []
    for index in range(1, len(seen)):
        jump = np.linalg.norm(still[index][:, None] - still[index - 1][None], axis=2) / STRAY
        score = total[None] - jump**2
        back.append(score.argmax(axis=1))
        total = worth[index] + score.max(axis=1)
    chain = [int(total.argmax())]
    for choices in reversed(back):
        chain.append(int(choices[chain[-1]]))
    return chain[::-1]
