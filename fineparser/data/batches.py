"""Batches of clips, windows and pairs of clips.

A label that a dive lacks is zero in its tensor and False in the flags of that label, so that its loss can be left out
dive by dive.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self, cast

import numpy as np
import torch

from fineparser.data.dives import Dive
from fineparser.data.exemplar_pool import ExemplarChoice
from fineparser.domain.clip_geometry import CLIP_FRAMES
from fineparser.domain.faults import DEDUCTION_CURVES


class TensorBatch:
    """Base class of dataclasses of tensors that move together; other fields stay."""

    @classmethod
    def stack(cls, batches: Sequence[Self]) -> Self:
        """Concatenate batches whose fields are all tensors; a field that the first one lacks stays None."""
        columns = ([getattr(batch, item.name) for batch in batches] for item in fields(cast(Any, cls)))
        return cls(*(None if tensors[0] is None else torch.cat(tensors) for tensors in columns))

    def _map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Self:
        moved: dict[str, object] = {}
        for item in fields(cast(Any, self)):
            value = getattr(self, item.name)
            if isinstance(value, torch.Tensor):
                moved[item.name] = change(value)
            elif isinstance(value, TensorBatch):
                moved[item.name] = value._map(change)
        return cast(Self, replace(cast(Any, self), **moved))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """Move the tensors to `device`."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """Move the tensors to page-locked memory (torch's DataLoader calls this method)."""
        return self._map(lambda tensor: tensor.pin_memory())


@dataclass(frozen=True)
class ClipBatch(TensorBatch):
    """Clips of B dives with their labels."""

    ids: tuple[str, ...]
    """Ids of the dives."""

    codes: tuple[str | None, ...]
    """Dive numbers, None where unknown."""

    clips: torch.Tensor
    """float32 [B, 3, 96, 112, 112], or a multiple of 112, normalised with ImageNet's mean and SD."""

    frame_numbers: torch.Tensor
    """int64 [B, 96]: source numbers of the sampled frames."""

    masks: torch.Tensor | None
    """bool [B, 1, 96, 112, 112], or a multiple of 112, True on the diver; None where no dive of the batch has masks."""

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
    """float32 [B, 14]: deduction of each fault in awards; NaN where unknown."""

    noise_free_award: torch.Tensor
    """float32 [B]: award of a judge without bias and noise; NaN where unknown."""

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def from_dive(cls, dive: Dive, numbers: np.ndarray, clip: torch.Tensor, masks: torch.Tensor | None) -> "ClipBatch":
        """Batch of one dive: its sampled frames `numbers` [96], with `clip` and `masks` without the batch dimension."""
        transitions = dive.transitions(numbers)
        indices = (0, 0) if transitions is None else (transitions.flight, transitions.entry)
        return cls(
            ids=(dive.id,),
            codes=(None if dive.code is None else str(dive.code),),
            clips=clip[None],
            frame_numbers=torch.from_numpy(np.asarray(numbers, dtype=np.int64))[None],
            masks=None if masks is None else masks[None],
            has_masks=torch.tensor([masks is not None]),
            transitions=torch.tensor([indices]),
            has_transitions=torch.tensor([transitions is not None]),
            scores=torch.tensor([dive.score or 0.0], dtype=torch.float32),
            has_scores=torch.tensor([dive.score is not None]),
            difficulty=torch.tensor([dive.difficulty or 0.0], dtype=torch.float32),
            has_difficulty=torch.tensor([dive.difficulty is not None]),
            deductions=deductions_tensor(dive)[None],
            noise_free_award=noise_free_award_tensor(dive)[None],
        )

    @classmethod
    def stack(cls, batches: Sequence["ClipBatch"]) -> "ClipBatch":
        """Concatenate batches."""
        joined = {
            item.name: torch.cat([getattr(batch, item.name) for batch in batches])
            for item in fields(cls)
            if item.name not in ("ids", "codes", "masks")
        }
        masks = None
        if (some := next((batch.masks for batch in batches if batch.masks is not None), None)) is not None:
            masks = torch.cat([batch._masks_or_zeros(some.shape[-2:]) for batch in batches])
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
    """Single windows of the clips of several dives, with their masks."""

    clips: torch.Tensor
    """float32 [R, 3, 16, 112, 112], normalised as whole clips are."""

    masks: torch.Tensor
    """bool [R, 1, 16, 112, 112], True on the diver."""

    phases: torch.Tensor
    """int64 [R, 16]: 0 take-off, 1 flight, 2 entry; -1 where unknown."""

    deductions: torch.Tensor
    """float32 [R, 14]: deduction of each fault of the whole dive in awards; NaN where unknown."""

    def __len__(self) -> int:
        return len(self.clips)


def deductions_tensor(dive: Dive) -> torch.Tensor:
    """Deduction of each fault of a dive in awards, float32 [14]; NaN where unknown."""
    if dive.deductions is None:
        return torch.full((len(DEDUCTION_CURVES),), torch.nan)
    return torch.tensor(dive.deductions, dtype=torch.float32)


def noise_free_award_tensor(dive: Dive) -> torch.Tensor:
    """Award of a dive by a judge without bias and noise, float32 []; NaN where unknown."""
    return torch.tensor(torch.nan if dive.noise_free_award is None else dive.noise_free_award, dtype=torch.float32)


@dataclass(frozen=True)
class PairBatch(TensorBatch):
    """B pairs of a query clip and the scored exemplar it is compared with."""

    query: ClipBatch
    exemplar: ClipBatch
    choices: tuple[ExemplarChoice, ...]
    """Choice of each exemplar."""

    def __len__(self) -> int:
        return len(self.query)

    @property
    def has_scores(self) -> torch.Tensor:
        """bool [B]: True where both dives of the pair are scored."""
        return self.query.has_scores & self.exemplar.has_scores

    @classmethod
    def stack(cls, pairs: Sequence["PairBatch"]) -> "PairBatch":
        """Concatenate pairs; the `collate_fn` of a DataLoader over a `PairDataset`."""
        return cls(
            query=ClipBatch.stack([pair.query for pair in pairs]),
            exemplar=ClipBatch.stack([pair.exemplar for pair in pairs]),
            choices=tuple(choice for pair in pairs for choice in pair.choices),
        )
