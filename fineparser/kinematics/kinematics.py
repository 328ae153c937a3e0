"""All measurements of a dive."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from fineparser.kinematics.quantity import Choice, Quantity


@dataclass(frozen=True, eq=False, kw_only=True)
class MotionSeries:
    """The dive frame by frame, in T sampled frames; NaN where unknown."""

    numbers: np.ndarray
    """int64 [T] source frame numbers."""
    seconds: np.ndarray
    """float64 [T] seconds of real time after the take-off."""
    centre_of_mass: np.ndarray
    """float64 [T, 2]: x, y in source pixels of each frame."""
    path: np.ndarray
    """float64 [T, 2]: of the centre of mass in metres: away from the edge of the board, and above the water."""
    somersault: np.ndarray
    """float64 [T]: degrees of somersault since upright (armstand: inverted), in the dive's sense."""
    rotation_speed: np.ndarray
    """float64 [T]: degrees of somersault a second."""
    twist: np.ndarray
    """float64 [T]: degrees of twist since the take-off."""
    trunk_angle: np.ndarray
    """float64 [T]: degrees clockwise from upright of the trunk in the picture, -180 to 180."""
    hip_angle: np.ndarray
    """float64 [T]: degrees between trunk and thighs, 180 straight."""
    knee_angle: np.ndarray
    """float64 [T]: degrees, 180 straight."""
    keypoints: np.ndarray
    """float64 [T, 7, 2]: `fineparser.domain.clip_geometry.LANDMARKS` in source pixels of each frame."""
    camera: np.ndarray
    """float64 [T, 3, 3]: maps pixels (x, y, 1) of each frame to those of the first frame, to draw the path over any of
    them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EntryPicture:
    """What a picture of the entry draws: the frame of the touch, the line of the body and the splash."""

    frame: int
    """Source frame number of the touch."""
    body_line: np.ndarray
    """float64 [2, 2]: upper and lower end of the body's line, source pixels of that frame; NaN where unknown."""
    water_level: float
    """y of the water at the entry, source pixels of that frame; NaN where unknown."""
    splash_frame: int | None
    """Source frame number at which the splash is highest; None without a splash."""
    splash_box: np.ndarray
    """float64 [4]: left, top, right, bottom edge of the splash in source pixels of that frame; NaN without one."""


def _metadata(group: str, unit: str) -> dict[str, str | None]:
    """Metadata of a measurement."""
    return {"group": group, "unit": unit}


_NO_GROUP = {"group": None}


