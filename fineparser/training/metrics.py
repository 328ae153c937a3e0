"""What a metric is: rows in, one number with its interval out.

The arithmetic is pure functions, in two parts as in torchmetrics: one turns the predictions and labels of
some dives into rows [n, K], one a dive; the other turns rows [..., N, K] into numbers [...], so that a
bootstrap is one call on resampled rows. `Metric` is the thin shell that keeps the rows in between.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fineparser.training.intervals import RESAMPLES, bootstrap_interval


@dataclass(frozen=True)
class Measurement:
    """One metric on one set of dives."""

    name: str
    """The metric's name, as in result files."""
    value: float | None
    """None where the metric is not defined on these dives; `note` says why."""
    low: float | None
    """Lower end of the 95% bootstrap interval over the dives, None where there is none."""
    high: float | None
    """Upper end of that interval."""
    count: int
    """How many dives carry the label."""
    higher_is_better: bool
    """Which way is better."""
    note: str = ""
    """What one must know to read the number (the score range of R-l2, say)."""


class Metric:
    """A metric that collects rows; a subclass gives `update` and `statistic`, and its facts."""

    name: ClassVar[str]
    """Its name in result files."""
    higher_is_better: ClassVar[bool]
    """Read where the best checkpoint is chosen."""
    remark: ClassVar[str] = ""
    """What one must know to read the number."""

    def __init__(self) -> None:
        self._rows: list[np.ndarray] = []

    def add(self, rows: np.ndarray) -> None:
        """Keeps the rows [n, K] of n more dives; rows with a NaN (a missing label) are left out."""
        rows = np.asarray(rows, dtype=np.float64)
        if rows.ndim != 2:
            raise ValueError(f"rows of {self.name} are [dives, values], not of shape {rows.shape}")
        self._rows.append(rows[~np.isnan(rows).any(axis=1)])

    @property
    def rows(self) -> np.ndarray:
        """Everything kept so far, [N, K]."""
        return np.concatenate(self._rows) if self._rows else np.empty((0, 1))

    @property
    def note(self) -> str:
        """The remark, or what the dives so far make of it."""
        return self.remark

    def statistic(self, rows: np.ndarray) -> np.ndarray:
        """Rows [..., N, K] to numbers [...], NaN where undefined: the mean of one column, unless replaced."""
        return rows[..., 0].mean(axis=-1)

    def compute(self) -> float:
        """The metric on the rows kept so far; NaN where it is undefined."""
        rows = self.rows
        return float(self.statistic(rows)) if len(rows) else float("nan")

    def measure(self, *, resamples: int = RESAMPLES, seed: int = 0) -> Measurement:
        """The number, its bootstrap interval (none with `resamples=0`) and the number of dives."""
        value, rows = self.compute(), self.rows
        defined = not np.isnan(value)
        ends = None
        if defined and resamples:
            ends = bootstrap_interval(self.statistic, rows, resamples=resamples, seed=seed)
        note = self.note if defined else f"not defined on {len(rows)} dives with this label"
        return Measurement(
            name=self.name,
            value=value if defined else None,
            low=ends[0] if ends else None,
            high=ends[1] if ends else None,
            count=len(rows),
            higher_is_better=self.higher_is_better,
            note=note,
        )
