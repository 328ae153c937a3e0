"""Motion of a whole dive: approach, take-off, flight, entry, and the labels that follow from it."""

from dataclasses import dataclass, fields, replace

import numpy as np

from fineparser.domain.clip_geometry import GRAVITY
from fineparser.domain.difficulty import SPRINGBOARDS, difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import hip_angle, joint_positions, knee_angle, shape
from fineparser.simulator.athlete.skeleton import JOINT_INDEX, JOINTS
from fineparser.simulator.faults import Faults
from fineparser.simulator.flight.approach import (
    PLATFORM_DYNAMICS,
    Approach,
    BoardDynamics,
    TakeOffState,
    armstand,
    board_oscillation,
    stand_and_press,
    walk_and_hurdle,
)
from fineparser.simulator.flight.rotation import Rotation
from fineparser.simulator.flight.shape_schedule import BACK, FORWARD, INWARD, REVERSE, DiverStyle, ease
from fineparser.simulator.flight.spin import SpinSolution, solve_spin
from fineparser.simulator.flight.takeoff import TakeOff

RATE = 240.0
"""Samples per second of a motion."""
CLEARANCE = 0.5  # m between a diver and the board on the way down, less for one who stays too near
TOUCH_TOLERANCE = 0.006  # s
SUBMERGED_TIME = 3.1  # s of the motion after the touch of the water


@dataclass(frozen=True)
class MotionSamples:
    """Arrays of a motion at chosen times; see `DiverMotion`."""

    times: np.ndarray
    joints: np.ndarray
    centre_of_mass: np.ndarray
    trunk_direction: np.ndarray
    hip_angle: np.ndarray
    knee_angle: np.ndarray
    somersault: np.ndarray
    twist: np.ndarray
    angular_speed: np.ndarray
    board_tip: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ApproachTiming:
    """Kind and timing of an approach; what is None is sampled."""

    running: bool | None = None
    """A running take-off, which only forward and reverse dives have."""
    duration: float | None = None
    """Seconds of the motion before the take-off, at least those of the approach; sampled between 3.5 and 6."""
    seed: int | None = None
    """Divers with the same seed step and swing in time."""


@dataclass(frozen=True)
class DiverMotion:
    """One diver's dive.

    World frame: metres, z up from the water, x out over the pool from the edge of the board, y to the left of a person
    who faces the pool; seconds, 0 at the last contact.
    """

    times: np.ndarray
    """[N] seconds, `RATE` per second."""
    joints: np.ndarray
    """[N, 20, 3] in the order of `JOINTS`."""
    centre_of_mass: np.ndarray
    """[N, 3]."""
    trunk_direction: np.ndarray
    """[N, 3] unit vectors from pelvis to neck."""
    hip_angle: np.ndarray
    """[N] degrees between trunk and thighs, 180 is straight."""
    knee_angle: np.ndarray
    """[N] degrees, 180 is straight."""
    somersault: np.ndarray
    """[N] turns of the trunk in the dive's sense, from the upright (armstand: upside-down) line."""
    twist: np.ndarray
    """[N] turns in the dive's sense."""
    angular_speed: np.ndarray
    """[N] degrees per second of `somersault`."""
    board_tip: np.ndarray
    """[N] metres by which the springboard's tip is above its position at rest."""
    entry_time: float
    """Seconds at which the first hand or foot touches the water."""
    sub_actions: tuple[tuple[float, int], ...]
    """(start time, FineDiving id) in order; the first starts with the motion."""
    entry_angle: float
    """Degrees of somersault past the vertical (positive, over) or before it (negative, short) at the touch."""
    entry_position: tuple[float, float]
    """x, y of the touch."""
    splash_size: float
    """0 (rip) to 1 (huge)."""
    armstand: bool
    momentum: tuple[float, float, float]
    """Angular momentum about the mass centre during the flight, world axes, kg m2/s."""
    take_off_time: float = 0.0
    approach: ApproachTiming = ApproachTiming()
    """Kind and timing of the approach, all given."""

    def at(self, times: np.ndarray) -> MotionSamples:
        """Interpolate the motion linearly at `times` [n]; it is constant before its start and after its end."""
        times = np.asarray(times, dtype=float)
        position = np.clip((times - self.times[0]) * RATE, 0.0, len(self.times) - 1.0)
        below = np.minimum(position.astype(int), len(self.times) - 2)
        share = position - below

        def between(values: np.ndarray) -> np.ndarray:
            part = share.reshape(share.shape + (1,) * (values.ndim - 1))
            return np.asarray(values[below] * (1.0 - part) + values[below + 1] * part)

        samples = {field.name: between(getattr(self, field.name)) for field in fields(MotionSamples)[1:]}
        length = np.linalg.norm(samples["trunk_direction"], axis=-1, keepdims=True)
        samples["trunk_direction"] = samples["trunk_direction"] / length
        return MotionSamples(times=times, **samples)

    def shift(self, sideways: float, delay: float = 0.0) -> "DiverMotion":
        """The same dive `sideways` metres to the left and `delay` seconds later, for a synchronised partner."""
        offset = np.array([0.0, sideways, 0.0])
        return replace(
            self,
            times=self.times + delay,
            joints=self.joints + offset,
            centre_of_mass=self.centre_of_mass + offset,
            entry_time=self.entry_time + delay,
            sub_actions=tuple((start + delay, name) for start, name in self.sub_actions),
            entry_position=(self.entry_position[0], self.entry_position[1] + sideways),
            take_off_time=self.take_off_time + delay,
        )


