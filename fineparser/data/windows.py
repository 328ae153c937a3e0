"""Single windows of dives: what the spatial parser learns from when it learns alone.

A window takes a sixth of a clip's pictures. Where drawing or reading them is what costs, that is six times the dives,
divers and places in the same time.
"""

import numpy as np
import torch

from fineparser.data.batches import WindowBatch, deductions_of
from fineparser.data.dives import DataError, Dive, DiveSource
from fineparser.data.pairs import DiveDataset
from fineparser.data.transforms import ClipTransform
from fineparser.domain.phases import CLIP_FRAMES


class WindowDataset(DiveDataset):
    """Some windows of each dive, drawn afresh every epoch. Join samples with `WindowBatch.stack`.

    A window may begin at any of the 96 sampled frames that leaves room for it, not only where the network cuts.
    Dives without masks are refused with `DataError`.
    """

    def __init__(
        self,
        source: DiveSource,
        transform: ClipTransform | None = None,
        *,
        windows: int = 2,
        frames: int = 16,
        seed: int = 0,
        skip_broken: bool = False,
    ):
        super().__init__(source, transform or ClipTransform.for_training(), seed=seed, skip_broken=skip_broken)
        self._windows, self._frames = windows, frames

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> WindowBatch:
        dive = self._source.at_epoch(epoch)[index]
        numbers = self._transform.numbers(dive, rng)
        starts = rng.integers(0, CLIP_FRAMES - self._frames + 1, self._windows)
        # Windows may share frames, and a short clip gives some twice; they are read once.
        wanted, places = np.unique(numbers[starts[:, None] + np.arange(self._frames)], return_inverse=True)
        places = torch.from_numpy(places.reshape(self._windows, self._frames))
        frames, masks = dive.read(wanted.tolist()), dive.read_masks(wanted.tolist())
        if masks is None:
            raise DataError(f"{dive.place}: it has no masks, and the spatial parser learns from nothing else.")
        clip, mask = self._transform(frames, masks, rng)
        return WindowBatch(
            clip[:, places].transpose(0, 1),
            mask[:, places].transpose(0, 1),
            phases=torch.from_numpy(phases_of(dive, numbers)[starts[:, None] + np.arange(self._frames)]),
            deductions=deductions_of(dive).expand(self._windows, -1),
        )


def phases_of(dive: Dive, numbers: np.ndarray) -> np.ndarray:
    """The phase, 0 to 2, of each sampled frame, int64 [96]; -1 where the transitions are not known."""
    moments = dive.transitions(numbers)
    if moments is None:
        return np.full(len(numbers), -1)
    places = np.arange(len(numbers))
    return (places >= moments.flight).astype(np.int64) + (places >= moments.entry)
