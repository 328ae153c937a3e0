"""Rotation of a dive: which way and how far the body turns in the picture, and where its front is.

The trunk's direction in the picture is measured in each frame, and mistaken in some: keypoints swap head and feet, or
are anywhere while the body is a blur. What holds for all frames together decides: a body in flight turns in one sense,
at a speed that changes gradually, from upright (or upside down) to upright or
upside down; and hips only bend forwards, so that the thighs lie on the front's side of the trunk's line.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, ndtr

from fineparser.domain.clip_geometry import ANKLES, HEAD, KNEES, NECK, PELVIS, TOES
from fineparser.domain.rules import MAX_HALF_SOMERSAULTS
from fineparser.kinematics.flight_transitions import FlightTransitions
from fineparser.kinematics.observation import DiveObservation, MotionPrediction
from fineparser.kinematics.quantity import Quantity

MIN_FLIGHT_FRAMES = 6
"""Frames of the flight from which on its rotation is measured."""

# Paths of the trunk's angle.

ANGLE_STEP = 7.5
"""Degrees between two angles that a path may take; divides a full turn."""
FIRST_ANGLE, LAST_ANGLE = -90.0, 180.0 * (MAX_HALF_SOMERSAULTS + 1) + 90.0
"""Least and largest of them: from before the start to beyond the end of 5 1/2 somersaults from an armstand."""
_GRID = np.arange(round(FIRST_ANGLE / ANGLE_STEP), round(LAST_ANGLE / ANGLE_STEP) + 1)
"""The angles, in steps."""
SPINS = 24
"""Speeds of rotation that a path may have, from none to the largest."""
MAX_TURN = 2300.0
"""Degrees in one flight at the largest speed all the way: somewhat more than the mean of 5 1/2 somersaults."""
SPIN_CHANGE = 0.08
"""Standard deviation of the change of speed within a 45th of the flight, as a share of the largest speed: divers open
and close their shape gradually, and never turn back."""
START_LEAN = 30.0
"""Degrees by which the trunk may lean at the take-off at no cost."""
SHORT_ENTRY, LONG_ENTRY = 40.0, 25.0
"""Degrees by which an entry may be short or long at no cost; amateurs are mostly short."""
END_SPREAD = 25.0
"""Standard deviation of lean and entry beyond these limits, degrees."""

# Keypoints, given an angle.

TRUNK_CONCENTRATION = 6.0
"""Of the von Mises distribution of the trunk's direction around the true one: 25 degrees."""
MAX_FOLD = 150.0
"""Degrees by which the thighs may be folded forwards from the trunk's line; all folds up to it are equally likely."""
THIGH_SPREAD = 20.0
"""Standard deviation of the thighs' direction around that, degrees."""
FLIPPED_SHARE, RANDOM_SHARE = 0.15, 0.15
"""Share of the frames with trunk and legs swapped, and of those with keypoints that are anywhere."""
FRAME_WEIGHT = 0.8
"""Weight of a frame's log-likelihood: errors of neighbouring frames are much the same."""

# The stance before the flight.

STANCE = (0.02, 0.35)
"""Time before the flight in which the stance is observed, as shares of the flight's duration."""
MIN_STANCE_FRAMES = 3
STANCE_FRAMES = 4.0
"""Frames as which the whole stance counts: it hardly changes."""
STANCE_CONCENTRATION = 2.0
"""Of the trunk's direction around the vertical while the diver stands, crouches and presses the board."""
FOOT_SHARE = 0.05
"""Horizontal length from ankles to toes over that of the legs for which a front on that side is e times as likely as on
the other: feet are small, and their keypoints rough."""

# Speeds.

SPEED_SECONDS = 0.05
"""Standard deviation of the Gaussian window of the local regression that gives angle and speed, seconds of real time:
as wide as a mean over 0.17 s."""
OUTLIER = 60.0
"""Degrees from the path beyond which a measured angle does not count."""
PATH_WEIGHT = 0.05
"""Weight of the path itself beside measured angles of weight 1: it counts where none is measured."""
MIN_ANGLE_ERROR = 3.0
"""Standard error of a measured angle beside its distance from the line, degrees."""
MAX_PEAK_ERROR = 1.5
"""Standard error of a speed over the median one up to which it may be the peak."""
END_ERROR = 8.0
"""Standard error of the angle at either end of the flight, degrees."""
CORRELATED_FRAMES = 3.0
"""Neighbouring frames whose errors are alike."""

