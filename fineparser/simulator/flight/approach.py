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
    press: float
    """m by which the tip is bent down at most; 0 for a platform."""
    static_press: float
    """m by which a standing diver bends it."""
    tip_speed: float
    """m/s of the tip at the last contact."""


SPRINGBOARD_DYNAMICS = BoardDynamics(
    contact_time=0.43, hurdle_time=0.54, hurdle_length=0.98, press=0.62, static_press=0.11, tip_speed=3.4
)
PLATFORM_DYNAMICS = BoardDynamics(
    contact_time=0.30, hurdle_time=0.36, hurdle_length=0.74, press=0.0, static_press=0.0, tip_speed=0.0
)

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
    tip = _board_tip(times, [(begin, -static), (top, -static + 0.05), (swing, -static - 0.03)], board)
    leg = body.proportions.thigh + body.proportions.shank
    standing = toe_z + body.proportions.foot * np.sin(np.deg2rad(FLAT_FOOT)) + 0.997 * leg
    middle = toe_u - 0.62 * body.proportions.foot  # of the foot: where the weight is
    rows = [
        (begin, {"raise": 4.0, "plane": 70.0, "elbow": 6.0, "spine": 0.0, "neck": 6.0, "roll": 0, "wrist": 0}),
        (top, {"raise": 168.0, "plane": 62.0, "elbow": 4.0, "spine": -3.0, "neck": 0.0, "roll": 0, "wrist": 0}),
        (0.55 * top + 0.45 * -push, {"raise": 92.0, "plane": 88.0, "elbow": 8.0, "spine": 2.0, "neck": 8.0}),
        (-0.92 * push, {"raise": -14.0, "plane": 30.0, "elbow": 12.0, "spine": 16.0, "neck": 0.0}),
        (-0.42 * push, {"raise": 74.0, "plane": 12.0, "elbow": 10.0, "spine": 10.0, "neck": -4.0}),
    ]
    angles = _interpolate_angles(times, rows, take_off)
    depth = 0.25 * leg
    knots = [begin, top, swing, -0.62 * push, 0.0]
    hips_z = hermite(
        times, knots, [standing, standing + 0.035, standing, standing - depth, take_off.hips[1]],
        [0, 0, None, 0, take_off.hips_speed[1] - board.tip_speed],
    )  # fmt: skip
    back = 0.13
    hips_u = hermite(
        times,
        knots,
        [middle, middle + 0.02, middle, middle - back + (0.05 if backward else 0.0), take_off.hips[0]],
        [0, 0, None, None, take_off.hips_speed[0]],
    )
    pitch = hermite(times, knots, [0.02, 0.0, 0.04, 0.62, take_off.pitch], [0, 0, 0, 0, take_off.pitch_rate])
    idle = 0.008 * np.sin(2 * np.pi * (times - begin) * 0.45 + rng.uniform(0, 6)) * (1 - ease(times, begin - 0.3, 0.4))
    heel = hermite(
        times, [begin, top, swing, -0.45 * push, 0.0],
        [np.deg2rad(FLAT_FOOT), np.deg2rad(FLAT_FOOT + 22), np.deg2rad(FLAT_FOOT + 3), np.deg2rad(FLAT_FOOT + 4), fall],
        [0, 0, None, 0, None],
    )  # fmt: skip
    foot = np.stack([np.full(len(times), toe_u), toe_z + tip, heel], axis=-1)
    hips = np.stack([hips_u + idle, hips_z + tip], axis=-1)
    pitch = pitch + 0.4 * idle
    return Approach(pose_legs(body, angles, hips, pitch, {"l": foot, "r": foot}), hips, pitch, tip)


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
    tip = _board_tip(times, [(jump - 0.25, 0.0), (jump - 0.05, -0.10), (jump + 0.2, 0.02), (land, -0.02)], board)
    rows = [
        (begin, {"raise": 4.0, "plane": 70.0, "elbow": 6.0, "spine": 0.0, "neck": 6.0, "roll": 0, "wrist": 0}),
        (first, {"raise": 12.0, "plane": 20.0, "elbow": 10.0, "spine": 2.0, "neck": 10.0, "roll": 0, "wrist": 0}),
        (second, {"raise": 4.0, "plane": 20.0, "elbow": 10.0, "spine": 2.0, "neck": 10.0}),
        (third, {"raise": -24.0, "plane": 25.0, "elbow": 10.0, "spine": 5.0, "neck": 8.0}),
        (jump + 0.04, {"raise": 95.0, "plane": 18.0, "elbow": 14.0, "spine": -2.0, "neck": 4.0}),
        (jump + 0.5 * air, {"raise": 165.0, "plane": 45.0, "elbow": 6.0, "spine": -3.0, "neck": 12.0}),
        (land - 0.04, {"raise": 92.0, "plane": 86.0, "elbow": 8.0, "spine": 2.0, "neck": 12.0}),
        (land + 0.26 * push, {"raise": -12.0, "plane": 32.0, "elbow": 12.0, "spine": 12.0, "neck": 2.0}),
        (land + 0.62 * push, {"raise": 78.0, "plane": 12.0, "elbow": 10.0, "spine": 8.0, "neck": -4.0}),
    ]
    angles = _interpolate_angles(times, rows, take_off)
    rise = GRAVITY * air / 2 - 0.06 / air
    knots = [begin, first, second, third, jump, land, land + 0.42 * push, 0.0]
    hips_z = hermite(
        times, knots,
        [standing, standing - 0.01, standing - 0.01, standing - 0.05, standing + 0.07, standing + 0.01,
         standing - 0.20 * leg, take_off.hips[1]],
        [0, 0, 0, 0, rise, rise - GRAVITY * air, 0, take_off.hips_speed[1] - board.tip_speed],
    )  # fmt: skip
    over = 0.62 * body.proportions.foot
    landing = toe_u - over - 0.02
    hips_u = hermite(
        times, knots,
        [spots[3] - over, spots[2] - over - 0.22, spots[1] - over - 0.18, spots[0] - over - 0.08,
         spots[0] - over + 0.20, landing, landing + 0.01, take_off.hips[0]],
        [0, None, None, None, (landing - spots[0] + over - 0.20) / air, (landing - spots[0] + over - 0.20) / air,
         None, take_off.hips_speed[0]],
    )  # fmt: skip
    pitch = hermite(
        times, knots, [0.02, 0.04, 0.04, 0.10, 0.02, 0.10, 0.46, take_off.pitch], [0, 0, 0, 0, 0, None, 0,
        take_off.pitch_rate],
    )  # fmt: skip
    flat, on_toe = np.deg2rad(FLAT_FOOT), np.deg2rad(72)
    knee_height = standing * 0.52
    stand_leg = [  # (time, u, height of the toe, fall of the foot)
        (begin, spots[3], 0, flat), (begin + 0.06, spots[3], 0, flat),
        (first - 0.14, (spots[3] + spots[2]) / 2, 0.10, 0.5),
        (first, spots[2], 0, flat), (second - 0.02, spots[2], 0, flat + 0.5), (third - 0.16, spots[1], 0.12, 0.6),
        (third, spots[0], 0, flat), (jump - 0.10, spots[0], 0, flat + 0.1), (jump, spots[0], 0, on_toe),
        (jump + 0.35 * air, spots[0] + 0.40, 0.12, 1.25), (land - 0.05, toe_u - 0.02, 0.03, 0.8),
        (land, toe_u, 0, 0.5), (land + 0.2 * push, toe_u, 0, flat),
        (-0.45 * push, toe_u, 0, flat + 0.1), (0.0, toe_u, 0, fall),
    ]  # fmt: skip
    lift_leg = [
        (begin, spots[3], 0, flat), (first + 0.02, spots[3], 0, flat + 0.4), (second - 0.16, spots[2], 0.12, 0.6),
        (second, spots[1], 0, flat), (third + 0.0, spots[1], 0, flat + 0.5), (jump - 0.08, spots[0] + 0.05, 0.22, 0.9),
        (jump + 0.12 * air, spots[0] + 0.52, 0.50 * knee_height + 0.10, 1.05),
        (jump + 0.5 * air, spots[0] + 0.66, 0.55 * knee_height, 1.2), (land - 0.05, toe_u - 0.02, 0.03, 0.8),
        (land, toe_u, 0, 0.5), (land + 0.2 * push, toe_u, 0, flat),
        (-0.45 * push, toe_u, 0, flat + 0.1), (0.0, toe_u, 0, fall),
    ]  # fmt: skip
    feet = {}
    for side, keys in zip(("l", "r") if rng.random() < 0.5 else ("r", "l"), (stand_leg, lift_leg), strict=True):
        when, u, z, falls = (list(column) for column in zip(*keys, strict=True))
        slopes = [0.0, *[None] * (len(when) - 1)]
        feet[side] = np.stack(
            [
                hermite(times, when, u, slopes),
                toe_z + hermite(times, when, z, slopes) + tip,
                hermite(times, when, falls, slopes),
            ],
            axis=-1,
        )
    idle = 0.007 * np.sin(2 * np.pi * (times - begin) * 0.45) * (1 - ease(times, begin - 0.3, 0.4))
    hips = np.stack([hips_u + idle, hips_z + tip], axis=-1)
    return Approach(pose_legs(body, angles, hips, pitch, feet), hips, pitch, tip)


def _board_tip(times: np.ndarray, keys: list[tuple[float, float]], board: BoardDynamics) -> np.ndarray:
    """Deflection [n] of the board's tip up to the take-off, through (time, deflection) before the last push."""
    if board.press == 0.0:
        return np.zeros(len(times))
    knots = [time for time, _ in keys] + [-0.5 * board.contact_time, 0.0]
    values = [value for _, value in keys] + [-board.press, 0.0]
    return hermite(times, knots, values, [0.0, *[None] * len(keys), board.tip_speed])


def board_oscillation(times: np.ndarray, board: BoardDynamics) -> np.ndarray:
    """Oscillation [n] of the board's tip after the take-off at 0: about 5 times a second, damped."""
    if board.press == 0.0:
        return np.zeros(len(times))
    rate = 2 * np.pi * 4.6
    return np.asarray(board.tip_speed / rate * np.sin(rate * times) * np.exp(-times / 0.55))


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
    return Approach(angles, hips, pitch, np.zeros(len(times)))
