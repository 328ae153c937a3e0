"""The spatial action parser (SAP): segments the diver in every frame of a window."""

from abc import abstractmethod

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import CompactConfig, FineParserConfig, NetworkConfig
from fineparser.model.i3d import I3D, I3DStages, I3DTrunk


class Upsampling(nn.ConvTranspose3d):
    """Learnt upsampling by (time, space, space), initialised as trilinear interpolation of each channel.

    [N, C, T, H, W] -> [N, C, time T, space H, space W]
    """

    def __init__(self, channels: int, time: int, space: int) -> None:
        super().__init__(
            channels,
            channels,
            kernel_size=(2 * time, 2 * space, 2 * space),
            stride=(time, space, space),
            padding=(time // 2, space // 2, space // 2),
            bias=False,
        )
        with torch.no_grad():
            self.weight.copy_(torch.eye(channels)[:, :, None, None, None] * trilinear(time, space))

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return upsample(x, self.weight)


class MaskUpsampling(nn.Module):
    """Learnt upsampling by (time, space, space) to a single channel, initialised as trilinear interpolation of a
    random mixture of the channels: an `Upsampling` and the 1x1 convolution after it in one kernel.

    [N, C, T, H, W] -> [N, 1, time T, space H, space W]
    """

    def __init__(self, channels: int, time: int, space: int) -> None:
        super().__init__()
        mixture = torch.empty(channels).uniform_(-1, 1) / (2 * channels**0.5)
        self.weight = nn.Parameter(mixture[:, None, None, None, None] * trilinear(time, space))

    def forward(self, x: Tensor) -> Tensor:
        return upsample(x, self.weight)


def upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """The transposed convolution at half the kernel's size as stride and a quarter as padding.

    Every output voxel then depends on two neighbours along each axis, through weights of the kernel that depend on its
    position within the stride alone. So an ordinary convolution with a kernel of 2 computes one channel for each
    position, and the channels are rearranged over space: ten times as fast as PyTorch's transposed convolution.

    Args:
        x: [N, I, T, H, W].
        kernel: [I, O, 2 time, 2 space, 2 space].

    Returns:
        [N, O, time T, space H, space W].
    """
    strides = tuple(size // 2 for size in kernel.shape[2:])
    pqr = dict(zip("pqr", strides, strict=True))
    blocks = rearrange(kernel, "i o (a p) (b q) (c r) -> (o p q r) i a b c", a=2, b=2, c=2, **pqr)
    blocks = blocks.flip(2, 3, 4)  # the nearer neighbour is the later one
    y = functional.conv3d(x, blocks, padding=1)  # [N, O p q r, T + 1, H + 1, W + 1]
    y = rearrange(y, "n (o p q r) t h w -> n o (t p) (h q) (w r)", **pqr)
    inside = (slice(step // 2, step // 2 + step * size) for step, size in zip(strides, x.shape[2:], strict=True))
    return y[:, :, *inside]


def trilinear(time: int, space: int) -> Tensor:
    """Kernel [2 time, 2 space, 2 space] of trilinear interpolation."""
    in_time, in_space = triangle(2 * time), triangle(2 * space)
    return in_time[:, None, None] * in_space[:, None] * in_space


def triangle(size: int) -> Tensor:
    """Kernel of linear interpolation that upsamples by size / 2: [size], its taps at any phase sum to 1."""
    offsets = torch.arange(size) - (size - 1) / 2
    return 1 - offsets.abs() / (size / 2)


# (time, space) by which each side feature is smaller than its window.
SIDE_STRIDES = ((2, 2), (2, 4), (2, 8), (4, 16))


class SideParser(nn.Module):
    """The parts that both spatial parsers share: a backbone with a side feature and a mask at each of its depths."""

    i3d: I3DTrunk

    def __init__(self, i3d: I3DTrunk, config: NetworkConfig) -> None:
        super().__init__()
        self.i3d = i3d
        side = config.side_channels
        self.side_features = nn.ModuleList(nn.Conv3d(channels, side, 1, bias=False) for channels in i3d.stage_channels)
        self.side_scores = nn.ModuleList(nn.Conv3d(side, 1, 1) for _ in SIDE_STRIDES)
        self.upsample_scores = nn.ModuleList(Upsampling(1, *strides) for strides in SIDE_STRIDES)

    def forward(self, windows: Tensor) -> Tensor:
        """windows [N, 3, 16, 112, 112] -> logits of the fused mask [N, 16, 112, 112]."""
        return self.mask_logits(self.sides(self.i3d(windows)))

    def sides(self, stages: I3DStages) -> list[Tensor]:
        """The side feature of each depth, the finest first: [N, 16, 8, 56, 56] to [N, 16, 4, 7, 7]."""
        depths = (stages.stem, stages.convolved, stages.mixed_3, stages.mixed_4)
        return [reduce(depth) for reduce, depth in zip(self.side_features, depths, strict=True)]

    @abstractmethod
    def mask_logits(self, sides: list[Tensor]) -> Tensor:
        """Logits [N, 16, 112, 112] of the mask fused from all depths."""

    def side_logits(self, sides: list[Tensor]) -> Tensor:
        """Logits [N, 4, 16, 112, 112] of a mask from each depth alone."""
        singles = [
            upsampling(score(side))
            for side, score, upsampling in zip(sides, self.side_scores, self.upsample_scores, strict=True)
        ]
        return torch.cat(singles, dim=1).float()

    @abstractmethod
    def mask_modules(self) -> list[nn.Module]:
        """Modules that the masks depend on."""

    @abstractmethod
    def mask_biases(self) -> list[Tensor]:
        """Biases of the fused mask and of each side output."""


class SpatialActionParser(SideParser):
    """I3D whose four depths each give a mask, and together the fused one (Xu et al. 2024, section 3.2).

    windows -> I3D: stem ------- convolved --- mixed 3 ----- mixed 4 ---- feature [N, 1024]
                    | 1x1        | 1x1         | 1x1         | 1x1
                    side 1       side 2        side 3        side 4       16 channels each
                    |            |             |             |
                    upsampled: each to a mask of its own, and all four, through one 1x1 fusion, to the fused mask

    The published network upsamples all sixteen channels of every side to full size and fuses the 64 there. Both
    steps are linear, so the fusion is folded into the upsampling kernels: the same logits, a fraction of the work.
    """

    i3d: I3D

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__(I3D(config), config)
        side = config.side_channels
        self.upsample_features = nn.ModuleList(Upsampling(side, *strides) for strides in SIDE_STRIDES)
        self.fuse = nn.Conv3d(side * len(SIDE_STRIDES), 1, 1)

    def mask_logits(self, sides: list[Tensor]) -> Tensor:
        assert self.fuse.bias is not None
        fused = self.fuse.bias.view(1, 1, 1, 1, 1)
        kernels = (upsampling.get_parameter("weight") for upsampling in self.upsample_features)
        weights = self.fuse.weight.chunk(len(sides), dim=1)
        for side, kernel, weight in zip(sides, kernels, weights, strict=True):
            fused = fused + upsample(side, fold_fusion(kernel, weight)).float()
        return fused[:, 0]

    def mask_modules(self) -> list[nn.Module]:
        """All but the last two blocks of the I3D, which give the feature."""
        return [module for name, module in self.named_children() if name != "i3d"] + [
            module for name, module in self.i3d.named_children() if not name.startswith("mixed_5")
        ]

    def mask_biases(self) -> list[Tensor]:
        return [self.fuse.get_parameter("bias"), *(score.get_parameter("bias") for score in self.side_scores)]


class SideRefinement(nn.Module):
    """Joins a side feature [N, C, T, H, W] with the next deeper one, which is half as fine in space."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.joined = nn.Sequential(
            nn.Conv3d(2 * channels, channels, (1, 3, 3), padding=(0, 1, 1), bias=False),
            nn.BatchNorm3d(channels),
            nn.ReLU(inplace=True),
            nn.Conv3d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm3d(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, side: Tensor, deeper: Tensor) -> Tensor:
        larger = functional.interpolate(deeper, side.shape[2:], mode="nearest")
        return self.joined(torch.cat([side, larger], dim=1))


class CompactSpatialParser(SideParser):
    """The spatial parser of `CompactFineParser`: with a top-down path, without what only the feature needs.

    windows -> I3D: stem ------- convolved --- mixed 3 ----- mixed 4
                    | 1x1        | 1x1         | 1x1         | 1x1
                    side 1 <---- side 2 <----- side 3 <----- side 4       24 channels each
                    |            |             |             |
                    each upsampled to a mask of its own; and each to one channel, whose sum is the fused mask

    In the published network a side feature sees its own depth only: the finest is a single convolution of the
    frame, which cannot distinguish an arm from a railing. Here each side is first joined with the next deeper one
    (as in U-Net, Ronneberger et al. 2015, and feature pyramids, Lin et al. 2017).
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__(I3DTrunk(config), config)
        side = config.side_channels
        self.side_refinements = nn.ModuleList(SideRefinement(side) for _ in SIDE_STRIDES[1:])
        self.upsample_masks = nn.ModuleList(MaskUpsampling(side, *strides) for strides in SIDE_STRIDES)
        self.mask_bias = nn.Parameter(torch.zeros(1))

    def sides(self, stages: I3DStages) -> list[Tensor]:
        sides = super().sides(stages)
        for level in reversed(range(len(sides) - 1)):
            sides[level] = self.side_refinements[level](sides[level], sides[level + 1])
        return sides

    def mask_logits(self, sides: list[Tensor]) -> Tensor:
        fused = self.mask_bias.view(1, 1, 1, 1, 1)
        for side, upsampling in zip(sides, self.upsample_masks, strict=True):
            fused = fused + upsampling(side).float()
        return fused[:, 0]

    def mask_modules(self) -> list[nn.Module]:
        return [self]

    def mask_biases(self) -> list[Tensor]:
        return [self.mask_bias, *(score.get_parameter("bias") for score in self.side_scores)]


def fold_fusion(kernel: Tensor, weight: Tensor) -> Tensor:
    """The kernel [I, 1, T, H, W] of an upsampling [I, O, T, H, W] and the fusion of its channels by weights [1, O, ...]
    in one."""
    return torch.einsum("iothw,o->ithw", kernel, weight.flatten())[:, None]
