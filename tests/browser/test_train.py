"""From twelve clips and their scores to an Analyse tab that uses what was learnt from them, in a real browser."""

import csv
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from fineparser.data.clip_table import COLUMNS, TABLE
from fineparser.simulator.dive import simulate
from fineparser.ui.train_runs import LOOK_SECONDS
from fineparser.video.writing import write_video
from tests.browser.conftest import PATIENCE, serving, upload, visited

pytestmark = pytest.mark.browser

CODES = ("107B", "205B", "405B")
A_RUN = 4 * PATIENCE
"""A run begins with a process that loads everything, on a machine that may be busy."""


@pytest.fixture(scope="module")
def club(tmp_path_factory) -> Path:
    """A zip of twelve simulated clips with a dives.csv, as a coach would have them: no switches, no masks."""
    root = tmp_path_factory.mktemp("clips")
    with zipfile.ZipFile(root / "club.zip", "w") as archive, (root / TABLE).open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["clip", "dive_code", "height", "score"])
        for number in range(12):
            code, level = CODES[number % 3], 0.2 + 0.06 * number
            dive = simulate(500 + number, code=code, height=3, level=level, synchro=False, frames=32)
            clip = write_video(root / f"dive{number}.mp4", dive.frames, 25.0)
            archive.write(clip, f"club/{clip.name}")
            table.writerow([clip.name, code, 3, f"{dive.score:.2f}"])
        file.flush()
        archive.write(root / TABLE, f"club/{TABLE}")
    return root / "club.zip"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """What the app keeps, over its restarts."""
    return tmp_path_factory.mktemp("app")


def open_tab(page) -> None:
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#train-found .fp-note").first).to_be_visible(timeout=PATIENCE)


def frames_in(home: Path) -> dict[str, tuple[str, str]]:
    with (home / "home/training/clips/Our-Club" / TABLE).open() as file:
        return {row["clip"]: (row["flight_frame"], row["entry_frame"]) for row in csv.DictReader(file)}


