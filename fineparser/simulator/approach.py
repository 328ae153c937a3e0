"""Before the take-off: standing, walking, hurdle, press and push, or the armstand.

Everything here lies in the diver's own plane: u forwards (the way the diver faces), z up, pitch forwards. The hips
follow a course that ends with the place and speed of the flight's first moment; the legs are bent so that the
feet stay where they stand.
"""

from dataclasses import dataclass

import numpy as np

from fineparser.simulator.body import JOINT, Body
from fineparser.simulator.shape import CHANNEL, place, shape
from fineparser.simulator.timeline import course, ease

FLAT = 20.0  # degrees by which ankle -> toe falls when the foot is flat on the ground
CONTACT = {True: 0.43, False: 0.30}  # s of the last push, springboard and platform
PRESS = 0.62  # m by which the springboard's tip is bent down at most
STATIC = 0.11  # m by which a standing diver bends it
GIVE = 0.004  # share of the leg over which it gives before it is fully stretched
HURDLE = {True: 0.54, False: 0.36}  # s in the air


@dataclass(frozen=True)
class Departure:
    """The flight's first moment, which the approach has to lead up to, in the diver's plane."""

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
    """Where the diver is before the take-off, at each of n times."""

    angles: np.ndarray
    """[n, 21] degrees."""
    hips: np.ndarray
    """[n, 2] (u, z) of the pelvis, metres."""
    pitch: np.ndarray
    """[n] rad."""
    board_tip: np.ndarray
    """[n] metres, upwards."""


def bend_legs(body: Body, angles: np.ndarray, hips: np.ndarray, pitch: np.ndarray, feet: dict[str, np.ndarray]):
    """Put the legs into shapes [n, 21] so that the toes are where `feet` says.

    Args:
        feet: "l" and "r" -> [n, 3]: u and z of the toe joint, and the angle (rad) by which ankle -> toe falls.
    """
    size = body.proportions
    found = angles.copy()
    for side, foot in feet.items():
        ankle = np.stack([foot[:, 0] - size.foot * np.cos(foot[:, 2]), foot[:, 1] + size.foot * np.sin(foot[:, 2])], -1)
        away = ankle - hips
        longest = size.thigh + size.shank
        # a leg comes to its full length gently: it would snap if it just stopped there
        spare = (longest - np.linalg.norm(away, axis=-1)) / (GIVE * longest)
        distance = np.clip(longest * (1.0 - GIVE * np.logaddexp(0.0, spare)), 0.35 * longest, 0.9999 * longest)
        direction = np.arctan2(away[:, 0], -away[:, 1])
        at_hip = np.arccos((size.thigh**2 + distance**2 - size.shank**2) / (2 * size.thigh * distance))
        at_knee = np.arccos((size.thigh**2 + size.shank**2 - distance**2) / (2 * size.thigh * size.shank))
        thigh, knee = direction + at_hip, np.pi - at_knee
        # the foot's own angle in the plane is that of shank + 90 degrees - pointing
        point = thigh - knee + foot[:, 2]
        for name, value in (("hip", thigh + pitch), ("knee", knee), ("point", point)):
            found[:, CHANNEL[f"{name}_{side}"]] = np.rad2deg(value)
    return found


def foot_at(body: Body, angles: np.ndarray, hips: tuple[float, float], pitch: float) -> tuple[float, float, float]:
    """u, z of the left toe joint and the fall of the foot (rad) for one shape [21]."""
    joints = place(body, angles[None])[0]
    cos, sin = np.cos(pitch), np.sin(pitch)
    toe, ankle = (
        np.array([j[0] * cos + j[2] * sin + hips[0], j[2] * cos - j[0] * sin + hips[1]])
        for j in (joints[JOINT["toe_l"]], joints[JOINT["ankle_l"]])
    )
    return float(toe[0]), float(toe[1]), float(np.arctan2(ankle[1] - toe[1], toe[0] - ankle[0]))


