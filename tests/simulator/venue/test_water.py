"""Ripples: they move, they keep to the water, and the surface is where the camera says."""

import numpy as np
import pytest

from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.filming.camera import orientation
from fineparser.simulator.venue.water import TILE_PX, Water, surface_homography


def looking_down(size=(112, 112)):
    return CameraViews(
        rotation=orientation(np.pi / 2, -0.6),
        focal=np.array([300.0]),
        position=np.array([1.0, -12.0, 7.0]),
        principal_point=(size[0] / 2, size[1] / 2),
        size=size,
        counts=np.array([1]),
    )


def test_the_surface_is_projected_as_any_other_point():
    views = looking_down()
    x, y = 2.0, 1.5
    seen = views.rotation[0] @ (np.array([x, y, 0.0]) - views.position)
    expected = 300 * seen[:2] / seen[2] + views.principal_point
    pixel = surface_homography(views, 0) @ [x, y, 1]
    assert pixel[:2] / pixel[2] == pytest.approx(expected)


def test_ripples_move_and_leave_dry_land_alone():
    views = looking_down()
    water = Water.sample(np.random.default_rng(1))
    image = np.full((112, 112, 3), 120, np.uint8)
    water_mask = np.zeros((112, 112), np.float32)
    water_mask[40:] = 1
    first, later = (water.ripple(image, water_mask, views, 0, time) for time in (0.0, 0.4))
    assert (first[:39] == 120).all()
    assert first[60:].std() > 1
    assert np.abs(first[60:].astype(int) - later[60:]).mean() > 0.5
    assert abs(first[60:].mean() - 120) < 12


def test_a_ripple_tile_has_no_seam():
    layers = Water.sample(np.random.default_rng(2)).layers
    tile = layers[:, :TILE_PX, :TILE_PX]
    assert (layers[:, TILE_PX : 2 * TILE_PX, :TILE_PX] == tile).all()
    inside = np.abs(np.diff(tile, axis=1)).max()
    assert np.abs(tile[:, 0] - tile[:, -1]).max() <= 1.2 * inside
    assert tile.mean(axis=(1, 2)) == pytest.approx([0, 0], abs=1e-4)
    assert tile.std(axis=(1, 2)) == pytest.approx([1, 1], abs=1e-3)


def test_ripples_stay_where_they_are_when_the_camera_turns():
    water = Water.sample(np.random.default_rng(3))
    image, water_mask = np.full((112, 112, 3), 120, np.uint8), np.ones((112, 112), np.float32)
    straight = looking_down()
    # 300 pixels of focal length: a turn of 0.05 about the vertical moves the middle by 15 pixels.
    turned = CameraViews(**{**straight.__dict__, "rotation": orientation(np.pi / 2 + 0.05, -0.6)})
    one, other = (water.ripple(image, water_mask, look, 0, 0.3)[..., 0].astype(float) for look in (straight, turned))
    shift = round(300 * 0.05 * np.cos(0.6))
    patch = one[50:62, 30:60]
    moved, still = other[50:62, 30 + shift : 60 + shift], other[50:62, 30:60]
    assert np.abs(patch - moved).mean() < 0.6 * np.abs(patch - still).mean()