def plan_motion(
    code: DiveCode,
    height: float,
    body: Body,
    faults: Faults,
    rng: np.random.Generator,
    approach: ApproachTiming | None = None,
) -> DiverMotion:
    """Plan a dive from the stance to under the water.

    Args:
        height: metres, one of `fineparser.domain.difficulty.HEIGHTS`.
        approach: kind and timing of the approach; sampled when None.

    Raises:
        ValueError: if the dive is not allowed at the height (no difficulty there).
    """
    difficulty(code, height)
    approach = approach or ApproachTiming()
    style = DiverStyle.sample(rng, height)
    running = approach.running
    if running is None:
        running = bool(rng.random() < (0.92 if height in SPRINGBOARDS else 0.25))
    running = running and not code.armstand and code.direction in (FORWARD, REVERSE)
    take_off = TakeOff.sample(rng, code, height, body, faults, style)
    flight = _Flight(body, height, take_off, solve_spin(body, faults, style, take_off, 1.0 / RATE))
    for _ in range(3):  # a body that is not in line touches at another time than expected
        entry_time = flight.touch().time
        if abs(entry_time - take_off.touch_time) < TOUCH_TOLERANCE:
            break
        take_off = replace(take_off, touch_time=float(min(entry_time, take_off.flight_time + 0.1)))
        flight = _Flight(body, height, take_off, solve_spin(body, faults, style, take_off, 1.0 / RATE))
    take_off = take_off.with_tilt(flight.spin.tilt)
    joints = replace(flight, take_off=take_off).touch().joints
    clearance = float(np.clip(CLEARANCE + 0.35 * faults.distance, 0.2, CLEARANCE))
    take_off = take_off.clear_of_board(joints, np.arange(len(joints)) / RATE, clearance)
    flight = replace(flight, take_off=take_off)
    duration = rng.uniform(3.5, 6.0) if approach.duration is None else approach.duration
    times = -np.arange(int(duration * RATE), 0, -1) / RATE
    seed = int(rng.integers(2**31)) if approach.seed is None else approach.seed
    timing = ApproachTiming(running=running, duration=duration, seed=seed)
    motion = _assemble(flight, faults, _plan_approach(times, flight, faults, timing), times)
    return replace(motion, approach=timing)


