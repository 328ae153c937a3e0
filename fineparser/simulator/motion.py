"""The motion of a whole dive: approach, take-off, flight, entry, and the labels that follow from it."""

from dataclasses import dataclass, fields, replace

import numpy as np

from fineparser.domain.difficulty import SPRINGBOARDS, difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.approach import (
    Approach,
    Departure,
    armstand,
    free_board,
    stand_and_press,
    walk_and_hurdle,
)
from fineparser.simulator.body import JOINT, JOINTS, Body
from fineparser.simulator.choreography import BACK, FORWARD, INWARD, REVERSE, Manner
from fineparser.simulator.faults import Faults
from fineparser.simulator.shape import hip_angle, knee_angle, place, shape
from fineparser.simulator.spin import Spin, spin
from fineparser.simulator.takeoff import GRAVITY, TakeOff
from fineparser.simulator.timeline import ease

RATE = 240.0
"""Samples a second of a motion."""
CLEARANCE = 0.5  # m between a diver and the board on the way down, less for one who stays too near
TOUCH_CLOSE = 0.006  # s
AFTER = 3.1  # s of the motion after the touch of the water


@dataclass(frozen=True)
class PoseTrack:
    """Some of a motion's arrays at chosen times; see `Motion`."""

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


@dataclass(frozen=True)
class Motion:
    """One diver's dive. World frame: metres, z up from the water, x out over the pool from the edge of the board, y to
    the left of somebody who faces the pool; seconds, 0 at the last contact."""

    times: np.ndarray
    """[N] seconds, `RATE` a second."""
    joints: np.ndarray
    """[N, 20, 3] in the order of `body.JOINTS`."""
    centre_of_mass: np.ndarray
    """[N, 3]."""
    trunk_direction: np.ndarray
    """[N, 3] unit vectors from pelvis to neck."""
    hip_angle: np.ndarray
    """[N] degrees between trunk and thighs, 180 = straight."""
    knee_angle: np.ndarray
    """[N] degrees, 180 = straight."""
    somersault: np.ndarray
    """[N] turns of the trunk in the dive's sense, counted from the upright (armstand: upside-down) line."""
    twist: np.ndarray
    """[N] turns in the dive's sense."""
    angular_speed: np.ndarray
    """[N] degrees a second of `somersault`."""
    board_tip: np.ndarray
    """[N] metres by which the springboard's tip stands above its place at rest."""
    entry_time: float
    """When the first hand or foot touches the water."""
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
    running: bool = False
    """Whether the take-off is a running one."""
    tempo: int = 0
    """Seed of the approach's timing."""

    def at(self, times: np.ndarray) -> PoseTrack:
        """The motion at `times` [n] by linear interpolation; before its start and after its end it stands still."""
        times = np.asarray(times, dtype=float)
        place_in = np.clip((times - self.times[0]) * RATE, 0.0, len(self.times) - 1.0)
        below = np.minimum(place_in.astype(int), len(self.times) - 2)
        share = place_in - below

        def between(values: np.ndarray) -> np.ndarray:
            part = share.reshape(share.shape + (1,) * (values.ndim - 1))
            return values[below] * (1.0 - part) + values[below + 1] * part

        tracks = {field.name: between(getattr(self, field.name)) for field in fields(PoseTrack)[1:]}
        length = np.linalg.norm(tracks["trunk_direction"], axis=-1, keepdims=True)
        tracks["trunk_direction"] = tracks["trunk_direction"] / length
        return PoseTrack(times=times, **tracks)

    def moved(self, sideways: float, later: float = 0.0) -> "Motion":
        """The same dive `sideways` metres to the left and `later` seconds later: a synchronised partner's line."""
        shift = np.array([0.0, sideways, 0.0])
        return replace(
            self,
            times=self.times + later,
            joints=self.joints + shift,
            centre_of_mass=self.centre_of_mass + shift,
            entry_time=self.entry_time + later,
            sub_actions=tuple((start + later, name) for start, name in self.sub_actions),
            entry_position=(self.entry_position[0], self.entry_position[1] + sideways),
            take_off_time=self.take_off_time + later,
        )


