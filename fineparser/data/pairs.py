"""Datasets of clips and of pairs of clips, for torch's DataLoader.

What sample i of epoch e is depends on the seed, e and i and on nothing else: not on the number of workers, not
on the samples before it. A run that was cut off meets the same samples when it goes on.
"""

import logging

import numpy as np
import torch
from torch.utils.data import Dataset

from fineparser.data.batches import ClipBatch, PairBatch
from fineparser.data.dives import DataError, Dive, DiveSource
from fineparser.data.exemplars import ExemplarChoice, ExemplarPool
from fineparser.data.transforms import ClipTransform

_LOG = logging.getLogger(__name__)


def load_clip(dive: Dive, transform: ClipTransform, rng: np.random.Generator) -> ClipBatch:
    """Reads, samples and transforms one dive: a `ClipBatch` of one. DataError where its pictures are broken."""
    numbers = transform.numbers(dive, rng)
    frames, masks, places = read_pictures(dive, numbers)
    clip, mask = transform(frames, masks, rng)
    clip = clip[:, places]
    return ClipBatch.of_dive(dive, numbers, clip, None if mask is None else mask[:, places])


def read_pictures(dive: Dive, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Frames and masks of a dive, each once, for a short clip gives some frames twice; and which of them each of the
    `numbers` is. DataError where they are broken."""
    wanted, places = np.unique(numbers, return_inverse=True)
    frames = dive.read(wanted.tolist())
    masks = dive.read_masks(wanted.tolist())
    if masks is not None and masks.shape != frames.shape[:3]:
        raise DataError(f"{dive.place}: the masks have the shape {masks.shape}, the frames {frames.shape[:3]}.")
    return frames, masks, places


class EpochDataset(Dataset):
    """What datasets share whose samples are drawn anew every epoch."""

    def __init__(self) -> None:
        # In shared memory, so that workers kept from epoch to epoch see the new one.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Chooses which epoch's samples come next; call it before iterating over the DataLoader."""
        self._epoch.fill_(epoch)


class DiveDataset(EpochDataset):
    """What datasets of dives share: the source, and the step over broken dives."""

    def __init__(self, source: DiveSource, transform: ClipTransform, *, seed: int, skip_broken: bool):
        super().__init__()
        if len(source) == 0:
            raise DataError(f"{source.name}: there are no dives in it.")
        self._source = source
        self._transform = transform
        self._seed = seed
        self._skip_broken = skip_broken

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int):
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        epoch = int(self._epoch)
        for step in range(len(self)):
            rng = np.random.default_rng((self._seed, epoch, index, step))
            try:
                return self._sample(epoch, (index + step) % len(self), rng)
            except DataError as error:
                if not self._skip_broken:
                    raise
                _LOG.warning("left out: %s", error)
        raise DataError(f"{self._source.name}: every dive in it is broken.")

    def _sample(self, epoch: int, index: int, rng: np.random.Generator):
        raise NotImplementedError


class ClipDataset(DiveDataset):
    """Single clips, for encoding and evaluation. Join samples with `ClipBatch.stack`."""

    def __init__(
        self,
        source: DiveSource,
        transform: ClipTransform | None = None,
        *,
        seed: int = 0,
        skip_broken: bool = False,
    ):
        super().__init__(source, transform or ClipTransform(), seed=seed, skip_broken=skip_broken)

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> ClipBatch:
        return load_clip(self._source.at_epoch(epoch)[index], self._transform, rng)


class PairDataset(DiveDataset):
    """Each dive of a source with an exemplar chosen afresh every epoch. Join samples with `PairBatch.stack`.

    `exemplars` is the source to choose from, the queries' own by default (a dive is never its own exemplar).
    With `skip_broken`, a dive whose pictures cannot be read is logged and another one takes its place.
    """

    def __init__(
        self,
        queries: DiveSource,
        exemplars: DiveSource | None = None,
        transform: ClipTransform | None = None,
        *,
        seed: int = 0,
        skip_broken: bool = False,
    ):
        transform = ClipTransform.for_training() if transform is None else transform
        super().__init__(queries, transform, seed=seed, skip_broken=skip_broken)
        self._exemplars = queries if exemplars is None else exemplars
        self._pool: tuple[DiveSource, ExemplarPool] | None = None

    def choice(self, index: int) -> ExemplarChoice:
        """The exemplar that sample `index` has in this epoch, chosen without reading any picture."""
        epoch = int(self._epoch)
        return self._ranking(epoch, index, np.random.default_rng((self._seed, epoch, index, 0)))[0]

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> PairBatch:
        ranking = self._ranking(epoch, index, rng)
        query = load_clip(self._source.at_epoch(epoch)[index], self._transform, rng)
        for choice in ranking:
            try:
                exemplar = load_clip(self._exemplars.at_epoch(epoch)[choice.index], self._transform, rng)
                return PairBatch(query=query, exemplar=exemplar, choices=(choice,))
            except DataError as error:
                if not self._skip_broken:
                    raise
                _LOG.warning("left out: %s", error)
        raise DataError(f"{self._source.name}: every dive that {query.ids[0]} could be compared with is broken.")

    def _ranking(self, epoch: int, index: int, rng: np.random.Generator) -> list[ExemplarChoice]:
        exemplars = self._exemplars.at_epoch(epoch)
        if self._pool is None or self._pool[0] != exemplars:
            self._pool = exemplars, ExemplarPool(exemplars)
        pool = self._pool[1]
        return pool.choose(self._source.at_epoch(epoch).card(index), rng, count=len(pool))
