"""Measurements of a dive for people: names, values with their errors, and reasons why something is not measurable."""

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np

from fineparser.domain.dive_code import POSITIONS
from fineparser.domain.rules import format_halves
from fineparser.kinematics import Choice, Kinematics, MotionSeries, Quantity
from fineparser.rendering.messages import REASONS, sentence

ERROR_NOTE = "\u00b1 is the standard error: in about two dives of three the true value is no further away than that."
"""Meaning of the numbers after the plus-minus sign, said once beside a table."""

GROUP_TITLES = {
    "flight": "Flight",
    "rotation": "Rotation",
    "shape": "Shape",
    "entry": "Entry",
    "splash": "Splash",
    "scale": "Scale and time",
    "dive": "Dive",
}
"""Headings of `Kinematics.groups`."""

LABELS = {
    "air_time": "Time in the air",
    "take_off_speed": "Take-off speed, upwards",
    "height_above_board": "Height above the board",
    "closest_distance": "Closest to the board",
    "entry_distance": "Distance from the board at entry",
    "half_somersaults": "Somersaults",
    "half_twists": "Twists",
    "direction": "Direction",
    "start": "Start",
    "peak_rotation": "Fastest rotation",
    "mean_rotation": "Mean rotation",
    "position": "Position",
    "tightest_hip": "Tightest hip angle",
    "tightest_knee": "Tightest knee angle",
    "opening_time": "Come-out before the entry",
    "opening_height": "Height of the come-out above the water",
    "legs_apart": "Feet apart in flight",
    "knee_bend": "Knees bent in flight",
    "foot_bend": "Toes not pointed in flight",
    "entry_angle": "Body angle at entry",
    "trunk_angle": "Trunk angle at entry",
    "entry_lean": "Sideways lean at entry",
    "entry_hip_bend": "Hips bent at entry",
    "entry_knee_bend": "Knees bent at entry",
    "underwater_angle": "Line under water",
    "splash_height": "Splash height",
    "splash_width": "Splash width",
    "splash_area": "Splash area",
    "splash_time": "Splash duration",
    "scale": "Scale of the picture",
    "time_scale": "Slow motion",
    "vertical": "True vertical in the picture",
    "body_height": "Body height in the picture",
    "dive_number": "Dive number",
    "height": "Board or platform",
}
"""Names of the measurements."""

UNITS = {
    "": ("", 2),
    "s": ("\u00a0s", 2),
    "m": ("\u00a0m", 2),
    "m2": ("\u00a0m\u00b2", 2),
    "m/s": ("\u00a0m/s", 1),
    "deg": ("\u00b0", 0),
    "deg/s": ("\u00a0\u00b0/s", 0),
    "px": ("\u00a0px", 0),
    "px/m": ("\u00a0px per m", 0),
}
"""Text after a number of each unit, and the most decimals that it is shown with."""

SIDES = {
    "entry_angle": ("short", "over"),
    "trunk_angle": ("short", "over"),
    "underwater_angle": ("short", "over"),
    "vertical": ("counterclockwise", "clockwise"),
}
"""Words for negative and positive values of signed angles, which are 0 for the vertical."""

LIKELY, UNLIKELY = 0.95, 0.05
"""Probability from which a choice stands without its number, and below which another possibility is not named."""


COLUMN_WIDTH = 31
"""Letters of a column of `measurement_table`."""


class Measurements(Protocol):
    """`Kinematics`, or a mapping with the same names, as exemplars have it."""

    def __getitem__(self, name: str, /) -> Quantity | Choice:
        """A measurement by its name."""
        ...


@dataclass(frozen=True, kw_only=True)
class MeasurementRow:
    """One measurement as a row of a table."""

    name: str
    """Field of `Kinematics`."""
    group: str
    """Key of `GROUP_TITLES`."""
    label: str
    value: str = ""
    """Value with error and unit; empty where it is not measurable."""
    reason: str = ""
    """Why it is not measurable, a sentence; empty with a value."""
    exemplar: str = ""
    """Value of the exemplar; empty if it is not known."""
    frames: str = ""
    """Source frames that show it, such as "frame 31" or "frames 18 to 41"."""


def measurement_rows(kinematics: Kinematics, exemplar: Measurements | None = None) -> list[MeasurementRow]:
    """All measurements of a dive in order, with those of an exemplar beside them."""
    rows = []
    for group, names in Kinematics.groups().items():
        for name in names:
            measurement = kinematics[name]
            rows.append(
                MeasurementRow(
                    name=name,
                    group=group,
                    label=LABELS[name],
                    value=value_text(name, measurement),
                    reason=reason_text(measurement.reason),
                    exemplar="" if exemplar is None else value_text(name, exemplar[name]),
                    frames=frames_text(measurement.frames),
                )
            )
    return rows


