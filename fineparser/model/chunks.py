"""Batches in chunks, so that the memory of one chunk is used again for the next."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from fineparser.model.config import CompactConfig, NetworkConfig

CHUNK_BYTES = 32 * 2**20
"""Memory of the largest feature of a chunk. The C library requests larger blocks from the system each time, and
clearing their pages takes as long as filling them."""
REFINER_CHANNELS, ENTRY_CHANNELS = 10, 12
"""Input channels of `MaskRefiner` and of `EntrySegmenter`."""


@dataclass(frozen=True, kw_only=True)
class ChunkSizes:
    """Samples that a network computes at once; None: all of a batch."""

    windows: int | None = None
    """Windows of the I3D."""
    frames: int | None = None
    """Frames, or crops of frames, of the ResNet."""
    refiner_crops: int | None = None
    """Crops of the mask refiner."""
    entry_crops: int | None = None
    """Crops of the entry segmenter."""

    @classmethod
    def for_cpu(cls, config: NetworkConfig, dtype: torch.dtype) -> Self:
        """Sizes at which no feature is larger than `CHUNK_BYTES`."""
        side = config.image_size // 2
        window = config.i3d_channels(64) * config.window_frames // 2 * side**2
        frame = config.resnet_channels[0] * side**2
        refiner = entry = None
        if isinstance(config, CompactConfig):
            crop = (config.crop_size // 2) ** 2
            if config.refiner_channels:
                refiner = _fitting(max(config.refiner_channels[0], 4 * REFINER_CHANNELS) * crop, dtype)
            if config.entry_channels:
                entry = _fitting(max(config.entry_channels[0], 4 * ENTRY_CHANNELS) * crop, dtype)
        return cls(
            windows=_fitting(window, dtype), frames=_fitting(frame, dtype), refiner_crops=refiner, entry_crops=entry
        )


def _fitting(numbers: int, dtype: torch.dtype) -> int:
    return max(1, CHUNK_BYTES // (numbers * dtype.itemsize))


def chunks(batch: Tensor, size: int | None) -> tuple[Tensor, ...]:
    """A batch in chunks of about equal size, at most `size` samples each; None: in one."""
    return batch.chunk(-(-len(batch) // (size or len(batch))))
