"""Water and deck."""

import dataclasses

import numpy as np
import pytest

from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.pool import NOISE_TILE_PX, TiledNoise, paint_pool
from fineparser.simulator.venue.venue import Light, Venue

LIGHT = Light(direction=np.array([0.0, 0.0, 1.0]), ambient=0.6, colour=(1.0, 1.0, 1.0), exposure=1.0)


@pytest.fixture
def venue():
    drawn = Venue.sample(np.random.default_rng(0), camera_y=20.0)
    return dataclasses.replace(
        drawn,
        pool=(-1.0, 20.0, -10.0, 10.0),
        walls=(-9.0, 26.0, -16.0, 14.0),
        deck_level=0.3,
        water=(20.0, 90.0, 200.0),
    )


def looking_down():
    camera = Camera(
        np.array([0.0, 0.0, 10.0]), orientation(np.pi / 2, -np.pi / 2), np.array([100.0]), (60.0, 50.0), 120, 100
    )
    return Canvas(camera, LIGHT)


def test_water_seen_from_straight_above_fills_the_pool_outline(venue):
    canvas = looking_down()
    water = paint_pool(canvas, np.random.default_rng(1), venue)
    # A pixel is 0.1 m: x runs from -6 to 6 m across the image. The rim, 0.3 m up, leans outwards over its foot,
    # so the water begins between -1 m as the level of the deck shows it (9.7 m below the lens) and as its own does.
    edge = np.argmax(water[50] > 0.5)
    assert 60 - 100 / 9.7 - 1 <= edge <= 60 - 10 + 1
    assert (water[:, 55:] == 1).all()
    assert (water[:, :40] == 0).all()
    red, _, blue = canvas.colour[:, 60:].reshape(-1, 3).mean(0)
    assert blue > red + 30


def test_shadows_darken_the_water(venue):
    lit, dark = looking_down(), looking_down()
    roof = np.array([(-9.0, -9.0, 5.0), (30.0, 9.0, 5.0)])
    paint_pool(lit, np.random.default_rng(1), venue)
    paint_pool(dark, np.random.default_rng(1), venue, [roof])
    assert dark.colour[:, 60:].mean() < 0.97 * lit.colour[:, 60:].mean()


def test_grazing_views_mirror_what_stands_behind(venue):
    def view(wall):
        camera = Camera(
            np.array([5.0, 9.0, 1.0]), orientation(-np.pi / 2, 0.0), np.array([100.0]), (60.0, 50.0), 120, 100
        )
        canvas = Canvas(camera, LIGHT)
        canvas.colour[:] = wall
        water = paint_pool(canvas, np.random.default_rng(3), venue)
        return canvas.colour[water > 0.9].mean(0)

    assert view((250, 20, 20))[0] > view((20, 20, 20))[0] + 5


def test_no_water_in_a_view_of_the_sky(venue):
    camera = Camera(np.array([0.0, 9.0, 2.0]), orientation(-np.pi / 2, 1.0), np.array([200.0]), (60.0, 50.0), 120, 100)
    canvas = Canvas(camera, LIGHT)
    assert not paint_pool(canvas, np.random.default_rng(0), venue).any()
    assert not canvas.colour.any()


def test_noise_repeats_without_a_seam():
    noise = TiledNoise.sample(np.random.default_rng(0))
    x = np.linspace(0, 20, 401, dtype=np.float32)[None]
    y = np.full_like(x, 3.0)
    value = noise.at(x, y, 10.0)
    np.testing.assert_allclose(value[0, :200], value[0, 200:400], atol=0.02)
    assert np.abs(np.diff(value)).max() < 1.5
    assert noise.tile.shape == (NOISE_TILE_PX, NOISE_TILE_PX)
    assert noise.tile.std() == pytest.approx(1, abs=0.01)
