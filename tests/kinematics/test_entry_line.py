"""Line of the body at the touch: stick figures whose angles are known, as layers and as keypoints."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.clip_geometry import ANKLES, HEAD, KNEES, NECK, PELVIS, TOES, WRISTS
from fineparser.kinematics import DiveObservation, EntryObservation, Quantity
from fineparser.kinematics.entry_line import (
    HAND_SHARE,
    HIPS_SHARE,
    EntryMeasurement,
    entry_picture,
    fit_body_line,
    line_angle,
    measure_entry,
)
from fineparser.kinematics.observation import BODY_LAYER
from fineparser.kinematics.splash import measure_splash

SIDE, FRAMES, TOUCH, LENGTH = 48, 96, 60, 90.0
"""Pixels of a crop, frames, the touch, and length of the body in source pixels."""
BOX = np.array([200.0, 80.0, 400.0, 280.0])
OFFSETS = np.array((-5, -3, -1, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24))
UPRIGHT = Quantity.measured(0.0, 0.5, "deg")


def down(degrees: float) -> np.ndarray:
    """Unit vector so many degrees clockwise from straight down."""
    return np.array([-np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])


def corners_of(below: float, above: float, share: float = HIPS_SHARE["hands"]) -> np.ndarray:
    """Lower end, hips and upper end [3, 2] of a body with segments at angles in degrees."""
    hips = np.array([300.0, 170.0])
    return np.stack([hips + share * LENGTH * down(below), hips, hips - (1 - share) * LENGTH * down(above)])


def drawing(corners: np.ndarray, box: np.ndarray = BOX, half_width: float = 4.0) -> np.ndarray:
    """Body layer [S, S] of a line through corners."""
    steps = (np.arange(SIDE) + 0.5) / SIDE
    grid = np.stack(np.meshgrid(*(box[axis] + steps * (box[axis + 2] - box[axis]) for axis in (0, 1))), axis=-1)
    distance = np.full(grid.shape[:2], np.inf)
    for start, end in itertools.pairwise(corners):
        along = end - start
        share = np.clip((grid - start) @ along / (along @ along), 0, 1)
        distance = np.minimum(distance, np.linalg.norm(grid - start - share[..., None] * along, axis=-1))
    return np.clip(half_width + 0.5 - distance, 0, 1).astype(np.float32)


def keypoints_of(corners: np.ndarray) -> np.ndarray:
    """Keypoints [7, 2] of a diver with raised arms between fingertips, hips and toes."""
    fingertips, hips, toes = corners
    neck = hips + 0.4 * (fingertips - hips)
    points = np.empty((7, 2))
    points[[NECK, PELVIS, TOES]] = neck, hips, toes
    points[WRISTS] = (fingertips + HAND_SHARE * neck) / (1 + HAND_SHARE)
    points[HEAD] = neck + 0.2 * (fingertips - neck)
    points[KNEES], points[ANKLES] = hips + 0.45 * (toes - hips), hips + 0.9 * (toes - hips)
    return points


def observation_of(
    bodies: dict[int, np.ndarray], *, spread: float = 4.0, layers: bool = True, keypoints: np.ndarray | None = None
) -> DiveObservation:
    """A body that is at corners at offsets from the touch, elsewhere as at the nearest of these."""

    def nearest(offset: int) -> np.ndarray:
        return bodies[min(bodies, key=lambda known: abs(known - offset))]

    entry = None
    if layers:
        drawn = np.zeros((len(OFFSETS), 3, SIDE, SIDE), np.float32)
        drawn[:, BODY_LAYER] = [drawing(nearest(int(offset))) for offset in OFFSETS]
        frames = TOUCH + OFFSETS
        boxes = np.tile(BOX, (len(OFFSETS), 1))
        entry = EntryObservation(frames=frames, inside=frames < FRAMES, layers=drawn, boxes=boxes)
    points = np.stack([keypoints_of(nearest(index - TOUCH)) for index in range(FRAMES)])
    return DiveObservation(
        numbers=np.arange(FRAMES) + 300,
        seconds=np.arange(FRAMES) / 30,
        camera=np.tile(np.eye(3), (FRAMES, 1, 1)),
        keypoints=np.stack([points, points] if keypoints is None else [keypoints, keypoints]),
        spread=np.full((2, FRAMES, 7), spread),
        masks=np.zeros((FRAMES, 8, 8), np.float32),
        boxes=np.tile([0.0, 0.0, 360.0, 360.0], (FRAMES, 1)),
        probabilities=np.zeros((FRAMES, 2), np.float32),
        entry=entry,
    )


def measured(observation: DiveObservation, rotation: int | None = 1, vertical: Quantity = UPRIGHT) -> EntryMeasurement:
    return measure_entry(observation, TOUCH, end="hands", rotation=rotation, vertical=vertical)


@pytest.mark.parametrize(("degrees", "lower"), [(0, (0, 1)), (90, (-1, 0)), (-90, (1, 0)), (45, (-1, 1))])
def test_angles_are_clockwise_from_straight_down(degrees: float, lower: tuple[float, float]):
    assert line_angle(np.zeros(2), np.array(lower, dtype=float)) == pytest.approx(degrees)


@pytest.mark.parametrize(("below", "above"), [(0, 0), (12, 12), (-20, -20), (10, 50), (-15, -80), (5, -40)])
def test_a_line_is_fitted_to_a_body(below: float, above: float):
    line = fit_body_line(drawing(corners_of(below, above)), BOX, HIPS_SHARE["hands"])
    assert line is not None
    lower, hips, upper = line.corners
    assert line_angle(hips, lower) == pytest.approx(below, abs=3)
    assert line_angle(upper, hips) == pytest.approx(above, abs=5)
    assert np.linalg.norm(upper - lower) == pytest.approx(
        np.linalg.norm(np.diff(corners_of(below, above)[[0, 2]], axis=0)), rel=0.12
    )


def test_pixels_of_a_crop_need_not_be_square():
    wide = np.array([250.0, 80.0, 350.0, 280.0])
    line = fit_body_line(drawing(corners_of(20, 40), wide), wide, HIPS_SHARE["hands"])
    assert line is not None
    assert line_angle(line.corners[1], line.corners[0]) == pytest.approx(20, abs=3)
    assert line_angle(line.corners[2], line.corners[1]) == pytest.approx(40, abs=5)


def test_of_two_divers_the_larger_body_counts():
    partner = corners_of(-40, -40) + np.array([70, -30])
    pair = np.maximum(drawing(corners_of(10, 10)), drawing(partner, half_width=2.5))
    line = fit_body_line(pair, BOX, HIPS_SHARE["hands"])
    assert line is not None
    assert line_angle(line.corners[2], line.corners[0]) == pytest.approx(10, abs=3)


def test_no_line_without_a_body():
    assert fit_body_line(np.zeros((SIDE, SIDE), np.float32), BOX, 0.5) is None


@pytest.mark.parametrize("layers", [True, False])
@pytest.mark.parametrize(("rotation", "sign"), [(1, 1), (-1, -1)])
def test_short_is_negative_and_over_positive(layers: bool, rotation: int, sign: int):
    entry = measured(observation_of({0: corners_of(12, 12)}, layers=layers), rotation)
    for quantity in (entry.entry_angle, entry.trunk_angle):
        assert quantity.value == pytest.approx(12 * sign, abs=2)
        assert 3 < quantity.error < 12
        assert quantity.frames == (300 + TOUCH,)
    assert entry.entry_hip_bend.value == pytest.approx(0, abs=4)
    assert entry.entry_knee_bend.value == pytest.approx(0, abs=1)


def test_trunk_and_legs_of_a_piked_entry():
    corners = corners_of(-8, -60)
    entry = measured(observation_of({0: corners}))
    assert entry.trunk_angle.value == pytest.approx(-8, abs=4)
    assert entry.entry_angle.value == pytest.approx(float(line_angle(corners[2], corners[0])), abs=4)
    assert entry.entry_hip_bend.value == pytest.approx(52, abs=6)


def test_a_tilted_camera_is_corrected():
    entry = measured(observation_of({0: corners_of(12, 12)}), vertical=Quantity.measured(5.0, 0.5, "deg"))
    assert entry.entry_angle.value == pytest.approx(7, abs=2)


def test_an_unknown_vertical_widens_the_error():
    observation = observation_of({0: corners_of(12, 12)})
    known, unknown = measured(observation), measured(observation, vertical=Quantity.missing("deg", "no_flight"))
    assert unknown.entry_angle.value == pytest.approx(known.entry_angle.value)
    assert unknown.entry_angle.error > known.entry_angle.error


def test_the_angle_is_that_between_the_last_dry_and_the_first_wet_frame():
    bodies = {offset: corners_of(-20 + 6 * offset, -20 + 6 * offset) for offset in range(-5, 5)}
    turning, still = measured(observation_of(bodies)), measured(observation_of({0: bodies[0]}))
    assert turning.entry_angle.value == pytest.approx(-23, abs=2)
    assert turning.entry_angle.error > still.entry_angle.error  # by the error of the touch


def test_keypoints_that_contradict_the_body_are_left_out():
    corners = corners_of(10, 10)
    swapped = np.tile(keypoints_of(corners_of(100, 100)), (FRAMES, 1, 1))
    observation = observation_of({0: corners}, keypoints=swapped, spread=6.0)
    assert measured(observation).entry_angle.value == pytest.approx(10, abs=2)


def test_seen_along_the_board_only_the_lean_is_measured():
    entry = measured(observation_of({0: corners_of(7, 7)}), rotation=None)
    assert entry.entry_lean.value == pytest.approx(7, abs=2)
    assert entry.entry_angle.reason == entry.trunk_angle.reason == entry.underwater_angle.reason == "side_view_needed"
    assert measured(observation_of({0: corners_of(7, 7)})).entry_lean.reason == "front_view_needed"


def test_feet_first_the_trunk_is_above_the_hips():
    corners = corners_of(0, -25, HIPS_SHARE["feet"])
    upside_down = keypoints_of(corners[::-1])
    observation = observation_of({0: corners}, keypoints=np.tile(upside_down, (FRAMES, 1, 1)))
    entry = measure_entry(observation, TOUCH, end="feet", rotation=1, vertical=UPRIGHT)
    assert entry.trunk_angle.value == pytest.approx(-25, abs=5)


def test_bent_knees():
    observation = observation_of({0: corners_of(0, 0)})
    points = observation.keypoints.copy()
    shank = points[:, :, ANKLES] - points[:, :, KNEES]
    turn = np.radians(30)
    points[:, :, ANKLES] = points[:, :, KNEES] + shank @ np.array(
        [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    bend = measured(replace(observation, keypoints=points)).entry_knee_bend
    assert bend.value == pytest.approx(30, abs=1)


def test_the_line_of_the_body_while_it_passes_the_surface():
    observation = observation_of({0: corners_of(0, 0), 2: corners_of(20, 20)})
    assert measured(observation).underwater_angle.value == pytest.approx(20, abs=2)
    assert measured(observation, rotation=-1).underwater_angle.value == pytest.approx(-20, abs=2)
    swapped = observation.keypoints.copy()
    swapped[:, TOUCH + 3] = keypoints_of(corners_of(20, 20)[::-1])
    assert measured(replace(observation, keypoints=swapped)).underwater_angle.value == pytest.approx(20, abs=3)


def test_lines_that_contradict_each_other_under_water():
    bodies = {offset: corners_of(60 * offset, 60 * offset) for offset in range(5)}
    assert measured(observation_of(bodies)).underwater_angle.reason == "diver_not_visible"


def test_what_a_picture_of_the_entry_draws():
    observation = observation_of({0: corners_of(12, 12)})
    body = measured(observation)
    splash = measure_splash(observation, TOUCH, Quantity.missing("px/m", "no_scale"))
    picture = entry_picture(observation, TOUCH, body, splash)
    assert picture.frame == 300 + TOUCH
    assert line_angle(*picture.body_line) == pytest.approx(12, abs=2)
    assert picture.body_line == pytest.approx(corners_of(12, 12)[[2, 0]], abs=6)
    assert picture.water_level == pytest.approx(80 + 0.675 * 200)
    assert picture.splash_frame is None
