"""The static visual encoder (SVE): features of single frames, and tokens of each phase."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from fineparser.model.chunks import chunks
from fineparser.model.comparison import STATIC_TOKENS, pool_static
from fineparser.model.config import FineParserConfig
from fineparser.model.cpu.column_pairs import ColumnPairConv2d, ColumnPairs
from fineparser.model.temporal_action_parser import ConvolutionPair, HalvingPair

# Tokens of a phase on their way down to four; features are halved at each step but the first.
STATIC_CHANNELS = (48, 24, 12, 4)


class FrameResNet(nn.Sequential):
    """A ResNet of basic blocks without its classifier; at the published widths torchvision's ResNet-34.

    frames [N, 3, 112, 112] -> [N, 512]; its parameters carry torchvision's names.
    """

    def __init__(self, blocks: tuple[int, ...], channels: tuple[int, ...], in_channels: int = 3) -> None:
        layers = OrderedDict(
            pairs=ColumnPairs(before=3, after=3),
            conv1=ColumnPairConv2d(in_channels, channels[0], 7, 2, bias=False),
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

    def stages(self, frames: Tensor) -> list[Tensor]:
        """Frames [N, 3, H, W] -> outputs of the first convolution and of the four stages: 1/2 to 1/32 as fine."""
        maps = []
        for name, layer in self.named_children():
            if name == "avgpool":
                break
            frames = layer(frames)
            if name == "relu" or name.startswith("layer"):
                maps.append(frames)
        return maps

    @staticmethod
    def _shortcut(before: int, width: int, stride: int) -> nn.Module | None:
        if stride == 1 and before == width:
            return None
        return nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))


class StaticVisualEncoder(nn.Module):
    """ResNet-34 on every frame, then a small stack of convolutions a phase (Xu et al. 2024, section 3.4).

    frames [B * 96, 3, 112, 112] -> features [B, 96, 512] -> three phases of 36, 60, 48 frames -> tokens [B, 3, 4, 64]
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        self.backbone = FrameResNet(config.resnet_blocks, config.resnet_channels)
        self.counts = STATIC_TOKENS if config.temporal_parsing else STATIC_TOKENS[1:2]
        self.phases = nn.ModuleList(self._stack(count) for count in self.counts)

    @staticmethod
    def _stack(frames: int) -> nn.Sequential:
        first, *rest = STATIC_CHANNELS
        widths = zip(STATIC_CHANNELS, rest, strict=False)
        return nn.Sequential(ConvolutionPair(frames, first), *(HalvingPair(*pair) for pair in widths))

    def frame_features(self, frames: Tensor, clips: int, chunk: int | None = None) -> Tensor:
        """Frames [B * 96, 3, 112, 112] of B clips -> features [B, 96, 512], `chunk` frames at once (None: all)."""
        features = [self.backbone(some) for some in chunks(frames, chunk)]
        return torch.cat(features).float().unflatten(0, (clips, -1))

    def forward(self, features: Tensor, transitions: Tensor) -> Tensor:
        """Frame features [B, 96, 512] and transitions [B, 2] -> static tokens [B, 3, 4, 64]."""
        stretches = pool_static(features, transitions, self.counts)
        return torch.stack([phase(s) for phase, s in zip(self.phases, stretches, strict=True)], dim=1)
