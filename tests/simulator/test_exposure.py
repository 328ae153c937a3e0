"""The open shutter: smears as long as the movement, instants where something moves."""

import math

import numpy as np
import pytest

from fineparser.simulator.camera import Camera, orientation
from fineparser.simulator.exposure import MOST, STEP, open_shutter, smear, smears


def tilting_camera(rate, times, focal=400.0):
    """A camera in (0, -10, 2) that looks along +y and tilts by `rate` radians a second."""
    return Camera(
        position=np.array([0.0, -10.0, 2.0]),
        rotation=orientation(np.full(len(times), math.pi / 2), rate * times),
        focal=np.full(len(times), focal),
        principal_point=(56.0, 56.0),
        width=112,
        height=112,
    )


def still_pose(times):
    joints = np.zeros((1, len(times), 20, 3))
    joints[..., 2] = 2.0
    return joints


@pytest.mark.parametrize("way", [(6.0, 0.0), (0.0, 9.0), (5.0, -3.0), (2.2, 7.7)])
def test_a_point_smears_into_a_line_of_that_length(way):
    picture = np.zeros((41, 41), np.float32)
    picture[20, 20] = 1.0
    smeared = smear(picture, way)
    rows, columns = np.mgrid[:41, :41]
    assert smeared.sum() == pytest.approx(1.0, abs=1e-4)
    assert (smeared * columns).sum() == pytest.approx(20, abs=0.02)
    assert (smeared * rows).sum() == pytest.approx(20, abs=0.02)
    # A line of length L has a variance of L^2 / 12 along itself.
    along = ((columns - 20) * way[0] + (rows - 20) * way[1]) / np.hypot(*way)
    assert (smeared * along**2).sum() == pytest.approx(np.hypot(*way) ** 2 / 12, rel=0.2, abs=0.3)


def test_a_still_picture_is_left_alone():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert smear(picture, (0.2, -0.3)) is picture


def test_scenery_moves_by_rate_times_shutter_times_focal_length():
    times = np.arange(5) / 25
    camera = tilting_camera(-0.8, times)
    moved = smears(camera, np.array([0, 2]), times, 1 / 50)
    # The camera tilts down, so the scenery moves up.
    assert moved[0] == pytest.approx([0, -0.8 / 50 * 400], abs=0.02)


def test_a_still_diver_before_a_still_camera_is_drawn_once():
    times = np.arange(5) / 25
    views, instants = open_shutter(tilting_camera(0.0, times), np.arange(5), times, still_pose, 1 / 50)
    assert views.counts.tolist() == [1] * 5
    assert instants == pytest.approx(times)


def test_fast_frames_are_drawn_at_several_instants_within_the_shutter():
    times = np.arange(5) / 25

    def rising(when):
        joints = still_pose(when)
        joints[..., 2] += np.where(when > 0.1, 5.0 * (when - 0.1), 0.0)[None, :, None]
        return joints

    views, instants = open_shutter(tilting_camera(0.0, times), np.array([0, 3]), times, rising, 1 / 50)
    # 5 m/s for 1/50 s is 0.1 m: 4 pixels at 10 m and a focal length of 400.
    assert views.counts.tolist() == [1, math.ceil(4 / STEP)]
    assert np.abs(instants[1:] - times[3]).max() < 0.01
    assert instants[1:].mean() == pytest.approx(times[3])


def test_the_number_of_instants_is_bounded():
    times = np.arange(3) / 25
    views, _ = open_shutter(tilting_camera(-9.0, times), np.arange(3), times, still_pose, 1 / 50)
    assert views.counts.max() == MOST
