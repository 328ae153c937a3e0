"""The search with an outliner that knows what a diver is: whatever is bright. What is tested is where it looks."""

import numpy as np
import pytest

from fineparser.analysis.diver_search import DiverSearch
from fineparser.video.framing import Framing
from tests.analysis.moving_pictures import dive_path, film
from tests.analysis.test_motion import watched

FRAMES = 96


def bright(windows: np.ndarray) -> np.ndarray:
    assert windows.shape[1:] == (16, 112, 112, 3)
    return (windows.min(axis=-1) > 200).astype(np.float32)


def search(disc, camera, width=320, height=180, radius=20, outline=bright, scale=1.0) -> DiverSearch:
    frames = film(disc, camera, width, height, radius)
    return searched(frames, outline, scale)


def searched(frames, outline=bright, scale=1.0) -> DiverSearch:
    centre = Framing.centre(frames.shape[2] * scale, frames.shape[1] * scale)
    return DiverSearch(frames, scale, np.arange(FRAMES) * 2, watched(frames), outline, centre)


def inside(window, points, numbers) -> np.ndarray:
    """Where the points [n, 2] lie in the window's boxes, shares of their sides."""
    boxes = window.framing(numbers).boxes
    return (points - boxes[:, :2]) / (boxes[:, 2:] - boxes[:, :2])


def test_a_diver_in_the_middle_leaves_the_published_window():
    disc = np.stack([np.full(FRAMES, 170), np.linspace(60, 120, FRAMES)], axis=1)
    found = search(disc, np.zeros((FRAMES, 2), int)).window()
    assert found.boxes == pytest.approx(np.array([[70.4, 0, 249.6, 180]]))


@pytest.mark.parametrize("x", [30, 290])
def test_a_diver_at_the_side_is_followed(x):
    disc = np.stack([np.full(FRAMES, x), np.linspace(60, 120, FRAMES)], axis=1)
    found = search(disc, np.zeros((FRAMES, 2), int)).window()
    boxes = found.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(180)  # as high as the picture, and square
    assert boxes[:, 0].min() >= 0
    assert boxes[:, 2].max() <= 320
    place = inside(found, disc, np.arange(FRAMES) * 2)
    assert ((place > 0.05) & (place < 0.95)).all()


def test_a_small_diver_is_looked_at_from_near_and_followed_down():
    disc = dive_path(FRAMES, 25, 30, 70, top=40, bottom=150, x=250)
    found = search(disc, np.zeros((FRAMES, 2), int), radius=5).window()
    boxes = found.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(64)  # no finer than the source's own pixels
    place = inside(found, disc, np.arange(FRAMES) * 2)
    assert ((place > 0.1) & (place < 0.9)).all()


def test_an_upright_picture():
    disc = dive_path(FRAMES, 25, 30, 70, top=60, bottom=280, x=90)
    found = search(disc, np.zeros((FRAMES, 2), int), width=180, height=320).window()
    boxes = found.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(180)
    place = inside(found, disc, np.arange(FRAMES) * 2)
    assert ((place > 0.1) & (place < 0.9)).all()


def test_a_gap_is_bridged_along_the_cameras_way():
    """The outliner is blind while the camera moves on: the window goes with the scenery, not straight across."""
    disc = np.tile([300.0, 90.0], (FRAMES, 1))
    camera = np.zeros((FRAMES, 2), int)
    camera[:, 0] = np.round(np.interp(np.arange(FRAMES), [0, 40, 56, 95], [0, 0, 160, 160]))

    def outline(windows):
        masks = bright(windows)
        masks.reshape(-1, 6, *masks.shape[1:])[:, 2:4] = 0  # frames 32 to 63
        return masks

    found = search(disc, camera, outline=outline).window()
    place = inside(found, disc - camera, np.arange(FRAMES) * 2)
    assert ((place > 0.05) & (place < 0.95)).all()


def test_reduced_pictures_give_boxes_of_the_source():
    disc = np.stack([np.full(FRAMES, 280), np.full(FRAMES, 90)], axis=1)
    found = search(disc, np.zeros((FRAMES, 2), int), scale=3.0).window()
    boxes = found.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(540)
    place = inside(found, 3.0 * disc, np.arange(FRAMES) * 2)
    assert ((place > 0.05) & (place < 0.95)).all()


def test_where_nobody_is_nobody_is_found():
    disc = np.tile([2000.0, 90.0], (FRAMES, 1))
    assert search(disc, np.zeros((FRAMES, 2), int)).window() is None


def test_what_looks_like_a_diver_but_never_moves_is_none():
    """A bright disc stands in the middle; the diver, at the side, is what moves."""
    middle = np.tile([160.0, 90.0], (FRAMES, 1))
    diver = dive_path(FRAMES, 25, 30, 70, top=40, bottom=140, x=290)
    still = film(middle, np.zeros((FRAMES, 2), int), 320, 180, 24)
    both = np.maximum(still, film(diver, np.zeros((FRAMES, 2), int), 320, 180, 20))
    found = searched(both).window()
    place = inside(found, diver, np.arange(FRAMES) * 2)
    assert ((place > 0.05) & (place < 0.95)).all()
    # Alone, it is no diver.
    moving = film(diver, np.zeros((FRAMES, 2), int), 320, 180, 20)
    blind_to_the_mover = np.where((moving.min(axis=-1) > 200)[..., None], 190, both).astype(np.uint8)
    assert searched(blind_to_the_mover).window() is None
