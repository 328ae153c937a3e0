"""The flight in metres: scale, vertical, place of the board, and the path of the body over it."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from fineparser.domain.clip_geometry import ANKLES, GRAVITY, KNEES, NECK, PELVIS, TOES, WRISTS
from fineparser.kinematics.body_path import STATURE_SHARE, BodyPath
from fineparser.kinematics.flight_transitions import (
    CORRELATED_FRAMES,
    FALL_EXCESS,
    FALL_EXCESS_ERROR,
    FlightTransitions,
)
from fineparser.kinematics.observation import DiveObservation
from fineparser.kinematics.quantity import Quantity

GRAVITY_SCALE_ERROR = 0.05
"""Relative error of the scale that follows from the fall, beside that of the fitted parabola: perspective, and camera
motion that was not compensated."""
BODY_SCALE_ERROR = 0.1
"""Relative error of the scale that follows from the length of the body: divers differ, and keypoints miss its ends."""
KEYPOINT_ERROR = 0.08
"""Error of a keypoint's distance from the skin at the nearest point, metres."""
BODY_LENGTH_ERROR = 0.06
"""Relative error of the length of the body in pixels."""
EDGE_ERROR = 0.1
"""Error of the place of the edge, metres: the feet stand a little behind it."""
HEIGHT_SCALE_ERROR = 0.03
"""Relative error of the scale that follows from the height of the board, beside that of the fall."""
CERTAIN_HEIGHT = 0.9
"""Probability from which on an estimated height counts as known."""
TILT_PRIOR = 2.0
"""Standard deviation of the tilt of cameras in degrees: most are held level."""
TILT_ERROR = 2.0
"""Error of a measured vertical in degrees beside that of the parabola: perspective bends paths."""
CONTACT_FRAMES = 3
"""Frames before the last contact in which the feet, or hands, on the board are located."""
LEVEL_SECONDS = 0.12
"""Seconds after the touch in which the lowest point of the body shows the level of the water."""
BOARD_LEVEL = 0.3
"""Metres above and below the board within which a part of the body passes it."""
SEGMENTS = ((PELVIS, NECK), (KNEES, ANKLES))
"""Segments of the body that turn with the somersault and keep their length."""
ASPECTS = np.exp(np.linspace(math.log(0.3), math.log(2.5), 150))
"""Ratios of horizontal to vertical scale that are tried."""
ASPECT_PRIOR = 0.25
"""Standard deviation of the logarithm of this ratio: cameras look obliquely, and some pictures are stretched."""
LENGTH_ERROR = 0.1
"""Relative error of the length of a segment in one frame, beside that of its keypoints."""
ASPECT_MODEL_ERROR = 0.05
"""Error of the logarithm of the ratio beside what follows from the segments."""
STANCE, STANCE_ERROR = 1.13, 0.07
"""Metres of the centre of mass above the board at the last contact, on the toes with raised arms: mean and standard
deviation over simulated divers."""
MEASURED_STANCE_ERROR = 0.25
"""Error of this height as measured, metres."""
MAX_DISAGREEMENT = 0.6
"""Difference of the logarithms of two scales above which the path is not the diver's: gravity does not change, and no
diver is half as tall as another."""
APEX_ERROR = 0.06
"""Error in seconds of the time at which the centre of mass is highest: seen from above, a diver who moves away from the
camera seems to rise longer."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Flight:
    """Scale and place of a flight. Points of its plane are metres out from the edge of the board and up from the water.

    Beside its arguments it holds what they were measured from.
    """

    path: BodyPath
    transitions: FlightTransitions
    scale: float
    """Pixels of the first frame a metre."""
    scale_error: float
    """Relative."""
    is_tracked: bool
    """False where the path falls as no diver does: it is something else's, or the camera motion is wrong."""
    aspect: float
    """Pixels a metre in the direction away from the board over those of the vertical."""
    aspect_error: float
    """Relative."""
    tilt: float
    """Degrees clockwise by which the true vertical is turned from that of the picture."""
    tilt_error: float
    edge: np.ndarray
    """float64 [2]: the feet, or hands, at the last contact, pixels of the first frame."""
    water: np.ndarray
    """float64 [2]: the lowest point of the body at the touch, pixels of the first frame."""
    height: float | None
    """Of the board in metres, given or clear from the flight; None where it is not known."""

    @classmethod
    def measure(
        cls, observation: DiveObservation, path: BodyPath, transitions: FlightTransitions, height: float | None = None
    ) -> Self:
        """Measure scale, vertical and the places of board and water.

        Args:
            observation: of the dive.
            path: of its body.
            transitions: of it.
            height: of the board in metres; None: the estimated one, if it is clear.
        """
        if height is None:
            likely = max(transitions.height_probabilities, key=transitions.height_probabilities.__getitem__)
            height = likely if transitions.height_probabilities[likely] >= CERTAIN_HEIGHT else None
        scale, scale_error, is_tracked = _scale(path, transitions, height)
        aspect, aspect_error = _aspect(observation, transitions)
        tilt, tilt_error = _tilt(transitions)
        since = path.seconds - transitions.entry_seconds
        at_touch = path.lowest[(since >= 0) & (since <= LEVEL_SECONDS) & np.isfinite(path.lowest).all(1)]
        water = np.median(at_touch, axis=0) if len(at_touch) else np.full(2, np.nan)
        return cls(
            path=path,
            transitions=transitions,
            scale=scale,
            scale_error=scale_error,
            is_tracked=is_tracked,
            aspect=aspect,
            aspect_error=aspect_error,
            tilt=tilt,
            tilt_error=tilt_error,
            edge=_contact(observation, transitions),
            water=water,
            height=height,
        )

    @cached_property
    def down(self) -> np.ndarray:
        """float64 [2]: unit vector down along the true vertical."""
        angle = math.radians(self.tilt)
        return np.array([-math.sin(angle), math.cos(angle)])

    @cached_property
    def outwards(self) -> np.ndarray:
        """float64 [2]: unit vector along the horizontal, away from the board."""
        right = np.array([self.down[1], -self.down[0]])
        drift = self.transitions.parabola.speed_at(self.transitions.parabola.origin) @ right
        return right * (1.0 if drift >= 0 else -1.0)

    @cached_property
    def board_height(self) -> float:
        """Metres of the edge above the water: the height of the board or, where it is not known, as measured."""
        return self.height if self.height is not None else float((self.water - self.edge) @ self.down / self.scale)

    def to_plane(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 2] in pixels of the first frame -> metres [..., 2]: out from the edge, up from the water."""
        out = (points - self.edge) @ self.outwards / self.aspect
        up = (self.edge - points) @ self.down
        return np.stack([out / self.scale, up / self.scale + self.board_height], axis=-1)

    # Quantities

    @cached_property
    def _air_time(self) -> tuple[float, float]:
        """Seconds of real time and their error."""
        factor = self.transitions.time_scale
        value = self.transitions.air_time / factor
        error = math.hypot(self.transitions.flight_error, self.transitions.entry_error) / factor
        return value, math.hypot(error, self.time_scale_error * value)

    def air_time(self) -> Quantity:
        """Real time from the last contact to the touch."""
        return Quantity.measured(*self._air_time, "s", self.frames)

    @cached_property
    def _speed(self) -> tuple[float, float]:
        """Vertical speed at the last contact and its error, m/s: from the time to the top of the flight and, where the
        height is known, from the time that the fall takes."""
        factor, transitions = self.transitions.time_scale, self.transitions
        rise = (transitions.parabola.top - transitions.flight_seconds) / factor
        error = GRAVITY * math.hypot(transitions.flight_error / factor, APEX_ERROR, self.time_scale_error * rise)
        estimates = [(GRAVITY * rise, error)]
        if self.height is not None:
            air, air_error = self._air_time
            fall = self.height + FALL_EXCESS
            by_time = (GRAVITY / 2 + fall / air**2) * air_error
            estimates.append((GRAVITY * air / 2 - fall / air, math.hypot(by_time, FALL_EXCESS_ERROR / air)))
        value, error = _weighted_mean(estimates)
        return max(value, 0.0), error

    def take_off_speed(self) -> Quantity:
        """Vertical speed of the centre of mass at the last contact."""
        value, error = self._speed
        return Quantity.measured(value, error, "m/s", self.frames[:1])

    def height_above_board(self) -> Quantity:
        """Of the centre of mass at the top of the flight: its height at the last contact, and how far it rises by the
        take-off speed."""
        at_contact = self.transitions.parabola.place(self.transitions.flight_seconds)
        measured = float((self.edge - at_contact) @ self.down / self.scale)
        stance, stance_error = _weighted_mean([(STANCE, STANCE_ERROR), (measured, MEASURED_STANCE_ERROR)])
        speed, speed_error = self._speed
        rise = speed**2 / (2 * GRAVITY)
        top = int(np.abs(self.path.seconds - self.transitions.parabola.top).argmin())
        error = math.hypot(stance_error, speed * speed_error / GRAVITY)
        return Quantity.measured(stance + rise, error, "m", (int(self.path.numbers[top]),))

    def entry_distance(self) -> Quantity:
        """Horizontally from the edge of the board to the place of the touch."""
        if not self.is_tracked:
            return Quantity.missing("m", "diver_not_visible")
        if not np.isfinite(self.water).all():
            return Quantity.missing("m", "no_entry")
        value = float(self.to_plane(self.water)[0])
        return Quantity.measured(value, self.distance_error(value), "m", self.frames[1:])

    def closest_distance(self, observation: DiveObservation) -> Quantity:
        """Horizontally from the edge of the board to the nearest part of the body that passes its level on the way
        down."""
        if not self.is_tracked:
            return Quantity.missing("m", "diver_not_visible")
        frames = observation.distinct
        frames = frames[
            (self.path.seconds[frames] > self.transitions.parabola.top) & (frames <= self.transitions.entry)
        ]
        points = self.to_plane(observation.compensate(observation.points)[frames])
        is_passing = np.abs(points[..., 1] - self.board_height) <= BOARD_LEVEL
        if not is_passing.any():
            return Quantity.missing("m", "no_board")
        out = np.where(is_passing, points[..., 0], np.inf)
        frame = int(out.min(axis=1).argmin())
        value = float(out.min())
        error = math.hypot(self.distance_error(value), KEYPOINT_ERROR)
        return Quantity.measured(value, error, "m", (int(self.path.numbers[frames[frame]]),))

    def scale_at_entry(self, observation: DiveObservation) -> Quantity:
        """Pixels of the frame of the touch a metre."""
        value = self.scale / float(observation.camera_scale[self.transitions.entry])
        return Quantity.measured(value, value * self.scale_error, "px/m", self.frames[1:])

    def time_scale(self) -> Quantity:
        """Factor by which the clip runs slower than life."""
        value = self.transitions.time_scale
        return Quantity.measured(value, value * self.time_scale_error, "", self.frames)

    def vertical(self) -> Quantity:
        """Angle of the true vertical, clockwise from that of the picture."""
        return Quantity.measured(self.tilt, self.tilt_error, "deg", self.frames)

    def body_height(self, observation: DiveObservation) -> Quantity:
        """Length of the body from crown to toes, in pixels of the frame of the touch."""
        value = self.path.length * STATURE_SHARE / float(observation.camera_scale[self.transitions.entry])
        return Quantity.measured(value, value * BODY_LENGTH_ERROR, "px", self.frames)

    def path_in_metres(self) -> np.ndarray:
        """float64 [T, 2]: of the centre of mass out from the edge of the board and above the water."""
        return self.to_plane(self.path.centre)

    def distance_error(self, metres: float) -> float:
        """Standard error of a distance from the edge, metres."""
        return math.hypot(metres * math.hypot(self.scale_error, self.aspect_error), EDGE_ERROR)

    @cached_property
    def frames(self) -> tuple[int, int]:
        """Source frame numbers of the last contact and the touch."""
        return int(self.path.numbers[self.transitions.flight]), int(self.path.numbers[self.transitions.entry])

    @cached_property
    def time_scale_error(self) -> float:
        """Relative error of the time scale; 0 in real time."""
        return 0.0 if self.transitions.time_scale == 1 else 0.5 * math.hypot(BODY_SCALE_ERROR, GRAVITY_SCALE_ERROR)


def _scale(path: BodyPath, transitions: FlightTransitions, height: float | None) -> tuple[float, float, bool]:
    """Pixels of the first frame a metre, the relative error, and whether the path is the diver's.

    The scale is the mean of what the fall, the length of the body and the height of the board give, weighted by their
    precision; by the length of the body alone, if the fall of the path is none of a diver.
    """
    fall = float(np.linalg.norm(transitions.parabola.acceleration))
    body = math.log(path.metre), BODY_SCALE_ERROR
    estimates = [body]
    if transitions.time_scale == 1:
        error = math.hypot(transitions.parabola.acceleration_error / fall, GRAVITY_SCALE_ERROR)
        estimates.append((math.log(fall / GRAVITY), error))
    if height is not None:
        start, end = transitions.parabola.place(np.array([transitions.flight_seconds, transitions.entry_seconds]))
        metres = height + FALL_EXCESS
        drop = max(float(end[1] - start[1]), 1e-3)
        estimates.append((math.log(drop / metres), math.hypot(FALL_EXCESS_ERROR / metres, HEIGHT_SCALE_ERROR)))
    is_tracked = all(abs(value - body[0]) <= MAX_DISAGREEMENT for value, _ in estimates)
    value, error = _weighted_mean(estimates if is_tracked else [body])
    return math.exp(value), error, is_tracked


def _weighted_mean(estimates: list[tuple[float, float]]) -> tuple[float, float]:
    """Mean of estimates (value, standard error), weighted by their precision, and its error."""
    values, errors = np.array(estimates).T
    weights = 1 / errors**2
    mean = float((weights * values).sum() / weights.sum())
    # Estimates that disagree by more than their errors make the mean less certain.
    disagreement = math.sqrt(max(float((weights * (values - mean) ** 2).mean()), 1.0))
    return mean, disagreement / math.sqrt(float(weights.sum()))


def _aspect(observation: DiveObservation, transitions: FlightTransitions) -> tuple[float, float]:
    """Ratio of the scale away from the board to the vertical one, and its relative error.

    A segment of the body keeps its length while it turns in the plane of the dive: the ratio is the one at which that
    length varies least over the flight.
    """
    frames = observation.distinct
    frames = frames[(frames >= transitions.flight) & (frames <= transitions.entry)]
    scale = observation.camera_scale[frames]
    cost = (np.log(ASPECTS) / ASPECT_PRIOR) ** 2 / 2
    for start, end in SEGMENTS:
        vector = (observation.points[frames, end] - observation.points[frames, start]) * scale[:, None]
        variance = (observation.point_errors[frames][:, [start, end]] ** 2).sum(1) * scale**2
        lengths = np.log(np.hypot(vector[:, 0] / ASPECTS[:, None], vector[:, 1]) + 1e-9)
        errors = np.hypot(LENGTH_ERROR, np.sqrt(variance) / (np.hypot(*vector.T) + 1e-9))
        distance = (lengths - np.median(lengths, axis=1, keepdims=True)) / errors
        cost += np.log1p(distance**2 / 2).sum(1) / CORRELATED_FRAMES
    weights = np.exp(cost.min() - cost)
    weights /= weights.sum()
    mean = float((weights * np.log(ASPECTS)).sum())
    spread = math.sqrt(float((weights * (np.log(ASPECTS) - mean) ** 2).sum()))
    return math.exp(mean), math.hypot(spread, ASPECT_MODEL_ERROR)


def _tilt(transitions: FlightTransitions) -> tuple[float, float]:
    """Tilt of the vertical and its error, degrees: along the acceleration of the fall, if that is better known than
    that cameras are held level."""
    x, y = transitions.parabola.acceleration
    measured = math.degrees(math.atan2(-x, y))
    error = math.hypot(math.degrees(transitions.parabola.acceleration_error / math.hypot(x, y)), TILT_ERROR)
    weight = TILT_PRIOR**2 / (TILT_PRIOR**2 + error**2)
    return weight * measured, math.sqrt(weight) * error


def _contact(observation: DiveObservation, transitions: FlightTransitions) -> np.ndarray:
    """Place of the feet, or the hands of an armstand, at the last contact: x, y in pixels of the first frame."""
    distinct = observation.distinct
    before = distinct[distinct < transitions.flight][-CONTACT_FRAMES:]
    points = observation.compensate(observation.points)[before]  # [n, 7, 2]
    feet = points[:, [ANKLES, TOES]].mean(1)
    is_inverted = bool(np.median(points[:, WRISTS, 1] - feet[:, 1]) > 0)
    contact = points[:, WRISTS] if is_inverted else points[:, TOES]
    return np.asarray(np.median(contact, axis=0))
