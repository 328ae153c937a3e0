"""The score of a dive: votes of exemplars, their mean with its interval, and the contribution of each phase."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from fineparser.domain.judging import execution, highest_score
from fineparser.domain.phases import Phase
from fineparser.exemplars.exemplar import DiveSpec, Exemplar, SimulationRecipe
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.score_calibration import ScoreCalibration, vote_interval
from fineparser.exemplars.selection import ExemplarSelection, Voters
from fineparser.exemplars.voting import PairVotes, vote_on_pairs
from fineparser.model.protocol import Encoding, Network
from fineparser.quality_warning import QualityWarning

BRANCHES = ("dynamic", "static")
PHASES = tuple(phase.label for phase in Phase)


@dataclass(frozen=True)
class ScoreEstimate:
    """A number with its interval."""

    value: float
    low: float
    high: float

    @classmethod
    def from_votes(cls, votes: np.ndarray) -> "ScoreEstimate":
        """Mean of the votes [n] and the ends of the middle 80% of them."""
        return cls(float(np.mean(votes)), *vote_interval(votes))

    def to_json(self) -> dict[str, float]:
        """Plain values, rounded to hundredths as scores are."""
        return {"value": round(self.value, 2), "low": round(self.low, 2), "high": round(self.high, 2)}


@dataclass(frozen=True)
class Vote:
    """An exemplar beside a dive, and its vote; none where the dive is judged by its measurements."""

    exemplar: str
    """Id of the exemplar."""
    code: str
    height: float
    difficulty: float
    exemplar_score: float
    """Points of the exemplar."""
    source: str
    """Source of the exemplar: "SynDive", "own dives" or the name of a dataset."""
    rule: str
    """Rule by which the exemplar was chosen: "same dive number" or "nearest dive number"."""
    contributions: np.ndarray | None
    """[2, 3] points by branch (dynamic, static) and phase, at the difficulty of the dive; None without a vote."""
    score: float | None
    """Points for the dive: the exemplar's at the difficulty of the dive, plus the contributions; None without a vote.
    """
    clip_exemplar: Exemplar | None = None
    """Exemplar whose clip shows this one: itself or a similar one; None without a clip."""
    recipe: SimulationRecipe | None = None
    """Settings with which the simulator makes the exemplar again; None for a real dive, or one that it cannot make."""
    encoding: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    """The exemplar's encoding, arrays of one clip under the names of a bank file."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "exemplar": self.exemplar,
            "dive_code": self.code,
            "height": self.height,
            "difficulty": self.difficulty,
            "exemplar_score": round(self.exemplar_score, 2),
            "source": self.source,
            "reason": self.rule,
            "difference": None if self.contributions is None else round(float(self.contributions.sum()), 3),
            "contributions": None if self.contributions is None else by_branch(self.contributions),
            "score": None if self.score is None else round(self.score, 2),
            "shown_by": self.clip_exemplar and self.clip_exemplar.id,
        }


