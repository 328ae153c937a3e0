"""Pose labels of bodies in known poses, from cameras in known positions."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.domain.clip_geometry import LANDMARKS
from fineparser.simulator.athlete.pose import (
    MIRRORED_FIELDS,
    POSE_FIELDS,
    POSITION_FIELDS,
    SPLASH_AGE,
    measure_pose,
    pose_landmarks,
)
from fineparser.simulator.athlete.skeleton import JOINT_INDEX, JOINTS
from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.plan import DiveRequest, plan_dive

FROM_THE_SIDE = Camera(
    position=np.array([0.0, -20.0, 5.0]),
    rotation=orientation(np.pi / 2, 0.0),
    focal=np.array([300.0]),
    principal_point=(100.0, 56.0),
    width=200,
    height=112,
)


class Straight:
    """A diver upright at 5 m with the arms up, facing the pool (+x), who touches the water at 1 s."""

    entry_time, take_off_time, splash_size = 1.0, 0.0, 0.4

    def at(self, times):
        heights = {"pelvis": 0.0, "neck": 0.5, "head": 0.8, "knee": -0.4, "ankle": -0.8, "toe": -1.0, "wrist": 1.2}
        joints = np.zeros((len(times), len(JOINTS), 3))
        for name, index in JOINT_INDEX.items():
            joints[:, index, 2] = 5.0 + heights.get(name.split("_")[0], 0.3)
            joints[:, index, 1] = {"l": 0.1, "r": -0.1}.get(name[-1], 0.0) if "_" in name else 0.0
        return SimpleNamespace(joints=joints)


def poses_of(motions, times, camera=FROM_THE_SIDE, squeeze=1.0):
    rows = measure_pose(motions, np.asarray(times), camera, np.zeros(len(times), int), squeeze)
    return [dict(zip(POSE_FIELDS, row[: len(POSE_FIELDS)], strict=True)) for row in rows.tolist()]


def test_pose_of_a_straight_body_from_the_side():
    (pose,) = poses_of([Straight()], [0.5])
    assert pose["head_y"] == pytest.approx(-0.8, abs=1e-3)  # down is positive
    assert pose["toes_y"] == pytest.approx(1.0, abs=1e-3)
    assert pose["wrists_x"] == pytest.approx(0.0, abs=1e-3)
    # The camera looks along +y: +x is on its right.
    assert (pose["front_x"], pose["front_y"], pose["front_away"]) == pytest.approx((1.0, 0.0, 0.0), abs=1e-3)
    assert pose["hips_open"] == pytest.approx(-1.0, abs=1e-3)
    assert pose["knees_open"] == pytest.approx(-1.0, abs=1e-3)
    assert pose["ankles_apart"] == pytest.approx(0.2, abs=1e-3)
    assert pose["aloft"] == pytest.approx(0.3)
    assert (pose["wet"], pose["age"], pose["height"]) == (0.0, 0.0, 2.0)


def test_the_pose_is_known_before_the_touch_and_the_splash_after_it():
    before, after = poses_of([Straight()], [1.0 + SPLASH_AGE / 2, 1.0 + 2 * SPLASH_AGE])
    assert np.isnan(before["splash"])
    assert after["splash"] == pytest.approx(0.4)
    assert np.isnan(after["head_x"])
    assert np.isnan(after["feet_open"])
    assert after["age"] == pytest.approx(2 * SPLASH_AGE)


def test_distance_does_not_change_the_pose_and_the_opposite_side_mirrors_it():
    near = replace(FROM_THE_SIDE, position=np.array([0.0, -10.0, 5.0]), focal=np.array([1000.0]))
    opposite = replace(FROM_THE_SIDE, position=np.array([0.0, 20.0, 5.0]), rotation=orientation(-np.pi / 2, 0.0))
    far, close, across = (poses_of([Straight()], [0.5], camera)[0] for camera in (FROM_THE_SIDE, near, opposite))
    assert list(close.values()) == pytest.approx(list(far.values()), abs=0.02, nan_ok=True)
    assert across["front_x"] == pytest.approx(-far["front_x"], abs=1e-3)
    assert POSE_FIELDS.index("front_x") in MIRRORED_FIELDS


def test_landmarks_are_the_projected_joints():
    near = replace(FROM_THE_SIDE, position=np.array([2.0, -12.0, 6.0]))
    pose = measure_pose([Straight()], np.array([0.5]), near, np.zeros(1, int), 1.0)
    joints = Straight().at(np.array([0.5])).joints
    pixels, _ = near.project(joints)
    points = dict(zip(LANDMARKS, pose_landmarks(pose)[0] * near.height, strict=True))
    for name in ("head", "neck", "pelvis"):
        np.testing.assert_allclose(points[name], pixels[0, JOINT_INDEX[name]], atol=1e-3)
    np.testing.assert_allclose(
        points["toes"], pixels[0, [JOINT_INDEX["toe_l"], JOINT_INDEX["toe_r"]]].mean(0), atol=0.05
    )


def test_landmarks_lie_on_the_masks_of_any_crop():
    plan = plan_dive(3, DiveRequest(code="105B", height=3, synchro=False, opening=False))
    numbers = np.flatnonzero((plan.times > 0) & (plan.times < plan.motions[0].entry_time))[::10]
    for width in (None, "full"):
        _, masks = plan.render(112, width, numbers)
        middles = pose_landmarks(plan.poses(numbers, 112, width))[:, LANDMARKS.index("pelvis")] * 112
        inside = [
            mask[int(y), int(x)]
            for mask, (x, y) in zip(masks, middles, strict=True)
            if 0 <= x < mask.shape[1] and 0 <= y < 112
        ]
        assert len(inside) >= 3
        assert np.mean(inside) > 0.8


def test_poses_of_a_plan_with_an_opening_shot():
    plan = plan_dive(11, DiveRequest(code="107B", height=3, opening=True))
    numbers = np.array([0, plan.cut_frame, plan.cut_frame + 20, len(plan.times) - 1])
    pose = plan.poses(numbers)
    assert pose.shape == (4, len(POSE_FIELDS) + len(POSITION_FIELDS))
    assert np.isnan(pose[0]).all()  # before the cut is another dive
    assert np.isfinite(pose[1, : POSE_FIELDS.index("splash")]).all()
    assert pose[-1, POSE_FIELDS.index("splash")] == pytest.approx(plan.motions[0].splash_size)
    with pytest.raises(ValueError, match="are not all in 0 to"):
        plan.poses([len(plan.times)])
