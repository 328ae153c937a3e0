"""Splash of an entry: height, width, area and duration of the flying water, in metres and seconds.

The foam lies on the surface around the place of the entry, so the middle of the foam is at the level of the water
there, also in views from above. Heights are measured from that level, frame by frame.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from fineparser.kinematics.observation import FOAM_LAYER, WATER_LAYER, DiveObservation, EntryObservation
from fineparser.kinematics.quantity import Quantity

MIN_COVERAGE = 0.1
"""Share of a pixel from which on it counts as water or foam."""
LINKED_COVERAGE = 0.15
"""Share of a pixel from which on it links flying water to the place of the entry."""
MIN_FOAM_PIXELS = 3.0
"""Pixels of foam without which a frame does not show the level of the water."""
LEVEL_FRAMES = 2
"""Crops on either side over which the level is the median."""
DEFAULT_LEVEL = 0.675
"""Level of the water without foam, as a share of the crop's height: where the crops place the touch."""
LEVEL_MARGIN = 0.08
"""Share of the crop's height above the level down to which flying water must reach: what hangs in the air farther up is
no splash of this entry (a lamp's reflection, a wall)."""
MIN_WATER_PIXELS = 0.5
"""Pixels of flying water above the top of a splash; a frame with less has none."""
SLENDERNESS = 1.7
"""Height of a splash over the square root of its area: median of simulated ones 1.8, of real ones 1.5."""
WIDTH_SHARES = 0.05, 0.95
"""Shares of the flying water between whose columns the width is measured."""
QUARTER = 0.25
"""Share of the largest area at which a splash counts as over."""
HEIGHT_ERROR, WIDTH_ERROR, AREA_ERROR = 0.18, 0.25, 0.5
"""Standard errors as shares of the quantities, beside that of the scale."""
LEVEL_ERROR = 0.05
"""Standard error of a height from the level of the water, metres."""
TIME_ERROR = 0.05
"""Standard error of the time until the splash is over, seconds, beside that of the crops' distance in time."""
MIN_SECONDS = 0.12
"""Seconds of real time after the touch without which a splash has hardly begun."""
LEVELS = (0.35, 0.85, 1.4)
"""Heights in metres from which on people call a splash small, medium and large."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SplashMeasurement:
    """Quantities of `Kinematics` that belong to the splash, and what a picture of it draws."""

    splash_height: Quantity
    splash_width: Quantity
    splash_area: Quantity
    splash_time: Quantity
    frame: int | None
    """Source frame number at which the splash is highest; None without one."""
    box: np.ndarray
    """float64 [4]: left, top, right, bottom edge of the splash in source pixels of that frame; NaN without one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _SplashFrame:
    """Flying water in one crop; lengths in source pixels of its frame."""

    frame: int
    """Index of the sampled frame."""
    height: float
    width: float
    area: float
    box: np.ndarray
    """[4] as of `SplashMeasurement`."""
    zoom: float
    """Pixels of this frame a pixel of the frame of the touch."""


def water_rows(entry: EntryObservation) -> np.ndarray:
    """float64 [E]: level of the water at the place of the entry in each crop, in rows of the layers from its top."""
    foam = np.where(entry.layers[:, FOAM_LAYER] >= MIN_COVERAGE, entry.layers[:, FOAM_LAYER], 0)
    count, side = foam.shape[:2]
    amount = foam.sum((1, 2))
    middle = foam.sum(2) @ (np.arange(side) + 0.5) / np.maximum(amount, 1e-6)
    shown = np.flatnonzero(entry.inside & (amount >= MIN_FOAM_PIXELS))
    if not len(shown):
        return np.full(count, DEFAULT_LEVEL * side)
    levels = np.empty(count)
    for crop in range(count):
        distance = np.abs(shown - crop)
        levels[crop] = np.median(middle[shown[distance <= max(LEVEL_FRAMES, distance.min())]])
    return levels


def measure_splash(
    observation: DiveObservation, entry: int, scale: Quantity, time_scale: float = 1.0
) -> SplashMeasurement:
    """Measure the splash.

    Args:
        observation: of the dive.
        entry: index of the sampled frame of the touch.
        scale: pixels of the frame of the touch a metre.
        time_scale: factor by which the clip runs slower than life.
    """
    if observation.entry is None:
        return _missing("no_entry")
    frames = _splash_frames(observation.entry, entry)
    last = int(observation.entry.frames[observation.entry.inside].max(initial=-1))
    seconds = (observation.seconds[last] - observation.seconds[entry]) / time_scale if last >= 0 else 0.0
    if seconds < MIN_SECONDS:
        return _missing("clip_ends")
    if not frames or max(one.height for one in frames) <= 0:
        return _missing("no_splash")
    highest = max(frames, key=lambda one: one.height / one.zoom)
    widest = max(frames, key=lambda one: one.width / one.zoom)
    largest = max(frames, key=lambda one: one.area / one.zoom**2)

    def in_metres(one: _SplashFrame, pixels: float, power: int, relative: float, unit: str) -> Quantity:
        if scale.value is None or scale.error is None:
            return Quantity.missing(unit, scale.reason or "no_scale")
        value = pixels / (scale.value * one.zoom) ** power
        error = np.hypot(value * relative, value * power * scale.error / scale.value)
        floor = LEVEL_ERROR if power == 1 else 0.0
        return Quantity.measured(value, np.hypot(error, floor), unit, (int(observation.numbers[one.frame]),))

    return SplashMeasurement(
        splash_height=in_metres(highest, highest.height, 1, HEIGHT_ERROR, "m"),
        splash_width=in_metres(widest, widest.width, 1, WIDTH_ERROR, "m"),
        splash_area=in_metres(largest, largest.area, 2, AREA_ERROR, "m2"),
        splash_time=_splash_time(observation, entry, frames, time_scale),
        frame=int(observation.numbers[highest.frame]),
        box=highest.box,
    )


