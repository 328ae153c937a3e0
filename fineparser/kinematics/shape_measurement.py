"""Shape of the body in the flight: angles of hips, knees and feet, the position, and when it opens.

The angles are those that the motion head predicts in space, or, for a network without one, those of the keypoints in
the picture, which foreshortening and blur bend.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from fineparser.domain.clip_geometry import ANKLES, KNEES, NECK, PELVIS, TOES
from fineparser.domain.rules import POSITIONS
from fineparser.kinematics.flight_transitions import FlightTransitions
from fineparser.kinematics.observation import DiveObservation
from fineparser.kinematics.quantity import Quantity
from fineparser.kinematics.rotation_measurement import MIN_FLIGHT_FRAMES, flight_frames

SMOOTHING = 0.03
"""Standard deviation in seconds of real time of the Gaussian that smooths angles: shapes change in 0.2 s or more."""
MOTION_ERROR = 10.0
"""Standard error of an angle by the motion head, degrees."""
SPREAD_SHARE = 0.3
"""Error of the keypoints relative to each other over their predicted spread: most of it moves the whole body. Chosen so
that the tightest hip angles of about 40 simulated dives have errors of about the predicted size."""
MIN_ANGLE_ERROR = 5.0
"""Standard error of an angle by the keypoints beside that of their places: midpoints of joints are no joints."""
MAX_ANGLE_ERROR = 25.0
"""Median standard error of an angle in the flight, degrees, above which its size says nothing."""

FOLDED_SHARE = 0.35
"""Share of the flight's frames, those with the most bent hips, that shows the position: half-somersault dives fold for
about a third of the flight."""
TIGHT_QUANTILE = 5
"""Percentile of the hip angle that counts as the tightest for the position."""
POSITION_HIPS = {"A": 150.0, "B": 45.0, "C": 42.0}
POSITION_KNEES = {"A": 168.0, "B": 168.0, "C": 62.0}
"""Degrees of hips and knees in the closed shape, straight, pike and tuck."""
POSITION_SPREAD = 16.0
"""Standard deviation around them among divers, degrees."""
BLURRED_HIPS, BLURRED_KNEES = 55.0, 135.0
"""The same angles of keypoints that are anywhere."""
BLUR, BLUR_SPREAD = 2.0, 25.0
"""Spread of the keypoints over the trunk's length from which on they are anywhere, and what blur adds to the standard
deviation, degrees."""

MIN_OPENING = 35.0
"""Degrees by which the hips must open between the tightest shape and the entry for an opening to be measured."""
ENTRY_SECONDS = 0.1
"""Seconds of real time before the touch whose median is the shape of the entry."""
OPENING_ERROR = 0.03
"""Standard error of the opening beside that of the angles and of the touch, seconds."""
APART_ERROR = 0.06
"""Standard error of the distance of the ankles, metres."""
STRAIGHT_HIPS = 140.0
"""Hip angle from which on a tucked diver has opened, so that knees should be straight."""


@dataclass(frozen=True, eq=False, kw_only=True)
class JointAngles:
    """Angles of the T sampled frames, degrees, 180 straight or pointed, and their standard errors, float64 [T]."""

    hip: np.ndarray
    knee: np.ndarray
    foot: np.ndarray
    hip_error: np.ndarray
    knee_error: np.ndarray
    foot_error: np.ndarray
    blur: float
    """0 for keypoints that are exact or replaced by the motion head, 1 for such that are anywhere."""

    @classmethod
    def from_observation(cls, observation: DiveObservation) -> Self:
        """Angles by the motion head; without one, by the keypoints."""
        motion = observation.motion
        if motion is not None:
            hip, knee, foot = (
                angles.astype(np.float64) for angles in (motion.hip_angle, motion.knee_angle, motion.foot_angle)
            )
            error = np.full(len(observation), MOTION_ERROR)
            return cls(hip=hip, knee=knee, foot=foot, hip_error=error, knee_error=error, foot_error=error, blur=0.0)
        hip, hip_error = _angle(observation, NECK, PELVIS, KNEES)
        knee, knee_error = _angle(observation, PELVIS, KNEES, ANKLES)
        foot, foot_error = _angle(observation, KNEES, ANKLES, TOES)
        points = observation.points
        trunk = np.linalg.norm(points[:, NECK] - points[:, PELVIS], axis=-1)
        spread = observation.spread.mean((0, 2))
        return cls(
            hip=hip,
            knee=knee,
            foot=foot,
            hip_error=hip_error,
            knee_error=knee_error,
            foot_error=foot_error,
            blur=min(float(np.median(spread / np.maximum(trunk, 1e-9))) / BLUR, 1.0),
        )


def _angle(observation: DiveObservation, first: int, joint: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Angle [T] at a joint, mean of the predictions, and its standard error."""
    one = observation.keypoints[:, :, first] - observation.keypoints[:, :, joint]
    other = observation.keypoints[:, :, last] - observation.keypoints[:, :, joint]
    lengths = [np.maximum(np.linalg.norm(vectors, axis=-1), 1e-9) for vectors in (one, other)]
    cosine = (one * other).sum(-1) / (lengths[0] * lengths[1])
    angles = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    near, far = (np.maximum(length.mean(0), 1e-9) for length in lengths)
    errors = SPREAD_SHARE * observation.point_errors
    turn = np.sqrt(
        (errors[:, first] / near) ** 2 + (errors[:, last] / far) ** 2 + (errors[:, joint] * (1 / near + 1 / far)) ** 2
    )
    disagreement = angles.std(0)
    error = np.sqrt(np.degrees(turn) ** 2 + disagreement**2 + MIN_ANGLE_ERROR**2)
    return angles.mean(0), np.minimum(error, 90.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class ShapeMeasurement:
    """Shape of a dive in its flight."""

    angles: JointAngles
    """Of all sampled frames."""
    position_likelihood: dict[str, float]
    """Log-likelihood of each position but D (free), which may be any of the others."""
    tightest_hip: Quantity
    tightest_knee: Quantity
    opening_time: Quantity
    """Its frame is the one of the opening."""
    legs_apart: Quantity
    knee_bend: Quantity
    foot_bend: Quantity


def measure_shape(observation: DiveObservation, transitions: FlightTransitions) -> ShapeMeasurement | None:
    """Shape in the flight; None for a flight of too few frames."""
    frames = flight_frames(observation, transitions)
    if len(frames) < MIN_FLIGHT_FRAMES:
        return None
    angles = JointAngles.from_observation(observation)
    seconds = observation.seconds[frames] / transitions.time_scale
    hip, knee, foot = (smooth_angles(values[frames], seconds) for values in (angles.hip, angles.knee, angles.foot))
    folded = hip <= np.quantile(hip, FOLDED_SHARE)
    likelihood = _position_likelihood(
        float(np.percentile(hip, TIGHT_QUANTILE)), float(np.median(knee[folded])), angles.blur
    )
    numbers = observation.numbers[frames]
    hip_errors, knee_errors = angles.hip_error[frames], angles.knee_error[frames]
    tightest = int(hip.argmin())
    bent = int(np.where(folded, knee, np.inf).argmin())
    is_tuck = max(likelihood, key=likelihood.__getitem__) == "C"
    straight = hip >= STRAIGHT_HIPS if is_tuck else np.ones(len(hip), bool)
    return ShapeMeasurement(
        angles=angles,
        position_likelihood=likelihood,
        tightest_hip=_quantity(hip[tightest], hip_errors[tightest], numbers[[tightest]], hip_errors),
        tightest_knee=_quantity(knee[bent], knee_errors[bent], numbers[[bent]], knee_errors),
        opening_time=_opening(observation, transitions, frames, hip, hip_errors),
        legs_apart=_legs_apart(observation, frames),
        knee_bend=_bend(knee[straight], knee_errors[straight], numbers[straight]),
        foot_bend=_bend(foot, angles.foot_error[frames], numbers),
    )


def smooth_angles(values: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Values of frames, smoothed after a median of three that removes single mistakes."""
    padded = np.pad(values, 1, mode="edge")
    middle = np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)
    kernel = np.exp(-0.5 * ((seconds[:, None] - seconds) / SMOOTHING) ** 2)
    return np.asarray(kernel @ middle / kernel.sum(1))


def _position_likelihood(hip: float, knee: float, blur: float) -> dict[str, float]:
    """Log-likelihood of the positions A, B and C of angles in the closed shape."""

    def fit(value: float, expected: float, blurred: float) -> float:
        mean = (1 - blur) * expected + blur * blurred
        spread = POSITION_SPREAD + BLUR_SPREAD * blur
        return -0.5 * min(abs(value - mean) / spread, 3.0) ** 2

    return {
        position: fit(hip, POSITION_HIPS[position], BLURRED_HIPS) + fit(knee, POSITION_KNEES[position], BLURRED_KNEES)
        for position in POSITIONS
        if position in POSITION_HIPS
    }


def _quantity(value: float, error: float, numbers: np.ndarray, errors: np.ndarray) -> Quantity:
    """An angle; not measurable where the angles of the flight have too large errors."""
    if float(np.median(errors)) > MAX_ANGLE_ERROR:
        return Quantity.missing("deg", "too_small")
    return Quantity.measured(value, error, "deg", tuple(numbers))


def _opening(
    observation: DiveObservation,
    transitions: FlightTransitions,
    frames: np.ndarray,
    hip: np.ndarray,
    errors: np.ndarray,
) -> Quantity:
    """Seconds before the touch at which the hips pass half way from the tightest angle to that of the entry."""
    if float(np.median(errors)) > MAX_ANGLE_ERROR:
        return Quantity.missing("s", "too_small")
    seconds = (observation.seconds[frames] - transitions.entry_seconds) / transitions.time_scale
    last = seconds >= -ENTRY_SECONDS
    last[-1] = True
    before = np.flatnonzero(~last)
    if not len(before):
        return Quantity.missing("s", "no_shape")
    at_entry, tightest = float(np.median(hip[last])), int(before[hip[before].argmin()])
    if at_entry - hip[tightest] < MIN_OPENING:
        return Quantity.missing("s", "no_shape")
    half = (at_entry + hip[tightest]) / 2
    index = tightest + int((hip[tightest:] >= half).argmax())  # the first frame that is open
    share = (half - hip[index - 1]) / max(hip[index] - hip[index - 1], 1e-9)
    opening = float(seconds[index - 1] + share * (seconds[index] - seconds[index - 1]))
    rate = max(float(np.gradient(hip, seconds)[index]), 1.0)
    error = math.sqrt(
        OPENING_ERROR**2
        + (float(errors[index]) / rate / math.sqrt(2)) ** 2
        + (transitions.entry_error / transitions.time_scale) ** 2
    )
    return Quantity.measured(-opening, min(error, -opening + OPENING_ERROR), "s", (observation.numbers[frames[index]],))


def _legs_apart(observation: DiveObservation, frames: np.ndarray) -> Quantity:
    """Median distance of the ankles in the flight."""
    if observation.motion is None:
        return Quantity.missing("m", "no_motion_head")
    apart = observation.motion.ankles_apart[frames]
    ends = observation.numbers[frames[[0, -1]]]
    return Quantity.measured(float(np.median(apart)), APART_ERROR, "m", tuple(ends))


def _bend(angles: np.ndarray, errors: np.ndarray, numbers: np.ndarray) -> Quantity:
    """Median bend of a joint in frames in which it should be straight."""
    if len(angles) < MIN_FLIGHT_FRAMES // 2:
        return Quantity.missing("deg", "no_shape")
    if float(np.median(errors)) > MAX_ANGLE_ERROR:
        return Quantity.missing("deg", "too_small")
    return Quantity.measured(
        180.0 - float(np.median(angles)), float(np.median(errors)) / math.sqrt(2), "deg", (numbers[0], numbers[-1])
    )
