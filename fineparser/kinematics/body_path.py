"""Paths of the body through a clip with the camera motion removed: centre of mass, lowest point, length of the body."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from fineparser.domain.clip_geometry import ANKLES, HEAD, KNEES, NECK, PELVIS, TOES, WRISTS
from fineparser.kinematics.observation import DiveObservation

MASS_SHARES = (
    (HEAD, HEAD, 0.0, 0.069),
    (PELVIS, NECK, 0.55, 0.43),
    (NECK, WRISTS, 0.5, 0.098),
    (PELVIS, KNEES, 0.41, 0.283),
    (KNEES, ANKLES, 0.44, 0.087),
    (ANKLES, TOES, 0.5, 0.027),
)
"""Segments of the body: first and second keypoint, place of the centre of mass between them (0 to 1) and share of the
body's mass, means of men and women (de Leva 1996); trunk to neck, and both arms and legs together."""

ANKLE_TO_HEAD = 1.62
"""Metres from the ankles to the middle of the head with straight legs, mean over simulated divers."""
STATURE_SHARE = 1.12
"""Length from crown to pointed toes over that from the middle of the head to the ankles."""
BODY_QUANTILE = 75
"""Percentile of a segment's length over the frames that counts as its true length: it is foreshortened in others."""

MASK_THRESHOLD = 0.5
"""Probability from which on a pixel shows the diver."""
MIN_MASK_PIXELS = 4
"""Pixels of a mask from which on its lowest point counts."""
LOWEST_SHARE = 0.98
"""Share of the mask's pixels above its lowest point: single pixels below it are noise."""


@dataclass(frozen=True, eq=False, kw_only=True)
class BodyPath:
    """Paths in T sampled frames, in pixels of the first frame; NaN where unknown."""

    numbers: np.ndarray
    """int64 [T]: source frame numbers."""
    seconds: np.ndarray
    """float64 [T]: real time, as far as the file tells it."""
    centre: np.ndarray
    """float64 [T, 2]: x, y of the centre of mass."""
    centre_error: np.ndarray
    """float64 [T]: standard error of it in each direction."""
    lowest: np.ndarray
    """float64 [T, 2]: x, y of the lowest point of the mask."""
    length: float
    """Of the body from the ankles to the middle of the head; NaN where no keypoint is known."""

    @classmethod
    def from_observation(cls, observation: DiveObservation) -> Self:
        """Paths of an observed dive."""
        centre = observation.compensate(centre_of_mass(observation.points)[:, None])[:, 0]
        shares = np.zeros(observation.points.shape[1])
        for first, second, place, share in MASS_SHARES:
            shares[first] += share * (1 - place)
            shares[second] += share * place
        error = np.sqrt((shares**2 * observation.point_errors**2).sum(-1)) * observation.camera_scale
        lowest = observation.compensate(_lowest_points(observation)[:, None])[:, 0]
        return cls(
            numbers=observation.numbers,
            seconds=observation.seconds,
            centre=centre,
            centre_error=error,
            lowest=lowest,
            length=body_length(observation),
        )

    @cached_property
    def metre(self) -> float:
        """Pixels a metre by the length of the body."""
        return self.length / ANKLE_TO_HEAD


def centre_of_mass(points: np.ndarray) -> np.ndarray:
    """Centre of mass [..., 2] of keypoints [..., 7, 2]."""
    total = sum(share for *_, share in MASS_SHARES)
    parts = [
        share / total * (points[..., first, :] * (1 - place) + points[..., second, :] * place)
        for first, second, place, share in MASS_SHARES
    ]
    return np.sum(parts, axis=0)


def body_length(observation: DiveObservation) -> float:
    """Length from the ankles to the middle of the head in pixels of the first frame: the sum of the segments, each
    where it is seen at length."""
    points, scale = observation.points, observation.camera_scale

    def length(start: int, end: int) -> np.ndarray:
        return np.linalg.norm(points[:, end] - points[:, start], axis=-1) * scale

    parts = (length(PELVIS, NECK), length(PELVIS, KNEES) + length(KNEES, ANKLES), length(NECK, HEAD))
    return float(sum(np.percentile(part, BODY_QUANTILE) for part in parts))


def _lowest_points(observation: DiveObservation) -> np.ndarray:
    """Lowest point [T, 2] of each mask in source pixels of its frame; NaN without a mask."""
    side = observation.masks.shape[-1]
    points = np.full((len(observation), 2), np.nan)
    for index, (probability, box) in enumerate(zip(observation.masks, observation.boxes, strict=True)):
        mask = probability >= MASK_THRESHOLD
        rows = mask.sum(1)
        if rows.sum() < MIN_MASK_PIXELS:
            continue
        row = int(np.searchsorted(np.cumsum(rows), LOWEST_SHARE * rows.sum()))
        columns = np.flatnonzero(mask[row])
        place = np.array([columns.mean() + 0.5, row + 1.0]) / side
        points[index] = box[:2] + place * (box[2:] - box[:2])
    return points