def plan_motion(
    code: DiveCode,
    height: float,
    body: Body,
    faults: Faults,
    rng: np.random.Generator,
    *,
    running: bool | None = None,
    lead_in: float | None = None,
    tempo: int | None = None,
) -> Motion:
    """Plan a dive from the stance to under the water.

    Args:
        height: metres, one of `fineparser.domain.difficulty.HEIGHTS`.
        running: whether a forward or reverse dive has a running take-off; drawn when None.
        tempo: seed of the approach's timing; divers with the same one step and swing in time. Drawn when None.
        lead_in: seconds of the motion before the take-off, at least those of the approach; drawn when None (3.5-6 s).

    Raises:
        ValueError: if the dive is not allowed at the height (no difficulty there).
    """
    difficulty(code, height)
    springboard = height in SPRINGBOARDS
    manner = Manner.sample(rng)
    if running is None:
        running = bool(rng.random() < (0.92 if springboard else 0.25))
    running = running and not code.armstand and code.direction in (FORWARD, REVERSE)
    take_off = TakeOff.sample(rng, code, height, body, faults, manner)
    turning = spin(code, body, faults, manner, take_off, 1.0 / RATE)
    for _ in range(3):  # a body that is not lined up touches at another time than expected
        entry_time = _touch(turning, take_off, height)[1]
        if abs(entry_time - take_off.touch) < TOUCH_CLOSE:
            break
        take_off = replace(take_off, touch=float(min(entry_time, take_off.flight + 0.1)))
        turning = spin(code, body, faults, manner, take_off, 1.0 / RATE)
    take_off = take_off.tilted(turning.tilt)
    joints = _touch(turning, take_off, height)[2]
    clearance = float(np.clip(CLEARANCE + 0.35 * faults.distance, 0.2, CLEARANCE))
    take_off = take_off.clear_of_board(joints, np.arange(len(joints)) / RATE, clearance)
    lead = rng.uniform(3.5, 6.0) if lead_in is None else lead_in
    before = -np.arange(int(lead * RATE), 0, -1) / RATE
    tempo = int(rng.integers(2**31)) if tempo is None else tempo
    timing = np.random.default_rng(tempo)
    approach = _approach(before, code, body, faults, take_off, turning, springboard, running, timing)
    dive = _assemble(code, height, body, faults, take_off, turning, approach, before, springboard)
    return replace(dive, running=running, tempo=tempo)


def plan_partner(
    code: DiveCode,
    height: float,
    body: Body,
    faults: Faults,
    rng: np.random.Generator,
    first: Motion,
    *,
    sideways: float = 2.0,
) -> Motion:
    """Plan the second diver of a synchronised pair: own body and faults, `sideways` metres to the left of the first,
    leaving the board within a few hundredths of a second of the first and with the same approach."""
    lead_in = first.take_off_time - float(first.times[0])
    second = plan_motion(code, height, body, faults, rng, running=first.running, lead_in=lead_in, tempo=first.tempo)
    later = float(np.round(np.clip(rng.normal(0.0, 0.02), -0.05, 0.05) * RATE) / RATE)
    return second.moved(sideways, later)


def _approach(times, code, body, faults, take_off, turning: Spin, springboard, running, rng) -> Approach:
    """The approach that leads up to the flight's first moment."""
    step = 1.0 / RATE
    angles = turning.angles[:3]
    points = turning.joints[:3]  # from the mass centre, in the body frame
    pitch = turning.rotation.somersault[:3]
    cos, sin = np.cos(pitch), np.sin(pitch)
    pelvis = points[:, JOINT["pelvis"]]
    offset = np.stack([pelvis[:, 0] * cos + pelvis[:, 2] * sin, pelvis[:, 2] * cos - pelvis[:, 0] * sin], -1)

    def slope(values):
        return (-1.5 * values[0] + 2.0 * values[1] - 0.5 * values[2]) / step

    facing = take_off.facing
    speed = slope(offset) + np.array([facing * take_off.speed[0], take_off.speed[2]])
    hips = offset[0] + np.array([facing * take_off.start[0], take_off.start[2]])
    departure = Departure(
        hips=tuple(hips),
        hips_speed=tuple(speed),
        pitch=float(pitch[0]),
        pitch_rate=float(slope(pitch)) * (0.5 if code.armstand else 1.0),
        angles=angles[0],
        angle_rates=np.clip(slope(angles), -900.0, 900.0),
    )
    if code.armstand:
        hands = facing * take_off.contact[0], take_off.contact[1]
        held = take_off.repertoire.take_off
        return armstand(times, body, departure, held=held, hands=hands, wobble=faults.wobble, rng=rng)
    if running:
        return walk_and_hurdle(times, body, departure, springboard=springboard, rng=rng)
    backward = code.direction in (BACK, INWARD)
    return stand_and_press(times, body, departure, springboard=springboard, backward=backward, rng=rng)


