import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.quality_warning import QualityWarning
from fineparser.rendering.measurements import value_text
from fineparser.rendering.messages import calibration_message, message
from fineparser.rendering.report_page import PICTURES, headline, report_html
from fineparser.rendering.votes_chart import votes_html
from fineparser.rendering.waterfall_chart import waterfall_html
from tests.builders import sample_kinematics
from tests.judgements import with_judgement

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
    phases, branches = (place + 1 for place, word in enumerate(words) if word == "In awards")
    # Flight: dynamic 2, static -1/6, both 11/6; an award is worth 9.9 points.
    flight = words.index("Flight", phases)
    assert words[flight + 1 : flight + 3] == ["+1.83", "+0.19"]
    flight = words.index("Flight", branches)
    assert words[flight + 1 : flight + 5] == ["+2.00", "\u22120.17", "+1.83", "+0.19"]
    for start in (phases, branches):
        last = words.index("This dive", start)
        assert words[last + 1 : last + 3] == ["80.00", "8.08"]


def test_branches_and_votes_are_folded_away(html):
    visible, folded = html.split("<details>")
    assert "From exemplars to score" in visible
    assert "Dynamic" not in visible
    assert "Dynamic" in folded
    assert "Why it votes" in folded


def test_each_phase_has_its_range(report):
    ranges = np.array([[-1.0, 2.0], [0.5, 3.25], [-4.0, 0.0]])
    ranged = replace(report, breakdown=replace(report.breakdown, ranges=ranges))
    words = [word.strip() for word in Page(report_html(ranged)).words if word.strip()]
    start = words.index("80% range", words.index("In awards"))
    flight = words.index("Flight", start)
    assert words[flight + 3] == "+0.50 to +3.25"
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


@pytest.fixture(scope="module")
def judged_page(judged):
    return Page(report_html(judged))


def flat(page: Page) -> str:
    """Text of a page without what breaks lines."""
    return " ".join(page.text.replace("\u00a0", " ").split())


def test_a_score_that_is_not_calibrated_has_whole_points_and_its_range(judged_page, judged):
    text = flat(judged_page)
    assert "80 points 67 to 93 in 8 of 10 mean award 8.1 6.8 to 9.4" in text
    assert "Not calibrated to real judges: on 9 real dives the mean award was off by 0.8 (root mean square)." in text
    assert "Add 5 judged dives of your own" in text
    assert "Judged as: international." in text
    for word in ("80.1", "very good", "good", "execution"):
        assert word not in text[: text.index("Faults")]


def test_the_range_is_as_prominent_as_the_number(judged):
    assert re.findall(r'<span class="range"><b>([^<]*)</b>', report_html(judged)) == ["80", "67 to 93"]


def test_a_calibrated_score_has_a_decimal_and_a_word(report):
    calibrated = with_judgement(report, is_calibrated=True, calibration_dives=12, standard=None)
    html = report_html(calibrated)
    text = flat(Page(html))
    assert "80.2 points 67.3 to 93.1 in 8 of 10 mean award 8.1, good 6.8 to 9.4" in text
    assert "Calibrated on 12 dives that your judges scored." in text
    assert "the range covers international, national and club" in text
    assert 'class="caution"' not in html


def test_faults_stand_under_their_phases_with_marks_and_frames(judged_page):
    text = flat(judged_page)
    section = text[text.index("Faults") : text.index("Against a typical dive")]
    assert "Entry 7.5 \u22120.1 against a typical dive" in section
    assert "8\u00b0 over \u22120.6 hips bent 14\u00b0 at the entry \u22120.1" in section
    assert "frame 41 splash 0.6 m high \u22120.4 frame 47" in section
    assert section.index("Take-off 8.5") < section.index("Flight 8.8") < section.index("Entry 7.5")
    assert "loose tuck, 62\u00b0 at the hips" in section
    # 0.02 awards.
    assert "knees" not in section
    assert section.count("frame 41") == 1
    names = [attributes["alt"] for tag, attributes in judged_page.tags if tag == "img"]
    assert "splash 0.6\u00a0m high" in names


def test_a_page_with_a_judgement_has_no_votes(judged_page):
    text = flat(judged_page)
    for word in ("From exemplars", "Votes", "Dynamic", "vote"):
        assert word not in text
    assert "The score starts from the awards that are usual" in text


def test_exemplars_that_do_not_vote_change_nothing_on_the_page(report, judged_page):
    beside = tuple(replace(vote, score=None, contributions=None) for vote in report.votes)
    shown = replace(with_judgement(report), votes=beside, exemplar="middling")
    assert Page(report_html(shown)).text == judged_page.text


def test_where_a_clip_tells_little_the_measurements_stand_in_place_of_a_score(report):
    little = with_judgement(report, is_uninformative=True)
    text = flat(Page(report_html(little)))
    assert "This clip tells little about the score" in text
    # 7.4 and 1.28 standard deviations of 1.2.
    assert "Typical 207C from 10 m, international: 5.9 to 8.9 awards." in text
    for word in ("points", "Faults", "Against a typical dive", calibration_message(little.judgement)):
        assert word not in text[: text.index("Key frames")]
    assert text.index("Measurements") < text.index("Key frames")
    assert text.count("Measurements") == 1


def test_a_phase_without_faults_says_so(report, judged):
    phases = tuple(replace(mark, faults=()) for mark in judged.judgement.phases)
    text = Page(report_html(with_judgement(report, phases=phases))).text
    assert text.count("Nothing that was measured differs from a typical dive.") == 3
