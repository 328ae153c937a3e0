"""Whole clips with an outline of the diver in each frame: what reads the diver's track learns from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from fineparser.data.batches import ClipBatch, TensorBatch
from fineparser.data.dives import DataError, DiveSource
from fineparser.data.pairs import DiveDataset, load_clip
from fineparser.data.transforms import ClipTransform

MOST_DOUBT = 0.5
"""How far an outline fades at most where a network might doubt it, for a noise of one standard deviation."""
DROPPED = (0.0, 0.02, 0.1)
"""Shares of frames without an outline, one of which a clip has."""
PATCHES = (0, 0, 0, 1, 2)
"""Numbers of patches that are taken for the diver, one of which a clip has."""


@dataclass(frozen=True)
class TrackBatch(TensorBatch):
    """B clips with the outlines that a network is to follow."""

    clips: ClipBatch
    outlined: torch.Tensor
    """float32 [B, 96, 112, 112], probabilities."""

    def __len__(self) -> int:
        return len(self.clips)

    @classmethod
    def stack(cls, batches: Sequence["TrackBatch"]) -> "TrackBatch":
        """Joins batches into one, in their order."""
        clips = ClipBatch.stack([batch.clips for batch in batches])
        return cls(clips, torch.cat([batch.outlined for batch in batches]))


class TrackDataset(DiveDataset):
    """Clips with outlines: the labelled masks, worn as a network's are. Join samples with `TrackBatch.stack`.

    Dives without masks are refused with `DataError`.
    """

    def __init__(self, source: DiveSource, transform: ClipTransform, *, seed: int = 0, skip_broken: bool = False):
        super().__init__(source, transform, seed=seed, skip_broken=skip_broken)

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> TrackBatch:
        dive = self._source.at_epoch(epoch)[index]
        clip = load_clip(dive, self._transform, rng)
        if clip.masks is None:
            raise DataError(f"{dive.place}: it has no masks, and the track is learnt from outlines.")
        return TrackBatch(clip, worn(clip.masks[0, 0], rng)[None])


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
