import numpy as np
import pytest

from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.graded_dives import plan_of, recipes
from fineparser.exemplars.phase_parts import exemplar_lost, phase_parts
from fineparser.domain.dive_code import DiveCode

CODE = DiveCode.parse("103B")


@pytest.fixture(scope="module")
def graded():
    """A weak and an excellent dive, and a recording."""
    made = [
        Exemplar(f"made{place}", CODE, 3.0, 1.6, 40.0, "SynDive", recipe=recipe)
        for place, recipe in enumerate(recipes(CODE, 3.0, 2))
    ]
    return [*made, Exemplar("recorded", CODE, 3.0, 1.6, 40.0, "club")]


def row(exemplars: str, lost: str = "0.5") -> dict:
    names = ("take_off", "flight", "entry")
    parts = {f"{name}_points": str(place) for place, name in enumerate(names)}
    return {"exemplars": exemplars, "difficulty": "2.00", **parts, **{f"{name}_lost": lost for name in names}}


def test_what_an_exemplar_lost_is_what_its_judge_took_off(graded):
    for one in graded[:2]:
        lost = exemplar_lost(one)
        assert lost.shape == (3,)
        assert lost.min() >= 0
        assert lost.sum() == pytest.approx(10 - plan_of(one.code, one.height, one.recipe).execution, abs=1e-6)
    assert exemplar_lost(graded[0]).sum() > exemplar_lost(graded[1]).sum()
    assert np.isnan(exemplar_lost(graded[2])).all()


def test_parts_are_points_by_which_the_exemplars_lost_more(graded):
    told, true = phase_parts([row("made0 made1"), row("made1")], graded)
    np.testing.assert_array_equal(told, [[0, 1, 2]] * 2)
    both, second = (exemplar_lost(graded[0]) + exemplar_lost(graded[1])) / 2, exemplar_lost(graded[1])
    np.testing.assert_allclose(true, [(both - 0.5) * 6, (second - 0.5) * 6])


def test_of_recordings_and_without_votes_nothing_is_known(graded):
    rows = [row("made0 recorded"), row("made0", lost=""), row("")]
    told, true = phase_parts(rows, graded)
    assert np.isnan(true).all()
    assert np.isnan(told[2]).all()
