"""Statistics of predicted awards: errors, bias, order within and across sources, coverage of the intervals."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm, spearmanr

from fineparser.analysis.report import DiveReport
from fineparser.domain.judging import COUNTED_AWARDS, HIGHEST_AWARD
from fineparser.domain.standards import AwardDistribution
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE

PREDICTION, STANDARD_MEAN, NUMBER_MEAN, VOTES = "prediction", "standard_mean", "number_mean", "votes"
METHODS = {
    PREDICTION: "this prediction",
    STANDARD_MEAN: "mean award of the standard",
    NUMBER_MEAN: "mean award of the dive number",
    VOTES: "votes of exemplars (as 0.3.0)",
}
"""Rows of the table, and their names."""
MIN_DIVES = 5
"""Dives from which on a value has an interval."""
CONFIDENCE = 0.95
AWARD_DIGITS = 4
"""Digits to which awards are rounded before they are ranked, so that equal awards are ties."""


@dataclass(frozen=True)
class AwardRange:
    """Mean award, 0 to 10, with the interval that should contain it with `NOMINAL_COVERAGE`."""

    award: float
    low: float
    high: float

    @classmethod
    def from_distribution(cls, distribution: AwardDistribution) -> "AwardRange":
        """Mean of a normal distribution and its middle part, within 0 to 10."""
        half = float(norm.ppf((1 + NOMINAL_COVERAGE) / 2)) * distribution.sd
        low, high = np.clip([distribution.mean - half, distribution.mean + half], 0, HIGHEST_AWARD).tolist()
        return cls(distribution.mean, low, high)

    @classmethod
    def from_report(cls, report: DiveReport) -> "AwardRange | None":
        """Mean award of a report; None without a score."""
        if report.judgement is not None:
            return cls(report.judgement.award, report.judgement.low, report.judgement.high)
        if report.execution is None:
            return None
        value, low, high = (getattr(report.execution, end) / COUNTED_AWARDS for end in ("value", "low", "high"))
        return cls(value, low, high)


@dataclass(frozen=True, kw_only=True)
class DivePrediction:
    """Award of one dive: the judges' and the predicted ones."""

    clip: str
    source: str
    code: str
    height: float
    difficulty: float
    award: float
    """Mean award of the judges, 0 to 10."""
    standard: str
    """Standard of competition: the stated one, or else the most frequent one of the dive number and height."""
    is_standard_stated: bool
    ranges: dict[str, AwardRange]
    """Predicted awards by `METHODS`; one that predicts nothing for this dive is missing."""
    is_left_out: bool = False
    """True if the award model was fitted on this clip, and predicted it with its constants fitted without it."""
    is_uninformative: bool = False
    """True if the report says that the clip says little about the score."""
    reason: str = ""
    """Reason why there is no prediction."""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "DivePrediction":
        """Prediction from plain values; TypeError for others."""
        ranges = {name: AwardRange(**ends) for name, ends in values["ranges"].items()}
        return cls(**(values | {"ranges": ranges}))


@dataclass(frozen=True)
class Value:
    """Value of a statistic with its 95% interval."""

    value: float | None
    """None where it is not defined."""
    low: float | None = None
    high: float | None = None

    def text(self, digits: int = 2) -> str:
        """Number and interval for a table; a hyphen where there is none."""
        if self.value is None:
            return "-"
        if self.low is None or self.high is None:
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