def type_in(page, home: Path, row: int, column: str, text: str) -> None:
    """Fills in a cell of the table, which keeps it at once."""
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
    """Up to a restart of the app, which still knows the run and the weights; then back to the installed ones."""
    with serving(home) as url, visited(browser, url) as page:
        open_tab(page)
        expect(page.locator("#train-found")).to_contain_text("Upload clips first")
        page.get_by_label("Name of the collection").fill("Our Club")
        page.locator("#train-files input[type=file]").set_input_files(club)
        found = page.locator("#train-found")
        expect(found).to_contain_text("10 to learn from, 2 to measure on", timeout=PATIENCE)
        expect(found).to_contain_text("step switches (12), mask (12)")

        page.get_by_text("The table: a row a dive").click()
        type_in(page, home, 2, "score", "61.35")
        page.get_by_text("Labels: where the flight").click()
        page.locator("#train-propose").click()
        expect(page.locator("#train-label-status")).to_contain_text("12 dives have proposals", timeout=PATIENCE)
        page.wait_for_function("() => document.querySelector('[data-loaded]')", timeout=PATIENCE)
        # What is chosen and filled in beside them takes neither cells nor proposals away.
        page.locator("#train-part").get_by_label("Parsers").check()
        expect(found).not_to_contain_text("10 to learn from, 2 to measure on", timeout=PATIENCE)
        page.locator("#train-part").get_by_label("Regression only").check()
        expect(found).to_contain_text("10 to learn from, 2 to measure on", timeout=PATIENCE)
        type_in(page, home, 3, "score", "55.5")
        expect(page.locator("#train-keep-all")).to_be_enabled()
        editor = page.locator("#label-editor")
        editor.locator(".number.entry").fill("20")
        editor.locator(".number.entry").press("Enter")
        line, handle = editor.locator(".line").bounding_box(), editor.locator(".handle.flight").bounding_box()
        page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 12)
        page.mouse.down()
        page.mouse.move(line["x"] + line["width"] * 10 / 31, handle["y"] + 12, steps=4)
        page.mouse.up()
        expect(editor.locator(".number.flight")).to_have_value("10")
        editor.locator(".keep").click()
        expect(page.locator("#train-label-status")).to_contain_text("Kept for 1 dive", timeout=PATIENCE)
        assert sorted(frames_in(home).values())[-1] == ("10", "20")
        assert list(frames_in(home).values()).count(("", "")) == 11

        page.locator("#train-length input").fill("6")
        page.locator("#train-go").click()
        expect(page.locator("#train-status")).to_contain_text("is finished", timeout=A_RUN)
        expect(page.locator("#train-outcome")).to_contain_text("Only 2 scored validation dives", timeout=PATIENCE)
        expect(page.locator("#train-outcome tbody tr").first).to_contain_text("Rank correlation")
        expect(page.locator("#train-losses .js-plotly-plot")).to_be_visible(timeout=PATIENCE)
        page.locator("#train-use").click()
        expect(page.locator("#train-in-use")).to_contain_text("our-club-1 (fine-tuned)", timeout=PATIENCE)
        expect(page.locator("#train-in-use")).to_contain_text("12 exemplars vote")
        page.locator("#train-pack").click()
        expect(page.locator("#train-take")).to_be_enabled(timeout=PATIENCE)
        href = page.locator("#train-take").evaluate("one => (one.closest('a') || one.querySelector('a') || one).href")
        if href:
            archive = home / "taken.zip"
            archive.write_bytes(page.request.get(href).body())
            names = set(zipfile.ZipFile(archive).namelist())
            assert names == {f"our-club-1/{name}" for name in ("model.safetensors", "config.json", "README.md")}

        page.get_by_role("tab", name="Analyse").click()
        upload(page, club.parent / "dive3.mp4")
        page.get_by_label("Dive number").fill("107B")
        page.get_by_label("Dive number").press("Enter")
        page.locator("#analyse").click()
        expect(page.locator(".fp-card .total .value")).to_have_text(re.compile(r"^\d+\.\d\d$"), timeout=PATIENCE)
        expect(page.locator(".fp-card")).to_contain_text("Our-Club")

    with serving(home) as url, visited(browser, url) as page:
        open_tab(page)
        expect(page.locator("#train-in-use")).to_contain_text("our-club-1 (fine-tuned)", timeout=PATIENCE)
        expect(page.locator("#train-status")).to_contain_text("is finished", timeout=PATIENCE)
        page.locator("#train-back").click()
        expect(page.locator("#train-in-use")).to_contain_text("(installed)", timeout=PATIENCE)
        page.locator("#train-remove").click()
        expect(page.locator("#train-remove-question")).to_contain_text("the weights it learnt")
        page.wait_for_timeout(2500 * LOOK_SECONDS)  # looking at the run goes on, and the question stands
        page.locator("#train-remove-sure").click()
        expect(page.locator("#train-run input")).not_to_have_value(re.compile("our-club-1"), timeout=PATIENCE)
        expect(page.locator("#train-remove-question")).to_be_hidden()
    assert not list(home.rglob("our-club-1"))


def test_what_is_no_clip_gets_a_row_and_harms_nothing(page, app_folder, tmp_path):
    """In a zip that climbs out of its folder beside a clip that is none; the page goes on."""
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../climbs.mp4", b"evil")
        archive.writestr("broken.mp4", np.random.default_rng(0).bytes(2000))
        archive.writestr("dives.csv", "clip,dive_code,height,score\nbroken.mp4,107B,3,50\ngone.mp4,107B,3,50\n")
    open_tab(page)
    page.get_by_label("Name of the collection").fill("bad")
    page.locator("#train-files input[type=file]").set_input_files(tmp_path / "bad.zip")
    found = page.locator("#train-found")
    expect(found).to_contain_text("Left out: 3", timeout=PATIENCE)
    for reason in ("leads out of the folder", "'gone.mp4' does not exist", "broken.mp4"):
        expect(found).to_contain_text(reason)
    expect(found.locator(".problem")).to_contain_text("no scored dives")
    assert str(app_folder) not in found.inner_text()
    page.locator("#train-go").click()
    expect(page.locator("#train-told .problem")).to_contain_text("no scored dives", timeout=PATIENCE)
    page.locator("#train-remove-clips").click()
    assert list((app_folder / "home").rglob("broken.mp4"))
    page.locator("#train-remove-clips-sure").click()
    expect(found).to_contain_text("Upload clips first", timeout=PATIENCE)
    assert not list(app_folder.rglob("climbs.mp4"))
    assert not list((app_folder / "home").rglob("broken.mp4"))
