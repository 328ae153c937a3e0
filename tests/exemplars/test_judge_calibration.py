"""The judges of a parameters: a line from what is predicted to what it gives, held back while few dives tell it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from fineparser.exemplars.exemplar import USER_DIVES, DiveSpec
from fineparser.exemplars.judge_calibration import (
    DEFAULT_ERROR,
    MIDDLE_AWARD,
    MIN_SLOPE,
    PRIOR_DIVES,
    PRIOR_OFFSET,
    PRIOR_SLOPE,
    JudgeCalibration,
    JudgeComparison,
    fit_judge_calibration,
)
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE, ScoreCalibration
from fineparser.exemplars.selection import ExemplarSelection
from fineparser.exemplars.voting_result import vote_on_dive
from fineparser.model.protocol import Provenance

DIFFICULTIES = (1.6, 2.4, 3.3)
CALIBRATION = ScoreCalibration(-4.0, 4.0, 400, "SynDive")


def scores(rng, count, offset=-1.0, slope=1.3, error=0.8):
    """Predicted and true points of `count` dives, and their difficulties."""
    difficulty = rng.choice(DIFFICULTIES, count)
    predicted = rng.normal(6.8, 1.2, count)
    true = MIDDLE_AWARD + offset + slope * (predicted - MIDDLE_AWARD) + rng.normal(0, error, count)
    return 3 * predicted * difficulty, 3 * true * difficulty, difficulty


def test_many_dives_give_the_line_of_least_squares():
    predicted, true, difficulty = scores(np.random.default_rng(0), 4000)
    judges = JudgeCalibration.from_scores(predicted, true, difficulty)
    slope, at_nought = np.polyfit(predicted / difficulty / 3, true / difficulty / 3, 1)
    assert judges.slope == pytest.approx(slope, abs=0.005)
    assert MIDDLE_AWARD + judges.offset == pytest.approx(at_nought + slope * MIDDLE_AWARD, abs=0.005)
    assert judges.error == pytest.approx(0.8, rel=0.05)
    assert judges.calibrate(3 * MIDDLE_AWARD * 2.0, 2.0) == pytest.approx(3 * 2.0 * (MIDDLE_AWARD + judges.offset))


def test_the_prior_counts_as_two_more_rows_of_the_equations():
    predicted, true, difficulty = scores(np.random.default_rng(1), 4)
    judges = JudgeCalibration.from_scores(predicted, true, difficulty)
    x, z = predicted / difficulty / 3 - MIDDLE_AWARD, true / difficulty / 3 - MIDDLE_AWARD
    rows = [*([1.0, one] for one in x), [DEFAULT_ERROR / PRIOR_OFFSET, 0.0], [0.0, DEFAULT_ERROR / PRIOR_SLOPE]]
    (offset, slope), *_ = np.linalg.lstsq(np.array(rows), np.array([*z, 0.0, DEFAULT_ERROR / PRIOR_SLOPE]), rcond=None)
    assert (judges.offset, judges.slope) == pytest.approx((offset, slope))
    assert abs(judges.offset) < abs(np.mean(z - x))
    assert judges.degrees_of_freedom == PRIOR_DIVES + 4


def test_intervals_have_the_nominal_coverage_under_the_prior():
    rng, inside = np.random.default_rng(2), []
    for _ in range(3000):
        error = np.sqrt(PRIOR_DIVES * DEFAULT_ERROR**2 / rng.chisquare(PRIOR_DIVES))
        parameters = dict(offset=rng.normal(0, PRIOR_OFFSET), slope=1 + PRIOR_SLOPE * rng.normal(), error=error)
        predicted, true, difficulty = scores(rng, int(rng.integers(4, 12)), **parameters)
        predicted -= 4.5 * difficulty  # to the middle, so that hardly any award is out of range
        true -= 4.5 * difficulty * parameters["slope"]
        judges = JudgeCalibration.from_scores(predicted[1:], true[1:], difficulty[1:])
        low, high = judges.interval(judges.calibrate(predicted[0], difficulty[0]), difficulty[0])
        inside.append(low <= true[0] <= high)
    assert np.mean(inside) == pytest.approx(NOMINAL_COVERAGE, abs=0.03)


def test_the_score_calibration_gives_the_prior_of_the_error():
    predicted, true, difficulty = (values[:3] for values in scores(np.random.default_rng(3), 3, -1.0, 1.0, 0.0))
    reach = 3 * norm.ppf(0.9)  # in execution, of an error of one award
    small, large = (
        JudgeCalibration.from_scores(
            predicted, true, difficulty, ScoreCalibration(-factor * reach, factor * reach, 400, "SynDive")
        )
        for factor in (0.5, 1.5)
    )
    assert small.error < large.error
    assert abs(small.offset) > abs(large.offset)  # exact predictions are weighted more


def test_an_interval_contains_its_score_and_stays_within_the_awards():
    judges = JudgeCalibration.from_scores(*scores(np.random.default_rng(4), 5))
    low, high = judges.interval(58.0, 2.0)
    assert 0 <= low <= 58.0 <= high <= 60.0
    assert judges.interval(0.0, 2.0)[0] == 0.0


def test_judges_who_reverse_the_order_are_not_followed():
    predicted = np.linspace(30, 50, 60)
    judges = JudgeCalibration.from_scores(predicted, 80 - predicted, np.full(60, 2.0))
    assert judges.slope == MIN_SLOPE
    assert judges.calibrate(40.0, 2.0) == pytest.approx(40.0, abs=0.5)


def test_too_few_dives_are_refused():
    with pytest.raises(ValueError, match="2 scored dives"):
        JudgeCalibration.from_scores([40, 50], [38, 47], [2.0, 2.0])


def test_plain_values_keep_the_names_of_a_report():
    judges = JudgeCalibration(-1.0, 1.2, 7, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0)
    values = json.loads(json.dumps(judges.to_json()))
    assert values == {
        "offset": -1.0,
        "stretch": 1.2,
        "dives": 7,
        "covariance": [[0.1, 0.0], [0.0, 0.1]],
        "error": 0.8,
        "freedom": 15.0,
    }


@pytest.fixture(scope="module")
def joined(bank, encodings):
    """The bank with three user exemplars: two 207C and one 107B."""
    exemplars = tuple(
        replace(bank.exemplars[index], id=f"own-{index}", score=score, source=USER_DIVES)
        for index, score in ((0, 40.0), (1, 55.0), (3, 30.0))
    )
    user = replace(bank, exemplars=exemplars, encodings=encodings.select([4, 5, 0]))
    return replace(bank, calibration=CALIBRATION).join(user)


def test_a_comparison_has_the_votes_of_simulated_exemplars(bank, joined, model, encodings):
    specs = [DiveSpec.from_input(code, height) for code, height in (("207C", 10), ("207C", 10), ("107B", 3))]
    selection = ExemplarSelection(bank=bank, count=10)
    predicted = []
    for index, spec in zip((4, 5, 0), specs, strict=True):
        votes = vote_on_dive(model, encodings.select([index]), spec, selection).votes
        predicted.append(np.mean([vote.score for vote in votes]))
    expected = JudgeCalibration.from_scores(
        predicted, [40.0, 55.0, 30.0], [spec.difficulty for spec in specs], CALIBRATION
    )
    comparison = JudgeComparison.from_bank(model, joined, 10, 0)
    judges = comparison.calibration
    assert (judges.offset, judges.slope, judges.error) == pytest.approx(
        (expected.offset, expected.slope, expected.error), rel=1e-4
    )
    assert judges.dives == 3
    assert [one.id for one in comparison.dives] == ["own-0", "own-1", "own-3"]
    assert comparison.predicted == pytest.approx(predicted, rel=1e-4)


def test_two_dives_give_no_calibration(joined, model):
    two = JudgeComparison.from_bank(model, joined.without("own-1"), 10, 0)
    assert two.calibration is None
    assert len(two.dives) == len(two.predicted) == 2


def test_dives_without_simulated_exemplars_do_not_count(joined, model):
    assert JudgeComparison.from_bank(model, joined.without("dive-3"), 10, 0).calibration is None
    assert JudgeComparison.from_bank(model, joined.with_sources({USER_DIVES}), 10, 0) == JudgeComparison()


def test_weights_trained_on_real_dives_are_not_calibrated(joined, model, monkeypatch):
    monkeypatch.setattr(model, "provenance", Provenance("tuned", ("SynDive", "my club")))
    assert JudgeComparison.from_bank(model, joined, 10, 0).calibration is None
    monkeypatch.setattr(model, "provenance", Provenance("bundled", ("SynDive",)))
    assert JudgeComparison.from_bank(model, joined, 10, 0).calibration is not None


def test_the_most_recent_dives_count(joined, model, monkeypatch):
    monkeypatch.setattr("fineparser.exemplars.judge_calibration.MAX_SCORED_DIVES", 3)
    recent = JudgeComparison.from_bank(model, joined, 10, 0).calibration
    old = replace(joined.exemplars[0], id="own-old", score=1.0, source=USER_DIVES)
    with_old = replace(joined, exemplars=(old,), encodings=joined.encodings.select([0])).join(joined)
    assert JudgeComparison.from_bank(model, with_old, 10, 0).calibration.offset == pytest.approx(
        recent.offset, abs=1e-4
    )


@pytest.mark.parametrize("trained_on", [("SynDive",), ("SynDive", "my club")])
def test_nothing_is_compared_without_a_possible_calibration(joined, model, monkeypatch, trained_on):
    monkeypatch.setattr(model, "provenance", Provenance("some", trained_on))
    monkeypatch.setattr(model, "compare", None)
    bank = joined.without("own-1") if trained_on == ("SynDive",) else joined
    assert fit_judge_calibration(model, bank, 10, 0) is None
