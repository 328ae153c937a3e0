"""The static visual encoder (SVE): what single frames show, phase by phase."""

from collections import OrderedDict

import torch
from einops import rearrange
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from fineparser.model.column_pairs import ColumnPairConv2d, ColumnPairs
from fineparser.model.config import FineParserConfig
from fineparser.model.phase_pooling import STATIC_TOKENS, pool_static
from fineparser.model.portions import portions
from fineparser.model.temporal_action_parser import ConvolutionPair, HalvingPair

# Tokens of a phase on their way down to four; features are halved at each step but the first.
STATIC_CHANNELS = (48, 24, 12, 4)


class FrameResNet(nn.Sequential):
    """A ResNet of basic blocks without its classifier; at the published widths torchvision's ResNet-34.

    frames [N, 3, 112, 112] -> [N, 512]; its parameters carry torchvision's names.
    """

    def __init__(self, blocks: tuple[int, ...], channels: tuple[int, ...]) -> None:
        layers = OrderedDict(
            pairs=ColumnPairs(before=3, after=3),
            conv1=ColumnPairConv2d(3, channels[0], 7, 2, bias=False),
            bn1=nn.BatchNorm2d(channels[0]),
            relu=nn.ReLU(inplace=True),
            maxpool=nn.MaxPool2d(3, 2, padding=1),
        )
        before = channels[0]
        for number, (depth, width) in enumerate(zip(blocks, channels, strict=True), start=1):
            stride = 1 if number == 1 else 2
            stage = [BasicBlock(before, width, stride, self._shortcut(before, width, stride))]
            stage += [BasicBlock(width, width) for _ in range(depth - 1)]
            layers[f"layer{number}"] = nn.Sequential(*stage)
            before = width
        layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        super().__init__(layers)

    @staticmethod
    def _shortcut(before: int, width: int, stride: int) -> nn.Module | None:
        if stride == 1 and before == width:
            return None
        return nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))


class StaticVisualEncoder(nn.Module):
    """ResNet-34 on every frame, then a small stack of convolutions a phase (Xu et al. 2024, section 3.4).

    clips [B, 3, 96, 112, 112] -> [B, 96, 512] -> three phases of 36, 60, 48 frames -> [B, 3, 4, 64]
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        self.config = config
        self.frames_at_once: int | None = None  # all of them; an inference copy takes so many that memory is reused
        self.backbone = FrameResNet(config.static_blocks, config.static_channels)
        counts = STATIC_TOKENS if config.temporal_parsing else STATIC_TOKENS[1:2]
        self.phases = nn.ModuleList(self._stack(count) for count in counts)

    @staticmethod
    def _stack(frames: int) -> nn.Sequential:
        first, *rest = STATIC_CHANNELS
        widths = zip(STATIC_CHANNELS, rest, strict=False)
        return nn.Sequential(ConvolutionPair(frames, first), *(HalvingPair(*pair) for pair in widths))

    def frame_features(self, clips: Tensor) -> Tensor:
        """clips [B, 3, 96, 112, 112] -> features [B, 96, 512], which know nothing of the transitions."""
        frames = rearrange(clips, "b c t h w -> (b t) c h w")
        features = [self.backbone(some) for some in portions(frames, self.frames_at_once)]
        return rearrange(torch.cat(features).float(), "(b t) c -> b t c", b=len(clips))

    def forward(self, clips: Tensor, transitions: Tensor) -> Tensor:
        """clips [B, 3, 96, 112, 112], transitions [B, 2] -> static tokens [B, 3, 4, 64]."""
        stretches = pool_static(self.frame_features(clips), transitions, self.config)
        return torch.stack([phase(s) for phase, s in zip(self.phases, stretches, strict=True)], dim=1)
