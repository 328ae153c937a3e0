"""Shapes of the diver: joint angles, the joint positions and the inertia that follow from them.

A shape is a row of the angles `ANGLES` in degrees. The body frame stands at the pelvis, between the hip joints, and
turns with it: x to the front, y to the left, z towards the head.
"""

import functools
from dataclasses import dataclass

import numpy as np

from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.skeleton import JOINT_INDEX, WAIST_HEIGHT, Segment

ANGLES = (
    "spine",  # the upper trunk bends forwards over the lower trunk
    "side",  # and to the left
    "neck",  # chin to the chest
    "raise_l",  # upper arm: 0 along the trunk, 90 level, 180 overhead
    "raise_r",
    "plane_l",  # plane in which it is raised: 0 to the front, 90 sideways
    "plane_r",
    "roll_l",  # upper arm turned inwards about itself
    "roll_r",
    "elbow_l",
    "elbow_r",
    "wrist_l",  # hand turned inwards, towards the other hand
    "wrist_r",
    "hip_l",  # thigh to the front
    "hip_r",
    "apart_l",  # thigh outwards
    "apart_r",
    "knee_l",
    "knee_r",
    "point_l",  # foot: 0 square to the shank, 80 pointed
    "point_r",
)
ANGLE_INDEX = {name: index for index, name in enumerate(ANGLES)}

_ARM = tuple(
    np.array([ANGLE_INDEX[f"{name}_l"], ANGLE_INDEX[f"{name}_r"]])
    for name in ("raise", "plane", "roll", "elbow", "wrist")
)
_LEG = tuple(
    np.array([ANGLE_INDEX[f"{name}_l"], ANGLE_INDEX[f"{name}_r"]]) for name in ("hip", "apart", "knee", "point")
)
_SIDES = np.array([1.0, -1.0])
_SHOULDER_RAISE, _SHOULDER_DRAW, _SHOULDER_REACH = 0.036, 0.022, 0.030  # of the stature: the girdle goes with the arm


def shape(base: np.ndarray | None = None, /, **angles: float) -> np.ndarray:
    """Make a shape [21] from angles in degrees: a name without _l or _r sets both sides.

    Angles that are not given are those of `base`, or 0.

    >>> shape(knee=120)[[ANGLE_INDEX["knee_l"], ANGLE_INDEX["knee_r"]]].tolist()
    [120.0, 120.0]
    """
    row = np.zeros(len(ANGLES)) if base is None else np.array(base, dtype=float)
    for name, angle in angles.items():
        if name in ANGLE_INDEX:
            row[ANGLE_INDEX[name]] = angle
        elif f"{name}_l" in ANGLE_INDEX:
            row[[ANGLE_INDEX[f"{name}_l"], ANGLE_INDEX[f"{name}_r"]]] = angle
        else:
            raise ValueError(f"unknown joint angle {name!r}; known are {', '.join(ANGLES)}")
    return row


def mirror_shape(angles: np.ndarray) -> np.ndarray:
    """Mirror shapes [..., 21]: left and right are exchanged."""
    order = [
        ANGLE_INDEX[name[:-1] + {"l": "r", "r": "l"}[name[-1]]] if name[-2:] in ("_l", "_r") else ANGLE_INDEX[name]
        for name in ANGLES
    ]
    swapped = np.asarray(angles)[..., order].copy()
    swapped[..., ANGLE_INDEX["side"]] *= -1.0
    return swapped


