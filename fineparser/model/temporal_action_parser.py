"""The temporal action parsers (TAP): the frames at which flight and entry begin."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import MASK_MEASURES, TRANSITION_RULES, CompactConfig, FineParserConfig

DILATIONS = (1, 2, 4, 8, 16, 1)
"""Frames between the taps of each block: together they cover 129 frames, more than a clip has."""


class ConvolutionPair(nn.Sequential):
    """Twice: 1-D convolution over features with time as the channel axis, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        layers: list[nn.Module] = []
        for width in (in_channels, out_channels):
            layers += [nn.Conv1d(width, out_channels, 3, padding=1), nn.BatchNorm1d(out_channels), nn.ReLU()]
        super().__init__(*layers)


class HalvingPair(nn.Sequential):
    """Halves the feature axis, then a `ConvolutionPair`."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.MaxPool1d(2), ConvolutionPair(in_channels, out_channels))


class TemporalActionParser(nn.Module):
    """The procedure segmentation network: time is the channel axis (Xu et al. 2024, section 3.3).

    [B, 9 windows, 1024] -> 12 -> 24 -> 48 -> 96 -> 96 frames, features halved at each step: [B, 96, 64]
                         -> MLP on each frame: [B, 96, 2], column 0 the first flight frame, column 1 the first entry
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        first, *rest = (*config.temporal_channels, config.clip_frames)
        self.inflow = ConvolutionPair(len(config.window_starts), first)
        widths = [first, *rest]
        self.halvings = nn.Sequential(
            *(HalvingPair(before, after) for before, after in zip(widths, rest, strict=False))
        )
        width = config.feature_width // 2 ** len(rest)
        self.classifier = nn.Sequential(
            nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 2)
        )

    def forward(self, dynamic: Tensor) -> Tensor:
        """dynamic [B, 9, 1024] -> probabilities [B, 96, 2] that each transition is at each frame."""
        return torch.sigmoid(self.classifier(self.halvings(self.inflow(dynamic))).float())


class DilatedBlock(nn.Module):
    """Residual convolution over time, with taps `dilation` frames apart: [B, C, T] -> [B, C, T]."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.convolved = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.convolved(x)


class TrackTemporalParser(nn.Module):
    """The temporal parser of `CompactFineParser`, over the crops of single frames (not in the paper).

    static features [B, 96, 308] ---\\
                                     +--> dilated convolutions over time --+--> probabilities [B, 96, 2]
    measures of the masks [B, 96, 9]-/                                     \\--> temporal features [B, 96, 128]

    The published `TemporalActionParser` predicts 96 frames from nine features that are averages over sixteen whole
    frames; that takes Kinetics weights and 400 epochs. Each column of the probabilities is a distribution over the
    frames: one of them is the first of its phase.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        width = config.track_width
        self.from_frames = nn.Linear(config.static_features, width)
        self.from_measures = nn.Linear(MASK_MEASURES, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(DilatedBlock(width, dilation) for dilation in DILATIONS))
        self.classifier = nn.Linear(width, 2)

    def forward(self, frames: Tensor, measures: Tensor) -> tuple[Tensor, Tensor]:
        """Static features [B, 96, 308] and measures [B, 96, 9] -> temporal features [B, 96, 128] and probabilities
        [B, 96, 2] that each transition is at each frame, which add up to 1 over the frames."""
        x = functional.relu(self.norm(self.from_frames(frames) + self.from_measures(measures)))
        x = self.blocks(x.transpose(1, 2)).transpose(1, 2)
        return x, self.classifier(x).float().softmax(dim=1)


def decode_transitions(probabilities: Tensor, rule: str) -> Tensor:
    """Two transitions from their probabilities.

    Args:
        probabilities: [B, T, 2].
        rule: "windowed" is the paper's: the most probable frame of column k inside frames [T/2 k, T/2 (k+1)), which
            cannot put an entry into the first half. "ordered" is the most probable pair of all, flight before entry.

    Returns:
        [B, 2] int64: first flight frame, first entry frame.

    Raises:
        ValueError: for another rule.
    """
    if rule == "windowed":
        half = probabilities.shape[1] // 2
        return torch.stack([probabilities[:, :half, 0].argmax(1), probabilities[:, half:, 1].argmax(1) + half], dim=1)
    if rule != "ordered":
        raise ValueError(f"transition rule {rule!r} is not one of {', '.join(TRANSITION_RULES)}")
    logs = probabilities.float().clamp_min(1e-30).log()
    later, index = logs[:, 1:, 1].flip(1).cummax(1)  # the best entry after each frame but the last
    later, entry = later.flip(1), logs.shape[1] - 1 - index.flip(1)
    flight = (logs[:, :-1, 0] + later).argmax(1, keepdim=True)
    return torch.cat([flight, entry.gather(1, flight)], dim=1)
