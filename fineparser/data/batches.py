"""Stacked clips and pairs of clips: what the trainer and the evaluator take from the data.

A label that a dive lacks is zero in its tensor and False in the flags beside it, so that its loss can be left
out dive by dive.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch

from fineparser.data.dives import Dive
from fineparser.data.exemplars import ExemplarChoice
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.simulator.judges import PRICES


class TensorBatch:
    """Moves every tensor of a dataclass; what is no tensor stays."""

    @classmethod
    def stack(cls, batches: Sequence[Self]) -> Self:
        """Joins batches of nothing but tensors into one, in their order; what the first lacks, it lacks."""
        columns = ([getattr(batch, item.name) for batch in batches] for item in fields(cls))
        return cls(*(None if some[0] is None else torch.cat(some) for some in columns))

    def _map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Self:
        moved = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, torch.Tensor):
                moved[item.name] = change(value)
            elif isinstance(value, TensorBatch):
                moved[item.name] = value._map(change)
        return replace(self, **moved)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """The same batch with its tensors on `device`."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """The same batch in page-locked memory (torch's DataLoader asks for it by this name)."""
        return self._map(lambda tensor: tensor.pin_memory())


@dataclass(frozen=True)
class ClipBatch(TensorBatch):
    """Clips of B dives with their labels."""

    ids: tuple[str, ...]
    """The dives' ids."""

    codes: tuple[str | None, ...]
    """The dive numbers, None where not known."""

    clips: torch.Tensor
    """float32 [B, 3, 96, 112, 112], or so many times as large, normalised with ImageNet's mean and SD."""

    frame_numbers: torch.Tensor
    """int64 [B, 96]: the source's numbers of the sampled frames."""

    masks: torch.Tensor | None
    """bool [B, 1, 96, 112, 112], or so many times as large, True on the diver; None where no dive of the batch has
    masks."""

    has_masks: torch.Tensor
    """bool [B]."""

    transitions: torch.Tensor
    """int64 [B, 2]: indices of the first flight and first entry frame."""

    has_transitions: torch.Tensor
    """bool [B]."""

    scores: torch.Tensor
    """float32 [B], points."""

    has_scores: torch.Tensor
    """bool [B]."""

    difficulty: torch.Tensor
    """float32 [B]."""

    has_difficulty: torch.Tensor
    """bool [B]."""

    deductions: torch.Tensor
    """float32 [B, 13]: awards that each fault cost; NaN where they are not known."""

    deserved: torch.Tensor
    """float32 [B]: award of a judge without noise; NaN where it is not known."""

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of_dive(cls, dive: Dive, numbers: np.ndarray, clip: torch.Tensor, masks: torch.Tensor | None) -> "ClipBatch":
        """A batch of one: frames `numbers` [96] of a dive, `clip` and `masks` as they become."""
        transitions = dive.transitions(numbers)
        moments = (0, 0) if transitions is None else (transitions.flight, transitions.entry)
        return cls(
            ids=(dive.id,),
            codes=(None if dive.code is None else str(dive.code),),
            clips=clip[None],
            frame_numbers=torch.from_numpy(np.asarray(numbers, dtype=np.int64))[None],
            masks=None if masks is None else masks[None],
            has_masks=torch.tensor([masks is not None]),
            transitions=torch.tensor([moments]),
            has_transitions=torch.tensor([transitions is not None]),
            scores=torch.tensor([dive.score or 0.0], dtype=torch.float32),
            has_scores=torch.tensor([dive.score is not None]),
            difficulty=torch.tensor([dive.difficulty or 0.0], dtype=torch.float32),
            has_difficulty=torch.tensor([dive.difficulty is not None]),
            deductions=deductions_of(dive)[None],
            deserved=deserved_of(dive)[None],
        )

    @classmethod
    def stack(cls, batches: Sequence["ClipBatch"]) -> "ClipBatch":
        """Joins batches into one, in their order."""
        joined = {
            item.name: torch.cat([getattr(batch, item.name) for batch in batches])
            for item in fields(cls)
            if item.name not in ("ids", "codes", "masks")
        }
        masks = None
        if (known := next((batch.masks for batch in batches if batch.masks is not None), None)) is not None:
            masks = torch.cat([batch._masks_or_zeros(known.shape[-2:]) for batch in batches])
        return cls(
            ids=tuple(name for batch in batches for name in batch.ids),
            codes=tuple(code for batch in batches for code in batch.codes),
            masks=masks,
            **joined,
        )

    def _masks_or_zeros(self, size: torch.Size) -> torch.Tensor:
        if self.masks is not None:
            return self.masks
        return torch.zeros(len(self), 1, CLIP_FRAMES, *size, dtype=torch.bool, device=self.clips.device)


@dataclass(frozen=True)
class WindowBatch(TensorBatch):
    """Single windows out of the clips of several dives, with their masks."""

    clips: torch.Tensor
    """float32 [R, 3, 16, 112, 112], normalised as whole clips are."""

    masks: torch.Tensor
    """bool [R, 1, 16, 112, 112], True on the diver."""

    phases: torch.Tensor
    """int64 [R, 16]: 0 take-off, 1 flight, 2 entry; -1 where that is not known."""

    deductions: torch.Tensor
    """float32 [R, 13]: awards that each fault of the whole dive cost; NaN where they are not known."""

    def __len__(self) -> int:
        return len(self.clips)


def deductions_of(dive: Dive) -> torch.Tensor:
    """Awards that each fault of a dive cost, float32 [13]; NaN where they are not known."""
    if dive.deductions is None:
        return torch.full((len(PRICES),), torch.nan)
    return torch.tensor(dive.deductions, dtype=torch.float32)


def deserved_of(dive: Dive) -> torch.Tensor:
    """Award of a dive by a judge without noise, float32 []; NaN where it is not known."""
    return torch.tensor(torch.nan if dive.deserved is None else dive.deserved, dtype=torch.float32)


@dataclass(frozen=True)
class PairBatch(TensorBatch):
    """B pairs: clips to judge and the scored clips they are compared with."""

    query: ClipBatch
    exemplar: ClipBatch
    choices: tuple[ExemplarChoice, ...]
    """How each exemplar was chosen."""

    def __len__(self) -> int:
        return len(self.query)

    @property
    def has_scores(self) -> torch.Tensor:
        """bool [B]: whether both dives of the pair are scored."""
        return self.query.has_scores & self.exemplar.has_scores

    @classmethod
    def stack(cls, pairs: Sequence["PairBatch"]) -> "PairBatch":
        """Joins pairs into one batch; the `collate_fn` of a DataLoader over a `PairDataset`."""
        return cls(
            query=ClipBatch.stack([pair.query for pair in pairs]),
            exemplar=ClipBatch.stack([pair.exemplar for pair in pairs]),
            choices=tuple(choice for pair in pairs for choice in pair.choices),
        )