def joint_positions(body: Body, angles: np.ndarray) -> np.ndarray:
    """Compute joint positions [N, 21, 3] in metres in the body frame from shapes [N, 21] in degrees.

    Row 20 is not a joint but the unit vector to the left of the upper trunk, which `ShapeSequence` needs for the
    inertia.
    """
    rows = np.deg2rad(angles)
    count = len(rows)
    size = body.proportions
    points = np.zeros((count, 21, 3))
    spine, side, neck = rows[:, 0], rows[:, 1], rows[:, 2]
    sin_f, cos_f, sin_b, cos_b = np.sin(spine), np.cos(spine), np.sin(side), np.cos(side)
    # upper trunk axes: bend to the left (about -x), then forwards (about y)
    front = np.stack([cos_f, np.zeros(count), -sin_f], axis=-1)
    left = np.stack([-sin_f * sin_b, cos_b, -cos_f * sin_b], axis=-1)
    up = np.stack([sin_f * cos_b, sin_b, cos_f * cos_b], axis=-1)
    upper = np.stack([front, left, up], axis=-2)  # [N, axis, 3]
    waist = WAIST_HEIGHT * size.trunk
    points[:, JOINT_INDEX["waist"], 2] = waist
    points[:, JOINT_INDEX["neck"]] = points[:, JOINT_INDEX["waist"]] + (size.trunk - waist) * up
    points[:, JOINT_INDEX["head"]] = points[:, JOINT_INDEX["neck"]] + size.head * (
        np.cos(neck)[:, None] * up + np.sin(neck)[:, None] * front
    )
    points[:, 20] = left

    lift, plane, roll, elbow, wrist = (rows[:, index] for index in _ARM)  # each [N, 2]
    arm, forearm, hand, drift = _arms(lift, plane, roll, elbow, wrist)  # in upper trunk axes [N, 2, 3]
    girdle = body.stature * drift
    girdle[..., 1] += size.shoulder_half_width
    girdle[..., 2] += size.shoulder_height - waist
    stretch = np.stack([girdle, size.upper_arm * arm, size.forearm * forearm, size.hand * hand], axis=1)  # [N, 4, 2, 3]
    stretch[..., 1] *= _SIDES
    chain = np.cumsum(np.matmul(stretch.reshape(count, 8, 3), upper).reshape(count, 4, 2, 3), axis=1)
    points[:, 4:12] = (chain + points[:, None, None, JOINT_INDEX["waist"]]).reshape(count, 8, 3)

    hip, apart, knee, point = (rows[:, index] for index in _LEG)
    thigh_out, shank_out = np.sin(apart), np.sin(apart) * np.cos(knee)
    thigh_in, shank_in = np.cos(apart), np.sqrt(1.0 - shank_out**2)
    shank_angle = hip - knee
    foot_angle = shank_angle + np.pi / 2 - point
    legs = np.zeros((count, 4, 2, 3))
    legs[:, 0, :, 1] = size.hip_half_width
    for link, (turn, flat, out, length) in enumerate(
        (
            (hip, thigh_in, thigh_out, size.thigh),
            (shank_angle, shank_in, shank_out, size.shank),
            (foot_angle, shank_in, shank_out, size.foot),
        ),
        start=1,
    ):
        legs[:, link, :, 0] = length * np.sin(turn) * flat
        legs[:, link, :, 1] = length * out
        legs[:, link, :, 2] = -length * np.cos(turn) * flat
    legs[..., 1] *= _SIDES
    points[:, 12:20] = np.cumsum(legs, axis=1).reshape(count, 8, 3)
    return points


