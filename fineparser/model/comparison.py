"""Fine-grained contrastive regression (FineReg): the difference of two dives by phase and branch.

features of a clip -- phase pooling --> tokens by phase, of the query and of the exemplar
                                            |
                                        cross-attention --> MLP --> difference of each token --> score difference
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import ENTRY_SCORES, CompactConfig, FineParserConfig, NetworkConfig
from fineparser.model.protocol import Comparison
from fineparser.model.temporal_action_parser import ConvolutionPair

DYNAMIC_TOKENS = 4
"""Tokens to which the window features of a phase are resampled."""
REDUCED_TOKENS = (8, 12)
"""Tokens of a phase's dynamic features after each pair of convolutions."""
STATIC_TOKENS = (36, 60, 48)
"""Tokens to which the frame features of take-off, flight and entry are resampled."""
STATIC_MARGIN = 5
"""Frames by which static phases reach over their transitions."""
PHASE_TOKENS = 4
"""Tokens of a phase of a track."""
TRACK_SAMPLES = 4 * PHASE_TOKENS
"""Frames to which a phase of a track is resampled."""


def resample(features: Tensor, first: Tensor, stop: Tensor, count: int) -> Tensor:
    """Linear resampling of a stretch of each sequence; its ends keep their values (align_corners).

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
    position = first[:, None] + (last - first)[:, None] * steps  # [B, count]
    below = position.long().clamp(max=length - 1)
    above = (below + 1).clamp(max=length - 1)
    share = (position - below)[..., None].to(features.dtype)

    def at(index: Tensor) -> Tensor:
        return features.gather(1, index[..., None].expand(-1, -1, features.shape[2]))

    return torch.lerp(at(below), at(above), share)


def pool_dynamic(dynamic: Tensor, query: Tensor, exemplar: Tensor, config: FineParserConfig) -> list[Tensor]:
    """Window features by phase, divided at the mean of the pair's transitions.

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
        [B, count, 512] a phase.
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


class PhaseTokens(nn.Sequential):
    """Reduces a phase of a track [B, C, 16] to its four tokens [B, 64, 4].

    Ordinary convolutions over time; the published stacks take time as the channels and run along the features, which
    have no order.
    """

    def __init__(self, features: int, config: CompactConfig) -> None:
        super().__init__(
            nn.Conv1d(features, config.track_width, 3, stride=2, padding=1),
            nn.GELU(),  # units with ReLU died over runs that continue each other
            nn.Dropout(config.token_dropout),
            nn.Conv1d(config.track_width, config.token_width, 3, stride=2, padding=1),
        )


class TrackPooling(nn.Module):
    """Phase pooling of tracks: N features of L tracks [B, L, 96, N] and transitions [B, 2] to tokens [B, 3, 4, 64], the
    mean over the tracks."""

    def __init__(self, features: int, config: CompactConfig) -> None:
        super().__init__()
        phases = range(config.phase_count)
        self.norms = nn.ModuleList(nn.LayerNorm(features) for _ in phases)
        self.convolutions = nn.ModuleList(PhaseTokens(features, config) for _ in phases)

    def forward(self, features: Tensor, transitions: Tensor) -> Tensor:
        tracks, counts = features.shape[1], (TRACK_SAMPLES,) * len(self.norms)
        stretches = pool_static(features.flatten(0, 1), transitions.repeat_interleave(tracks, dim=0), counts)
        tokens = [
            convolved(norm(stretch).transpose(1, 2)).transpose(1, 2)
            for stretch, norm, convolved in zip(stretches, self.norms, self.convolutions, strict=True)
        ]
        return torch.stack(tokens, dim=1).unflatten(0, (-1, tracks)).mean(1)