def splash_level(height: float) -> Literal["none", "small", "medium", "large"]:
    """Word for a splash of that height in metres.

    >>> splash_level(0.5)
    'small'
    """
    words: tuple[Literal["none", "small", "medium", "large"], ...] = ("none", "small", "medium", "large")
    return words[int(np.searchsorted(LEVELS, height, side="right"))]


def _missing(reason: str) -> SplashMeasurement:
    """Nothing is measurable."""
    return SplashMeasurement(
        splash_height=Quantity.missing("m", reason),
        splash_width=Quantity.missing("m", reason),
        splash_area=Quantity.missing("m2", reason),
        splash_time=Quantity.missing("s", reason),
        frame=None,
        box=np.full(4, np.nan),
    )


def _splash_frames(entry: EntryObservation, touch: int) -> list[_SplashFrame]:
    """Flying water in the crops from the touch on, in order of time."""
    levels, side = water_rows(entry), entry.layers.shape[-1]
    pixels = (entry.boxes[:, 2:] - entry.boxes[:, :2]) / side
    reference = pixels[np.argmin(np.abs(entry.frames - touch)), 1]
    crops = [crop for crop in np.flatnonzero(entry.inside) if entry.frames[crop] >= touch]
    frames = []
    for crop in crops:
        water = _flying_water(entry.layers[crop], levels[crop])
        zoom = pixels[crop, 1] / reference
        frames.append(_splash_frame(int(entry.frames[crop]), water, levels[crop], entry.boxes[crop], zoom))
    return frames


def _flying_water(layers: np.ndarray, level: float) -> np.ndarray:
    """Flying water [S, S] above a level that hangs together, or with the foam, down to that level."""
    water, foam = layers[WATER_LAYER], layers[FOAM_LAYER]
    side = len(water)
    labels, count = ndimage.label(ndimage.binary_dilation(np.maximum(water, foam) >= LINKED_COVERAGE))
    lowest = ndimage.maximum(np.arange(side)[:, None] * np.ones(side), labels, np.arange(count + 1))
    linked = (lowest >= level - LEVEL_MARGIN * side)[labels] & (labels > 0)
    above = np.arange(side)[:, None] + 0.5 < level
    return np.where(linked & above & (water >= MIN_COVERAGE), water, 0)


def _splash_frame(frame: int, water: np.ndarray, level: float, box: np.ndarray, zoom: float) -> _SplashFrame:
    """Extent of flying water [S, S] in a crop."""
    side = len(water)
    across, down = (box[2:] - box[:2]) / side
    amount = float(water.sum())
    if amount <= MIN_WATER_PIXELS:
        return _SplashFrame(frame=frame, height=0.0, width=0.0, area=0.0, box=np.full(4, np.nan), zoom=zoom)
    edges = np.arange(1, side + 1)
    top = float(np.interp(MIN_WATER_PIXELS, water.sum(1).cumsum(), edges))
    left, right = np.interp(np.multiply(WIDTH_SHARES, amount), water.sum(0).cumsum(), edges) - 0.5
    area = amount * across * down
    height = float(np.sqrt(max(level - top, 0.0) * down * SLENDERNESS * np.sqrt(area)))
    corners = np.array([left, top, right, level]) * (across, down, across, down)
    return _SplashFrame(
        frame=frame,
        height=height,
        width=float(right - left) * across,
        area=area,
        box=corners + np.tile(box[:2], 2),
        zoom=zoom,
    )


def _splash_time(observation: DiveObservation, entry: int, frames: list[_SplashFrame], time_scale: float) -> Quantity:
    """Seconds from the touch until the flying water is down to a quarter of its largest area."""
    areas = np.array([one.area / one.zoom**2 for one in frames])
    times = (observation.seconds[[one.frame for one in frames]] - observation.seconds[entry]) / time_scale
    largest = int(areas.argmax())
    small = np.flatnonzero(areas[largest:] <= QUARTER * areas[largest])
    if not len(small):
        return Quantity.missing("s", "clip_ends")
    end = largest + int(small[0])
    value = np.interp(-QUARTER * areas[largest], -areas[end - 1 : end + 1], times[end - 1 : end + 1])
    shown = (int(observation.numbers[frames[largest].frame]), int(observation.numbers[frames[end].frame]))
    return Quantity.measured(value, (times[end] - times[end - 1]) / 2 + TIME_ERROR, "s", shown)
