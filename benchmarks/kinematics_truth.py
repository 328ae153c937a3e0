"""True values of the measurements: of simulated dives from their plans, of real clips from labels read by eye.

A truth is a dictionary from the names of measurements (fields of `Kinematics`, and those below) to numbers or strings.
What is not known has no entry. Further names:

    flight, entry       number of the first source frame of the flight, of the entry
    splash_size         0 (rip) to 1 (huge), simulated dives only
    splash_level        0 to 3, labels only
    splash_bodies       height of the splash in body lengths, labels only
    entry_sense         "short", "vertical" or "over", labels only
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fineparser.data.readers.syndive import frame_labels
from fineparser.domain.clip_geometry import GRAVITY
from fineparser.domain.rules import DIRECTIONS, POSITIONS
from fineparser.simulator.athlete.skeleton import JOINT_INDEX
from fineparser.simulator.flight.diver_motion import RATE, DiverMotion
from fineparser.simulator.plan import DivePlan
from fineparser.simulator.true_measurements import true_measurements

Truth = dict[str, float | str]

LETTERS = {word: letter for letter, word in POSITIONS.items()}
"""Letters of the positions by their words in the labels."""

PEAK_SECONDS = 0.08
"""Time over which the peak rotation speed is averaged: about two frames of a video."""

BOARD_LEVEL_M = 0.3
"""Distance from the level of the board within which a part of the body passes it."""

TRUSTED = ("sure", "likely")
"""Confidence of a label of rotation and position from which it counts."""


def truth_of_plan(plan: DivePlan, lines: int) -> Truth:
    """True values of the first diver of a simulated dive, rendered with frames of `lines` lines."""
    motion, code = plan.motions[0], plan.code
    _, flight, entry = frame_labels(plan)
    times = motion.times
    in_air = (times >= motion.take_off_time) & (times <= motion.entry_time)
    height = motion.centre_of_mass[:, 2]
    somersault = np.interp([motion.take_off_time, motion.entry_time], times, motion.somersault)
    air_time = motion.entry_time - motion.take_off_time
    metre = float(plan.poses(np.array([entry]), lines)[0, -1]) * lines
    body = plan.bodies[0].proportions
    ankles = motion.joints[in_air][:, [JOINT_INDEX["ankle_l"], JOINT_INDEX["ankle_r"]]]
    truth: Truth = {
        "flight": flight,
        "entry": entry,
        "air_time": air_time,
        "take_off_speed": _vertical_speed(motion),
        "half_somersaults": str(code.half_somersaults),
        "half_twists": str(code.half_twists),
        "start": "hands" if code.armstand else "feet",
        "peak_rotation": _peak(motion.angular_speed[in_air]),
        "mean_rotation": float(somersault[1] - somersault[0]) * 360.0 / air_time,
        "position": code.position,
        "legs_apart": float(np.median(np.linalg.norm(ankles[:, 0] - ankles[:, 1], axis=-1))),
        "vertical": _vertical(plan, entry, lines),
        "splash_size": motion.splash_size,
        "scale": metre,
        "time_scale": plan.slow_motion,
        "body_height": float(metre * (body.trunk + body.head + body.thigh + body.shank + body.foot)),
        "dive_number": str(code),
        "height": f"{plan.height:g}",
    }
    truth |= true_measurements(plan, lines)
    if code.direction:
        truth["direction"] = DIRECTIONS[code.direction]
    # The hands of an armstand are beside the edge before they pass it.
    closest = None if code.armstand else _closest_distance(motion, plan.height)
    if closest is not None:
        truth["closest_distance"] = closest
    if "opening_time" in truth:
        truth["opening_height"] = float(np.interp(motion.entry_time - float(truth["opening_time"]), times, height))
    return truth


def _vertical_speed(motion: DiverMotion) -> float:
    """Vertical speed of the centre of mass at the last contact, from its path 0.2 s later."""
    seconds = 0.2
    before, after = np.interp([0.0, seconds], motion.times - motion.take_off_time, motion.centre_of_mass[:, 2])
    return float((after - before) / seconds + GRAVITY * seconds / 2)


def _peak(speed: np.ndarray) -> float:
    """Largest mean over `PEAK_SECONDS`."""
    count = round(PEAK_SECONDS * RATE)
    return float(np.convolve(speed, np.full(count, 1 / count), mode="valid").max())


def _closest_distance(motion: DiverMotion, height: float) -> float | None:
    """Least horizontal distance of a joint from the board's edge where it passes the board on the way down."""
    top = int(np.argmax(np.where(motion.times >= motion.take_off_time, motion.centre_of_mass[:, 2], -np.inf)))
    is_down = (np.arange(len(motion.times)) > top) & (motion.times <= motion.entry_time)
    passing = is_down[:, None] & (np.abs(motion.joints[..., 2] - height) < BOARD_LEVEL_M)
    return float(motion.joints[..., 0][passing].min()) if passing.any() else None


def _vertical(plan: DivePlan, frame: int, lines: int) -> float:
    """Degrees clockwise by which the true vertical at the centre of mass is turned from that of the picture."""
    centre = plan.motions[0].at(plan.times[[frame]]).centre_of_mass[0]
    points = np.stack([centre, centre + np.array([0.0, 0.0, 0.5])])
    low, high = plan.project(points[None], [frame], lines)[0]
    return float(np.rad2deg(np.arctan2(high[0] - low[0], low[1] - high[1])))


def truths_of_labels(folder: Path) -> dict[str, Truth]:
    """True values of the labelled clips of a folder, by file name.

    Args:
        folder: with `labels.csv`, and dive numbers and heights in `dives.csv`.

    Raises:
        OSError: where a table cannot be read.
        ValueError: for labels without clips.
    """
    dives = {row["clip"]: row for row in _rows(folder / "dives.csv")}
    truths = {row["clip"]: _truth_of_label(row, dives.get(row["clip"], {})) for row in _rows(folder / "labels.csv")}
    if not truths:
        raise ValueError(f"{folder / 'labels.csv'} has no rows; give the folder of labelled clips with --real")
    return truths


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


NUMBERS = {
    "flight": "flight",
    "entry": "entry",
    "entry_angle": "whole_angle_signed",
    "trunk_angle": "trunk_angle_signed",
    "entry_hip_bend": "hip_bend_at_touch",
    "splash_level": "splash",
    "splash_bodies": "splash_height",
    "body_height": "diver_px",
}
"""Columns of the labels with numbers. Head first, their "trunk" is the line from the hips to the hands, and "whole"
that from the feet to the hands."""


def _truth_of_label(label: Mapping[str, str], dive: Mapping[str, str]) -> Truth:
    truth: Truth = {name: float(label[column]) for name, column in NUMBERS.items() if label[column] not in ("", "?")}
    if label["entry_sense"] not in ("", "?"):
        truth["entry_sense"] = label["entry_sense"]
    if label["confidence"] in TRUSTED:
        truth |= {
            name: label[name]
            for name in ("half_somersaults", "half_twists", "direction")
            if label[name] not in ("", "?")
        }
        if label["position"] in LETTERS:
            truth["position"] = LETTERS[label["position"]]
    if dive.get("dive_code"):
        truth["dive_number"] = dive["dive_code"]
    if dive.get("height"):
        truth["height"] = f"{float(dive['height']):g}"
    return truth