def _table(times: np.ndarray, rows: list[tuple], departure: Departure) -> np.ndarray:
    """Courses [n, 21] of joint angles through key rows (time, shape or what differs from the last one by name); they
    end as the flight begins."""
    keys = [angles if isinstance(angles, np.ndarray) else shape(departure.angles, **angles) for _, angles in rows]
    knots = [time for time, _ in rows] + [0.0]
    keys.append(departure.angles)
    angles = np.empty((len(times), len(CHANNEL)))
    for channel in range(len(CHANNEL)):
        values = [key[channel] for key in keys]
        angles[:, channel] = course(
            times, knots, values, [0.0, *[None] * (len(rows) - 1), departure.angle_rates[channel]]
        )
    return angles


def stand_and_press(
    times: np.ndarray, body: Body, departure: Departure, *, springboard: bool, backward: bool, rng: np.random.Generator
) -> Approach:
    """A standing take-off: stand, arms up, swing them down, press, push off. `backward`: back to the water."""
    toe_u, toe_z, fall = foot_at(body, departure.angles, departure.hips, departure.pitch)
    push = CONTACT[springboard]
    swing, top = -(push + rng.uniform(0.38, 0.5)), -(push + rng.uniform(0.85, 1.1))
    begin = top - rng.uniform(0.5, 0.9)
    tip = _board(times, [(begin, -STATIC), (top, -STATIC + 0.05), (swing, -STATIC - 0.03)], push, springboard)
    leg = body.proportions.thigh + body.proportions.shank
    standing = toe_z + body.proportions.foot * np.sin(np.deg2rad(FLAT)) + 0.997 * leg
    middle = toe_u - 0.62 * body.proportions.foot  # of the foot: where the weight is
    rows = [
        (begin, {"raise": 4.0, "plane": 70.0, "elbow": 6.0, "spine": 0.0, "neck": 6.0, "roll": 0, "wrist": 0}),
        (top, {"raise": 168.0, "plane": 62.0, "elbow": 4.0, "spine": -3.0, "neck": 0.0, "roll": 0, "wrist": 0}),
        (0.55 * top + 0.45 * -push, {"raise": 92.0, "plane": 88.0, "elbow": 8.0, "spine": 2.0, "neck": 8.0}),
        (-0.92 * push, {"raise": -14.0, "plane": 30.0, "elbow": 12.0, "spine": 16.0, "neck": 0.0}),
        (-0.42 * push, {"raise": 74.0, "plane": 12.0, "elbow": 10.0, "spine": 10.0, "neck": -4.0}),
    ]
    angles = _table(times, rows, departure)
    depth = 0.25 * leg
    knots = [begin, top, swing, -0.62 * push, 0.0]
    hips_z = course(
        times, knots, [standing, standing + 0.035, standing, standing - depth, departure.hips[1]],
        [0, 0, None, 0, departure.hips_speed[1] - _tip_speed(springboard)],
    )  # fmt: skip
    back = 0.13
    hips_u = course(
        times,
        knots,
        [middle, middle + 0.02, middle, middle - back + (0.05 if backward else 0.0), departure.hips[0]],
        [0, 0, None, None, departure.hips_speed[0]],
    )
    pitch = course(times, knots, [0.02, 0.0, 0.04, 0.62, departure.pitch], [0, 0, 0, 0, departure.pitch_rate])
    idle = 0.008 * np.sin(2 * np.pi * (times - begin) * 0.45 + rng.uniform(0, 6)) * (1 - ease(times, begin - 0.3, 0.4))
    heel = course(
        times, [begin, top, swing, -0.45 * push, 0.0],
        [np.deg2rad(FLAT), np.deg2rad(FLAT + 22), np.deg2rad(FLAT + 3), np.deg2rad(FLAT + 4), fall],
        [0, 0, None, 0, None],
    )  # fmt: skip
    foot = np.stack([np.full(len(times), toe_u), toe_z + tip, heel], axis=-1)
    hips = np.stack([hips_u + idle, hips_z + tip], axis=-1)
    pitch = pitch + 0.4 * idle
    return Approach(bend_legs(body, angles, hips, pitch, {"l": foot, "r": foot}), hips, pitch, tip)


