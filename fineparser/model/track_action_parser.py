"""The temporal action parser over single frames: the diver's track, read from end to end."""

from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import MEASURES, FineParserConfig

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
                                    +--> dilated convolutions over time --+--> [B, 96, 2], column 0 the first flight
    places and shapes [B, 96, 9] --/                                      |    frame, column 1 the first entry frame
                                                                          \\--> what happens around a frame [B, 96, 128]

    The published `TemporalActionParser` tells 96 frames from nine features that are averages over sixteen frames and
    the whole picture; that takes Kinetics weights and 400 epochs. Each column is a distribution over the frames: one
    of them is the first.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        width = config.track_width
        self.from_frames = nn.Linear(config.seen_features, width)
        self.from_measures = nn.Linear(MEASURES, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(DilatedBlock(width, dilation) for dilation in DILATIONS))
        self.classifier = nn.Linear(width, 2)

    def forward(self, frames: Tensor, measures: Tensor) -> tuple[Tensor, Tensor]:
        """Frame features [B, 96, 512] and measures [B, 96, 9].

        Returns:
            What happens around each frame [B, 96, 128], and the probabilities [B, 96, 2] that each transition is at
            each frame; those of a transition add up to 1.
        """
        x = functional.relu(self.norm(self.from_frames(frames) + self.from_measures(measures)))
        x = self.blocks(x.transpose(1, 2)).transpose(1, 2)
        return x, self.classifier(x).float().softmax(dim=1)
