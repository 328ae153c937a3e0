"""Postures in numbers: what a camera from the side sees of bodies of which everything is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.simulator.body import JOINT, JOINTS
from fineparser.simulator.camera import Camera, orientation
from fineparser.simulator.plan import plan_dive
from fineparser.simulator.posture import LANDMARKS, LEAST_AGE, PLACE, POSTURE, SIDEWAYS, landmarks, posture

FROM_THE_SIDE = Camera(
    position=np.array([0.0, -20.0, 5.0]),
    rotation=orientation(np.pi / 2, 0.0),
    focal=np.array([300.0]),
    principal_point=(100.0, 56.0),
    width=200,
    height=112,
)


class Straight:
    """Upright at 5 m with arms up, looking out over the pool (+x), who touches the water at 1 s."""

    entry_time, take_off_time, splash_size = 1.0, 0.0, 0.4

    def at(self, times):
        heights = {"pelvis": 0.0, "neck": 0.5, "head": 0.8, "knee": -0.4, "ankle": -0.8, "toe": -1.0, "wrist": 1.2}
        joints = np.zeros((len(times), len(JOINTS), 3))
        for name, index in JOINT.items():
            joints[:, index, 2] = 5.0 + heights.get(name.split("_")[0], 0.3)
            joints[:, index, 1] = {"l": 0.1, "r": -0.1}.get(name[-1], 0.0) if "_" in name else 0.0
        return SimpleNamespace(joints=joints)


def numbers_of(motions, times, camera=FROM_THE_SIDE, squeeze=1.0):
    rows = posture(motions, np.asarray(times), camera, np.zeros(len(times), int), squeeze)
    return [dict(zip(POSTURE, row[: len(POSTURE)], strict=True)) for row in rows.tolist()]


def test_a_straight_body_seen_from_the_side():
    (seen,) = numbers_of([Straight()], [0.5])
    assert seen["head_y"] == pytest.approx(-0.8, abs=1e-3)  # down is positive
    assert seen["toes_y"] == pytest.approx(1.0, abs=1e-3)
    assert seen["wrists_x"] == pytest.approx(0.0, abs=1e-3)
    # The camera looks along +y: +x is on its right.
    assert (seen["front_x"], seen["front_y"], seen["front_away"]) == pytest.approx((1.0, 0.0, 0.0), abs=1e-3)
    assert seen["hips_open"] == pytest.approx(-1.0, abs=1e-3)
    assert seen["knees_open"] == pytest.approx(-1.0, abs=1e-3)
    assert seen["ankles_apart"] == pytest.approx(0.2, abs=1e-3)
    assert seen["aloft"] == pytest.approx(0.3)
    assert (seen["wet"], seen["age"], seen["height"]) == (0.0, 0.0, 2.0)


def test_a_body_tells_until_the_touch_and_the_splash_from_then_on():
    before, after = numbers_of([Straight()], [1.0 + LEAST_AGE / 2, 1.0 + 2 * LEAST_AGE])
    assert np.isnan(before["splash"])
    assert after["splash"] == pytest.approx(0.4)
    assert np.isnan(after["head_x"])
    assert np.isnan(after["feet_open"])
    assert after["age"] == pytest.approx(2 * LEAST_AGE)


def test_a_camera_elsewhere_sees_the_same_sizes_and_a_mirrored_one_the_other_side():
    near = replace(FROM_THE_SIDE, position=np.array([0.0, -10.0, 5.0]), focal=np.array([1000.0]))
    opposite = replace(FROM_THE_SIDE, position=np.array([0.0, 20.0, 5.0]), rotation=orientation(-np.pi / 2, 0.0))
    here, there, across = (numbers_of([Straight()], [0.5], camera)[0] for camera in (FROM_THE_SIDE, near, opposite))
    assert list(there.values()) == pytest.approx(list(here.values()), abs=0.02, nan_ok=True)
    assert across["front_x"] == pytest.approx(-here["front_x"], abs=1e-3)
    assert POSTURE.index("front_x") in SIDEWAYS


def test_points_are_where_the_camera_projects_the_joints():
    near = replace(FROM_THE_SIDE, position=np.array([2.0, -12.0, 6.0]))
    seen = posture([Straight()], np.array([0.5]), near, np.zeros(1, int), 1.0)
    joints = Straight().at(np.array([0.5])).joints
    pixels, _ = near.project(joints)
    points = dict(zip(LANDMARKS, landmarks(seen)[0] * near.height, strict=True))
    for name in ("head", "neck", "pelvis"):
        np.testing.assert_allclose(points[name], pixels[0, JOINT[name]], atol=1e-3)
    np.testing.assert_allclose(points["toes"], pixels[0, [JOINT["toe_l"], JOINT["toe_r"]]].mean(0), atol=0.05)


def test_points_lie_on_the_masks_of_any_part_of_the_picture():
    plan = plan_dive(3, code="105B", height=3, synchro=False, opening=False)
    numbers = np.flatnonzero((plan.times > 0) & (plan.times < plan.motions[0].entry_time))[::10]
    for width in (None, "full"):
        _, masks = plan.film(112, width, numbers)
        middles = landmarks(plan.postures(numbers, 112, width))[:, LANDMARKS.index("pelvis")] * 112
        inside = [
            mask[int(y), int(x)]
            for mask, (x, y) in zip(masks, middles, strict=True)
            if 0 <= x < mask.shape[1] and 0 <= y < 112
        ]
        assert len(inside) >= 3
        assert np.mean(inside) > 0.8


def test_a_plan_tells_postures_of_the_frames_that_it_films():
    plan = plan_dive(11, code="107B", height=3, opening=True)
    numbers = np.array([0, plan.cut, plan.cut + 20, len(plan.times) - 1])
    seen = plan.postures(numbers)
    assert seen.shape == (4, len(POSTURE) + len(PLACE))
    assert np.isnan(seen[0]).all()  # before the cut is another dive
    assert np.isfinite(seen[1, : POSTURE.index("splash")]).all()
    assert seen[-1, POSTURE.index("splash")] == pytest.approx(plan.motions[0].splash_size)
    with pytest.raises(ValueError, match="do not lie in the clip"):
        plan.postures([len(plan.times)])