class CrossAttention(nn.Module):
    """Multi-head attention of queries [B, N, C] over values [B, M, C] -> [B, N, C]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_query = nn.Linear(width, width, bias=False)
        self.to_key = nn.Linear(width, width, bias=False)
        self.to_value = nn.Linear(width, width, bias=False)
        self.project = nn.Linear(width, width)

    def forward(self, queries: Tensor, values: Tensor) -> Tensor:
        q, k, v = map(self._by_head, (self.to_query(queries), self.to_key(values), self.to_value(values)))
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.project(rearrange(attended, "b h n c -> b n (h c)"))

    def weights(self, queries: Tensor, values: Tensor) -> Tensor:
        """Attention weights [B, heads, N, M] of each query on each value; over the values they add up to 1.

        The fused attention of `forward` never holds them, so they are computed only for inspection.
        """
        q, k = self._by_head(self.to_query(queries)), self._by_head(self.to_key(values))
        return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)

    def _by_head(self, tokens: Tensor) -> Tensor:
        return rearrange(tokens, "b n (h c) -> b h n c", h=self.heads)


class DecoderBlock(nn.Module):
    """Pre-norm cross-attention and a GELU MLP, each added to the queries."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_queries = nn.LayerNorm(width)
        self.norm_values = nn.LayerNorm(width)
        self.attention = CrossAttention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, queries: Tensor, values: Tensor) -> Tensor:
        queries = queries + self.attention(self.norm_queries(queries), self.norm_values(values))
        return queries + self.mlp(self.norm_mlp(queries))


class CrossAttentionDecoder(nn.Module):
    """Decoder blocks that all attend to the same values: queries [B, N, C], values [B, M, C] -> [B, N, C]."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(DecoderBlock(width, heads) for _ in range(layers))

    def forward(self, queries: Tensor, values: Tensor) -> Tensor:
        for block in self.blocks:
            queries = block(queries, values)
        return queries


@contextmanager
def recorded_attention(network: nn.Module) -> Iterator[list[Tensor]]:
    """Fill the list with `CrossAttention.weights` of every cross-attention that runs inside the network, in order.

    Not safe for several threads; the hooks are removed at the end.
    """
    recorded: list[Tensor] = []

    def record(attention: CrossAttention, tokens: tuple[Tensor, Tensor]) -> None:
        recorded.append(attention.weights(*tokens))

    hooks = [
        module.register_forward_pre_hook(record) for module in network.modules() if isinstance(module, CrossAttention)
    ]
    try:
        yield recorded
    finally:
        for hook in hooks:
            hook.remove()


class PhaseReducer(nn.Module):
    """Reduces the window features of one phase [B, 4, 1024] to twelve narrow tokens [B, 12, 64]."""

    def __init__(self, feature_width: int, token_width: int) -> None:
        super().__init__()
        first, second = REDUCED_TOKENS
        self.convolutions = nn.Sequential(ConvolutionPair(DYNAMIC_TOKENS, first), ConvolutionPair(first, second))
        widths = (feature_width, feature_width // 2, feature_width // 4, token_width)
        layers = [(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(widths)]
        self.reduce = nn.Sequential(*(module for pair in layers for module in pair))

    def forward(self, features: Tensor) -> Tensor:
        return self.reduce(self.convolutions(features))


class ScoreRegressor(nn.Sequential):
    """An MLP from a token [..., 64] to its difference in score [..., 1]."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Linear(width, 4 * width),
            nn.ReLU(),
            nn.Linear(4 * width, width),
            nn.ReLU(),
            nn.Linear(width, 1),
        )


class ContrastiveRegression(nn.Module):
    """Tokens of both dives, phase by phase, to the difference of their scores (Xu et al. 2024, section 3.5).

    dynamic tokens of a phase, query [B, 12, 64] and exemplar [B, 12, 64] --> cross-attention --> MLP --> deltas [B, 12]
    static tokens of a phase,  query [B, 4, 64]  and exemplar [B, 4, 64]  --> cross-attention --> MLP --> deltas [B, 4]

    Take-off and flight share a decoder, entry has its own; so have the two branches.
    """

    phase_weights: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.dynamic_decoders = self.decoders(config)
        self.dynamic_regressor = ScoreRegressor(config.token_width)
        self.register_buffer("phase_weights", torch.tensor(config.phase_weights), persistent=False)

    @staticmethod
    def decoders(config: NetworkConfig) -> nn.ModuleList:
        """The decoders of a branch: one for the entry and, with phases, one for what comes before."""
        return nn.ModuleList(
            CrossAttentionDecoder(config.token_width, config.attention_heads, config.attention_layers)
            for _ in range(2 if config.phase_count > 1 else 1)
        )

    @staticmethod
    def token_deltas(
        decoders: nn.ModuleList, regressor: ScoreRegressor, query: Sequence[Tensor], exemplar: Sequence[Tensor]
    ) -> list[Tensor]:
        """The difference by token, one [B, tokens] a phase, from tokens [B, tokens, 64] a phase."""
        last = len(query) - 1
        return [
            regressor(decoders[-1 if phase == last else 0](of_query, of_exemplar)).squeeze(-1).float()
            for phase, (of_query, of_exemplar) in enumerate(zip(query, exemplar, strict=True))
        ]

    def combine(self, branches: Sequence[Sequence[Tensor]]) -> Comparison:
        """Comparison from the differences by token of each branch and phase."""
        deltas = torch.stack([torch.stack([phase.mean(1) for phase in b], dim=1) for b in branches], dim=1)
        return Comparison(
            tokens=tuple(torch.cat(list(branch), dim=1) for branch in branches),
            deltas=deltas,
            contributions=deltas * self.phase_weights / len(branches),
        )


