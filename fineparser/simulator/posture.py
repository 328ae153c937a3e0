"""A diver's posture as a camera sees it, in numbers that do not depend on how large or where it is shown; its place.

Lengths of a posture are metres in the picture's plane at the diver's distance. Cutting or enlarging the picture changes
none of the numbers; in a mirror those in `SIDEWAYS` change their sign. Three more numbers tell where in the picture
that is, so that both together give the body's points in pixels.
"""

import numpy as np

from fineparser.simulator.body import JOINT

_POINTS = {
    "head": ("head",),
    "neck": ("neck",),
    "knees": ("knee_l", "knee_r"),
    "ankles": ("ankle_l", "ankle_r"),
    "toes": ("toe_l", "toe_r"),
    "wrists": ("wrist_l", "wrist_r"),
}
POSTURE = (
    *(f"{name}_{axis}" for name in _POINTS for axis in "xy"),  # from the pelvis: right, down; the middle of pairs
    "front_x",  # where the chest looks, a unit vector: right,
    "front_y",  # down,
    "front_away",  # away from the camera
    "knees_apart",
    "ankles_apart",
    "hips_open",  # cosine of the angle between trunk and thighs: -1 is straight
    "knees_open",  # cosine of the angle between thighs and shanks: -1 is straight
    "feet_open",  # cosine of the angle between shanks and feet: -1 is pointed
    "aloft",  # seconds since the feet or hands left the board, from -NEAR to NEAR
    "height",  # metres of the pelvis above the water, from 0 to LOW
    "wet",  # share of the joints that are under water
    "age",  # seconds since the touch of the water, 0 before it and 1 at most
    "splash",  # 0 (rip) to 1 (huge); the mean of a pair's
)
"""What the numbers are."""
SIDEWAYS = tuple(index for index, name in enumerate(POSTURE) if name.endswith("_x"))
"""Those that change their sign in a mirror."""
NEAR = 0.3
"""Seconds around the take-off that tell it apart from what is before and after."""
LOW = 2.0
"""Metres above the water below which the entry is near."""
PLACE = ("x", "y", "metre")
"""Where the posture's origin, the pelvis, is in the picture, right and down from its upper left corner, and how
long a metre is there: heights of the picture."""
LANDMARKS = (*_POINTS, "pelvis")
"""Points of the body that posture and place tell together."""
LEAST_AGE = 0.06
"""Seconds after the touch before which no splash can be judged, and no posture after them: the body is in the water."""


def posture(motions, times, camera, frames, squeeze):
    """Numbers of the first diver.

    Args:
        motions: one or two divers' `Motion`.
        times: [F] seconds of the dive.
        camera: `Camera` of the shot.
        frames: [F] the camera's frames at these times.
        squeeze: width of the picture that is made over the camera's own.

    Returns:
        float32 [F, 28] in the order of `POSTURE` and `PLACE`: NaN from "head_x" to "feet_open" once the body is in the
        water, and in "splash" before.
    """
    motion = motions[0]
    joints = motion.at(times).joints  # [F, 20, 3]
    seen = np.einsum("fij,fnj->fni", camera.rotation[frames], joints - camera.position)  # right, down, away
    depth = np.maximum(seen[..., 2:], 0.3)
    flat = seen[..., :2] / depth * depth[:, :1]  # metres at the pelvis' distance
    flat = (flat - flat[:, :1]) * (squeeze, 1.0)

    def middle(points, names):
        return points[:, [JOINT[name] for name in names]].mean(1)

    def apart(name):
        return np.linalg.norm(joints[:, JOINT[f"{name}_l"]] - joints[:, JOINT[f"{name}_r"]], axis=-1)

    def opened(one, corner, other):
        angles = []
        for side in ("_l", "_r"):
            here = middle(joints, [corner + side])
            angles.append(_cosine(middle(joints, [one + side]) - here, middle(joints, [other + side]) - here))
        return np.mean(angles, axis=0)

    left = seen[:, JOINT["shoulder_l"]] - seen[:, JOINT["shoulder_r"]]
    trunk = seen[:, JOINT["neck"]] - seen[:, JOINT["pelvis"]]
    front = np.cross(left, trunk)
    front /= np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-9)
    age = np.clip(times - min(each.entry_time for each in motions), 0.0, 1.0)
    splash = np.full(len(times), np.mean([each.splash_size for each in motions]))
    body = np.concatenate(
        [
            *(middle(flat, names) for names in _POINTS.values()),
            front,
            np.stack(
                [
                    apart("knee"),
                    apart("ankle"),
                    _cosine(trunk, middle(seen, ["knee_l", "knee_r"]) - seen[:, JOINT["pelvis"]]),
                    opened("hip", "knee", "ankle"),
                    opened("knee", "ankle", "toe"),
                ],
                axis=1,
            ),
        ],
        axis=1,
    )
    body[age >= LEAST_AGE] = np.nan
    splash[age < LEAST_AGE] = np.nan
    aloft = np.clip(times - motion.take_off_time, -NEAR, NEAR)
    height = np.clip(joints[:, JOINT["pelvis"], 2], 0.0, LOW)
    wet = (joints[..., 2] < 0).mean(1)
    metre = camera.focal[frames] / depth[:, 0, 0]
    place = seen[:, 0, :2] * metre[:, None] + np.array(camera.principal_point)
    place = np.column_stack([place * (squeeze, 1.0), metre]) / camera.height
    return np.column_stack([body, aloft, height, wet, age, splash, place]).astype(np.float32)


def landmarks(seen):
    """The points of `LANDMARKS` that [F, 28] numbers of `posture` tell: [F, 7, 2] heights of the picture, right and
    down from its upper left corner; NaN where the posture is not known."""
    points = seen[:, : 2 * len(_POINTS)].reshape(len(seen), len(_POINTS), 2)
    points = np.concatenate([points, 0 * points[:, :1]], axis=1)
    place, metre = seen[:, None, -3:-1], seen[:, None, -1:]
    return points * metre + place


def _cosine(one, other):
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return (one * other).sum(-1) / np.maximum(lengths, 1e-9)
