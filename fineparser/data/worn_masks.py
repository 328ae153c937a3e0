"""Labelled masks made as bad as a network's: what follows the diver has to learn from such as it will meet."""

import numpy as np
import torch
from torch.nn import functional

MOST_DOUBT = 0.5
"""How far an outline fades at most where a network might doubt it, for a noise of one standard deviation."""
DROPPED = (0.0, 0.02, 0.1)
"""Shares of frames without an outline, one of which a clip has."""
PATCHES = (0, 0, 0, 1, 2)
"""Numbers of patches that are taken for the diver, one of which a clip has."""


def worn(mask: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A mask, bool [T, H, W], as a network might give it: probabilities with soft edges, doubts, gaps and mistakes."""
    frames, height, width = mask.shape
    outlined = mask.float()[:, None]
    if rng.random() < 0.7:
        outlined = functional.avg_pool2d(outlined, 3, 1, 1)
    doubt = rng.uniform(0, MOST_DOUBT)
    noise = torch.from_numpy(rng.normal(0, 1, (1, 1, frames // 4, height // 8, width // 8)).astype(np.float32))
    noise = functional.interpolate(noise, mask.shape, mode="trilinear")[0, 0]
    outlined = (outlined[:, 0] * (1 - doubt * noise.clamp(0, 1.6))).clamp(0, 1)
    outlined[torch.from_numpy(rng.random(frames) < rng.choice(DROPPED))] = 0
    for _ in range(int(rng.choice(PATCHES))):
        first, (tall, wide) = int(rng.integers(0, frames - 6)), rng.integers(2, 14, 2)
        last = first + int(rng.integers(2, 30))
        top, left = int(rng.integers(0, height - tall)), int(rng.integers(0, width - wide))
        outlined[first:last, top : top + tall, left : left + wide].clamp_min_(float(rng.uniform(0.2, 0.9)))
    return outlined