def _assemble(code, height, body, faults, take_off, turning, approach, before, springboard) -> Motion:
    facing = np.diag([take_off.facing, take_off.facing, 1.0])
    # before the take-off: bodies in their own plane, swung out of it with the take-off's own crookedness
    points = place(body, approach.angles)[:, :20]
    points = np.matmul(points, _pitching(approach.pitch).transpose(0, 2, 1))
    points += np.stack([approach.hips[:, 0], np.zeros(len(before)), approach.hips[:, 1]], axis=-1)[:, None]
    points = points @ facing.T
    foot = np.array([take_off.contact[0], 0.0, 0.0])
    share = ease(before, -0.7, 0.7)
    tipped = take_off.tipped(turning.tilt * ease(before, -0.35, 0.35))
    points = _swing(_swing(points - foot, tipped), take_off.frame(share)) + foot
    # in the air and under water
    touch, entry_time, air = _touch(turning, take_off, height)
    fall = take_off.path(np.arange(len(air)) / RATE)
    share = entry_time * RATE - (touch - 1)
    air, centre, wet = _submerge(air, fall, turning, take_off, facing, entry_time, touch, body)
    joints = np.concatenate([points, air]) + np.array([0.0, 0.0, height])
    everything = np.concatenate([before, np.arange(len(air)) / RATE])
    weights = _mass_weights(body)
    centre = np.concatenate([np.einsum("j,njx->nx", weights, points), centre]) + np.array([0.0, 0.0, height])
    trunk = joints[:, JOINT["neck"]] - joints[:, JOINT["pelvis"]]
    trunk /= np.linalg.norm(trunk, axis=-1, keepdims=True)
    somersault = _somersault(code, take_off, trunk, len(before))
    twist = np.concatenate([np.zeros(len(before)), wet]) / (2 * np.pi)
    late = len(before) + touch - 1
    entry_turn = somersault[late] * (1 - share) + somersault[late + 1] * share
    tip = np.concatenate([approach.board_tip, free_board(np.arange(len(air)) / RATE, springboard)])
    leading = joints[late + 1, int(np.argmin(joints[late + 1, :, 2]))]
    names = code.sub_actions()
    starts = [float(everything[0]), 0.0, *([turning.twist_end] if len(names) == 4 else []), entry_time]
    world = take_off.frame(np.ones(1))[0] @ facing @ np.array([0.0, turning.momentum, 0.0])
    return Motion(
        times=everything,
        joints=joints,
        centre_of_mass=centre,
        trunk_direction=trunk,
        hip_angle=hip_angle(joints),
        knee_angle=knee_angle(joints),
        somersault=somersault,
        twist=twist,
        angular_speed=np.gradient(somersault, 1.0 / RATE) * 360.0,
        board_tip=tip,
        entry_time=float(entry_time),
        sub_actions=tuple(zip(starts, names, strict=True)),
        entry_angle=float((entry_turn - code.half_somersaults / 2) * 360.0),
        entry_position=(float(leading[0]), float(leading[1])),
        splash_size=faults.splash,
        armstand=code.armstand,
        momentum=tuple(float(v) for v in world),
    )


