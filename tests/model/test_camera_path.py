"""The camera's motion: against motions that pictures were moved by, with a diver in front, and over a cut."""

import numpy as np
import pytest

from fineparser.model.camera_path import CameraPath
from tests.cameras import filmed, panned, scenery


def test_motions_are_those_of_the_camera():
    motions = panned(10)
    path = CameraPath.of(filmed(scenery(0), motions))
    assert path.shots.tolist() == [0] * 10
    corners = np.array([[20, 20, 1], [140, 20, 1], [20, 140, 1], [140, 140, 1]]).T
    for frame, other in ((0, 9), (3, 6), (8, 2), (4, 4)):
        true = motions[other] @ np.linalg.inv(motions[frame])
        found = path.between(frame, other)
        np.testing.assert_allclose((found @ corners)[:2], (true @ corners)[:2], atol=1.0)


def test_what_moves_before_the_scenery_is_outvoted():
    pictures = filmed(scenery(1), [panned(1)[0]] * 8)
    diver = scenery(2)[:48, :48]
    for step, picture in enumerate(pictures):
        picture[30 + 8 * step : 78 + 8 * step, 50:98] = diver
    path = CameraPath.of(pictures)
    np.testing.assert_allclose(path.between(0, 7), np.eye(3), atol=0.1)


@pytest.mark.parametrize("other", ["another scene", "nothing"])
def test_a_cut_begins_another_shot(other):
    first, second = filmed(scenery(3), panned(3)), filmed(scenery(4), panned(3))
    if other == "nothing":
        second = np.full_like(second, 90)
    path = CameraPath.of(np.concatenate([first, second]))
    assert path.shots[2] == path.shots[0]
    assert path.shots[3] != path.shots[2]
    assert path.between(1, 4) is None
