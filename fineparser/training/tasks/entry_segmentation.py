"""The task "entry-segmentation": body, airborne water and foam of the entry, pixel by pixel, of simulated dives.

Cache, `entry_segmentation/` in the folder of the run; 1,000 dives take 1.0 GB:

  crops.npy   uint8 [N, 17, 3, 128, 128]: the sixteen frames of an entry, and their median
  layers.npy  uint8 [N, 16, 3, 64, 64]: share of each pixel that is body, airborne water and foam

Cached crops are a third larger than those of the network: the augmentation shifts and scales them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from fineparser.data.batches import TensorBatch
from fineparser.data.simulated_datasets import EntryClipBatch, EntryDataset
from fineparser.data.transforms import jitter_colours
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.entry import FRAME_OFFSETS, LAYERS, EntryBranch, EntrySegmenter
from fineparser.model.protocol import Network
from fineparser.training.feature_cache import CacheContents, CachedDataset
from fineparser.training.losses import Losses, layer_mask_loss
from fineparser.training.options import OptionsError
from fineparser.training.tasks.base import PartialNetwork, StepContext, TaskContext, TrainingTask

ENTRY_MARGIN = 4 / 3
"""Side of a cached crop over that of the crop of the network."""
FRAMES_PER_SAMPLE = 5
"""Random frames of an entry in a sample."""
SMALLEST_CROP, LARGEST_CROP = 0.875, 1.175
"""Range of the sizes of augmented crops, over that of the crop of the network."""
SHIFT_DEVIATION = 1 / 16
"""Standard deviation of the shift of augmented crops, in sides of the crop of the network."""
GREY_PROBABILITY = 0.15
"""Share of the samples without colours."""


@dataclass(frozen=True)
class EntryCropBatch(TensorBatch):
    """F frames each of B entries."""

    crops: Tensor
    """float32 [B, F, 12, 96, 96], see `EntrySegmenter.channels`."""
    layers: Tensor
    """float32 [B, F, 3, 48, 48], 0 to 1."""

    def __len__(self) -> int:
        return len(self.crops)


class EntryCropsDataset(CachedDataset):
    """Some frames of each cached entry, with a random shift, scale, flip and colours."""

    def __getitem__(self, index: int) -> EntryCropBatch:
        """IndexError if there is no such clip."""
        rng = self._random(index)
        cached, layers = self._row("crops", index), self._row("layers", index)
        frames = np.sort(rng.choice(len(FRAME_OFFSETS), FRAMES_PER_SAMPLE, replace=False))
        neighbours = np.maximum(frames - 1, 0), np.minimum(frames + 1, len(FRAME_OFFSETS) - 1)
        crops, layers = cached[np.concatenate([frames, *neighbours, [len(FRAME_OFFSETS)]])], layers[frames]
        # Even numbers: a pixel of the layers is two pixels of the crop wide.
        side = 2 * round(self._size * rng.uniform(SMALLEST_CROP, LARGEST_CROP) / 2)
        spare = cached.shape[-1] - side
        left, top = np.clip(spare / 2 + rng.normal(0, SHIFT_DEVIATION * self._size, 2), 0, spare).astype(int) // 2 * 2
        crops = _resized_part(crops, (left, top, side), self._size)
        layers = _resized_part(layers, (left // 2, top // 2, side // 2), self._size // 2)
        if rng.random() < 0.5:
            crops, layers = crops[:, :, ::-1], layers[:, :, ::-1]
        is_inside = (crops > 1).any(-1, keepdims=True)
        if self._colour_jitter:
            crops = jitter_colours(crops, rng, self._colour_jitter)
        if rng.random() < GREY_PROBABILITY:
            crops = np.repeat(crops.mean(-1, keepdims=True), 3, axis=-1)
        # Black means outside of the frame, whatever the colours are.
        crops = np.where(is_inside, np.maximum(crops, 2), 0).astype(np.float32)
        images = torch.from_numpy(crops).permute(0, 3, 1, 2)
        current, before, after, median = images.split(FRAMES_PER_SAMPLE)
        offsets = torch.tensor(FRAME_OFFSETS)[frames]
        channels = EntrySegmenter.channels_of_frames(current, before, after, median, offsets)
        truth = torch.from_numpy(layers.astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous()
        return EntryCropBatch(channels[None], truth[None])


def _resized_part(pictures: np.ndarray, part: tuple[int, int, int], size: int) -> np.ndarray:
    """A square part (left, top, side) of pictures [N, 3, S, S], resized to [N, size, size, 3]."""
    left, top, side = part
    cut = pictures[..., top : top + side, left : left + side].transpose(0, 2, 3, 1)
    return np.stack([cv2.resize(np.ascontiguousarray(picture), (size, size)) for picture in cut])


class SegmentationNetwork(PartialNetwork):
    """Layers of entry crops; the entry segmenter alone is trained.

    Args:
        model: the network; OptionsError if it has no entry branch.
    """

    model: CompactFineParser

    def __init__(self, model: Network) -> None:
        super().__init__(model, [entry_branch(model, "entry-segmentation").segmenter])

    def forward(self, crops: Tensor) -> Tensor:
        """Crops [B, F, 12, 96, 96] -> logits of the layers [B * F, 3, 48, 48]."""
        return entry_branch(self.model, "entry-segmentation").segmenter(crops.flatten(0, 1))[0]


class EntrySegmentationTask(TrainingTask):
    """Training of the entry segmenter."""

    name: ClassVar[str] = "entry-segmentation"
    trained_part: ClassVar[str] = "the segmentation of the entry alone"
    cache_name: ClassVar[str | None] = "entry_segmentation"
    network: SegmentationNetwork

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        self.network = SegmentationNetwork(self.model)
        config, options = self.network.model.config, self.options
        clips = EntryDataset(
            context.training,
            cached_side(config),
            margin=ENTRY_MARGIN,
            scale=config.input_scale,
            with_layers=True,
            seed=options.seed,
        )
        self.write_cache(self.network.model, clips, entry_crop_cache(config))
        self._crops = EntryCropsDataset(self.cache_folder, config.crop_size, options.colour_jitter, seed=options.seed)

    def __len__(self) -> int:
        return len(self._crops)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[EntryCropBatch]:
        yield from self.read_batches(self._crops, epoch, indices)

    def losses(self, network: nn.Module, batch: EntryCropBatch, step: StepContext) -> Losses:
        batch = batch.to(self.device, non_blocking=True)
        layers = batch.layers.flatten(0, 1)
        weight = step.weights(len(layers), self.device)
        mask = layer_mask_loss(network(batch.crops), layers, weight, step.normaliser(weight))
        return Losses(mask=mask, mask_weight=self.options.mask_weight)


def entry_branch(model: Network, task: str) -> EntryBranch:
    """Entry branch of a network; OptionsError if it has none."""
    if not isinstance(model, CompactFineParser) or model.entry_branch is None:
        raise OptionsError(f"train={task!r} trains the entry branch: this network has none (entry_channels)")
    return model.entry_branch


def cached_side(config: CompactConfig) -> int:
    """Height and width of a cached crop in pixels."""
    return 2 * round(config.crop_size * ENTRY_MARGIN / 2)


def entry_crop_cache(config: CompactConfig) -> CacheContents:
    """Contents of the cache."""
    half, count = cached_side(config) // 2, len(FRAME_OFFSETS)
    return CacheContents(
        arrays={
            "crops": ((count + 1, 3, 2 * half, 2 * half), np.uint8),
            "layers": ((count, len(LAYERS), half, half), np.uint8),
        },
        compute=_compute_rows,
    )


def _compute_rows(_: CompactFineParser, batch: EntryClipBatch) -> tuple[np.ndarray, ...]:
    assert batch.layers is not None  # with_layers
    crops = torch.cat([batch.crops, batch.median[:, None]], dim=1)
    return crops.cpu().numpy(), batch.layers.cpu().numpy()
