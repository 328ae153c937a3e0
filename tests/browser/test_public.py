"""A public page, such as a Space: training is off, and exemplars of a visitor are private."""

import numpy as np
import pytest
from playwright.sync_api import expect

from fineparser.ui.visitor_exemplars import FOLDER_PREFIX
from fineparser.video.writer import write_video
from tests.browser.conftest import PATIENCE, analyse_same_dive, fill_exemplar_form, serving, temporary_folders, visited

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """Address of the page, and the folder of its data."""
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
    """Add a judged dive with a name."""
    open_tab(page, "Exemplars")
    page.get_by_text("Add a judged dive").click()
    expect(page.locator("#add-exemplar")).to_contain_text("Only you see them", timeout=PATIENCE)
    fill_exemplar_form(page, clip)
    page.locator("#exemplar-score input").fill("25.5")
    page.locator("#exemplar-name textarea, #exemplar-name input").fill(name)
    page.locator("#add-dive").click()
    expect(page.locator("#add-status")).to_contain_text("was added", timeout=PATIENCE)


def test_training_is_off(browser, public):
    with visited(browser, public[0]) as page:
        open_tab(page, "Train")
        expect(page.locator("#train-off")).to_contain_text("switched off on this public page", timeout=PATIENCE)
        expect(page.locator("#train-summary")).to_have_count(0)


def test_exemplars_of_a_visitor_vote_for_that_visitor_alone(browser, public, judged, clip):
    url, folder = public
    with visited(browser, url) as ann, visited(browser, url) as bob:
        add(ann, judged, "Ann's best")
        expect(ann.locator("#bank-count")).to_contain_text("1 of 1 exemplars", timeout=PATIENCE)
        open_tab(bob, "Exemplars")
        expect(bob.locator("#bank-count")).to_contain_text("no exemplars yet", timeout=PATIENCE)
        # It is deleted with the visit, and the data of the app do not include it.
        assert not (folder / "home").exists()
        assert len(temporary_folders(folder, FOLDER_PREFIX)) == 1

        open_tab(ann, "Analyse")
        analyse_same_dive(ann, clip)
        expect(ann.locator("#votes-table tbody tr")).to_have_count(1)
        expect(ann.locator("#votes-table")).to_contain_text("own dives")
