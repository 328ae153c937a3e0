"""The task "refiner": the mask refiner alone, from cached crops with their backgrounds.

Cache, `refiner/` in the folder of the run; 1,000 dives take 3.8 GB:

  crops.npy  uint8 [N, 24, 11, 120, 120]: red, green, blue of the frame and of the background; spread and count of the
             background, see `Background`; the masks of the spatial parser, of the crop decoder, and the true one

Every fourth frame of each clip. Cached crops are a quarter larger than those of the network: the augmentation shifts
them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from fineparser.data.batches import TensorBatch
from fineparser.data.clip_input import clip_input
from fineparser.data.simulated_datasets import PoseBatch
from fineparser.data.transforms import jitter_colours
from fineparser.model.background import Background
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.crop_track import CropTrack
from fineparser.model.mask_refiner import MaskRefiner, background_of
from fineparser.model.protocol import Network, frame_probability
from fineparser.training.encoded_dives import resize_clips
from fineparser.training.feature_cache import CacheContents, CachedDataset
from fineparser.training.losses import Losses, dice_mask_loss
from fineparser.training.mask_threshold import calibrate_mask_bias
from fineparser.training.options import OptionsError
from fineparser.training.tasks.base import PartialNetwork, StepContext, TaskContext, TrainingTask
from fineparser.training.tasks.crops import CROP_MARGIN, posed_clips

FRAME_STRIDE = 4
"""Frames between two cached frames."""
FRAMES_PER_SAMPLE = 8
"""Random frames of a clip in a sample."""
BACKGROUND_DROPOUT = 0.05
"""Share of the samples without a background: there is none if the camera motion cannot be estimated."""
CHANNEL_GROUPS = (3, 3, 1, 1, 1, 1, 1)
"""Channels of a cached crop, see above."""


@dataclass(frozen=True)
class RefinerBatch(TensorBatch):
    """F crops each of B clips."""

    crops: Tensor
    """float32 [B, F, 10, 96, 96], see `MaskRefiner.channels`."""
    truth: Tensor
    """bool [B, F, 96, 96]: true mask."""

    def __len__(self) -> int:
        return len(self.crops)


class RefinerCrops(CachedDataset):
    """Some of the cached frames of each clip, with a random shift, flip and colours."""

    def __getitem__(self, index: int) -> RefinerBatch:
        """IndexError if there is no such clip."""
        rng = self._random(index)
        cached = self._row("crops", index)
        frames = np.sort(rng.choice(len(cached), min(FRAMES_PER_SAMPLE, len(cached)), replace=False))
        left, top = rng.integers(0, cached.shape[-1] - self._size + 1, 2)
        crops = cached[frames][..., top : top + self._size, left : left + self._size]
        if rng.random() < 0.5:
            crops = crops[..., ::-1]
        frame, background, spread, count, *masks = np.split(crops, np.cumsum(CHANNEL_GROUPS)[:-1], axis=1)
        if rng.random() < BACKGROUND_DROPOUT:
            background, spread, count = frame, np.zeros_like(spread), np.zeros_like(count)
        if self._colour_jitter:
            both = np.concatenate([frame, background]).transpose(0, 2, 3, 1)
            both = jitter_colours(both, rng, self._colour_jitter).transpose(0, 3, 1, 2)
            frame, background = both[: len(frames)], both[len(frames) :]
        colours = (torch.from_numpy(np.ascontiguousarray(values)) for values in (frame, background))
        statistics = (torch.from_numpy(np.ascontiguousarray(values[:, 0])) for values in (spread, count))
        window_masks, predicted, truth = (torch.from_numpy(mask[:, 0] / np.float32(255)) for mask in masks)
        channels = MaskRefiner.channels(Background(*colours, *statistics), window_masks, predicted)
        return RefinerBatch(channels[None], (truth >= 0.5)[None])


class RefinerNetwork(PartialNetwork):
    """Refined masks of crops; the refiner alone is trained.

    Args:
        model: the network; OptionsError if it has no refiner.
    """

    model: CompactFineParser

    def __init__(self, model: Network) -> None:
        super().__init__(model, [mask_refiner(model)])

    def forward(self, crops: Tensor) -> Tensor:
        """Crops [B, F, 10, 96, 96] -> mask logits [B, F, 96, 96]."""
        return mask_refiner(self.model)(crops.flatten(0, 1)).unflatten(0, crops.shape[:2])


class RefinerTask(TrainingTask):
    """Training of the mask refiner."""

    name: ClassVar[str] = "refiner"
    trained_part: ClassVar[str] = "the mask refiner alone"
    checkpoint_metrics: ClassVar[tuple[str, ...]] = ("mask_iou",)
    cache_name: ClassVar[str | None] = "refiner"
    calibrates_mask_threshold: ClassVar[bool] = True
    network: RefinerNetwork

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        self.network = RefinerNetwork(self.model)
        config, options = self.network.model.config, self.options
        self._clips = posed_clips(context.training, config, options)
        self.write_cache(context.inference_copy(), self._clips, refiner_cache(config))
        self._crops = RefinerCrops(self.cache_folder, config.crop_size, options.colour_jitter, seed=options.seed)

    def __len__(self) -> int:
        return len(self._crops)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[RefinerBatch]:
        yield from self.read_batches(self._crops, epoch, indices)

    def losses(self, network: nn.Module, batch: RefinerBatch, step: StepContext) -> Losses:
        batch = batch.to(self.device, non_blocking=True)
        weight = step.weights(len(batch), self.device)
        mask = dice_mask_loss([network(batch.crops)], batch.truth, weight, step.normaliser(weight))
        return Losses(mask=mask, mask_weight=self.options.mask_weight)

    def calibrate_mask_threshold(self) -> float:
        return calibrate_mask_bias(self.network.model, self._clips, mask_refiner(self.model).change)


def mask_refiner(model: Network) -> MaskRefiner:
    """Mask refiner of a network; OptionsError if it has none."""
    if not isinstance(model, CompactFineParser) or model.mask_refiner is None:
        raise OptionsError("train='refiner' trains the mask refiner: this network has none (refiner_channels)")
    return model.mask_refiner


def refiner_cache(config: CompactConfig) -> CacheContents:
    """Contents of the cache."""
    side, frames = round(config.crop_size * CROP_MARGIN), len(range(0, config.clip_frames, FRAME_STRIDE))
    return CacheContents(
        arrays={"crops": ((frames, sum(CHANNEL_GROUPS), side, side), np.uint8)}, compute=compute_refiner_crops
    )


def compute_refiner_crops(model: CompactFineParser, batch: PoseBatch) -> tuple[np.ndarray, ...]:
    """Rows of the cache for B clips: crops [B, 24, 11, 120, 120]."""
    config = model.config
    clip = clip_input(resize_clips(batch.clips.clips, config.input_size))
    assert batch.clips.masks is not None  # PoseDataset refuses dives without masks
    true_masks = batch.clips.masks[:, 0]
    window_masks = frame_probability(model.predict_masks(clip.frames), config.window_starts)
    masks = model.track_features(clip.frames, window_masks).masks.float()
    frames = list(range(0, config.clip_frames, FRAME_STRIDE))
    side = round(config.crop_size * CROP_MARGIN)
    rows = []
    for number, (single, track) in enumerate(zip(clip, CropTrack.from_masks(masks), strict=True)):
        crops = track.select_frames(frames).enlarge(CROP_MARGIN)
        background = background_of(single, masks[number], crops, side, frames)
        colours = [background.crops, background.background]
        statistics = [background.spread[:, None], background.count[:, None]]
        layers = [
            crops.crop(mask[number].float()[None, None, frames], side).mul(255)
            for mask in (window_masks, masks, true_masks)
        ]
        channels = torch.cat([*colours, *statistics, *layers], dim=1)
        rows.append(channels.round().clamp(0, 255).byte().cpu().numpy())
    return (np.stack(rows),)
