"""Data of the viewer's overlays: points in pixels of their own frames, unknown ones as None, plain values only."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fineparser.kinematics import Quantity
from fineparser.ui.viewer_motion import viewer_motion
from tests.builders import sample_kinematics

KINEMATICS = sample_kinematics()
FLIGHT, ENTRY = (int(np.flatnonzero(KINEMATICS.series.numbers >= frame)[0]) for frame in (18, 41))


def test_without_measurements_there_is_nothing_to_draw():
    assert viewer_motion(None, 10, 20) is None


def test_points_and_path_are_those_of_the_series():
    motion = json.loads(json.dumps(viewer_motion(KINEMATICS, FLIGHT, ENTRY), allow_nan=False))
    series = KINEMATICS.series
    assert np.allclose(motion["points"], series.keypoints, atol=0.051)
    assert np.allclose(motion["path"], series.centre_of_mass[FLIGHT : ENTRY + 1], atol=0.051)
    assert motion["lean"][FLIGHT] == pytest.approx(series.trunk_angle[FLIGHT] + 1.2, abs=0.051)
    assert motion["start"] == FLIGHT
    assert (motion["entry"]["frame"], motion["entry"]["text"]) == (41, "6\u00b0 short")
    assert {joint for bone in motion["bones"] for joint in bone} == set(range(7))


def test_the_path_follows_a_camera_that_moves():
    moving = np.tile(np.eye(3), (96, 1, 1))
    moving[:, 0, 2] = np.arange(96)
    motion = viewer_motion(replace(KINEMATICS, series=replace(KINEMATICS.series, camera=moving)), FLIGHT, ENTRY)
    index = FLIGHT + 5
    in_first = np.append(motion["path"][5], 1)
    shown = np.reshape(motion["camera"][index], (3, 3)) @ in_first
    assert np.allclose(shown[:2], KINEMATICS.series.centre_of_mass[index], atol=0.1)


def test_unknown_values_are_none():
    series = KINEMATICS.series
    points, lean = series.keypoints.copy(), series.trunk_angle.copy()
    points[3, 2], lean[4] = np.nan, np.nan
    kinematics = replace(
        KINEMATICS,
        series=replace(series, keypoints=points, trunk_angle=lean),
        entry_angle=Quantity.missing("deg", "no_entry"),
        vertical=Quantity.missing("deg", "no_scale"),
    )
    motion = viewer_motion(kinematics, FLIGHT, ENTRY)
    assert motion["points"][3][2] is None
    assert motion["points"][3][1] is not None
    assert motion["lean"][4] is None
    assert motion["tilt"] == 0
    assert motion["entry"] is None


def test_angles_stay_within_half_a_turn_of_the_vertical():
    series = replace(KINEMATICS.series, trunk_angle=np.full(96, 179.5))
    motion = viewer_motion(replace(KINEMATICS, series=series), FLIGHT, ENTRY)
    assert motion["lean"][0] == pytest.approx(-179.3)
