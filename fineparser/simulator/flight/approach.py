"""Approach before the take-off: standing, walking, hurdle, press and push, or the armstand.

All coordinates lie in the diver's own plane: u forwards (the direction that the diver faces), z up, pitch forwards. The
hips follow a path that ends with the position and speed of the flight's first moment; the legs are bent so that the
feet stay in place. Key frames of joint angles, hips and feet are connected by Hermite splines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fineparser.domain.clip_geometry import GRAVITY
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import ANGLE_INDEX, joint_positions, shape
from fineparser.simulator.athlete.skeleton import JOINT_INDEX
from fineparser.simulator.flight.shape_schedule import ease, hermite

FLAT_FOOT = 20.0  # degrees by which ankle -> toe falls when the foot is flat on the ground
KNEE_GIVE = 0.004  # share of the leg over which it gives before it is fully stretched


@dataclass(frozen=True, kw_only=True)
class BoardDynamics:
    """Timing and deflection of a springboard or platform."""

    contact_time: float
    """s of the last push."""
    hurdle_time: float
    """s in the air."""
    hurdle_length: float
    """m from the last step to the landing."""
    stretch_time: float
    """s before the last contact at which the knees are straight; on a springboard the recoil does the rest."""
    rate: float
    """rad/s of the springboard's oscillation under a diver; 0 for a platform."""

    @classmethod
    def sample_springboard(cls, rng: np.random.Generator) -> "BoardDynamics":
        """Sample a springboard, with its fulcrum, and a diver's timing on it."""
        return cls(
            contact_time=float(rng.uniform(0.38, 0.48)),
            hurdle_time=float(rng.uniform(0.42, 0.56)),
            hurdle_length=float(rng.uniform(0.7, 1.05)),
            stretch_time=float(rng.uniform(0.13, 0.19)),
            rate=float(rng.uniform(9.5, 11.0)),
        )

    def push_time(self, share: float) -> float:
        """Seconds (negative) at which the last push has this share left until the knees are straight."""
        return -(self.stretch_time + share * (self.contact_time - self.stretch_time))

    @property
    def static_press(self) -> float:
        """Metres by which a standing diver bends the tip down."""
        return GRAVITY / self.rate**2 if self.rate else 0.0

    def recoil(self, tip_speed: float) -> tuple[float, float]:
        """Largest deflection (m) and seconds from it to the last contact, from the tip's speed there (m/s).

        Diver and blade oscillate about the deflection by the diver's weight; the contact ends at the blade's rest.
        """
        amplitude = np.hypot(tip_speed / self.rate, self.static_press)
        return self.static_press + amplitude, float(np.arccos(-self.static_press / amplitude) / self.rate)


PLATFORM_DYNAMICS = BoardDynamics(contact_time=0.30, hurdle_time=0.36, hurdle_length=0.74, stretch_time=0.0, rate=0.0)
BLADE_RATE, BLADE_DECAY = 2 * np.pi * 4.6, 0.55
"""rad/s and s: oscillation of a springboard without a diver."""
MIN_TIP_SPEED = 0.5  # m/s

Knot = tuple[float, float, float | None]
"""Time (s), value and slope of a spline; None: the slope of `hermite`."""
KeyFrame = tuple[float, np.ndarray | Mapping[str, float]]
"""Time (s) and shape [21], or the angles by which it differs from the shape of the take-off."""


@dataclass(frozen=True)
class TakeOffState:
    """State at the beginning of the flight, with which the approach ends, in the diver's plane."""

    hips: tuple[float, float]
    """(u, z) of the pelvis in metres, z from the board at rest."""
    hips_speed: tuple[float, float]
    """m/s."""
    pitch: float
    """rad, of the pelvis."""
    pitch_rate: float
    """rad/s."""
    angles: np.ndarray
    """[21] degrees."""
    angle_rates: np.ndarray
    """[21] degrees/s."""


@dataclass(frozen=True)
class Approach:
    """Motion before the take-off at n times."""

    angles: np.ndarray
    """[n, 21] degrees."""
    hips: np.ndarray
    """[n, 2] (u, z) of the pelvis, metres."""
    pitch: np.ndarray
    """[n] rad."""
    board_tip: np.ndarray
    """[n] metres, upwards."""
    tip_speed: float
    """m/s of the board's tip at the last contact."""


