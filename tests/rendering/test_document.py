import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from fineparser.exemplars.panel_scale import PanelScale
from fineparser.analysis.report import BY_SIMULATED
from fineparser.rendering.document import document, headline
from fineparser.rendering.page_charts import signed, timeline_chart, votes_chart, waterfall_chart

VOID = {"meta", "img", "br", "path", "polyline"}


class Page(HTMLParser):
    """What a page holds; AssertionError where a tag is not closed in order."""

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
    return document(report)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_asks_nothing_of_any_server(html, page):
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "data:").startswith("data:")
    assert not re.search(r"url\(|@import|https?:|//\w", re.sub(r"base64,[\w+/=]+", "", html))
    policy = next(one["content"] for tag, one in page.tags if "http-equiv" in one)
    assert policy.startswith("default-src 'none'")


def test_strings_of_strangers_are_shown_as_they_are(page):
    """The clip's name, a warning and an exemplar's name hold tags."""
    for text in ("falling <block> & more.mp4", "<script>alert(1)</script>", "strong <b>", "on <nothing>"):
        assert text in page.text
    assert "block" not in {tag for tag, _ in page.tags}


def test_it_tells_what_the_report_holds(page):
    text = page.text
    assert "207C, back 3 1/2 somersaults, tuck, 10 m" in text
    for number in ("80.00", "72.00 to 88.00", "24.24 of 30", "mean award 8.08"):
        assert number in text
    for vote in ("weak", "66.00", "+4.00", "70.00"):
        assert vote in text
    assert "0.72 s" in text
    assert "3.5 Soms.Tuck" in text


def test_simulated_judges_alone_are_not_taken_for_real_ones(report, page):
    simulated = replace(report, weights=replace(report.weights, calibrated_on=BY_SIMULATED))
    assert simulated.weights.caution in Page(document(simulated)).text
    assert simulated.weights.caution not in page.text


def test_the_breakdown_adds_up_in_points_and_awards(page):
    words = [word.strip() for word in page.words if word.strip()]
    start = words.index("In awards") + 1
    # Flight: dynamic 2, static -1/6, both 11/6; an award is worth 9.9 points.
    flight = words.index("Flight", start)
    assert words[flight + 1 : flight + 5] == ["+2.00", "\u22120.17", "+1.83", "+0.19"]
    last = words.index("This dive", start)
    assert words[last + 1 : last + 3] == ["80.00", "8.08"]


def test_a_part_stands_beside_its_range(report):
    ranges = np.array([[-1.0, 2.0], [0.5, 3.25], [-4.0, 0.0]])
    ranged = replace(report, breakdown=replace(report.breakdown, ranges=ranges))
    words = [word.strip() for word in Page(document(ranged)).words if word.strip()]
    start = words.index("80% range", words.index("In awards"))
    flight = words.index("Flight", start)
    assert words[flight + 5] == "+0.50 to +3.25"
    last = words.index("This dive", start)
    assert words[last + 3] == "72.00 to 88.00"


def test_key_frames_are_pictures(page):
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert [image["alt"] for image in images] == ["stance", "take-off", "mid-flight", "opening", "entry", "splash"]
    for image in images:
        data = base64.b64decode(image["src"].removeprefix("data:image/jpeg;base64,"))
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape[:2] == (int(image["height"]), int(image["width"]))


def test_a_report_without_a_score_is_a_page_too(unscored):
    page = Page(document(unscored))
    assert "Key moments" in page.text
    assert "Votes" not in page.text
    assert headline(unscored).startswith("Dive without a number")
    assert waterfall_chart(unscored) == votes_chart(unscored) == ""


def test_without_warnings_there_is_no_box(report):
    assert 'class="warnings"' not in document(replace(report, warnings=()))


def lefts(html: str, kind: str) -> list[float]:
    return [float(share) for share in re.findall(rf'<i class="{kind}" style="left:([\d.]+)%', html)]


def test_the_waterfall_is_drawn_to_scale(report):
    chart = waterfall_chart(report)
    base, (total,) = lefts(chart, "mark")[0], lefts(chart, "mark total")
    (bar,) = re.findall(r'class="bar p1 dynamic" style="left:([\d.]+)%;width:([\d.]+)%', chart)[:1]
    # 78 to 80 is the way from the base to the total; the flight's dynamic share, 78.5 to 80.5, is as wide.
    assert float(bar[1]) == pytest.approx(total - base, abs=0.02)
    assert float(bar[0]) == pytest.approx(base + (total - base) / 4, abs=0.02)


def test_the_timeline_is_drawn_to_scale(report):
    chart = timeline_chart(report)
    # Flight from 0.72 s, entry from 1.64 s, of 0.08 s to 2.2 s.
    assert lefts(chart, "switch") == pytest.approx([100 * 0.64 / 2.12, 100 * 1.56 / 2.12], abs=0.01)
    points = re.search(r'class="flight" points="([^"]+)"', chart)[1].split()
    peak = min(points, key=lambda point: float(point.split(",")[1]))
    assert [float(one) for one in peak.split(",")] == pytest.approx([10 * 100 * 0.64 / 2.12, 10], abs=0.1)


def test_signs():
    assert [signed(value) for value in (1.234, -1.0, 0.0, -0.001)] == ["+1.23", "\u22121.00", "+0.00", "+0.00"]


def test_the_page_says_where_scores_stand_on_the_scale_of_own_judges(report):
    scale = PanelScale(-1.0, 1.2, 7, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0)
    assert "own judges would have given" not in document(report)
    assert "own judges would have given" in document(replace(report, scale=scale))
    assert replace(report, scale=scale).to_json()["panel_scale"]["offset"] == -1.0
    assert report.to_json()["panel_scale"] is None
