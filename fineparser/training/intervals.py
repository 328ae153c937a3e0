"""Bootstrap intervals: how far a number measured on N dives could be off."""

from collections.abc import Callable

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
    """The percentile bootstrap interval (Efron 1979) of `statistic` over the dives.

    statistic: maps rows [..., N, K] to values [...], so that a batch of resamples is one call.
    rows: [N, K], what each of the N dives contributes.
    Returns (low, high), or None with fewer than two dives or where the statistic is undefined (NaN) on more
    than half of the resamples; undefined resamples are otherwise left out.

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
    values = []
    for start in range(0, resamples, batch):
        drawn = rng.integers(count, size=(min(batch, resamples - start), count))
        values.append(statistic(rows[drawn]))  # [batch, N, K] -> [batch]
    values = np.concatenate(values)
    values = values[~np.isnan(values)]
    if 2 * len(values) < resamples:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
