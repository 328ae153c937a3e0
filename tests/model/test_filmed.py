"""Clips as OpenCV reads them."""

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


def test_halves_are_the_same_but_for_rounding():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    film = Filmed.of(normalise(pictures).to(torch.bfloat16))
    assert np.abs(film.pictures.astype(int) - pictures).max() <= 2
