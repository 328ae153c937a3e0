"""Painting world geometry on a panorama."""

import numpy as np
import pytest

from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.venue.canvas import ANTIALIASING_PX, Canvas
from fineparser.simulator.venue.venue import Light

LIGHT = Light(direction=np.array([0.0, 0.0, 1.0]), ambient=0.5, colour=(1.0, 1.0, 1.0), exposure=1.0)


@pytest.fixture
def canvas():
    """Looks along +y from the origin; a metre at 10 m covers 20 pixels."""
    camera = Camera(np.zeros(3), orientation(np.pi / 2, 0.0), np.array([200.0]), (100.0, 80.0), 200, 160)
    return Canvas(camera, LIGHT)


def test_a_square_covers_its_projection(canvas):
    canvas.polygon([(-1, 10, -1), (1, 10, -1), (1, 10, 1), (-1, 10, 1)], (200, 100, 50))
    red = canvas.colour[..., 0] / 200
    assert red.sum() == pytest.approx((40 + 2 * ANTIALIASING_PX) ** 2, rel=0.05)
    rows, columns = np.nonzero(red > 0.5)
    assert (columns.min() + columns.max() + 1) / 2 == pytest.approx(100, abs=0.6)
    assert (rows.min() + rows.max() + 1) / 2 == pytest.approx(80, abs=0.6)
    np.testing.assert_array_equal(canvas.colour[80, 100], [200, 100, 50])


def test_what_lies_behind_the_lens_is_not_drawn(canvas):
    canvas.polygon([(-1, -5, -1), (1, -5, -1), (1, -5, 1)], (255, 255, 255))
    canvas.tubes([(0, -5, 0)], [(0, -6, 0)], [0.3], [(255, 255, 255)])
    canvas.ball((0, -3, 0), 1.0, (255, 255, 255))
    assert not canvas.colour.any()


def test_ground_that_reaches_behind_the_camera_is_clipped(canvas):
    canvas.polygon([(-50, -50, -1), (50, -50, -1), (50, 50, -1), (-50, 50, -1)], (255, 255, 255))
    # The far edge at 50 m and 1 m down lies 4 pixels below the horizon.
    assert (canvas.colour[86:, :, 0] == 255).all()
    assert not canvas.colour[:82].any()


def test_front_layer_is_premultiplied_and_separate(canvas):
    with canvas.in_foreground():
        canvas.tubes([(-1, 10, 0)], [(1, 10, 0.3)], [0.2], [(240, 20, 90)])
    assert canvas.foreground_used
    assert not canvas.colour.any()
    alpha = canvas.foreground[..., 3]
    assert alpha.max() == 255
    assert ((alpha > 0) & (alpha < 255)).any()
    assert (canvas.foreground[..., :3] <= alpha[..., None]).all()
    canvas.polygon([(-1, 10, -1), (1, 10, -1), (1, 10, 1)], (9, 9, 9))
    assert canvas.colour.any()


def test_nested_layers_return_to_the_outer_one(canvas):
    with canvas.in_foreground():
        with canvas.in_foreground(False):
            pass
        with canvas.in_foreground():
            pass
        canvas.ball((0, 10, 0), 1, (255, 255, 255))
    assert canvas.foreground.any()
    assert not canvas.colour.any()


def test_mounted_picture_is_upright_and_not_mirrored(canvas):
    def quarters(width, height):
        image = np.zeros((height, width, 3), np.uint8)
        image[: height // 2, : width // 2] = (250, 0, 0)
        image[height // 2 :, width // 2 :] = (0, 0, 250)
        return image

    canvas.place_image([(-2, 10, 2), (2, 10, 2), (2, 10, -2), (-2, 10, -2)], quarters)
    np.testing.assert_array_equal(canvas.colour[60, 80], [250, 0, 0])
    np.testing.assert_array_equal(canvas.colour[100, 120], [0, 0, 250])
    assert not canvas.colour[60, 120].any()
    assert not canvas.colour[30, 80].any()


def test_mounted_picture_is_asked_for_at_its_size_on_the_canvas(canvas):
    asked = []

    def paint(width, height):
        asked.append((width, height))
        return np.zeros((height, width, 4), np.uint8)

    canvas.place_image([(-2, 10, 1), (2, 10, 1), (2, 10, -1), (-2, 10, -1)], paint)
    assert asked == [(80, 40)]
    assert not canvas.colour.any()  # fully transparent


def test_thin_bars_fade_instead_of_vanishing(canvas):
    canvas.tubes([(-1, 40, 0)], [(1, 40, 0)], [0.01], [(255, 255, 255)])
    assert 10 < canvas.colour.max() < 120


def test_bars_are_as_thick_as_they_should_be(canvas):
    canvas.tubes([(-3, 10, 1), (-3, 10, -1)], [(3, 10, 1), (3, 10, -1)], [0.1, 0.05], [(200, 200, 200)] * 2, 0.0)
    column = canvas.colour[:, 100, 0] / 200
    assert column[:80].sum() == pytest.approx(4, abs=0.4)
    assert column[80:].sum() == pytest.approx(2, abs=0.4)


def test_boxes_show_the_faces_turned_to_the_camera_and_shade_them(canvas):
    canvas.box((-1, 10, -3), (1, 12, -2), (200, 200, 200))
    top = canvas.colour[80 + 37, 100]
    front = canvas.colour[80 + 50, 100]
    assert top[0] == pytest.approx(200, abs=1)  # lit from above
    assert front[0] == pytest.approx(100, abs=1)  # ambient only


def test_dimming_lasts_as_long_as_its_block(canvas):
    with canvas.dimmed(0.5):
        canvas.polygon([(-1, 10, -1), (1, 10, -1), (1, 10, 1), (-1, 10, 1)], (200, 200, 200))
    assert canvas.colour[80, 100, 0] == 100
    assert canvas.dim == 1


def test_visible_span_of_a_wall(canvas):
    low, high = canvas.visible_span(1, 10.0, 60)
    assert (low, high) == pytest.approx((-5, 5), abs=1e-6)
    assert canvas.visible_span(1, -10.0, 60) is None
