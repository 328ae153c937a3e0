"""Mirror images and shadows lie on the water, below the diver, and nowhere else."""

from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.simulator.athlete.body_rendering import DiverPatch
from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.filming.camera import orientation
from fineparser.simulator.venue.reflections import WindowMirror, cast_shadow, draw_reflection

SUN = SimpleNamespace(direction=np.array([0.0, 0.0, 1.0]), ambient=0.3)


def views(level):
    tilt = -np.arctan(level / 20)
    return CameraViews(
        rotation=orientation(np.pi / 2, tilt),
        focal=np.array([800.0]),
        position=np.array([0.0, -20.0, level]),
        principal_point=(80.0, 80.0),
        size=(160, 160),
        counts=np.array([1]),
    )


def grey():
    return np.full((160, 160, 3), 120, np.uint8)


def test_the_mirror_image_is_as_far_below_the_water_line():
    # The water line under the diver is in row 80; the diver stands 20 to 40 rows above it.
    patch = DiverPatch(
        left=70,
        top=40,
        colour=np.full((20, 10, 3), 255, np.float32),
        alpha=np.ones((20, 10), np.float32),
        submerged=np.zeros((20, 10), np.float32),
    )
    image = grey()
    draw_reflection(image, patch, np.array([0.0, 0.0, 1.0]), views(1.0), 0, np.ones((160, 160), np.float32), 0.4)
    rows, columns = np.nonzero(image[..., 0] != 120)
    assert (rows.min(), rows.max()) == (pytest.approx(100, abs=1), pytest.approx(119, abs=1))
    assert (columns.min(), columns.max()) == (70, 79)


@pytest.mark.parametrize(("x", "column"), [(0.0, 80), (1.0, 120)])
def test_the_shadow_lies_under_the_diver(x, column):
    joints = np.zeros((20, 3))
    joints[:, 0] = x + np.linspace(-0.3, 0.3, 20)
    joints[:, 1] = np.resize([-0.2, 0.2], 20)
    joints[:, 2] = 1.0
    image = grey()
    cast_shadow(image, joints, SUN, views(8.0), 0, np.ones((160, 160), np.float32), 0.8)
    dark = 120.0 - image[..., 0]
    rows, columns = np.mgrid[:160, :160]
    assert dark.max() > 20
    assert (dark * columns).sum() / dark.sum() == pytest.approx(80 + (column - 80) * 20 / np.hypot(20, 8), abs=1.5)
    assert (dark * rows).sum() / dark.sum() == pytest.approx(80, abs=1.5)


def test_dry_land_shows_neither():
    joints = np.tile([0.0, 0.0, 1.0], (20, 1)) + np.random.default_rng(0).normal(0, 0.2, (20, 3))
    image = grey()
    cast_shadow(image, joints, SUN, views(8.0), 0, np.zeros((160, 160), np.float32), 0.8)
    assert (image == 120).all()


def test_a_window_mirrors_in_its_plane():
    window = WindowMirror.sample(np.random.default_rng(0), np.array([0.0, 12.0, 3.0]))
    assert window.y < 0
    points = np.array([[1.0, 0.5, 2.0], [0.0, window.y, 1.0]])
    mirrored = window.mirror(points)
    np.testing.assert_allclose((mirrored[:, 1] + points[:, 1]) / 2, window.y)
    np.testing.assert_allclose(mirrored[:, [0, 2]], points[:, [0, 2]])