def plan_partner(
    code: DiveCode,
    height: float,
    body: Body,
    faults: Faults,
    rng: np.random.Generator,
    first: DiverMotion,
    *,
    sideways: float = 2.0,
) -> DiverMotion:
    """Plan the second diver of a synchronised pair: own body and faults, `sideways` metres to the left of the first,
    with the same approach, leaving the board within a few hundredths of a second of the first."""
    approach = replace(first.approach, duration=first.take_off_time - float(first.times[0]))
    second = plan_motion(code, height, body, faults, rng, approach)
    delay = float(np.round(np.clip(rng.normal(0.0, 0.02), -0.05, 0.05) * RATE) / RATE)
    return second.shift(sideways, delay)


@dataclass(frozen=True)
class _Touch:
    """First touch of the water."""

    sample: int
    """First sample with a joint in the water."""
    time: float
    """Seconds after the take-off, between samples."""
    joints: np.ndarray
    """[N, 20, 3] joints of the flight, metres from the board's edge."""


@dataclass(frozen=True)
class _Flight:
    """Flight of one diver, sampled at `RATE` from the take-off on."""

    body: Body
    height: float
    take_off: TakeOff
    spin: SpinSolution

    @property
    def facing(self) -> np.ndarray:
        """[3, 3] from the diver's own plane to the world: reversed with the back to the water."""
        return np.diag([self.take_off.facing, self.take_off.facing, 1.0])

    @property
    def plane(self) -> np.ndarray:
        """[3, 3] rotation of the dive's plane."""
        return self.take_off.plane_rotation(np.ones(1))[0]

    def touch(self) -> _Touch:
        """Find the first touch of the water."""
        turned = self.plane @ self.facing @ self.spin.rotation.matrices()
        joints = np.matmul(self.spin.joints, turned.transpose(0, 2, 1))
        joints += self.take_off.path(np.arange(len(joints)) / RATE)[:, None]
        lowest = joints[:, :, 2].min(axis=1) + self.height
        lowest[: int(0.2 * RATE)] = np.maximum(lowest[: int(0.2 * RATE)], 1e-3)
        sample = int(np.argmax(lowest <= 0.0))
        if lowest[sample] > 0.0:
            raise RuntimeError(
                f"{self.take_off.code} from {self.height} m does not reach the water in the planned flight"
            )
        share = lowest[sample - 1] / (lowest[sample - 1] - lowest[sample])
        return _Touch(sample, float((sample - 1 + share) / RATE), joints)


def _plan_approach(times: np.ndarray, flight: _Flight, faults: Faults, timing: ApproachTiming) -> Approach:
    """Plan the approach at `times` [n] that ends with the first moment of the flight."""
    take_off, body, code = flight.take_off, flight.body, flight.take_off.code
    rng = np.random.default_rng(timing.seed)
    angles = flight.spin.angles[:3]
    points = flight.spin.joints[:3]  # from the mass centre, in the body frame
    pitch = flight.spin.rotation.somersault[:3]
    cos, sin = np.cos(pitch), np.sin(pitch)
    pelvis = points[:, JOINT_INDEX["pelvis"]]
    offset = np.stack([pelvis[:, 0] * cos + pelvis[:, 2] * sin, pelvis[:, 2] * cos - pelvis[:, 0] * sin], -1)
    facing = take_off.facing
    speed = _initial_slope(offset) + np.array([facing * take_off.speed[0], take_off.speed[2]])
    hips = offset[0] + np.array([facing * take_off.start[0], take_off.start[2]])
    state = TakeOffState(
        hips=(hips[0], hips[1]),
        hips_speed=(speed[0], speed[1]),
        pitch=float(pitch[0]),
        pitch_rate=float(_initial_slope(pitch)) * (0.5 if code.armstand else 1.0),
        angles=angles[0],
        angle_rates=np.clip(_initial_slope(angles), -1500.0, 1500.0),
    )
    if code.armstand:
        hands = facing * take_off.contact[0], take_off.contact[1]
        hold_shape = take_off.shapes.take_off
        return armstand(times, body, state, hold_shape=hold_shape, hands=hands, wobble=faults.wobble, rng=rng)
    board = BoardDynamics.sample_springboard(rng) if flight.height in SPRINGBOARDS else PLATFORM_DYNAMICS
    if timing.running:
        return walk_and_hurdle(times, body, state, board=board, rng=rng)
    backward = code.direction in (BACK, INWARD)
    return stand_and_press(times, body, state, board=board, backward=backward, rng=rng)


