"""The spatial action parser (SAP): outlines the diver in every frame of a window."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import FineParserConfig
from fineparser.model.i3d import I3D
from fineparser.model.upsampling import Upsampling, upsample

# (time, space) by which each side feature is smaller than its window.
SIDE_STRIDES = ((2, 2), (2, 4), (2, 8), (4, 16))


@dataclass(frozen=True)
class SpatialParse:
    """What the spatial parser says of N windows."""

    feature: Tensor | None
    """[N, 1024]: gates the window's dynamic feature, where that was asked for."""
    mixed_4: Tensor | None
    """[N, 832, 4, 7, 7]: where the dynamic branch shares the I3D, what it goes on from."""
    fused_logits: Tensor | None
    """[N, 16, 112, 112]: the mask fused from all four depths, where masks were asked for."""
    side_logits: Tensor | None
    """[N, 4, 16, 112, 112]: a mask from each depth alone, where they were asked for."""

    @staticmethod
    def concatenate(parts: Sequence["SpatialParse"]) -> "SpatialParse":
        """Several batches of windows as one."""
        if len(parts) == 1:
            return parts[0]
        values = [[getattr(part, field.name) for part in parts] for field in fields(SpatialParse)]
        return SpatialParse(*(None if value[0] is None else torch.cat(value) for value in values))


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


class SpatialActionParser(nn.Module):
    """I3D whose four depths each give a mask, and together the fused one (Xu et al. 2024, section 3.2).

    windows -> I3D: stem ------- convolved --- mixed 3 ----- mixed 4 ---- feature
                    | 1x1        | 1x1         | 1x1         | 1x1
                    side 1       side 2        side 3        side 4       16 channels each
                    |            |             |             |
                    upsampled: each to a mask of its own, and all four, through one 1x1 fusion, to the fused mask

    The published network upsamples all sixteen channels of every side to full size and fuses the 64 there. Both
    steps are linear, so the fusion is folded into the upsampling kernels: the same logits, a fraction of the work.

    In the published network a side feature knows no more than its own depth: the finest is a single convolution of the
    picture, which cannot tell an arm from a railing. With `side_refinement` each side is first joined with the next
    deeper one (as in U-Net, Ronneberger et al. 2015, and feature pyramids, Lin et al. 2017); all else stays.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        self.shares = config.shared_i3d
        self.i3d = I3D(config)
        side = config.side_channels
        self.side_features = nn.ModuleList(
            nn.Conv3d(channels, side, 1, bias=False) for channels in self.i3d.stage_channels
        )
        self.side_refinements = None
        if config.side_refinement:
            self.side_refinements = nn.ModuleList(SideRefinement(side) for _ in SIDE_STRIDES[1:])
        self.side_scores = nn.ModuleList(nn.Conv3d(side, 1, 1) for _ in SIDE_STRIDES)
        self.upsample_features = nn.ModuleList(Upsampling(side, *strides) for strides in SIDE_STRIDES)
        self.upsample_scores = nn.ModuleList(Upsampling(1, *strides) for strides in SIDE_STRIDES)
        self.fuse = nn.Conv3d(side * len(SIDE_STRIDES), 1, 1)

    def forward(
        self, windows: Tensor, side_outputs: bool = False, masks: bool = True, feature: bool = True
    ) -> SpatialParse:
        """windows [N, 3, 16, 112, 112] -> feature and what the dynamic branch goes on from, fused mask and
        side outputs, each where asked for."""
        stages = self.i3d(windows, feature)
        shared = stages.mixed_4 if self.shares and feature else None
        if not masks:
            return SpatialParse(stages.feature, shared, None, None)
        depths = (stages.stem, stages.convolved, stages.mixed_3, stages.mixed_4)
        sides = [reduce(depth) for reduce, depth in zip(self.side_features, depths, strict=True)]
        if self.side_refinements is not None:
            for level in reversed(range(len(sides) - 1)):
                sides[level] = self.side_refinements[level](sides[level], sides[level + 1])
        logits = None
        if side_outputs:
            singles = [
                upsampling(score(side))
                for side, score, upsampling in zip(sides, self.side_scores, self.upsample_scores, strict=True)
            ]
            logits = torch.cat(singles, dim=1).float()  # [N, 4, 16, 112, 112]
        return SpatialParse(stages.feature, shared, self._fused(sides), logits)

    def outlining(self) -> list[nn.Module]:
        """Everything that the masks depend on: all but the last two blocks, which give the feature."""
        return [module for name, module in self.named_children() if name != "i3d"] + [
            module for name, module in self.i3d.named_children() if not name.startswith("mixed_5")
        ]

    def _fused(self, sides: list[Tensor]) -> Tensor:
        fused = self.fuse.bias.view(1, 1, 1, 1, 1)
        weights = self.fuse.weight.chunk(len(sides), dim=1)
        for side, upsampling, weight in zip(sides, self.upsample_features, weights, strict=True):
            kernel = torch.einsum("iothw,o->ithw", upsampling.weight, weight.flatten())[:, None]
            fused = fused + upsample(side, kernel).float()
        return fused[:, 0]
