"""Inflated 3D Inception (Carreira and Zisserman, CVPR 2017), at any width.

Parameters are named as in the Kinetics checkpoint that the published FineParser starts from, so that those
weights load as they are.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from fineparser.model.config import NetworkConfig
from fineparser.model.cpu.column_pairs import ColumnPairConv3d, ColumnPairs

# Channels of the six convolutions of each mixed block at width 1: 1x1; 1x1 and 3x3x3; 1x1 and 3x3x3; after pooling.
MIXED_CHANNELS = {
    "mixed_3b": (64, 96, 128, 16, 32, 32),
    "mixed_3c": (128, 128, 192, 32, 96, 64),
    "mixed_4b": (192, 96, 208, 16, 48, 64),
    "mixed_4c": (160, 112, 224, 24, 64, 64),
    "mixed_4d": (128, 128, 256, 24, 64, 64),
    "mixed_4e": (112, 144, 288, 32, 64, 64),
    "mixed_4f": (256, 160, 320, 32, 128, 128),
    "mixed_5b": (256, 160, 320, 32, 128, 128),
    "mixed_5c": (384, 192, 384, 48, 128, 128),
}
TRUNK_BLOCKS = tuple(name for name in MIXED_CHANNELS if not name.startswith("mixed_5"))
TOP_BLOCKS = ("mixed_5b", "mixed_5c")
MAX_FRAMES_IN_FLOAT32 = 2
"""Up to this many frames, convolutions stay in float32 while training on a CPU: oneDNN's gradient of a 3x3x3 kernel in
bf16 is sometimes infinite there (seen with torch 2.15.0), and they cost little."""


@dataclass(frozen=True)
class I3DStages:
    """Features of N windows of 16 frames of 112 x 112 pixels, at four depths."""

    stem: Tensor
    """[N, 64, 8, 56, 56]"""
    convolved: Tensor
    """[N, 192, 8, 28, 28]"""
    mixed_3: Tensor
    """[N, 480, 8, 14, 14]"""
    mixed_4: Tensor
    """[N, 832, 4, 7, 7]"""


class Unit3D(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.batch3d = nn.BatchNorm3d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.batch3d(self._convolve(x)))

    def _convolve(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() and x.device.type == "cpu" and x.shape[2] <= MAX_FRAMES_IN_FLOAT32:
            with torch.autocast("cpu", enabled=False):
                return self.conv3d(x.to(self.conv3d.weight.dtype))
        return self.conv3d(x)


class Stem(Unit3D):
    """First unit, 7x7x7 at stride 2, padded as TensorFlow's SAME is: the odd surplus goes to the end."""

    def __init__(self, out_channels: int) -> None:
        super().__init__(3, out_channels)
        self.pairs = ColumnPairs(before=2, after=3)
        self.conv3d = ColumnPairConv3d(3, out_channels, 7, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.pairs(x))