SENSES = (1, -1)
"""Of the rotation in the picture: clockwise, counterclockwise. Also sides: right, left."""


def flight_frames(observation: DiveObservation, transitions: FlightTransitions) -> np.ndarray:
    """Indices of the sampled frames of the flight, both ends included, without repetitions of a source frame."""
    inside = observation.distinct
    return inside[(inside >= transitions.flight) & (inside <= transitions.entry)]


@dataclass(frozen=True, eq=False, kw_only=True)
class RotationPath:
    """The trunk's angle through the flight under one hypothesis."""

    frames: np.ndarray
    """int64 [F] indices of the sampled frames."""
    angles: np.ndarray
    """float64 [F] degrees turned since upright (an armstand: since upside down), in the rotation's own sense."""
    speeds: np.ndarray
    """float64 [F] degrees a second of real time."""
    speed_errors: np.ndarray
    """float64 [F] their standard errors."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RotationEvidence:
    """Log-likelihoods of rotations, relative to keypoints that are anywhere, and the paths behind them.

    Hypotheses are a start on feet or hands, a clockwise or counterclockwise rotation, a front of the upright body to
    the right or left, and the number of half somersaults.
    """

    frames: np.ndarray
    """int64 [F] indices of the sampled frames of the flight."""
    stance: np.ndarray
    """float64 [2, 2]: log-likelihood of each start and front in the stance before the flight."""
    score: np.ndarray
    """float32 [2, 2, 2, S, G]: of the best path to each speed and angle of the last frame."""
    end: np.ndarray
    """float64 [2, N, G]: log-prior of the last angle, by start and number."""
    changes: np.ndarray
    """int8 [F - 1, 2, 2, 2, S, G]: change of the speed before each step that led there."""
    steps: np.ndarray
    """int64 [F - 1, S]: steps of the grid that the angle moves in each time step."""

    @cached_property
    def likelihood(self) -> np.ndarray:
        """float64 [2, 2, 2, N]: of the flight alone."""
        best = self.score.max(-2)  # [2, 2, 2, G]
        return np.asarray((best[..., None, :] + self.end[:, None, None]).max(-1), np.float64)

    @property
    def fit(self) -> float:
        """Mean log-likelihood of a frame, at best."""
        return float(self.likelihood.max() / len(self.frames))

    def path(self, start: int, sense: int, half_somersaults: int) -> np.ndarray:
        """float64 [F] degrees since upright on the best path of a hypothesis, with the more likely front."""
        front = int(self.likelihood[start, sense, :, half_somersaults].argmax())
        score = self.score[start, sense, front]
        speed, angle = np.unravel_index(int((score + self.end[start, half_somersaults]).argmax()), score.shape)
        path = [angle]
        for changes, steps in zip(self.changes[::-1, start, sense, front], self.steps[::-1], strict=True):
            angle = angle - steps[speed]
            speed = speed + changes[speed, angle]
            path.append(angle)
        return np.asarray(_GRID[np.array(path[::-1])] * ANGLE_STEP)


def measure_rotation(observation: DiveObservation, transitions: FlightTransitions) -> RotationEvidence | None:
    """Evidence for the rotation of a dive; None for a flight of too few frames.

    Viterbi's algorithm over paths of the trunk's angle, for all hypotheses at once.
    """
    frames = flight_frames(observation, transitions)
    if len(frames) < MIN_FLIGHT_FRAMES:
        return None
    seconds = observation.seconds[frames]
    spans = np.diff(seconds) / (seconds[-1] - seconds[0])
    turned = MAX_TURN * np.linspace(0, 1, SPINS) * np.cumsum(spans)[:, None]  # rounded after the sum: no drift
    steps = np.diff(np.rint(turned / ANGLE_STEP).astype(int), axis=0, prepend=0)
    deviations = SPIN_CHANGE * (SPINS - 1) * np.sqrt(45 * spans)
    fit = _hypothesis_likelihood(observation, frames)  # [F, 2, 2, 2, G]
    upright = 180.0 * np.arange(2)[:, None]
    lean = np.maximum(np.abs(_GRID * ANGLE_STEP - upright) - START_LEAN, 0) / END_SPREAD  # [2, G]
    score = np.repeat((fit[0] - 0.5 * lean[:, None, None] ** 2)[..., None, :].astype(np.float32), SPINS, axis=-2)
    changes = np.empty((len(steps), *score.shape), np.int8)
    for index, moves in enumerate(steps):
        score, changes[index] = _with_changes(score, deviations[index])
        for speed, move in enumerate(moves):
            score[..., speed, move:] = score[..., speed, : len(_GRID) - move].copy()
            score[..., speed, :move] = -np.inf
        score += fit[index + 1][..., None, :]
    goals = upright[..., None] + 180.0 * np.arange(MAX_HALF_SOMERSAULTS + 1)[:, None]
    off = _GRID * ANGLE_STEP - goals  # [2, N, G]
    end = np.maximum(-off - SHORT_ENTRY, 0) ** 2 + np.maximum(off - LONG_ENTRY, 0) ** 2
    return RotationEvidence(
        frames=frames,
        stance=_stance_likelihood(observation, transitions),
        score=score,
        end=-0.5 * end / END_SPREAD**2,
        changes=changes,
        steps=steps,
    )


def follow_rotation(
    observation: DiveObservation,
    transitions: FlightTransitions,
    evidence: RotationEvidence,
    *,
    start: int,
    sense: int,
    half_somersaults: int,
) -> RotationPath:
    """Angle and speed of a rotation that is known: start 0 feet, 1 hands; sense 0 clockwise, 1 counterclockwise."""
    frames = evidence.frames
    rough = evidence.path(start, sense, half_somersaults)
    trunk, weight = _trunk_angles(observation.points[frames], observation.point_errors[frames])
    sources = [(SENSES[sense] * np.degrees(trunk), weight)]
    if observation.motion is not None:
        motion, weight = _motion_angles(observation.motion, frames)
        sources.append((np.degrees(motion) + 180.0 * start, weight))
    weighted, total = PATH_WEIGHT * rough, np.full(len(frames), PATH_WEIGHT)
    for angles, weight in sources:
        off = (angles - rough + 180.0) % 360.0 - 180.0
        weight = np.where(np.abs(off) < OUTLIER, weight, 0.0)
        weighted, total = weighted + weight * (rough + off), total + weight
    seconds = observation.seconds[frames] / transitions.time_scale
    smooth, speeds, errors = _local_lines(seconds, weighted / total, total)
    return RotationPath(frames=frames, angles=smooth - 180.0 * start, speeds=speeds, speed_errors=errors)


def follow_twist(observation: DiveObservation, transitions: FlightTransitions) -> np.ndarray | None:
    """Degrees of twist since the take-off in the frames of the flight, float64 [F], by the motion head; None without.

    Between two frames the twist is the one of the angles' possible differences that is nearest to the predicted rate.
    """
    motion, frames = observation.motion, flight_frames(observation, transitions)
    if motion is None or not len(frames):
        return None
    cosine, sine = motion.twist[frames].astype(np.float64).T
    angles, rates = np.degrees(np.arctan2(sine, cosine)), 360.0 * motion.twist_rate[frames].astype(np.float64)
    expected = (rates[1:] + rates[:-1]) / 2 * np.diff(frames)
    steps = np.diff(angles)
    steps += 360.0 * np.rint((expected - steps) / 360.0)
    return np.concatenate([[0.0], np.cumsum(steps)])


def rotation_speeds(
    observation: DiveObservation, transitions: FlightTransitions, path: RotationPath
) -> tuple[Quantity, Quantity]:
    """Peak and mean speed of rotation, deg/s of real time.

    The peak is that of frames with frames on both sides: at the ends of the flight a line is drawn beyond its points.
    """
    inside = path.speed_errors <= MAX_PEAK_ERROR * np.median(path.speed_errors)
    fastest = int(np.where(inside, path.speeds, -np.inf).argmax())
    peak = Quantity.measured(
        path.speeds[fastest], path.speed_errors[fastest], "deg/s", (observation.numbers[path.frames[fastest]],)
    )
    seconds = observation.seconds[path.frames] / transitions.time_scale
    span = float(seconds[-1] - seconds[0])
    duration_error = math.hypot(transitions.flight_error, transitions.entry_error) / transitions.air_time
    mean = float(path.angles[-1] - path.angles[0]) / span
    error = math.hypot(math.sqrt(2) * END_ERROR / span, mean * duration_error)
    ends = (observation.numbers[path.frames[0]], observation.numbers[path.frames[-1]])
    return peak, Quantity.measured(mean, error, "deg/s", ends)


def _hypothesis_likelihood(observation: DiveObservation, frames: np.ndarray) -> np.ndarray:
    """Log-likelihood of the grid's angles in each frame by start, sense and front: float32 [F, 2, 2, 2, G]."""
    by_front = _angle_likelihood(observation, frames)  # [2, F, C]
    by_motion = _motion_likelihood(observation.motion, frames)  # [F, C]
    circle = by_front.shape[-1]
    by_sense = np.stack([by_front[:, :, side * _GRID % circle] for side in SENSES])  # [2, 2, F, G]
    by_start = np.stack([by_motion[:, (_GRID - start * circle // 2) % circle] for start in (0, 1)])  # [2, F, G]
    joint = by_sense[None] + by_start[:, None, None]
    return np.asarray(np.moveaxis(joint, 3, 0), np.float32)


def _with_changes(score: np.ndarray, deviation: float) -> tuple[np.ndarray, np.ndarray]:
    """Best score [..., S, G] after a change of speed, and that change (source minus target, steps)."""
    reach = min(SPINS - 1, math.ceil(3 * deviation))
    best, changes = score.copy(), np.zeros(score.shape, np.int8)
    for change in range(-reach, reach + 1):
        target = slice(max(-change, 0), SPINS - max(change, 0))
        source = slice(max(change, 0), SPINS - max(-change, 0))
        other = score[..., source, :] - np.float32(0.5 * (change / deviation) ** 2)
        better = other > best[..., target, :]
        np.copyto(best[..., target, :], other, where=better)
        np.copyto(changes[..., target, :], change, where=better)
    return best, changes


def _direction(vectors: np.ndarray) -> np.ndarray:
    """Angle of vectors [..., 2], radians clockwise from upwards."""
    return np.asarray(np.arctan2(vectors[..., 0], -vectors[..., 1]))


def _weight(vectors: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """0 to 1: small where a vector [..., 2] is short beside the error of its ends."""
    length = (vectors**2).sum(-1)
    return np.asarray(length / (length + variance))


def _trunk_angles(points: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction of the trunk, from the pelvis to the middle of neck and head, and its weight."""
    vectors = (points[..., NECK, :] + points[..., HEAD, :]) / 2 - points[..., PELVIS, :]
    variance = (errors[..., NECK] ** 2 + errors[..., HEAD] ** 2) / 2 + errors[..., PELVIS] ** 2
    return _direction(vectors), _weight(vectors, 2 * variance)


def _thigh_angles(points: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction of the thighs, from the pelvis to the knees, and its weight."""
    vectors = points[..., KNEES, :] - points[..., PELVIS, :]
    return _direction(vectors), _weight(vectors, 2 * (errors[..., KNEES] ** 2 + errors[..., PELVIS] ** 2))


def _angle_likelihood(observation: DiveObservation, frames: np.ndarray) -> np.ndarray:
    """Log-likelihood [2, F, C] of the trunk's angle on a circle for a front to the right and to the left."""
    circle = np.radians(np.arange(0.0, 360.0, ANGLE_STEP))
    points, errors = observation.keypoints[:, frames], observation.spread[:, frames] / math.sqrt(2)
    (trunk, trunk_weight), (thigh, thigh_weight) = _trunk_angles(points, errors), _thigh_angles(points, errors)
    total = np.empty((2, len(frames), len(circle)))
    for front, side in enumerate(SENSES):
        right = _trunk_density(trunk, trunk_weight, circle, TRUNK_CONCENTRATION) * _thigh_density(
            thigh, thigh_weight, circle, side
        )
        flipped = _trunk_density(thigh, thigh_weight, circle, TRUNK_CONCENTRATION) * _thigh_density(
            trunk, trunk_weight, circle, side
        )
        density = (1 - FLIPPED_SHARE - RANDOM_SHARE) * right + FLIPPED_SHARE * flipped + RANDOM_SHARE
        total[front] = FRAME_WEIGHT * np.log(density).mean(0)
    return total


def _motion_likelihood(motion: MotionPrediction | None, frames: np.ndarray) -> np.ndarray:
    """Log-likelihood [F, C] of the somersault angle on a circle by the motion head; 0 without one."""
    circle = np.radians(np.arange(0.0, 360.0, ANGLE_STEP))
    if motion is None:
        return np.zeros((len(frames), len(circle)))
    angles, weights = _motion_angles(motion, frames)
    density = _trunk_density(angles, weights, circle, TRUNK_CONCENTRATION)
    return FRAME_WEIGHT * np.log((1 - RANDOM_SHARE) * density + RANDOM_SHARE)


def _motion_angles(motion: MotionPrediction, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Somersault angle since the start, [F] radians, and its weight: the shorter the vector, the less it is known."""
    cosine, sine = motion.somersault[frames].astype(np.float64).T
    return np.arctan2(sine, cosine), np.minimum(np.hypot(cosine, sine), 1.0)


def _trunk_density(angles: np.ndarray, weights: np.ndarray, circle: np.ndarray, concentration: float) -> np.ndarray:
    """Density of trunk directions [P, F] for each angle of a circle, relative to a uniform one: [P, F, C]."""
    near = np.exp(concentration * np.cos(angles[..., None] - circle)) / np.i0(concentration)
    return np.asarray(1 + weights[..., None] * (near - 1))


def _thigh_density(angles: np.ndarray, weights: np.ndarray, circle: np.ndarray, side: int) -> np.ndarray:
    """The same of thigh directions, for a front to the right (1) or to the left (-1) of the upright body."""
    fold = side * (math.pi + circle - angles[..., None])
    middle = math.radians(MAX_FOLD / 2)
    off = (fold - middle + math.pi) % (2 * math.pi) - math.pi
    inside = ndtr((off + middle) / math.radians(THIGH_SPREAD)) - ndtr((off - middle) / math.radians(THIGH_SPREAD))
    return np.asarray(1 + weights[..., None] * (inside * math.pi / middle - 1))


def _stance_likelihood(observation: DiveObservation, transitions: FlightTransitions) -> np.ndarray:
    """Log-likelihood [2, 2] of the stance before the flight: start on feet or hands, front to the right or left."""
    seconds, frames = observation.seconds, observation.distinct
    nearest, farthest = (transitions.flight_seconds - share * transitions.air_time for share in STANCE)
    frames = frames[(seconds[frames] > farthest) & (seconds[frames] < nearest)]
    if len(frames) < MIN_STANCE_FRAMES:
        return np.zeros((2, 2))
    points, errors = observation.keypoints[:, frames], observation.spread[:, frames] / math.sqrt(2)
    trunk, weight = _trunk_angles(points, errors)
    density = _trunk_density(trunk, weight, np.array([0.0, math.pi]), STANCE_CONCENTRATION)  # [P, F, 2]
    start = np.log((1 - RANDOM_SHARE) * density + RANDOM_SHARE).mean((0, 1))
    feet = points[..., TOES, 0] - points[..., ANKLES, 0]
    legs = np.linalg.norm(points[..., PELVIS, :] - points[..., ANKLES, :], axis=-1)
    pointing = feet.mean() / max(float(legs.mean()), 1e-9) / FOOT_SHARE
    front = np.log((1 - RANDOM_SHARE) * expit(np.array([pointing, -pointing])) + RANDOM_SHARE / 2)
    return np.asarray(STANCE_FRAMES * start[:, None] + front)


def _local_lines(seconds: np.ndarray, angles: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Angle, slope and standard error of the slope [F] of a line fitted around each frame."""
    offset = seconds - seconds[:, None]
    kernel = np.exp(-0.5 * (offset / SPEED_SECONDS) ** 2) * weights
    total, first, second = (np.asarray((kernel * offset**power).sum(1)) for power in range(3))
    sums, products = (kernel * angles).sum(1), (kernel * offset * angles).sum(1)
    determinant = total * second - first**2
    level = (second * sums - first * products) / determinant
    slope = (total * products - first * sums) / determinant
    residuals = angles - level[:, None] - slope[:, None] * offset
    deviation = np.sqrt((kernel * residuals**2).sum(1) / total + MIN_ANGLE_ERROR**2)
    influence = kernel * (total[:, None] * offset - first[:, None]) / determinant[:, None]
    return level, slope, deviation * np.sqrt(CORRELATED_FRAMES * (influence**2).sum(1))
