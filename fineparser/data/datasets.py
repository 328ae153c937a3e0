"""Datasets of clips, pairs of clips and single windows, for torch's DataLoader.

Sample i of epoch e depends on the seed, e and i alone, not on the number of workers or on earlier samples, so a resumed
run continues with the same samples.
"""

import logging
from typing import TypeVar

import numpy as np
import torch
from torch.utils.data import Dataset

from fineparser.data.batches import ClipBatch, PairBatch, WindowBatch, deductions_tensor
from fineparser.data.dives import DataError, Dive, DiveSource, OnBroken
from fineparser.data.exemplar_pool import ExemplarChoice, ExemplarPool
from fineparser.data.transforms import ClipTransform
from fineparser.domain.clip_geometry import CLIP_FRAMES, WINDOW_FRAMES

_LOG = logging.getLogger(__name__)

Sample = TypeVar("Sample")


def load_clip(dive: Dive, transform: ClipTransform, rng: np.random.Generator) -> ClipBatch:
    """Read, sample and transform one dive: a `ClipBatch` of one. DataError where its frames are broken."""
    numbers = transform.numbers(dive, rng)
    frames, masks, places = read_distinct_frames(dive, numbers)
    clip, mask = transform(frames, masks, rng)
    clip = clip[:, places]
    return ClipBatch.from_dive(dive, numbers, clip, None if mask is None else mask[:, places])


def read_distinct_frames(dive: Dive, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Read frames and masks of a dive, each once although a short clip repeats some.

    Returns:
        frames uint8 [n, H, W, 3]; masks bool [n, H, W] or None; the index of each of `numbers` in them.

    Raises:
        DataError: where they are broken.
    """
    distinct, places = np.unique(numbers, return_inverse=True)
    frames = dive.read(distinct.tolist())
    masks = dive.read_masks(distinct.tolist())
    if masks is not None and masks.shape != frames.shape[:3]:
        raise DataError(f"{dive.location}: the masks have the shape {masks.shape}, the frames {frames.shape[:3]}.")
    return frames, masks, places


class EpochDataset(Dataset[Sample]):
    """Base class of datasets with new random samples in every epoch."""

    def __init__(self) -> None:
        # In shared memory, so that persistent workers read the new epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next samples; call it before iterating over the DataLoader."""
        self._epoch.fill_(epoch)


class DiveDataset(EpochDataset[Sample]):
    """Base class of datasets of dives. A dive whose frames are broken is handled by the policy of its source:
    `OnBroken.SKIP` logs it, and another dive takes its place."""

    def __init__(self, source: DiveSource, transform: ClipTransform, *, seed: int) -> None:
        super().__init__()
        if len(source) == 0:
            raise DataError(f"{source.name}: there are no dives in it.")
        self._source = source
        self._transform = transform
        self._seed = seed
        self._skips_broken = source.on_broken is OnBroken.SKIP

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        epoch = int(self._epoch)
        for step in range(len(self)):
            rng = np.random.default_rng((self._seed, epoch, index, step))
            try:
                return self._sample(epoch, (index + step) % len(self), rng)
            except DataError as error:
                if not self._skips_broken:
                    raise
                _LOG.warning("left out: %s", error)
        raise DataError(f"{self._source.name}: every dive in it is broken.")

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> Sample:
        raise NotImplementedError


class ClipDataset(DiveDataset[ClipBatch]):
    """Single clips, for encoding and evaluation. Join samples with `ClipBatch.stack`."""

    def __init__(
        self,
        source: DiveSource,
        transform: ClipTransform | None = None,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(source, transform or ClipTransform(), seed=seed)

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> ClipBatch:
        return load_clip(self._source.at_epoch(epoch)[index], self._transform, rng)


class PairDataset(DiveDataset[PairBatch]):
    """Each dive of a source with another random exemplar in every epoch. Join samples with `PairBatch.stack`.

    `exemplars` is the source to choose from, by default that of the queries (a dive is never its own exemplar).
    """

    def __init__(
        self,
        queries: DiveSource,
        exemplars: DiveSource | None = None,
        transform: ClipTransform | None = None,
        *,
        seed: int = 0,
    ) -> None:
        transform = ClipTransform.for_training() if transform is None else transform
        super().__init__(queries, transform, seed=seed)
        self._exemplars = queries if exemplars is None else exemplars
        self._pool: tuple[DiveSource, ExemplarPool] | None = None

    def choice(self, index: int) -> ExemplarChoice:
        """Exemplar of sample `index` in this epoch, chosen without reading frames."""
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
                if not self._skips_broken:
                    raise
                _LOG.warning("left out: %s", error)
        raise DataError(f"{self._source.name}: every dive that {query.ids[0]} could be compared with is broken.")

    def _ranking(self, epoch: int, index: int, rng: np.random.Generator) -> list[ExemplarChoice]:
        exemplars = self._exemplars.at_epoch(epoch)
        if self._pool is None or self._pool[0] != exemplars:
            self._pool = exemplars, ExemplarPool(exemplars)
        pool = self._pool[1]
        return pool.choose(self._source.at_epoch(epoch).card(index), rng, count=len(pool))


class WindowDataset(DiveDataset[WindowBatch]):
    """Random windows of each dive, new ones in every epoch. Join samples with `WindowBatch.stack`.

    A window takes a sixth of a clip's frames: where rendering or reading them takes the time, training sees six times
    as many dives. It may begin at any of the 96 sampled frames that leaves room for it, not only where the network's
    windows begin. Dives without masks raise `DataError`.
    """

    def __init__(
        self,
        source: DiveSource,
        transform: ClipTransform | None = None,
        *,
        windows: int = 2,
        frames: int = WINDOW_FRAMES,
        seed: int = 0,
    ) -> None:
        super().__init__(source, transform or ClipTransform.for_training(), seed=seed)
        self._windows, self._frames = windows, frames

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> WindowBatch:
        dive = self._source.at_epoch(epoch)[index]
        numbers = self._transform.numbers(dive, rng)
        starts = rng.integers(0, CLIP_FRAMES - self._frames + 1, self._windows)
        # Windows may share frames, and a short clip repeats some; each is read once.
        distinct, inverse = np.unique(numbers[starts[:, None] + np.arange(self._frames)], return_inverse=True)
        places = torch.from_numpy(inverse.reshape(self._windows, self._frames))
        frames, masks = dive.read(distinct.tolist()), dive.read_masks(distinct.tolist())
        if masks is None:
            raise DataError(f"{dive.location}: it has no masks, which the spatial parser is trained with.")
        clip, mask = self._transform(frames, masks, rng)
        if mask is None:
            raise ValueError("the transform dropped the masks")
        return WindowBatch(
            clip[:, places].transpose(0, 1),
            mask[:, places].transpose(0, 1),
            phases=torch.from_numpy(frame_phases(dive, numbers)[starts[:, None] + np.arange(self._frames)]),
            deductions=deductions_tensor(dive).expand(self._windows, -1),
        )


def frame_phases(dive: Dive, numbers: np.ndarray) -> np.ndarray:
    """Phase, 0 to 2, of each sampled frame, int64 [96]; -1 where the transitions are unknown."""
    transitions = dive.transitions(numbers)
    return np.full(len(numbers), -1) if transitions is None else transitions.phases()
