"""The Analyse tab, the About tab and the API, in a real browser."""

import json
import re
import time

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import ValidationError
from playwright.sync_api import expect

from fineparser.data.example_clips import EXAMPLES
from tests.browser.conftest import PATIENCE, ready, temporary_folders, upload
from tests.video.bad_inputs import BAD_INPUTS

pytestmark = pytest.mark.browser

BAD = [row for row in BAD_INPUTS if row.name in ("empty file", "text", "playlist", "truncated mp4", "seven frames")]
assert all(row.uploadable for row in BAD)


def enter_dive(page, number: str, height: str) -> None:
    box = page.get_by_label("Dive number")
    box.fill(number)
    box.press("Enter")
    page.get_by_label(height, exact=True).check()


def test_an_uploaded_clip_becomes_a_score(page, clip, app_folder):
    upload(page, clip)
    expect(page.locator("#clip-note")).to_contain_text("160 x 120, 50 frames")
    enter_dive(page, "103B", "3 m")
    expect(page.locator("#dive-note")).to_contain_text("forward 1 1/2 somersaults, pike, 3 m: difficulty 1.6")
    page.locator("#analyse").click()
    expect(page.locator(".fp-card .total .value")).to_have_text(re.compile(r"^\d+\.\d\d$"), timeout=PATIENCE)
    expect(page.locator("#warnings")).to_contain_text("weights are untrained")
    ready(page)
    expect(page.locator("#breakdown tr.strong")).to_contain_text("This dive")
    # With one exemplar alone its score replaces the mean.
    rows = page.locator("#votes-table tbody tr")
    expect(rows).to_have_count(10)
    expect(page.locator("#breakdown tbody tr").first).to_contain_text("Exemplars")
    # The branches are folded away; their chart is drawn when they are opened.
    expect(page.locator("#waterfall .js-plotly-plot")).to_be_hidden()
    page.locator("#branches").get_by_text("By movement and pose").click()
    expect(page.locator("#waterfall .js-plotly-plot")).to_be_visible(timeout=PATIENCE)
    page.wait_for_function("() => document.querySelector('#votes .js-plotly-plot')?.fpConnected")
    # The event of a click on the last vote.
    page.evaluate(
        """() => {
            const plot = document.querySelector('#votes .js-plotly-plot');
            const votes = plot.data.findLast((trace) => trace.customdata).customdata;
            plot.emit('plotly_click', {points: [{customdata: votes[votes.length - 1]}]});
        }"""
    )
    expect(page.get_by_label("Compared with")).to_have_value(re.compile("^103B-3m-.*votes"), timeout=PATIENCE)
    expect(page.locator("#breakdown tbody tr").first).to_have_text(re.compile("^Exemplar(?!s)"), timeout=PATIENCE)
    assert temporary_folders(app_folder) == []


@pytest.mark.parametrize("row", BAD, ids=lambda row: row.name)
def test_an_unusable_upload_is_explained(page, row, tmp_path, app_folder):
    upload(page, row.write(tmp_path))
    sentence = page.locator("#clip-note .problem")
    expect(sentence).to_have_text(re.compile(row.reason))
    assert str(app_folder) not in sentence.inner_text()
    page.locator("#analyse").click()
    expect(page.locator("#analyse-status .problem")).to_have_text(re.compile(row.reason), timeout=PATIENCE)


def test_an_impossible_dive_is_refused_at_once_and_on_analyse(page, clip):
    upload(page, clip)
    enter_dive(page, "107A", "3 m")
    expect(page.locator("#dive-note .problem")).to_contain_text("Nearest: 107B")
    page.locator("#analyse").click()
    expect(page.locator("#analyse-status .problem")).to_contain_text("Nearest: 107B", timeout=PATIENCE)
    expect(page.locator("#analyse")).to_be_enabled()


def test_without_a_clip_the_page_asks_for_one(page):
    page.locator("#analyse").click()
    expect(page.locator("#analyse-status .problem")).to_contain_text("Upload a clip of a dive first", timeout=PATIENCE)


