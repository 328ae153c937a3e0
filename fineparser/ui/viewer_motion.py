"""Data of the overlays that the viewer draws over the dive: skeleton, path, angle of the body and vertical line."""

import math

import numpy as np

from fineparser.domain.clip_geometry import NECK, PELVIS
from fineparser.kinematics import Kinematics
from fineparser.rendering.markings import BONES
from fineparser.rendering.measurements import angle_words
from fineparser.rendering.palette import ORANGE, SKY_BLUE, VERMILION

MATRIX_DIGITS = 7
"""Decimal places of the camera motion: a tenth of a pixel at the far edge of a large frame."""


def viewer_motion(kinematics: Kinematics | None, flight: int, entry: int) -> dict | None:
    """Motion of a dive as plain values for the viewer; None without measurements.

    `points` [T][7] are keypoints and `centre` [T] centres of mass in pixels of each sampled frame, `lean` [T] degrees
    clockwise from the true vertical to the trunk; None where unknown. `path` are the centres of mass from sampled frame
    `start` to the entry in pixels of the first sampled frame, and `camera` [T][9] maps these pixels to those of each
    sampled frame. `entry` is the line of the body at the touch with its angle in words; None where unknown.

    Args:
        kinematics: of the dive.
        flight, entry: sampled frames at which flight and entry begin.
    """
    if kinematics is None:
        return None
    series = kinematics.series
    tilt = kinematics.vertical.value or 0.0
    lean = (series.trunk_angle - tilt + 180) % 360 - 180
    path = _compensated(series.camera, series.centre_of_mass)[flight : entry + 1]
    return {
        "colours": {"path": VERMILION.css, "body": ORANGE.css, "vertical": SKY_BLUE.css},
        "bones": [list(bone) for bone in BONES],
        "trunk": [NECK, PELVIS],
        "points": [[_point(point) for point in points] for points in series.keypoints],
        "centre": [_point(point) for point in series.centre_of_mass],
        "lean": [_number(angle) for angle in lean],
        "start": flight,
        "path": [_point(point) for point in path],
        "camera": [np.linalg.inv(motion).round(MATRIX_DIGITS).ravel().tolist() for motion in series.camera],
        "tilt": round(tilt, 2),
        "entry": _entry(kinematics),
    }


def _entry(kinematics: Kinematics) -> dict | None:
    picture, words = kinematics.entry_picture, angle_words(kinematics.entry_angle)
    if picture is None or not words or not np.isfinite(picture.body_line).all():
        return None
    return {"frame": picture.frame, "line": [_point(end) for end in picture.body_line], "text": words}


def _compensated(camera: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [T, 2] of each frame in pixels of the first frame."""
    mapped = np.einsum("tij,tj->ti", camera, np.column_stack([points, np.ones(len(points))]))
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def _point(point: np.ndarray) -> list[float] | None:
    return [round(float(value), 1) for value in point] if np.isfinite(point).all() else None


def _number(value: float) -> float | None:
    return round(float(value), 1) if math.isfinite(value) else None
