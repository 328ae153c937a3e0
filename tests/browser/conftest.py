"""The real app in a process of its own, with a tiny network, and a real browser in front of it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.model.config import FineParserConfig
from fineparser.model.paper import FineParser
from fineparser.ui.server_folder import PREFIX
from fineparser.video.writer import write_video

ROOT = Path(__file__).parents[2]
START_SECONDS = 120
PATIENCE = 240_000
"""Milliseconds; the machine may be busy, and where no bank is bundled ten exemplars are simulated first."""


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """A block that falls through the picture: 50 frames of 160 x 120."""
    frames = np.full((50, 120, 160, 3), 70, np.uint8)
    for number, frame in enumerate(frames):
        frame[number : number + 30, 70:90] = (225, 180, 150)
    path = tmp_path_factory.mktemp("clip") / "falling block.mp4"
    write_video(path, frames, 25.0)
    return path


@pytest.fixture(scope="session")
def app_folder(tmp_path_factory) -> Path:
    """Folder of the app: uploads and temporary files of its visitors in cache, the user's data in home."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="session")
def app_url(app_folder):
    """Address of the app."""
    with serving(app_folder) as url:
        yield url


@contextmanager
def serving(folder: Path, **variables: str):
    """Address of an app in a process of its own, with all its data in a folder, and with environment variables."""
    with running(folder, **variables) as (url, _):
        yield url


@contextmanager
def running(folder: Path, *, wait: bool = True, **variables: str):
    """Address of an app and its process, see `serving`; it is ended at the end, if it still runs.

    Args:
        folder: of its data.
        wait: until it answers.
        variables: of its environment.
    """
    (folder / "temporary").mkdir(exist_ok=True)
    # Untrained, this network predicts transitions inside the clips of the tests; the compact one, at their ends.
    torch.manual_seed(4)
    config = replace(FineParserConfig.tiny(), image_size=112, transition_rule="ordered")
    FineParser(config).save_pretrained(folder / "checkpoint")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "FINEPARSER_CHECKPOINT": str(folder / "checkpoint"),
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "cache"),
        "FINEPARSER_HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temporary"),
        "OMP_NUM_THREADS": "1",
        **variables,
    }
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            if wait:
                wait_until_served(url, process, folder / "log")
            yield url, process
        finally:
            process.terminate()
            process.wait(30)


def wait_until_served(url: str, process: subprocess.Popen, log: Path) -> None:
    """Wait until the app answers; fail the test if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"the app did not start:\n{log.read_text()}")


def temporary_folders(folder: Path, prefix: str = "fineparser-") -> list[Path]:
    """Folders that work in progress has made, of an app whose data are in `folder`."""
    return list((folder / "cache").glob(f"{PREFIX}*/temporary/{prefix}*"))


@pytest.fixture
def page(browser, app_url):
    """A fresh visit on a desktop screen; a request that leaves the machine or an error on the page fails the test."""
    with visited(browser, app_url) as visit:
        yield visit


@pytest.fixture(scope="module")
def analysed(browser, app_url, clip):
    """A visit with the result of the clip, phases and masks; the tests of the viewer share it."""
    with visited(browser, app_url) as visit:
        upload(visit, clip)
        visit.locator("#analyse").click()
        ready(visit)
        yield visit


@contextmanager
def visited(browser, app_url):
    visit = browser.new_page(viewport={"width": 1400, "height": 1000})
    strayed, errors = [], []
    visit.on("request", lambda request: strayed.append(request.url) if is_stray(request.url, app_url) else None)
    visit.on("pageerror", lambda error: errors.append(str(error)))
    visit.goto(app_url)
    yield visit
    visit.close()
    assert strayed == []
    assert errors == []


def upload(page, path: Path) -> None:
    """Upload a clip and wait until it is scanned."""
    page.locator("input[type=file]").first.set_input_files(path)
    page.locator("#clip-note .fp-note").first.wait_for(timeout=PATIENCE)


def fill_exemplar_form(page, clip: Path) -> None:
    """Fill in the open form of a scored dive, except for score and name: a 101C from 1 m."""
    page.locator("#exemplar-upload input[type=file]").set_input_files(clip)
    page.locator("#exemplar-upload video").wait_for(timeout=PATIENCE)
    box = page.locator("#exemplar-code input")
    box.fill("101C")
    box.press("Enter")
    page.locator("#exemplar-height").get_by_label("1 m", exact=True).check()


def analyse_same_dive(page, clip: Path) -> None:
    """Analyse a clip as the same dive, and wait for the result."""
    upload(page, clip)
    box = page.locator("#code input")
    box.fill("101C")
    box.press("Enter")
    page.locator("#height").get_by_label("1 m", exact=True).check()
    page.locator("#analyse").click()
    ready(page)


def ready(page) -> None:
    """Wait until the viewer plays and the files can be downloaded."""
    page.wait_for_function(
        "() => { const v = document.querySelector('#viewer .query video'); return v && v.videoWidth > 0 }",
        timeout=PATIENCE,
    )
    page.locator("#take-results-zip:not([disabled])").wait_for(timeout=PATIENCE)


def is_stray(url: str, home: str) -> bool:
    """True for a request to anything but the app."""
    return not url.startswith((home, "data:", "blob:", home.replace("http", "ws")))
