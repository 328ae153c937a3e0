"""The rendered blade is at the position of the board and hides the background."""

from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.filming.camera import orientation
from fineparser.simulator.flight import springboard
from fineparser.simulator.venue.board import Board

LIGHT = SimpleNamespace(direction=np.array([0.0, 0.0, 1.0]), ambient=0.5, colour=(1.0, 1.0, 1.0), exposure=1.0)
BOARD = Board(kind="springboard", height=3.0, colour=(150, 210, 210), thickness=0.05, width=0.5)


def views(level=3.0, tilt=0.0):
    return CameraViews(
        rotation=orientation(np.pi / 2, tilt),
        focal=np.array([800.0]),
        position=np.array([-1.0, -16.0, level]),
        principal_point=(80.0, 80.0),
        size=(160, 160),
        counts=np.array([1]),
    )


@pytest.mark.parametrize(
    ("camera", "feet", "between"), [(5.0, 3.0, False), (5.0, 1.0, True), (1.5, 3.0, True), (1.5, 1.0, False)]
)
def test_a_board_is_between_if_it_separates_camera_and_diver(camera, feet, between):
    assert springboard.is_between(BOARD, (0, -10, camera), feet) is between


def paint(views_, tip=0.0):
    image, cover = np.zeros((160, 160, 3), np.uint8), np.zeros((160, 160), np.uint8)
    edges = springboard.blade_edges(BOARD, 0.0, [tip], views_, np.array([0]))[0]
    springboard.draw_blade(image, cover, BOARD, 0.0, edges, views_.position, LIGHT)
    return image, cover


def test_the_blade_ends_at_the_tip_and_bends():
    image, cover = paint(views(level=4.0, tilt=-0.06))
    columns = np.nonzero(cover > 127)[1]
    # The tip is 1 m to the right of the camera's axis, 16 m away: 50 pixels.
    assert columns.max() == pytest.approx(80 + 50, abs=1.5)
    assert (image[cover == 255].max(1) > 30).all()
    _, pressed = paint(views(level=4.0, tilt=-0.06), tip=-0.4)
    assert np.nonzero(pressed[:, 125] > 127)[0].mean() > np.nonzero(cover[:, 125] > 127)[0].mean() + 8


def test_the_under_side_is_dark():
    from_above, cover_above = paint(views(level=6.0, tilt=-0.18))
    from_below, cover_below = paint(views(level=1.0, tilt=0.12))
    assert from_above[cover_above == 255].mean() > 1.5 * from_below[cover_below == 255].mean()


def test_a_platform_covers_its_slab():
    slab = Board(kind="platform", height=3.0, colour=(200, 200, 200), thickness=0.3, width=2.0)
    cover = np.zeros((160, 160), np.uint8)
    springboard.cover_platform(cover, slab, views(level=3.0), 0)
    columns = np.nonzero((cover > 127).any(0))[0]
    assert columns.max() == pytest.approx(80 + 800 / 15, abs=2)
    rows = np.nonzero(cover[:, 60] > 127)[0]
    assert len(rows) == pytest.approx(0.3 * 800 / 15, abs=2)


def test_a_blade_outside_of_the_image_has_no_edges():
    edges = springboard.blade_edges(BOARD, 0.0, [0.0], views(level=4.0, tilt=0.6), np.array([0]))
    assert np.isnan(edges).all()
