"""Votes, totals and intervals, with random encodings."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import USER_DIVES, DiveSpec, ExemplarClip
from fineparser.exemplars.score_calibration import ScoreCalibration
from fineparser.exemplars.selection import ExemplarSelection
from fineparser.exemplars.voting_result import (
    Breakdown,
    ScoreEstimate,
    Vote,
    VotingResult,
    comparison_exemplars,
    vote_on_dive,
)

SPEC = DiveSpec(DiveCode.parse("405B"), 3.0, 2.0, "table")
CALIBRATION = ScoreCalibration(-3.0, 2.0, 300, "SynDive")
PHASES = ((-1.0, 1.0), (-2.0, 0.5), (-0.5, 1.5))


@pytest.fixture(scope="module")
def query(encodings):
    return encodings.select([5])


@pytest.fixture(scope="module")
def joined(bank, encodings):
    """The bank with three user exemplars: two 207C and one 107B."""
    exemplars = tuple(
        replace(bank.exemplars[index], id=f"own-{index}", score=score, source=USER_DIVES)
        for index, score in ((0, 40.0), (1, 55.0), (3, 30.0))
    )
    user = replace(bank, exemplars=exemplars, encodings=encodings.select([4, 5, 0]))
    return replace(bank, calibration=ScoreCalibration(-4.0, 4.0, 400, "SynDive")).join(user)


def vote(model, bank, query, code, height, count=3):
    selection = ExemplarSelection(bank=bank, count=count)
    return vote_on_dive(model, query, DiveSpec.from_input(code, height), selection)


def with_clip(bank, index, path):
    exemplars = list(bank.exemplars)
    exemplars[index] = replace(exemplars[index], clip=ExemplarClip(path, 0, 10, 40, 60))
    return replace(bank, exemplars=tuple(exemplars))


def test_the_interval_of_an_estimate_is_the_middle_of_the_votes():
    estimate = ScoreEstimate.from_votes(np.arange(11.0))
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((5, 1, 9))


def test_json_of_a_breakdown_names_phases_and_branches():
    breakdown = Breakdown(70.0, np.array([[1.0, 2, 3], [0.5, -1, 0]]))
    json = breakdown.to_json()
    assert json["points"]["static"] == {"take-off": 0.5, "flight": -1, "entry": 0}
    assert json["by_phase"] == {"take-off": 1.5, "flight": 1, "entry": 3}
    assert json["by_branch"] == {"dynamic": 6, "static": -0.5}


def test_a_single_branch_has_its_name():
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


def test_without_a_calibration_the_interval_is_that_of_the_votes():
    result = VotingResult.from_votes(votes_of(*range(40, 51)), SPEC)
    assert (result.total.value, result.total.low, result.total.high) == pytest.approx((45, 41, 49))
    assert (result.execution.low, result.breakdown.base, result.exemplar) == (pytest.approx(20.5), 45, "e5")
    assert result.interval_basis.to_json() == {"code": "interval_from_votes", "votes": 11}


def test_a_score_calibration_gives_the_interval_of_known_errors():
    result = VotingResult.from_votes(votes_of(40, 50), SPEC, score_calibration=CALIBRATION)
    assert (result.total.value, result.total.low, result.total.high) == pytest.approx((45, 39, 49))
    assert (result.execution.low, result.execution.high) == pytest.approx((19.5, 24.5))
    basis = {"code": "interval_from_scores", "dives": 300, "source": "SynDive", "phases": 0}
    assert result.interval_basis.to_json() == basis
    assert result.breakdown.ranges is result.breakdown.to_json()["by_phase_interval"] is None


def test_a_calibration_of_phases_gives_each_contribution_its_range():
    result = VotingResult.from_votes(votes_of(40, 50), SPEC, score_calibration=replace(CALIBRATION, phases=PHASES))
    np.testing.assert_allclose(result.breakdown.ranges, [[-2, 2], [-4, 1], [-1, 3]])
    assert result.breakdown.to_json()["by_phase_interval"]["flight"] == [-4.0, 1.0]
    assert result.interval_basis.values["phases"] == 3


def test_each_vote_has_the_exemplar_with_its_clip(bank, model, query, tmp_path):
    bank = with_clip(bank, 0, tmp_path / "one.mp4")
    votes = vote(model, bank, query, "207C", 10).votes
    assert {vote.exemplar for vote in votes} == {"dive-0", "dive-1", "dive-2"}
    assert {vote.clip_exemplar.id for vote in votes} == {"dive-0"}
    assert {vote.to_json()["shown_by"] for vote in votes} == {"dive-0"}
    assert [vote.clip_exemplar for vote in vote(model, bank, query, "107B", 3).votes] == [None]


def test_the_exemplar_beside_the_dive_has_a_clip(bank, model, query, tmp_path):
    result = vote(model, bank, query, "207C", 10)
    assert result.exemplar == sorted(result.votes, key=lambda vote: vote.score)[1].exemplar
    index = next(index for index, one in enumerate(bank.exemplars[:3]) if one.id != result.exemplar)
    result = vote(model, with_clip(bank, index, tmp_path / "one.mp4"), query, "207C", 10)
    assert result.exemplar == bank.exemplars[index].id


def test_votes_do_not_depend_on_other_exemplars(bank, model, query):
    for one in vote(model, bank, query, "207C", 10).votes:
        (alone,) = vote(model, bank.select([int(one.exemplar[-1])]), query, "207C", 10).votes
        np.testing.assert_allclose(alone.contributions, one.contributions, atol=1e-5)
        torch.testing.assert_close(torch.tensor(alone.encoding["dynamic"]), torch.tensor(one.encoding["dynamic"]))


def test_without_exemplars_there_is_no_score(model, query):
    selection = ExemplarSelection(bank=None, simulate_missing=False)
    result = vote_on_dive(model, query, DiveSpec.from_input("207C", 10), selection)
    assert (result.votes, result.total, result.interval_basis) == ((), None, None)
    assert [warning.code for warning in result.warnings] == ["no_exemplars"]


def test_user_exemplars_vote_with_their_scores(joined, model, query):
    result = vote(model, joined, query, "207C", 10, count=2)
    assert {vote.exemplar: vote.exemplar_score for vote in result.votes} == {"own-0": 40.0, "own-1": 55.0}


def beside(model, bank, code, height, total, count=3):
    spec = DiveSpec.from_input(code, height)
    return comparison_exemplars(model, spec, ExemplarSelection(bank=bank, count=count), total)


def test_exemplars_beside_a_judged_dive_do_not_vote(bank, model):
    result = beside(model, bank, "207C", 10, 79.0)
    assert {vote.exemplar for vote in result.votes} == {"dive-0", "dive-1", "dive-2"}
    assert {(vote.score, vote.contributions) for vote in result.votes} == {(None, None)}
    assert result.votes[0].to_json()["difference"] is None
    assert (result.total, result.breakdown) == (None, None)


def test_the_exemplar_beside_a_judged_dive_is_the_nearest_in_points(bank, model, tmp_path):
    scores = {one.id: one.score for one in bank.exemplars[:3]}
    nearest = min(scores, key=lambda name: abs(scores[name] - 81.0))
    assert beside(model, bank, "207C", 10, 81.0).exemplar == nearest
    shown = next(index for index, one in enumerate(bank.exemplars[:3]) if one.id != nearest)
    with_one = with_clip(bank, shown, tmp_path / "one.mp4")
    assert beside(model, with_one, "207C", 10, 81.0).exemplar == bank.exemplars[shown].id


def test_nothing_is_simulated_beside_a_judged_dive(bank, model):
    result = beside(model, bank, "405C", 3, 50.0)
    assert {vote.rule for vote in result.votes} == {"nearest dive number"}
    assert result.warnings == ()
    assert beside(model, None, "405C", 3, 50.0).votes == ()
