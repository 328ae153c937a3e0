"""The shell around every metric: rows, missing labels, measurements."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from fineparser.training.metrics.masks import MaskF1, MaskFBeta, MaskIoU, MaskMAE, MaskSMeasure
from fineparser.training.metrics.metric import Measurement, bootstrap_interval
from fineparser.training.metrics.score import Coverage, ExecutionSpearman, RelativeL2, Spearman
from fineparser.training.metrics.transitions import TemporalIoU, TransitionError


def test_updates_in_parts_are_one_update():
    rng = np.random.default_rng(0)
    predicted, true = rng.normal(size=(2, 40))
    whole, parts = Spearman(), Spearman()
    whole.update(predicted, true)
    for part in np.array_split(np.arange(40), 7):
        parts.update(predicted[part], true[part])
    assert parts.measure(seed=3) == whole.measure(seed=3)
    assert parts.measure().count == 40


def test_a_measurement_says_what_it_is():
    metric = TransitionError()
    metric.update(np.array([[10.0, 30.0], [12.0, 33.0]]), np.array([[10.0, 31.0], [10.0, 30.0]]))
    assert metric.measure(resamples=0) == Measurement(
        name="transition_error_frames", value=1.5, low=None, high=None, count=2, higher_is_better=False
    )
    measured = metric.measure()
    assert (measured.low, measured.high) == (0.5, 2.5)


def test_a_metric_without_dives_has_no_value():
    measured = RelativeL2().measure()
    assert measured.value is None
    assert measured.count == 0
    assert "0 dives" in measured.note


def test_dives_without_the_label_are_left_out():
    metric = Spearman()
    metric.update(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, np.nan, 3.0, 2.0]))
    assert metric.measure(resamples=0).count == 3
    assert metric.compute() == pytest.approx(0.5)


def test_rows_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"not of shape \(3,\)"):
        Spearman().add(np.zeros(3))


@pytest.mark.parametrize(
    ("metric", "higher"),
    [
        (Spearman(), True),
        (ExecutionSpearman(), True),
        (RelativeL2(), False),
        (Coverage(), True),
        (TemporalIoU(0.5), True),
        (TransitionError(), False),
        (MaskIoU(), True),
        (MaskF1(), True),
        (MaskMAE(), False),
        (MaskFBeta(), True),
        (MaskSMeasure(), True),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_a_metric_knows_which_way_is_better(metric, higher):
    assert metric.measure().higher_is_better is higher


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
    monkeypatch.setattr("fineparser.training.metrics.metric._VALUES_AT_ONCE", 500)
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
