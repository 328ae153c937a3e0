"""Score calibration: intervals about predicted scores, from the errors on dives with known scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fineparser.domain.judging import highest_score
from fineparser.domain.phases import Phase
from fineparser.plain_values import excerpt, from_plain

NOMINAL_COVERAGE = 0.8
"""Share of true scores that an interval is meant to contain."""
MIN_CALIBRATION_DIVES = 50
"""Fewer errors do not determine the tails of their distribution."""


def vote_interval(votes: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Ends of the middle 80% of some votes: their disagreement, which is a poor measure of the error."""
    low, high = np.quantile(votes, [(1 - NOMINAL_COVERAGE) / 2, (1 + NOMINAL_COVERAGE) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class ScoreCalibration:
    """Quantiles of the errors of predicted scores, on dives that neither the weights nor the exemplars include.

    Errors are those of the execution, points / difficulty, so that they hold for dives of any difficulty (split
    conformal prediction, Papadopoulos et al. 2002, with separate tails).
    """

    low: float
    """True minus predicted execution (0 to 30) that a tenth of the dives fall below."""
    high: float
    """The same that a tenth exceed."""
    dives: int
    """Number of dives measured on."""
    source: str
    """Dataset of the dives, such as "SynDive"."""
    phases: tuple[tuple[float, float], ...] = ()
    """`low` and `high` of each phase's contribution to the difference from the exemplars; empty if unknown."""

    @classmethod
    def from_predictions(
        cls,
        predicted: np.ndarray,
        true: np.ndarray,
        difficulty: np.ndarray,
        source: str,
        contributions: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> "ScoreCalibration":
        """Calibration from predictions for dives with known scores.

        Args:
            predicted, true: points [n].
            difficulty: [n].
            source: dataset of the dives.
            contributions: predicted and true points [n, 3] by which each phase sets a dive apart from its exemplars;
                unknown rows are NaN. With too few known rows the calibration has no phases.

        Raises:
            ValueError: for too few dives.
        """
        difficulty = np.asarray(difficulty, float)
        errors = (np.asarray(true, float) - np.asarray(predicted, float)) / difficulty
        errors = errors[np.isfinite(errors)]
        if len(errors) < MIN_CALIBRATION_DIVES:
            raise ValueError(f"{len(errors)} scored dives are too few to calibrate scores: use {MIN_CALIBRATION_DIVES}")
        phases: tuple[tuple[float, float], ...] = ()
        if contributions is not None:
            predicted_part, true_part = (np.asarray(part, float) for part in contributions)
            phase_errors = (true_part - predicted_part) / difficulty[:, None]
            phase_errors = phase_errors[np.isfinite(phase_errors).all(1)]
            if len(phase_errors) >= MIN_CALIBRATION_DIVES:
                phases = tuple(map(_tails, phase_errors.T))
        return cls(*_tails(errors), len(errors), source, phases)

    def interval(self, score: float, difficulty: float) -> tuple[float, float]:
        """Interval in points about a predicted score; it contains the score itself."""
        highest = highest_score(difficulty)
        low = min(score, score + self.low * difficulty)
        high = max(score, score + self.high * difficulty)
        return float(np.clip(low, 0, highest)), float(np.clip(high, 0, highest))

    def phase_intervals(self, points: np.ndarray, difficulty: float) -> np.ndarray | None:
        """Intervals [3, 2] in points about the contribution [3] of each phase; None if not measured."""
        if len(self.phases) != len(points):
            return None
        low, high = np.array(self.phases).T * difficulty
        return np.stack([np.minimum(points, points + low), np.maximum(points, points + high)], axis=1)

    def to_json(self) -> dict[str, Any]:
        """Plain values, as a bank file has them."""
        return {
            "low": self.low,
            "high": self.high,
            "dives": self.dives,
            "source": self.source,
            "parts": [list(ends) for ends in self.phases],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ScoreCalibration":
        """Calibration from plain values.

        Raises:
            ValueError: for values that are no calibration, with the name of the field.
        """
        if not isinstance(values, dict):
            raise ValueError(f"calibration should be an object, not {excerpt(values)}")
        renamed = {"phases" if name == "parts" else name: value for name, value in values.items()}
        calibration = from_plain(cls, renamed)
        if calibration.low > calibration.high or any(low > high for low, high in calibration.phases):
            raise ValueError("calibration has an interval whose lower end is above its upper end")
        if len(calibration.phases) not in (0, len(Phase)):
            raise ValueError(f"parts are those of {len(Phase)} phases, or none: not {len(calibration.phases)}")
        return calibration


def _tails(errors: np.ndarray) -> tuple[float, float]:
    """The errors that a tenth of the errors [n] fall below and that a tenth exceed."""
    # Among n + 1 dives, the next one included, this many lie beyond either end.
    beyond = int((len(errors) + 1) * (1 - NOMINAL_COVERAGE) / 2 + 1e-9)
    low, *_, high = np.sort(errors)[beyond - 1 : len(errors) - beyond + 1]
    return float(low), float(high)
