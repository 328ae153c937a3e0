"""The voting protocol: how an exemplar votes on a dive.

A vote is the score of the exemplar, carried over to the difficulty of the dive, plus the difference that the network
predicts between the two. The prediction is the mean of the votes (multi-exemplar voting, Yu et al. 2021, CoRe). This is
the only implementation: analyses, evaluations and the building of banks use it.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fineparser.model.protocol import Encoding, Network

PAIRS_AT_ONCE = 512
"""Pairs that are compared in one batch."""


class ScoredEncodings(Protocol):
    """N encoded dives with known scores."""

    @property
    def encodings(self) -> Encoding: ...

    @property
    def scores(self) -> Tensor:
        """[N] points."""

    @property
    def difficulty(self) -> Tensor:
        """[N]; NaN where unknown."""


@dataclass(frozen=True)
class PairVotes:
    """Votes of exemplars on dives, one a pair, on the CPU."""

    base: Tensor
    """[N] points: score of the exemplar at the difficulty of the dive."""
    contributions: Tensor
    """[N, branches, phases] points at the difficulty of the dive, float32."""

    @property
    def difference(self) -> Tensor:
        """[N] points by which the dive is better than the exemplar."""
        return self.contributions.flatten(1).sum(1)

    @property
    def scores(self) -> Tensor:
        """[N] points for the dive."""
        return self.base + self.difference


def vote_on_pairs(
    network: Network, dives: Encoding, difficulty: Tensor, exemplars: ScoredEncodings, pairs: Tensor
) -> PairVotes:
    """Votes of exemplars on dives.

    Args:
        network: that encoded both, in eval mode.
        dives: M encoded dives.
        difficulty: [M]; NaN where unknown. If it or that of the exemplar is unknown, the exemplar's score counts as is.
        exemplars: K encoded dives with scores.
        pairs: int64 [N, 2], indices into `dives` and `exemplars`.
    """
    device = network.device
    contributions = []
    with torch.inference_mode():
        for batch in pairs.split(PAIRS_AT_ONCE):
            dive_index, exemplar_index = batch.unbind(1)
            sides = (dives.select(dive_index), exemplars.encodings.select(exemplar_index))
            query, exemplar = (side.to(device) for side in sides)
            comparison = network.compare(query, exemplar, difficulty[dive_index].float().to(device))
            contributions.append(comparison.contributions.float().cpu())
    dive_index, exemplar_index = pairs.unbind(1)
    ratio = difficulty[dive_index] / exemplars.difficulty[exemplar_index]
    base = exemplars.scores[exemplar_index] * ratio.where(ratio.isfinite(), 1.0)
    return PairVotes(base, torch.cat(contributions))
