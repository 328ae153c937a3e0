import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.exemplars.judge_calibration import JudgeCalibration
from fineparser.quality_warning import QualityWarning
from fineparser.rendering.measurements import value_text
from fineparser.rendering.messages import JUDGE_CALIBRATED_VOTES, message
from fineparser.rendering.report_page import PICTURES, headline, report_html
from fineparser.rendering.results import report_json
from fineparser.rendering.votes_chart import votes_html
from fineparser.rendering.waterfall_chart import waterfall_html
from tests.builders import sample_kinematics

VOID = {"meta", "img", "br", "path", "polyline"}


class Page(HTMLParser):
    """Tags and words of a page; AssertionError for a tag that is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="module")
def html(report):
    return report_html(report)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_makes_no_requests(html, page):
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "data:").startswith("data:")
    assert not re.search(r"url\(|@import|https?:|//\w", re.sub(r"base64,[\w+/=]+", "", html))
    policy = next(one["content"] for tag, one in page.tags if "http-equiv" in one)
    assert policy.startswith("default-src 'none'")


def test_texts_of_others_are_escaped(page):
    """Tags in the clip's name, a warning and an exemplar's name."""
    for text in ("falling <block> & more.mp4", "<script>alert(1)</script>", "strong <b>", "on <nothing>"):
        assert text in page.text
    assert "block" not in {tag for tag, _ in page.tags}


def test_the_page_has_the_numbers_of_the_report(page):
    text = page.text
    assert "207C, back 3 1/2 somersaults, tuck, 10 m" in text
    for number in ("80.00", "72.00 to 88.00", "24.24 of 30", "mean award 8.08"):
        assert number in text
    for vote in ("weak", "66.00", "+4.00", "70.00"):
        assert vote in text
    assert "0.72 s" in text
    assert "3.5 Soms.Tuck" in text


def test_scores_of_simulated_judges_have_a_note(report, page):
    scale = QualityWarning("scale_simulated", {"min_dives": 3})
    simulated = replace(report, weights=replace(report.weights, score_scale=scale))
    assert "Real judges may differ" in message(scale)
    assert message(scale) in Page(report_html(simulated)).text
    assert message(scale) not in page.text


def test_the_breakdown_adds_up_in_points_and_awards(page):
    words = [word.strip() for word in page.words if word.strip()]
    start = words.index("In awards") + 1
    # Flight: dynamic 2, static -1/6, both 11/6; an award is worth 9.9 points.
    flight = words.index("Flight", start)
    assert words[flight + 1 : flight + 5] == ["+2.00", "\u22120.17", "+1.83", "+0.19"]
    last = words.index("This dive", start)
    assert words[last + 1 : last + 3] == ["80.00", "8.08"]


def test_each_phase_has_its_range(report):
    ranges = np.array([[-1.0, 2.0], [0.5, 3.25], [-4.0, 0.0]])
    ranged = replace(report, breakdown=replace(report.breakdown, ranges=ranges))
    words = [word.strip() for word in Page(report_html(ranged)).words if word.strip()]
    start = words.index("80% range", words.index("In awards"))
    flight = words.index("Flight", start)
    assert words[flight + 5] == "+0.50 to +3.25"
    last = words.index("This dive", start)
    assert words[last + 3] == "72.00 to 88.00"


def test_key_frames_are_images(page):
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    names = ["stance", "take-off", "mid-flight", "opening", "entry", "splash"]
    assert [image["alt"] for image in images] == [*names, *PICTURES.values()]
    for image in images:
        data = base64.b64decode(image["src"].removeprefix("data:image/jpeg;base64,"))
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape[:2] == (int(image["height"]), int(image["width"]))


def test_the_page_has_the_measurements(report, page):
    for text in ("Measurements", "Height above the board", "1.56\u00a0\u00b1 0.09\u00a0m", "Rotation speed, \u00b0/s"):
        assert text.replace("\u00a0", " ") in page.text.replace("\u00a0", " ")
    assert "Not measurable: the diver is too small in the picture." in page.text
    assert "Exemplar" not in page.text[page.text.index("Measurements") : page.text.index("From exemplars")]
    exemplar = sample_kinematics(report.frame_numbers, entry=46)
    beside = Page(report_html(report, exemplar)).text
    section = beside[beside.index("Measurements") : beside.index("From exemplars")]
    assert "Exemplar" in section
    assert value_text("air_time", exemplar.air_time) in section
    assert "Measurements" not in Page(report_html(replace(report, kinematics=None))).text


def test_the_page_of_a_report_without_a_score(unscored):
    page = Page(report_html(unscored))
    assert "Key frames" in page.text
    assert "Votes" not in page.text
    assert headline(unscored).startswith("Dive without a number")
    assert waterfall_html(unscored) == votes_html(unscored) == ""


def test_there_is_no_box_without_warnings(report):
    assert 'class="warnings"' not in report_html(replace(report, warnings=()))


def test_the_page_says_that_votes_are_calibrated_to_the_users_judges(report):
    calibrated = replace(report, judge_calibration=JudgeCalibration(-1.0, 1.2, 7, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0))
    assert JUDGE_CALIBRATED_VOTES not in report_html(report)
    assert JUDGE_CALIBRATED_VOTES in report_html(calibrated)
    assert calibrated.to_json()["judge_calibration"]["offset"] == -1.0
    assert report_json(report)["judge_calibration"] is None


def test_a_page_without_a_score_says_why(report):
    nothing = dict.fromkeys(("total", "execution", "breakdown", "interval_basis", "exemplar"))
    reasons = (QualityWarning("no_diver"), QualityWarning("no_fall"))
    page = Page(report_html(replace(report, votes=(), no_score=reasons, **nothing)))
    assert "No score: no diver was found in the clip." in page.text
    assert "207C, back 3 1/2 somersaults" in page.text
    assert "From exemplars to score" not in page.text


def test_a_page_with_a_score_on_request_says_why_there_would_be_none(report):
    forced = Page(report_html(replace(report, no_score=(QualityWarning("no_fall"),), is_forced=True)))
    assert "Scored on request: normally there is no score, as nobody in the clip falls" in forced.text
    assert "80.00" in forced.text


def test_a_page_names_the_phases_that_are_not_in_the_clip(report):
    page = Page(report_html(replace(report, missing_phases=(Phase.TAKE_OFF,))))
    assert "The clip begins in the air: the take-off carries no points." in page.text
    assert "stance" not in [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
