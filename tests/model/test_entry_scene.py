"""Where the entry is looked at: a still place of the water, the diver's length, what the squares show."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.model.camera_path import CameraPath
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.entry_scene import OFFSETS, UP, USUAL_LENGTH, EntryScene, entry_scenes, looked_at
from fineparser.model.filmed import Filmed

SIDE, DETAIL, TOUCH = 56, 2, 60
TALL, LOWEST, COLUMN = 16, 40, 20


def film_of(motions: np.ndarray | None = None, shots: np.ndarray | None = None) -> Filmed:
    """96 grey pictures of 112 x 112 whose brightness is their number, by a camera that moves so."""
    pictures = np.broadcast_to(np.arange(96, dtype=np.uint8)[:, None, None, None], (96, 112, 112, 3)).copy()
    still = np.broadcast_to(np.eye(3), (96, 3, 3))
    return Filmed(
        pictures, CameraPath(still if motions is None else motions, np.zeros(96, int) if shots is None else shots)
    )


def upright(shift=(0, 0)) -> np.ndarray:
    """A diver one pixel wide who stands in the same place in all frames, but for `shift` (x, y) a frame."""
    masks = np.zeros((96, SIDE, SIDE), np.float32)
    for frame in range(96):
        x, y = (round(step * (frame - TOUCH)) for step in shift)
        if 0 <= COLUMN + x < SIDE:
            masks[frame, max(0, LOWEST - TALL + 1 + y) : max(0, LOWEST + 1 + y), COLUMN + x] = 1
    return masks


def test_the_squares_stand_over_the_water_as_large_as_the_diver():
    scene = EntryScene.of(upright(), (30, TOUCH), film_of())
    length = np.subtract(*np.percentile(np.arange(TALL), (98, 2)))
    assert scene.length == pytest.approx(length / SIDE)
    assert scene.frames.tolist() == [TOUCH + offset for offset in OFFSETS]
    np.testing.assert_allclose(scene.reach, length / SIDE, rtol=1e-6)
    middle = (COLUMN + 0.5) / SIDE - 0.5, (LOWEST - UP * length + 0.5) / SIDE - 0.5
    np.testing.assert_allclose(scene.centre, np.tile(middle, (len(OFFSETS), 1)), rtol=1e-5)
    assert (scene.flight, scene.left) == (30, 95 - TOUCH)
    assert scene.inside.all()


@pytest.mark.parametrize("touch", [2, TOUCH, 90])
def test_it_is_the_same_from_no_more_than_the_frames_that_are_looked_at(touch):
    film, masks, known = film_of(), upright((0, 0.5)), looked_at(touch, 95)
    assert known.tolist() == sorted(set(known.tolist()))
    assert set(known) <= set(range(96))
    alone = np.zeros_like(masks)
    alone[known] = masks[known]
    one, other = (EntryScene.of(shown, (1, touch), film) for shown in (masks, alone))
    np.testing.assert_array_equal(one.centre, other.centre)
    assert one.length == other.length
    assert set(one.frames) <= set(known)


def test_they_stay_over_it_when_the_camera_turns_and_zooms():
    """Pixels of the pictures, of which the masks' are two: the place goes 1.5 a frame to the right and grows."""
    motions = []
    for frame in range(96):
        scale = 1.02 ** (frame - TOUCH)
        motions.append([[scale, 0, 1.5 * (frame - TOUCH)], [0, scale, 0], [0, 0, 1]])
    motions = np.array(motions) @ np.linalg.inv(np.array(motions[0]))
    scene = EntryScene.of(upright(), (30, TOUCH), replace(film_of(), path=CameraPath(motions, np.zeros(96, int))))
    at_touch = OFFSETS.index(0)
    scale = 1.02 ** np.array(OFFSETS)
    np.testing.assert_allclose(scene.reach, scene.reach[at_touch] * scale, rtol=1e-5)
    # The touched place, in pixels of the pictures: their centres are whole numbers.
    x = ((scene.centre[:, 0] + 0.5) * 112) - 0.5
    np.testing.assert_allclose(x, x[at_touch] * scale + 1.5 * np.array(OFFSETS), atol=1e-3)


def test_moments_beyond_the_clips_end_are_known():
    scene = EntryScene.of(upright(), (30, 90), film_of())
    assert scene.inside.tolist() == [offset <= 5 for offset in OFFSETS]
    assert scene.frames.max() == 95
    assert EntryScene.of(upright(), (0, 2), film_of()).frames.min() == 0


def test_a_diver_who_is_not_seen_has_the_usual_length_and_is_in_the_middle():
    scene = EntryScene.of(np.zeros((96, SIDE, SIDE), np.float32), (30, TOUCH), film_of())
    assert scene.length == pytest.approx(USUAL_LENGTH)
    np.testing.assert_allclose(scene.centre[:, 0], 0.5 / SIDE, atol=1e-6)
    assert np.isfinite(scene.measures).all()


def test_a_cut_after_the_touch_leaves_the_squares_where_they_were():
    """Of the other shot nobody knows where the water is; nothing is made up, and nothing fails."""
    shots = (np.arange(96) > TOUCH + 3).astype(int)
    scene = EntryScene.of(upright(), (30, TOUCH), film_of(shots=shots))
    np.testing.assert_allclose(scene.centre, np.tile(scene.centre[0], (len(OFFSETS), 1)))


def test_what_is_cut_is_what_the_squares_show():
    scene = EntryScene.of(upright(), (30, TOUCH), film := film_of())
    squares, scenery = scene.cut(film, 24)
    assert squares.shape == (len(OFFSETS), 3, 24, 24)
    assert squares[:, 0, 12, 12].tolist() == [TOUCH + offset for offset in OFFSETS]
    assert scenery[:, 12, 12].unique().tolist() == [sorted(TOUCH + offset for offset in OFFSETS)[len(OFFSETS) // 2]]
    wide, _ = scene.cut(film, 24, margin=8.0)
    assert (wide[:, :, 0, 0] == 0).all()  # beyond the picture's edge
    focus = scene.focus(2.0)
    assert isinstance(focus, DiverFocus)
    np.testing.assert_allclose(focus.reach[0], 2 * scene.reach)


def test_the_scenery_is_told_by_moments_inside_the_clip():
    scene = EntryScene.of(upright(), (30, 90), film := film_of())
    _, scenery = scene.cut(film, 8)
    inside = [90 + offset for offset in OFFSETS if offset <= 5]
    assert scenery[0, 4, 4] == sorted(inside)[len(inside) // 2]


def test_clips_of_a_batch_have_their_own():
    drawn = torch.from_numpy(np.stack([upright(), upright((0.2, 0))]))
    films = [film_of(), film_of()]
    transitions = torch.tensor([[30, TOUCH], [20, 50]])
    for scene, mask, moments in zip(
        entry_scenes(films, drawn, transitions), drawn.numpy(), transitions.tolist(), strict=True
    ):
        alone = EntryScene.of(mask, tuple(moments), films[0])
        np.testing.assert_array_equal(scene.centre, alone.centre)
        assert (scene.flight, scene.length) == (alone.flight, alone.length)
