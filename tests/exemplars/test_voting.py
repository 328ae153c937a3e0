"""Who may vote, with encodings that are noise: what is tested is the choice."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.analysis import analyser as analysers
from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.dived import Dived
from fineparser.exemplars.exemplar import OWN, SIMULATED, ExemplarClip
from fineparser.exemplars.voting import Voters, estimate


@pytest.fixture(scope="module")
def query(encodings):
    return encodings.select([5])


def test_each_vote_knows_what_shows_it(bank, model, query, tmp_path):
    clip = ExemplarClip(tmp_path / "one.mp4", 0, 10, 40, 60)
    filmed = replace(bank, exemplars=(replace(bank.exemplars[0], clip=clip), *bank.exemplars[1:]))
    votes = Voters(filmed).vote(model, query, Dived.of("207C", 10, None), 3, 0).votes
    assert {vote.exemplar for vote in votes} == {"dive-0", "dive-1", "dive-2"}
    assert {vote.shown.id for vote in votes} == {"dive-0"}
    assert {vote.to_json()["shown_by"] for vote in votes} == {"dive-0"}
    votes = Voters(filmed).vote(model, query, Dived.of("107B", 3, None), 3, 0).votes
    assert [vote.shown for vote in votes] == [None]


def test_the_shown_exemplar_is_one_that_can_be_seen(bank, model, query, tmp_path):
    dived = Dived.of("207C", 10, None)
    ballot = Voters(bank).vote(model, query, dived, 3, 0)
    middle = estimate(ballot, dived)[3]
    assert middle == sorted(ballot.votes, key=lambda vote: vote.score)[1].exemplar
    place = next(place for place, one in enumerate(bank.exemplars[:3]) if one.id != middle)
    exemplars = list(bank.exemplars)
    exemplars[place] = replace(exemplars[place], clip=ExemplarClip(tmp_path / "one.mp4", 0, 10, 40, 60))
    ballot = Voters(replace(bank, exemplars=tuple(exemplars))).vote(model, query, dived, 3, 0)
    assert estimate(ballot, dived)[3] == exemplars[place].id


def test_votes_do_not_depend_on_who_else_votes(bank, model, query):
    dived = Dived.of("207C", 10, None)
    for vote in Voters(bank).vote(model, query, dived, 3, 0).votes:
        (alone,) = Voters(bank._select([int(vote.exemplar[-1])])).vote(model, query, dived, 3, 0).votes
        np.testing.assert_allclose(alone.contributions, vote.contributions, atol=1e-5)
        torch.testing.assert_close(torch.tensor(alone.encoding["dynamic"]), torch.tensor(vote.encoding["dynamic"]))


def test_nobody_is_simulated_where_that_was_not_wanted(bank, model, query):
    mine = replace(bank, exemplars=tuple(replace(one, source=OWN) for one in bank.exemplars))
    ballot = Voters(mine, simulates=False).vote(model, query, Dived.of("207B", 10, None), 3, 0)
    assert {vote.source for vote in ballot.votes} == {OWN}
    assert "no exemplar of 207B" in ballot.remarks[0]
    assert "simulated exemplars do not vote" in ballot.remarks[0]
    nobody = mine.of_sources({SIMULATED})
    ballot = Voters(nobody, simulates=False).vote(model, query, Dived.of("207C", 10, None), 3, 0)
    assert (ballot.votes, ballot.calibration) == ((), None)
    assert "there is no score" in ballot.remarks[0]


def test_a_bundled_bank_that_does_not_fit_is_told(bank, model, tmp_path, monkeypatch):
    broken = tmp_path / "bank.safetensors"
    broken.write_text("not a bank")
    model.save_pretrained(tmp_path / "weights")
    monkeypatch.setattr(analysers, "BUNDLED_WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(analysers, "BUNDLED_BANK", broken)
    analyser = DiveAnalyser.from_pretrained()
    assert analyser.bank is None
    assert "is not an exemplar bank" in analyser.bank_problem
