"""A small U-Net on crops, of which the mask refiner and the entry segmenter are made."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class CropUNet(nn.Module):
    """A U-Net (Ronneberger et al. 2015) on crops.

    crop [C, S, S], pixels of 2 x 2 as channels:
      1/2 ---- 1/4 ---- 1/8 ---- 1/16
       |        |        |         |
      join <-- join <-- join <-----/
    """

    def __init__(self, in_channels: int, channels: Sequence[int], extra_convolutions: int) -> None:
        """
        Args:
            in_channels: of a crop.
            channels: of the maps, the finest first.
            extra_convolutions: on each level but the first, which has one, beside the convolution that halves the map.
        """
        super().__init__()
        self.levels, before = nn.ModuleList(), 4 * in_channels
        for number, width in enumerate(channels):
            stride, more = (1, 1) if number == 0 else (2, extra_convolutions)
            level = [convolution_block(before, width, stride)]
            self.levels.append(nn.Sequential(*level, *(convolution_block(width, width) for _ in range(more))))
            before = width
        self.joins = nn.ModuleList()
        for width in reversed(channels[:-1]):
            self.joins.append(convolution_block(before + width, width))
            before = width

    def forward(self, crops: Tensor, dtype: torch.dtype) -> list[Tensor]:
        """Crops [N, C, S, S] -> the output of each join, computed in `dtype`: [N, C, S / 8, S / 8] first and
        [N, C, S / 2, S / 2] last."""
        x, skips = functional.pixel_unshuffle(crops.to(dtype), 2), []
        x = x.contiguous(memory_format=torch.channels_last)
        for level in self.levels:
            skips.append(x := level(x))
        maps = []
        for join, skip in zip(self.joins, reversed(skips[:-1]), strict=True):
            maps.append(x := join(with_skip(x, skip)))
        return maps


def convolution_block(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """A convolution of 3 x 3, a batch norm and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def with_skip(coarse: Tensor, skip: Tensor) -> Tensor:
    """A coarse map [N, C, H, W], enlarged, and a skip connection [N, D, 2 H, 2 W]: [N, C + D, 2 H, 2 W]."""
    return torch.cat([functional.interpolate(coarse, skip.shape[2:], mode="nearest"), skip], dim=1)
