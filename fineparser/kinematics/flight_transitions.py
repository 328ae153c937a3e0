"""The transitions of a dive: last contact with the board and first touch of the water, decoded together.

The network gives probabilities of both. What else decides between the candidates is physics: between them the centre of
mass is in free fall, its take-off speed and the height that it falls are those of a dive, and at the touch the lowest
point of the body stops at the level of the water.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import median_filter
from scipy.special import logsumexp
from scipy.stats import norm

from fineparser.domain.clip_geometry import GRAVITY
from fineparser.domain.rules import MAX_SPRINGBOARD_HEIGHT
from fineparser.kinematics.body_path import BodyPath
from fineparser.kinematics.observation import DiveObservation

MIN_FLIGHT_FRAMES = 5
"""Different frames of a flight, at least."""
RANDOM_SHARES = np.array([1e-6, 0.002])
"""Share of the network's last contacts, and touches, that are anywhere in the clip."""
SPRINGBOARD_LAG = 0.03
"""Seconds by which the network takes the last contact with a real springboard for earlier than it is: real boards carry
divers longer than simulated ones. See docs/experiments.md."""
SMOOTHING = 0.04
"""Standard deviation in seconds of the Gaussian that smooths the network's probabilities: candidates near its own must
be possible."""
FALL_ERROR = 0.05
"""Standard deviation of the measured centre of mass from its parabola, body lengths."""
OUTLIER_DENSITY = 0.3
"""Probability density of a centre of mass that is not on the parabola, per body length."""
FALL_WEIGHT = 3.0
"""Frames that the evidence for the fall counts as, however many there are: errors of neighbouring frames are alike."""
FALL_MARGIN = 0.045
"""Time before the last contact and after the touch, as a share of the air time, in which the centre of mass is nearly
on the parabola: the board springs back under it, and the water hardly brakes the hands."""
LEVEL_ERROR = 0.06
"""Standard deviation of the lowest point of the mask from where the body is, body lengths."""
LEVEL_BEFORE, LEVEL_AFTER = 0.13, 0.11
"""Time before and after the touch, as shares of the air time, in which the lowest point of the body is compared with
the level of the water."""
LEVEL_LAG = 0.03
"""Seconds after the touch at which the lowest point of the mask stops: the hands are small, and shine through."""
LEVEL_WEIGHT = 0.3
"""Weight of a frame's evidence for the touch."""
BODY_ERROR = 0.13
"""Standard deviation of the logarithm of the time scale that follows from the length of the body."""
TIME_SCALES = ((0.87, 0.0, 0.0), (0.1, math.log(2.8), 0.45), (0.03, math.log(25 / 30), 0.04))
"""Share of clips, and mean and standard deviation of the logarithm of the factor by which they run slower than life: in
real time, in slow motion, and at another frame rate than they were recorded with."""
TAKE_OFF_SPEEDS = {1: (3.5, 0.8), 3: (4.3, 0.7), 5: (2.6, 0.8), 7.5: (2.6, 0.8), 10: (2.5, 0.9)}
"""Vertical speed at the last contact, m/s: mean and standard deviation by height; amateurs among them, who
jump lower than divers in competitions."""
FALL_EXCESS, FALL_EXCESS_ERROR = 0.15, 0.12
"""Metres that the centre of mass falls further than the height of the board: from 1.13 m above it, standing on the toes
with raised arms, to 0.98 m above the water, or less for a piked body. Mean and standard deviation."""
APEX_ERROR = 0.07
"""Standard deviation in seconds of the time at which the centre of mass is highest: seen from above, a diver who moves
away from the camera seems to rise longer."""
HEIGHT_SHARES = {1: 0.4, 3: 0.3, 5: 0.06, 7.5: 0.04, 10: 0.2}
"""Shares of the heights among clips of which none is given."""
ARMSTAND_SHARE, ARMSTAND_SPEED = 0.15, (0.5, 0.4)
"""Share of armstands among platform dives, and their vertical speed at the last contact, m/s."""
ROBUST_ROUNDS = 5
"""Rounds in which outliers lose their weight."""
CORRELATED_FRAMES = 3.0
"""Neighbouring frames whose errors are alike."""


