"""The Inspect tab, in a real browser; most tests share one visit."""

import re
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import expect

from fineparser.analysis.inspection import ARRAYS
from fineparser.data.dive_tables import COLUMNS
from tests.browser.conftest import PATIENCE, ready, temporary_folders, upload, visited

pytestmark = pytest.mark.browser

OF_EXEMPLAR = ("similarity", "tokens", "attention-take-off", "attention-flight", "attention-entry")
DRAWN = "id => document.querySelectorAll(`#inspect-${id} .js-plotly-plot .main-svg`).length > 0"
ATTENTION = "() => JSON.stringify(document.querySelector('#inspect-attention-flight .js-plotly-plot').data[0].z)"


def go(page) -> None:
    """Click Inspect and wait for the file, which comes last."""
    page.locator("#inspect").click()
    page.locator("#inspect-file:not([disabled])").wait_for(timeout=PATIENCE)


@pytest.fixture(scope="module")
def inspected(browser, app_url, clip):
    """A visit that has analysed and inspected a dive with its number."""
    with visited(browser, app_url) as visit:
        upload(visit, clip)
        box = visit.get_by_label("Dive number").first
        box.fill("103B")
        box.press("Enter")
        visit.get_by_label("3 m", exact=True).first.check()
        visit.locator("#analyse").click()
        ready(visit)
        visit.get_by_role("tab", name="Inspect").click()
        expect(visit.locator("#inspect-last")).to_contain_text("falling block.mp4, 103B from 3 m", timeout=PATIENCE)
        go(visit)
        yield visit


def test_everything_is_drawn(inspected):
    for name in ("transitions", "agreement", *OF_EXEMPLAR):
        inspected.wait_for_function(DRAWN, arg=name, timeout=PATIENCE)
    expect(inspected.locator("#inspect-summary")).to_contain_text("Ordered, in use")
    expect(inspected.locator("#inspect-summary")).to_contain_text(re.compile("compared with the exemplar 103B-3m"))
    expect(inspected.locator("#inspect-entry")).to_be_hidden()  # this network draws none
    loaded = "() => [...document.querySelectorAll('#inspect-images img')].map(i => i.naturalWidth)"
    assert set(inspected.evaluate(loaded)) == {336}


def test_any_frame_can_be_shown(inspected):
    number = inspected.locator("#inspect-frame input[type=number]")
    for frame, windows in (("0", False), ("95", False), ("42", True)):
        number.fill(frame)
        number.press("Enter")
        expect(inspected.locator("#inspect-images .fp-sample")).to_contain_text(
            f"Sample {frame} of 95", timeout=PATIENCE
        )
        expect(inspected.locator("#inspect-images figure")).to_have_count(6 + windows, timeout=PATIENCE)
    expect(inspected.locator("#inspect-images")).to_contain_text("windows 4 and 5")


