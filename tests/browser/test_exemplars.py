"""User exemplars, and the exemplar beside the dive, in a real browser; the tests share one visit."""

import json
import re
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect

from fineparser.video.reader import probe
from fineparser.video.writer import write_video
from tests.browser.conftest import PATIENCE, analyse_same_dive, fill_exemplar_form, ready, visited

pytestmark = pytest.mark.browser

FIRST_ROW = "#bank [data-testid='cell-0-0']"
BOTH_PLAY = """() => {
    const [ours, theirs] = document.querySelectorAll('#viewer video');
    return ours.videoWidth > 0 && theirs.videoWidth > 0 && theirs.readyState >= 2;
}"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """80 larger frames of a block that falls more slowly."""
    frames = np.full((80, 120, 200, 3), 50, np.uint8)
    for number, frame in enumerate(frames):
        frame[number // 2 + 10 : number // 2 + 50, 90:120] = (200, 160, 130)
    return write_video(tmp_path_factory.mktemp("judged") / "judged dive.mp4", frames, 25.0)


@pytest.fixture(scope="module")
def page(browser, app_url):
    with visited(browser, app_url) as visit:
        yield visit


def tab(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def own_dives(app_folder) -> list[dict]:
    return json.loads((app_folder / "home" / "exemplars" / "dives.json").read_text())["exemplars"]


def shown(page) -> tuple[int, int]:
    """The frames on both sides of the viewer."""
    page.wait_for_function("() => ![...document.querySelectorAll('#viewer video')].some((video) => video.seeking)")
    return tuple(
        int(page.evaluate(f"() => document.querySelector('#viewer [data-frame]').dataset.{name}"))
        for name in ("frame", "beside")
    )


def start_of_phase(page, place: int) -> tuple[int, int]:
    page.locator("#viewer .chips button").nth(place).click()
    return shown(page)


def test_a_scored_dive_is_added(page, judged, app_folder):
    tab(page, "Exemplars")
    expect(page.locator("#bank-count")).to_contain_text("no exemplars yet", timeout=PATIENCE)
    page.get_by_text("Add a judged dive").click()
    page.locator("#add-dive").click()
    expect(page.locator("#add-status .problem")).to_contain_text("Upload a clip", timeout=PATIENCE)
    fill_exemplar_form(page, judged)
    page.locator("#exemplar-score input").fill("900")
    page.locator("#add-dive").click()
    expect(page.locator("#add-status .problem")).to_contain_text("not 900", timeout=PATIENCE)
    page.locator("#exemplar-score input").fill("")
    page.locator("#exemplar-awards textarea, #exemplar-awards input").fill("7 7.5 6.5 7 7")
    expect(page.locator("#exemplar-sheet s")).to_have_text(["7.5", "6.5"], timeout=PATIENCE)
    expect(page.locator("#exemplar-sheet")).to_contain_text("21 × 1.2 = 25.20 points")
    page.locator("#exemplar-name textarea, #exemplar-name input").fill("Ann, club meet")
    page.locator("#add-dive").click()
    expect(page.locator("#add-status")).to_contain_text("101C forward dive, tuck, 1 m was added", timeout=PATIENCE)
    (dive,) = own_dives(app_folder)
    assert (dive["code"], dive["height"], dive["score"], dive["name"]) == ("101C", 1, 25.2, "Ann, club meet")
    assert dive["awards"] == [7.0, 7.5, 6.5, 7.0, 7.0]
    expect(page.locator("#bank-count")).to_contain_text("1 of 1 exemplars", timeout=PATIENCE)
    expect(page.locator("#bank tbody")).to_contain_text("7 (7.5) (6.5) 7 7")


def test_weights_whose_exemplars_vote_are_not_calibrated(page):
    page.locator("#judges").get_by_text("Your judges' scale").click()
    page.locator("#compare-judges").click()
    expect(page.locator("#judges-status .problem")).to_contain_text("by their exemplars", timeout=PATIENCE)
    expect(page.locator("#judges-chart")).to_be_hidden()


def test_the_list_is_filtered_and_shows_a_clip(page):
    page.locator("#bank-lowest input").fill("30")
    page.locator("#bank-lowest input").press("Tab")
    expect(page.locator("#bank-count")).to_contain_text("0 of 1", timeout=PATIENCE)
    page.locator("#bank-lowest input").fill("20")
    page.locator("#bank-lowest input").press("Tab")
    expect(page.locator("#bank-count")).to_contain_text("1 of 1", timeout=PATIENCE)
    page.locator(FIRST_ROW).click()
    expect(page.locator("#exemplar-facts")).to_contain_text("Ann, club meet", timeout=PATIENCE)
    page.wait_for_function("() => document.querySelector('#exemplar-clip video')?.videoWidth === 200", timeout=PATIENCE)
    expect(page.locator("#remove-exemplar")).to_be_visible()


def test_the_exemplar_is_beside_the_dive(page, clip):
    tab(page, "Analyse")
    analyse_same_dive(page, clip)
    expect(page.locator("#viewer .exemplar")).to_be_visible()
    page.wait_for_function(BOTH_PLAY, timeout=PATIENCE)
    expect(page.locator("#viewer .exemplar .name")).to_have_text("Exemplar 101C: 25.20")
    expect(page.locator("#votes-table tbody tr")).to_have_count(1)


def test_phases_begin_together(page, app_folder):
    marks = own_dives(app_folder)[0]["clip"]
    for place, name in enumerate(("first", "flight", "entry")):
        assert start_of_phase(page, place)[1] == pytest.approx(marks[name], abs=1)


def test_in_real_time_both_run_at_their_own_speed(page):
    page.get_by_role("button", name="Real time").click()
    first = start_of_phase(page, 0)
    later = start_of_phase(page, 2)
    assert later[1] - first[1] == pytest.approx(later[0] - first[0], abs=1)
    page.get_by_role("button", name="By phase").click()


def test_each_side_can_be_shifted(page):
    start_of_phase(page, 1)
    ours, theirs = shown(page)
    page.get_by_label("Exemplar one frame later").click()
    page.get_by_label("Exemplar one frame later").click()
    assert shown(page) == (ours, theirs + 2)
    page.get_by_label("Exemplar one frame earlier").click()
    page.get_by_label("Exemplar one frame earlier").click()
    page.get_by_role("button", name="Real time").click()
    ours, theirs = shown(page)
    page.get_by_label("This dive one frame later").click()
    assert shown(page) == (ours, theirs - 1)
    page.get_by_label("This dive one frame earlier").click()
    page.get_by_role("button", name="By phase").click()


def test_both_play_and_stay_in_phase(page, app_folder):
    marks = own_dives(app_folder)[0]["clip"]
    starts = [start_of_phase(page, place)[0] for place in range(3)]
    begun = start_of_phase(page, 0)
    page.locator("#viewer [data-rate='0.25']").click()
    page.locator("#viewer .play").click()
    page.wait_for_function(f"() => document.querySelector('#viewer [data-frame]').dataset.frame >= {begun[0] + 4}")
    page.wait_for_function("() => [...document.querySelectorAll('#viewer video')].every((v) => v.currentTime > 0)")
    page.locator("#viewer .play").click()
    expect(page.locator("#viewer .playing")).to_have_count(0)
    ours, theirs = shown(page)
    assert ours >= begun[0] + 4
    # As far through the phase as the dive is: by hand from the marks of both.
    ends, other = [*starts, 49], [marks[name] for name in ("first", "flight", "entry", "last")]
    phase = max(place for place in range(3) if starts[place] <= ours)
    share = (ours - starts[phase] + 0.5) / max(ends[phase + 1] - starts[phase], 1)
    assert theirs == pytest.approx(other[phase] + share * (other[phase + 1] - other[phase]), abs=2)
    page.locator("#viewer [data-rate='1']").click()


def test_a_comparison_video_can_be_made(page, tmp_path):
    page.locator("#make-comparison").click()
    saving = page.locator("#take-comparison:not([disabled])")
    saving.wait_for(timeout=PATIENCE)
    with page.expect_download() as waited:
        saving.click()
    path = tmp_path / "both.mp4"
    waited.value.save_as(path)
    assert waited.value.suggested_filename.startswith("beside own-101C")
    assert probe(path).width > probe(path).height
    with page.expect_download() as waited:
        page.locator("#take-results-zip").click()
    waited.value.save_as(tmp_path / "results.zip")
    with zipfile.ZipFile(tmp_path / "results.zip") as archive:
        assert "comparison.mp4" in archive.namelist()


def test_another_exemplar_does_not_move_the_dive(page):
    at = start_of_phase(page, 1)
    page.wait_for_function("() => document.querySelector('#votes .js-plotly-plot')?.fpConnected")
    page.evaluate(
        """() => {
            const plot = document.querySelector('#votes .js-plotly-plot');
            const votes = plot.data.findLast((trace) => trace.customdata).customdata;
            plot.emit('plotly_click', {points: [{customdata: votes[votes.length - 1]}]});
        }"""
    )
    expect(page.get_by_label("Compared with")).to_have_value(re.compile("^own-101C-1m-"), timeout=PATIENCE)
    expect(page.locator("#take-comparison")).to_be_disabled(timeout=PATIENCE)
    assert shown(page) == at


@pytest.mark.parametrize("width", [390, 1400])
def test_the_viewer_with_an_exemplar_fits_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(f"() => document.documentElement.scrollWidth === {width}", timeout=PATIENCE)
    sizes = page.locator("#viewer button:visible").evaluate_all("all => all.map(b => [b.offsetWidth, b.offsetHeight])")
    assert min(min(size) for size in sizes) >= 43
    page.set_viewport_size({"width": 1400, "height": 1000})


def test_excluded_sources_do_not_vote(page):
    tab(page, "Exemplars")
    page.locator("#voters").get_by_label("Yours").uncheck()
    page.locator("#voters").get_by_label("Simulated").uncheck()
    tab(page, "Analyse")
    page.locator("#analyse").click()
    expect(page.locator("#analyse-status .problem")).to_contain_text("No exemplars are chosen", timeout=PATIENCE)
    tab(page, "Exemplars")
    page.locator("#voters").get_by_label("Simulated").check()
    tab(page, "Analyse")
    page.locator("#analyse").click()
    expect(page.locator("#votes-table tbody tr")).to_have_count(10, timeout=PATIENCE)
    expect(page.locator("#votes-table")).not_to_contain_text("own dives")
    ready(page)


def test_a_simulated_exemplar_is_rendered_when_it_is_chosen(page):
    name = page.locator("#viewer .exemplar .name")
    expect(name).to_have_text(re.compile(r"^Exemplar 101C: \d"))
    before = name.inner_text()
    page.wait_for_function("() => document.querySelector('#votes .js-plotly-plot')?.fpConnected")
    for end in ("0", "votes.length - 1"):
        page.evaluate(
            f"""() => {{
                const plot = document.querySelector('#votes .js-plotly-plot');
                const votes = plot.data.findLast((trace) => trace.customdata).customdata;
                plot.emit('plotly_click', {{points: [{{customdata: votes[{end}]}}]}});
            }}"""
        )
        expect(page.locator("#breakdown tbody tr").first).to_have_text(re.compile("^Exemplar(?!s)"), timeout=PATIENCE)
        if name.inner_text() != before:
            break
    expect(name).not_to_have_text(before, timeout=PATIENCE)
    expect(name).to_have_text(re.compile(r"^Exemplar 101C: \d"))
    page.wait_for_function(BOTH_PLAY, timeout=PATIENCE)
    assert page.evaluate("() => document.querySelector('#viewer .exemplar video').videoWidth") == 276


def test_the_exemplar_can_be_deleted(page, app_folder):
    tab(page, "Exemplars")
    page.locator(FIRST_ROW).click()
    page.locator("#remove-exemplar").click()
    page.locator("#remove-exemplar-cancel").click()
    expect(page.locator("#remove-exemplar-question")).to_be_hidden()
    page.locator("#remove-exemplar").click()
    page.locator("#remove-exemplar-confirm").click()
    expect(page.locator("#exemplar-facts")).to_contain_text("was deleted", timeout=PATIENCE)
    expect(page.locator("#remove-exemplar-question")).to_be_hidden()
    expect(page.locator("#bank-count")).to_contain_text("no exemplars yet", timeout=PATIENCE)
    assert own_dives(app_folder) == []
    assert list((app_folder / "home" / "exemplars" / "clips").iterdir()) == []
