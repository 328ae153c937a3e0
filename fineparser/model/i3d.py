"""Inflated 3D Inception (Carreira and Zisserman, CVPR 2017), at any width.

Parameters are named as in the Kinetics checkpoint that the published FineParser starts from, so that those
weights load as they are.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fineparser.model.column_pairs import ColumnPairConv3d, ColumnPairs
from fineparser.model.config import FineParserConfig

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


SHORT = 2
"""Over so few frames oneDNN's gradient of a 3x3x3 kernel in bf16 is infinite now and then (seen with torch 2.15.0): in
training on a processor such convolutions, which cost little, stay in float32."""


@dataclass(frozen=True)
class I3DStages:
    """What the I3D sees in N windows of 16 frames of 112 x 112, at the depths where others tap it."""

    stem: Tensor
    """[N, 64, 8, 56, 56]"""
    convolved: Tensor
    """[N, 192, 8, 28, 28]"""
    mixed_3: Tensor
    """[N, 480, 8, 14, 14]"""
    mixed_4: Tensor
    """[N, 832, 4, 7, 7]"""
    feature: Tensor
    """[N, 1024]: what `I3DTop` makes of it."""


class Unit3D(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.batch3d = nn.BatchNorm3d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.batch3d(self._convolved(x)))

    def _convolved(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() and x.device.type == "cpu" and x.shape[2] <= SHORT:
            with torch.autocast("cpu", enabled=False):
                return self.conv3d(x.to(self.conv3d.weight.dtype))
        return self.conv3d(x)


class Stem(Unit3D):
    """The first unit, 7x7x7 at stride 2, padded as TensorFlow's SAME is: the odd surplus goes to the end."""

    def __init__(self, out_channels: int) -> None:
        super().__init__(3, out_channels)
        self.pairs = ColumnPairs(before=2, after=3)
        self.conv3d = ColumnPairConv3d(3, out_channels, 7, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.pairs(x))


class MaxPool3d(nn.MaxPool3d):
    """PyTorch's at the precision that comes in: autocast on processors would widen it, to no effect but time."""

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


class I3D(nn.Module):
    """The backbone of both the dynamic branch and the spatial action parser.

    windows [N, 3, 16, 112, 112] -> stem -> 2 convolutions -> mixed 3 -> mixed 4 -> mixed 5 -> mean: [N, 1024]

    Pools cut what reaches past the end instead of padding with zeros as TensorFlow does: after a ReLU the
    maximum is the same.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        scaled = config.i3d_channels
        self.conv3d_1a_7x7 = Stem(scaled(64))
        self.pool_2a = MaxPool3d((1, 3, 3), (1, 2, 2), ceil_mode=True)
        self.conv3d_2b_1x1 = Unit3D(scaled(64), scaled(64))
        self.conv3d_2c_3x3 = Unit3D(scaled(64), scaled(192), 3)
        self.pool_3a = MaxPool3d((1, 3, 3), (1, 2, 2), ceil_mode=True)
        self.pool_4a = MaxPool3d(3, 2, ceil_mode=True)
        self.pool_5a = MaxPool3d(2, 2, ceil_mode=True)
        self.stage_channels = [scaled(64), scaled(192)]
        width = scaled(192)
        for name, channels in MIXED_CHANNELS.items():
            block = Mixed(width, tuple(scaled(count) for count in channels))
            self.add_module(name, block)
            width = block.out_channels
            if name in ("mixed_3c", "mixed_4f"):
                self.stage_channels.append(width)

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in: autocast's choice, else that of its weights."""
        weight = next(self.parameters())
        if torch.is_autocast_enabled(weight.device.type):
            return torch.get_autocast_dtype(weight.device.type)
        return weight.dtype

    def forward(self, windows: Tensor, feature: bool = True) -> I3DStages:
        """windows [N, 3, 16, 112, 112] -> features at every tapped depth, the last one where it is asked for."""
        stem = self.conv3d_1a_7x7(windows)
        convolved = self.conv3d_2c_3x3(self.conv3d_2b_1x1(self.pool_2a(stem)))
        mixed_3 = self.mixed_3c(self.mixed_3b(self.pool_3a(convolved)))
        mixed_4 = self.pool_4a(mixed_3)
        for block in (self.mixed_4b, self.mixed_4c, self.mixed_4d, self.mixed_4e, self.mixed_4f):
            mixed_4 = block(mixed_4)
        return I3DStages(stem, convolved, mixed_3, mixed_4, window_feature(self, mixed_4) if feature else None)


class I3DTop(nn.Module):
    """The last two blocks of an I3D alone, over the mixed 4 of another one that is shared.

    mixed 4 [N, 832, 4, 7, 7] -> [N, 1024]
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        width = block_width("mixed_4f", config)
        self.pool_5a = MaxPool3d(2, 2, ceil_mode=True)
        for name in ("mixed_5b", "mixed_5c"):
            block = Mixed(width, tuple(config.i3d_channels(count) for count in MIXED_CHANNELS[name]))
            self.add_module(name, block)
            width = block.out_channels

    def forward(self, mixed_4: Tensor) -> Tensor:
        return window_feature(self, mixed_4)


def window_feature(top: I3D | I3DTop, mixed_4: Tensor) -> Tensor:
    """The last blocks' output [N, 1024, 2, 4, 4] over mixed 4, averaged: [N, 1024]."""
    return top.mixed_5c(top.mixed_5b(top.pool_5a(mixed_4))).mean(dim=(2, 3, 4), dtype=torch.float32)


def block_width(name: str, config: FineParserConfig) -> int:
    """Channels that a mixed block gives: all but those of its two reductions."""
    plain, _, branch_1, _, branch_2, pooled = map(config.i3d_channels, MIXED_CHANNELS[name])
    return plain + branch_1 + branch_2 + pooled
