from dataclasses import replace

import numpy as np
import pytest

from fineparser.cli.analyse import MARKINGS
from fineparser.domain.clip_geometry import HEAD, PELVIS
from fineparser.kinematics import Quantity
from fineparser.rendering.markings import (
    FrameMotion,
    Marking,
    draw_angle,
    draw_label,
    draw_line,
    draw_markings,
    upright,
)
from fineparser.rendering.palette import ORANGE, SKY_BLUE, VERMILION, Colour
from tests.builders import sample_kinematics

WIDTH, HEIGHT = 960, 576


@pytest.fixture(scope="module")
def kinematics():
    return sample_kinematics(width=WIDTH, height=HEIGHT)


@pytest.fixture
def frame():
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def pixels_of(image: np.ndarray, colour: Colour) -> np.ndarray:
    """x, y of the centres of pixels of nearly a colour."""
    rows, columns = np.nonzero(np.abs(image.astype(int) - colour.rgb).max(axis=-1) < 12)
    return np.stack([columns, rows], axis=-1) + 0.5


def test_the_command_line_has_every_marking():
    assert tuple(Marking) == MARKINGS


def test_motion_of_a_sampled_frame_is_that_of_the_series(kinematics):
    series = kinematics.series
    index = int(np.flatnonzero(series.numbers == 30)[0])
    motion = FrameMotion.from_series(series, 30)
    assert motion.keypoints == pytest.approx(series.keypoints[index])
    assert motion.trunk_angle == pytest.approx(series.trunk_angle[index])
    # From the take-off at frame 18 on, the last point is this frame's.
    assert len(motion.path) == 13
    assert motion.path[-1] == pytest.approx(series.centre_of_mass[index])
    assert len(FrameMotion.from_series(series, 10).path) == 0
    assert FrameMotion.from_series(series, 1) is None


def test_frames_between_samples_are_interpolated(kinematics):
    """The trunk passes half a turn between frames 29 and 31."""
    series = kinematics.series
    every_other = np.flatnonzero(series.numbers % 2 == 1)
    sparse = replace(series, **{name: values[every_other] for name, values in vars(series).items()})
    motion, whole = FrameMotion.from_series(sparse, 30), FrameMotion.from_series(series, 30)
    difference = (motion.trunk_angle - whole.trunk_angle + 180) % 360 - 180
    assert difference == pytest.approx(0, abs=3)
    assert motion.keypoints[PELVIS] == pytest.approx(whole.keypoints[PELVIS], abs=1)


def test_the_path_follows_a_camera_that_moves(kinematics):
    """In a picture that moves by two pixels a frame, the points lie where they lie in a still one, moved."""
    series = kinematics.series
    shift = 2.0 * series.numbers[:, None] * [1, 0]
    camera = np.tile(np.eye(3), (96, 1, 1))
    camera[:, :2, 2] = shift
    moving = replace(series, centre_of_mass=series.centre_of_mass - shift, camera=camera)
    still = FrameMotion.from_series(series, 35).path
    assert FrameMotion.from_series(moving, 35).path == pytest.approx(still - [70, 0])


def test_a_skeleton_reaches_the_head(kinematics, frame):
    drawn = draw_markings(frame, 25, kinematics, ["skeleton"])
    head = FrameMotion.from_series(kinematics.series, 25).keypoints[HEAD]
    dots = pixels_of(drawn, ORANGE)
    assert np.linalg.norm(dots - head, axis=1).min() < 1.5
    assert (frame == 90).all()


def test_the_path_ends_at_the_centre_of_mass(kinematics, frame):
    line = pixels_of(draw_markings(frame, 38, kinematics, ["path"]), VERMILION)
    path = FrameMotion.from_series(kinematics.series, 38).path
    for point in (path[0], path[10], path[-1]):
        assert np.linalg.norm(line - point, axis=1).min() < 1.5
    assert line[:, 1].min() == pytest.approx(path[:, 1].min(), abs=3)


def test_the_vertical_leans_with_the_camera(kinematics, frame):
    tilted = replace(kinematics, vertical=Quantity.measured(20, 1, "deg"))
    assert upright(tilted) == pytest.approx([np.sin(np.radians(20)), -np.cos(np.radians(20))])
    line = pixels_of(draw_markings(frame, 30, tilted, ["vertical"]), SKY_BLUE)
    assert np.polyfit(line[:, 1], line[:, 0], 1)[0] == pytest.approx(-np.tan(np.radians(20)), abs=0.02)
    unknown = replace(kinematics, vertical=Quantity.missing("deg", "no_flight"))
    assert upright(unknown) == pytest.approx([0, -1])


def test_the_angle_at_the_touch_is_that_of_the_body(kinematics, frame):
    line = pixels_of(draw_markings(frame, 41, kinematics, ["angle"]), ORANGE)
    top, bottom = kinematics.entry_picture.body_line
    for end in (top, bottom):
        assert np.linalg.norm(line - end, axis=1).min() < 2
    # Without the line of the body, and before the touch, it is that of the trunk, from the pelvis on.
    for number, one in ((41, replace(kinematics, entry_picture=None)), (30, kinematics)):
        pelvis = FrameMotion.from_series(one.series, number).keypoints[PELVIS]
        line = pixels_of(draw_markings(frame, number, one, ["angle"]), ORANGE)
        assert np.linalg.norm(line - pelvis, axis=1).min() < 2


def test_nothing_is_drawn_where_nothing_is_known(kinematics, frame):
    series = kinematics.series
    lost = replace(
        series,
        keypoints=np.full_like(series.keypoints, np.nan),
        centre_of_mass=np.full_like(series.centre_of_mass, np.nan),
        trunk_angle=np.full(96, np.nan),
    )
    unknown = replace(kinematics, series=lost, entry_picture=None)
    assert (draw_markings(frame, 30, unknown, list(Marking)) == 90).all()
    assert (draw_markings(frame, 1, kinematics, list(Marking)) == 90).all()
    with pytest.raises(ValueError, match="halo"):
        draw_markings(frame, 30, kinematics, ["halo"])


def test_lines_have_gaps_at_unknown_points(frame):
    draw_line(frame, np.array([[10, 50], [50, 50], [np.nan, 50], [150, 50], [190, 50.0]]), ORANGE, 2)
    columns = pixels_of(frame, ORANGE)[:, 0]
    assert ((columns < 53) | (columns > 147)).all()
    assert columns.min() < 12 < 188 < columns.max()


def test_an_arc_lies_between_line_and_vertical(frame):
    draw_angle(frame, np.array([160.0, 480]), np.array([310.0, 220]), np.array([0.0, -1]), "30\u00b0", 3)
    orange = pixels_of(frame, ORANGE) - [160, 480]
    angles = np.degrees(np.arctan2(orange[:, 0], -orange[:, 1]))[np.linalg.norm(orange, axis=1) > 60]
    assert angles.min() == pytest.approx(0, abs=2)
    assert angles.max() == pytest.approx(30, abs=2)


@pytest.mark.parametrize("to_left", [True, False])
@pytest.mark.parametrize("place", [(0, 0), (WIDTH, HEIGHT), (480, 270)])
def test_labels_stay_inside(frame, place, to_left):
    draw_label(frame, "12\u00b0 over", np.array(place, float), to_left=to_left, line=1)
    rows, columns = np.nonzero((frame > 240).all(axis=-1))
    assert len(rows) > 40
    assert 0 < columns.min() < columns.max() < WIDTH - 1
