"""Captions over the image."""

import numpy as np
import pytest

from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.venue.graphics import draw_graphics


def camera(width, left):
    return Camera(np.zeros(3), orientation(0.0, 0.0), np.array([100.0]), (100.0 - left, 56.0), width, 112)


@pytest.mark.parametrize("left", [0, 44, 88])
def test_a_window_shows_its_part_of_the_full_sheet(left):
    # 112 lines make a 16:9 image of 199 columns; the window's left edge is rounded to one of them.
    whole = draw_graphics(np.random.default_rng(4), camera(199, 0.5), probability=1.0)
    part = draw_graphics(np.random.default_rng(4), camera(111, left + 0.5), probability=1.0)
    assert part.shape == (112, 111, 4)
    np.testing.assert_array_equal(part, whole[:, left : left + 111])


def test_chance_is_kept():
    drawn = [
        draw_graphics(np.random.default_rng(seed), camera(200, 0), probability=0.4) is not None for seed in range(300)
    ]
    assert 0.3 < np.mean(drawn) < 0.5


def test_captions_leave_most_of_the_picture_free():
    covers = []
    for seed in range(60):
        overlay = draw_graphics(np.random.default_rng(seed), camera(200, 0), probability=1.0)
        covers.append((overlay[..., 3] > 0).mean())
    assert 0.01 < np.median(covers) < 0.2
    assert max(covers) < 0.5
