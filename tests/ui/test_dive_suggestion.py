"""Dive numbers that are suggested: when, in which order, from which height."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fineparser.kinematics import Choice
from fineparser.quality_warning import QualityWarning
from fineparser.ui.dive_suggestion import SuggestionPanel, lead_html, parse_key, suggest_dives, suggestion_updates
from tests.builders import sample_kinematics
from tests.ui.conftest import placeholder_panel

KINEMATICS = sample_kinematics()
CONTRADICTION = QualityWarning("number_rotation", {"code": "105B", "given": 5, "seen": 3})


def report(kinematics=KINEMATICS, code=None, height=None, warnings=()):
    return SimpleNamespace(kinematics=kinematics, dive_code=code, height=height, warnings=warnings)


def test_without_a_number_the_five_likeliest_are_offered():
    suggestions = suggest_dives(report())
    assert [one.code for one in suggestions] == ["103B", "403B", "103C", "104B", "5132D"]
    assert {one.height for one in suggestions} == {"1"}
    assert suggestions[0].label == "103B forward 1 1/2 somersaults, pike, 1 m (72%)"
    assert [parse_key(one.key) for one in suggestions] == [(one.code, one.height) for one in suggestions]


def test_a_dive_is_offered_from_the_likeliest_height_at_which_it_exists():
    numbers = Choice.from_probabilities({"612B": 0.6, "103B": 0.4})
    heights = Choice.from_probabilities({"3": 0.7, "10": 0.2, "7.5": 0.1})
    kinematics = replace(KINEMATICS, dive_number=numbers, height=heights)
    assert [(one.code, one.height) for one in suggest_dives(report(kinematics))] == [("612B", "10"), ("103B", "3")]


def test_a_given_number_is_doubted_only_where_it_contradicts_the_clip():
    assert suggest_dives(report(code="105B", height=1.0)) == []
    assert suggest_dives(report(code="105B", height=1.0, warnings=(QualityWarning("no_fall"),))) == []
    assert suggest_dives(report(code="105B", height=1.0, warnings=(CONTRADICTION,)))[0].code == "103B"
    # The given dive is none of the suggestions.
    assert suggest_dives(report(code="103B", height=1.0, warnings=(CONTRADICTION,)))[0].code == "403B"
    other_height = QualityWarning("number_height", {})
    assert suggest_dives(report(code="103B", height=10.0, warnings=(other_height,)))[0].key == "103B 1"


def test_a_given_height_replaces_a_missing_measurement():
    unknown = replace(KINEMATICS, height=Choice.missing("no_scale"))
    given = suggest_dives(report(unknown, code="105B", height=3.0, warnings=(CONTRADICTION,)))
    assert {one.height for one in given} == {"3"}
    assert suggest_dives(report(unknown)) == []


def test_without_measurements_nothing_is_offered():
    assert suggest_dives(report(None)) == []
    assert suggest_dives(report(replace(KINEMATICS, dive_number=Choice.missing("no_flight")))) == []


def test_the_lead_doubts_an_unlikely_number():
    suggestions = suggest_dives(report())
    assert "may be <b>403B from 1 m</b> (12%)" in lead_html(suggestions[1:], None)


def test_the_panel_shows_the_suggestions_and_hides_without_any():
    panel = placeholder_panel(SuggestionPanel)
    updates = suggestion_updates(panel, report())
    assert updates["column"].visible
    assert updates["choice"].value == "103B 1"
    assert len(updates["choice"].choices) == 5
    updates = suggestion_updates(panel, report(code="103B", height=1.0))
    assert not updates["column"].visible
    assert updates["choice"].value is None
    assert updates["lead"] == ""


@pytest.mark.parametrize("key", [None, "", "103B"])
def test_a_choice_of_none_is_an_error(key):
    with pytest.raises(ValueError, match="Choose one of the dive numbers"):
        parse_key(key)