@dataclass(frozen=True, kw_only=True)
class FlightParabola:
    """Free fall in compensated pixels of the first frame: place(t) = start + speed t + acceleration t2 / 2."""

    origin: float
    """Seconds of the clip at which t is 0."""
    start: np.ndarray
    """float64 [2]: x, y at the origin."""
    speed: np.ndarray
    """float64 [2]: pixels a second at the origin."""
    acceleration: np.ndarray
    """float64 [2]: pixels / s2, along the true vertical."""
    acceleration_error: float
    """Standard error in each direction."""
    residual: float
    """Root mean square distance of the frames from it in each direction, pixels."""

    @classmethod
    def fit(cls, seconds: np.ndarray, points: np.ndarray, errors: np.ndarray) -> Self:
        """Fit to points [n, 2] at times [n] with standard errors [n], robust against outliers.

        Raises:
            ValueError: for fewer points than `MIN_FLIGHT_FRAMES`.
        """
        if len(seconds) < MIN_FLIGHT_FRAMES:
            raise ValueError(f"a parabola takes {MIN_FLIGHT_FRAMES} points at least, not {len(seconds)}")
        origin = float(seconds.mean())
        times = seconds - origin
        design = np.stack([np.ones_like(times), times, times**2 / 2], axis=1)
        known = 1 / errors**2
        weights = known / known.mean()
        for _ in range(ROBUST_ROUNDS):
            normal = design.T @ (weights[:, None] * design)
            solution = np.linalg.solve(normal, design.T @ (weights[:, None] * points))
            distance = np.linalg.norm(points - design @ solution, axis=1)
            spread = max(1.4826 * float(np.median(distance)), 0.5 * float(np.median(errors)))
            weights = known / known.mean() / (1 + (distance / (2 * spread)) ** 2)
        residual = float(np.sqrt((weights * distance**2).sum() / weights.sum() / 2))
        covariance = residual**2 * CORRELATED_FRAMES * np.linalg.inv(normal)
        return cls(
            origin=origin,
            start=solution[0],
            speed=solution[1],
            acceleration=solution[2],
            acceleration_error=float(np.sqrt(covariance[2, 2])),
            residual=residual,
        )

    def place(self, seconds: np.ndarray | float) -> np.ndarray:
        """x, y [..., 2] at times [...]."""
        times = np.asarray(seconds, np.float64)[..., None] - self.origin
        return np.asarray(self.start + self.speed * times + self.acceleration * times**2 / 2)

    def speed_at(self, seconds: float) -> np.ndarray:
        """Pixels a second [2] at a time."""
        return np.asarray(self.speed + self.acceleration * (seconds - self.origin))

    @property
    def top(self) -> float:
        """Seconds of the clip at the highest point."""
        return float(self.origin - self.speed[1] / self.acceleration[1])


