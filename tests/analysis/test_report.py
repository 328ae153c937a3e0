from dataclasses import replace

import numpy as np
import pytest

from fineparser.exemplars.dived import Dived
from fineparser.exemplars.panel_scale import PanelScale
from fineparser.analysis.report import Breakdown, Estimate, Vote
from fineparser.exemplars.voting import Ballot, estimate
from fineparser.exemplars.calibration import Calibration
from fineparser.domain.dive_code import DiveCode


def test_an_estimate_spans_the_middle_of_the_votes():
    estimate = Estimate.of_votes(np.arange(11.0))
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((5, 1, 9))


def test_json_of_a_breakdown_names_phases_and_branches():
    breakdown = Breakdown(70.0, np.array([[1.0, 2, 3], [0.5, -1, 0]]))
    json = breakdown.to_json()
    assert json["points"]["static"] == {"take-off": 0.5, "flight": -1, "entry": 0}
    assert json["by_phase"] == {"take-off": 1.5, "flight": 1, "entry": 3}
    assert json["by_branch"] == {"dynamic": 6, "static": -0.5}


def test_a_single_branch_or_phase_is_named_alike():
    breakdown = Breakdown(70.0, np.array([[1.0, 2, 3]]))
    assert list(breakdown.to_json()["points"]) == ["dynamic"]


def test_a_vote_adds_up():
    vote = Vote("a", "207C", 10.0, 3.3, 80.0, "SynDive", "same", np.full((2, 3), 0.5), 83.0)
    json = vote.to_json()
    assert json["exemplar_score"] + json["difference"] == pytest.approx(json["score"])


def votes_of(*scores):
    return tuple(
        Vote(f"e{i}", "405B", 3.0, 2.0, s, "SynDive", "same", np.zeros((2, 3)), s) for i, s in enumerate(scores)
    )


def test_without_a_calibration_the_interval_says_that_it_is_of_votes():
    dived = Dived(DiveCode.parse("405B"), 3.0, 2.0, "table")
    total, execution, breakdown, nearest, basis = estimate(Ballot(votes_of(*range(40, 51))), dived)
    assert (total.value, total.low, total.high) == pytest.approx((45, 41, 49))
    assert (execution.low, breakdown.base, nearest) == (pytest.approx(20.5), 45, "e5")
    assert "middle 80% of 11 votes" in basis


def test_a_calibration_gives_the_interval_of_known_errors():
    dived = Dived(DiveCode.parse("405B"), 3.0, 2.0, "table")
    total, execution, _, _, basis = estimate(
        Ballot(votes_of(40, 50), calibration=Calibration(-3.0, 2.0, 300, "SynDive")), dived
    )
    assert (total.value, total.low, total.high) == pytest.approx((45, 39, 49))
    assert (execution.low, execution.high) == pytest.approx((19.5, 24.5))
    assert "300 dives (SynDive)" in basis


def test_a_calibration_that_knows_phases_gives_each_part_its_range():
    dived = Dived(DiveCode.parse("405B"), 3.0, 2.0, "table")
    calibration = Calibration(-3.0, 2.0, 300, "SynDive", ((-1.0, 1.0), (-2.0, 0.5), (-0.5, 1.5)))
    breakdown, _, basis = estimate(Ballot(votes_of(40, 50), calibration=calibration), dived)[2:]
    np.testing.assert_allclose(breakdown.ranges, [[-2, 2], [-4, 1], [-1, 3]])
    assert breakdown.to_json()["by_phase_interval"]["flight"] == [-4.0, 1.0]
    assert "each phase" in basis
    alone = estimate(Ballot(votes_of(40, 50), calibration=replace(calibration, parts=())), dived)
    assert alone[2].ranges is alone[2].to_json()["by_phase_interval"] is None
    assert "each phase" not in alone[4]


def test_on_the_scale_of_own_judges_the_interval_is_what_their_dives_leave_open():
    dived = Dived(DiveCode.parse("405B"), 3.0, 2.0, "table")
    calibration = Calibration(-3.0, 2.0, 300, "SynDive", ((-1.0, 1.0), (-2.0, 0.5), (-0.5, 1.5)))
    scale = PanelScale(-1.0, 2.0, 7, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0)
    parts = np.array([[1.0, -2.0, 0.0], [1.0, 0.0, 4.0]])
    votes = tuple(replace(vote, contributions=parts) for vote in votes_of(30, 36))
    total, _, breakdown, _, basis = estimate(Ballot(votes, (), calibration, scale), dived)
    assert (total.low, total.high) == pytest.approx(scale.interval(33.0, 2.0))
    # Twice as far apart, a part is twice as far off.
    np.testing.assert_allclose(breakdown.ranges, [[2 - 4, 2 + 4], [-2 - 8, -2 + 2], [4 - 2, 4 + 6]])
    assert "7 dives that they judged" in basis