def _initial_slope(values: np.ndarray) -> np.ndarray:
    """Rate of change at the first of three samples."""
    return np.asarray((-1.5 * values[0] + 2.0 * values[1] - 0.5 * values[2]) / (1.0 / RATE))


def _assemble(flight: _Flight, faults: Faults, approach: Approach, before: np.ndarray) -> DiverMotion:
    """Join approach, flight and the way under water; `before` [n] are the times of the approach."""
    take_off, spin, body, code = flight.take_off, flight.spin, flight.body, flight.take_off.code
    # before the take-off: joints in the diver's own plane, rotated by the yaw, roll and tilt of the take-off
    points = joint_positions(body, approach.angles)[:, :20]
    points = np.matmul(points, _pitch_rotations(approach.pitch).transpose(0, 2, 1))
    points += np.stack([approach.hips[:, 0], np.zeros(len(before)), approach.hips[:, 1]], axis=-1)[:, None]
    points = points @ flight.facing.T
    foot = np.array([take_off.contact[0], 0.0, 0.0])
    share = ease(before, -0.7, 0.7)
    tilt = take_off.tilt_rotation(spin.tilt * ease(before, -0.35, 0.35))
    points = _rotate(_rotate(points - foot, tilt), take_off.plane_rotation(share)) + foot
    # in the air and under water
    touch = flight.touch()
    after_sample = touch.time * RATE - (touch.sample - 1)
    air = _submerge(flight, touch)
    level = np.array([0.0, 0.0, flight.height])
    joints = np.concatenate([points, air.joints]) + level
    after = np.arange(len(air.joints)) / RATE
    times = np.concatenate([before, after])
    centre = np.concatenate([np.einsum("j,njx->nx", _mass_weights(body), points), air.centre]) + level
    trunk = joints[:, JOINT_INDEX["neck"]] - joints[:, JOINT_INDEX["pelvis"]]
    trunk /= np.linalg.norm(trunk, axis=-1, keepdims=True)
    somersault = _somersault(flight, trunk, len(before))
    last = len(before) + touch.sample - 1
    entry_turn = somersault[last] * (1 - after_sample) + somersault[last + 1] * after_sample
    leading = joints[last + 1, int(np.argmin(joints[last + 1, :, 2]))]
    names = code.sub_actions()
    starts = [float(times[0]), 0.0, *([spin.twist_end] if len(names) == 4 else []), touch.time]
    x, y, z = (float(value) for value in flight.plane @ flight.facing @ np.array([0.0, spin.momentum, 0.0]))
    return DiverMotion(
        times=times,
        joints=joints,
        centre_of_mass=centre,
        trunk_direction=trunk,
        hip_angle=hip_angle(joints),
        knee_angle=knee_angle(joints),
        somersault=somersault,
        twist=np.concatenate([np.zeros(len(before)), air.twist]) / (2 * np.pi),
        angular_speed=np.gradient(somersault, 1.0 / RATE) * 360.0,
        board_tip=np.concatenate([approach.board_tip, board_oscillation(after, approach.tip_speed)]),
        entry_time=touch.time,
        sub_actions=tuple(zip(starts, names, strict=True)),
        entry_angle=float((entry_turn - code.half_somersaults / 2) * 360.0),
        entry_position=(float(leading[0]), float(leading[1])),
        splash_size=faults.splash,
        armstand=code.armstand,
        momentum=(x, y, z),
    )


