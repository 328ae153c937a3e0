"""The exemplars of a visitor, at home and on a public page, with a tiny network."""

from pathlib import Path

import pytest

from fineparser.exemplars.exemplar import ScoredDive
from fineparser.exemplars.exemplar_bank import BankError
from fineparser.exemplars.selection import SIMULATED_SOURCE, SOURCES, USER_SOURCE, ExemplarSelection
from fineparser.ui.visitor_exemplars import delete_visitor_folder, user_exemplars, user_exemplars_to_extend

DIVE = ScoredDive.from_input("207C", 10, 66.0, None)


def selection(analyser, sources, exemplars) -> ExemplarSelection:
    return ExemplarSelection.from_sources(sources, analyser.bank, exemplars, analyser)


def ids(selection: ExemplarSelection) -> list[str]:
    return [one.id for one in selection.bank.exemplars]


def test_at_home_everybody_shares_one_collection(bank_analyser, exemplar_clip, user_home):
    exemplars = user_exemplars(None)
    assert exemplars.folder == user_home / "exemplars"
    assert user_exemplars_to_extend(None)[1] is None
    added, _ = exemplars.add(bank_analyser, exemplar_clip, DIVE)
    everything = selection(bank_analyser, SOURCES, user_exemplars(None))
    assert ids(everything) == ["bundled-0", "bundled-1", added.id]
    assert everything.simulate_missing
    own = selection(bank_analyser, (USER_SOURCE,), exemplars)
    assert (ids(own), own.simulate_missing) == ([added.id], False)
    assert ids(selection(bank_analyser, (SIMULATED_SOURCE,), exemplars)) == ["bundled-0", "bundled-1"]
    with pytest.raises(ValueError, match="No exemplars are chosen"):
        selection(bank_analyser, (), exemplars)


def test_on_a_public_page_each_visitor_is_alone(bank_analyser, exemplar_clip, user_home, monkeypatch):
    user_exemplars(None).add(bank_analyser, exemplar_clip, DIVE)
    monkeypatch.setenv("FINEPARSER_PUBLIC", "1")
    assert user_exemplars(None) is None
    exemplars, folder = user_exemplars_to_extend(None)
    added, _ = exemplars.add(bank_analyser, exemplar_clip, DIVE)
    assert user_home not in Path(folder).parents
    assert ids(selection(bank_analyser, SOURCES, user_exemplars(folder))) == ["bundled-0", "bundled-1", added.id]
    others, other_folder = user_exemplars_to_extend(None)
    assert other_folder != folder
    assert others.dives() == ()
    assert ids(selection(bank_analyser, SOURCES, user_exemplars(None))) == ["bundled-0", "bundled-1"]
    assert user_exemplars_to_extend(folder)[1] == folder
    exemplars.max_exemplars = 1
    with pytest.raises(BankError, match="no room"):
        exemplars.add(bank_analyser, exemplar_clip, DIVE)


def test_exemplars_of_a_public_page_are_deleted_with_the_visit(bank_analyser, exemplar_clip, user_home, monkeypatch):
    monkeypatch.setenv("FINEPARSER_PUBLIC", "1")
    exemplars, folder = user_exemplars_to_extend(None)
    exemplars.add(bank_analyser, exemplar_clip, DIVE)
    delete_visitor_folder(folder)
    assert not Path(folder).exists()
    delete_visitor_folder(None)
    user_home.mkdir()
    delete_visitor_folder(str(user_home))
    assert user_home.is_dir()
