"""Towers and springboard stands."""

import numpy as np
import pytest

from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.tower import Tower, sample_board
from fineparser.simulator.venue.venue import Light, Venue


def painted(seed, height, springboard, partner=None):
    rng = np.random.default_rng(seed)
    venue = Venue.sample(rng, 25.0)
    board = sample_board(rng, venue, height, springboard, partner)
    position = np.array([-2.0, 25.0, height + 2])
    camera = Camera(position, orientation(-np.pi / 2, -0.12), np.array([500.0]), (150.0, 130.0), 300, 260)
    light = Light(np.array([0.0, 0.0, 1.0]), 0.6, (1.0, 1.0, 1.0), 1.0)
    canvas = Canvas(camera, light)
    canvas.colour[:] = (255, 0, 255)
    Tower(rng, venue, board).paint(canvas)
    return canvas, board


def colour_at(canvas, point):
    column, row = np.rint(canvas.project(point)[0]).astype(int)
    return canvas.colour[row, column]


@pytest.mark.parametrize("seed", range(4))
def test_the_platform_in_use_ends_at_the_take_off_edge(seed):
    canvas, board = painted(seed, 10.0, False)
    near = board.width / 2  # the edge of the slab towards the camera
    assert (colour_at(canvas, (-0.3, near, 10.0 - board.thickness / 2)) != (255, 0, 255)).any()
    pixel = canvas.project((0.1, near, 10.0 - board.thickness / 2))[0]
    beyond = canvas.project((0.6, near, 10.0 - board.thickness / 2))[0]
    assert pixel[0] != beyond[0]


def test_railings_of_the_platform_in_use_pass_before_the_diver():
    canvas, _ = painted(0, 10.0, False)
    assert canvas.foreground_used
    rows, _ = np.nonzero(canvas.foreground[..., 3] > 100)
    top = canvas.project((-3.0, 1.2, 11.0))[0][1]
    assert rows.min() == pytest.approx(top, abs=8)


def test_the_blade_in_use_is_left_to_the_frames():
    """A springboard's blade bends, so the background must show through where it will be drawn."""
    free = []
    for seed in range(8):
        canvas, board = painted(seed, 3.0, True)
        blade = board.upper_edges(0.0, 0.0)[-2:].mean((0, 1)) - [0, 0, 0.02]
        free.append((colour_at(canvas, blade) == (255, 0, 255)).all())
    assert sum(free) >= 4  # elsewhere a neighbour stands behind it


def test_boards_are_chosen_by_kind():
    rng = np.random.default_rng(0)
    venue = Venue.sample(rng, 10.0)
    spring = sample_board(rng, venue, 3.0, True, None)
    assert (spring.width, spring.kind) == (0.5, "springboard")
    assert -2.6 < spring.fulcrum < -1.8
    shared = sample_board(rng, venue, 10.0, False, 1.6)
    assert shared.centre == 0.8
    assert shared.width > 3.5
