"""Input of the kinematics: all that a network and a scan saw of a dive, as arrays in source pixels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fineparser.domain.clip_geometry import LAYERS

BODY_LAYER, WATER_LAYER, FOAM_LAYER = range(len(LAYERS))
"""Indices of the layers of an entry."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EntryObservation:
    """Segmented crops over the water around the entry; the camera motion is removed between them."""

    frames: np.ndarray
    """int64 [E], indices of the sampled frames; a short clip repeats its last one."""
    inside: np.ndarray
    """bool [E], False for frames after the end of the clip."""
    layers: np.ndarray
    """float32 [E, 3, S, S], 0 to 1: body, flying water and foam in each pixel."""
    boxes: np.ndarray
    """float64 [E, 4]: left, top, right, bottom edge of each crop in source pixels."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MotionPrediction:
    """Output of the network's motion head, as arrays. The somersault is counted in the dive's own sense."""

    somersault: np.ndarray
    """float32 [T, 2]: cosine and sine of the somersault angle, 0 upright."""
    twist: np.ndarray
    """float32 [T, 2]: cosine and sine of the twist angle since the take-off."""
    somersault_rate: np.ndarray
    """float32 [T]: turns a sampled frame."""
    twist_rate: np.ndarray
    """float32 [T]: turns a sampled frame."""
    hip_angle: np.ndarray
    """float32 [T]: degrees between trunk and thighs, 180 straight."""
    knee_angle: np.ndarray
    """float32 [T]: degrees, 180 straight."""
    foot_angle: np.ndarray
    """float32 [T]: degrees between shanks and feet, 180 pointed."""
    knees_apart: np.ndarray
    """float32 [T]: metres."""
    ankles_apart: np.ndarray
    """float32 [T]: metres."""
    metre: np.ndarray
    """float32 [T]: source pixels of a metre at the diver's distance."""
    choices: dict[str, np.ndarray]
    """float32 [n], probabilities that add up to 1: "half_somersaults" (0 to 11), "half_twists" (0 to 9), "direction"
    (forward, back, reverse, inward), "start" (feet, hands), "position" (A, B, C, D), "height" (of `HEIGHTS`)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DiveObservation:
    """A dive in T sampled frames. Points are (x, y) in source pixels, x to the right, y down."""

    numbers: np.ndarray
    """int64 [T] source frame numbers; a short clip repeats frames."""
    seconds: np.ndarray
    """float64 [T], real time of each frame, as far as the file tells it."""
    camera: np.ndarray
    """float64 [T, 3, 3]: maps pixels (x, y, 1) of each frame to those of the first frame."""
    keypoints: np.ndarray
    """float64 [P, T, 7, 2]: `LANDMARKS`, predicted P times (of the clip and of its mirror image)."""
    spread: np.ndarray
    """float64 [P, T, 7]: root mean square distance of each keypoint from the truth, as predicted, pixels."""
    masks: np.ndarray
    """float32 [T, h, h]: probability that a pixel of the crop shows the diver."""
    boxes: np.ndarray
    """float64 [T, 4]: left, top, right, bottom edge of each crop in source pixels."""
    probabilities: np.ndarray
    """float32 [T, 2]: that the flight, and that the entry, begins at each frame."""
    motion: MotionPrediction | None = None
    """None for a network without a motion head."""
    entry: EntryObservation | None = None
    """None for a network without an entry branch."""

    def __len__(self) -> int:
        return len(self.seconds)

    @cached_property
    def points(self) -> np.ndarray:
        """float64 [T, 7, 2]: mean of the predictions of each keypoint."""
        return self.keypoints.mean(0)

    @cached_property
    def point_errors(self) -> np.ndarray:
        """float64 [T, 7]: standard error of `points` in each direction, pixels."""
        return self.spread.mean(0) / np.sqrt(2)

    def compensate(self, points: np.ndarray) -> np.ndarray:
        """Map points of each frame, [T, ..., 2], to the pixels of the first frame."""
        flat = np.concatenate([points, np.ones_like(points[..., :1])], axis=-1)
        mapped = np.einsum("tij,t...j->t...i", self.camera, flat)
        return np.asarray(mapped[..., :2] / mapped[..., 2:])

    @cached_property
    def camera_scale(self) -> np.ndarray:
        """float64 [T]: pixels of the first frame a pixel of each frame."""
        return zoom(self.camera)

    @cached_property
    def distinct(self) -> np.ndarray:
        """int64 [n]: indices of frames that do not repeat the one before them."""
        return np.flatnonzero(np.diff(self.numbers, prepend=self.numbers[0] - 1) > 0)


def zoom(camera: np.ndarray) -> np.ndarray:
    """Pixels of the first frame a pixel of each frame, float64 [T], of the motions [T, 3, 3] of a camera."""
    return np.asarray(np.sqrt(np.abs(np.linalg.det(camera[:, :2, :2]))))
