"""The temporal action parser over single frames: the diver's track, read from end to end."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import FineParserConfig
from fineparser.model.diver_focus import MEASURES

DILATIONS = (1, 2, 4, 8, 16, 1)
"""Frames between the taps of each block: together they see 129 frames, more than a clip has."""


class DilatedBlock(nn.Module):
    """Adds to each frame what a few frames around it, `dilation` apart, say: [B, C, T] -> [B, C, T]."""

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


class TrackActionParser(nn.Module):
    """Where take-off turns into flight and flight into entry, told by a track of the diver (not in the paper).

    frame features [B, 96, 512] ---\\
    places and shapes [B, 96, 9] ---+--> dilated convolutions over time --+--> [B, 96, 2], column 0 the first flight
    windows [B, 9, 1024] ----------/                                      |    frame, column 1 the first entry frame
                                                                          \\--> frame features in context [B, 96, 512]

    The published `TemporalActionParser` tells 96 frames from nine features that are averages over sixteen frames and
    the whole picture; that takes Kinetics weights and 400 epochs. Each column is a distribution over the frames: one
    of them is the first.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        width, self.starts, self.window = config.track_width, config.window_starts, config.window_frames
        frame_width = config.static_channels[-1]
        self.from_frames = nn.Linear(frame_width, width)
        self.from_measures = nn.Linear(MEASURES, width)
        self.from_windows = nn.Linear(config.feature_width, width)
        nn.init.zeros_(self.from_windows.weight)  # nothing to say until it has learnt, for tracks can be learnt alone
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(DilatedBlock(width, dilation) for dilation in DILATIONS))
        self.to_frames = nn.Linear(width, frame_width)
        self.classifier = nn.Linear(width, 2)

    def forward(self, frames: Tensor, measures: Tensor, dynamic: Tensor) -> tuple[Tensor, Tensor]:
        """Frame features [B, 96, 512], measures [B, 96, 9], dynamic [B, 9, 1024].

        Returns:
            Frame features in their context [B, 96, 512] and the probabilities [B, 96, 2] that each transition is at
            each frame; those of a transition add up to 1.
        """
        windows = self._by_frame(self.from_windows(dynamic), frames.shape[1])
        x = functional.relu(self.norm(self.from_frames(frames) + self.from_measures(measures) + windows))
        x = self.blocks(x.transpose(1, 2)).transpose(1, 2)
        return frames + self.to_frames(x), self.classifier(x).float().softmax(dim=1)

    def _by_frame(self, windows: Tensor, frames: int) -> Tensor:
        """Features of windows [B, 9, C] as such of frames [B, 96, C]: between two windows' middles a mean of both."""
        middles = torch.tensor(self.starts, device=windows.device) + (self.window - 1) / 2
        stride = middles[1] - middles[0] if len(self.starts) > 1 else 1
        place = ((torch.arange(frames, device=windows.device) - middles[0]) / stride).clamp(0, len(self.starts) - 1)
        below = place.long().clamp(max=max(len(self.starts) - 2, 0))
        share = (place - below).to(windows.dtype)[:, None]
        above = (below + 1).clamp(max=len(self.starts) - 1)
        return torch.lerp(windows[:, below], windows[:, above], share)
