"""The scenery behind a diver: found again where he covered it, and told as unknown where nothing shows it."""

import numpy as np
import pytest

from fineparser.model import backdrop
from fineparser.model.backdrop import Backdrop
from fineparser.model.camera_path import CameraPath
from tests.cameras import SIDE, filmed, panned, scenery

FRAMES = 24
WHOLE = np.zeros((FRAMES, 2)), np.full(FRAMES, 0.5)
"""Centre and reach of squares that show everything."""


def dived(pictures: np.ndarray, step: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Pictures with a white diver who falls through them, and his masks of half the size."""
    pictures, masks = pictures.copy(), np.zeros((len(pictures), SIDE // 2, SIDE // 2), np.float32)
    for frame, picture in enumerate(pictures):
        top = 4 + step * frame
        picture[top : top + 20, 70:90] = 255
        masks[frame, top // 2 : top // 2 + 10, 35:45] = 1
    return pictures, masks


@pytest.fixture(scope="module")
def still():
    return filmed(scenery(5), [panned(1)[0]] * FRAMES)


def test_behind_the_diver_is_the_scenery(still):
    pictures, masks = dived(still)
    found = Backdrop.of(pictures, masks, *WHOLE, SIDE)
    assert found.shown.shape == found.behind.shape == (FRAMES, SIDE, SIDE, 3)
    np.testing.assert_array_equal(found.shown, pictures)
    inside = np.s_[:, 2:-2, 2:-2]
    assert np.abs(found.behind[inside].astype(int) - still[inside]).max() <= 2
    assert found.spread[inside].max() <= 2
    assert found.seen[inside].min() >= 3


def test_it_is_found_without_any_mask_where_he_moves_on(still):
    pictures, masks = dived(still)
    found = Backdrop.of(pictures, np.zeros_like(masks), *WHOLE, SIDE)
    off = np.abs(found.behind.astype(int) - still).max(-1) > 3
    assert off[:, 2:-2, 2:-2].mean() < 0.002


def test_who_stands_still_is_behind_himself_unless_a_mask_says_so(still):
    """For most of the clip he waits; without masks most frames show him there."""
    pictures, masks = dived(still, step=0)
    gone = np.s_[FRAMES - 8 :]
    pictures[gone], masks[gone] = still[gone], 0
    frame, place = 2, np.s_[8:20, 74:86]
    for shown, expected in ((masks, still), (np.zeros_like(masks), pictures)):
        behind = Backdrop.of(pictures, shown, *WHOLE, SIDE).behind[frame][place]
        assert np.abs(behind.astype(int) - expected[frame][place]).max() <= 3


def test_the_camera_may_move():
    motions = panned(FRAMES)
    still = filmed(scenery(6), motions)
    pictures, masks = dived(still)
    found = Backdrop.of(pictures, masks, *WHOLE, SIDE)
    known = found.seen > 2
    assert known.mean() > 0.8
    off = np.abs(found.behind.astype(int) - still).mean(-1)
    covered = np.abs(pictures.astype(int) - still).max(-1) > 30
    assert off[known & covered].mean() < 8  # of 255; the diver is 120 off
    assert np.abs(pictures.astype(int) - still).mean(-1)[covered].mean() > 60


@pytest.mark.parametrize(("reach", "size"), [(0.25, 80), (0.5, 40)], ids=["as filmed", "shrunk"])
def test_squares_show_what_a_focus_cuts(still, reach, size):
    """The quarter right below the middle, and everything in a quarter of the size."""
    centre = np.full((FRAMES, 2), 0.25 if reach == 0.25 else 0.0)
    found = Backdrop.of(still, np.zeros((FRAMES, 40, 40), np.float32), centre, np.full(FRAMES, reach), size)
    halved = still.reshape(FRAMES, 40, 4, 40, 4, 3).mean((2, 4))
    # Shrunk by halves, then between pixels.
    expected, tolerance = (still[:, 80:, 80:], 1) if reach == 0.25 else (halved, 8)
    inside = np.s_[:, 1:-1, 1:-1]
    assert np.abs(found.shown[inside].astype(float) - expected[inside]).mean() <= tolerance
    assert np.abs(found.behind[inside].astype(float) - expected[inside]).mean() <= tolerance


def test_some_frames_are_as_all_are(still):
    pictures, masks = dived(still)
    frames = np.array([3, 17])
    every = Backdrop.of(pictures, masks, *WHOLE, SIDE)
    some = Backdrop.of(pictures, masks, *(part[frames] for part in WHOLE), SIDE, frames)
    for name in ("shown", "behind", "spread", "seen"):
        np.testing.assert_array_equal(getattr(some, name), getattr(every, name)[frames])


def test_where_no_frame_shows_a_place_it_is_as_shown(still):
    """Each frame a shot of its own."""
    path = CameraPath(np.stack([np.eye(3)] * FRAMES), np.arange(FRAMES))
    found = Backdrop.of(still, np.zeros((FRAMES, 40, 40), np.float32), *WHOLE, SIDE, path=path)
    np.testing.assert_array_equal(found.behind, found.shown)
    assert not found.seen.any()
    assert not found.spread.any()


@pytest.mark.parametrize("count", range(1, 17))
def test_sorting_whole_arrays_sorts_each_element(count):
    arrays = np.random.default_rng(count).integers(0, 9, (count, 5, 7), dtype=np.uint8)  # with ties
    np.testing.assert_array_equal(backdrop._sorted(list(arrays)), np.sort(arrays, axis=0))
