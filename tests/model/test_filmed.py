"""Clips as OpenCV reads them."""

import cv2
import numpy as np
import torch

from fineparser.model.camera_path import CameraPath
from fineparser.model.filmed import Filmed
from fineparser.model.pictures import normalise


def test_the_pictures_are_those_that_were_normalised():
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    film = Filmed.of(normalise(pictures))
    np.testing.assert_array_equal(film.pictures, pictures)
    np.testing.assert_array_equal(film.path.motions, CameraPath.of(pictures).motions)


def test_a_clip_that_is_partly_known_moves_as_far_as_it_is():
    """Grain that moves a pixel a frame: of the frames between two known ones nobody knows more than of the first."""
    grain = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (96, 120, 3), np.uint8), (0, 0), 2)
    pictures = np.stack([grain[:, frame : frame + 96] for frame in range(12)])
    frames = np.array([3, 4, 6, 9])
    film = Filmed.partly(pictures[frames], frames, 12)
    np.testing.assert_array_equal(film.pictures[frames], pictures[frames])
    assert not film.pictures[[0, 1, 2, 5, 7, 8, 10, 11]].any()
    moved = [film.path.between(3, frame)[0, 2] for frame in range(12)]
    np.testing.assert_allclose(moved, [0, 0, 0, 0, -1, -1, -3, -3, -3, -6, -6, -6], atol=0.3)


def test_halves_are_the_same_but_for_rounding():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    film = Filmed.of(normalise(pictures).to(torch.bfloat16))
    assert np.abs(film.pictures.astype(int) - pictures).max() <= 2
