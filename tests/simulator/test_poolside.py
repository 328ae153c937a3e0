"""Things on the deck."""

import numpy as np
import pytest

from fineparser.simulator.camera import Camera, orientation
from fineparser.simulator.canvas import Canvas
from fineparser.simulator.poolside import Poolside
from fineparser.simulator.site import Light, Site


def deck(seed):
    rng = np.random.default_rng(seed)
    site = Site.sample(rng, 20.0)
    camera = Camera(
        np.array([4.0, 20.0, 4.0]), orientation(-np.pi / 2, -0.1), np.array([220.0]), (150.0, 80.0), 300, 160
    )
    canvas = Canvas(camera, Light(np.array([0.0, 0.0, 1.0]), 0.6, (1.0, 1.0, 1.0), 1.0))
    return Poolside(rng, site, canvas), canvas


def test_near_things_are_painted_over_far_ones():
    side, canvas = deck(0)
    order = []
    for name, y in (("near", 0.0), ("far", -9.0), ("middle", -4.0)):
        side.put((4.0, y, 0.0), lambda name=name: order.append(name))
    side.put((4.0, 60.0, 0.0), lambda: order.append("behind the lens"))
    side._paint_all()
    assert order == ["far", "middle", "near"]
    assert not canvas.colour.any()


@pytest.mark.parametrize("seed", range(6))
def test_decks_are_busy_and_nobody_stands_in_the_open_water(seed):
    side, canvas = deck(seed)
    side.paint()
    assert len(side.things) >= 1
    assert canvas.colour.any()
    spots = np.array([side._spot() for _ in range(100)])
    low_x, high_x, low_y, high_y = side.site.pool
    inside = (spots[:, 0] > low_x) & (spots[:, 0] < high_x) & (spots[:, 1] > low_y) & (spots[:, 1] < high_y)
    assert not inside.any()
