"""Score metrics against SciPy and values by hand, ties on purpose."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from fineparser.training.metrics.score import (
    Coverage,
    ExecutionSpearman,
    RelativeL2,
    Spearman,
    covered,
    relative_l2,
    spearman,
)


@pytest.mark.parametrize("levels", [3, 10, 1000])
@pytest.mark.parametrize("seed", [0, 1])
def test_spearman_is_scipys_with_and_without_ties(levels, seed):
    rng = np.random.default_rng(seed)
    true = rng.integers(levels, size=60).astype(float)
    predicted = np.round(true + rng.normal(scale=levels / 3, size=60))
    assert float(spearman(predicted, true)) == pytest.approx(spearmanr(predicted, true).statistic, abs=1e-12)


def test_spearman_of_many_samples_at_once():
    rng = np.random.default_rng(2)
    predicted, true = rng.integers(5, size=(2, 4, 3, 20)).astype(float)
    values = spearman(predicted, true)
    assert values.shape == (4, 3)
    for index in np.ndindex(4, 3):
        assert values[index] == pytest.approx(spearmanr(predicted[index], true[index]).statistic, abs=1e-12)


def test_spearman_is_undefined_for_constants_and_single_dives():
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))
    assert np.isnan(spearman(np.ones(1), np.ones(1)))
    metric = Spearman()
    metric.update(np.ones(4), np.arange(4.0))
    assert metric.measure().value is None
    with pytest.raises(ValueError, match="cannot be ranked"):
        spearman(np.ones(4), np.ones(3))


def test_spearman_interval_of_749_dives_is_as_wide_as_known():
    """aqa.md: the bootstrap over FineDiving's 749 test clips gives rho about +-0.014 at rho 0.94."""
    rng = np.random.default_rng(5)
    true = rng.normal(size=749)
    predicted = 0.945 * true + np.sqrt(1 - 0.945**2) * rng.normal(size=749)
    metric = Spearman()
    metric.update(predicted, true)
    measured = metric.measure()
    assert measured.low < measured.value < measured.high
    assert (measured.high - measured.low) / 2 == pytest.approx(0.012, abs=0.005)


def test_execution_takes_the_difficulty_out():
    true, difficulty = np.array([90.0, 60.0, 48.0]), np.array([3.6, 2.0, 1.5])  # executions 25, 30, 32
    predicted = np.array([86.4, 56.0, 45.0])  # executions 24, 28, 30
    total, execution = Spearman(), ExecutionSpearman()
    total.update(predicted, true)
    execution.update(predicted, true, difficulty)
    assert (total.compute(), execution.compute()) == (1.0, 1.0)
    flat = np.array([90.0, 50.0, 37.5])  # the difficulty times 25: knows nothing of execution
    total, execution = Spearman(), ExecutionSpearman()
    total.update(flat, true)
    execution.update(flat, true, difficulty)
    assert total.compute() == 1.0
    assert np.isnan(execution.compute())


def test_dives_of_the_same_awards_are_tied_whatever_their_difficulty():
    """Against SciPy on the sums of awards themselves; totals are in single precision, as data hold them."""
    rng = np.random.default_rng(0)
    difficulty = rng.choice([1.6, 2.4, 2.7, 3.3, 3.7], 400)
    kept = rng.integers(30, 50, 400) / 2
    predicted = (kept + rng.normal(0, 3, 400)) * difficulty
    metric = ExecutionSpearman()
    metric.update(predicted, (kept * difficulty).astype(np.float32), difficulty.astype(np.float32))
    assert metric.compute() == pytest.approx(spearmanr(predicted / difficulty, kept).statistic, abs=1e-5)


def test_execution_needs_the_difficulty():
    metric = ExecutionSpearman()
    metric.update(np.array([80.0, 70.0]), np.array([81.0, 66.0]), np.array([3.2, np.nan]))
    assert metric.measure().count == 1


def test_relative_l2_by_hand():
    # errors 3, -4, 0 over a range of 50: 100 * (9 + 16) / 2500 / 3
    predicted, true = np.array([33.0, 46.0, 80.0]), np.array([30.0, 50.0, 80.0])
    metric = RelativeL2()
    metric.update(predicted, true)
    assert metric.compute() == pytest.approx(1 / 3)
    assert metric.note == "range 30 to 80, of the evaluated true scores"


def test_relative_l2_with_the_published_range():
    metric = RelativeL2((0.0, 104.4))
    metric.update(np.array([60.0, 70.0]), np.array([70.44, 70.0]))
    assert metric.compute() == pytest.approx(0.5)
    assert metric.note == "range 0 to 104.4, given"


def test_relative_l2_keeps_its_range_when_resampled():
    """Were the range taken from each resample, one that misses the far dive would give a far larger value."""
    true = np.array([0.0, *np.full(9, 50.0)])
    metric = RelativeL2()
    metric.update(true + 5, true)
    measured = metric.measure()
    assert (measured.low, measured.value, measured.high) == pytest.approx((1.0, 1.0, 1.0))


def test_relative_l2_of_equal_scores_is_refused():
    with pytest.raises(ValueError, match=r"60\.0 to 60\.0"):
        relative_l2(np.array([61.0]), np.array([60.0]), (60.0, 60.0))
    metric = RelativeL2()
    metric.update(np.array([61.0, 59.0]), np.array([60.0, 60.0]))
    assert metric.measure().value is None


def test_coverage_counts_the_ends():
    true, low, high = (
        np.array([5.0, 5.0, 5.0, np.nan]),
        np.array([5.0, 5.1, 1.0, 0.0]),
        np.array([6.0, 6.0, 5.0, 9.0]),
    )
    np.testing.assert_array_equal(covered(true, low, high), [1, 0, 1, np.nan])
    metric = Coverage()
    metric.update(true, low, high)
    assert metric.compute() == pytest.approx(2 / 3)
    assert metric.measure().count == 3
