import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.bank_building import exemplar_deductions, phase_contributions
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.simulated_exemplars import graded_recipes, plan_exemplar

CODE = DiveCode.parse("103B")


@pytest.fixture(scope="module")
def graded():
    """A weak and an excellent dive, and a real dive."""
    made = [
        Exemplar(f"made{place}", CODE, 3.0, 1.6, 40.0, "SynDive", recipe=recipe)
        for place, recipe in enumerate(graded_recipes(CODE, 3.0, 2))
    ]
    return [*made, Exemplar("real", CODE, 3.0, 1.6, 40.0, "club")]


def row(exemplars: str, lost: str = "0.5") -> dict:
    names = ("take_off", "flight", "entry")
    parts = {f"{name}_points": str(place) for place, name in enumerate(names)}
    return {"exemplars": exemplars, "difficulty": "2.00", **parts, **{f"{name}_lost": lost for name in names}}


def test_deductions_add_up_to_those_of_the_judges(graded):
    for one in graded[:2]:
        plan = plan_exemplar(one.code, one.height, one.recipe)
        deductions = exemplar_deductions(one)
        assert deductions.shape == (3,)
        assert deductions.min() >= 0
        assert deductions.sum() == pytest.approx(10 - plan.noise_free_award, abs=1e-6)
    assert exemplar_deductions(graded[0]).sum() > exemplar_deductions(graded[1]).sum()
    assert np.isnan(exemplar_deductions(graded[2])).all()


def test_contributions_are_the_differences_of_the_deductions(graded):
    predicted, true = phase_contributions([row("made0 made1"), row("made1")], graded)
    np.testing.assert_array_equal(predicted, [[0, 1, 2]] * 2)
    both, second = (exemplar_deductions(graded[0]) + exemplar_deductions(graded[1])) / 2, exemplar_deductions(graded[1])
    np.testing.assert_allclose(true, [(both - 0.5) * 6, (second - 0.5) * 6])


def test_contributions_of_real_dives_are_unknown(graded):
    rows = [row("made0 real"), row("made0", lost=""), row("")]
    predicted, true = phase_contributions(rows, graded)
    assert np.isnan(true).all()
    assert np.isnan(predicted[2]).all()
