"""A public page, as a Space is one: nobody trains, and what a visitor adds only that visitor sees."""

import numpy as np
import pytest
from playwright.sync_api import expect

from fineparser.ui.exemplar_shelf import PREFIX
from fineparser.video.writing import write_video
from tests.browser.conftest import PATIENCE, analyse_like_own_dive, describe_own_dive, serving, visited

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """Where it answers, and the folder of all that it keeps."""
    folder = tmp_path_factory.mktemp("public")
    with serving(folder, FINEPARSER_PUBLIC="1") as url:
        yield url, folder


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    frames = np.full((60, 120, 160, 3), 60, np.uint8)
    for number, frame in enumerate(frames):
        frame[number : number + 30, 60:85] = (210, 170, 140)
    return write_video(tmp_path_factory.mktemp("judged") / "public dive.mp4", frames, 25.0)


def open_tab(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def add(page, clip, name: str) -> None:
    """Adds a judged dive under a name."""
    open_tab(page, "Exemplars")
    page.get_by_text("Add a judged dive of your own").click()
    expect(page.locator("#add-exemplar")).to_contain_text("for you alone", timeout=PATIENCE)
    describe_own_dive(page, clip)
    page.locator("#own-score input").fill("25.5")
    page.locator("#own-name textarea, #own-name input").fill(name)
    page.locator("#add-own").click()
    expect(page.locator("#add-status")).to_contain_text("was added", timeout=PATIENCE)


def test_nobody_trains(browser, public):
    with visited(browser, public[0]) as page:
        open_tab(page, "Train")
        expect(page.locator("#train-off")).to_contain_text("switched off on this public page", timeout=PATIENCE)
        expect(page.locator("#train-found")).to_have_count(0)


def test_what_a_visitor_adds_votes_for_that_visitor_alone(browser, public, judged, clip):
    url, folder = public
    with visited(browser, url) as ann, visited(browser, url) as bob:
        add(ann, judged, "Ann's best")
        expect(ann.locator("#bank-count")).to_contain_text("1 of 1 exemplars", timeout=PATIENCE)
        open_tab(bob, "Exemplars")
        expect(bob.locator("#bank-count")).to_contain_text("no exemplars yet", timeout=PATIENCE)
        # It goes with the visit, and nothing of it comes among what the page itself keeps.
        assert not (folder / "home").exists()
        assert len(list((folder / "temporary").glob(f"{PREFIX}*"))) == 1

        open_tab(ann, "Analyse")
        analyse_like_own_dive(ann, clip)
        expect(ann.locator("#ballot tbody tr")).to_have_count(1)
        expect(ann.locator("#ballot")).to_contain_text("own dives")
