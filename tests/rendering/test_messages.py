"""Every warning that the packages below can return has a sentence."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

import fineparser
from fineparser.domain.standards import Standard
from fineparser.quality_warning import QualityWarning
from fineparser.rendering.messages import (
    MESSAGES,
    REASONS,
    calibration_message,
    little_message,
    message,
    scale_message,
    score_notes,
    typical_message,
    vote_reason,
)
from fineparser.rendering.results import report_json
from tests.judgements import make_judgement, with_judgement

SOURCES = [
    path for package in ("analysis", "exemplars") for path in (Path(fineparser.__file__).parent / package).rglob("*.py")
]
CODES = sorted({code for path in SOURCES for code in re.findall(r'QualityWarning\(\s*"(\w+)"', path.read_text())})


def test_every_code_has_a_sentence_and_every_sentence_a_code():
    assert set(MESSAGES) == set(CODES)


def reason_codes():
    """Codes in calls of `missing`, and in arguments named `reason`, of the kinematics."""
    for path in (Path(fineparser.__file__).parent / "kinematics").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            values = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
            for value in [*values, *(call.args if name.endswith("missing") else [])]:
                yield from (
                    one.value
                    for one in ast.walk(value)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str) and "_" in one.value
                )


def test_every_reason_against_a_measurement_has_a_sentence():
    assert set(reason_codes()) <= set(REASONS)


@pytest.mark.parametrize(
    ("warning", "sentence"),
    [
        (QualityWarning("cut_inside_trim", {"cuts": (5,)}), "another shot at frame 5: trim it to a single shot"),
        (QualityWarning("cut_inside_trim", {"cuts": (5, 70)}), "at frames 5, 70"),
        (
            QualityWarning("one_shot_used", {"cuts": (8,), "first": 8, "last": 47}),
            "one shot was analysed, frames 8",
        ),
        (QualityWarning("frames_left_out", {"before": 1, "after": 20}), "1 frame before the dive and 20 frames after"),
        (QualityWarning("frames_left_out", {"before": 0, "after": 20}), "Trimmed: 20 frames after the dive."),
        (
            QualityWarning("uncertain_transition", {"phase": "entry", "confidence": 0.204, "frame": 7}),
            "0.20 at frame 7",
        ),
    ],
)
def test_sentences(warning, sentence):
    assert sentence in message(warning)


def test_a_code_without_a_sentence_is_an_error():
    with pytest.raises(KeyError, match="unheard_of"):
        message(QualityWarning("unheard_of"))


def test_the_json_of_a_report_has_codes_values_and_sentences(report):
    (warning,) = report_json(report)["warnings"]
    assert warning == {
        "code": "bank_unusable",
        "reason": "<script>alert(1)</script>",
        "message": "The bundled exemplar bank cannot be used: <script>alert(1)</script>.",
    }
    assert report_json(report)["interval_basis"] == message(report.interval_basis)
    assert report_json(report)["weights"]["calibrated_on"] == "Calibrated on <nothing>."


def test_notes_belong_to_a_score(report, unscored):
    assert score_notes(report).endswith("Calibrated on <nothing>.")
    assert score_notes(unscored) == ""


def test_a_judgement_says_what_it_rests_on():
    few = make_judgement(calibration_dives=3)
    assert calibration_message(make_judgement()) == (
        "Not calibrated to real judges: on 9 real dives the mean award was off by 0.8 (root mean square). "
        "Add 5 judged dives of your own to calibrate the score."
    )
    assert "Add 2 more judged dives of your own" in calibration_message(few)
    assert "Add 1 more judged dive of" in calibration_message(make_judgement(calibration_dives=4))
    assert calibration_message(make_judgement(real_dives=0)).startswith("Not calibrated to real judges. Add 5")


def test_the_notes_of_a_judgement(report):
    open_standard = with_judgement(report, standard=None)
    assert score_notes(open_standard) == (
        "Standard of competition not given: the range covers international, national and club. "
        "The judges\u2019 score is inside the range in 8 of 10 dives."
    )
    calibrated = with_judgement(report, standard=Standard.CLUB, is_calibrated=True, calibration_dives=12)
    assert score_notes(calibrated).startswith("Judged as: club. ")
    assert score_notes(calibrated).endswith("Calibrated on 12 dives that your judges scored.")
    assert scale_message(open_standard) == calibration_message(open_standard.judgement)
    assert scale_message(report) == "Calibrated on <nothing>."


def test_a_clip_that_tells_little_says_what_is_typical(report, judged):
    little = with_judgement(report, is_uninformative=True, standard=None)
    assert typical_message(little) == "typical 207C from 10 m, all standards: 5.9 to 8.9"
    assert little_message(little) == (
        "This clip tells little about the score: see the measurements. "
        "Typical 207C from 10 m, all standards: 5.9 to 8.9 awards."
    )
    assert score_notes(little) == ""
    assert little_message(judged) == little_message(report) == typical_message(report) == ""


def test_reasons_of_votes(report):
    vote = replace(report.votes[0], rule="same dive number")
    assert vote_reason(vote, report) == "same dive number, 207C"
    lower = replace(vote, height=7.5)
    assert vote_reason(lower, report) == "same dive number, 207C, from 7.5 m instead of 10 m"
    other = replace(vote, code="205C", rule="nearest dive number")
    assert vote_reason(other, report) == "nearest dive number: 205C, as there is no 207C"
    assert report_json(replace(report, votes=(lower,)))["votes"][0]["reason"] == vote_reason(lower, report)
