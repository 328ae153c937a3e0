"""Pose labels: numbers that describe the diver as the camera sees them, in each frame.

`POSE_FIELDS` do not depend on the size and position of the diver in the image: lengths are metres in the image plane at
the diver's distance. Cropping or enlarging the image changes none of them; mirroring changes the sign of
`MIRRORED_FIELDS`. `POSITION_FIELDS` give the position and scale in the image, so that both together give the landmarks
of the body in pixels.
"""

from collections.abc import Sequence

import numpy as np

from fineparser.domain.clip_geometry import LANDMARKS
from fineparser.simulator.athlete.skeleton import JOINT_INDEX
from fineparser.simulator.filming.camera import Camera
from fineparser.simulator.flight.diver_motion import DiverMotion

_LANDMARK_JOINTS = {
    "head": ("head",),
    "neck": ("neck",),
    "knees": ("knee_l", "knee_r"),
    "ankles": ("ankle_l", "ankle_r"),
    "toes": ("toe_l", "toe_r"),
    "wrists": ("wrist_l", "wrist_r"),
}
"""Joints of each landmark but the pelvis, which is the origin of a pose."""
POSE_FIELDS = (
    *(f"{name}_{axis}" for name in LANDMARKS[:-1] for axis in "xy"),  # from the pelvis: right, down
    "front_x",  # unit vector in which the chest faces: right,
    "front_y",  # down,
    "front_away",  # away from the camera
    "knees_apart",
    "ankles_apart",
    "hips_open",  # cosine of the angle between trunk and thighs: -1 is straight
    "knees_open",  # cosine of the angle between thighs and shanks: -1 is straight
    "feet_open",  # cosine of the angle between shanks and feet: -1 is pointed
    "aloft",  # seconds since the last contact with the board, from -TAKE_OFF_RANGE to TAKE_OFF_RANGE
    "height",  # metres of the pelvis above the water, from 0 to HEIGHT_RANGE
    "wet",  # share of the joints that are under water
    "age",  # seconds since the first touch of the water, 0 before it and 1 at most
    "splash",  # 0 (rip) to 1 (huge); the mean of a pair's
)
"""Names of the pose numbers."""
MIRRORED_FIELDS = tuple(index for index, name in enumerate(POSE_FIELDS) if name.endswith("_x"))
"""Indices of the pose numbers that change their sign when the image is mirrored."""
TAKE_OFF_RANGE = 0.3
"""Seconds around the take-off to which `aloft` is clipped."""
HEIGHT_RANGE = 2.0
"""Metres to which `height` is clipped."""
POSITION_FIELDS = ("x", "y", "metre")
"""Position of the pelvis in the image, right and down from its upper left corner, and the length of a metre there, all
as shares of the image height."""
SPLASH_AGE = 0.06
"""Seconds after the first touch of the water from which the splash is known and the pose is not (the body is under
water)."""


def measure_pose(
    motions: Sequence[DiverMotion], times: np.ndarray, camera: Camera, frames: np.ndarray, squeeze: float
) -> np.ndarray:
    """Measure the pose and position of the first diver.

    Args:
        motions: of one or two divers.
        times: [F] seconds of the dive.
        camera: `Camera` of the shot.
        frames: [F] frames of the camera at these times.
        squeeze: width of the rendered image over the camera's own.

    Returns:
        float32 [F, 28] in the order of `POSE_FIELDS` and `POSITION_FIELDS`: NaN from "head_x" to "feet_open" once the
        body is in the water, and in "splash" before.
    """
    motion = motions[0]
    joints = motion.at(times).joints  # [F, 20, 3]
    in_camera = np.einsum("fij,fnj->fni", camera.rotation[frames], joints - camera.position)  # right, down, away
    depth = np.maximum(in_camera[..., 2:], 0.3)
    flat = in_camera[..., :2] / depth * depth[:, :1]  # metres at the pelvis' distance
    flat = (flat - flat[:, :1]) * (squeeze, 1.0)

    def middle(points: np.ndarray, names: Sequence[str]) -> np.ndarray:
        return points[:, [JOINT_INDEX[name] for name in names]].mean(1)

    def apart(name: str) -> np.ndarray:
        return np.linalg.norm(joints[:, JOINT_INDEX[f"{name}_l"]] - joints[:, JOINT_INDEX[f"{name}_r"]], axis=-1)

    def opening(one: str, corner: str, other: str) -> np.ndarray:
        angles = []
        for side in ("_l", "_r"):
            vertex = middle(joints, [corner + side])
            angles.append(_cosine(middle(joints, [one + side]) - vertex, middle(joints, [other + side]) - vertex))
        return np.asarray(np.mean(angles, axis=0))

    left = in_camera[:, JOINT_INDEX["shoulder_l"]] - in_camera[:, JOINT_INDEX["shoulder_r"]]
    trunk = in_camera[:, JOINT_INDEX["neck"]] - in_camera[:, JOINT_INDEX["pelvis"]]
    front = np.cross(left, trunk)
    front /= np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-9)
    age = np.clip(times - min(each.entry_time for each in motions), 0.0, 1.0)
    splash = np.full(len(times), np.mean([each.splash_size for each in motions]))
    body = np.concatenate(
        [
            *(middle(flat, names) for names in (_LANDMARK_JOINTS[name] for name in LANDMARKS[:-1])),
            front,
            np.stack(
                [
                    apart("knee"),
                    apart("ankle"),
                    _cosine(trunk, middle(in_camera, ["knee_l", "knee_r"]) - in_camera[:, JOINT_INDEX["pelvis"]]),
                    opening("hip", "knee", "ankle"),
                    opening("knee", "ankle", "toe"),
                ],
                axis=1,
            ),
        ],
        axis=1,
    )
    body[age >= SPLASH_AGE] = np.nan
    splash[age < SPLASH_AGE] = np.nan
    aloft = np.clip(times - motion.take_off_time, -TAKE_OFF_RANGE, TAKE_OFF_RANGE)
    height = np.clip(joints[:, JOINT_INDEX["pelvis"], 2], 0.0, HEIGHT_RANGE)
    wet = (joints[..., 2] < 0).mean(1)
    metre = camera.focal[frames] / depth[:, 0, 0]
    pelvis = in_camera[:, 0, :2] * metre[:, None] + np.array(camera.principal_point)
    position = np.column_stack([pelvis * (squeeze, 1.0), metre]) / camera.height
    return np.column_stack([body, aloft, height, wet, age, splash, position]).astype(np.float32)


def pose_landmarks(poses: np.ndarray) -> np.ndarray:
    """Compute landmarks [F, 7, 2] in the order of `LANDMARKS` from [F, 28] numbers of `measure_pose`.

    Right and down from the upper left corner of the image, as shares of its height; NaN where the pose is not known.
    """
    points = poses[:, : 2 * len(_LANDMARK_JOINTS)].reshape(len(poses), len(_LANDMARK_JOINTS), 2)
    points = np.concatenate([points, 0 * points[:, :1]], axis=1)
    position, metre = poses[:, None, -3:-1], poses[:, None, -1:]
    return points * metre + position


def _cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return (one * other).sum(-1) / np.maximum(lengths, 1e-9)