def walk_and_hurdle(
    times: np.ndarray, body: Body, departure: Departure, *, springboard: bool, rng: np.random.Generator
) -> Approach:
    """A running take-off: three steps, the hurdle off one leg with the other knee high, landing on both feet."""
    toe_u, toe_z, fall = foot_at(body, departure.angles, departure.hips, departure.pitch)
    push, air = CONTACT[springboard], HURDLE[springboard]
    land, jump = -push, -push - air
    pace = rng.uniform(0.42, 0.5)
    third, second, first = jump - 0.22, jump - 0.22 - pace, jump - 0.22 - 2 * pace
    begin = first - 0.42
    stride = rng.uniform(0.52, 0.64)
    spots = [toe_u - 0.98 - k * stride for k in range(4)]  # third step, second, first, start
    if not springboard:
        spots = [toe_u - 0.74 - k * stride for k in range(4)]
    leg = body.proportions.thigh + body.proportions.shank
    standing = toe_z + body.proportions.foot * np.sin(np.deg2rad(FLAT)) + 0.997 * leg
    tip = _board(
        times, [(jump - 0.25, 0.0), (jump - 0.05, -0.10), (jump + 0.2, 0.02), (land, -0.02)], push, springboard
    )
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
    angles = _table(times, rows, departure)
    rise = 9.81 * air / 2 - 0.06 / air
    knots = [begin, first, second, third, jump, land, land + 0.42 * push, 0.0]
    hips_z = course(
        times, knots,
        [standing, standing - 0.01, standing - 0.01, standing - 0.05, standing + 0.07, standing + 0.01,
         standing - 0.20 * leg, departure.hips[1]],
        [0, 0, 0, 0, rise, rise - 9.81 * air, 0, departure.hips_speed[1] - _tip_speed(springboard)],
    )  # fmt: skip
    over = 0.62 * body.proportions.foot
    landing = toe_u - over - 0.02
    hips_u = course(
        times, knots,
        [spots[3] - over, spots[2] - over - 0.22, spots[1] - over - 0.18, spots[0] - over - 0.08,
         spots[0] - over + 0.20, landing, landing + 0.01, departure.hips[0]],
        [0, None, None, None, (landing - spots[0] + over - 0.20) / air, (landing - spots[0] + over - 0.20) / air,
         None, departure.hips_speed[0]],
    )  # fmt: skip
    pitch = course(
        times, knots, [0.02, 0.04, 0.04, 0.10, 0.02, 0.10, 0.46, departure.pitch], [0, 0, 0, 0, 0, None, 0,
        departure.pitch_rate],
    )  # fmt: skip
    flat, on_toe = np.deg2rad(FLAT), np.deg2rad(72)
    knee_up = hips_low = standing * 0.52
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
        (jump + 0.12 * air, spots[0] + 0.52, 0.50 * hips_low + 0.10, 1.05),
        (jump + 0.5 * air, spots[0] + 0.66, 0.55 * knee_up, 1.2), (land - 0.05, toe_u - 0.02, 0.03, 0.8),
        (land, toe_u, 0, 0.5), (land + 0.2 * push, toe_u, 0, flat), 
        (-0.45 * push, toe_u, 0, flat + 0.1), (0.0, toe_u, 0, fall),
    ]  # fmt: skip
    feet = {}
    for side, keys in zip(("l", "r") if rng.random() < 0.5 else ("r", "l"), (stand_leg, lift_leg), strict=True):
        when, u, z, falls = (list(column) for column in zip(*keys, strict=True))
        slopes = [0.0, *[None] * (len(when) - 1)]
        feet[side] = np.stack(
            [
                course(times, when, u, slopes),
                toe_z + course(times, when, z, slopes) + tip,
                course(times, when, falls, slopes),
            ],
            axis=-1,
        )
    idle = 0.007 * np.sin(2 * np.pi * (times - begin) * 0.45) * (1 - ease(times, begin - 0.3, 0.4))
    hips = np.stack([hips_u + idle, hips_z + tip], axis=-1)
    return Approach(bend_legs(body, angles, hips, pitch, feet), hips, pitch, tip)


