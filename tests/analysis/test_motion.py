import numpy as np
import pytest

from fineparser.analysis.motion import Motion, MotionWatch
from tests.analysis.moving_pictures import film

COUNT = 12


def watched(frames) -> Motion:
    watch = MotionWatch()
    for frame in frames:
        watch.see(frame)
    return watch.result()


@pytest.fixture(scope="module")
def panned() -> Motion:
    """The camera goes 4 pixels to the right and 3 down each frame; the disc stays where it is in the picture."""
    steps = np.arange(COUNT)[:, None] * [4, 3]
    return watched(film(np.array([120, 60]) + steps, np.array([0, 0]) + steps))


def test_the_cameras_way_is_taken_out(panned):
    corner = panned.on_first(np.zeros((COUNT, 2))) * 180
    assert corner == pytest.approx(np.arange(COUNT)[:, None] * [4.0, 3.0], abs=1.0)


def test_the_way_back(panned):
    points = np.random.default_rng(0).uniform(0, 1, (COUNT, 2))
    assert panned.on_own(panned.on_first(points)) == pytest.approx(points)


def test_the_mover_is_found_before_a_moving_wall(panned):
    middle = panned.centres()[1:] * 180
    assert np.linalg.norm(middle - [120, 60], axis=1).max() < 25
    assert panned.aspect == pytest.approx(240 / 180)


def test_where_nothing_moves_there_is_no_middle():
    still = watched(film(np.full((4, 2), 100.0), np.zeros((4, 2), int)))
    assert np.isnan(still.centres()).all()
    assert still.camera == pytest.approx(np.broadcast_to(np.eye(3), (4, 3, 3)), abs=1e-3)


def test_a_part_begins_anew(panned):
    part = panned.at(np.arange(5, COUNT))
    assert part.camera[0] == pytest.approx(np.eye(3))
    assert part.on_first(np.zeros((COUNT - 5, 2)))[-1] * 180 == pytest.approx([24, 18], abs=1.0)


@pytest.mark.parametrize("frame", [np.zeros((40, 60, 3), np.uint8), np.full((16, 300, 3), 200, np.uint8)])
def test_a_picture_without_anything_in_it_stands_still(frame):
    motion = watched([frame, frame, frame])
    assert motion.camera == pytest.approx(np.broadcast_to(np.eye(3), (3, 3, 3)))
    assert motion.activity.max() == 0


def test_flicker_of_the_whole_picture_is_no_movement():
    frames = film(np.full((6, 2), 100.0), np.zeros((6, 2), int)).astype(int)
    frames[::2] += 12
    assert watched(np.clip(frames, 0, 255).astype(np.uint8)).activity.mean() < 0.2
