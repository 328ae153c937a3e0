"""Check of a dive number against the clip: rotation, direction, twists, start and height.

Each rule warns only where its evidence is strong: a false alarm costs more trust than a miss. The thresholds were set
on simulated dives and on real ones, see docs/experiments.md.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch

from fineparser.analysis.clip_scan import MotionEnergy
from fineparser.analysis.quality_checks import MIN_CONFIDENCE
from fineparser.analysis.report import Transition
from fineparser.domain.clip_geometry import GRAVITY
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.rules import DIRECTIONS, MAX_HALF_SOMERSAULTS, flight_seconds
from fineparser.exemplars.exemplar import DiveSpec
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.model.config import KEYPOINTS, CompactConfig, NetworkConfig
from fineparser.model.crop_decoder import ANKLES, HEAD, KNEES, NECK, PELVIS
from fineparser.model.protocol import Diagnostics, Encoding
from fineparser.quality_warning import QualityWarning, Value
from fineparser.video.clip import Clip

MIN_FLIGHT_FRAMES = 6
"""Frames of the flight from which on it is checked."""

# Rotation: the path of the trunk's angle through the flight.

ANGLE_STEP = 7.5
"""Degrees between two angles that a path may take; divides a full turn."""
FIRST_ANGLE, LAST_ANGLE = -90.0, 180.0 * (MAX_HALF_SOMERSAULTS + 1) + 90.0
"""Least and largest of them: from before the start to beyond the end of 5 1/2 somersaults from an armstand."""
SPINS = 24
"""Speeds of rotation that a path may take, from none to the largest."""
MAX_TURN = 2300.0
"""Degrees in one flight at the largest speed all the way: somewhat more than the mean of 5 1/2 somersaults."""
SPIN_CHANGE = 0.1
"""Standard deviation of the change of speed within a 45th of the flight, as a share of the largest speed: divers open
and close their shape gradually, and never turn back."""
ANGLE_CONCENTRATION = 6.0
"""Of the von Mises distribution of a trunk's angle around the true one: 25 degrees."""
FLIPPED_SHARE, RANDOM_SHARE = 0.15, 0.15
"""Share of the keypoints with head and feet swapped, and of those that are anywhere."""
START_LEAN = 30.0
"""Degrees by which the trunk may lean at the take-off at no cost."""
SHORT_ENTRY, LONG_ENTRY = 40.0, 25.0
"""Degrees by which an entry may be short or long at no cost; amateurs are mostly short."""
END_SPREAD = 25.0
"""Standard deviation of lean and entry beyond these limits, degrees."""
MIN_FIT = 0.5
"""Mean log-likelihood of the best path a frame, relative to keypoints that are anywhere: below it nothing is clear."""
MIN_ROTATION_GAP = 2.5
"""Log-likelihood by which another number of half somersaults must fit better than the given one."""
MIN_SENSE_GAP = 6.0
"""Log-likelihood by which one sense of rotation must fit better than the other."""
MIN_DRIFT = 0.35
"""Body lengths that the diver must move away from the board for its side to be known."""

AWAY_FROM_BOARD, TOWARDS_BOARD = (1, 2), (3, 4)
"""Keys of `DIRECTIONS`, by the side to which the head moves first."""

# The start.

STANCE = (0.02, 0.35)
"""Time before the flight in which the start is observed, as shares of the flight's duration."""
MIN_STANCE_FRAMES = 3
MIN_STANCE_SHARE = 0.8
"""Share of these frames in which the trunk must be upright, or inverted."""
MIN_UPRIGHT = 0.3
"""Cosine of the trunk's angle from which on it counts as upright, and below whose negative as inverted."""

# The fall.

BODY_LENGTH = 1.62
"""Metres from ankles to the middle of the head, with straight legs, as the keypoints give it."""
TRUSTED_GRAVITY = (0.6, 1.7)
"""Acceleration of the diver, in units of gravity, within which the measured fall is trusted: outside it the clip runs
in slow motion, or the camera motion is wrong."""
MAX_FALL_ERROR = 0.25
"""Root mean square distance from a parabola, body lengths, up to which the measured fall is trusted."""
LOW_FALL, HIGH_FALL = (0.7, -2.5), (1.5, 3.0)
"""Slope and offset (metres), over the given height, of the least and of the largest fall that fit it."""

