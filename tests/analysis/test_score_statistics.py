"""Statistics of predicted awards, on dives whose errors are known."""

from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import spearmanr

from fineparser.analysis.score_statistics import (
    MIN_DIVES,
    PREDICTION,
    AwardRange,
    DivePrediction,
    Value,
    correlation,
    method_statistics,
)
from fineparser.domain.standards import AwardDistribution
from tests.analysis.scored_dives import prediction


def statistics(*dives: DivePrediction, resamples: int = 0) -> dict[str, Value]:
    return method_statistics(dives, PREDICTION, resamples=resamples)


def test_errors_are_in_awards_and_their_bias_is_signed():
    values = statistics(prediction(award=6.0, predicted=5.0), prediction(award=7.0, predicted=5.0))
    assert values["rmse"].value == pytest.approx(np.sqrt((1 + 4) / 2))
    assert values["bias"].value == pytest.approx(-1.5)
    assert values["dives"].value == 2


def test_coverage_counts_the_ends_of_an_interval():
    dives = [prediction(award=award, predicted=6.0, half=1.0) for award in (5.0, 6.5, 7.0, 7.1)]
    assert statistics(*dives)["coverage"].value == 0.75


def test_r_l2_is_that_of_points_over_their_range():
    """Difficulties 2 and 3: 36 and 63 points, each predicted an award (6 and 9 points) too high."""
    values = statistics(
        prediction(award=6.0, predicted=7.0, difficulty=2.0), prediction(award=7.0, predicted=8.0, difficulty=3.0)
    )
    assert values["r_l2_x100"].value == pytest.approx(100 * ((6 / 27) ** 2 + (9 / 27) ** 2) / 2)


def test_the_order_within_sources_is_weighted_by_dives_and_ignores_sources_of_one_dive():
    club = [prediction(award=4.0 + n, predicted=4.0 + n, source="club") for n in range(4)]
    meet = [prediction(award=8.0 - n, predicted=8.0 + n, source="meet") for n in range(2)]
    alone = [prediction(award=9.0, predicted=1.0, source="final")]
    values = statistics(*club, *meet, *alone)
    assert values["spearman_within"].value == pytest.approx((4 * 1.0 + 2 * -1.0) / 6)
    everyone = [*club, *meet, *alone]
    expected = spearmanr([one.award for one in everyone], [one.ranges[PREDICTION].award for one in everyone]).statistic
    assert values["spearman"].value == pytest.approx(expected)


def test_equal_predictions_order_nothing_and_equal_awards_have_no_order():
    constant = [prediction(award=4.0 + n, predicted=6.0) for n in range(4)]
    assert statistics(*constant)["spearman_within"].value == 0.0
    equal = [prediction(award=6.0, predicted=4.0 + n) for n in range(4)]
    assert statistics(*equal)["spearman_within"].value is None
    assert statistics(*equal)["spearman"].value is None
    assert statistics(*equal)["r_l2_x100"].value is None


def test_awards_that_differ_by_rounding_alone_are_ties():
    dives = [prediction(award=award, predicted=p) for award, p in ((6.0, 5.0), (6.0 + 1e-9, 7.0), (7.0, 8.0))]
    assert correlation(dives, PREDICTION, resamples=0).value == pytest.approx(spearmanr([1, 1, 2], [1, 2, 3]).statistic)


def test_intervals_need_enough_dives_and_contain_the_value():
    rng = np.random.default_rng(0)
    dives = [prediction(award=float(a), predicted=float(a) + 0.3) for a in rng.uniform(4, 9, 40)]
    dives += [prediction(award=5.0, predicted=9.0)]
    values = statistics(*dives, resamples=200)
    rmse = values["rmse"]
    assert rmse.low < rmse.value < rmse.high
    assert rmse.low >= 0.3
    few = statistics(*dives[: MIN_DIVES - 1], resamples=200)
    assert few["rmse"].value is not None
    assert few["rmse"].low is None


def test_sources_are_resampled_for_themselves():
    """Whatever is drawn, each source keeps its number of dives: the order within both is perfect in every draw."""
    club = [prediction(award=4.0 + n, predicted=4.0 + n, source="club") for n in range(20)]
    meet = [prediction(award=5.0 + n, predicted=1.0 + n, source="meet") for n in range(20)]
    within = statistics(*club, *meet, resamples=50)["spearman_within"]
    assert (within.low, within.value, within.high) == pytest.approx((1.0, 1.0, 1.0))


def test_the_middle_part_of_a_distribution_ends_within_the_possible_awards():
    middle = AwardRange.from_distribution(AwardDistribution(6.0, 1.0, 0.35))
    assert (middle.low, middle.high) == pytest.approx((6 - 1.2816, 6 + 1.2816), abs=1e-3)
    assert AwardRange.from_distribution(AwardDistribution(9.5, 1.0, 0.35)).high == 10.0


def test_a_prediction_is_stored_as_plain_values():
    one = prediction(award=6.0, predicted=5.0)
    assert DivePrediction.from_json(asdict(one)) == one


@pytest.mark.parametrize(
    ("value", "text"),
    [(Value(None), "-"), (Value(0.5), "0.50"), (Value(-0.123, -0.5, 0.25), "-0.12 (-0.50 to 0.25)")],
)
def test_values_are_written_with_their_intervals(value, text):
    assert value.text() == text
