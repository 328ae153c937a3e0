"""Intervals with their nominal coverage."""

import json

import numpy as np
import pytest

from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE, ScoreCalibration


def dives(rng, count):
    """Predicted and true scores with skewed errors, and difficulties."""
    difficulty = rng.choice([1.6, 2.4, 3.3], count)
    predicted = rng.uniform(15, 27, count) * difficulty
    return predicted, predicted + (rng.gamma(2.0, 1.0, count) - 1.0) * difficulty, difficulty


def test_the_interval_has_its_nominal_coverage():
    rng = np.random.default_rng(0)
    calibration = ScoreCalibration.from_predictions(*dives(rng, 2000), "SynDive")
    ends = [(calibration.interval(p, d), t) for p, t, d in zip(*dives(rng, 4000), strict=True)]
    inside = np.mean([low <= true <= high for (low, high), true in ends])
    assert inside == pytest.approx(NOMINAL_COVERAGE, abs=0.03)
    below, above = np.mean([true < low for (low, _), true in ends]), np.mean([true > high for (_, high), true in ends])
    assert below == pytest.approx(above, abs=0.04)


def test_the_ends_are_the_errors_at_the_ranks_of_split_conformal_prediction():
    errors = np.arange(1.0, 100.0)  # 99 dives: of 100, ten beyond either end
    calibration = ScoreCalibration.from_predictions(np.zeros(99), errors, np.ones(99), "here")
    assert (calibration.low, calibration.high, calibration.dives) == (10.0, 90.0, 99)


def test_an_interval_contains_its_score_and_stays_within_the_awards():
    calibration = ScoreCalibration(2.0, 4.0, 60, "here")
    assert calibration.interval(50.0, 2.0) == (50.0, 58.0)
    assert calibration.interval(58.0, 2.0) == (58.0, 60.0)
    assert ScoreCalibration(-3.0, -1.0, 60, "here").interval(2.0, 2.0) == (0.0, 2.0)


def test_too_few_dives_are_refused():
    predicted = np.append(np.zeros(49), np.nan)
    with pytest.raises(ValueError, match="49 scored dives"):
        ScoreCalibration.from_predictions(predicted, np.ones(50), np.ones(50), "here")


def test_each_phase_has_quantiles_of_its_own():
    """99 dives: the tenth and the ninetieth error of each phase; a dive with unknown contributions does not count."""
    errors = np.arange(1.0, 100.0)
    predicted, true = np.zeros((100, 3)), np.zeros((100, 3))
    true[1:] = errors[:, None] * 2.0 * (1, -1, 0.5)  # difficulty 2
    predicted[0] = np.nan
    calibration = ScoreCalibration.from_predictions(
        np.zeros(100), np.zeros(100), np.full(100, 2.0), "here", (predicted, true)
    )
    assert calibration.phases == ((10.0, 90.0), (-90.0, -10.0), (5.0, 45.0))
    assert ScoreCalibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


def test_too_few_known_contributions_give_no_phases():
    parts = np.zeros((60, 3)), np.full((60, 3), np.nan)
    parts[1][:49] = 1.0
    calibration = ScoreCalibration.from_predictions(np.zeros(60), np.ones(60), np.ones(60), "here", parts)
    assert calibration.phases == ()
    assert calibration.phase_intervals(np.zeros(3), 2.0) is None


def test_a_contribution_is_inside_its_interval():
    calibration = ScoreCalibration(-1.0, 1.0, 60, "here", ((-1.0, 2.0), (0.5, 1.0), (-3.0, -2.0)))
    intervals = calibration.phase_intervals(np.array([1.0, -1.0, 4.0]), 2.0)
    np.testing.assert_allclose(intervals, [[-1, 5], [-1, 1], [-2, 4]])
    assert calibration.phase_intervals(np.array([1.0]), 2.0) is None  # a network without phases
