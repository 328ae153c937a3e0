"""Selection of exemplars, with random encodings."""

from dataclasses import replace

import pytest

from fineparser.exemplars.exemplar import SIMULATED, USER_DIVES, DiveSpec
from fineparser.exemplars.exemplar_bank import BankError
from fineparser.exemplars.selection import SIMULATED_SOURCE, SOURCES, USER_SOURCE, ExemplarSelection, source_of


class StoredExemplars:
    """User exemplars that are encoded already, or cannot be used."""

    def __init__(self, bank, error=None):
        self._bank, self._error = bank, error

    def bank(self, encoder, progress):
        if self._error:
            raise BankError(self._error)
        return self._bank, ()


@pytest.fixture(scope="module")
def user_bank(bank):
    return replace(bank, exemplars=tuple(replace(one, id=f"own-{one.id}", source=USER_DIVES) for one in bank.exemplars))


def from_sources(sources, bank, user_bank=None, error=None):
    return ExemplarSelection.from_sources(sources, bank, StoredExemplars(user_bank, error), encoder=None)


def ids(selection):
    return {one.id for one in selection.bank.exemplars}


def codes(warnings):
    return [warning.code for warning in warnings]


def test_sources_of_exemplars(bank, user_bank):
    assert {source_of(one) for one in bank.exemplars} == {SIMULATED_SOURCE}
    assert {source_of(one) for one in user_bank.exemplars} == {USER_SOURCE}


def test_the_chosen_sources_vote(bank, user_bank):
    both = from_sources(SOURCES, bank, user_bank)
    assert (len(both.bank), both.simulate_missing) == (10, True)
    simulated = from_sources((SIMULATED_SOURCE,), bank, user_bank)
    assert ids(simulated) == {one.id for one in bank.exemplars}
    user = from_sources((USER_SOURCE,), bank, user_bank)
    assert ids(user) == {one.id for one in user_bank.exemplars}
    assert not user.simulate_missing
    assert from_sources((USER_SOURCE,), None, user_bank).bank is user_bank
    with pytest.raises(ValueError, match="No exemplars are chosen"):
        from_sources((), bank)


def test_user_exemplars_that_cannot_be_used_give_a_warning(bank):
    selection = from_sources(SOURCES, bank, error="the list is broken")
    assert ids(selection) == {one.id for one in bank.exemplars}
    assert codes(selection.warnings) == ["user_exemplars_unusable"]
    assert selection.warnings[0].values["reason"] == "the list is broken"


def test_nothing_is_simulated_if_simulated_exemplars_are_not_selected(bank, model):
    user = replace(bank, exemplars=tuple(replace(one, source=USER_DIVES) for one in bank.exemplars))
    selection = ExemplarSelection(bank=user, simulate_missing=False, count=3)
    chosen = selection.choose(model, DiveSpec.from_input("207B", 10))
    assert len(chosen.choices) == 3
    assert {user.exemplars[choice.index].source for choice in chosen.choices} == {USER_DIVES}
    (warning,) = chosen.warnings
    assert warning.code == "other_dive_number"
    assert (warning.values["code"], warning.values["other"]) == ("207B", "207C")
    assert "not selected" in warning.values["reason"]


@pytest.mark.parametrize("empty", [True, False])
def test_without_exemplars_none_are_chosen(bank, model, empty):
    nothing = bank.with_sources({USER_DIVES}) if empty else None
    selection = ExemplarSelection(bank=nothing, simulate_missing=False)
    chosen = selection.choose(model, DiveSpec.from_input("207C", 10))
    assert (chosen.bank, chosen.choices) == (None, ())
    assert codes(chosen.warnings) == ["no_exemplars"]


def test_a_missing_dive_number_is_simulated(bank, model):
    chosen = ExemplarSelection(bank=bank, count=2).choose(model, DiveSpec.from_input("101C", 1))
    assert [(str(one.code), one.source) for one in chosen.bank.exemplars] == [("101C", SIMULATED)] * 2
    assert len(chosen.choices) == 2
    assert codes(chosen.warnings) == ["exemplars_simulated"]
    assert chosen.warnings[0].values == {"code": "101C", "count": 2}


def test_at_least_one_exemplar_votes(bank):
    with pytest.raises(ValueError, match="at least one exemplar has to vote, not 0"):
        ExemplarSelection(bank=bank, count=0)
