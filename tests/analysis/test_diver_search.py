"""The search with a mask predictor for which everything bright is a diver."""

import numpy as np
import pytest

from fineparser.analysis.diver_search import (
    DiverCandidate,
    DiverSearch,
    best_chain,
    diver_candidates,
    is_camera_at_rest,
    least_energy,
)
from fineparser.video.framing import Framing
from tests.analysis.moving_pictures import dive_path, render_clip
from tests.analysis.test_clip_scan import scanned

FRAMES = 96


def bright(windows: np.ndarray) -> np.ndarray:
    assert windows.shape[1:] == (16, 112, 112, 3)
    return (windows.min(axis=-1) > 200).astype(np.float32)


def search(disc, camera, width=320, height=180, radius=20, predict_masks=bright, scale=1.0) -> DiverSearch:
    frames = render_clip(disc, camera, width, height, radius)
    return search_frames(frames, predict_masks, scale)


def search_frames(frames, predict_masks=bright, scale=1.0) -> DiverSearch:
    centre = Framing.centre_crop(frames.shape[2] * scale, frames.shape[1] * scale)
    return DiverSearch(
        frames=frames,
        scale=scale,
        numbers=np.arange(FRAMES) * 2,
        motion=scanned(frames),
        predict_masks=predict_masks,
        centre=centre,
    )


def inside(crop, points, numbers) -> np.ndarray:
    """Positions of points [n, 2] in the crop's boxes, as shares of their sides."""
    boxes = crop.framing(numbers).boxes
    return (points - boxes[:, :2]) / (boxes[:, 2:] - boxes[:, :2])


def test_a_diver_in_the_middle_keeps_the_centre_crop():
    disc = np.stack([np.full(FRAMES, 170), np.linspace(60, 120, FRAMES)], axis=1)
    crop = search(disc, np.zeros((FRAMES, 2), int)).crop()
    assert crop.boxes == pytest.approx(np.array([[70.4, 0, 249.6, 180]]))


@pytest.mark.parametrize("x", [30, 290])
def test_a_diver_at_the_side_is_followed(x):
    disc = np.stack([np.full(FRAMES, x), np.linspace(60, 120, FRAMES)], axis=1)
    crop = search(disc, np.zeros((FRAMES, 2), int)).crop()
    boxes = crop.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(180)  # as high as the frame, and square
    assert boxes[:, 0].min() >= 0
    assert boxes[:, 2].max() <= 320
    position = inside(crop, disc, np.arange(FRAMES) * 2)
    assert ((position > 0.05) & (position < 0.95)).all()


def test_the_crop_follows_a_small_diver_closely():
    disc = dive_path(FRAMES, 25, 30, 70, top=40, bottom=150, x=250)
    crop = search(disc, np.zeros((FRAMES, 2), int), radius=5).crop()
    boxes = crop.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(64)  # no finer than the source's pixels
    position = inside(crop, disc, np.arange(FRAMES) * 2)
    assert ((position > 0.1) & (position < 0.9)).all()


def test_an_upright_frame():
    disc = dive_path(FRAMES, 25, 30, 70, top=60, bottom=280, x=90)
    crop = search(disc, np.zeros((FRAMES, 2), int), width=180, height=320).crop()
    boxes = crop.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(180)
    position = inside(crop, disc, np.arange(FRAMES) * 2)
    assert ((position > 0.1) & (position < 0.9)).all()


def test_a_gap_is_interpolated_along_the_camera_motion():
    """No masks while the camera pans: the crop moves with the background, not in a straight line."""
    disc = np.tile([300.0, 90.0], (FRAMES, 1))
    camera = np.zeros((FRAMES, 2), int)
    camera[:, 0] = np.round(np.interp(np.arange(FRAMES), [0, 40, 56, 95], [0, 0, 160, 160]))

    def predict_masks(windows):
        masks = bright(windows)
        masks.reshape(-1, 6, *masks.shape[1:])[:, 2:4] = 0  # frames 32 to 63
        return masks

    crop = search(disc, camera, predict_masks=predict_masks).crop()
    position = inside(crop, disc - camera, np.arange(FRAMES) * 2)
    assert ((position > 0.05) & (position < 0.95)).all()