def _board(times: np.ndarray, before: list[tuple], push: float, springboard: bool) -> np.ndarray:
    """Deflection of the springboard's tip [n] up to the take-off, and its swinging out afterwards."""
    if not springboard:
        return np.zeros(len(times))
    knots = [time for time, _ in before] + [-0.5 * push, 0.0]
    values = [value for _, value in before] + [-PRESS, 0.0]
    return course(times, knots, values, [0.0, *[None] * len(before), _tip_speed(True)])


def _tip_speed(springboard: bool) -> float:
    """m/s of the board's tip when the feet leave it."""
    return 3.4 if springboard else 0.0


def free_board(times: np.ndarray, springboard: bool) -> np.ndarray:
    """The tip [n] swinging out after the take-off at 0: about 5 times a second, damped."""
    if not springboard:
        return np.zeros(len(times))
    rate = 2 * np.pi * 4.6
    return _tip_speed(True) / rate * np.sin(rate * times) * np.exp(-times / 0.55)


def armstand(
    times: np.ndarray,
    body: Body,
    departure: Departure,
    *,
    held: np.ndarray,
    hands: tuple[float, float],
    wobble: float,
    rng: np.random.Generator,
) -> Approach:
    """An armstand: press up, hold, tip over, push. `held`: its shape [21] in degrees; `hands`: (u, z) of the wrists;
    `wobble`: degrees of swaying."""
    push = 0.42
    hold = rng.uniform(2.2, 3.4)
    up = -push - hold
    begin = up - rng.uniform(1.1, 1.5)
    low = shape(held, **{"raise": 125.0, "plane": 12.0}, hip=135.0, knee=95.0, spine=30.0, neck=-20.0, point=25.0)
    half = shape(held, **{"raise": 156.0, "plane": 12.0}, hip=112.0, knee=16.0, spine=19.0, neck=-20.0, point=50.0)
    giving = shape(held, elbow=14.0, hip=0.4 * departure.angles[CHANNEL["hip_l"]])
    rows = [(begin, low), (begin + 0.5 * (up - begin), half), (up, held), (-push, held), (-0.45 * push, giving)]
    angles = _table(times, rows, departure)
    still = np.pi
    pitch = course(
        times,
        [begin, begin + 0.5 * (up - begin), up, -push, 0.0],
        [1.75, 2.35, still, still, departure.pitch],
        [0, None, 0, 0, departure.pitch_rate],
    )
    phase = rng.uniform(0, 2 * np.pi, 3)
    sway = sum(
        np.sin(2 * np.pi * rate * times + p) * part
        for rate, p, part in zip((0.55, 1.1, 1.9), phase, (0.6, 0.45, 0.25), strict=True)
    )
    steady = ease(times, up - 0.4, 0.5) * (1 - ease(times, -push - 0.1, push))
    amount = np.deg2rad(0.5 + wobble) * sway * steady
    pitch = pitch + 0.5 * amount
    angles[:, [CHANNEL["hip_l"], CHANNEL["hip_r"]]] += np.rad2deg(1.3 * amount)[:, None]
    angles[:, [CHANNEL["raise_l"], CHANNEL["raise_r"]]] -= np.rad2deg(0.35 * np.abs(amount))[:, None]
    joints = place(body, angles)
    wrist = joints[:, [JOINT["wrist_l"], JOINT["wrist_r"]]].mean(axis=1)
    cos, sin = np.cos(pitch), np.sin(pitch)
    hips = np.stack(
        [hands[0] - wrist[:, 0] * cos - wrist[:, 2] * sin, hands[1] - wrist[:, 2] * cos + wrist[:, 0] * sin], -1
    )
    # the hands begin to slip off shortly before the last contact, so that the hips take on the flight's speed
    late = times > -0.10
    if late.any():
        edge = np.flatnonzero(late)[0]
        speed = (hips[edge] - hips[edge - 1]) / (times[edge] - times[edge - 1])
        for axis in range(2):
            hips[late, axis] = course(
                times[late],
                [times[edge], 0.0],
                [hips[edge, axis], departure.hips[axis]],
                [speed[axis], departure.hips_speed[axis]],
            )
    return Approach(angles, hips, pitch, np.zeros(len(times)))