def test_stop_frees_the_page_and_the_queue(page, browser, app_url, clip):
    upload(page, clip)
    enter_dive(page, "5253B", "10 m")
    other = browser.new_page()
    other.goto(app_url)
    upload(other, clip)
    page.locator("#analyse").click()
    expect(page.locator("#analyse-status .fp-step")).to_contain_text(
        re.compile("Reading|Finding|Comparing"), timeout=PATIENCE
    )
    other.locator("#analyse").click()
    expect(other.locator("#analyse-status")).to_contain_text(re.compile("Waiting|queue"), timeout=PATIENCE)
    page.locator("#analyse-stop").click()
    expect(page.locator("#analyse-status")).to_contain_text("Stopped.")
    expect(page.locator("#analyse")).to_be_enabled()
    expect(page.locator("#analyse-stop")).to_be_disabled()
    ready(other)
    other.close()
    # Nothing comes after it: Gradio tells of the failure of what was stopped when it is through with it.
    expect(page.locator("#analyse-status")).to_have_text("Stopped.")
    expect(page.locator("#results")).to_have_count(0)


def test_an_example_becomes_a_score(page):
    (example,) = [example for example in EXAMPLES if example.code == "105B"]
    page.get_by_role("button", name=example.title).click()
    frames = example.plan().times.size
    expect(page.locator("#clip-note")).to_contain_text(f"{frames} frames", timeout=PATIENCE)
    expect(page.locator("#dive-note")).to_contain_text("105B forward 2 1/2 somersaults, pike, 3 m: difficulty 2.4")
    expect(page.locator("#strip figure")).to_have_count(6, timeout=PATIENCE)
    page.locator("#analyse").click()
    expect(page.locator(".fp-card .total .value")).to_have_text(re.compile(r"^\d+\.\d\d$"), timeout=PATIENCE)
    ready(page)


def test_trim_and_crop_are_proposed_and_can_be_changed(page, clip):
    upload(page, clip)
    expect(page.locator("#strip figure")).to_have_count(6, timeout=PATIENCE)
    expect(page.locator("#strip")).to_contain_text("weights are untrained")  # so the crop is the centre of the frame
    rect = page.locator("#strip rect").first
    assert float(rect.get_attribute("width")) == pytest.approx(160 * 0.56, abs=1)
    page.get_by_text("Trim and crop").click()
    page.get_by_label("frames", exact=True).check()
    expect(page.get_by_label("To", exact=True)).to_have_value("49")
    page.get_by_label("From", exact=True).fill("5")
    page.get_by_label("Custom").check()
    expect(page.locator("#strip .fp-hint")).to_contain_text("frames 5 to 49", timeout=PATIENCE)
    expect(rect).to_have_attribute("width", "120", timeout=PATIENCE)  # as high as the picture, and square
    page.get_by_label("To", exact=True).fill("3")
    page.locator("#analyse").click()
    expect(page.locator("#analyse-status .problem")).to_contain_text("ends at frame 3", timeout=PATIENCE)
    page.get_by_label("To", exact=True).fill("40")
    page.locator("#analyse").click()
    ready(page)
    with page.expect_download() as waited:
        page.get_by_text("Report (JSON)").click()
    report = json.loads(waited.value.path().read_text())["clip"]
    assert (report["first_frame"], report["last_frame"]) == (5, 40)


def test_programs_send_a_clip_and_no_path(app_url, clip, app_folder):
    client = Client(app_url, verbose=False)
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/analyse", "/inspect"]
    report, files = client.predict(handle_file(clip), "", "", None, 5, 40, api_name="/analyse")
    assert (report["clip"]["frames"], report["clip"]["first_frame"], report["clip"]["last_frame"]) == (50, 5, 40)
    assert len(files) == 6
    report, _ = client.predict(handle_file(clip), "", "", None, 5, 40, standard="national", api_name="/analyse")
    assert report["clip"]["last_frame"] == 40
    with pytest.raises(ValidationError, match="standard: The standard is one of"):
        client.predict(handle_file(clip), "", "", None, 5, 40, standard="Olympic", api_name="/analyse")
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        client.predict(str(clip), "", "", None, None, None, api_name="/analyse")
    deadline = time.monotonic() + 10
    while temporary_folders(app_folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert temporary_folders(app_folder) == []


def test_about_names_weights_and_limits(page):
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_text("A score here is an estimate, not a judge's decision.")).to_be_visible()
    expect(page.locator("#about-weights")).to_contain_text("Fingerprint")
    expect(page.locator("#about-data li", has_text="Masks of the divers")).to_contain_text("release agreement")
    assert page.locator("[role=tabpanel]:visible a").count() == 0
