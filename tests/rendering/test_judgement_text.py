"""Scores and faults in short texts."""

from dataclasses import replace

import pytest

from fineparser.domain.faults import FAULT_NAMES
from fineparser.domain.phases import Phase
from fineparser.rendering.judgement_text import (
    contribution_text,
    fault_frame,
    fault_phrase,
    fault_text,
    listed_faults,
    measured_text,
    phase_text,
    plain,
    score_text,
)
from fineparser.rendering.messages import FAULT_SUBJECTS
from tests.judgements import make_fault, make_judgement, with_judgement


@pytest.mark.parametrize(
    ("name", "value", "phrase"),
    [
        ("low", 1.1, "low take-off, 1.1 m above the board"),
        ("low", 1.5, "height 1.5 m above the board"),
        ("distance", 1.9, "far from the board, 1.9 m"),
        ("distance", 0.6, "close to the board, 0.6 m"),
        ("distance", 1.45, "distance 1.4 m from the board"),
        ("loose", 62.0, "loose tuck, 62\u00b0 at the hips"),
        ("loose", 38.0, "tuck 38\u00b0 at the hips"),
        ("bent_knees", 18.0, "knees bent 18\u00b0"),
        ("split_legs", 9.0, "legs 9\u00b0 apart"),
        ("unpointed", 30.0, "toes not pointed, 30\u00b0"),
        ("late", 0.18, "late opening, 0.18 s before the entry"),
        ("late", 0.31, "opening 0.31 s before the entry"),
        ("entry", 8.0, "8\u00b0 over"),
        ("entry", -12.0, "12\u00b0 short"),
        ("entry", 0.4, "vertical to within 1\u00b0"),
        ("crooked", -8.0, "8\u00b0 off line"),
        ("twist", 20.0, "20\u00b0 over-twisted"),
        ("twist", -20.0, "20\u00b0 under-twisted"),
        ("splash", 0.63, "splash 0.6 m high"),
        ("bent_entry", 14.0, "hips bent 14\u00b0 at the entry"),
    ],
)
def test_faults_are_said_as_coaches_say_them(name, value, phrase):
    assert plain(fault_phrase(make_fault(name, value, 0.3), "207C")) == phrase


def test_a_size_within_its_error_of_the_usual_one_is_not_blamed():
    fault = make_fault("low", 1.3, 0.3, size_error=0.2)
    assert plain(fault_phrase(fault)) == "height 1.3 m above the board"
    assert plain(fault_phrase(replace(fault, usual=1.6))) == "low take-off, 1.3 m above the board"
    entry = make_fault("entry", -30.0, 0.5, size_error=5.0)
    assert fault_phrase(entry) == "30\u00b0 short"
    assert fault_phrase(replace(entry, usual=26.0)) == "30\u00b0 short at the touch"
    assert fault_phrase(make_fault("entry", 4.0, 0.2, size_error=6.0)) == "vertical to within 6\u00b0"


@pytest.mark.parametrize(("code", "shape"), [("103B", "pike"), ("207C", "tuck"), ("5132D", "shape"), (None, "shape")])
def test_the_shape_is_that_of_the_dive_number(code, shape):
    assert fault_phrase(make_fault("loose", 70.0, 0.3), code).startswith(f"loose {shape}, ")


def test_every_fault_has_a_phrase_and_a_subject():
    assert all(fault_phrase(make_fault(name, 20.0, 0.3)) for name in FAULT_NAMES)
    assert set(FAULT_SUBJECTS) == set(FAULT_NAMES)


def test_a_fault_has_its_awards():
    assert fault_text(make_fault("entry", 8.0, 0.62)) == "8\u00b0 over \u22120.6"


def test_faults_that_cost_nothing_are_not_listed():
    mark = make_judgement().phases[Phase.FLIGHT]
    assert [fault.name for fault in mark.faults] == ["loose", "bent_knees"]
    assert [fault.name for fault in listed_faults(mark)] == ["loose"]
    just = replace(mark, faults=(make_fault("loose", 60.0, 0.05), make_fault("late", 0.2, 0.049)))
    assert [fault.name for fault in listed_faults(just)] == ["loose"]


def test_a_phase_in_one_line():
    entry = make_judgement().phases[Phase.ENTRY]
    assert plain(phase_text(entry, "207C")) == (
        "Entry 7.5: 8\u00b0 over \u22120.6, splash 0.6 m high \u22120.4, hips bent 14\u00b0 at the entry \u22120.1"
    )
    assert phase_text(replace(entry, faults=())) == "Entry 7.5"
    assert contribution_text(entry) == "\u22120.1 against a typical dive"
    assert contribution_text(replace(entry, contribution=-0.02)) == "as in a typical dive"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (make_fault("splash", 0.63, 0.4, size_error=0.08), "0.6 \u00b1 0.1 m (usually 0.4 m)"),
        (make_fault("late", 0.18, 0.1, size_error=0.004), "0.18 \u00b1 0.01 s (usually 0.25 s)"),
        (make_fault("loose", 62.0, 0.2, size_error=9.0), "62\u00b0 \u00b1 9\u00b0 (usually 45\u00b0)"),
        (make_fault("entry", -12.0, 0.6, size_error=3.0), "\u221212\u00b0 \u00b1 3\u00b0"),
    ],
)
def test_sizes_have_their_errors_and_the_usual_size(fault, text):
    assert plain(measured_text(fault)) == text


def test_a_range_of_frames_is_shown_by_its_middle():
    assert fault_frame(make_fault("entry", 8.0, 0.6, (41,))) == 41
    assert fault_frame(make_fault("bent_knees", 8.0, 0.6, (18, 41))) == 29
    assert fault_frame(make_fault("bent_knees", 8.0, 0.6, ())) is None


def test_the_score_of_votes_keeps_its_decimals(report):
    score = score_text(report)
    assert (score.points, score.points_range, score.band) == ("80.00", "72.00 to 88.00", "good")
    assert (score.execution, score.execution_range) == ("24.24", "21.82 to 26.67")
    assert score.award == "8.08"


def test_the_score_of_a_judgement_is_coarse_until_it_is_calibrated(report):
    score = score_text(with_judgement(report))
    assert (score.points, score.points_range) == ("80", "67 to 93")
    assert (score.award, score.award_range, score.band, score.execution) == ("8.1", "6.8 to 9.4", "", "")
    calibrated = score_text(with_judgement(report, is_calibrated=True))
    assert (calibrated.points, calibrated.award, calibrated.band) == ("80.2", "8.1", "good")


def test_there_is_no_score_where_the_clip_tells_little(report, unscored):
    assert score_text(with_judgement(report, is_uninformative=True)) is None
    assert score_text(unscored) is None