def test_reduced_frames_give_boxes_in_source_pixels():
    disc = np.stack([np.full(FRAMES, 280), np.full(FRAMES, 90)], axis=1)
    crop = search(disc, np.zeros((FRAMES, 2), int), scale=3.0).crop()
    boxes = crop.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(540)
    position = inside(crop, 3.0 * disc, np.arange(FRAMES) * 2)
    assert ((position > 0.05) & (position < 0.95)).all()


def test_without_a_diver_there_is_no_crop():
    disc = np.tile([2000.0, 90.0], (FRAMES, 1))
    assert search(disc, np.zeros((FRAMES, 2), int)).crop() is None


def test_a_static_candidate_is_no_diver():
    """A bright disc is fixed in the middle; the diver moves at the side."""
    middle = np.tile([160.0, 90.0], (FRAMES, 1))
    diver = dive_path(FRAMES, 25, 30, 70, top=40, bottom=140, x=290)
    still = render_clip(middle, np.zeros((FRAMES, 2), int), 320, 180, 24)
    both = np.maximum(still, render_clip(diver, np.zeros((FRAMES, 2), int), 320, 180, 20))
    crop = search_frames(both).crop()
    position = inside(crop, diver, np.arange(FRAMES) * 2)
    assert ((position > 0.05) & (position < 0.95)).all()
    # Without the diver there is no crop.
    moving = render_clip(diver, np.zeros((FRAMES, 2), int), 320, 180, 20)
    without_diver = np.where((moving.min(axis=-1) > 200)[..., None], 190, both).astype(np.uint8)
    assert search_frames(without_diver).crop() is None


def test_a_large_candidate_that_stands_still_does_not_hide_a_small_diver():
    """The diver waits as still as the other one, who is nearly three times as tall; they alone move later."""
    camera = np.zeros((FRAMES, 2), int)
    diver = dive_path(FRAMES, 40, 45, 90, top=40, bottom=140, x=250)
    other = np.tile([170.0, 60.0], (FRAMES, 1))
    frames = np.maximum(render_clip(other, camera, 320, 180, 14), render_clip(diver, camera, 320, 180, 5))
    crop = search_frames(frames).crop()
    boxes = crop.framing(np.arange(FRAMES) * 2).boxes
    assert (boxes[:, 2] - boxes[:, 0]) == pytest.approx(64)
    position = inside(crop, diver, np.arange(FRAMES) * 2)
    assert ((position > 0.05) & (position < 0.95)).all()


@pytest.mark.parametrize(("pan", "expected"), [(0, True), (3, True), (40, False)])
def test_a_camera_at_rest(pan, expected):
    """A few pixels of shake are rest; less motion counts then."""
    camera = np.zeros((FRAMES, 2), int)
    camera[:, 0] = np.round(np.linspace(0, pan, FRAMES))
    motion = scanned(render_clip(np.tile([160.0, 90.0], (FRAMES, 1)), camera, 320, 180, 20))
    assert is_camera_at_rest(motion) is expected
    assert least_energy(motion) == (0.1 if expected else 1.0)


def test_the_best_chain_has_large_weights_and_small_jumps():
    def candidate(weight):
        return DiverCandidate(0.0, 0.0, 10.0, weight)

    frames = [[candidate(5), candidate(4)], [candidate(1), candidate(5)], [candidate(5), candidate(4)]]
    near, far = [0.0, 0.0], [3.0, 0.0]
    assert best_chain(frames, [np.array([near, far])] * 3) in ([0, 0, 0], [1, 1, 1])
    assert best_chain(frames, [np.array([near, far])] * 3) == [1, 1, 1]  # 4 * 5 * 4 against 5 * 1 * 5
    assert best_chain(frames, [np.array([near, near])] * 3) == [0, 1, 0]


def test_candidates_are_in_source_pixels():
    mask = np.zeros((112, 112), np.float32)
    mask[40:60, 10:14] = 0.9
    mask[100, 100] = 1.0  # a speck
    (candidate,) = diver_candidates(mask, np.array([100.0, 50, 324, 162]))  # twice as wide as high
    assert (candidate.x, candidate.y) == pytest.approx((124, 100), abs=0.6)
    assert candidate.extent == pytest.approx(np.hypot(4 * 2, 20), abs=4)  # and the margin that closes gaps
    assert candidate.weight == pytest.approx(0.9 * 80 * 2)