def test_a_click_on_a_curve_goes_to_its_frame(inspected):
    plot = inspected.locator("#inspect-agreement .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    plot.locator(".fp-cursor").wait_for(state="attached", timeout=PATIENCE)
    place = plot.evaluate(
        "p => { const s = p._fullLayout._size; return [s.l + p._fullLayout.xaxis.d2p(73), s.t + s.h / 2] }"
    )
    plot.click(position={"x": place[0], "y": place[1]})
    expect(inspected.locator("#inspect-images .fp-sample")).to_contain_text("Sample 73 of 95", timeout=PATIENCE)
    expect(inspected.locator("#inspect-frame input[type=number]")).to_have_value("73")
    line = inspected.locator("#inspect-transitions .fp-cursor")
    expect(line).to_have_attribute("data-frame", "73", timeout=PATIENCE)


def test_the_attention_of_the_other_branch_is_shown(inspected):
    before = inspected.evaluate(ATTENTION)
    inspected.get_by_label("static", exact=True).check()
    inspected.wait_for_function(f"before => ({ATTENTION})() !== before", arg=before, timeout=PATIENCE)


def test_another_exemplar_can_be_chosen(inspected):
    beside = inspected.locator("#inspect-exemplar input")
    now = beside.input_value().split(":")[0]
    expect(inspected.locator("#inspect-summary")).to_contain_text(now)
    beside.click()
    options = inspected.get_by_role("option")
    expect(options).to_have_count(10, timeout=PATIENCE)
    other = next(text for text in options.all_inner_texts() if now not in text)
    options.filter(has_text=other.strip()).click()
    go(inspected)
    name = other.strip().split(":")[0].split()[-1]
    expect(inspected.locator("#inspect-summary")).to_contain_text(name, timeout=PATIENCE)


def test_the_arrays_can_be_downloaded(inspected, tmp_path):
    with inspected.expect_download() as waited:
        inspected.locator("#inspect-file").click()
    waited.value.save_as(tmp_path / "inspection.npz")
    with np.load(tmp_path / "inspection.npz", allow_pickle=False) as arrays:
        absent = "true_", "mask_iou", "entry_", "exemplar_entry"  # no labels, and a network that draws no entry
        assert set(arrays) == {name for name in ARRAYS if not name.startswith(absent)}
        assert arrays["mask_probability"].shape == (96, 112, 112)
        np.testing.assert_allclose(arrays["contributions"].shape, (2, 3))


@pytest.mark.parametrize("width", [390, 820, 1400])
def test_the_inspection_fits_the_screen(inspected, width):
    inspected.set_viewport_size({"width": width, "height": 900})
    inspected.wait_for_function(f"() => document.documentElement.scrollWidth === {width}", timeout=PATIENCE)
    wide = "() => Math.max(...[...document.querySelectorAll('#inspection .js-plotly-plot')].map(p => p.offsetWidth))"
    assert inspected.evaluate(wide) <= width
    inspected.set_viewport_size({"width": 1400, "height": 1000})


@pytest.fixture(scope="module")
def labelled(clip, tmp_path_factory) -> Path:
    """A zip of a clip folder with one labelled dive."""
    folder = tmp_path_factory.mktemp("labelled")
    masks = np.zeros((50, 120, 160), bool)
    for number, mask in enumerate(masks):
        mask[number : number + 30, 70:90] = True
    np.savez_compressed(folder / "masks.npz", mask=masks)
    row = dict.fromkeys(COLUMNS, "")
    row |= {"clip": "block.mp4", "flight_frame": "15", "entry_frame": "35", "mask": "masks.npz"}
    table = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    path = folder / "my dives.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(clip, "block.mp4")
        packed.write(folder / "masks.npz", "masks.npz")
        packed.writestr("dives.csv", table)
    return path


def test_a_labelled_dive_is_compared_with_its_labels(page, labelled, app_folder):
    page.get_by_role("tab", name="Inspect").click()
    page.get_by_label("Labelled dive").check()
    page.locator("#inspect-subject input[type=file]").set_input_files(labelled)
    expect(page.locator("#inspect-dive input")).to_have_value(
        "block.mp4 (labelled: transitions and masks)", timeout=PATIENCE
    )
    go(page)
    expect(page.locator("#inspect-metrics")).to_contain_text("Mask IoU")
    expect(page.locator("#inspect-summary tr", has_text="Labelled")).to_contain_text("30 (frame 15)")
    expect(page.locator("#inspect-images")).to_contain_text("Errors")
    # Neither number nor height is known, so there is nobody to compare it with.
    expect(page.locator("#inspect-similarity")).to_be_hidden()
    assert temporary_folders(app_folder) == []


def test_missing_input_is_explained(page, tmp_path, app_folder):
    page.get_by_role("tab", name="Inspect").click()
    page.locator("#inspect").click()
    expect(page.locator("#inspect-status .problem")).to_contain_text("No dive has been analysed", timeout=PATIENCE)
    page.get_by_label("Labelled dive").check()
    page.locator("#inspect").click()
    expect(page.locator("#inspect-status .problem")).to_contain_text("Upload a labelled dive", timeout=PATIENCE)
    path = tmp_path / "climbing.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../../out.mp4", b"no film")
    page.locator("#inspect-subject input[type=file]").set_input_files(path)
    sentence = page.locator("#inspect-files-note .problem")
    expect(sentence).to_contain_text("no labelled dive", timeout=PATIENCE)
    expect(sentence).to_contain_text("leads out of the folder", timeout=PATIENCE)
    assert str(app_folder) not in sentence.inner_text()
    assert not list(app_folder.rglob("out.mp4"))
    expect(page.locator("#inspect")).to_be_enabled(timeout=PATIENCE)


def test_programs_get_the_arrays(app_url, clip):
    client = Client(app_url, verbose=False)
    summary, arrays = client.predict(handle_file(clip), "", "", 5, 40, api_name="/inspect")
    assert summary["transitions"]["ordered"][0] < summary["transitions"]["ordered"][1]
    with np.load(arrays, allow_pickle=False) as found:
        assert (found["frame_numbers"][0], found["frame_numbers"][-1]) == (5, 40)
    # A path on this machine is refused before it waits in line.
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        client.predict(str(clip), "", "", None, None, api_name="/inspect")