# Twists.

FEW_TWISTS, MANY_TWISTS = 0.25, 0.7
"""Outputs of a `TwistClassifier` below which a dive does not twist, and above which it does."""
RIDGE = 300.0
"""Penalty of its ridge regression, for features of unit variance."""
MIN_EXEMPLARS = 50
"""Exemplars with twists, and without, from which on it is fitted."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DiverTrack:
    """Keypoints of the diver in the T sampled frames of a clip, predicted P times."""

    keypoints: np.ndarray
    """float64 [P, T, 7, 2]: positions of `fineparser.domain.clip_geometry.LANDMARKS` (x, y) in source pixels."""
    spread: np.ndarray
    """float64 [P, T, 7]: root mean square distance of each from the truth, as predicted, source pixels."""
    seconds: np.ndarray
    """float64 [T]: time of each frame."""
    camera: np.ndarray
    """float64 [T, 3, 3]: maps points of each frame onto the first one, in heights of the frame."""
    frame_height: int
    """Pixels."""

    @classmethod
    def from_diagnostics(
        cls,
        diagnostics: Diagnostics,
        config: NetworkConfig,
        clip: Clip,
        motion: MotionEnergy,
        seconds: np.ndarray,
    ) -> Self | None:
        """Track of a clip that was encoded alone; None for a network without keypoints.

        Args:
            diagnostics: of that clip.
            config: of the network.
            clip: the frames.
            motion: of these 96 frames.
            seconds: [96] real time of each frame.
        """
        if not isinstance(config, CompactConfig) or diagnostics.frame_features is None:
            return None
        features = diagnostics.frame_features[0].double().cpu().numpy()  # [2, 96, 445]
        end = config.frame_features
        points = features[..., end - 3 * KEYPOINTS : end].reshape(*features.shape[:2], KEYPOINTS, 3)
        # The last three of `CropTrack.measures`.
        centre, half_side = features[..., None, -3:-1], np.exp(features[..., -1])[..., None] / 4
        places = centre + half_side[..., None] * points[..., :2]
        places[1, ..., 0] *= -1  # the second pass saw the mirror image
        index = np.arange(features.shape[1])[:, None]
        boxes = clip.framing.boxes
        side = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[:, None]
        return cls(
            keypoints=clip.framing.to_source(places + 0.5, index, size=1),
            spread=points[..., 2] * half_side * side,
            seconds=seconds,
            camera=motion.camera,
            frame_height=clip.info.height,
        )

    def select(self, frames: np.ndarray) -> Self:
        """Some of the frames, without repetitions of a source frame; indices in order."""
        frames = frames[np.diff(self.seconds[frames], prepend=-np.inf) > 0]
        return type(self)(
            keypoints=self.keypoints[:, frames],
            spread=self.spread[:, frames],
            seconds=self.seconds[frames],
            camera=self.camera[frames],
            frame_height=self.frame_height,
        )

    def __len__(self) -> int:
        return len(self.seconds)

    def angles(self, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Angle from the pelvis to another keypoint, [P, T] radians clockwise from the vertical, and its weight.

        The weight, 0 to 1, is small where the distance is small beside the spread.
        """
        vector = self.keypoints[:, :, end] - self.keypoints[:, :, PELVIS]
        length = (vector**2).sum(-1)
        variance = self.spread[:, :, end] ** 2 + self.spread[:, :, PELVIS] ** 2
        return np.arctan2(vector[..., 0], -vector[..., 1]), length / (length + variance)

    @cached_property
    def body_length(self) -> float:
        """Length from ankles to head in heights of the frame: sum of the segments, each where it is seen at length."""
        points = self.keypoints.mean(0) / self.frame_height

        def length(start: int, end: int) -> np.ndarray:
            return np.linalg.norm(points[:, end] - points[:, start], axis=-1)

        parts = (length(PELVIS, NECK), length(PELVIS, KNEES) + length(KNEES, ANKLES), length(NECK, HEAD))
        return float(sum(np.percentile(part, 75) for part in parts))

    @cached_property
    def path(self) -> np.ndarray:
        """Path of the pelvis in body lengths, float64 [T, 2] (x, y down), with the camera motion compensated."""
        points = self.keypoints.mean(0)[:, PELVIS] / self.frame_height
        mapped = np.einsum("tij,tj->ti", self.camera, np.column_stack([points, np.ones(len(points))]))
        return mapped[:, :2] / self.body_length


