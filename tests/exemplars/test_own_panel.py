"""What simulated exemplars say of a person's judged dives, and what that makes of their votes on others."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.exemplars.dived import Dived
from fineparser.exemplars.exemplar import OWN
from fineparser.exemplars.own_panel import PanelReading, panel_scale
from fineparser.exemplars.panel_scale import PanelScale
from fineparser.exemplars.voting import Voters, estimate
from fineparser.exemplars.calibration import Calibration
from fineparser.model.weights import Provenance

CALIBRATION = Calibration(-4.0, 4.0, 400, "SynDive")


@pytest.fixture(scope="module")
def joined(bank, encodings):
    """The bank with three own dives: two 207C and one 107B."""
    own = tuple(
        replace(bank.exemplars[place], id=f"own-{place}", score=score, source=OWN)
        for place, score in ((0, 40.0), (1, 55.0), (3, 30.0))
    )
    mine = replace(bank, exemplars=own, encodings=encodings.select([4, 5, 0]))
    return replace(bank, calibration=CALIBRATION).join(mine)


def told(model, bank, encoding, dived):
    votes = Voters(bank).vote(model, encoding, dived, 10, 0).votes
    return np.mean([vote.score for vote in votes])


def test_it_is_the_line_from_what_simulated_exemplars_say_to_what_was_given(bank, joined, model, encodings):
    scale = PanelReading.of(model, joined, 10, 0).scale
    dives = [Dived.of(code, height, None) for code, height in (("207C", 10), ("207C", 10), ("107B", 3))]
    says = [told(model, bank, encodings.select([place]), d) for place, d in zip((4, 5, 0), dives, strict=True)]
    expected = PanelScale.of(says, [40.0, 55.0, 30.0], [dived.difficulty for dived in dives], CALIBRATION)
    assert (scale.offset, scale.stretch, scale.error) == pytest.approx(
        (expected.offset, expected.stretch, expected.error), rel=1e-4
    )
    assert scale.dives == 3
    reading = PanelReading.of(model, joined, 10, 0)
    assert [one.id for one in reading.dives] == ["own-0", "own-1", "own-3"]
    assert reading.told == pytest.approx(says, rel=1e-4)


def test_votes_of_simulated_exemplars_are_brought_to_it(bank, joined, model, encodings):
    dived, query = Dived.of("205B", 10, None), encodings.select([5])
    ballot = Voters(joined).vote(model, query, dived, 10, 0)
    before = Voters(bank).vote(model, query, dived, 10, 0)
    assert ballot.scale == PanelReading.of(model, joined, 10, 0).scale == panel_scale(model, joined, 10, 0)
    (vote,), (raw,) = ballot.votes, before.votes
    assert vote.score == pytest.approx(ballot.scale.points(raw.score, dived.difficulty), rel=1e-5)
    np.testing.assert_allclose(vote.contributions, raw.contributions * ballot.scale.stretch, rtol=1e-5)
    ratio = dived.difficulty / vote.difficulty
    assert vote.exemplar_score * ratio + vote.contributions.sum() == pytest.approx(vote.score, rel=1e-5)
    total, _, breakdown, _, _ = estimate(ballot, dived)
    assert breakdown.base + breakdown.points.sum() == pytest.approx(total.value, rel=1e-5)
    assert (total.low, total.high) == pytest.approx(ballot.scale.interval(total.value, dived.difficulty))


def test_own_dives_keep_what_they_were_given(joined, model, encodings):
    ballot = Voters(joined).vote(model, encodings.select([5]), Dived.of("207C", 10, None), 2, 0)
    assert {vote.exemplar: vote.exemplar_score for vote in ballot.votes} == {"own-0": 40.0, "own-1": 55.0}
    assert ballot.scale is not None


def test_two_dives_do_not_tell_it(joined, model):
    two = PanelReading.of(model, joined.without("own-1"), 10, 0)
    assert two.scale is None
    assert len(two.dives) == len(two.told) == 2


def test_dives_that_no_simulated_exemplar_shows_do_not_count(joined, model):
    assert PanelReading.of(model, joined.without("dive-3"), 10, 0).scale is None
    assert PanelReading.of(model, joined.of_sources({OWN}), 10, 0) == PanelReading()


def test_weights_that_learnt_from_recorded_dives_are_on_it_already(joined, model, monkeypatch):
    monkeypatch.setattr(model, "provenance", Provenance("tuned", ("SynDive", "my club")))
    assert PanelReading.of(model, joined, 10, 0).scale is None
    monkeypatch.setattr(model, "provenance", Provenance("bundled", ("SynDive",)))
    assert PanelReading.of(model, joined, 10, 0).scale is not None


def test_the_latest_dives_tell_it(joined, model, monkeypatch):
    monkeypatch.setattr("fineparser.exemplars.own_panel.MOST_JUDGED", 3)
    whole = PanelReading.of(model, joined, 10, 0).scale
    more = replace(joined.exemplars[0], id="own-old", score=1.0, source=OWN)
    older = replace(joined, exemplars=(more,), encodings=joined.encodings.select([0])).join(joined)
    assert PanelReading.of(model, older, 10, 0).scale.offset == pytest.approx(whole.offset, abs=1e-4)


def test_many_pairs_go_in_portions(joined, model, monkeypatch):
    whole = PanelReading.of(model, joined, 10, 0).scale
    monkeypatch.setattr("fineparser.exemplars.pair_differences.PAIRS_AT_ONCE", 2)
    some = PanelReading.of(model, joined, 10, 0).scale
    assert (some.offset, some.stretch) == pytest.approx((whole.offset, whole.stretch), abs=1e-4)


def test_a_sentence_says_what_is_known(bank):
    dive = replace(bank.exemplars[0], source=OWN)
    assert "0 of your dives are of a number" in PanelReading().sentence
    assert "1 of your dives is of a number" in PanelReading((dive,), (30.0,)).sentence
    scale = PanelScale(-1.0, 1.2, 3, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0)
    three = PanelReading((dive,) * 3, (30.0,) * 3, scale)
    assert "By 3 dives, your judges give 1.0 awards less" in three.sentence
    assert "learnt from judged dives" in replace(three, scale=None).sentence


@pytest.mark.parametrize("learnt_from", [("SynDive",), ("SynDive", "my club")])
def test_where_there_can_be_no_scale_nothing_is_compared(joined, model, monkeypatch, learnt_from):
    monkeypatch.setattr(model, "provenance", Provenance("some", learnt_from))
    monkeypatch.setattr(model, "compare", None)
    asked = joined.without("own-1") if learnt_from == ("SynDive",) else joined
    assert panel_scale(model, asked, 10, 0) is None
