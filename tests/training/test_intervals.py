"""Bootstrap intervals against SciPy's."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from fineparser.training.intervals import bootstrap_interval


def mean(rows):
    return rows[..., 0].mean(axis=-1)


def test_agrees_with_scipys_percentile_bootstrap():
    values = np.random.default_rng(0).gamma(2.0, 10.0, size=200)
    reference = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    low, high = bootstrap_interval(mean, values[:, None], resamples=20_000)
    width = reference.high - reference.low
    assert low == pytest.approx(reference.low, abs=0.03 * width)
    assert high == pytest.approx(reference.high, abs=0.03 * width)


def test_interval_of_the_mean_is_that_of_the_normal_law():
    values = np.random.default_rng(3).normal(size=2000)
    low, high = bootstrap_interval(mean, values[:, None], resamples=4000, confidence=0.9)
    half = 1.6449 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_the_same_seed_gives_the_same_interval_whatever_the_batches(monkeypatch):
    rows = np.random.default_rng(4).normal(size=(50, 1))
    first = bootstrap_interval(mean, rows, seed=7)
    monkeypatch.setattr("fineparser.training.intervals._VALUES_AT_ONCE", 500)
    assert bootstrap_interval(mean, rows, seed=7) == first
    assert bootstrap_interval(mean, rows, seed=8) != first


def test_rows_stay_whole():
    """Resampling draws dives: the difference of two columns that always differ by 1 has no spread."""
    column = np.arange(30.0)
    rows = np.stack([column, column + 1], axis=1)
    assert bootstrap_interval(lambda r: (r[..., 1] - r[..., 0]).mean(axis=-1), rows) == (1.0, 1.0)


def test_no_interval_from_one_dive_or_where_the_statistic_is_undefined():
    assert bootstrap_interval(mean, np.ones((1, 1))) is None
    assert bootstrap_interval(lambda r: np.full(r.shape[:-2], np.nan), np.ones((9, 1))) is None


def test_undefined_resamples_are_left_out():
    """A resample that holds one value only has no spread, declared undefined here."""

    def spread(rows):
        width = rows[..., 0].max(axis=-1) - rows[..., 0].min(axis=-1)
        return np.where(width > 0, width, np.nan)

    assert bootstrap_interval(spread, np.array([[0.0], [4.0], [4.0]])) == (4.0, 4.0)


def test_an_impossible_confidence_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1, not 95"):
        bootstrap_interval(mean, np.ones((9, 1)), confidence=95)