class FineGrainedContrastiveRegression(ContrastiveRegression):
    """The comparison of `FineParser`.

    dynamic [B, 9, 1024] -> pooled by phase [B, 4, 1024] -> reduced [B, 12, 64] \\
                                                                                 -> cross-attention -> MLP -> deltas
    static                                                  [B, 3, 4, 64]       /
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__(config)
        self.config = config
        self.reducers = nn.ModuleList(
            PhaseReducer(config.feature_width, config.token_width) for _ in range(config.phase_count)
        )
        if config.static_branch:
            self.static_decoders = self.decoders(config)
            self.static_regressor = ScoreRegressor(config.token_width)

    def phase_tokens(self, dynamic: Tensor, query: Tensor, exemplar: Tensor) -> list[Tensor]:
        """Dynamic features [B, 9, 1024] and the pair's transitions [B, 2] -> tokens [B, 12, 64] of each phase."""
        pooled = pool_dynamic(dynamic, query, exemplar, self.config)
        return [reduce(phase) for reduce, phase in zip(self.reducers, pooled, strict=True)]

    def forward(self, query: list[Tensor], exemplar: list[Tensor], statics: tuple[Tensor, Tensor] | None) -> Comparison:
        """Compare queries with exemplars.

        Args:
            query, exemplar: dynamic tokens [B, 12, 64] a phase.
            statics: static tokens [B, 3, 4, 64] of query and exemplar, or None without the static branch.
        """
        branches = [self.token_deltas(self.dynamic_decoders, self.dynamic_regressor, query, exemplar)]
        if statics is not None:
            pair = (tokens.unbind(1) for tokens in statics)
            branches.append(self.token_deltas(self.static_decoders, self.static_regressor, *pair))
        return self.combine(branches)


class TrackContrastiveRegression(ContrastiveRegression):
    """The comparison of `CompactFineParser`.

    dynamic [B, 3, 4, 32] -> cross-attention -> MLP -> deltas --+
    static  [B, 3, 4, 32] -> cross-attention -> MLP -> deltas   |
    entry   [B, 14], query minus exemplar --> linear ----------/  added to every dynamic delta of the entry phase
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__(config)
        self.static_decoders = self.decoders(config)
        self.static_regressor = ScoreRegressor(config.token_width)
        self.entry_regressor = nn.Linear(ENTRY_SCORES, 1, bias=False) if config.entry_channels else None

    def forward(
        self,
        dynamics: tuple[Tensor, Tensor],
        statics: tuple[Tensor, Tensor],
        entries: tuple[Tensor, Tensor] | None = None,
    ) -> Comparison:
        """Compare queries with exemplars.

        Args:
            dynamics, statics: tokens [B, 3, 4, 32] of query and exemplar.
            entries: outputs [B, 14] of the entry branch for query and exemplar, or None without one.
        """
        query, exemplar = (tokens.unbind(1) for tokens in dynamics)
        dynamic = self.token_deltas(self.dynamic_decoders, self.dynamic_regressor, query, exemplar)
        if self.entry_regressor is not None and entries is not None:
            of_query, of_exemplar = entries
            dynamic[-1] = dynamic[-1] + self.entry_regressor(of_query - of_exemplar).float()
        query, exemplar = (tokens.unbind(1) for tokens in statics)
        static = self.token_deltas(self.static_decoders, self.static_regressor, query, exemplar)
        return self.combine([dynamic, static])
