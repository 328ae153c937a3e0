"""Metrics of predicted scores: rank correlation, relative squared error, coverage of intervals.

Definitions as usual in action quality assessment (CoRe, Yu et al. 2021; FineParser, Xu et al. 2024).
"""

from typing import ClassVar

import numpy as np
from scipy.stats import rankdata

from fineparser.training.metrics.metric import Metric

EXECUTION_DIGITS = 4
"""Digits to which executions are rounded: scores come in single precision."""


def spearman(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation along the last axis, [..., N] and [..., N] to [...].

    Tied values share the mean of their ranks. NaN if either side is constant or N < 2.

    >>> float(spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0])))
    0.5
    """
    if predicted.shape != true.shape:
        raise ValueError(f"{predicted.shape} predictions cannot be ranked against {true.shape} scores")
    ranks = rankdata(np.stack(np.broadcast_arrays(predicted, true)), axis=-1)
    predicted, true = ranks - (ranks.shape[-1] + 1) / 2  # the mean rank is (N + 1) / 2, ties or not
    spread = np.sqrt((predicted**2).sum(axis=-1) * (true**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip((predicted * true).sum(axis=-1) / spread, -1.0, 1.0)


def relative_l2(predicted: np.ndarray, true: np.ndarray, score_range: tuple[float, float]) -> np.ndarray:
    """R-l2 x 100 along the last axis: 100 times the mean of ((predicted - true) / (high - low))^2, no root.

    score_range: (low, high) in points; results are only comparable over the same range.

    >>> float(relative_l2(np.array([85.0, 60.0]), np.array([60.0, 60.0]), (0.0, 50.0)))
    12.5
    """
    low, high = score_range
    if not high > low:
        raise ValueError(
            f"R-l2 divides by the range of scores, which is {low} to {high} here: "
            "evaluate dives with different scores or give the range"
        )
    return 100 * (((predicted - true) / (high - low)) ** 2).mean(axis=-1)


def covered(true: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """1 if the true value lies within the interval, ends included, else 0; NaN if a value is missing.

    >>> covered(np.array([5.0, 5.0, np.nan]), np.array([4.0, 5.5, 0.0]), np.array([5.0, 6.0, 9.0]))
    array([ 1.,  0., nan])
    """
    inside = ((low <= true) & (true <= high)).astype(np.float64)
    return np.where(np.isnan(true) | np.isnan(low) | np.isnan(high), np.nan, inside)


class Spearman(Metric):
    """Rank correlation between predicted and true total scores."""

    name: ClassVar[str] = "spearman"
    higher_is_better: ClassVar[bool] = True

    def update(self, predicted: np.ndarray, true: np.ndarray) -> None:
        """Add dives; both [n], in points, NaN if unknown."""
        self.add(np.stack([predicted, true], axis=-1))

    def statistic(self, rows: np.ndarray) -> np.ndarray:
        return spearman(rows[..., 0], rows[..., 1])


class ExecutionSpearman(Metric):
    """Rank correlation of execution, score / difficulty: the given difficulty makes that of totals higher."""

    name: ClassVar[str] = "spearman_execution"
    higher_is_better: ClassVar[bool] = True

    def update(self, predicted: np.ndarray, true: np.ndarray, difficulty: np.ndarray) -> None:
        """Add dives; all [n], predicted and true total scores in points and degrees of difficulty."""
        # Awards are multiples of a half: dives of the same awards are tied, whatever the last digits of the quotients.
        executions = np.round(np.asarray(true) / difficulty, EXECUTION_DIGITS)
        self.add(np.stack([np.asarray(predicted) / difficulty, executions], axis=-1))

    def statistic(self, rows: np.ndarray) -> np.ndarray:
        return spearman(rows[..., 0], rows[..., 1])


class SpearmanCeiling(Spearman):
    """Rank correlation that a judge without bias and noise would reach on totals; for simulated dives."""

    name: ClassVar[str] = "spearman_ceiling"
    remark: ClassVar[str] = "of a judge without noise"


class ExecutionSpearmanCeiling(ExecutionSpearman):
    """Rank correlation that a judge without bias and noise would reach on execution; for simulated dives."""

    name: ClassVar[str] = "spearman_execution_ceiling"
    remark: ClassVar[str] = "of a judge without noise"


class RelativeL2(Metric):
    """R-l2 x 100 on total scores.

    Args:
        score_range: (low, high) in points; None: that of the true scores, the same in every resample of the interval.
    """

    name: ClassVar[str] = "r_l2_x100"
    higher_is_better: ClassVar[bool] = False

    def __init__(self, score_range: tuple[float, float] | None = None) -> None:
        super().__init__()
        self._score_range = score_range

    def update(self, predicted: np.ndarray, true: np.ndarray) -> None:
        """Add dives; both [n], in points, NaN if unknown."""
        self.add(np.stack([predicted, true], axis=-1))

    @property
    def score_range(self) -> tuple[float, float] | None:
        """(low, high) of the division; None before the first dive."""
        if self._score_range is not None or not len(self.rows):
            return self._score_range
        return float(self.rows[:, 1].min()), float(self.rows[:, 1].max())

    @property
    def note(self) -> str:
        score_range = self.score_range
        if score_range is None:
            return ""
        low, high = score_range
        source = "given" if self._score_range else "of the evaluated true scores"
        return f"range {low:g} to {high:g}, {source}"

    def statistic(self, rows: np.ndarray) -> np.ndarray:
        score_range = self.score_range
        if score_range is None or score_range[0] == score_range[1]:
            return np.full(rows.shape[:-2], np.nan)
        return relative_l2(rows[..., 0], rows[..., 1], score_range)


class Coverage(Metric):
    """Share of dives whose true score lies within the interval of the prediction.

    Args:
        nominal: share that the intervals should contain.
    """

    name: ClassVar[str] = "interval_coverage"
    higher_is_better: ClassVar[bool] = True

    def __init__(self, nominal: float | None = None) -> None:
        super().__init__()
        self._nominal = nominal

    @property
    def note(self) -> str:
        return "" if self._nominal is None else f"nominal coverage {self._nominal:.0%}"

    def update(self, true: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Add dives; all [n], in points, NaN if unknown."""
        self.add(covered(np.asarray(true), np.asarray(low), np.asarray(high))[:, None])
