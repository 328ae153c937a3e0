"""The diver's track, summed up phase by phase."""

import torch
from torch import Tensor, nn

from fineparser.model.config import FineParserConfig
from fineparser.model.phase_pooling import pool_static

SEEN, MOVEMENT = (True, False, True), (False, True, True)
"""Which of the parts of a track (`FineParserConfig.track_parts`) the static and the dynamic tokens are made of: what
single frames show, or what happens around them, both with where and how the mask lies."""
PHASE_TOKENS = 4
"""Tokens of a phase."""
TRACK_SAMPLES = 4 * PHASE_TOKENS
"""Frames to which a phase of the diver's track is resampled."""


class PhaseTokens(nn.Sequential):
    """A phase of the diver's track [B, C, 16], in the order of time, to its four tokens [B, 64, 4].

    Ordinary convolutions over time. The published stacks take time for the channels and run along the features, which
    have no order: with the same data they learnt half as much of what faults cost.
    """

    def __init__(self, features: int, config: FineParserConfig) -> None:
        super().__init__(
            nn.Conv1d(features, config.track_width, 3, stride=2, padding=1),
            nn.GELU(),  # with ReLU, all but a few units died over runs that went on from one another
            nn.Dropout(config.token_dropout),
            nn.Conv1d(config.track_width, config.token_width, 3, stride=2, padding=1),
        )


class TrackTokens(nn.Module):
    """Tracks [B, L, 96, 649] in L looks and transitions [B, 2] to tokens [B, 3, 4, 64], the mean of the looks.

    wanted: `SEEN` or `MOVEMENT`.
    """

    def __init__(self, config: FineParserConfig, wanted: tuple[bool, bool, bool]) -> None:
        super().__init__()
        self.parts, self.wanted = config.track_parts, wanted
        features = sum(width for width, is_wanted in zip(self.parts, wanted, strict=True) if is_wanted)
        phases = range(config.phase_count)
        self.norms = nn.ModuleList(nn.LayerNorm(features) for _ in phases)
        self.convolutions = nn.ModuleList(PhaseTokens(features, config) for _ in phases)

    def forward(self, tracks: Tensor, transitions: Tensor) -> Tensor:
        looks = tracks.shape[1]
        parts = tracks.flatten(0, 1).split(self.parts, dim=-1)
        wanted = torch.cat([part for part, is_wanted in zip(parts, self.wanted, strict=True) if is_wanted], dim=-1)
        counts = (TRACK_SAMPLES,) * len(self.norms)
        stretches = pool_static(wanted, transitions.repeat_interleave(looks, dim=0), counts)
        tokens = [
            convolved(norm(stretch).transpose(1, 2)).transpose(1, 2)
            for stretch, norm, convolved in zip(stretches, self.norms, self.convolutions, strict=True)
        ]
        return torch.stack(tokens, dim=1).unflatten(0, (-1, looks)).mean(1)