def _arms(
    lift: np.ndarray, plane: np.ndarray, roll: np.ndarray, elbow: np.ndarray, wrist: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Directions of upper arm, forearm and hand, and the shift of the shoulder as a share of the stature, for a left
    arm in the axes of the upper trunk."""
    sin_e, cos_e, sin_p, cos_p = np.sin(lift), np.cos(lift), np.sin(plane), np.cos(plane)
    arm = np.stack([sin_e * cos_p, sin_e * sin_p, -cos_e], axis=-1)
    rising = np.stack([cos_e * cos_p, cos_e * sin_p, sin_e], axis=-1)
    inward = np.stack([sin_p, -cos_p, np.zeros_like(sin_p)], axis=-1)  # arm x rising
    sin_r, cos_r = np.sin(roll)[..., None], np.cos(roll)[..., None]
    bending = rising * cos_r + inward * sin_r
    across = inward * cos_r - rising * sin_r
    forearm = arm * np.cos(elbow)[..., None] + bending * np.sin(elbow)[..., None]
    hand = forearm * np.cos(wrist)[..., None] + across * np.sin(wrist)[..., None]
    raised = np.sin(lift / 2.0) ** 2
    drift = np.stack([_SHOULDER_REACH * sin_e * cos_p, -_SHOULDER_DRAW * raised, _SHOULDER_RAISE * raised], axis=-1)
    return arm, forearm, hand, drift


def reach_with_arms(
    body: Body, angles: np.ndarray, wrist: tuple[float, float, float], elbow: tuple[float, float, float]
) -> np.ndarray:
    """Bend both arms of a shape [21] so that the wrists reach a target, or come as near as the arms allow.

    Args:
        wrist: target of the left wrist in the body frame, metres; the right wrist goes to its mirror image.
        elbow: direction in which the left elbow points.

    Returns:
        [21], the arms changed, the other angles unchanged.
    """
    changed = np.array(angles, dtype=float)
    size = body.proportions
    spine = np.deg2rad(changed[ANGLE_INDEX["spine"]])
    to_trunk = np.array([[np.cos(spine), 0.0, -np.sin(spine)], [0.0, 1.0, 0.0], [np.sin(spine), 0.0, np.cos(spine)]])
    target = to_trunk @ (np.array(wrist) - [0.0, 0.0, WAIST_HEIGHT * size.trunk])
    pole = to_trunk @ np.array(elbow)
    for _ in range(4):
        joints = joint_positions(body, changed[None])[0]
        shoulder = to_trunk @ (joints[JOINT_INDEX["shoulder_l"]] - [0.0, 0.0, WAIST_HEIGHT * size.trunk])
        away = target - shoulder
        longest = 0.998 * (size.upper_arm + size.forearm)
        distance = min(float(np.linalg.norm(away)), longest)
        along = away / np.linalg.norm(away)
        cosine = (size.upper_arm**2 + distance**2 - size.forearm**2) / (2 * size.upper_arm * distance)
        opening = np.arccos(np.clip(cosine, -1, 1))
        sideways = pole - (pole @ along) * along
        arm = np.cos(opening) * along + np.sin(opening) * sideways / np.linalg.norm(sideways)
        forearm = (distance * along - size.upper_arm * arm) / size.forearm
        lift, plane = np.arccos(np.clip(-arm[2], -1, 1)), np.arctan2(arm[1], arm[0])
        rising = np.array([np.cos(lift) * np.cos(plane), np.cos(lift) * np.sin(plane), np.sin(lift)])
        inward = np.array([np.sin(plane), -np.cos(plane), 0.0])
        bend = np.arccos(np.clip(arm @ forearm, -1, 1))
        roll = np.arctan2(forearm @ inward, forearm @ rising)
        degrees = {"raise": lift, "plane": plane, "roll": roll, "elbow": bend}
        changed = shape(changed, **{name: float(np.rad2deg(angle)) for name, angle in degrees.items()})
    return changed


@functools.lru_cache(maxsize=64)
def _mass_matrices(
    segments: tuple[Segment, ...], half_width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Matrices that map joints to mass centre, second moments and angular momentum.

    With rows E = joints and the trunk's left, the mass centre is `weights` @ E, the second moments of mass about the
    origin are E' `static` E + `isotropic`, and the angular momentum of a change of shape is the skew part of
    E' `moving` dE/dt.

    Returns:
        weights [21], static [21, 21], moving [21, 21], isotropic.
    """
    weights, static, moving, isotropic = np.zeros(21), np.zeros((21, 21)), np.zeros((21, 21)), 0.0
    total = sum(segment.mass for segment in segments)
    for segment in segments:
        mass_position = np.zeros(21)
        mass_position[segment.start], mass_position[segment.end] = 1.0 - segment.centre, segment.centre
        weights += segment.mass / total * mass_position
        bone = np.zeros(21)
        bone[segment.start], bone[segment.end] = -1.0, 1.0
        forward, left, long = segment.inertia
        # second moments along the principal axes: half of (sum of the other two moments minus its own)
        along_front, along_left, along_bone = (
            (left + long - forward) / 2,
            (forward + long - left) / 2,
            (forward + left - long) / 2,
        )
        masses = segment.mass * np.outer(mass_position, mass_position)
        static += masses + (along_bone - along_front) * np.outer(bone, bone) / segment.length**2
        moving += masses + (along_bone + along_front) * np.outer(bone, bone) / segment.length**2
        isotropic += along_front
        if along_left != along_front:
            across = np.zeros(21)
            if segment.name == "lower_trunk":
                across[JOINT_INDEX["hip_l"]], across[JOINT_INDEX["hip_r"]] = 0.5, -0.5
                across /= half_width
            else:
                across[20] = 1.0
            static += (along_left - along_front) * np.outer(across, across)
            moving += (along_left - along_front) * np.outer(across, across)
    return weights, static, moving, isotropic


@dataclass(frozen=True)
class ShapeSequence:
    """Sequence of shapes as the physics needs it: in the axes of the body frame, about the mass centre."""

    joints: np.ndarray
    """[N, 20, 3] metres from the mass centre."""
    inertia: np.ndarray
    """[N, 3, 3] kg m2 about the mass centre."""
    momentum: np.ndarray
    """[N, 3] kg m2/s: angular momentum of the change of shape alone."""

    @classmethod
    def from_angles(cls, body: Body, angles: np.ndarray, step: float) -> "ShapeSequence":
        """Compute the sequence of a body from shapes [N, 21] in degrees at equal time steps (s)."""
        weights, static, moving, isotropic = _mass_matrices(body.segments, body.proportions.hip_half_width)
        points = joint_positions(body, angles)
        points[:, :20] -= (weights @ points)[:, None, :]
        second = np.matmul(points.transpose(0, 2, 1), np.matmul(static, points))
        second[:, range(3), range(3)] += isotropic
        inertia = -second
        trace = np.trace(second, axis1=1, axis2=2)
        inertia[:, range(3), range(3)] += trace[:, None]
        if len(points) > 2:
            rate = np.gradient(points, step, axis=0)
            flow = np.matmul(points.transpose(0, 2, 1), np.matmul(moving, rate))
            momentum = np.stack(
                [flow[:, 1, 2] - flow[:, 2, 1], flow[:, 2, 0] - flow[:, 0, 2], flow[:, 0, 1] - flow[:, 1, 0]], axis=-1
            )
        else:
            momentum = np.zeros((len(points), 3))
        return cls(points[:, :20], inertia, momentum)

    def first(self, count: int) -> "ShapeSequence":
        """The first `count` shapes."""
        return ShapeSequence(self.joints[:count], self.inertia[:count], self.momentum[:count])


def hip_angle(joints: np.ndarray) -> np.ndarray:
    """Angle between trunk and thighs [...] in degrees (180 is straight) of joints [..., 20, 3]."""
    trunk = joints[..., JOINT_INDEX["neck"], :] - joints[..., JOINT_INDEX["pelvis"], :]
    knees = (joints[..., JOINT_INDEX["knee_l"], :] + joints[..., JOINT_INDEX["knee_r"], :]) / 2
    return _angle(trunk, knees - joints[..., JOINT_INDEX["pelvis"], :])


def knee_angle(joints: np.ndarray) -> np.ndarray:
    """Mean angle between thigh and shank [...] in degrees (180 is straight) of joints [..., 20, 3]."""
    both = []
    for side in ("_l", "_r"):
        hip, knee, ankle = (joints[..., JOINT_INDEX[name + side], :] for name in ("hip", "knee", "ankle"))
        both.append(_angle(hip - knee, ankle - knee))
    return (both[0] + both[1]) / 2


def _angle(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.rad2deg(np.arccos(np.clip((one * other).sum(-1) / lengths, -1.0, 1.0)))
