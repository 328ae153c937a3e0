"""The task "entry-faults": the cost of faults from the segmented entry.

It follows the task "entry-segmentation", whose network segments the entries for the cache, `entry_faults/` in the
folder of the run; 1,000 dives take 0.4 GB:

  layers.npy  uint8 [N, 16, 3, 48, 48]: body, airborne water and foam, as segmented
  maps.npy    float16 [N, 16, 72, 12, 12]: features of the segmenter
  labels.npy  float32 [N, 34]: frames inside the clip, measures of the entry, cost of each fault, award of a judge
              without noise
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from fineparser.data.batches import TensorBatch
from fineparser.data.simulated_datasets import EntryClipBatch, EntryDataset
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.entry import ENTRY_MEASURES, FRAME_OFFSETS, LAYERS
from fineparser.model.protocol import Network
from fineparser.training.auxiliary_losses import entry_fault_loss
from fineparser.training.feature_cache import CacheContents, CachedDataset
from fineparser.training.losses import Losses
from fineparser.training.tasks.base import PartialNetwork, StepContext, TaskContext, TrainingTask
from fineparser.training.tasks.entry_segmentation import entry_branch

CONTRAST_DEVIATION = 0.15
"""Standard deviation of the logarithm of the factor on the layers of half of the samples."""
LABEL_GROUPS = (len(FRAME_OFFSETS), ENTRY_MEASURES, len(DEDUCTION_CURVES), 1)
"""Columns of the labels, see above."""


@dataclass(frozen=True)
class SegmentedEntryBatch(TensorBatch):
    """B segmented entries, see `FaultHead`."""

    layers: Tensor
    """float32 [B, 16, 3, 48, 48], 0 to 1."""
    maps: Tensor
    """float32 [B, 16, 72, 12, 12]"""
    inside: Tensor
    """bool [B, 16]"""
    measures: Tensor
    """float32 [B, 3]"""
    deductions: Tensor
    """float32 [B, 14]: awards that each fault cost; NaN if unknown."""
    award: Tensor
    """float32 [B]: award of a judge without noise; NaN if unknown."""

    def __len__(self) -> int:
        return len(self.layers)


class SegmentedEntries(CachedDataset):
    """Cached entries with a random flip and contrast."""

    def __getitem__(self, index: int) -> SegmentedEntryBatch:
        """IndexError if there is no such clip."""
        rng = self._random(index)
        arrays = (np.array(self._row(name, index)) for name in ("layers", "maps", "labels"))
        layers, maps, labels = map(torch.from_numpy, arrays)
        layers, maps = layers.float() / 255, maps.float()
        if rng.random() < 0.5:
            layers, maps = layers.flip(-1), maps.flip(-1)
        if rng.random() < 0.5:
            layers = (layers * float(np.exp(rng.normal(0, CONTRAST_DEVIATION)))).clamp_max(1)
        inside, measures, deductions, award = labels[None].split(LABEL_GROUPS, dim=1)
        return SegmentedEntryBatch(layers[None], maps[None], inside > 0, measures, deductions, award[:, 0])


class FaultNetwork(PartialNetwork):
    """Costs of faults from segmented entries; the fault head alone is trained.

    Args:
        model: the network; OptionsError if it has no entry branch.
    """

    model: CompactFineParser

    def __init__(self, model: Network) -> None:
        super().__init__(model, [entry_branch(model, "entry-faults").fault_head])

    def forward(self, batch: SegmentedEntryBatch) -> Tensor:
        """Deductions and award [B, 14] in standard deviations, see `FaultHead`."""
        head = entry_branch(self.model, "entry-faults").fault_head
        return head(batch.layers, batch.maps, batch.inside, batch.measures)


class EntryFaultsTask(TrainingTask):
    """Training of the fault head of the entry."""

    name: ClassVar[str] = "entry-faults"
    trained_part: ClassVar[str] = "the fault head of the entry alone"
    cache_name: ClassVar[str | None] = "entry_faults"
    network: FaultNetwork

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        self.network = FaultNetwork(self.model)
        config, options = self.network.model.config, self.options
        clips = EntryDataset(
            context.training,
            config.crop_size,
            scale=config.input_scale,
            seed=options.seed,
        )
        self.write_cache(context.inference_copy(), clips, segmented_entry_cache(config))
        self._entries = SegmentedEntries(self.cache_folder, config.crop_size, seed=options.seed)

    def __len__(self) -> int:
        return len(self._entries)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[SegmentedEntryBatch]:
        yield from self.read_batches(self._entries, epoch, indices)

    def losses(self, network: nn.Module, batch: SegmentedEntryBatch, step: StepContext) -> Losses:
        batch = batch.to(self.device, non_blocking=True)
        weight = step.weights(len(batch), self.device)
        return Losses(auxiliary=entry_fault_loss(network(batch), batch.deductions, batch.award, weight))


def segmented_entry_cache(config: CompactConfig) -> CacheContents:
    """Contents of the cache."""
    size, count, channels = config.crop_size, len(FRAME_OFFSETS), config.entry_channels[-2]
    return CacheContents(
        arrays={
            "layers": ((count, len(LAYERS), size // 2, size // 2), np.uint8),
            "maps": ((count, channels, size // 8, size // 8), np.float16),
            "labels": ((sum(LABEL_GROUPS),), np.float32),
        },
        compute=segment_entries,
    )


def segment_entries(model: CompactFineParser, batch: EntryClipBatch) -> tuple[np.ndarray, ...]:
    """Rows of the cache for B entries."""
    layers, maps = entry_branch(model, "entry-faults").segment(batch.crops, batch.median)
    labels = torch.cat([batch.inside.float(), batch.measures, batch.deductions, batch.award[:, None]], dim=1)
    return tuple(values.cpu().numpy() for values in (layers.mul(255).round().byte(), maps.half(), labels))
