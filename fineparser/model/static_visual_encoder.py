"""The static visual encoder (SVE): what single frames show, phase by phase."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from fineparser.model.column_pairs import ColumnPairConv2d, ColumnPairs
from fineparser.model.config import FineParserConfig
from fineparser.model.phase_pooling import STATIC_TOKENS, pool_static
from fineparser.model.portions import portions
from fineparser.model.temporal_action_parser import ConvolutionPair, HalvingPair
from fineparser.model.track_tokens import SEEN, TrackTokens

# Tokens of a phase on their way down to four; features are halved at each step but the first.
STATIC_CHANNELS = (48, 24, 12, 4)


class FrameResNet(nn.Sequential):
    """A ResNet of basic blocks without its classifier; at the published widths torchvision's ResNet-34.

    frames [N, 3, 112, 112] -> [N, 512]; its parameters carry torchvision's names.
    """

    def __init__(self, blocks: tuple[int, ...], channels: tuple[int, ...], seen: int = 3) -> None:
        layers = OrderedDict(
            pairs=ColumnPairs(before=3, after=3),
            conv1=ColumnPairConv2d(seen, channels[0], 7, 2, bias=False),
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
        """Frames [N, 3, H, W] -> what the first convolution and the four stages give: 1/2 to 1/32 as fine."""
        found = []
        for name, layer in self.named_children():
            if name == "avgpool":
                break
            frames = layer(frames)
            if name == "relu" or name.startswith("layer"):
                found.append(frames)
        return found

    @staticmethod
    def _shortcut(before: int, width: int, stride: int) -> nn.Module | None:
        if stride == 1 and before == width:
            return None
        return nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))


def with_neighbours(squares: Tensor) -> Tensor:
    """Squares [B, F, C, S, S] of frames in their order -> [B, F, C + 6, S, S]: first what they are, then the colours,
    the first three channels, of the frame before and of the frame after. The ends are their own neighbours."""
    colours = squares[:, :, :3]
    before = torch.cat([colours[:, :1], colours[:, :-1]], dim=1)
    after = torch.cat([colours[:, 1:], colours[:, -1:]], dim=1)
    return torch.cat([squares, before, after], dim=2)


class StaticVisualEncoder(nn.Module):
    """ResNet-34 on every frame, then a small stack of convolutions a phase (Xu et al. 2024, section 3.4).

    clips [B, 3, 96, 112, 112] -> [B, 1, 96, 512] -> three phases of 36, 60, 48 frames -> [B, 3, 4, 64]

    With `diver_track` a frame shows the square around the diver, its colours followed by the mask and, with
    `focus_neighbours`, by the colours of the frames before and after, see `with_neighbours`; a phase is sixteen frames
    of the track, of which `TrackTokens` sum up what single frames show.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        self.config = config
        self.frames_at_once: int | None = None  # all of them; an inference copy takes so many that memory is reused
        self.backbone = FrameResNet(config.static_blocks, config.static_channels, config.frame_channels)
        if config.diver_track:
            self.phases = TrackTokens(config, SEEN)
        else:
            self.counts = STATIC_TOKENS if config.temporal_parsing else STATIC_TOKENS[1:2]
            self.phases = nn.ModuleList(self._stack(count) for count in self.counts)

    @staticmethod
    def _stack(frames: int) -> nn.Sequential:
        first, *rest = STATIC_CHANNELS
        widths = zip(STATIC_CHANNELS, rest, strict=False)
        return nn.Sequential(ConvolutionPair(frames, first), *(HalvingPair(*pair) for pair in widths))

    def frame_features(self, frames: Tensor, clips: int) -> Tensor:
        """Frames [B * 96, 3, 112, 112] of so many clips -> features [B, 96, 512], which know nothing of the phases."""
        features = [self.backbone(some) for some in portions(frames, self.frames_at_once)]
        return torch.cat(features).float().unflatten(0, (clips, -1))

    def forward(self, features: Tensor, transitions: Tensor) -> Tensor:
        """Frame features [B, 1, 96, 512] (tracks: [B, L, 96, 649], in L looks), transitions [B, 2] -> static tokens
        [B, 3, 4, 64]."""
        if self.config.diver_track:
            return self.phases(features, transitions)
        stretches = pool_static(features[:, 0], transitions, self.counts)
        return torch.stack([phase(s) for phase, s in zip(self.phases, stretches, strict=True)], dim=1)