def value_text(name: str, measurement: Quantity | Choice) -> str:
    """A measurement in words and numbers; empty where it is not measurable.

    >>> value_text("entry_angle", Quantity.measured(-6.2, 2.4, "deg"))
    '6\u00b0 \u00b1 2\u00b0 short'
    >>> value_text("direction", Choice.from_probabilities({"back": 0.9, "reverse": 0.1}))
    'back (90%), or reverse (10%)'
    """
    if isinstance(measurement, Choice):
        return _choice_text(name, measurement)
    if measurement.value is None or measurement.error is None:
        return ""
    value, error, unit = measurement.value, measurement.error, measurement.unit
    if name == "time_scale":
        return _slow_motion(value, error)
    if name in SIDES:
        return _signed_angle(value, error, SIDES[name])
    number = number_text(value, error, unit)
    return f"{number if unit == 'deg' else number.removesuffix(UNITS[unit][0])} \u00b1 {_error_text(error, unit)}"


def number_text(value: float, error: float, unit: str) -> str:
    """A value with its unit and as many digits as its error justifies.

    >>> number_text(876.9, 42, "deg/s"), number_text(1.4213, 0.034, "s"), number_text(-0.3, 0.04, "m")
    ('880\\xa0\u00b0/s', '1.42\\xa0s', '\u22120.30\\xa0m')
    """
    suffix, _ = UNITS[unit]
    decimals = _decimals(error, unit)
    rounded = round(value, decimals) + 0.0  # no negative zero
    return f"{rounded:.{max(decimals, 0)}f}{suffix}".replace("-", "\u2212")


def _error_text(error: float, unit: str) -> str:
    """An error with its unit, not smaller than one in the last digit shown."""
    decimals = _decimals(error, unit)
    return number_text(max(error, 10.0**-decimals), error, unit)


def _decimals(error: float, unit: str) -> int:
    """Decimals at which an error keeps one digit, or two if the first is 1; negative for tens and hundreds."""
    _, most = UNITS[unit]
    if error <= 0:
        return most
    digit, exponent = f"{error:.0e}".split("e")
    return min(most, -int(exponent) + (digit == "1"))


def _signed_angle(value: float, error: float, sides: tuple[str, str]) -> str:
    """An angle from the vertical with its side; without one where the error is larger."""
    margin = _error_text(error, "deg")
    if abs(value) < max(error, 0.5):
        return f"vertical \u00b1 {margin}"
    return f"{number_text(abs(value), error, 'deg')} \u00b1 {margin} {sides[value > 0]}"


def angle_words(entry_angle: Quantity) -> str:
    """The angle of the body at the entry in short, for a picture; empty where it is not measurable.

    >>> angle_words(Quantity.measured(11.8, 3, "deg")), angle_words(Quantity.measured(-1, 3, "deg"))
    ('12\u00b0 over', 'vertical')
    """
    text = value_text("entry_angle", entry_angle)
    if " \u00b1 " not in text:
        return text
    angle, _, rest = text.partition(" \u00b1 ")
    return " ".join([angle, *rest.split(" ")[1:]])


def _slow_motion(value: float, error: float) -> str:
    margin = _error_text(error, "")
    if abs(value - 1) <= max(2 * error, 0.05):
        return f"none ({number_text(value, error, '')} \u00b1 {margin})"
    return f"{number_text(value, error, '')} \u00b1 {margin} times slower"


def _choice_text(name: str, choice: Choice) -> str:
    """The most likely possibility; where it is not certain, the others with their probabilities."""
    if choice.value is None:
        return ""
    first, *others = list(choice.probabilities.items())[:5]
    if first[1] >= LIKELY:
        return possibility_text(name, first[0])
    texts = [f"{possibility_text(name, value)} ({probability:.0%})" for value, probability in (first, *others)]
    likely = [text for text, (_, probability) in zip(texts[1:], others, strict=True) if probability >= UNLIKELY]
    return ", or ".join(filter(None, [texts[0], ", ".join(likely)]))


def possibility_text(name: str, value: str) -> str:
    """One possible value of a choice in words.

    >>> possibility_text("half_somersaults", "3"), possibility_text("position", "B"), possibility_text("height", "10")
    ('1 1/2', 'pike', '10\\xa0m')
    """
    return POSSIBILITIES[name](value) if name in POSSIBILITIES else value


