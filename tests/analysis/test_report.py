import numpy as np
import pytest

from fineparser.analysis.report import Breakdown, Estimate, Vote


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
