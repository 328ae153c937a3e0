"""A recording of several dives and one of none, with the bundled weights, in a real browser."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from fineparser.data.example_clips import EXAMPLES
from fineparser.video.reader import open_source
from fineparser.video.writer import write_video
from tests.browser.conftest import PATIENCE, ready, serving, upload, visited

pytestmark = pytest.mark.browser
DIVES = [example for example in EXAMPLES if example.height == 3]
PAUSE = 45
"""Frames of water after each dive."""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Address of an app with the bundled weights."""
    with serving(tmp_path_factory.mktemp("app"), FINEPARSER_CHECKPOINT="default") as address:
        yield address


@pytest.fixture
def page(browser, url):
    with visited(browser, url) as visit:
        yield visit


def water(frame: np.ndarray, count: int) -> list[np.ndarray]:
    """A picture that stays as it is, with a camera's noise."""
    noise = np.random.default_rng(0)
    return [
        np.clip(frame.astype(int) + noise.integers(-3, 4, frame.shape), 0, 255).astype(np.uint8) for _ in range(count)
    ]


def frames_of(path: Path) -> list[np.ndarray]:
    with open_source(path) as source:
        return [frame for _, frame in source.stream()]


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Path:
    """Two dives from 3 m, each with water after it."""
    frames: list[np.ndarray] = []
    for example in DIVES:
        dive = frames_of(example.path)
        frames += [*dive, *water(dive[-1], PAUSE)]
    return write_video(tmp_path_factory.mktemp("clips") / "training session.mp4", np.stack(frames), 30.0)


@pytest.fixture(scope="module")
def still(tmp_path_factory) -> Path:
    """A pool where nobody dives."""
    pool = frames_of(DIVES[0].path)[-1]
    return write_video(tmp_path_factory.mktemp("clips") / "pool.mp4", np.stack(water(pool, 90)), 30.0)


def enter(page, example) -> None:
    box = page.locator("#code input")
    box.fill(example.code)
    box.press("Enter")
    page.locator("#height").get_by_label(f"{example.height:g} m", exact=True).check()


def trim_of(page) -> tuple[int, int]:
    first, last = re.search(r"frames (\d+) to (\d+)", page.locator("#strip .fp-hint").first.inner_text()).groups()
    return int(first), int(last)


def ink(page) -> int:
    """Sum of the bytes of the canvas over the video."""
    return page.evaluate(
        """() => {
            const canvas = document.querySelector('#viewer canvas');
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return pixels.reduce((sum, value) => sum + value, 0);
        }"""
    )


def test_a_dive_without_a_number_is_measured_and_gets_one(page):
    page.get_by_role("button", name=DIVES[0].title).click()
    expect(page.locator("#strip figure")).to_have_count(6, timeout=PATIENCE)
    page.get_by_label("Dive number").fill("")
    page.get_by_label("Dive number").press("Tab")
    page.locator("#analyse").click()
    expect(page.locator("#suggestions .fp-lead")).to_contain_text(
        re.compile("This (looks like|may be)"), timeout=PATIENCE
    )
    expect(page.locator("#measurements-table th", has_text="Time in the air")).to_be_visible()
    ready(page)
    expect(page.locator("#take-trajectory-csv")).to_be_enabled()
    # A click on a value shows its frame, and the overlays draw over it.
    value = page.locator("#measurements-table tr", has_text="Time in the air").locator("button")
    value.click()
    expect(page.locator("#viewer .readout .frame")).to_have_text(f"frame {value.get_attribute('data-frame')}")
    page.locator("#viewer [data-style=none]").click()
    assert ink(page) == 0
    drawn = 0
    for name in ("Skeleton", "Path", "Angle", "Vertical"):
        box = page.locator("#viewer").get_by_label(name, exact=True)
        box.focus()
        page.keyboard.press("Space")
        expect(box).to_be_checked()
        assert ink(page) > drawn
        drawn = ink(page)
    assert page.evaluate("() => sessionStorage.getItem('fineparser-overlays')") == "skeleton path angle vertical"
    for width in (390, 820, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"() => document.documentElement.scrollWidth === {width}")
    # One of the bundled bank, so that no exemplar has to be simulated.
    suggested = page.locator("#suggestion label", has_text=DIVES[0].code)
    if suggested.count():
        suggested.click()
    code = page.locator("#suggestion label:has(input:checked)").inner_text().split()[0]
    page.get_by_role("button", name="Use this number").click()
    expect(page.locator("#score-card h2")).to_contain_text(code, timeout=PATIENCE)
    # A score, or the sentence that the clip tells little about it.
    expect(page.locator(".fp-card :is(.total b, .little)")).to_have_text(
        re.compile(r"^(\d+|This clip tells little.*)$")
    )
    expect(page.locator("#viewer").get_by_label("Path", exact=True)).to_be_checked()
    ready(page)
    page.locator("#measure-exemplar").click()
    expect(page.locator("#measurements-table th", has_text="Exemplar").first).to_be_visible(timeout=PATIENCE)