@dataclass(frozen=True)
class Breakdown:
    """From the mean score of the exemplars to the total, by branch and phase."""

    base: float
    """Mean points of the exemplars, at the difficulty of the dive."""
    points: np.ndarray
    """[2, 3] by branch (dynamic, static) and phase, mean over the votes; base plus their sum is the mean vote."""
    ranges: np.ndarray | None = None
    """[3, 2] points: interval of each phase's contribution; None if not measured."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "exemplar_score": round(self.base, 2),
            "points": by_branch(self.points),
            "by_phase": {phase: round(float(v), 3) for phase, v in zip(PHASES, self.points.sum(0), strict=False)},
            "by_branch": {branch: round(float(v), 3) for branch, v in zip(BRANCHES, self.points.sum(1), strict=False)},
            "by_phase_interval": None
            if self.ranges is None
            else {phase: ends.round(3).tolist() for phase, ends in zip(PHASES, self.ranges, strict=False)},
        }


def by_branch(points: np.ndarray) -> dict[str, dict[str, float]]:
    """Points [2, 3] under the names of branches and phases."""
    return {
        branch: {phase: round(float(value), 3) for phase, value in zip(PHASES, row, strict=False)}
        for branch, row in zip(BRANCHES, points, strict=False)
    }


@dataclass(frozen=True, kw_only=True)
class VotingResult:
    """Votes on a dive and what follows from them; without votes there is no score."""

    votes: tuple[Vote, ...] = ()
    total: ScoreEstimate | None = None
    """Points."""
    execution: ScoreEstimate | None = None
    """Points over difficulty: the sum of the three kept awards, 0 to 30."""
    breakdown: Breakdown | None = None
    exemplar: str | None = None
    """Id of the exemplar to show beside the dive: of those with a clip, the one whose vote is nearest to the total."""
    interval_basis: QualityWarning | None = None
    """Meaning of the intervals: "interval_from_votes" or "interval_from_scores"."""
    warnings: tuple[QualityWarning, ...] = ()

    @classmethod
    def from_votes(
        cls,
        votes: Sequence[Vote],
        spec: DiveSpec,
        *,
        score_calibration: ScoreCalibration | None = None,
        warnings: tuple[QualityWarning, ...] = (),
    ) -> "VotingResult":
        """Total, intervals and breakdown of some votes.

        Args:
            votes: at least one, each with a score.
            spec: of the dive.
            score_calibration: of the exemplars that voted.
            warnings: about the exemplars.
        """
        scores = np.array([vote.score for vote in votes], dtype=float)
        points = np.mean([vote.contributions for vote in votes if vote.contributions is not None], axis=0)
        mean, ranges = ScoreEstimate.from_votes(scores), None
        basis = QualityWarning("interval_from_votes", {"votes": len(votes)})
        if score_calibration is not None:
            ranges = score_calibration.phase_intervals(points.sum(0), spec.difficulty)
            mean = ScoreEstimate(mean.value, *score_calibration.interval(mean.value, spec.difficulty))
            basis = QualityWarning(
                "interval_from_scores",
                {
                    "dives": score_calibration.dives,
                    "source": score_calibration.source,
                    "phases": 0 if ranges is None else len(ranges),
                },
            )
        # No dive scores less than nothing or more than perfect awards.
        highest = highest_score(spec.difficulty)
        low, value, high = (float(np.clip(score, 0, highest)) for score in (mean.low, mean.value, mean.high))
        return cls(
            votes=tuple(votes),
            total=ScoreEstimate(value, low, high),
            execution=ScoreEstimate(*(execution(score, spec.difficulty) for score in (value, low, high))),
            breakdown=Breakdown(float(scores.mean() - points.sum()), points, ranges),
            exemplar=_exemplar_to_show(votes, scores, mean.value),
            interval_basis=basis,
            warnings=warnings,
        )


def vote_on_dive(
    network: Network,
    query: Encoding,
    spec: DiveSpec,
    selection: ExemplarSelection,
    missing_phases: Sequence[Phase] = (),
) -> VotingResult:
    """Let the exemplars of a selection vote on a dive.

    Args:
        network: that encoded the dive and the exemplars, in eval mode.
        query: encoding of the dive.
        spec: of the dive.
        selection: the exemplars that may vote.
        missing_phases: phases that the clip does not show; they contribute nothing.
    """
    voters = selection.choose(network, spec)
    if voters.bank is None:
        return VotingResult(warnings=voters.warnings)
    pairs = torch.tensor([(0, choice.index) for choice in voters.choices])
    difficulty = torch.tensor([spec.difficulty], dtype=torch.float64)
    pair_votes = vote_on_pairs(network, query, difficulty, voters.bank, pairs)
    return VotingResult.from_votes(
        _votes(voters.bank, voters, pair_votes, missing_phases),
        spec,
        score_calibration=voters.bank.calibration,
        warnings=voters.warnings,
    )


def comparison_exemplars(network: Network, spec: DiveSpec, selection: ExemplarSelection, total: float) -> VotingResult:
    """Exemplars to show beside a dive that is judged by its measurements: none of them votes, or is simulated for it.

    Args:
        network: that encoded the exemplars.
        spec: of the dive.
        selection: the exemplars that may be shown.
        total: points of the dive.
    """
    voters = replace(selection, simulate_missing=False).choose(network, spec)
    if voters.bank is None or not voters.choices:
        return VotingResult(warnings=selection.warnings)
    votes = _votes(voters.bank, voters, None, ())
    scores = np.array([vote.exemplar_score * spec.difficulty / vote.difficulty for vote in votes])
    return VotingResult(
        votes=tuple(votes), exemplar=_exemplar_to_show(votes, scores, total), warnings=selection.warnings
    )


def _exemplar_to_show(votes: Sequence[Vote], scores: np.ndarray, total: float) -> str:
    """Id of the exemplar whose score [n] is nearest to the total.

    One with a clip of its own is worth more beside the dive than a slightly nearer one without.
    """
    has_clip = [bool(vote.clip_exemplar and vote.clip_exemplar.id == vote.exemplar) for vote in votes]
    distances = np.abs(scores - total) + np.where(has_clip, 0.0, np.inf if any(has_clip) else 0.0)
    return votes[int(distances.argmin())].exemplar


def _votes(
    bank: ExemplarBank, voters: Voters, pair_votes: PairVotes | None, missing_phases: Sequence[Phase]
) -> list[Vote]:
    """The votes with the properties of their exemplars; without pair votes the exemplars alone."""
    votes = []
    for row, choice in enumerate(voters.choices):
        exemplar = bank.exemplars[choice.index]
        contributions = score = None
        if pair_votes is not None:
            contributions = pair_votes.contributions[row].numpy().copy()
            contributions[:, list(missing_phases)] = 0
            score = pair_votes.base[row].item() + float(contributions.sum())
        votes.append(
            Vote(
                exemplar=exemplar.id,
                code=str(exemplar.code),
                height=exemplar.height,
                difficulty=exemplar.difficulty,
                exemplar_score=exemplar.score,
                source=exemplar.source,
                rule=choice.rule,
                contributions=contributions,
                score=score,
                clip_exemplar=bank.clip_exemplar(choice.index),
                recipe=exemplar.recipe if exemplar.recipe is not None and exemplar.recipe.is_current else None,
                encoding=bank.encodings.select([choice.index]).to_arrays(),
            )
        )
    return votes