class MaxPool3d(nn.MaxPool3d):
    """PyTorch's, at the precision of its input: autocast on CPUs would widen it, which changes nothing but the time."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x)


class Mixed(nn.Module):
    """An inception block: four branches over the same input, concatenated."""

    def __init__(self, in_channels: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        plain, before_1, branch_1, before_2, branch_2, pooled = channels
        self.branch_0 = Unit3D(in_channels, plain)
        self.branch_1 = nn.Sequential(Unit3D(in_channels, before_1), Unit3D(before_1, branch_1, 3))
        self.branch_2 = nn.Sequential(Unit3D(in_channels, before_2), Unit3D(before_2, branch_2, 3))
        self.branch_3 = nn.Sequential(MaxPool3d(3, 1, padding=1), Unit3D(in_channels, pooled))
        self.out_channels = plain + branch_1 + branch_2 + pooled

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch_0(x), self.branch_1(x), self.branch_2(x), self.branch_3(x)], dim=1)


class I3DTrunk(nn.Module):
    """An I3D up to mixed 4, which ends where the spatial parser of `CompactFineParser` does.

    windows [N, 3, 16, 112, 112] -> stem -> 2 convolutions -> mixed 3 -> mixed 4 [N, 832, 4, 7, 7]

    Pools cut what reaches past the end instead of padding with zeros as TensorFlow does: after a ReLU the
    maximum is the same.
    """

    mixed_3b: Mixed
    mixed_3c: Mixed
    mixed_4b: Mixed
    mixed_4c: Mixed
    mixed_4d: Mixed
    mixed_4e: Mixed
    mixed_4f: Mixed

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        scaled = config.i3d_channels
        self.conv3d_1a_7x7 = Stem(scaled(64))
        self.pool_2a = MaxPool3d((1, 3, 3), (1, 2, 2), ceil_mode=True)
        self.conv3d_2b_1x1 = Unit3D(scaled(64), scaled(64))
        self.conv3d_2c_3x3 = Unit3D(scaled(64), scaled(192), 3)
        self.pool_3a = MaxPool3d((1, 3, 3), (1, 2, 2), ceil_mode=True)
        self.pool_4a = MaxPool3d(3, 2, ceil_mode=True)
        self.stage_channels = [scaled(64), scaled(192)]
        width = scaled(192)
        for name in TRUNK_BLOCKS:
            block = Mixed(width, tuple(scaled(count) for count in MIXED_CHANNELS[name]))
            self.add_module(name, block)
            width = block.out_channels
            if name in ("mixed_3c", "mixed_4f"):
                self.stage_channels.append(width)

    @property
    def dtype(self) -> torch.dtype:
        """Type in which it computes: autocast's choice, or that of its weights."""
        weight = next(self.parameters())
        if torch.is_autocast_enabled(weight.device.type):
            return torch.get_autocast_dtype(weight.device.type)
        return weight.dtype

    def forward(self, windows: Tensor) -> I3DStages:
        """windows [N, 3, 16, 112, 112] -> features at the four depths of the side outputs."""
        stem = self.conv3d_1a_7x7(windows)
        convolved = self.conv3d_2c_3x3(self.conv3d_2b_1x1(self.pool_2a(stem)))
        mixed_3 = self.mixed_3c(self.mixed_3b(self.pool_3a(convolved)))
        mixed_4 = self.pool_4a(mixed_3)
        for block in (self.mixed_4b, self.mixed_4c, self.mixed_4d, self.mixed_4e, self.mixed_4f):
            mixed_4 = block(mixed_4)
        return I3DStages(stem, convolved, mixed_3, mixed_4)


class I3D(I3DTrunk):
    """The whole backbone, of both the dynamic branch and the spatial action parser of `FineParser`.

    windows [N, 3, 16, 112, 112] -> stem -> 2 convolutions -> mixed 3 -> mixed 4 -> mixed 5 -> mean: [N, 1024]
    """

    mixed_5b: Mixed
    mixed_5c: Mixed

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.pool_5a = MaxPool3d(2, 2, ceil_mode=True)
        _add_top_blocks(self, config)

    def window_feature(self, mixed_4: Tensor) -> Tensor:
        """mixed 4 [N, 832, 4, 7, 7] -> the feature of each window [N, 1024]."""
        return _mean_of_top_blocks(self, mixed_4)


class I3DTop(nn.Module):
    """The last two blocks of an I3D alone, over the mixed 4 of an `I3DTrunk`.

    mixed 4 [N, 832, 4, 7, 7] -> [N, 1024]
    """

    mixed_5b: Mixed
    mixed_5c: Mixed

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.pool_5a = MaxPool3d(2, 2, ceil_mode=True)
        _add_top_blocks(self, config)

    def forward(self, mixed_4: Tensor) -> Tensor:
        return _mean_of_top_blocks(self, mixed_4)


def _add_top_blocks(top: I3D | I3DTop, config: NetworkConfig) -> None:
    width = block_width("mixed_4f", config)
    for name in TOP_BLOCKS:
        block = Mixed(width, tuple(config.i3d_channels(count) for count in MIXED_CHANNELS[name]))
        top.add_module(name, block)
        width = block.out_channels


def _mean_of_top_blocks(top: I3D | I3DTop, mixed_4: Tensor) -> Tensor:
    """Output of the last blocks [N, 1024, 2, 4, 4] over mixed 4, averaged: [N, 1024]."""
    return top.mixed_5c(top.mixed_5b(top.pool_5a(mixed_4))).mean(dim=(2, 3, 4), dtype=torch.float32)


def block_width(name: str, config: NetworkConfig) -> int:
    """Output channels of a mixed block: all but those of its two reductions."""
    plain, _, branch_1, _, branch_2, pooled = map(config.i3d_channels, MIXED_CHANNELS[name])
    return plain + branch_1 + branch_2 + pooled


def windows_of(frames: Tensor, config: NetworkConfig) -> Tensor:
    """The overlapping windows [B * 9, 3, 16, 112, 112] of frames [B, 3, 96, 112, 112], channels last in memory, where
    convolutions and pools are fastest."""
    pixels = rearrange(frames, "b c t h w -> b t h w c").contiguous()
    windows = pixels.unfold(1, config.window_frames, config.window_stride)  # [B, 9, 112, 112, 3, 16]
    return rearrange(windows, "b n h w c t -> (b n) t h w c").contiguous().permute(0, 4, 1, 2, 3)