@dataclass(frozen=True, eq=False, kw_only=True)
class FlightTransitions:
    """Last contact and first touch of a dive, on the clip's time axis."""

    flight: int
    """Index of the first sampled frame of the flight."""
    entry: int
    """Index of the first sampled frame of the entry."""
    flight_seconds: float
    entry_seconds: float
    """Between the frame before each and itself."""
    flight_error: float
    entry_error: float
    """Standard errors, seconds."""
    probabilities: np.ndarray
    """float64 [T, 2]: that each transition is at each frame, given everything."""
    height_probabilities: dict[float, float]
    """Of the height of the board, metres."""
    parabola: FlightParabola
    """Of the centre of mass between the transitions."""
    time_scale: float
    """Factor by which the clip runs slower than life; exactly 1 in real time."""

    @property
    def errors(self) -> tuple[float, float]:
        """Standard errors of flight and entry, seconds of real time."""
        return self.flight_error / self.time_scale, self.entry_error / self.time_scale

    @property
    def air_time(self) -> float:
        """Seconds on the clip's time axis."""
        return self.entry_seconds - self.flight_seconds


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Pairs of first flight frame and first entry frame, as positions among the n different frames, with the parabola
    that fits the centre of mass between them."""

    flight: np.ndarray
    """int64 [m]."""
    entry: np.ndarray
    """int64 [m]."""
    flight_seconds: np.ndarray
    entry_seconds: np.ndarray
    """float64 [m]."""
    parabola: np.ndarray
    """float64 [m, 3]: height, speed and acceleration of the fall, downwards, at time 0."""

    @property
    def air_time(self) -> np.ndarray:
        """Seconds between them [m]."""
        return self.entry_seconds - self.flight_seconds

    def height_at(self, seconds: np.ndarray) -> np.ndarray:
        """y at a time of each pair [m], or at several [m, k]."""
        start, speed, acceleration = (column.reshape(-1, *[1] * (seconds.ndim - 1)) for column in self.parabola.T)
        return np.asarray(start + speed * seconds + acceleration * seconds**2 / 2)

    def speed_at(self, seconds: np.ndarray) -> np.ndarray:
        """Pixels a second [m] at a time of each pair."""
        return np.asarray(self.parabola[:, 1] + self.parabola[:, 2] * seconds)


def decode_flight_transitions(
    observation: DiveObservation, path: BodyPath, height: float | None = None
) -> FlightTransitions | None:
    """Decode the most likely pair of last contact and first touch.

    Args:
        observation: of the dive, with the network's probabilities.
        path: of its body.
        height: of the board in metres; None: not known.

    Returns:
        None where the clip has too few frames for a flight, or nothing in it falls.
    """
    frames = observation.distinct
    if len(frames) <= MIN_FLIGHT_FRAMES + 1 or not np.isfinite(path.length):
        return None
    seconds = path.seconds[frames]
    origin = float(seconds.mean())
    times = seconds - origin
    heights = median_filter(path.centre[frames, 1], size=3, mode="nearest")
    candidates = _candidates(times, heights, path.centre_error[frames])
    if not len(candidates.flight):
        return None
    network = _network_evidence(observation.probabilities, frames, times)
    evidence = (
        network[candidates.entry, 1]
        + _fall_evidence(candidates, times, heights, path.length)
        + _touch_evidence(candidates, times, path.lowest[frames, 1], path.length)
    )
    by_height = _physical_evidence(candidates, path.metre, height)  # [m, heights, time scales]
    by_height += _contact_evidence(network[:, 0], candidates.flight, times)[..., None]
    joint = evidence[:, None, None] + by_height
    joint -= logsumexp(joint)
    best = int(logsumexp(joint, axis=(1, 2)).argmax())
    pairs = np.exp(logsumexp(joint, axis=(1, 2)))
    probabilities = np.zeros((len(observation), 2))
    np.add.at(probabilities[:, 0], frames[candidates.flight], pairs)
    np.add.at(probabilities[:, 1], frames[candidates.entry], pairs)
    flight, entry = int(candidates.flight[best]), int(candidates.entry[best])
    flight_seconds, entry_seconds = (
        float(values[best]) + origin for values in (candidates.flight_seconds, candidates.entry_seconds)
    )
    in_flight = frames[flight : entry + 1]
    parabola = FlightParabola.fit(path.seconds[in_flight], path.centre[in_flight], path.centre_error[in_flight])
    is_real_time = int(logsumexp(joint[best], axis=0).argmax()) == 0
    fall = max(float(parabola.acceleration[1]), 1e-9)
    return FlightTransitions(
        flight=int(frames[flight]),
        entry=int(frames[entry]),
        flight_seconds=flight_seconds,
        entry_seconds=entry_seconds,
        flight_error=_error(candidates.flight_seconds, pairs, best, times, flight),
        entry_error=_error(candidates.entry_seconds, pairs, best, times, entry),
        probabilities=probabilities,
        height_probabilities={
            each: float(value) for each, value in zip(HEIGHT_SHARES, np.exp(logsumexp(joint, axis=(0, 2))), strict=True)
        },
        parabola=parabola,
        time_scale=1.0 if is_real_time else math.sqrt(GRAVITY * path.metre / fall),
    )


def _candidates(times: np.ndarray, heights: np.ndarray, errors: np.ndarray) -> _Candidates:
    """All pairs with a flight of enough frames in which something falls."""
    count = len(times)
    flight, entry = np.triu_indices(count, MIN_FLIGHT_FRAMES)
    flight, entry = flight[flight > 0], entry[flight > 0]
    # Sums over the frames of each flight from sums over all frames before.
    weights = 1 / (errors**2 + np.median(errors) ** 2)
    powers = np.stack([times**power for power in range(5)], axis=1) * weights[:, None]
    products = np.stack([heights * times**power for power in range(3)], axis=1) * weights[:, None]
    sums, products = (
        np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)]) for values in (powers, products)
    )
    sums, products = sums[entry + 1] - sums[flight], products[entry + 1] - products[flight]
    normal = sums[:, np.add.outer(np.arange(3), np.arange(3))]
    solution = np.linalg.solve(normal, products[..., None])[..., 0] * (1, 1, 2)
    falls = solution[:, 2] > 0
    flight, entry = flight[falls], entry[falls]
    return _Candidates(
        flight=flight,
        entry=entry,
        flight_seconds=(times[flight] + times[flight - 1]) / 2,
        entry_seconds=(times[entry] + times[entry - 1]) / 2,
        parabola=solution[falls],
    )


def _network_evidence(probabilities: np.ndarray, frames: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Log-probability [n, 2] of each transition at each of the different frames."""
    number = np.searchsorted(frames, np.arange(len(probabilities)), side="right") - 1
    by_frame = np.zeros((len(frames), 2))
    np.add.at(by_frame, number, probabilities)
    kernel = np.exp(-0.5 * ((times[:, None] - times) / SMOOTHING) ** 2)
    smooth = (kernel / kernel.sum(0)) @ by_frame
    smooth /= np.maximum(smooth.sum(0), 1e-9)
    return np.asarray(np.log((1 - RANDOM_SHARES) * smooth + RANDOM_SHARES / len(frames)))


