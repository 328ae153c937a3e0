"""Shapes: where joint angles put the joints, and the inertia that follows."""

import numpy as np
import pytest

from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import (
    ANGLE_INDEX,
    ShapeSequence,
    hip_angle,
    joint_positions,
    knee_angle,
    mirror_shape,
    reach_with_arms,
    shape,
)
from fineparser.simulator.athlete.skeleton import JOINT_INDEX, Sex


@pytest.fixture(scope="module")
def body():
    return Body.build(Sex.FEMALE, 1.6, 54.0)


def joint(body, name, **angles):
    return joint_positions(body, shape(**angles)[None])[0, JOINT_INDEX[name]]


def test_straight_body_stands_along_z(body):
    joints = joint_positions(body, shape()[None])[0, :20]
    assert joints[JOINT_INDEX["head"], 2] > joints[JOINT_INDEX["neck"], 2] > joints[JOINT_INDEX["pelvis"], 2] == 0
    assert joints[JOINT_INDEX["wrist_l"], 2] < joints[JOINT_INDEX["elbow_l"], 2] < joints[JOINT_INDEX["shoulder_l"], 2]
    assert joints[JOINT_INDEX["hip_l"], 1] > 0 > joints[JOINT_INDEX["hip_r"], 1]
    np.testing.assert_allclose(joints[JOINT_INDEX["shoulder_l"]] * [1, -1, 1], joints[JOINT_INDEX["shoulder_r"]])


def test_joints_bend_in_anatomical_directions(body):
    assert joint(body, "knee_l", hip=90.0)[0] > 0.3, "the thigh comes up in front"
    assert joint(body, "ankle_l", knee=90.0)[0] < -0.3, "the knee bends backwards"
    assert joint(body, "wrist_l", **{"raise": 90.0})[0] > 0.3, "the arm rises in front in plane 0"
    assert joint(body, "wrist_l", **{"raise": 90.0}, plane=90.0)[1] > 0.5, "and to its side in plane 90"
    assert joint(body, "wrist_l", elbow=90.0)[0] > 0.1, "the elbow of a hanging arm bends forwards"
    assert joint(body, "head", neck=40.0)[0] > 0.1
    assert joint(body, "neck", spine=40.0)[0] > 0.1
    assert joint(body, "neck", side=30.0)[1] > 0.05
    assert joint(body, "toe_l", point=0.0)[0] > 0.1
    down = joint(body, "toe_l", point=90.0) - joint(body, "ankle_l", point=90.0)
    assert down[2] == pytest.approx(-body.proportions.foot)


def test_bones_keep_their_lengths(body):
    rng = np.random.default_rng(1)
    angles = rng.uniform(-20.0, 100.0, (50, len(ANGLE_INDEX)))
    joints = joint_positions(body, angles)[:, :20]
    for first, last, length in (
        ("hip_r", "knee_r", body.proportions.thigh),
        ("knee_l", "ankle_l", body.proportions.shank),
        ("ankle_r", "toe_r", body.proportions.foot),
        ("shoulder_l", "elbow_l", body.proportions.upper_arm),
        ("elbow_r", "wrist_r", body.proportions.forearm),
        ("wrist_l", "fingertip_l", body.proportions.hand),
        ("neck", "head", body.proportions.head),
    ):
        measured = np.linalg.norm(joints[:, JOINT_INDEX[last]] - joints[:, JOINT_INDEX[first]], axis=-1)
        np.testing.assert_allclose(measured, length, rtol=1e-9)


def test_reach_with_arms_puts_the_wrists_at_their_target(body):
    target = (0.35, 0.12, 0.05)
    bent = reach_with_arms(body, shape(spine=20.0), target, (0.0, 1.0, 0.0))
    joints = joint_positions(body, bent[None])[0]
    np.testing.assert_allclose(joints[JOINT_INDEX["wrist_l"]], target, atol=2e-3)
    np.testing.assert_allclose(joints[JOINT_INDEX["wrist_r"]], (0.35, -0.12, 0.05), atol=2e-3)


def test_angles_of_hip_and_knee(body):
    joints = joint_positions(body, np.stack([shape(), shape(hip=90.0, knee=70.0)]))[:, :20]
    np.testing.assert_allclose(hip_angle(joints), [180.0, 90.0], atol=1e-6)
    np.testing.assert_allclose(knee_angle(joints), [180.0, 110.0], atol=1e-4)


def test_mirror_shape_exchanges_the_sides(body):
    angles = shape(raise_l=150.0, side=12.0, hip_r=20.0)
    joints, mirrored = (joint_positions(body, a[None])[0, :20] for a in (angles, mirror_shape(angles)))
    np.testing.assert_allclose(
        mirrored[JOINT_INDEX["wrist_r"]], joints[JOINT_INDEX["wrist_l"]] * [1, -1, 1], atol=1e-12
    )
    np.testing.assert_allclose(mirror_shape(mirror_shape(angles)), angles)


def test_inertia_and_momentum_of_moving_masses(body):
    """Against the sum over the segments, written out."""
    step = 1e-4
    times = (np.arange(3) - 1) * step
    rate = shape(raise_l=200.0, plane_l=60.0, hip_l=90.0, spine=70.0, knee_r=-80.0)
    base = shape(raise_l=40.0, plane_l=50.0, elbow_l=30.0, hip_l=60.0, knee_r=40.0, spine=15.0)
    angles = base + times[:, None] * rate
    shapes = ShapeSequence.from_angles(body, angles, step)
    inertia, momentum = np.zeros((3, 3)), np.zeros(3)
    mass_centre = np.zeros(3)
    left_at = [joint_pair(joint_positions(body, a[None])[0]) for a in angles]
    for segment in body.segments:
        first, last = shapes.joints[:, segment.start], shapes.joints[:, segment.end]
        centre = first + segment.centre * (last - first)
        mass_centre += segment.mass * centre[1]
        speed = (centre[2] - centre[0]) / (2 * step)
        inertia += segment.mass * (centre[1] @ centre[1] * np.eye(3) - np.outer(centre[1], centre[1]))
        momentum += segment.mass * np.cross(centre[1], speed)
        along = (last - first) / segment.length
        turning = np.cross(along[1], (along[2] - along[0]) / (2 * step))
        upper = segment.name == "upper_trunk"
        side = left_at[1][0] if upper else np.array([0.0, 1.0, 0.0])
        side = side - (side @ along[1]) * along[1]
        side /= np.linalg.norm(side)
        axes = np.stack([np.cross(side, along[1]), side, along[1]], axis=-1)
        moments = np.array(segment.inertia)
        if segment.name not in ("upper_trunk", "lower_trunk"):
            moments = np.array([moments[0], moments[0], moments[2]])
        tensor = axes @ np.diag(moments) @ axes.T
        inertia += tensor
        momentum += tensor @ turning
    np.testing.assert_allclose(mass_centre, 0.0, atol=1e-9)
    np.testing.assert_allclose(shapes.inertia[1], inertia, atol=0.012)
    np.testing.assert_allclose(shapes.momentum[1], momentum, atol=0.02 * np.linalg.norm(momentum))


def joint_pair(points):
    """The left of the upper trunk and of the hips."""
    return points[20], points[JOINT_INDEX["hip_l"]] - points[JOINT_INDEX["hip_r"]]


def test_unknown_joint_angles_are_refused():
    with pytest.raises(ValueError, match="elbo"):
        shape(elbo=20.0)
