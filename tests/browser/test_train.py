"""From twelve clips with scores to fine-tuned weights on the Analyse tab, in a real browser."""

import csv
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from fineparser.data.dive_tables import COLUMNS, TABLE
from fineparser.simulator.dive import simulate
from fineparser.simulator.plan import DiveRequest
from fineparser.ui.train_runs import POLL_SECONDS
from fineparser.video.writer import write_video
from tests.browser.conftest import PATIENCE, serving, upload, visited

pytestmark = pytest.mark.browser

CODES = ("107B", "205B", "405B")
A_RUN = 4 * PATIENCE
"""Patience for a run, whose process starts by loading everything, on a machine that may be busy."""


@pytest.fixture(scope="module")
def club(tmp_path_factory) -> Path:
    """A zip of twelve simulated clips with a dives.csv, without transitions and masks."""
    root = tmp_path_factory.mktemp("clips")
    with zipfile.ZipFile(root / "club.zip", "w") as archive, (root / TABLE).open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["clip", "dive_code", "height", "score"])
        for number in range(12):
            code, level = CODES[number % 3], 0.2 + 0.06 * number
            dive = simulate(500 + number, DiveRequest(code=code, height=3, level=level, synchro=False), frames=32)
            clip = write_video(root / f"dive{number}.mp4", dive.frames, 25.0)
            archive.write(clip, f"club/{clip.name}")
            table.writerow([clip.name, code, 3, f"{dive.score:.2f}"])
        file.flush()
        archive.write(root / TABLE, f"club/{TABLE}")
    return root / "club.zip"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Data of the app, kept when it restarts."""
    return tmp_path_factory.mktemp("app")


def open_tab(page) -> None:
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#train-summary .fp-note").first).to_be_visible(timeout=PATIENCE)


def frames_in(home: Path) -> dict[str, tuple[str, str]]:
    with (home / "home/training/clips/Our-Club" / TABLE).open() as file:
        return {row["clip"]: (row["flight_frame"], row["entry_frame"]) for row in csv.DictReader(file)}


def type_in(page, home: Path, row: int, column: str, text: str) -> None:
    """Fill in a cell of the table, which is saved at once."""
    page.locator(f"#train-rows [data-testid='cell-{row}-{COLUMNS.index(column)}']").dblclick()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    deadline = time.monotonic() + 30
    table = home / "home/training/clips/Our-Club" / TABLE
    while text not in table.read_text() and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    with table.open() as file:
        assert [one[column] for one in csv.DictReader(file)][row] == text
    expect(page.locator("#train-note")).to_contain_text("The table is saved.", timeout=PATIENCE)


def test_twelve_clips_become_weights_in_use(browser, club, home):
    """After a restart the app still has the run and the weights; then it returns to the installed ones."""
    with serving(home) as url, visited(browser, url) as page:
        open_tab(page)
        expect(page.locator("#train-summary")).to_contain_text("Upload clips first")
        part = page.locator("#train-part")
        expect(part).to_contain_text("add dives with their awards on the Exemplars tab")
        part.get_by_label("Everything").check()
        page.get_by_label("Collection name").fill("Our Club")
        page.locator("#train-files input[type=file]").set_input_files(club)
        found = page.locator("#train-summary")
        expect(found).to_contain_text("10 for training, 2 for validation", timeout=PATIENCE)
        expect(found).to_contain_text("transitions (12), mask (12)")

        page.get_by_text("Table of dives").click()
        type_in(page, home, 2, "score", "61.35")
        page.locator("#train-labels").get_by_text("Labels", exact=True).click()
        page.locator("#train-predict").click()
        expect(page.locator("#train-label-status")).to_contain_text("Labels predicted for 12 dives", timeout=PATIENCE)
        page.wait_for_function("() => document.querySelector('[data-loaded]')", timeout=PATIENCE)
        # Other settings change neither the table nor the predictions.
        part.get_by_label("Masks and phases").check()
        expect(found).not_to_contain_text("10 for training, 2 for validation", timeout=PATIENCE)
        part.get_by_label("Everything").check()
        expect(found).to_contain_text("10 for training, 2 for validation", timeout=PATIENCE)
        type_in(page, home, 3, "score", "55.5")
        expect(page.locator("#train-accept-all")).to_be_enabled()
        editor = page.locator("#label-editor")
        editor.locator(".number.entry").fill("20")
        editor.locator(".number.entry").press("Enter")
        line, handle = editor.locator(".line").bounding_box(), editor.locator(".handle.flight").bounding_box()
        page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 12)
        page.mouse.down()
        page.mouse.move(line["x"] + line["width"] * 10 / 31, handle["y"] + 12, steps=4)
        page.mouse.up()
        expect(editor.locator(".number.flight")).to_have_value("10")
        editor.locator(".save").click()
        expect(page.locator("#train-label-status")).to_contain_text("Labels of 1 dive", timeout=PATIENCE)
        assert sorted(frames_in(home).values())[-1] == ("10", "20")
        assert list(frames_in(home).values()).count(("", "")) == 11

        page.locator("#train-length input").fill("2")
        page.locator("#train-go").click()
        expect(page.locator("#train-status")).to_contain_text(": finished.", timeout=A_RUN)
        expect(page.locator("#train-comparison")).to_contain_text("Only 2 scored validation dives", timeout=PATIENCE)
        expect(page.locator("#train-comparison tbody tr").first).to_contain_text("Rank correlation")
        expect(page.locator("#train-losses .js-plotly-plot")).to_be_visible(timeout=PATIENCE)
        page.locator("#train-use").click()
        expect(page.locator("#train-active")).to_contain_text("our-club-1 (fine-tuned)", timeout=PATIENCE)
        expect(page.locator("#train-active")).to_contain_text("12 exemplars vote")
        page.locator("#train-export").click()
        expect(page.locator("#train-download")).to_be_enabled(timeout=PATIENCE)
        href = page.locator("#train-download").evaluate(
            "one => (one.closest('a') || one.querySelector('a') || one).href"
        )
        if href:
            archive = home / "taken.zip"
            archive.write_bytes(page.request.get(href).body())
            names = set(zipfile.ZipFile(archive).namelist())
            assert names == {f"our-club-1/{name}" for name in ("model.safetensors", "config.json", "README.md")}

        page.get_by_role("tab", name="Analyse").click()
        upload(page, club.parent / "dive3.mp4")
        page.get_by_label("Dive number").fill("107B")
        page.get_by_label("Dive number").press("Enter")
        page.locator("#height").get_by_label("3 m", exact=True).check()
        page.locator("#analyse").click()
        expect(page.locator(".fp-card .total .value")).to_have_text(re.compile(r"^\d+\.\d\d$"), timeout=PATIENCE)
        expect(page.locator(".fp-card")).to_contain_text("Our-Club")

    with serving(home) as url, visited(browser, url) as page:
        open_tab(page)
        expect(page.locator("#train-active")).to_contain_text("our-club-1 (fine-tuned)", timeout=PATIENCE)
        expect(page.locator("#train-status")).to_contain_text(": finished.", timeout=PATIENCE)
        page.locator("#train-use-installed").click()
        expect(page.locator("#train-active")).to_contain_text("(installed)", timeout=PATIENCE)
        page.locator("#train-delete").click()
        expect(page.locator("#train-delete-question")).to_contain_text("and its weights")
        page.wait_for_timeout(2500 * POLL_SECONDS)  # the status is polled meanwhile, and the question stays
        page.locator("#train-delete-confirm").click()
        expect(page.locator("#train-run input")).not_to_have_value(re.compile("our-club-1"), timeout=PATIENCE)
        expect(page.locator("#train-delete-question")).to_be_hidden()
    assert not list(home.rglob("our-club-1"))


def test_unusable_uploads_are_listed_and_harm_nothing(page, app_folder, tmp_path):
    """The zip holds a path outside its folder and a broken clip."""
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../climbs.mp4", b"evil")
        archive.writestr("broken.mp4", np.random.default_rng(0).bytes(2000))
        archive.writestr("dives.csv", "clip,dive_code,height,score\nbroken.mp4,107B,3,50\ngone.mp4,107B,3,50\n")
    open_tab(page)
    page.get_by_label("Collection name").fill("bad")
    page.locator("#train-files input[type=file]").set_input_files(tmp_path / "bad.zip")
    found = page.locator("#train-summary")
    expect(found).to_contain_text("Left out: 3", timeout=PATIENCE)
    for reason in ("leads out of the folder", "'gone.mp4' does not exist", "broken.mp4"):
        expect(found).to_contain_text(reason)
    expect(found.locator(".problem")).to_contain_text("no labelled dives")
    assert str(app_folder) not in found.inner_text()
    page.locator("#train-go").click()
    expect(page.locator("#train-message .problem")).to_contain_text("no labelled dives", timeout=PATIENCE)
    page.locator("#train-delete-clips").click()
    assert list((app_folder / "home").rglob("broken.mp4"))
    page.locator("#train-delete-clips-confirm").click()
    expect(found).to_contain_text("Upload clips first", timeout=PATIENCE)
    assert not list(app_folder.rglob("climbs.mp4"))
    assert not list((app_folder / "home").rglob("broken.mp4"))