@dataclass(frozen=True)
class _Awards:
    """Awards of some dives as arrays [N]."""

    true: np.ndarray
    predicted: np.ndarray
    covered: np.ndarray
    points: np.ndarray
    """Points of one award more: three times the difficulty."""

    @classmethod
    def from_predictions(cls, dives: Sequence[DivePrediction], method: str) -> "_Awards":
        ranges = [one.ranges[method] for one in dives]
        true = np.array([one.award for one in dives])
        low, high = (np.array([getattr(one, end) for one in ranges]) for end in ("low", "high"))
        return cls(
            true=true,
            predicted=np.array([one.award for one in ranges]),
            covered=(low <= true) & (true <= high),
            points=np.array([COUNTED_AWARDS * one.difficulty for one in dives]),
        )

    def rmse(self, index: np.ndarray) -> float:
        return float(np.sqrt(np.mean((self.predicted[index] - self.true[index]) ** 2)))

    def bias(self, index: np.ndarray) -> float:
        return float(np.mean(self.predicted[index] - self.true[index]))

    def coverage(self, index: np.ndarray) -> float:
        return float(np.mean(self.covered[index]))

    def relative_l2(self, index: np.ndarray) -> float:
        """R-l2 x 100 of total scores over the range of the true ones of all dives; NaN without a range."""
        true, errors = self.true * self.points, (self.predicted - self.true) * self.points
        extent = float(np.ptp(true))
        return 100 * float(np.mean((errors[index] / extent) ** 2)) if extent > 0 else math.nan

    def spearman(self, index: np.ndarray) -> float:
        """Rank correlation; 0 for equal predictions, which order nothing, and NaN for equal true awards."""
        true, predicted = np.round(self.true[index], AWARD_DIGITS), np.round(self.predicted[index], AWARD_DIGITS)
        if np.ptp(true) == 0:
            return math.nan
        return 0.0 if np.ptp(predicted) == 0 else float(spearmanr(true, predicted).statistic)


def method_statistics(
    dives: Sequence[DivePrediction], method: str, resamples: int = 1000, seed: int = 0
) -> dict[str, Value]:
    """Statistics of a method over dives that it predicted: errors in awards, order, and coverage.

    "spearman_within" is the mean of the sources' rank correlations, weighted by their dives; sources of one dive, or of
    equal awards, are not in it. R-l2 is that of total scores, over the range of the true ones.

    Args:
        dives: at least one.
        method: one of `METHODS`.
        resamples: of the bootstrap behind each interval; 0 leaves the intervals out.
        seed: of the resamples.
    """
    awards = _Awards.from_predictions(dives, method)
    everything = [np.arange(len(dives))]
    groups: dict[str, list[int]] = {}
    for index, one in enumerate(dives):
        groups.setdefault(one.source, []).append(index)
    sources = [np.array(indices) for indices in groups.values() if len(indices) > 1]

    def within(*parts: np.ndarray) -> float:
        values, weights = np.array([awards.spearman(part) for part in parts]), np.array([len(part) for part in parts])
        known = ~np.isnan(values)
        return float(np.average(values[known], weights=weights[known])) if known.any() else math.nan

    measure = functools.partial(_measure, resamples=resamples, seed=seed)
    return {
        "dives": Value(len(dives)),
        "rmse": measure(awards.rmse, everything),
        "bias": measure(awards.bias, everything),
        "spearman_within": measure(within, sources) if sources else Value(None),
        "spearman": measure(awards.spearman, everything),
        "r_l2_x100": measure(awards.relative_l2, everything),
        "coverage": measure(awards.coverage, everything),
    }


def correlation(dives: Sequence[DivePrediction], method: str, resamples: int = 1000, seed: int = 0) -> Value:
    """Spearman's rank correlation of some dives, see `method_statistics`."""
    awards = _Awards.from_predictions(dives, method)
    return _measure(awards.spearman, [np.arange(len(dives))], resamples, seed)


def _measure(statistic: Callable[..., float], parts: Sequence[np.ndarray], resamples: int, seed: int) -> Value:
    """Value of a statistic of indices, and its percentile bootstrap interval; each part is resampled for itself."""
    value = statistic(*parts)
    if math.isnan(value):
        return Value(None)
    if sum(len(part) for part in parts) < MIN_DIVES or not resamples:
        return Value(value)
    rng = np.random.default_rng(seed)
    draws = [[part[rng.integers(len(part), size=len(part))] for part in parts] for _ in range(resamples)]
    values = np.array([statistic(*draw) for draw in draws])
    values = values[~np.isnan(values)]  # a resample of equal awards has no order
    if 2 * len(values) < resamples:
        return Value(value)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail]).tolist()
    return Value(value, low, high)
