"""The list of exemplars, its filters, one exemplar of it, and the comparison of the user's judges."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import SIMULATED, USER_DIVES, Exemplar, ScoredDive
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.selection import SOURCES, USER_SOURCE, ExemplarSelection
from fineparser.model.checkpoint import Provenance
from fineparser.progress import no_progress
from fineparser.scoring.evidence import EVIDENCE_NAMES
from fineparser.scoring.judge_calibration import JudgeComparison
from fineparser.ui.exemplars_tab import (
    COLUMNS,
    ID_COLUMN,
    ExemplarFormValues,
    ExemplarList,
    FilterValues,
    SheetValues,
    add_exemplar,
    calibration_note,
    compare_judges,
    exemplar_rows,
    preview_updates,
    remove_updates,
    sheet_html,
)
from fineparser.ui.input_panel import UNKNOWN_STANDARD
from fineparser.ui.visitor_exemplars import user_exemplars
from tests.ui.conftest import placeholder_panel

pytestmark = pytest.mark.usefixtures("user_home")

DIVE = ScoredDive.from_input("207C", 10, 66.0, None)
PANEL = placeholder_panel(ExemplarList)
SHEET = SheetValues(code="207C", height="10", difficulty=0, awards="7.5 8 7 7.5 8")


@pytest.fixture
def judging_analyser(bank_analyser, monkeypatch):
    """An analyser whose weights count as trained on simulated dives alone."""
    monkeypatch.setattr(bank_analyser.model, "provenance", Provenance("bundled", (SIMULATED,)))
    return bank_analyser


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


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "7.5 8 <s>7</s> 7.5 <s>8</s>: 23 × 3.3 = <b>75.90 points</b>"),
        ({"awards": "7,5; 8; 7; 7,5; 8", "difficulty": 2.0}, "× 2 = <b>46.00 points</b>"),
        ({"code": None}, "<s>8</s>: 23 before the difficulty: choose dive number and height"),
        ({"height": None}, "choose dive number and height"),
        ({"awards": "7.5 8 7"}, '<p class="fp-hint">The judges of one diver give 5 or 7 awards, not 3.</p>'),
        ({"awards": "7.5 8 7 <b>"}, "&#x27;&lt;b&gt;&#x27; is no award"),
        ({"code": "9999"}, '<p class="fp-hint">'),
    ],
)
def test_the_awards_are_shown_with_their_total(changes, text):
    assert text in sheet_html(replace(SHEET, **changes))


@pytest.mark.parametrize("awards", [None, "", "  "])
def test_without_awards_nothing_is_shown(awards):
    assert sheet_html(replace(SHEET, awards=awards)) == ""


def filled_form(clip, **values) -> ExemplarFormValues:
    empty = {"score": 0, "awards": "", "standard": UNKNOWN_STANDARD, "name": ""}
    return ExemplarFormValues(clip=str(clip), code="207C", height="10", difficulty=0, **empty | values)


@pytest.mark.slow
def test_a_dive_is_added_with_its_awards(bank_analyser, exemplar_clip):
    own = user_exemplars(None)
    form = filled_form(exemplar_clip, awards=" 7.5 8 7 7.5 8 ", standard="club", name="Ann")
    note = add_exemplar(bank_analyser, own, form, no_progress)
    assert "10 m was added with 75.90 points" in note
    (added,) = own.dives()
    assert (added.awards, added.standard, added.name) == ((7.5, 8.0, 7.0, 7.5, 8.0), "club", "Ann")
    rows, _ = exemplar_rows(bank_analyser, None, FilterValues(source=USER_SOURCE))
    assert rows[0][list(COLUMNS).index("Judges' awards")] == "7.5 8 (7) 7.5 (8)"
    assert "Judges: 7.5 8 <s>7</s> 7.5 <s>8</s>" in preview_updates(PANEL, bank_analyser, None, added.id)["facts"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "total in points, or the judges' awards"),
        ({"score": 70.0, "awards": "7.5 8 7 7.5 8"}, "make 75.90 points at difficulty 3.3, not 70.00"),
        ({"awards": "8 8 8"}, "5 or 7 awards, not 3"),
        ({"score": 70.0, "clip": None}, "Upload a clip"),
    ],
)
def test_an_impossible_form_is_refused(bank_analyser, exemplar_clip, values, reason):
    form = replace(filled_form(exemplar_clip), **values)
    with pytest.raises(ValueError, match=reason):
        add_exemplar(bank_analyser, user_exemplars(None), form, no_progress)


def test_the_list_describes_the_judge_calibration(judging_analyser, exemplar_clip):
    exemplars = list(judging_analyser.bank.exemplars)
    own = [replace(exemplars[0], id=f"own-{index}", source=USER_DIVES) for index in range(5)]
    assert calibration_note(exemplars, judging_analyser) == ""
    assert "Add 4 more dives of yours" in calibration_note([*exemplars, *own[:1]], judging_analyser)
    assert "Add 1 more dive of yours" in calibration_note([*exemplars, *own[:4]], judging_analyser)
    assert "with your 5 dives" in calibration_note([*exemplars, *own], judging_analyser)


@pytest.mark.parametrize("provenance", [Provenance(trained_on=(SIMULATED, "FineDiving")), Provenance()])
def test_weights_that_do_not_judge_measurements_are_not_calibrated(bank_analyser, monkeypatch, provenance):
    own = [replace(bank_analyser.bank.exemplars[0], id=f"own-{index}", source=USER_DIVES) for index in range(5)]
    monkeypatch.setattr(bank_analyser.model, "provenance", provenance)
    assert calibration_note(own[:2], bank_analyser) == calibration_note(own, bank_analyser) == ""
    with pytest.raises(ValueError, match="score dives by their exemplars"):
        compare_judges(bank_analyser, None, None, no_progress)


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
def test_awards_of_the_judges_are_compared_with_predicted_ones(judging_analyser, encode_noise):
    dive = Exemplar("own", DiveCode.parse("405B"), 3.0, 2.0, 30.0, USER_DIVES)
    sources = (SIMULATED, *(USER_DIVES,) * 6)
    dives = tuple(replace(dive, id=f"{index}", source=source) for index, source in enumerate(sources))
    evidence = torch.zeros(7, len(EVIDENCE_NAMES), 2)
    evidence[:6, EVIDENCE_NAMES.index("splash")] = torch.tensor([0.5, 100.0])
    bank = ExemplarBank(dives, replace(encode_noise(7), evidence=evidence), judging_analyser.fingerprint())
    stages = []
    analyser = DiveAnalyser(judging_analyser.model, bank)
    comparison = compare_judges(analyser, None, UNKNOWN_STANDARD, lambda stage, done: stages.append(stage))
    # The first is simulated, the last was not measured.
    assert [one.id for one in comparison.dives] == ["1", "2", "3", "4", "5"]
    assert comparison.calibration.dives == len(comparison.calibrated) == 5
    assert stages[-1] == "Comparing the judges"
    club = compare_judges(analyser, None, "club", no_progress)
    assert club.predicted != comparison.predicted
    assert compare_judges(DiveAnalyser(judging_analyser.model), None, None, no_progress) == JudgeComparison()