def pose_legs(
    body: Body, angles: np.ndarray, hips: np.ndarray, pitch: np.ndarray, feet: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Set the angles of the legs in shapes [n, 21] so that the toes are at given positions.

    Args:
        hips: [n, 2] (u, z) of the pelvis, metres.
        pitch: [n] rad of the pelvis.
        feet: "l" and "r" -> [n, 3]: u and z of the toe joint, and the angle (rad) by which ankle -> toe falls.
    """
    size = body.proportions
    posed = angles.copy()
    for side, foot in feet.items():
        ankle = np.stack([foot[:, 0] - size.foot * np.cos(foot[:, 2]), foot[:, 1] + size.foot * np.sin(foot[:, 2])], -1)
        away = ankle - hips
        longest = size.thigh + size.shank
        # a leg reaches its full length smoothly: the knee speed would jump otherwise
        spare = (longest - np.linalg.norm(away, axis=-1)) / (KNEE_GIVE * longest)
        distance = np.clip(longest * (1.0 - KNEE_GIVE * np.logaddexp(0.0, spare)), 0.35 * longest, 0.9999 * longest)
        direction = np.arctan2(away[:, 0], -away[:, 1])
        at_hip = np.arccos((size.thigh**2 + distance**2 - size.shank**2) / (2 * size.thigh * distance))
        at_knee = np.arccos((size.thigh**2 + size.shank**2 - distance**2) / (2 * size.thigh * size.shank))
        thigh, knee = direction + at_hip, np.pi - at_knee
        # the foot's own angle in the plane is that of shank + 90 degrees - pointing
        point = thigh - knee + foot[:, 2]
        for name, value in (("hip", thigh + pitch), ("knee", knee), ("point", point)):
            posed[:, ANGLE_INDEX[f"{name}_{side}"]] = np.rad2deg(value)
    return posed


def toe_position(body: Body, angles: np.ndarray, hips: tuple[float, float], pitch: float) -> tuple[float, float, float]:
    """Position u, z of the left toe joint and fall of the foot (rad) for one shape [21]."""
    joints = joint_positions(body, angles[None])[0]
    cos, sin = np.cos(pitch), np.sin(pitch)
    toe, ankle = (
        np.array([j[0] * cos + j[2] * sin + hips[0], j[2] * cos - j[0] * sin + hips[1]])
        for j in (joints[JOINT_INDEX["toe_l"]], joints[JOINT_INDEX["ankle_l"]])
    )
    return float(toe[0]), float(toe[1]), float(np.arctan2(ankle[1] - toe[1], toe[0] - ankle[0]))


def _interpolate_angles(times: np.ndarray, rows: Sequence[KeyFrame], take_off: TakeOffState) -> np.ndarray:
    """Joint angles [n, 21] through key frames; they end with the angles and rates of the take-off."""
    keys = [angles if isinstance(angles, np.ndarray) else shape(take_off.angles, **angles) for _, angles in rows]
    knots = [time for time, _ in rows] + [0.0]
    keys.append(take_off.angles)
    angles = np.empty((len(times), len(ANGLE_INDEX)))
    for angle in range(len(ANGLE_INDEX)):
        values = [key[angle] for key in keys]
        angles[:, angle] = hermite(times, knots, values, [0.0, *[None] * (len(rows) - 1), take_off.angle_rates[angle]])
    return angles


def stand_and_press(
    times: np.ndarray,
    body: Body,
    take_off: TakeOffState,
    *,
    board: BoardDynamics,
    backward: bool,
    rng: np.random.Generator,
) -> Approach:
    """Standing take-off: stand, arms up, swing them down, press, push off.

    Args:
        backward: back to the water.
    """
    toe_u, toe_z, fall = toe_position(body, take_off.angles, take_off.hips, take_off.pitch)
    push, static = board.contact_time, board.static_press
    swing, top = -(push + rng.uniform(0.38, 0.5)), -(push + rng.uniform(0.85, 1.1))
    begin = top - rng.uniform(0.5, 0.9)
    leg = body.proportions.thigh + body.proportions.shank
    standing = toe_z + body.proportions.foot * np.sin(np.deg2rad(FLAT_FOOT)) + 0.997 * leg
    middle = toe_u - 0.62 * body.proportions.foot  # of the foot: where the weight is
    rows = [
        (begin, {"raise": 4.0, "plane": 70.0, "elbow": 6.0, "spine": 0.0, "neck": 6.0, "roll": 0, "wrist": 0}),
        (top, {"raise": 168.0, "plane": 62.0, "elbow": 4.0, "spine": -3.0, "neck": 0.0, "roll": 0, "wrist": 0}),
        (0.55 * top + 0.45 * -push, {"raise": 92.0, "plane": 88.0, "elbow": 8.0, "spine": 2.0, "neck": 8.0}),
        (board.push_time(0.92), {"raise": -14.0, "plane": 30.0, "elbow": 12.0, "spine": 16.0, "neck": 0.0}),
        (board.push_time(0.42), {"raise": 74.0, "plane": 12.0, "elbow": 10.0, "spine": 10.0, "neck": -4.0}),
        *_stretched_rows(board),
    ]
    angles = _interpolate_angles(times, rows, take_off)
    knots = [begin, top, swing, board.push_time(0.62)]
    back = 0.13
    hips_u = hermite(
        times,
        [*knots, 0.0],
        [middle, middle + 0.02, middle, middle - back + (0.05 if backward else 0.0), take_off.hips[0]],
        [0, 0, None, None, take_off.hips_speed[0]],
    )
    pitches = [(time, value, 0.0) for time, value in zip(knots, (0.02, 0.0, 0.04, 0.62), strict=True)]
    pitch = _trunk_pitch(times, pitches, take_off, board)
    idle = 0.008 * np.sin(2 * np.pi * (times - begin) * 0.45 + rng.uniform(0, 6)) * (1 - ease(times, begin - 0.3, 0.4))
    heel = hermite(
        times, [begin, top, swing, board.push_time(0.45), 0.0],
        [np.deg2rad(FLAT_FOOT), np.deg2rad(FLAT_FOOT + 22), np.deg2rad(FLAT_FOOT + 3), np.deg2rad(FLAT_FOOT + 4), fall],
        [0, 0, None, 0, None],
    )  # fmt: skip
    foot = np.stack([np.full(len(times), toe_u), np.full(len(times), toe_z), heel], axis=-1)
    rises = zip(knots, (0.0, 0.035, 0.0, -0.25 * leg), (0.0, 0.0, None, 0.0), strict=True)
    heights = [(time, standing + rise, slope) for time, rise, slope in rises]
    straight = _straight_leg_height(body, take_off, hips_u, foot)
    hips_z, tip_speed = _hips_height(times, heights, straight, take_off, board)
    tip = _board_tip(times, [(begin, -static), (top, -static + 0.05), (swing, -static - 0.03)], board, tip_speed)
    foot[:, 1] += tip
    hips = np.stack([hips_u + idle, hips_z + tip], axis=-1)
    pitch = pitch + 0.4 * idle
    return Approach(pose_legs(body, angles, hips, pitch, {"l": foot, "r": foot}), hips, pitch, tip, tip_speed)


def walk_and_hurdle(
    times: np.ndarray, body: Body, take_off: TakeOffState, *, board: BoardDynamics, rng: np.random.Generator
) -> Approach:
    """Running take-off: three steps, the hurdle off one leg with the other knee high, landing on both feet."""
    toe_u, toe_z, fall = toe_position(body, take_off.angles, take_off.hips, take_off.pitch)
    push, air = board.contact_time, board.hurdle_time
    land, jump = -push, -push - air
    pace = rng.uniform(0.42, 0.5)
    third, second, first = jump - 0.22, jump - 0.22 - pace, jump - 0.22 - 2 * pace
    begin = first - 0.42
    stride = rng.uniform(0.52, 0.64)
    spots = [toe_u - board.hurdle_length - k * stride for k in range(4)]  # third step, second, first, start
    leg = body.proportions.thigh + body.proportions.shank
    standing = toe_z + body.proportions.foot * np.sin(np.deg2rad(FLAT_FOOT)) + 0.997 * leg
    rows = [
        (begin, {"raise": 4.0, "plane": 70.0, "elbow": 6.0, "spine": 0.0, "neck": 6.0, "roll": 0, "wrist": 0}),
        (first, {"raise": 12.0, "plane": 20.0, "elbow": 10.0, "spine": 2.0, "neck": 10.0, "roll": 0, "wrist": 0}),
        (second, {"raise": 4.0, "plane": 20.0, "elbow": 10.0, "spine": 2.0, "neck": 10.0}),
        (third, {"raise": -24.0, "plane": 25.0, "elbow": 10.0, "spine": 5.0, "neck": 8.0}),
        (jump + 0.04, {"raise": 95.0, "plane": 18.0, "elbow": 14.0, "spine": -2.0, "neck": 4.0}),
        (jump + 0.5 * air, {"raise": 165.0, "plane": 45.0, "elbow": 6.0, "spine": -3.0, "neck": 12.0}),
        (land - 0.04, {"raise": 92.0, "plane": 86.0, "elbow": 8.0, "spine": 2.0, "neck": 12.0}),
        (board.push_time(0.74), {"raise": -12.0, "plane": 32.0, "elbow": 12.0, "spine": 12.0, "neck": 2.0}),
        (board.push_time(0.38), {"raise": 78.0, "plane": 12.0, "elbow": 10.0, "spine": 8.0, "neck": -4.0}),
        *_stretched_rows(board),
    ]
    angles = _interpolate_angles(times, rows, take_off)
    rise = GRAVITY * air / 2 - 0.06 / air
    knots = [begin, first, second, third, jump, land, board.push_time(0.58)]
    over = 0.62 * body.proportions.foot
    landing = toe_u - over - 0.02
    hips_u = hermite(
        times, [*knots, 0.0],
        [spots[3] - over, spots[2] - over - 0.22, spots[1] - over - 0.18, spots[0] - over - 0.08,
         spots[0] - over + 0.20, landing, landing + 0.01, take_off.hips[0]],
        [0, None, None, None, (landing - spots[0] + over - 0.20) / air, (landing - spots[0] + over - 0.20) / air,
         None, take_off.hips_speed[0]],
    )  # fmt: skip
    leans = zip(knots, (0.02, 0.04, 0.04, 0.10, 0.02, 0.10, 0.46), (0, 0, 0, 0, 0, None, 0), strict=True)
    pitch = _trunk_pitch(times, list(leans), take_off, board)
    flat, on_toe = np.deg2rad(FLAT_FOOT), np.deg2rad(72)
    knee_height = standing * 0.52
    stand_leg = [  # (time, u, height of the toe, fall of the foot)
        (begin, spots[3], 0, flat), (begin + 0.06, spots[3], 0, flat),
        (first - 0.14, (spots[3] + spots[2]) / 2, 0.10, 0.5),
        (first, spots[2], 0, flat), (second - 0.02, spots[2], 0, flat + 0.5), (third - 0.16, spots[1], 0.12, 0.6),
        (third, spots[0], 0, flat), (jump - 0.10, spots[0], 0, flat + 0.1), (jump, spots[0], 0, on_toe),
        (jump + 0.35 * air, spots[0] + 0.40, 0.12, 1.25), (land - 0.05, toe_u - 0.02, 0.03, 0.8),
        (land, toe_u, 0, 0.5), (land + 0.2 * push, toe_u, 0, flat),
        (board.push_time(0.45), toe_u, 0, flat + 0.1), (0.0, toe_u, 0, fall),
    ]  # fmt: skip
    lift_leg = [
        (begin, spots[3], 0, flat), (first + 0.02, spots[3], 0, flat + 0.4), (second - 0.16, spots[2], 0.12, 0.6),
        (second, spots[1], 0, flat), (third + 0.0, spots[1], 0, flat + 0.5), (jump - 0.08, spots[0] + 0.05, 0.22, 0.9),
        (jump + 0.12 * air, spots[0] + 0.52, 0.50 * knee_height + 0.10, 1.05),
        (jump + 0.5 * air, spots[0] + 0.66, 0.55 * knee_height, 1.2), (land - 0.05, toe_u - 0.02, 0.03, 0.8),
        (land, toe_u, 0, 0.5), (land + 0.2 * push, toe_u, 0, flat),
        (board.push_time(0.45), toe_u, 0, flat + 0.1), (0.0, toe_u, 0, fall),
    ]  # fmt: skip
    feet = {}
    for side, keys in zip(("l", "r") if rng.random() < 0.5 else ("r", "l"), (stand_leg, lift_leg), strict=True):
        when, u, z, falls = (list(column) for column in zip(*keys, strict=True))
        slopes = [0.0, *[None] * (len(when) - 1)]
        feet[side] = np.stack(
            [
                hermite(times, when, u, slopes),
                toe_z + hermite(times, when, z, slopes),
                hermite(times, when, falls, slopes),
            ],
            axis=-1,
        )
    lifts = (0.0, -0.01, -0.01, -0.05, 0.07, 0.01, -0.20 * leg)
    speeds = (0, 0, 0, 0, rise, rise - GRAVITY * air, 0)
    heights = [(time, standing + lift, speed) for time, lift, speed in zip(knots, lifts, speeds, strict=True)]
    straight = _straight_leg_height(body, take_off, hips_u, feet["l"])
    hips_z, tip_speed = _hips_height(times, heights, straight, take_off, board)
    bends = [(jump - 0.25, 0.0), (jump - 0.05, -0.10), (jump + 0.2, 0.02), (land, -0.02)]
    tip = _board_tip(times, bends, board, tip_speed)
    for foot in feet.values():
        foot[:, 1] += tip
    idle = 0.007 * np.sin(2 * np.pi * (times - begin) * 0.45) * (1 - ease(times, begin - 0.3, 0.4))
    hips = np.stack([hips_u + idle, hips_z + tip], axis=-1)
    return Approach(pose_legs(body, angles, hips, pitch, feet), hips, pitch, tip, tip_speed)


def _stretched_rows(board: BoardDynamics) -> list[KeyFrame]:
    """Key frame of the straight body with the arms up, before a springboard's recoil; a platform has none."""
    if not board.rate:
        return []
    return [(-board.stretch_time, {"raise": 165.0, "plane": 25.0, "elbow": 5.0, "spine": 0.0, "neck": -4.0})]


def _trunk_pitch(times: np.ndarray, keys: Sequence[Knot], take_off: TakeOffState, board: BoardDynamics) -> np.ndarray:
    """Pitch [n] of the pelvis in rad: through `keys`, upright before a springboard's recoil, to the take-off."""
    upright = [(-board.stretch_time, 0.06, 0.0)] if board.rate else []
    return _spline(times, [*keys, *upright, (0.0, take_off.pitch, take_off.pitch_rate)])


def _hips_height(
    times: np.ndarray, keys: Sequence[Knot], straight: np.ndarray, take_off: TakeOffState, board: BoardDynamics
) -> tuple[np.ndarray, float]:
    """Height of the hips above the board's tip, and the speed of the tip at the last contact.

    On a platform the push lasts until the take-off. On a springboard the legs are straight before, and the tip
    carries them up.

    Args:
        keys: of the height, up to the deepest point of the last push.
        straight: [n] height over straight legs, metres.

    Returns:
        [n] metres, and m/s.
    """
    if not board.rate:
        return _spline(times, [*keys, (0.0, take_off.hips[1], take_off.hips_speed[1])]), 0.0
    first = int(np.searchsorted(times, -board.stretch_time))
    slope = np.gradient(straight, times)
    height = _spline(times, [*keys, (times[first], straight[first], slope[first])])
    height[first:] = straight[first:]
    return height, float(max(take_off.hips_speed[1] - slope[-1], MIN_TIP_SPEED))


def _straight_leg_height(body: Body, take_off: TakeOffState, hips_u: np.ndarray, foot: np.ndarray) -> np.ndarray:
    """Height [n] of the hips at `hips_u` [n] over feet [n, 3] (see `pose_legs`) with the knees of the take-off."""
    x, _, z = joint_positions(body, take_off.angles[None])[0, JOINT_INDEX["ankle_l"]]
    length = body.proportions.foot
    away = hips_u - foot[:, 0] + length * np.cos(foot[:, 2])
    return np.asarray(foot[:, 1] + length * np.sin(foot[:, 2]) + np.sqrt(np.maximum(x**2 + z**2 - away**2, 0.0)))


def _spline(times: np.ndarray, keys: Sequence[Knot]) -> np.ndarray:
    """Hermite spline [n] through `keys`."""
    knots, values, slopes = (list(column) for column in zip(*keys, strict=True))
    return hermite(times, knots, values, slopes)


def _board_tip(
    times: np.ndarray, keys: Sequence[tuple[float, float]], board: BoardDynamics, tip_speed: float
) -> np.ndarray:
    """Deflection [n] of the board's tip up to the take-off, through (time, deflection) before the last push."""
    if not board.rate:
        return np.zeros(len(times))
    press, duration = board.recoil(tip_speed)
    before = [(time, height, None if index else 0.0) for index, (time, height) in enumerate(keys)]
    return _spline(times, [*before, (-duration, -press, 0.0), (0.0, 0.0, tip_speed)])


def board_oscillation(times: np.ndarray, tip_speed: float) -> np.ndarray:
    """Oscillation [n] of the board's tip after the take-off at 0: about 5 times a second, damped."""
    return np.asarray(tip_speed / BLADE_RATE * np.sin(BLADE_RATE * times) * np.exp(-times / BLADE_DECAY))


def armstand(
    times: np.ndarray,
    body: Body,
    take_off: TakeOffState,
    *,
    hold_shape: np.ndarray,
    hands: tuple[float, float],
    wobble: float,
    rng: np.random.Generator,
) -> Approach:
    """Armstand: press up, hold, tip over, push.

    Args:
        hold_shape: [21] degrees.
        hands: (u, z) of the wrists.
        wobble: degrees of swaying.
    """
    push = 0.42
    hold = rng.uniform(2.2, 3.4)
    up = -push - hold
    begin = up - rng.uniform(1.1, 1.5)
    low = shape(hold_shape, **{"raise": 125.0, "plane": 12.0}, hip=135.0, knee=95.0, spine=30.0, neck=-20.0, point=25.0)
    half = shape(
        hold_shape, **{"raise": 156.0, "plane": 12.0}, hip=112.0, knee=16.0, spine=19.0, neck=-20.0, point=50.0
    )
    giving = shape(hold_shape, elbow=14.0, hip=0.4 * take_off.angles[ANGLE_INDEX["hip_l"]])
    rows = [
        (begin, low),
        (begin + 0.5 * (up - begin), half),
        (up, hold_shape),
        (-push, hold_shape),
        (-0.45 * push, giving),
    ]
    angles = _interpolate_angles(times, rows, take_off)
    pitch = hermite(
        times,
        [begin, begin + 0.5 * (up - begin), up, -push, 0.0],
        [1.75, 2.35, np.pi, np.pi, take_off.pitch],
        [0, None, 0, 0, take_off.pitch_rate],
    )
    phase = rng.uniform(0, 2 * np.pi, 3)
    sway = np.zeros(len(times))
    for rate, start, part in zip((0.55, 1.1, 1.9), phase, (0.6, 0.45, 0.25), strict=True):
        sway = sway + np.sin(2 * np.pi * rate * times + start) * part
    steady = ease(times, up - 0.4, 0.5) * (1 - ease(times, -push - 0.1, push))
    amount = np.deg2rad(0.5 + wobble) * sway * steady
    pitch = pitch + 0.5 * amount
    angles[:, [ANGLE_INDEX["hip_l"], ANGLE_INDEX["hip_r"]]] += np.rad2deg(1.3 * amount)[:, None]
    angles[:, [ANGLE_INDEX["raise_l"], ANGLE_INDEX["raise_r"]]] -= np.rad2deg(0.35 * np.abs(amount))[:, None]
    joints = joint_positions(body, angles)
    wrist = joints[:, [JOINT_INDEX["wrist_l"], JOINT_INDEX["wrist_r"]]].mean(axis=1)
    cos, sin = np.cos(pitch), np.sin(pitch)
    hips = np.stack(
        [hands[0] - wrist[:, 0] * cos - wrist[:, 2] * sin, hands[1] - wrist[:, 2] * cos + wrist[:, 0] * sin], -1
    )
    # the hands begin to slip off shortly before the last contact, so that the hips reach the speed of the flight
    late = times > -0.10
    if late.any():
        edge = np.flatnonzero(late)[0]
        speed = (hips[edge] - hips[edge - 1]) / (times[edge] - times[edge - 1])
        for axis in range(2):
            hips[late, axis] = hermite(
                times[late],
                [times[edge], 0.0],
                [hips[edge, axis], take_off.hips[axis]],
                [speed[axis], take_off.hips_speed[axis]],
            )
    return Approach(angles, hips, pitch, np.zeros(len(times)), 0.0)