POSSIBILITIES: dict[str, Callable[[str], str]] = {
    "half_somersaults": lambda value: format_halves(int(value)),
    "half_twists": lambda value: "none" if value == "0" else format_halves(int(value)),
    "start": {"feet": "standing or running", "hands": "armstand"}.__getitem__,
    "position": POSITIONS.__getitem__,
    "height": lambda value: f"{value}\u00a0m",
}
"""Words for the possibilities of choices; of other choices they are the words themselves."""


def reason_text(code: str | None) -> str:
    """The sentence for the reason why something is not measurable; empty without one.

    Raises:
        KeyError: for a code without a sentence.
    """
    return "" if code is None else sentence(f"not measurable: {REASONS[code]}.")


def frames_text(frames: tuple[int, ...]) -> str:
    """Frames that show a measurement.

    >>> frames_text((31,)), frames_text((18, 41)), frames_text(())
    ('frame 31', 'frames 18 to 41', '')
    """
    if not frames:
        return ""
    if frames[0] == frames[-1]:
        return f"frame {frames[0]}"
    return f"frames {frames[0]} to {frames[-1]}"


def measurements_json(kinematics: Kinematics) -> dict[str, dict[str, Any]]:
    """Plain values of all measurements by name, each with its name and its text for people."""
    values = kinematics.to_json()
    return {
        row.name: {"label": row.label, "text": row.value.replace("\u00a0", " ") or row.reason} | values[row.name]
        for row in measurement_rows(kinematics)
    }


def measurement_table(kinematics: Kinematics, exemplar: Measurements | None = None) -> str:
    """All measurements as lines of text for a terminal, by group; those of an exemplar in a column of their own."""
    rows = measurement_rows(kinematics, exemplar)
    cells = [
        [row.label, row.value or row.reason, *([] if exemplar is None else [row.exemplar]), row.frames] for row in rows
    ]
    # Reasons are longer than values, and may reach into the columns after theirs.
    widths = [max(len(row[0]) for row in cells), *(COLUMN_WIDTH for _ in cells[0][1:])]
    lines = [] if exemplar is None else [f"{'':{widths[0] + 4}}{'This dive':{COLUMN_WIDTH}}  Exemplar"]
    for group, members in groupby(zip(rows, cells, strict=True), key=lambda member: member[0].group):
        lines.append(GROUP_TITLES[group])
        for _, texts in members:
            padded = (f"{text:{width}}" for text, width in zip(texts, widths, strict=True))
            lines.append(f"  {'  '.join(padded)}".rstrip().replace("\u00a0", " "))
    return "\n".join([*lines, ERROR_NOTE])


MOTION_COLUMNS = (
    "centre_x",
    "centre_y",
    "somersault",
    "rotation_speed",
    "twist",
    "trunk_angle",
    "hip_angle",
    "knee_angle",
)
"""Columns of frames.csv from a `MotionSeries`: the centre of mass in source pixels, then degrees and degrees a second;
empty where it is unknown."""


def motion_rows(series: MotionSeries) -> list[tuple[float | None, ...]]:
    """Values of `MOTION_COLUMNS` for each sampled frame; None where unknown."""
    angles = (series.somersault, series.rotation_speed, series.twist, series.trunk_angle, series.hip_angle)
    table = np.column_stack([series.centre_of_mass, *angles, series.knee_angle])
    return [tuple(value if math.isfinite(value) else None for value in row) for row in table.tolist()]


TRAJECTORY_COLUMNS = ("frame", "seconds", "distance", "height")
"""Columns of trajectory.csv.

frame: source frame number; seconds: of real time after the take-off; distance: of the centre of mass from the edge of
the board, horizontally, and height: above the water, metres.
"""


def trajectory_csv(series: MotionSeries) -> str:
    """Path of the centre of mass as CSV with a header: frames where it is known, each once."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TRAJECTORY_COLUMNS)
    for index in path_indices(series):
        distance, height = series.path[index]
        writer.writerow([series.numbers[index], f"{series.seconds[index]:.3f}", f"{distance:.3f}", f"{height:.3f}"])
    return text.getvalue()


def path_indices(series: MotionSeries) -> np.ndarray:
    """int64 [n], indices of the frames in which the path is known; of a repeated frame the first one."""
    return np.flatnonzero(np.isfinite(series.path).all(axis=1) & distinct_samples(series))


def distinct_samples(series: MotionSeries) -> np.ndarray:
    """bool [T], False for sampled frames that repeat the one before them, as those of a short clip do."""
    return np.asarray(np.diff(series.numbers, prepend=series.numbers[0] - 1) > 0)