def _contact_evidence(network: np.ndarray, flight: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Log-probability [m, heights] of the last contact, from that of each frame [n]: later on springboards."""
    late = np.interp(times - SPRINGBOARD_LAG, times, network)
    by_height = [late if height <= MAX_SPRINGBOARD_HEIGHT else network for height in HEIGHT_SHARES]
    return np.stack(by_height, axis=1)[flight]


def _fall_evidence(candidates: _Candidates, times: np.ndarray, heights: np.ndarray, body: float) -> np.ndarray:
    """Log-likelihood ratio [m] of a free fall between the transitions."""
    expected = candidates.height_at(np.broadcast_to(times, (len(candidates.flight), len(times))))
    ratio = _log_ratio((heights - expected) / body, FALL_ERROR)
    margin = FALL_MARGIN * candidates.air_time[:, None]
    inside = (times >= candidates.flight_seconds[:, None] - margin) & (
        times <= candidates.entry_seconds[:, None] + margin
    )
    return FALL_WEIGHT * np.asarray(np.where(inside, ratio, 0).sum(1) / inside.sum(1))


def _touch_evidence(candidates: _Candidates, times: np.ndarray, lowest: np.ndarray, body: float) -> np.ndarray:
    """Log-likelihood ratio [m] of a body whose lowest point falls to the level of the water and stops there."""
    since = times - candidates.entry_seconds[:, None] - LEVEL_LAG  # [m, n]
    known = np.isfinite(lowest)
    air = candidates.air_time[:, None]
    after = (since >= 0) & (since <= LEVEL_AFTER * air) & known
    before = (since < 0) & (since >= -LEVEL_BEFORE * air) & known
    level = np.full(len(since), np.nan)
    some = after.any(1)
    level[some] = np.nanmedian(np.where(after[some], lowest, np.nan), axis=1)
    speed = candidates.speed_at(candidates.entry_seconds)
    expected = level[:, None] + np.where(before, speed[:, None] * since, 0)
    ratio = _log_ratio(np.nan_to_num((lowest - expected) / body, nan=1e3), LEVEL_ERROR)
    return LEVEL_WEIGHT * np.asarray(np.where((after | before) & some[:, None], ratio, 0).sum(1))


def _log_ratio(distance: np.ndarray, error: float) -> np.ndarray:
    """Logarithm of the density of a distance (body lengths) with a normal error, or of anything, over the latter."""
    density = np.exp(-0.5 * (distance / error) ** 2) / (error * math.sqrt(2 * math.pi))
    return np.asarray(np.log(0.85 * density / OUTLIER_DENSITY + 0.15))


def _physical_evidence(candidates: _Candidates, metre: float, height: float | None) -> np.ndarray:
    """Log-probability [m, heights, time scales] of the air time, of the time of the top, and of the time scale.

    The take-off speed that the air time and the height imply has a narrow distribution, and determines when the centre
    of mass is highest.
    """
    _, speed, acceleration = candidates.parabola.T
    air = candidates.air_time
    rise = -speed / acceleration - candidates.flight_seconds
    log_factor = 0.5 * np.log(GRAVITY * metre / acceleration)  # by the length of the body
    shares = dict(HEIGHT_SHARES) if height is None else {each: float(each == height) for each in HEIGHT_SHARES}
    evidence = np.full((len(air), len(shares), len(TIME_SCALES)), -np.inf)
    for number, (each, share) in enumerate(shares.items()):
        for scale, (scale_share, mean, deviation) in enumerate(TIME_SCALES):
            if not share:
                continue
            factor = np.exp(log_factor) if deviation else np.ones_like(air)
            seconds = air / factor
            take_off = GRAVITY * seconds / 2 - (each + FALL_EXCESS) / seconds
            apex_error = np.hypot(APEX_ERROR, FALL_EXCESS_ERROR / seconds / GRAVITY)
            evidence[:, number, scale] = (
                math.log(share * scale_share)
                + norm.logpdf(log_factor, mean, math.hypot(deviation, BODY_ERROR))
                + _speed_evidence(take_off, each)
                + norm.logpdf(rise / factor, take_off / GRAVITY, apex_error)
            )
    return evidence


def _speed_evidence(speed: np.ndarray, height: float) -> np.ndarray:
    """Log-probability of vertical speeds at the last contact, m/s."""
    from_feet = norm.logpdf(speed, *TAKE_OFF_SPEEDS[height])
    if height <= MAX_SPRINGBOARD_HEIGHT:
        return np.asarray(from_feet)
    from_hands = norm.logpdf(speed, *ARMSTAND_SPEED)
    return np.logaddexp(math.log(1 - ARMSTAND_SHARE) + from_feet, math.log(ARMSTAND_SHARE) + from_hands)


def _error(seconds: np.ndarray, pairs: np.ndarray, best: int, times: np.ndarray, frame: int) -> float:
    """Standard error of a transition: its spread over all pairs, and that of a time between two frames."""
    spread = float(np.sqrt((pairs * (seconds - seconds[best]) ** 2).sum()))
    return math.hypot(spread, float(times[frame] - times[frame - 1]) / math.sqrt(12))