@dataclass(frozen=True, eq=False)
class Rotation:
    """Log-likelihoods of the rotation through the flight."""

    likelihood: np.ndarray
    """[2, N]: of clockwise and counterclockwise rotation by 0, 1, ... half turns from upright."""
    frames: int
    """Frames of the flight."""

    @property
    def is_clear(self) -> bool:
        """True if the keypoints follow a rotation."""
        return bool(self.likelihood.max() >= MIN_FIT * self.frames)

    @property
    def half_turns(self) -> int:
        """The most likely number."""
        return int(self.likelihood.max(0).argmax())

    def gap(self, half_turns: int) -> float:
        """Log-likelihood of the most likely number minus that of another."""
        by_number = self.likelihood.max(0)
        return float(by_number.max() - by_number[half_turns])

    @property
    def clockwise_gap(self) -> float:
        """Log-likelihood of clockwise minus counterclockwise rotation."""
        clockwise, counterclockwise = self.likelihood.max(1)
        return float(clockwise - counterclockwise)


def measure_rotation(flight: DiverTrack, *, is_inverted: bool) -> Rotation:
    """Rotation through a flight.

    Viterbi's algorithm over paths of the trunk's angle: a path starts upright (or inverted), turns in one sense at a
    speed that changes gradually, and ends upright or inverted.

    Args:
        flight: the frames of the flight, two at least.
        is_inverted: for a start from an armstand.
    """
    grid = np.arange(round(FIRST_ANGLE / ANGLE_STEP), round(LAST_ANGLE / ANGLE_STEP) + 1) * ANGLE_STEP
    fit = _angle_likelihood(flight, grid)  # [2, T, G]
    duration = flight.seconds[-1] - flight.seconds[0]
    spins = np.linspace(0.0, MAX_TURN / duration, SPINS)
    start = -0.5 * (np.maximum(np.abs(grid - 180.0 * is_inverted) - START_LEAN, 0) / END_SPREAD) ** 2
    score = np.repeat((start.astype(np.float32) + fit[:, 0])[:, None], SPINS, axis=1)  # [2, spins, G]
    for index, step in enumerate(np.diff(flight.seconds), start=1):
        score = _with_spin_changes(score, SPIN_CHANGE * (SPINS - 1) * math.sqrt(45 * step / duration))
        source = np.arange(len(grid)) - np.rint(spins * step / ANGLE_STEP).astype(int)[:, None]
        moved = np.take_along_axis(score, np.maximum(source, 0)[None], axis=2)
        score = np.where(source >= 0, moved, -np.inf).astype(np.float32) + fit[:, index, None]
    off = grid - 180.0 * np.arange(MAX_HALF_SOMERSAULTS + 2)[:, None]
    end = np.maximum(-off - SHORT_ENTRY, 0) ** 2 + np.maximum(off - LONG_ENTRY, 0) ** 2
    return Rotation((score.max(1)[:, None] - 0.5 * end / END_SPREAD**2).max(-1), len(flight))


def _with_spin_changes(score: np.ndarray, deviation: float) -> np.ndarray:
    """Best score [2, spins, G] after a change of speed with a standard deviation in steps of the speed."""
    reach = min(SPINS - 1, math.ceil(3 * deviation))
    padded = np.pad(score, ((0, 0), (reach, reach), (0, 0)), constant_values=-np.inf)
    best = score.copy()
    for change in range(-reach, reach + 1):
        cost = np.float32(0.5 * (change / deviation) ** 2)
        np.maximum(best, padded[:, reach + change : reach + change + SPINS] - cost, out=best)
    return best


