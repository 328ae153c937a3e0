"""The list of exemplars, its filters, one exemplar of it, and the comparison of the user's judges."""

from dataclasses import replace
from pathlib import Path

import pytest

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import SIMULATED, USER_DIVES, Exemplar, ScoredDive
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.judge_calibration import JudgeComparison
from fineparser.exemplars.selection import SOURCES, USER_SOURCE, ExemplarSelection
from fineparser.model.checkpoint import Provenance
from fineparser.progress import no_progress
from fineparser.ui.exemplars_tab import (
    ID_COLUMN,
    ExemplarList,
    FilterValues,
    calibration_note,
    compare_judges,
    exemplar_rows,
    preview_updates,
    remove_updates,
)
from fineparser.ui.visitor_exemplars import user_exemplars
from tests.ui.conftest import placeholder_panel

pytestmark = pytest.mark.usefixtures("user_home")

DIVE = ScoredDive.from_input("207C", 10, 66.0, None)
PANEL = placeholder_panel(ExemplarList)


def test_a_broken_list_excludes_the_users_exemplars_only(bank_analyser, user_home):
    (user_home / "exemplars").mkdir(parents=True)
    (user_home / "exemplars" / "dives.json").write_text("{")
    selection = ExemplarSelection.from_sources(SOURCES, bank_analyser.bank, user_exemplars(None), bank_analyser)
    assert [one.id for one in selection.bank.exemplars] == ["bundled-0", "bundled-1"]
    assert selection.warnings[0].code == "user_exemplars_unusable"
    rows, note = exemplar_rows(bank_analyser, None, FilterValues())
    assert len(rows) == 2
    assert "is broken" in note


def test_the_list_is_filtered(bank_analyser, exemplar_clip):
    added, _ = user_exemplars(None).add(bank_analyser, exemplar_clip, DIVE)

    def listed(**filters) -> list[str]:
        return [row[ID_COLUMN] for row in exemplar_rows(bank_analyser, None, FilterValues(**filters))[0]]

    assert listed() == ["bundled-1", "bundled-0", added.id]
    assert listed(number="207C") == ["bundled-0", added.id]
    assert listed(height="3") == ["bundled-1"]
    assert listed(lowest=60, highest=65.9) == ["bundled-0"]
    assert listed(source=USER_SOURCE) == [added.id]
    assert listed(number=None, height=None, source=None) == ["bundled-1", "bundled-0", added.id]
    assert "1 of 3 exemplars" in exemplar_rows(bank_analyser, None, FilterValues(source=USER_SOURCE))[1]


def test_without_exemplars_the_list_explains_itself(tiny_analyser):
    rows, note = exemplar_rows(tiny_analyser, None, FilterValues())
    assert rows == []
    assert "no exemplars yet" in note


def test_the_list_describes_the_judge_calibration(bank_analyser, exemplar_clip):
    exemplars = list(bank_analyser.bank.exemplars)
    own = [replace(exemplars[0], id=f"own-{index}", source=USER_DIVES) for index in range(4)]
    assert calibration_note(exemplars, bank_analyser) == ""
    assert "Add 2 more dives of yours" in calibration_note([*exemplars, *own[:1]], bank_analyser)
    assert "Add 1 more dive of yours" in calibration_note([*exemplars, *own[:2]], bank_analyser)
    assert "with your 3 dives" in calibration_note([*exemplars, *own[:3]], bank_analyser)
    user_exemplars(None).add(bank_analyser, exemplar_clip, DIVE)
    assert "Add 2 more" in exemplar_rows(bank_analyser, None, FilterValues())[1]


def test_weights_trained_on_real_dives_need_no_calibration(bank_analyser, monkeypatch):
    own = [replace(bank_analyser.bank.exemplars[0], id=f"own-{index}", source=USER_DIVES) for index in range(4)]
    monkeypatch.setattr(bank_analyser.model, "provenance", Provenance(trained_on=(SIMULATED, "FineDiving")))
    assert calibration_note(own[:2], bank_analyser) == calibration_note(own, bank_analyser) == ""


def test_an_exemplar_is_shown_and_deleted(bank_analyser, exemplar_clip):
    added, _ = user_exemplars(None).add(bank_analyser, exemplar_clip, DIVE, name="Ann <b>")
    updates = preview_updates(PANEL, bank_analyser, None, added.id)
    assert "Ann &lt;b&gt;" in updates["facts"]
    assert "66.00 points" in updates["facts"]
    assert Path(updates["clip"].value["path"]).read_bytes() == added.clip.path.read_bytes()
    assert (updates["remove"].visible, updates["exemplar"]) == (True, added.id)
    bundled = preview_updates(PANEL, bank_analyser, None, "bundled-0")
    assert "There is no clip of this dive" in bundled["facts"]
    assert not bundled["remove"].visible
    assert "is gone" in preview_updates(PANEL, bank_analyser, None, "../../etc/passwd")["facts"]
    assert "was deleted" in remove_updates(PANEL, None, added.id)["facts"]
    assert "no user exemplar" in remove_updates(PANEL, None, added.id)["facts"]
    assert user_exemplars(None).dives() == ()


@pytest.mark.slow
def test_scores_of_the_judges_are_compared_with_simulated_exemplars(tiny_analyser, encode_noise):
    dive = Exemplar("own", DiveCode.parse("405B"), 3.0, 2.0, 30.0, USER_DIVES)
    sources = (SIMULATED, SIMULATED, USER_DIVES, USER_DIVES, USER_DIVES)
    dives = tuple(replace(dive, id=f"{index}", source=source) for index, source in enumerate(sources))
    bank = ExemplarBank(dives, encode_noise(5), tiny_analyser.model.fingerprint())
    stages = []
    comparison = compare_judges(DiveAnalyser(tiny_analyser.model, bank), None, lambda stage, done: stages.append(stage))
    assert [one.id for one in comparison.dives] == ["2", "3", "4"]
    assert comparison.calibration.dives == 3
    assert stages[-1] == "Comparing with exemplars"
    assert compare_judges(tiny_analyser, None, no_progress) == JudgeComparison()
