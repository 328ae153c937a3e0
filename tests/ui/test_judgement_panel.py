"""Faults of a judgement as HTML, with the frames that show them."""

import base64
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from fineparser.analysis.analyser import AnalysisOptions
from fineparser.domain.phases import Phase
from fineparser.rendering.judgement_text import fault_phrase
from fineparser.scoring import PhaseMark
from fineparser.ui.judgement_panel import THUMBNAIL_SIDE, fault_thumbnails, faults_table, marks_html
from tests.judgements import make_fault, with_judgement

SHOWN_FRAMES = [26, 30, 41, 47, 41]
"""Frames of the faults of `with_judgement` that are listed, phase by phase, the dearest first."""


@pytest.fixture(scope="module")
def unjudged(tiny_analyser, proposal):
    report = tiny_analyser.analyse(proposal.scan.info.path, options=AnalysisOptions(proposal=proposal))
    return replace(report, dive_code="207C", dive_name="back", height=10, difficulty=3.3)


@pytest.fixture
def report(unjudged):
    return with_judgement(unjudged)


def frames_in(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<button [^>]*data-frame="(\d+)"', html)]


def test_every_listed_fault_is_a_button_under_the_mark_of_its_phase(report):
    html = marks_html(report)
    assert re.findall(r"<h3>([^<]*) <b>([\d.]+)</b>", html) == [
        ("Take-off", "8.5"),
        ("Flight", "8.8"),
        ("Entry", "7.5"),
    ]
    assert frames_in(html) == SHOWN_FRAMES
    assert "Splash 0.6" in html
    assert "<b>\u22120.4</b>" in html
    assert "against a typical dive" in html
    assert "<img" not in html


def test_a_thumbnail_stands_beside_its_fault(report):
    html = marks_html(report, {41: b"entry"})
    assert html.count(f'base64,{base64.b64encode(b"entry").decode()}"') == SHOWN_FRAMES.count(41)


def test_thumbnails_are_small_pictures_of_the_frames_in_the_trim(report):
    first = report.first_frame
    fault = make_fault("splash", 0.6, 0.4, (first + 5,))
    mark = PhaseMark(phase=Phase.ENTRY, mark=7.0, contribution=0.0, faults=(fault,))
    (pair,) = fault_thumbnails(with_judgement(report, phases=(mark,))).items()
    assert pair[0] == first + 5
    image = cv2.imdecode(np.frombuffer(pair[1], np.uint8), cv2.IMREAD_COLOR)
    assert THUMBNAIL_SIDE / 2 < max(image.shape) <= THUMBNAIL_SIDE


@pytest.mark.parametrize(
    ("faults", "text"),
    [((), "Nothing was measured."), ((make_fault("bent_knees", 4.0, 0.02),), "As in a typical dive.")],
)
def test_a_phase_without_deductions_says_so(report, faults, text):
    mark = PhaseMark(phase=Phase.FLIGHT, mark=9.0, contribution=0.1, faults=faults)
    html = marks_html(with_judgement(report, phases=(mark,)))
    assert text in html
    assert frames_in(html) == []


def test_a_fault_without_a_frame_is_no_button(report):
    mark = PhaseMark(phase=Phase.ENTRY, mark=7.0, contribution=0.0, faults=(make_fault("splash", 0.6, 0.4, ()),))
    judged = with_judgement(report, phases=(mark,))
    for html in (marks_html(judged), faults_table(judged)):
        assert "plash 0.6" in html
        assert "<button" not in html


def test_the_table_has_sizes_and_frames(report):
    html = faults_table(report)
    assert frames_in(html) == SHOWN_FRAMES
    rows = re.findall(r"<tr><td.*?</tr>", html)
    entry = report.judgement.phases[2].faults[0]
    assert fault_phrase(entry, "207C") in rows[2]
    assert "\u00b1" in rows[2]


def test_where_the_clip_tells_little_there_are_sizes_and_no_deductions(report):
    little = with_judgement(report, is_uninformative=True)
    assert marks_html(little) == ""
    html = faults_table(little)
    # The knees, which cost next to nothing, are measured as well.
    assert len(frames_in(html)) == len(SHOWN_FRAMES) + 1
    assert "Splash 0.6" in html
    assert "\u22120.4" not in html
    assert "Awards" not in html
    nothing = tuple(replace(mark, faults=()) for mark in little.judgement.phases)
    assert faults_table(with_judgement(report, is_uninformative=True, phases=nothing)) == ""


def test_without_a_judgement_both_are_empty(unjudged):
    assert marks_html(unjudged) == faults_table(unjudged) == ""
