"""Camera views: world points in camera axes and in pixels."""

import numpy as np
import pytest

from fineparser.simulator.camera_views import CameraViews

VIEWS = CameraViews(
    rotation=np.array([[[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]], [[0, -1.0, 0], [0, 0, -1.0], [1.0, 0, 0]]]),
    focal=np.array([1000.0, 500.0]),
    position=np.array([0.0, -10.0, 3.0]),
    principal_point=(50.0, 40.0),
    size=(100, 80),
    counts=np.array([1, 1]),
)
"""The first view faces +y, the second +x."""


def test_points_in_camera_axes():
    points = np.array([[[1.0, 0.0, 5.0]], [[2.0, -9.0, 3.0]]])
    np.testing.assert_allclose(VIEWS.to_camera_axes(points), [[[1.0, -2.0, 10.0]], [[-1.0, 0.0, 2.0]]])
    second = VIEWS.to_camera_axes(points[1:], np.array([1]))
    np.testing.assert_allclose(second, [[[-1.0, 0.0, 2.0]]])


def test_pixels_of_points():
    assert VIEWS.to_pixels(np.array([1.0, 0.0, 5.0]), 0) == pytest.approx([150.0, -160.0])
    assert VIEWS.to_pixels(np.array([[2.0, -9.0, 3.0]]), 1)[0] == pytest.approx([-200.0, 40.0])


def test_points_behind_the_camera_have_no_pixels():
    assert VIEWS.to_pixels(np.array([[1.0, 0.0, 5.0], [0.0, -11.0, 3.0]]), 0) is None
