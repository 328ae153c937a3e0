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

from fineparser.model.config import WITHOUT_TRACK, FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.video.writing import write_video

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
    """Where the app keeps what it keeps: uploads in cache, its own temporary files in temporary."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "temporary").mkdir()
    return folder


@pytest.fixture(scope="session")
def app_url(app_folder):
    """Where the app answers."""
    with serving(app_folder) as url:
        yield url


@contextmanager
def serving(folder: Path, **variables: str):
    """The app in a process of its own, which keeps everything in a folder, with variables of the environment; where it
    answers."""
    (folder / "temporary").mkdir(exist_ok=True)
    # Untrained, this one puts the switches of the tests' clips well inside; one that follows the diver, at the ends.
    torch.manual_seed(4)
    config = replace(FineParserConfig.tiny(), image_size=112, **WITHOUT_TRACK)
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
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    urllib.request.urlopen(url, timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.3)
            else:
                pytest.fail(f"the app did not start:\n{(folder / 'log').read_text()}")
            yield url
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def page(browser, app_url):
    """A fresh visit on a desktop screen; a request that leaves the machine or an error on the page fails the test."""
    with visited(browser, app_url) as visit:
        yield visit


@pytest.fixture(scope="module")
def analysed(browser, app_url, clip):
    """A visit that already sees what was found in the clip, phases and masks; the tests of the viewer share it."""
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
    """Hands a clip over and waits until the page has looked through it."""
    page.locator("input[type=file]").first.set_input_files(path)
    page.locator("#clip-note .fp-note").first.wait_for(timeout=PATIENCE)


def describe_own_dive(page, clip: Path) -> None:
    """Fills in the open form of an own dive, all but its score and name: a 101C from 1 m."""
    page.locator("#own-clip input[type=file]").set_input_files(clip)
    page.locator("#own-clip video").wait_for(timeout=PATIENCE)
    box = page.locator("#own-code input")
    box.fill("101C")
    box.press("Enter")
    page.locator("#own-height").get_by_label("1 m", exact=True).check()


def analyse_like_own_dive(page, clip: Path) -> None:
    """Has a clip analysed as the same dive, and waits for the result."""
    upload(page, clip)
    box = page.locator("#code input")
    box.fill("101C")
    box.press("Enter")
    page.locator("#height").get_by_label("1 m", exact=True).check()
    page.locator("#analyse").click()
    ready(page)


def ready(page) -> None:
    """Waits until the result plays and its files can be taken home."""
    page.wait_for_function(
        "() => { const v = document.querySelector('#viewer .query video'); return v && v.videoWidth > 0 }",
        timeout=PATIENCE,
    )
    page.locator("#take-results-zip:not([disabled])").wait_for(timeout=PATIENCE)


def is_stray(url: str, home: str) -> bool:
    """Whether a request goes anywhere but to the app."""
    return not url.startswith((home, "data:", "blob:", home.replace("http", "ws")))