def test_a_session_becomes_a_list_of_dives_and_a_table_of_results(page, session):
    upload(page, session)
    choices = page.locator("#dives .fp-choice")
    expect(choices).to_have_count(len(DIVES), timeout=PATIENCE)
    expect(page.locator("#dives legend")).to_contain_text(f"{len(DIVES)} dives in this clip")
    expect(page.locator("#dives img").first).to_have_js_property("complete", True)
    length = len(frames_of(DIVES[0].path))
    # Trim and strip follow the choice.
    for number, (low, high) in enumerate([(0, length), (length, 1000)], 1):
        page.locator(f"#dives input[value='{number}']").check()
        page.wait_for_function(
            """([low, high]) => {
                const found = document.querySelector('#strip .fp-hint')?.textContent.match(/frames (\\d+) to/);
                return found && low <= Number(found[1]) && Number(found[1]) < high;
            }""",
            arg=[low, high],
            timeout=PATIENCE,
        )
    second = trim_of(page)
    enter(page, DIVES[1])
    page.locator("#standard").get_by_label("National", exact=True).check()
    page.get_by_role("button", name="Analyse all 2 dives").click()
    rows = page.locator("#session tbody tr")
    expect(rows).to_have_count(2, timeout=PATIENCE)
    expect(page.locator("#analyse-all-status")).to_contain_text("2 dives analysed.", timeout=PATIENCE)
    for row in rows.all():
        assert re.search(r"\d+ \(\d+ to \d+\)", row.inner_text())
    page.get_by_role("button", name="Open dive 2").click()
    expect(page.locator("#score-card")).to_contain_text("Dive 2 of 2 in this clip.", timeout=PATIENCE)
    score = rows.nth(1).inner_text()
    assert "{} ({})".format(*page.locator(".fp-card .total .value").all_inner_texts()) in score
    ready(page)
    with page.expect_download() as waited:
        page.get_by_text("Report (JSON)").click()
    report = json.loads(waited.value.path().read_text())
    assert (report["dive"], report["dives"], report["judgement"]["standard"]) == (2, 2, "national")
    assert (report["clip"]["first_frame"], report["clip"]["last_frame"]) == second


def test_a_judged_dive_shows_its_faults_and_the_judges_are_remembered(page):
    example = DIVES[0]
    page.get_by_role("button", name=example.title).click()
    expect(page.locator("#strip figure")).to_have_count(6, timeout=PATIENCE)
    page.locator("#standard").get_by_label("Club").check()
    page.locator("#analyse").click()
    expect(page.locator(".fp-card .small").first).to_contain_text("Judged as: club.", timeout=PATIENCE)
    expect(page.locator(".fp-card .caution")).to_contain_text("Not calibrated to real judges")
    ready(page)
    expect(page.locator(".fp-marks h3")).to_have_count(3)
    faults = page.locator(".fp-marks button.fault")
    expect(faults.locator("img")).to_have_count(faults.count())
    # A click on a fault, here or in the table, shows its frame.
    for button in (faults.last, page.locator("#breakdown button").first):
        button.click()
        expect(page.locator("#viewer .readout .frame")).to_have_text(f"frame {button.get_attribute('data-frame')}")
    assert page.locator("#breakdown button").count() == faults.count()
    expect(page.locator("#judgement .js-plotly-plot")).to_be_visible()
    expect(page.locator("#branches")).to_be_hidden()
    # Another exemplar beside the dive.
    page.locator("#compared-with input").click()
    choices = page.get_by_role("option")
    shown = page.locator("#viewer .exemplar .name").inner_text()
    choices.filter(has_not_text=shown.split()[-1]).first.click()
    expect(page.locator("#viewer .exemplar .name")).not_to_have_text(shown, timeout=PATIENCE)
    for width in (390, 820, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"() => document.documentElement.scrollWidth === {width}")
    page.reload()
    expect(page.locator("#standard").get_by_label("Club")).to_be_checked(timeout=PATIENCE)


def test_a_clip_without_a_dive_gets_a_score_on_request_only(page, still):
    upload(page, still)
    expect(page.locator("#dives .fp-note")).to_contain_text("No dive was found", timeout=PATIENCE)
    expect(page.locator("#strip figure")).to_have_count(6)
    enter(page, DIVES[0])
    page.locator("#analyse").click()
    reason = page.locator("#score-card .no-score")
    expect(reason).to_contain_text(re.compile(r"^No score: no.*\.$"), timeout=PATIENCE)
    expect(page.locator(".fp-card .total")).to_have_count(0)
    ready(page)
    expect(page.locator("#take-masks-npz")).to_be_enabled()
    page.get_by_role("button", name="Score anyway").click()
    expect(reason).to_contain_text("Scored on request: normally there is no score, as no", timeout=PATIENCE)
    expect(page.locator(".fp-card .little")).to_contain_text("This clip tells little about the score")
    expect(page.locator(".fp-card .total")).to_have_count(0)
    expect(page.get_by_role("button", name="Score anyway")).to_have_count(0)
    ready(page)
    with page.expect_download() as waited:
        page.get_by_text("Report (JSON)").click()
    report = json.loads(waited.value.path().read_text())
    assert report["forced"]
    assert report["no_score_message"].startswith("Scored on request")