@dataclass(frozen=True, eq=False, kw_only=True)
class Kinematics:
    """Measurements of a dive: each a `Quantity` or a `Choice`, in the order in which they are shown."""

    # Flight
    air_time: Quantity = field(metadata=_metadata("flight", "s"))
    """From the last contact with the board to the first touch of the water, real time."""
    take_off_speed: Quantity = field(metadata=_metadata("flight", "m/s"))
    """Vertical speed of the centre of mass at the last contact."""
    height_above_board: Quantity = field(metadata=_metadata("flight", "m"))
    """Of the centre of mass above the board at the top of the flight."""
    closest_distance: Quantity = field(metadata=_metadata("flight", "m"))
    """Between the edge of the board and the nearest part of the body on the way down, horizontally."""
    entry_distance: Quantity = field(metadata=_metadata("flight", "m"))
    """Between the edge of the board and the place of the entry, horizontally."""

    # Rotation
    half_somersaults: Choice = field(metadata=_metadata("rotation", ""))
    half_twists: Choice = field(metadata=_metadata("rotation", ""))
    direction: Choice = field(metadata=_metadata("rotation", ""))
    """"forward", "back", "reverse" or "inward"."""
    start: Choice = field(metadata=_metadata("rotation", ""))
    """"feet" or "hands": an armstand."""
    peak_rotation: Quantity = field(metadata=_metadata("rotation", "deg/s"))
    mean_rotation: Quantity = field(metadata=_metadata("rotation", "deg/s"))

    # Shape
    position: Choice = field(metadata=_metadata("shape", ""))
    """"A", "B", "C" or "D"."""
    tightest_hip: Quantity = field(metadata=_metadata("shape", "deg"))
    """Least angle between trunk and thighs, 180 straight."""
    tightest_knee: Quantity = field(metadata=_metadata("shape", "deg"))
    opening_time: Quantity = field(metadata=_metadata("shape", "s"))
    """From the opening of the shape to the touch."""
    opening_height: Quantity = field(metadata=_metadata("shape", "m"))
    """Of the centre of mass above the water when the shape opens."""
    legs_apart: Quantity = field(metadata=_metadata("shape", "m"))
    """Median distance of the ankles in the flight."""
    knee_bend: Quantity = field(metadata=_metadata("shape", "deg"))
    """Median bend of the knees where they should be straight, 0 straight."""
    foot_bend: Quantity = field(metadata=_metadata("shape", "deg"))
    """Median bend of the feet where they should be pointed, 0 pointed."""

    # Entry
    entry_angle: Quantity = field(metadata=_metadata("entry", "deg"))
    """Of the body's line from the vertical at the touch: negative short, positive over."""
    trunk_angle: Quantity = field(metadata=_metadata("entry", "deg"))
    """Of the trunk alone."""
    entry_lean: Quantity = field(metadata=_metadata("entry", "deg"))
    """Of the body's line to the side, in views along the board."""
    entry_hip_bend: Quantity = field(metadata=_metadata("entry", "deg"))
    """Bend of the hips at the touch, 0 straight."""
    entry_knee_bend: Quantity = field(metadata=_metadata("entry", "deg"))
    underwater_angle: Quantity = field(metadata=_metadata("entry", "deg"))
    """Of the body's line while it passes the surface, with the sign of `entry_angle`."""

    # Splash
    splash_height: Quantity = field(metadata=_metadata("splash", "m"))
    """Of the highest water above the surface."""
    splash_width: Quantity = field(metadata=_metadata("splash", "m"))
    splash_area: Quantity = field(metadata=_metadata("splash", "m2"))
    """Largest area of flying water in the picture."""
    splash_time: Quantity = field(metadata=_metadata("splash", "s"))
    """Until the flying water is down to a quarter of its largest area."""

    # Scale
    scale: Quantity = field(metadata=_metadata("scale", "px/m"))
    """Pixels of the frame of the touch a metre."""
    time_scale: Quantity = field(metadata=_metadata("scale", ""))
    """Factor by which the clip runs slower than life, 1 in real time."""
    vertical: Quantity = field(metadata=_metadata("scale", "deg"))
    """Angle of the true vertical, clockwise from that of the picture."""
    body_height: Quantity = field(metadata=_metadata("scale", "px"))
    """Length of the body from crown to toes."""

    # Dive
    dive_number: Choice = field(metadata=_metadata("dive", ""))
    """The dive numbers that fit best."""
    height: Choice = field(metadata=_metadata("dive", ""))
    """Height of the board or platform in metres."""

    series: MotionSeries = field(metadata=_NO_GROUP)
    entry_picture: EntryPicture | None = field(default=None, metadata=_NO_GROUP)

    @classmethod
    def groups(cls) -> dict[str, tuple[str, ...]]:
        """Names of the measurements by group, in order."""
        groups: dict[str, tuple[str, ...]] = {}
        for one in fields(cls):
            if (group := one.metadata["group"]) is not None:
                groups[group] = (*groups.get(group, ()), one.name)
        return groups

    @classmethod
    def units(cls) -> dict[str, str]:
        """Unit of each measurement."""
        return {one.name: one.metadata["unit"] for one in fields(cls) if one.metadata["group"] is not None}

    @classmethod
    def missing(cls, names: Iterable[str], reason: str) -> dict[str, Quantity | Choice]:
        """Measurements of these names that are not measurable, for one reason."""
        units, kinds = cls.units(), {one.name: one.type for one in fields(cls)}
        return {
            name: Choice.missing(reason) if kinds[name] is Choice else Quantity.missing(units[name], reason)
            for name in names
        }

    def __getitem__(self, name: str) -> Quantity | Choice:
        """A measurement by its name; KeyError for an unknown one."""
        if name not in self.units():
            raise KeyError(name)
        value: Quantity | Choice = getattr(self, name)
        return value

    def to_json(self) -> dict[str, Any]:
        """Plain values by name."""
        return {name: self[name].to_json() for name in self.units()}