def _touch(turning: Spin, take_off: TakeOff, height: float) -> tuple[int, float, np.ndarray]:
    """First sample with a joint in the water, the exact time of the touch, and the joints [N, 20, 3] of the flight."""
    facing = np.diag([take_off.facing, take_off.facing, 1.0])
    turned = take_off.frame(np.ones(1))[0] @ facing @ turning.rotation.matrices()
    joints = np.matmul(turning.joints, turned.transpose(0, 2, 1))
    joints += take_off.path(np.arange(len(joints)) / RATE)[:, None]
    lowest = joints[:, :, 2].min(axis=1) + height
    lowest[: int(0.2 * RATE)] = np.maximum(lowest[: int(0.2 * RATE)], 1e-3)
    touch = int(np.argmax(lowest <= 0.0))
    if lowest[touch] > 0.0:
        raise RuntimeError(f"{take_off.code} from {height} m does not reach the water in the planned flight")
    share = lowest[touch - 1] / (lowest[touch - 1] - lowest[touch])
    return touch, float((touch - 1 + share) / RATE), joints


def _pitching(pitch: np.ndarray) -> np.ndarray:
    cos, sin, zero = np.cos(pitch), np.sin(pitch), np.zeros_like(pitch)
    rows = [[cos, zero, sin], [zero, zero + 1.0, zero], [-sin, zero, cos]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _swing(points: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return np.matmul(points, frames.transpose(0, 2, 1))


def _mass_weights(body: Body) -> np.ndarray:
    weights = np.zeros(len(JOINTS))
    for segment in body.segments:
        weights[segment.start] += segment.mass * (1.0 - segment.centre) / body.mass
        weights[segment.end] += segment.mass * segment.centre / body.mass
    return weights


def _somersault(code: DiveCode, take_off: TakeOff, trunk: np.ndarray, first: int) -> np.ndarray:
    """Turns of the trunk in the dive's sense from the upright or upside-down line."""
    line = trunk @ take_off.frame(np.ones(1))[0]
    angle = np.unwrap(np.arctan2(line[:, 0] * take_off.facing, line[:, 2]))
    upright = np.pi if code.armstand else 0.0
    angle = angle - 2 * np.pi * np.round((angle[first] - upright) / (2 * np.pi)) - upright
    return take_off.sense * angle / (2 * np.pi)


def _submerge(air, fall, turning, take_off, facing, entry_time, touch, body):
    """After the touch: the water brakes the spin first, then the body, which goes on through its own hole."""
    count = len(air)
    extra = int(AFTER * RATE)
    times = (touch + np.arange(extra)) / RATE - entry_time  # since the touch
    index = np.minimum(touch + np.arange(extra), count - 1)
    swept = 0.055 * (1.0 - np.exp(-times / 0.055))  # s of free flight's spin still turned
    grid = np.arange(count) / RATE
    rotation = turning.rotation
    when = np.minimum(entry_time + swept, grid[-1])
    slowed = type(rotation)(
        *(np.interp(when, grid, getattr(rotation, name)) for name in ("somersault", "tilt", "twist"))
    )
    angles = turning.angles[index] + _under_water(times, take_off.code.head_first)
    points = place(body, angles)[:, :20]
    points -= np.einsum("j,njx->nx", _mass_weights(body), points)[:, None]
    points = np.matmul(points, slowed.matrices().transpose(0, 2, 1)) @ facing.T @ take_off.frame(np.ones(1))[0].T
    speed = np.array([take_off.speed[0], take_off.speed[1], take_off.speed[2] - GRAVITY * entry_time])
    here = take_off.path(np.array([entry_time]))[0]
    free = np.minimum(times, 0.06)
    drag = 0.42
    slowing = np.log1p(drag * abs(speed[2]) * np.maximum(times - 0.06, 0.0)) / (drag * abs(speed[2]))
    centre = here + speed * (free + slowing)[:, None]
    points += centre[:, None]
    twist = np.abs(np.concatenate([rotation.twist[:touch], slowed.twist]))
    return np.concatenate([air[:touch], points]), np.concatenate([fall[:touch], centre]), twist


def _under_water(times: np.ndarray, head_first: bool) -> np.ndarray:
    """Change of shape [n, 21] under water: the arms open and the knees and hips give."""
    change = (
        shape(**{"raise": -70.0, "wrist": -50.0}, hip=34.0, knee=46.0)
        if head_first
        else shape(**{"raise": 60.0}, knee=40.0)
    )
    return ease(times, 0.30, 0.55)[:, None] * change
