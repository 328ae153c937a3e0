"""Resampling phases of different lengths to a fixed number of tokens."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fineparser.model.config import FineParserConfig

DYNAMIC_TOKENS = 4
"""Tokens to which each phase's window features are resampled."""
STATIC_TOKENS = (36, 60, 48)
"""Tokens to which the frame features of take-off, flight and entry are resampled."""
STATIC_MARGIN = 5
"""Frames by which static phases reach over their transitions."""


def resample(features: Tensor, first: Tensor, stop: Tensor, count: int) -> Tensor:
    """A stretch of each sequence, linearly resampled: its ends stay where they are (align_corners).

    Args:
        features: [B, T, C].
        first, stop: [B] int; the stretch is features[b, first[b]:stop[b]], cut to the sequence, never empty.
        count: how many samples to take from each stretch.

    Returns:
        [B, count, C].
    """
    length = features.shape[1]
    first = first.clamp(0, length - 1)
    last = torch.maximum(stop.clamp(max=length) - 1, first)
    steps = torch.linspace(0, 1, count, device=features.device, dtype=torch.float32)
    place = first[:, None] + (last - first)[:, None] * steps  # [B, count]
    below = place.long().clamp(max=length - 1)
    above = (below + 1).clamp(max=length - 1)
    share = (place - below)[..., None].to(features.dtype)

    def at(index: Tensor) -> Tensor:
        return features.gather(1, index[..., None].expand(-1, -1, features.shape[2]))

    return torch.lerp(at(below), at(above), share)


def pool_dynamic(dynamic: Tensor, query: Tensor, exemplar: Tensor, config: FineParserConfig) -> list[Tensor]:
    """Window features by phase, cut where the pair's transitions lie on average.

    The published code pools on the pair: the window of a transition is (query + exemplar) // 20, two strides. The
    stretches overlap by a window: [: a + 1], [a : b + 1], [b - 1 :].

    Args:
        dynamic: [B, 9, 1024] of one member of the pair.
        query, exemplar: transitions [B, 2] of both members.

    Returns:
        One [B, 4, 1024] a phase.
    """
    start = torch.zeros_like(query[:, 0])
    end = torch.full_like(start, dynamic.shape[1])
    if not config.temporal_parsing:
        return [resample(dynamic, start, end, DYNAMIC_TOKENS)]
    windows = (query + exemplar) // (2 * config.window_stride)
    a, b = windows.clamp(max=dynamic.shape[1] - 1).unbind(1)
    stretches = ((start, a + 1), (a, b + 1), (b - 1, end))
    return [resample(dynamic, first, stop, DYNAMIC_TOKENS) for first, stop in stretches]


def pool_static(frames: Tensor, transitions: Tensor, counts: Sequence[int] = STATIC_TOKENS) -> list[Tensor]:
    """Frame features by phase, each reaching five frames over its transitions.

    Args:
        frames: [B, 96, 512].
        transitions: [B, 2].
        counts: frames to which each phase is resampled; a single one takes the whole clip as one phase.

    Returns:
        [B, count, 512] a phase: of the published network 36, 60 and 48 frames.
    """
    start = torch.zeros_like(transitions[:, 0])
    end = torch.full_like(start, frames.shape[1])
    if len(counts) == 1:
        return [resample(frames, start, end, counts[0])]
    flight, entry = transitions.unbind(1)
    stretches = (
        (start, flight + STATIC_MARGIN),
        (flight - STATIC_MARGIN, entry + STATIC_MARGIN),
        (entry - STATIC_MARGIN, end),
    )
    return [resample(frames, first, stop, count) for (first, stop), count in zip(stretches, counts, strict=True)]
