"""Single frames of the diver with the posture in each: what sees postures learns from.

Neighbouring frames show nearly the same, so a clip gives every fourth one; the outlines of all of them are needed to
find the square that follows the diver.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from fineparser.data.batches import TensorBatch
from fineparser.data.dives import DataError, DiveSource
from fineparser.data.pairs import DiveDataset
from fineparser.data.transforms import ClipTransform
from fineparser.data.worn_masks import worn
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.simulator.posture import SIDEWAYS

STRIDE = 4
"""Frames from one that is taken to the next."""
LEAST_SEEN = 6
"""Pixels of the diver without which a frame shows no posture."""


@dataclass(frozen=True)
class FrameBatch(TensorBatch):
    """24 frames each of B clips."""

    pictures: torch.Tensor
    """float32 [B, 3, 24, 112, 112], normalised as whole clips are."""

    outlined: torch.Tensor
    """float32 [B, 96, 112, 112]: outlines of all frames of the clips, probabilities."""

    picked: torch.Tensor
    """int64 [B, 24]: which of the 96 frames the pictures are."""

    postures: torch.Tensor
    """float32 [B, 24, 25], see `fineparser.simulator.posture.POSTURE`; NaN where a number is not known."""

    def __len__(self) -> int:
        return len(self.pictures)

    @classmethod
    def stack(cls, batches: Sequence["FrameBatch"]) -> "FrameBatch":
        """Joins batches into one, in their order."""
        return cls(*(torch.cat([getattr(batch, item.name) for batch in batches]) for item in fields(cls)))


class FrameDataset(DiveDataset):
    """Every fourth frame of each dive, from another one on each time. Join samples with `FrameBatch.stack`.

    Dives without masks or postures are refused with `DataError`.
    """

    def __init__(self, source: DiveSource, transform: ClipTransform, *, seed: int = 0, skip_broken: bool = False):
        # Postures have to be mirrored, too, so that is done here.
        super().__init__(source, replace(transform, mirror_chance=0.0), seed=seed, skip_broken=skip_broken)
        self._mirror_chance = transform.mirror_chance

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> FrameBatch:
        dive = self._source.at_epoch(epoch)[index]
        numbers = self._transform.numbers(dive, rng)
        picked = np.arange(int(rng.integers(STRIDE)), CLIP_FRAMES, STRIDE)
        postures = dive.read_postures(numbers[picked].tolist())
        masks = dive.read_masks(numbers.tolist())
        if masks is None or postures is None:
            raise DataError(f"{dive.place}: it lacks masks or postures, which single frames are learnt from.")
        pictures, mask = self._transform(dive.read(numbers[picked].tolist()), masks, rng)
        postures = torch.from_numpy(postures)
        postures[mask[0, picked].sum((1, 2)) < LEAST_SEEN] = torch.nan
        outlined = worn(mask[0], rng)
        if rng.random() < self._mirror_chance:
            pictures, outlined = pictures.flip(-1), outlined.flip(-1)
            postures[:, SIDEWAYS] *= -1
        return FrameBatch(pictures[None], outlined[None], torch.from_numpy(picked)[None], postures[None])
