"""Splash: drawn water of known height, width, area and duration."""

import numpy as np
import pytest

from fineparser.kinematics import DiveObservation, EntryObservation, Quantity
from fineparser.kinematics.observation import FOAM_LAYER, WATER_LAYER
from fineparser.kinematics.splash import SLENDERNESS, measure_splash, splash_level, water_rows

SIDE, PIXEL, METRE = 48, 2.0, 30.0
"""Pixels of a crop, source pixels of each, and of a metre."""
OFFSETS = (-5, -3, -1, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24)
TOUCH, FRAMES, RATE = 60, 96, 30.0
LEVEL = 32
"""Row of the water."""


def entry_of(heights: dict[int, int], *, width: int = 10, frames: int = FRAMES) -> EntryObservation:
    """Rectangles of flying water that are so many rows high at offsets from the touch, over a strip of foam."""
    layers = np.zeros((len(OFFSETS), 3, SIDE, SIDE), np.float32)
    for crop, offset in enumerate(OFFSETS):
        if offset > 0:
            layers[crop, FOAM_LAYER, LEVEL - 2 : LEVEL + 2, 14:34] = 1
        if rows := heights.get(offset, 0):
            layers[crop, WATER_LAYER, LEVEL - rows : LEVEL, 24 - width // 2 : 24 + width // 2] = 1
    indices = TOUCH + np.array(OFFSETS)
    boxes = np.tile([100.0, 50.0, 100 + SIDE * PIXEL, 50 + SIDE * PIXEL], (len(OFFSETS), 1))
    return EntryObservation(frames=np.minimum(indices, frames - 1), inside=indices < frames, layers=layers, boxes=boxes)


def observation_of(entry: EntryObservation | None) -> DiveObservation:
    """An observation of 96 frames at 30 frames a second in which only the entry matters."""
    return DiveObservation(
        numbers=np.arange(FRAMES) + 200,
        seconds=np.arange(FRAMES) / RATE,
        camera=np.tile(np.eye(3), (FRAMES, 1, 1)),
        keypoints=np.zeros((2, FRAMES, 7, 2)),
        spread=np.ones((2, FRAMES, 7)),
        masks=np.zeros((FRAMES, 8, 8), np.float32),
        boxes=np.tile([0.0, 0.0, 360.0, 360.0], (FRAMES, 1)),
        probabilities=np.zeros((FRAMES, 2), np.float32),
        entry=entry,
    )


SCALE = Quantity.measured(METRE, 1.0, "px/m")
RISE_AND_FALL = {1: 3, 2: 6, 3: 9, 4: 12, 6: 16, 8: 12, 10: 8, 12: 4, 15: 2}


def test_the_level_of_the_water_is_the_middle_of_the_foam():
    assert water_rows(entry_of(RISE_AND_FALL)) == pytest.approx(np.full(len(OFFSETS), LEVEL))


def test_the_level_without_foam_is_where_crops_place_the_touch():
    entry = entry_of({})
    entry.layers[:] = 0
    assert water_rows(entry) == pytest.approx(np.full(len(OFFSETS), 0.675 * SIDE))


def test_a_rectangle_of_water_is_measured_in_metres():
    splash = measure_splash(observation_of(entry_of(RISE_AND_FALL)), TOUCH, SCALE)
    rows, columns = 16 * PIXEL / METRE, 10 * PIXEL / METRE
    assert splash.splash_area.value == pytest.approx(rows * columns)
    # The highest half pixel of the water is left out, and 5% on either side of the width.
    assert splash.splash_width.value == pytest.approx(0.9 * columns, rel=0.01)
    top = rows - 0.05 * PIXEL / METRE
    assert splash.splash_height.value == pytest.approx(np.sqrt(top * SLENDERNESS * np.sqrt(rows * columns)), rel=0.02)
    assert splash.frame == 200 + TOUCH + 6
    assert splash.splash_height.frames == (200 + TOUCH + 6,)
    left, top_edge, right, bottom = splash.box
    assert (left, right) == pytest.approx((100 + 19.5 * PIXEL, 100 + 28.5 * PIXEL), abs=PIXEL / 2)
    assert (top_edge, bottom) == pytest.approx((50 + (LEVEL - 16) * PIXEL, 50 + LEVEL * PIXEL), abs=PIXEL / 2)


def test_the_splash_lasts_until_a_quarter_of_its_area():
    splash = measure_splash(observation_of(entry_of(RISE_AND_FALL)), TOUCH, SCALE)
    assert splash.splash_time.value == pytest.approx(12 / RATE)
    slow = measure_splash(observation_of(entry_of(RISE_AND_FALL)), TOUCH, SCALE, time_scale=3.0)
    assert slow.splash_time.value == pytest.approx(4 / RATE)


def test_a_camera_that_zooms_in_changes_nothing():
    still = entry_of(RISE_AND_FALL)
    zoom = np.linspace(1.0, 1.5, len(OFFSETS))
    zoom /= zoom[OFFSETS.index(0)]
    boxes = still.boxes.copy()
    boxes[:, 2:] = boxes[:, :2] + SIDE * PIXEL * zoom[:, None]
    zoomed = EntryObservation(frames=still.frames, inside=still.inside, layers=still.layers, boxes=boxes)
    first, second = (measure_splash(observation_of(entry), TOUCH, SCALE) for entry in (still, zoomed))
    assert first.splash_height.value == pytest.approx(second.splash_height.value)
    assert first.splash_area.value == pytest.approx(second.splash_area.value)


def test_water_that_hangs_in_the_air_is_no_splash():
    entry = entry_of(RISE_AND_FALL)
    entry.layers[:, WATER_LAYER, 2:5, 38:44] = 1
    lamp = measure_splash(observation_of(entry), TOUCH, SCALE)
    plain = measure_splash(observation_of(entry_of(RISE_AND_FALL)), TOUCH, SCALE)
    assert lamp.splash_height.value == pytest.approx(plain.splash_height.value)


def test_the_error_grows_with_that_of_the_scale():
    observation = observation_of(entry_of(RISE_AND_FALL))
    exact = measure_splash(observation, TOUCH, Quantity.measured(METRE, 0.0, "px/m"))
    rough = measure_splash(observation, TOUCH, Quantity.measured(METRE, 0.5 * METRE, "px/m"))
    assert rough.splash_height.value == exact.splash_height.value
    expected = np.hypot(exact.splash_height.error, 0.5 * exact.splash_height.value)
    assert rough.splash_height.error == pytest.approx(expected)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [(None, "no_entry"), (entry_of({}), "no_splash"), (entry_of(RISE_AND_FALL, frames=TOUCH + 2), "clip_ends")],
)
def test_reasons_why_a_splash_is_not_measurable(entry: EntryObservation | None, reason: str):
    splash = measure_splash(observation_of(entry), TOUCH, SCALE)
    assert splash.splash_height.reason == splash.splash_area.reason == reason
    assert splash.frame is None
    assert np.isnan(splash.box).all()


def test_without_scale_the_time_is_still_measured():
    splash = measure_splash(observation_of(entry_of(RISE_AND_FALL)), TOUCH, Quantity.missing("px/m", "no_scale"))
    assert splash.splash_height.reason == "no_scale"
    assert splash.splash_time.is_measured
    assert splash.frame is not None


def test_a_splash_that_outlasts_the_clip_has_no_duration():
    splash = measure_splash(observation_of(entry_of(RISE_AND_FALL, frames=TOUCH + 9)), TOUCH, SCALE)
    assert splash.splash_height.is_measured
    assert splash.splash_time.reason == "clip_ends"


def test_levels_for_people():
    assert [splash_level(height) for height in (0.1, 0.6, 1.0, 2.0)] == ["none", "small", "medium", "large"]
