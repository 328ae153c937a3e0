"""Metrics: rows of dives in, one number with its interval out.

As in torchmetrics, the arithmetic is pure functions in two parts: `update` turns predictions and labels of dives into
rows [n, K], one a dive; `statistic` turns rows [..., N, K] into numbers [...], so that a bootstrap is one call on
resampled rows. `Metric` holds the rows in between.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

RESAMPLES = 1000
CONFIDENCE = 0.95
_VALUES_AT_ONCE = 4_000_000  # bounds the memory of one batch of resamples to about 32 MB


def bootstrap_interval(
    statistic: Callable[[np.ndarray], np.ndarray],
    rows: np.ndarray,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Percentile bootstrap interval (Efron 1979) of a statistic over the dives.

    Args:
        statistic: maps rows [..., N, K] to values [...], so that a batch of resamples is one call.
        rows: [N, K], one a dive.
        confidence: nominal coverage.
        resamples: number of resamples.
        seed: of the resamples.

    Returns:
        (low, high), or None with fewer than two dives or if the statistic is undefined (NaN) on more than half of the
        resamples; otherwise undefined resamples are dropped.

    >>> rows = np.arange(100.0)[:, None]
    >>> low, high = bootstrap_interval(lambda r: r[..., 0].mean(axis=-1), rows)
    >>> bool(low < 49.5 < high)
    True
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is a share between 0 and 1, not {confidence}")
    count = len(rows)
    if count < 2:
        return None
    rng = np.random.default_rng(seed)
    batch = max(1, _VALUES_AT_ONCE // rows.size)
    batches = []
    for start in range(0, resamples, batch):
        indices = rng.integers(count, size=(min(batch, resamples - start), count))
        batches.append(statistic(rows[indices]))  # [batch, N, K] -> [batch]
    values = np.concatenate(batches)
    values = values[~np.isnan(values)]
    if 2 * len(values) < resamples:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


@dataclass(frozen=True)
class Measurement:
    """One metric on one set of dives."""

    name: str
    """Name of the metric, as in result files."""
    value: float | None
    """None if the metric is not defined on these dives; `note` has the reason."""
    low: float | None
    """Lower end of the 95% bootstrap interval over the dives, None without one."""
    high: float | None
    """Upper end of that interval."""
    count: int
    """Number of dives with the label."""
    higher_is_better: bool
    note: str = ""
    """Remark on the number, such as the score range of R-l2."""


class Metric:
    """A metric that collects rows; a subclass has `update`, `statistic` and its facts."""

    name: ClassVar[str]
    """Name in result files."""
    higher_is_better: ClassVar[bool]
    """Direction in which the best checkpoint is chosen."""
    remark: ClassVar[str] = ""
    """Remark on the number."""

    def __init__(self) -> None:
        self._rows: list[np.ndarray] = []

    def add(self, rows: np.ndarray) -> None:
        """Add the rows [n, K] of n dives; rows with a NaN (a missing label) are dropped."""
        rows = np.asarray(rows, dtype=np.float64)
        if rows.ndim != 2:
            raise ValueError(f"rows of {self.name} are [dives, values], not of shape {rows.shape}")
        self._rows.append(rows[~np.isnan(rows).any(axis=1)])

    @property
    def rows(self) -> np.ndarray:
        """All rows so far, [N, K]."""
        return np.concatenate(self._rows) if self._rows else np.empty((0, 1))

    @property
    def note(self) -> str:
        """Remark, with values of the dives so far."""
        return self.remark

    def statistic(self, rows: np.ndarray) -> np.ndarray:
        """Metric of rows [..., N, K]: [...], NaN if undefined. By default the mean of the single column."""
        return rows[..., 0].mean(axis=-1)

    def compute(self) -> float:
        """Metric of the rows so far; NaN if undefined."""
        rows = self.rows
        return float(self.statistic(rows)) if len(rows) else float("nan")

    def measure(self, *, resamples: int = RESAMPLES, seed: int = 0) -> Measurement:
        """Metric, its bootstrap interval (none with `resamples=0`) and the number of dives."""
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