def _pitch_rotations(pitch: np.ndarray) -> np.ndarray:
    cos, sin, zero = np.cos(pitch), np.sin(pitch), np.zeros_like(pitch)
    rows = [[cos, zero, sin], [zero, zero + 1.0, zero], [-sin, zero, cos]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _rotate(points: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    return np.asarray(np.matmul(points, rotations.transpose(0, 2, 1)))


def _mass_weights(body: Body) -> np.ndarray:
    weights = np.zeros(len(JOINTS))
    for segment in body.segments:
        weights[segment.start] += segment.mass * (1.0 - segment.centre) / body.mass
        weights[segment.end] += segment.mass * segment.centre / body.mass
    return weights


def _somersault(flight: _Flight, trunk: np.ndarray, first: int) -> np.ndarray:
    """Turns of the trunk in the dive's sense from the upright or upside-down line; `first` is the take-off's sample."""
    take_off = flight.take_off
    line = trunk @ flight.plane
    angle = np.unwrap(np.arctan2(line[:, 0] * take_off.facing, line[:, 2]))
    upright = np.pi if take_off.code.armstand else 0.0
    angle = angle - 2 * np.pi * np.round((angle[first] - upright) / (2 * np.pi)) - upright
    return np.asarray(take_off.sense * angle / (2 * np.pi))


@dataclass(frozen=True)
class _Descent:
    """Flight and the way under water at N samples, from the board's edge."""

    joints: np.ndarray
    """[N, 20, 3] metres."""
    centre: np.ndarray
    """[N, 3] mass centre, metres."""
    twist: np.ndarray
    """[N] radians, not negative."""


def _submerge(flight: _Flight, touch: _Touch) -> _Descent:
    """Continue the flight under water, which brakes the spin first, then the body."""
    take_off, spin, body = flight.take_off, flight.spin, flight.body
    count = len(touch.joints)
    grid = np.arange(count) / RATE
    extra = int(SUBMERGED_TIME * RATE)
    times = (touch.sample + np.arange(extra)) / RATE - touch.time  # since the touch
    index = np.minimum(touch.sample + np.arange(extra), count - 1)
    free_spin = 0.055 * (1.0 - np.exp(-times / 0.055))  # s of free rotation that are still turned
    when = np.minimum(touch.time + free_spin, grid[-1])
    rotation = spin.rotation
    braked = Rotation(
        somersault=np.interp(when, grid, rotation.somersault),
        tilt=np.interp(when, grid, rotation.tilt),
        twist=np.interp(when, grid, rotation.twist),
    )
    angles = spin.angles[index] + _under_water(times, take_off.code)
    points = joint_positions(body, angles)[:, :20]
    points -= np.einsum("j,njx->nx", _mass_weights(body), points)[:, None]
    points = np.matmul(points, braked.matrices().transpose(0, 2, 1)) @ flight.facing.T @ flight.plane.T
    speed = np.array([take_off.speed[0], take_off.speed[1], take_off.speed[2] - GRAVITY * touch.time])
    start = take_off.path(np.array([touch.time]))[0]
    free = np.minimum(times, 0.06)
    drag = 0.42
    slowing = np.log1p(drag * abs(speed[2]) * np.maximum(times - 0.06, 0.0)) / (drag * abs(speed[2]))
    centre = start + speed * (free + slowing)[:, None]
    points += centre[:, None]
    return _Descent(
        joints=np.concatenate([touch.joints[: touch.sample], points]),
        centre=np.concatenate([take_off.path(grid)[: touch.sample], centre]),
        twist=np.abs(np.concatenate([rotation.twist[: touch.sample], braked.twist])),
    )


def _under_water(times: np.ndarray, code: DiveCode) -> np.ndarray:
    """Change of shape [n, 21] under water: the arms open and the knees and hips give."""
    if code.head_first:
        change = shape(**{"raise": -70.0, "wrist": -50.0}, hip=34.0, knee=46.0)
    else:
        change = shape(**{"raise": 60.0}, knee=40.0)
    return np.asarray(ease(times, 0.30, 0.55)[:, None] * change)
