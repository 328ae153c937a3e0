"""Rendered limbs against plain geometry."""

from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.simulator.athlete.body_rendering import draw_divers
from fineparser.simulator.athlete.skin import BodyPaint
from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.filming.camera import orientation

LIGHT = SimpleNamespace(direction=np.array([0.0, 0.0, 1.0]), ambient=0.4, colour=(1.0, 1.0, 1.0), exposure=1.0)
DISTANCE, FOCAL = 20.0, 2000.0  # 100 pixels a metre


class OneLimb:
    """A body of a single capsule between joints 0 and 1."""

    def __init__(self, start_radius, end_radius=None):
        end_radius = start_radius if end_radius is None else end_radius
        self.parts = (SimpleNamespace(name="limb", start_radius=start_radius, end_radius=end_radius),)

    def capsules(self, joints):
        return joints[:, :1], joints[:, 1:2]


def views(counts=(1,), size=(160, 160)):
    instants = sum(counts)
    return CameraViews(
        rotation=np.repeat(orientation(np.pi / 2, 0.0), instants, axis=0),
        focal=np.full(instants, FOCAL),
        position=np.array([0.0, -DISTANCE, 2.0]),
        principal_point=(size[0] / 2, size[1] / 2),
        size=size,
        counts=np.array(counts),
    )


def pose(start, end, instants=1):
    joints = np.zeros((instants, 20, 3))
    joints[:] = start
    joints[:, 1] = end
    return joints


def plain(*colour):
    one = np.array([colour], dtype=float)
    return BodyPaint(start=one, end=one, cap=one, cap_reach=np.array([-1.0]), blend_depth=np.array([0.02]))


SKIN = plain(200, 150, 120)


def draw(radius, start, end, **kwargs):
    body = OneLimb(radius) if np.isscalar(radius) else OneLimb(*radius)
    return draw_divers([body], [SKIN], [pose(start, end)], views(**kwargs), LIGHT, (40, 100, 160))[0]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((-0.3, 0, 2.0), (0.3, 0, 2.0)),
        ((-0.2, 0, 1.8), (0.3, 0, 2.3)),
        ((0.1, 0, 2.3), (0.0, 0, 1.6)),
    ],
)
def test_a_capsule_covers_its_area(start, end):
    length = 100 * np.linalg.norm(np.subtract(end, start))
    patch = draw(0.1, start, end)
    assert patch.alpha.sum() == pytest.approx(np.pi * 10**2 + 20 * length, rel=0.02)


def test_a_capsule_along_the_line_of_sight_is_a_disc():
    patch = draw(0.1, (0, -0.3, 2.0), (0, 0.3, 2.0))
    # The nearer end is 19.7 m away.
    assert patch.alpha.sum() == pytest.approx(np.pi * (10 * 20 / 19.7) ** 2, rel=0.03)


def test_a_slanted_capsule_is_foreshortened():
    patch = draw(0.1, (-0.2, -0.2, 2.0), (0.2, 0.2, 2.0))
    assert patch.alpha.sum() == pytest.approx(np.pi * 10**2 + 20 * 40, rel=0.03)


def test_a_hairline_covers_as_much_as_it_is_wide():
    patch = draw(0.002, (-0.3, 0, 2.0), (0.3, 0, 2.0))
    assert patch.alpha.max() <= 0.41
    assert patch.alpha.sum() == pytest.approx(60 * 0.4, rel=0.4)


def test_the_side_towards_the_light_is_brighter():
    patch = draw(0.1, (-0.3, 0, 2.0), (0.3, 0, 2.0))
    solid = patch.alpha[:, 40] > 0.99
    column = patch.colour[solid, 40].mean(1)
    assert column[2] > 1.5 * column[-3]
    assert (np.diff(column[2:-2]) < 1.5).all()


def test_the_nearer_limb_hides_the_farther_one():
    near, far = OneLimb(0.1), OneLimb(0.1)
    red, green = plain(255, 0, 0), plain(0, 255, 0)
    poses = [pose((0, -0.5, 1.7), (0, -0.5, 2.3)), pose((-0.3, 0.5, 2.0), (0.3, 0.5, 2.0))]
    patch = draw_divers([near, far], [red, green], poses, views(), LIGHT, (0, 0, 0))[0]
    crossing = patch.colour[80 - patch.top, 80 - patch.left]
    aside = patch.colour[80 - patch.top, 105 - patch.left]
    assert crossing[0] > 50
    assert crossing[1] < 8
    assert aside[1] > 50
    # Turned round the order of drawing must not matter.
    again = draw_divers([far, near], [green, red], poses[::-1], views(), LIGHT, (0, 0, 0))[0]
    assert np.abs(again.alpha - patch.alpha).max() < 1e-3


def test_instants_of_a_frame_are_averaged():
    joints = pose((-0.1, 0, 2.0), (-0.1, 0, 2.2), instants=2)
    joints[1, :, 0] += 0.4
    patch = draw_divers([OneLimb(0.1)], [SKIN], [joints], views((2,)), LIGHT, (0, 0, 0))[0]
    assert patch.alpha.max() == pytest.approx(0.5, abs=1e-3)


def test_bodies_outside_of_the_image_give_no_patch():
    joints = pose((0, 0, 2.0), (0, 0, 2.3), instants=2)
    joints[0, :, 0] += 9
    patches = draw_divers([OneLimb(0.1)], [SKIN], [joints], views((1, 1)), LIGHT, (0, 0, 0))
    assert patches[0] is None
    assert patches[1] is not None


def test_patches_stay_in_the_image():
    patch = draw(0.1, (-0.9, 0, 2.0), (0.9, 0, 2.0))
    rows, columns = patch.region
    assert rows.start >= 0
    assert columns.start == 0
    assert columns.stop == 160


def test_a_limb_fades_with_its_depth_under_water():
    looking_down = views()
    tilted = CameraViews(**{**looking_down.__dict__, "rotation": orientation(np.pi / 2, -0.8)})
    covers = []
    for depth in (-0.3, 0.2, 1.0):
        target = tilted.position + 20 * tilted.rotation[0][2]
        shift = np.array([0, 0, -depth]) - [0, 0, target[2]]
        moved = CameraViews(**{**tilted.__dict__, "position": tilted.position + shift})
        centre = target + shift
        patch = draw_divers(
            [OneLimb(0.05)], [SKIN], [pose(centre, centre + np.array([0.2, 0, 0]))], moved, LIGHT, (0, 60, 200)
        )[0]
        covers.append((patch.alpha.max(), patch.submerged.max()))
    assert covers[0][0] == pytest.approx(1.0, abs=1e-3)
    assert covers[0][1] == 0
    assert 1 > covers[1][0] > covers[2][0] > 0
    assert covers[1][1] == pytest.approx(covers[1][0])
