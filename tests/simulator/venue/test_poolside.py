"""Things on the deck."""

import numpy as np
import pytest

from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.poolside import Poolside
from fineparser.simulator.venue.venue import Light, Venue


def deck(seed):
    rng = np.random.default_rng(seed)
    venue = Venue.sample(rng, 20.0)
    camera = Camera(
        np.array([4.0, 20.0, 4.0]), orientation(-np.pi / 2, -0.1), np.array([220.0]), (150.0, 80.0), 300, 160
    )
    canvas = Canvas(camera, Light(np.array([0.0, 0.0, 1.0]), 0.6, (1.0, 1.0, 1.0), 1.0))
    return Poolside(rng, venue, canvas), canvas


def test_near_things_are_painted_over_far_ones():
    side, canvas = deck(0)
    order = []
    for name, y in (("near", 0.0), ("far", -9.0), ("middle", -4.0)):
        side.add((4.0, y, 0.0), lambda name=name: order.append(name))
    side.add((4.0, 60.0, 0.0), lambda: order.append("behind the lens"))
    side._paint_all()
    assert order == ["far", "middle", "near"]
    assert not canvas.colour.any()


@pytest.mark.parametrize("seed", range(6))
def test_decks_are_busy_and_nobody_stands_in_the_open_water(seed):
    side, canvas = deck(seed)
    side.paint()
    assert len(side.objects) >= 1
    assert canvas.colour.any()
    spots = np.array([side._sample_place() for _ in range(100)])
    low_x, high_x, low_y, high_y = side.venue.pool
    inside = (spots[:, 0] > low_x) & (spots[:, 0] < high_x) & (spots[:, 1] > low_y) & (spots[:, 1] < high_y)
    assert not inside.any()
