"""How far off a stated score may be, learnt from dives whose scores are known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from fineparser.domain.judging import highest_score

INTERVAL = 0.8
"""Share of true scores that a stated interval is meant to hold."""
LEAST_DIVES = 50
"""Fewer known dives do not tell the tails."""


def middle_of_votes(votes: Sequence[float]) -> tuple[float, float]:
    """Ends of the middle 80% of some votes: how far they disagree, which says little of how far off they are."""
    low, high = np.quantile(votes, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Calibration:
    """Errors of predicted scores on dives that neither the weights nor the exemplars have met.

    Errors are taken as execution, points / difficulty, so that they hold for dives of any difficulty (split
    conformal prediction, Papadopoulos et al. 2002, with both tails apart).
    """

    low: float
    """True minus predicted execution, 0 to 30: a tenth of the dives were further below."""
    high: float
    """A tenth were further above."""
    dives: int
    """How many dives tell."""
    source: str
    """Where they come from, such as "SynDive"."""
    parts: tuple[tuple[float, float], ...] = ()
    """The same two errors of each phase's part of the difference from the exemplars; empty where nothing tells what a
    phase's faults truly cost."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(map(tuple, self.parts)))  # JSON has no tuples

    @classmethod
    def of(
        cls,
        predicted: np.ndarray,
        true: np.ndarray,
        difficulty: np.ndarray,
        source: str,
        parts: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> "Calibration":
        """From predicted and true scores in points and degrees of difficulty, each [n].

        Args:
            parts: predicted and true points [n, 3] by which each phase sets a dive apart from its exemplars; rows that
                are not known are NaN, and where too few are known, nothing is said of phases.

        Raises:
            ValueError: for fewer dives than tell the tails.
        """
        difficulty = np.asarray(difficulty, float)
        errors = (np.asarray(true, float) - np.asarray(predicted, float)) / difficulty
        errors = errors[np.isfinite(errors)]
        if len(errors) < LEAST_DIVES:
            raise ValueError(f"{len(errors)} scored dives do not tell how far off scores are: take {LEAST_DIVES}")
        ends = ()
        if parts is not None:
            told, deserved = (np.asarray(each, float) for each in parts)
            wrong = (deserved - told) / difficulty[:, None]
            wrong = wrong[np.isfinite(wrong).all(1)]
            ends = tuple(map(_tails, wrong.T)) if len(wrong) >= LEAST_DIVES else ()
        return cls(*_tails(errors), len(errors), source, ends)

    def interval(self, score: float, difficulty: float) -> tuple[float, float]:
        """The interval in points about a predicted score; it holds the score itself."""
        highest = highest_score(difficulty)
        low = min(score, score + self.low * difficulty)
        high = max(score, score + self.high * difficulty)
        return float(np.clip(low, 0, highest)), float(np.clip(high, 0, highest))

    def part_intervals(self, points: np.ndarray, difficulty: float) -> np.ndarray | None:
        """The intervals [3, 2] in points about each phase's part [3]; each holds its part. None where not known."""
        if len(self.parts) != len(points):
            return None
        low, high = np.array(self.parts).T * difficulty
        return np.stack([np.minimum(points, points + low), np.maximum(points, points + high)], axis=1)

    def to_json(self) -> dict:
        """Plain values, as `Calibration(**values)` takes them back."""
        return asdict(self)


def _tails(errors: np.ndarray) -> tuple[float, float]:
    """Beyond which errors [n] a tenth of the dives lie at either end."""
    # Of n + 1 dives, the one to come among them, so many lie beyond either end.
    beyond = int((len(errors) + 1) * (1 - INTERVAL) / 2 + 1e-9)
    low, *_, high = np.sort(errors)[beyond - 1 : len(errors) - beyond + 1]
    return float(low), float(high)