def _angle_likelihood(flight: DiverTrack, grid: np.ndarray) -> np.ndarray:
    """Mean log-likelihood of each angle of a grid (degrees, turning clockwise and counterclockwise) in each frame,
    float32 [2, T, G]."""
    circle = np.arange(0.0, 360.0, ANGLE_STEP)
    total = np.zeros((len(flight), len(circle)))
    for end in (NECK, HEAD):
        angles, weights = flight.angles(end)
        cosine = np.cos(angles[..., None] - np.radians(circle))
        near, swapped = np.exp(ANGLE_CONCENTRATION * cosine), np.exp(-ANGLE_CONCENTRATION * cosine)
        density = ((1 - FLIPPED_SHARE) * near + FLIPPED_SHARE * swapped) / np.i0(ANGLE_CONCENTRATION)
        share = weights[..., None] * (1 - RANDOM_SHARE)
        total += np.log(share * density + 1 - share).mean(0)
    steps = np.rint(grid / ANGLE_STEP).astype(int)
    both = [total[:, sign * steps % len(circle)] for sign in (1, -1)]
    return np.stack(both).astype(np.float32) / 2


def starts_inverted(track: DiverTrack, flight: int, entry: int) -> bool | None:
    """Whether a dive starts from an armstand; None if it is not clear.

    Args:
        track: of the clip.
        flight, entry: sampled frames at which flight and entry begin.
    """
    seconds = track.seconds
    nearest, farthest = (seconds[flight] - share * (seconds[entry] - seconds[flight]) for share in STANCE)
    frames = np.flatnonzero((seconds > farthest) & (seconds < nearest))
    if len(frames) < MIN_STANCE_FRAMES:
        return None
    upright = np.cos(track.select(frames).angles(NECK)[0])
    if (upright > MIN_UPRIGHT).mean() >= MIN_STANCE_SHARE:
        return False
    return True if (upright < -MIN_UPRIGHT).mean() >= MIN_STANCE_SHARE else None


@dataclass(frozen=True)
class MeasuredFall:
    """The fall of a diver, from the take-off to the entry."""

    metres: float
    """Height, by the length of the body."""
    gravity: float
    """Acceleration by the same scale, in units of gravity."""
    error: float
    """Root mean square distance from a parabola, body lengths."""
    drift: float
    """Body lengths to the right."""

    @classmethod
    def from_flight(cls, flight: DiverTrack) -> Self:
        """Fall in the frames of a flight, three at least."""
        seconds = flight.seconds - flight.seconds[0]
        x, y = flight.path.T
        parabola = np.polyfit(seconds, y, 2)
        error = float(np.sqrt(np.mean((np.polyval(parabola, seconds) - y) ** 2)))
        metres = BODY_LENGTH * float(np.median(y[-3:]) - np.median(y[:2]))
        drift = float(np.polyfit(seconds, x, 1)[0] * seconds[-1])
        return cls(metres, 2 * float(parabola[0]) * BODY_LENGTH / GRAVITY, error, drift)

    @property
    def is_trusted(self) -> bool:
        """True if the diver falls as bodies fall."""
        least, largest = TRUSTED_GRAVITY
        return least <= self.gravity <= largest and self.error <= MAX_FALL_ERROR

    @property
    def estimates(self) -> tuple[float, float]:
        """Metres by the length of the body, and by gravity, of which the first depends on the diver's size and the
        second on the frame rate."""
        return self.metres, self.metres / self.gravity


@dataclass(frozen=True, eq=False)
class TwistClassifier:
    """Linear classifier of twisting dives by their encodings, fitted to the exemplars of a bank."""

    weights: np.ndarray
    """float64 [C]."""
    offset: float

    @classmethod
    def from_bank(cls, bank: ExemplarBank | None) -> Self | None:
        """Ridge regression; None with too few exemplars, or encodings without static tokens."""
        if bank is None or bank.encodings.static is None:
            return None
        twisting = np.array([exemplar.code.twisting for exemplar in bank.exemplars], np.float64)
        if min(twisting.sum(), (1 - twisting).sum()) < MIN_EXEMPLARS:
            return None
        features = _features(bank.encodings)
        centre, deviation = features.mean(0), features.std(0) + 1e-6
        unit = (features - centre) / deviation
        squares = unit.T @ unit + RIDGE * np.eye(unit.shape[1])
        weights = np.linalg.solve(squares, unit.T @ (twisting - twisting.mean())) / deviation
        return cls(weights, float(twisting.mean() - centre @ weights))

    def predict(self, encoding: Encoding) -> float:
        """About 1 for a dive that twists and about 0 for one that does not; `encoding` of one clip."""
        return float(_features(encoding)[0] @ self.weights + self.offset)


