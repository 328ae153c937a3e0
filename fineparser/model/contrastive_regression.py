"""Fine-grained contrastive regression (FineReg): how much better a dive is than its exemplar, and in what."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fineparser.model.config import ENTRY_READINGS, FineParserConfig
from fineparser.model.cross_attention import CrossAttentionDecoder
from fineparser.model.phase_pooling import DYNAMIC_TOKENS, pool_dynamic
from fineparser.model.temporal_action_parser import ConvolutionPair

REDUCED_TOKENS = (8, 12)
"""Tokens of a phase's dynamic features after each pair of convolutions."""


@dataclass(frozen=True)
class PairComparison:
    """What separates B queries from their B exemplars, in points of score."""

    tokens: tuple[Tensor, ...]
    """The difference that each token sees, a tensor a branch: dynamic [B, 36] (of a diver's track [B, 12]) and, with it
    on, static [B, 12]."""
    deltas: Tensor
    """[B, 2, 3] by branch (dynamic, static) and phase: the mean of the phase's tokens."""
    contributions: Tensor
    """[B, 2, 3]: each delta times its phase weight and its branch's share; they add up to `delta`."""

    @property
    def delta(self) -> Tensor:
        """[B]: score of the query less score of the exemplar."""
        return self.contributions.flatten(1).sum(1)

    @property
    def by_phase(self) -> Tensor:
        """[B, 3]: what each phase adds to `delta`."""
        return self.contributions.sum(1)

    def times(self, factor: Tensor) -> "PairComparison":
        """Every difference of each pair times a factor [B]."""
        return PairComparison(
            tokens=tuple(tokens * factor[:, None] for tokens in self.tokens),
            deltas=self.deltas * factor[:, None, None],
            contributions=self.contributions * factor[:, None, None],
        )


class PhaseReducer(nn.Module):
    """Window features of one phase [B, 4, 1024] to twelve narrow tokens [B, 12, 64]."""

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
    """An MLP from a token [..., 64] to the difference in score that it sees [..., 1]."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Linear(width, 4 * width),
            nn.ReLU(),
            nn.Linear(4 * width, width),
            nn.ReLU(),
            nn.Linear(width, 1),
        )


class FineGrainedContrastiveRegression(nn.Module):
    """Tokens of both dives, phase by phase, to the difference of their scores (Xu et al. 2024, section 3.5).

    dynamic [B, 9, 1024] -> pooled by phase [B, 4, 1024] -> reduced [B, 12, 64] \\
                                                                                 -> cross-attention -> MLP -> deltas
    static                                                  [B, 3, 4, 64]       /

    Take-off and flight share a decoder, entry has its own; dynamic and static branches have theirs, too. Where the
    entry is read (`EntryParser`), what its readings differ by is added to every dynamic token of the entry.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        self.config = config
        width = config.token_width
        decoders = 2 if config.temporal_parsing else 1

        def decoder_stack() -> nn.ModuleList:
            return nn.ModuleList(
                CrossAttentionDecoder(width, config.attention_heads, config.attention_layers) for _ in range(decoders)
            )

        if not config.diver_track:
            self.reducers = nn.ModuleList(PhaseReducer(config.feature_width, width) for _ in range(config.phase_count))
        self.dynamic_decoders = decoder_stack()
        self.dynamic_regressor = ScoreRegressor(width)
        if config.static_branch:
            self.static_decoders = decoder_stack()
            self.static_regressor = ScoreRegressor(width)
        if config.entry_channels:
            self.entry_regressor = nn.Linear(ENTRY_READINGS, 1, bias=False)
        self.register_buffer("phase_weights", torch.tensor(config.phase_weights), persistent=False)

    def phase_tokens(self, dynamic: Tensor, query: Tensor, exemplar: Tensor) -> list[Tensor]:
        """Dynamic features [B, 9, 1024] and the pair's transitions [B, 2] -> tokens [B, 12, 64] of each phase.

        Along a diver's track what is dynamic are tokens already, [B, 3, 4, 64].
        """
        if self.config.diver_track:
            return list(dynamic.unbind(1))
        pooled = pool_dynamic(dynamic, query, exemplar, self.config)
        return [reduce(phase) for reduce, phase in zip(self.reducers, pooled, strict=True)]

    def forward(
        self,
        query: list[Tensor],
        exemplar: list[Tensor],
        statics: tuple[Tensor, Tensor] | None,
        entries: tuple[Tensor, Tensor] | None = None,
    ) -> PairComparison:
        """Compares queries with exemplars.

        Args:
            query, exemplar: dynamic tokens [B, 12, 64] a phase.
            statics: static tokens [B, 3, 4, 64] of query and exemplar, or None with the static branch off.
            entries: what is read of both entries, [B, 14], or None where it is not.
        """
        branches = [self._branch(self.dynamic_decoders, self.dynamic_regressor, query, exemplar)]
        if entries is not None:
            of_query, of_exemplar = entries
            branches[0][-1] = branches[0][-1] + self.entry_regressor(of_query - of_exemplar).float()
        if statics is not None:
            pair = [list(tokens.unbind(1)) for tokens in statics]
            branches.append(self._branch(self.static_decoders, self.static_regressor, *pair))
        deltas = torch.stack([torch.stack([phase.mean(1) for phase in b], dim=1) for b in branches], dim=1)
        return PairComparison(
            tokens=tuple(torch.cat(branch, dim=1) for branch in branches),
            deltas=deltas,
            contributions=deltas * self.phase_weights / len(branches),
        )

    @staticmethod
    def _branch(
        decoders: nn.ModuleList, regressor: ScoreRegressor, query: list[Tensor], exemplar: list[Tensor]
    ) -> list[Tensor]:
        """The difference that each token sees: one [B, tokens] a phase."""
        last = len(query) - 1
        return [
            regressor(decoders[-1 if phase == last else 0](of_query, of_exemplar)).squeeze(-1).float()
            for phase, (of_query, of_exemplar) in enumerate(zip(query, exemplar, strict=True))
        ]