def _features(encodings: Encoding) -> np.ndarray:
    assert encodings.static is not None
    tokens = torch.cat([encodings.dynamic.flatten(1), encodings.static.flatten(1)], dim=1)
    return tokens.double().cpu().numpy()


def check_dive_number(
    spec: DiveSpec,
    track: DiverTrack,
    flight: Transition,
    entry: Transition,
    twist: float | None = None,
) -> list[QualityWarning]:
    """Check that a dive number and a height fit the clip.

    Nothing is checked with an uncertain transition.

    Args:
        spec: dive number and height.
        track: of the clip.
        flight, entry: transitions of the clip.
        twist: output of a `TwistClassifier`; None: not known.

    Returns:
        Warnings "number_start", "number_rotation", "number_direction", "number_twists" and "number_height".
    """
    if min(flight.confidence, entry.confidence) < MIN_CONFIDENCE:
        return []
    in_flight = track.select(np.arange(flight.index, entry.index + 1))
    if len(in_flight) < MIN_FLIGHT_FRAMES:
        return []
    is_inverted = starts_inverted(track, flight.index, entry.index)
    start = spec.code.armstand if is_inverted is None else is_inverted
    rotation, fall = measure_rotation(in_flight, is_inverted=start), MeasuredFall.from_flight(in_flight)
    warnings = [
        None if is_inverted is None else _check_start(spec.code, is_inverted),
        _check_rotation(spec.code, rotation, start),
        _check_direction(spec.code, rotation, fall),
        None if twist is None else _check_twists(spec.code, twist),
        _check_height(spec, fall, float(in_flight.seconds[-1] - in_flight.seconds[0])),
    ]
    return [warning for warning in warnings if warning is not None]


def _check_start(code: DiveCode, is_inverted: bool) -> QualityWarning | None:
    if code.armstand == is_inverted:
        return None
    return QualityWarning("number_start", {"code": str(code), "seen": "armstand" if is_inverted else "feet"})


def _check_rotation(code: DiveCode, rotation: Rotation, is_inverted: bool) -> QualityWarning | None:
    if not rotation.is_clear or rotation.gap(code.half_somersaults + is_inverted) < MIN_ROTATION_GAP:
        return None
    values: dict[str, Value] = {"code": str(code), "given": code.half_somersaults}
    return QualityWarning("number_rotation", values | {"seen": rotation.half_turns - is_inverted})


def _check_direction(code: DiveCode, rotation: Rotation, fall: MeasuredFall) -> QualityWarning | None:
    """Forward and back dives turn the way that they travel, reverse and inward dives the other way."""
    if not rotation.is_clear or abs(rotation.clockwise_gap) < MIN_SENSE_GAP:
        return None
    if not fall.is_trusted or abs(fall.drift) < MIN_DRIFT:
        return None
    away = (rotation.clockwise_gap > 0) == (fall.drift > 0)
    if code.direction in (AWAY_FROM_BOARD if away else TOWARDS_BOARD) or code.direction not in DIRECTIONS:
        return None
    values: dict[str, Value] = {"code": str(code), "given": DIRECTIONS[code.direction]}
    return QualityWarning("number_direction", values | {"seen": "away" if away else "towards"})


def _check_twists(code: DiveCode, twist: float) -> QualityWarning | None:
    if FEW_TWISTS <= twist <= MANY_TWISTS or code.twisting == (twist > MANY_TWISTS):
        return None
    return QualityWarning("number_twists", {"code": str(code), "given": code.half_twists})


def _check_height(spec: DiveSpec, fall: MeasuredFall, seconds: float) -> QualityWarning | None:
    """The height is doubted where both the distance and the duration of the fall are those of another one."""
    if not fall.is_trusted:
        return None
    shortest, longest = flight_seconds(spec.height, spec.code.armstand)
    least, largest = (slope * spec.height + offset for slope, offset in (LOW_FALL, HIGH_FALL))
    is_low = max(fall.estimates) < least and seconds < shortest
    is_high = min(fall.estimates) > largest and seconds > longest
    if not is_low and not is_high:
        return None
    values: dict[str, Value] = {"height": spec.height, "metres": round(fall.metres, 2), "seconds": round(seconds, 3)}
    return QualityWarning("number_height", values | {"shortest": round(shortest, 3), "longest": round(longest, 3)})
