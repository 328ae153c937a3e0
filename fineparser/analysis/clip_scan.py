"""One pass over a clip: cuts between shots, camera motion and motion energy."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from fineparser.video.camera_motion import MotionEstimator
from fineparser.video.cuts import CutDetector
from fineparser.video.info import VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.reader import scan_frames

SCAN_SIDE = 160
"""Longer side to which frames are reduced, pixels."""

GRID_SIDE = 24
"""Cells along the longer side of the grid in which motion energy is stored: some hundred bytes a frame."""

ESTIMATOR = MotionEstimator(
    max_corners=120, corner_distance=4.0, flow_window=11, min_corners=10, min_inliers=5, max_zoom=1.2
)
"""Camera motion at `SCAN_SIDE`. No lens zooms by more than `max_zoom` between two frames."""

MIN_NOISE = 2.5
"""Difference in grey levels that the noise of any camera makes, at least."""

NOISE_FACTOR = 5.0
"""Differences up to this multiple of the frame's median count as noise, too."""


@dataclass(frozen=True, eq=False)
class MotionEnergy:
    """Motion before each of n frames; the first frame has none.

    Points are (x, y) in units of the frame's height.
    """

    camera: np.ndarray
    """float64 [n, 3, 3]: maps points of each frame onto the first frame."""

    energy: np.ndarray
    """float32 [n, rows, columns]: mean absolute difference to the previous frame in each cell, in grey levels beyond
    noise, with the camera motion compensated."""

    aspect: float
    """Width over height of the frame."""

    def select(self, indices: np.ndarray) -> "MotionEnergy":
        """Motion of some of the frames; the first of them is the new reference of `camera`."""
        camera = np.linalg.inv(self.camera[indices[0]]) @ self.camera[indices]
        return MotionEnergy(camera, self.energy[indices], self.aspect)

    def to_first_frame(self, points: np.ndarray) -> np.ndarray:
        """Map one point a frame, [n, 2], to the coordinates of the first frame."""
        return _transform(self.camera, points)

    def from_first_frame(self, points: np.ndarray) -> np.ndarray:
        """Map points [n, 2] from the coordinates of the first frame to those of each frame."""
        return _transform(np.linalg.inv(self.camera), points)

    def centroids(self) -> np.ndarray:
        """Centroid of the motion energy in each frame, [n, 2]; NaN where nothing moves."""
        _, rows, columns = self.energy.shape
        # Squared, so that one fast object counts for more than a wide shimmer of water.
        weight = self.energy.astype(np.float64) ** 2
        total = weight.sum(axis=(1, 2))
        column_x = (np.arange(columns) + 0.5) / columns * self.aspect
        row_y = (np.arange(rows) + 0.5) / rows
        with np.errstate(invalid="ignore"):
            x = (weight.sum(axis=1) @ column_x) / total
            y = (weight.sum(axis=2) @ row_y) / total
        return np.stack([x, y], axis=1)


class MotionAccumulator:
    """Motion energy of a clip, accumulated frame by frame."""

    def __init__(self) -> None:
        self._previous: np.ndarray | None = None
        self._camera = [np.eye(3)]
        self._energy: list[np.ndarray] = []
        self._aspect = 1.0

    def add(self, frame: np.ndarray) -> None:
        """Add the next frame, uint8 RGB [H, W, 3], all of one size."""
        height, width = frame.shape[:2]
        scale = min(1.0, SCAN_SIDE / max(height, width))
        size = max(8, round(width * scale)), max(8, round(height * scale))
        grey = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        shape = _grid_shape(*size)
        if self._previous is None:
            self._aspect = width / height
            self._energy.append(np.zeros(shape, np.float16))
        else:
            step = camera_step(grey, self._previous)
            self._camera.append(self._camera[-1] @ _in_heights(step, size[1]))
            self._energy.append(motion_energy(grey, self._previous, step, shape))
        self._previous = grey

    def result(self) -> MotionEnergy:
        """Motion of the frames so far, one at least."""
        return MotionEnergy(np.stack(self._camera), np.stack(self._energy).astype(np.float32), self._aspect)


@dataclass(frozen=True, eq=False)
class ClipScan:
    """Cuts and motion of a clip, found without the network; a few hundred bytes a frame, no images."""

    info: VideoInfo
    cuts: tuple[int, ...]
    """Source frame numbers where a new shot starts."""
    motion: MotionEnergy

    @classmethod
    def from_file(cls, path: str | Path, limits: Limits | None = None) -> "ClipScan":
        """Scan a file or a folder of frames, decoding every frame once.

        Raises:
            VideoError: for a clip that cannot be used, see `open_source`.
        """
        motion, cuts = MotionAccumulator(), CutDetector()

        def visit(number: int, frame: np.ndarray) -> None:
            motion.add(frame)
            cuts.add(number, frame)

        info = scan_frames(path, visit, longest_side=SCAN_SIDE, limits=limits)
        return cls(info, cuts.result(), motion.result())

    @cached_property
    def seconds(self) -> np.ndarray:
        """Real time of each frame, float64 [n]; a phone's slow motion is played slower."""
        return np.array([self.info.capture_seconds(number) for number in self.info.frame_numbers])

    @cached_property
    def shots(self) -> tuple[tuple[int, int], ...]:
        """First and last frame number of every shot."""
        edges = [self.info.first_number, *self.cuts, self.info.last_number + 1]
        return tuple((start, stop - 1) for start, stop in pairwise(edges))

    @property
    def longest_shot(self) -> tuple[int, int]:
        """First and last frame number of the shot with the most frames."""
        return max(self.shots, key=lambda shot: shot[1] - shot[0])

    def shot_at(self, number: int) -> tuple[int, int]:
        """First and last frame number of the shot that holds frame `number`."""
        return self.shots[bisect_right(self.cuts, number)]


def camera_step(frame: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Camera motion from a grey frame back to the previous one.

    Returns:
        Similarity [3, 3] in pixels; the identity where it cannot be estimated.
    """
    step = ESTIMATOR.estimate(frame, previous)
    return np.eye(3) if step is None else step


def motion_energy(frame: np.ndarray, previous: np.ndarray, step: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Difference of two grey frames beyond noise, with the camera motion compensated.

    Args:
        frame, previous: uint8 [H, W].
        step: camera motion from `frame` to `previous`, as from `camera_step`.
        shape: rows and columns of the grid.

    Returns:
        float16 of `shape`: mean grey levels of each cell.
    """
    size = frame.shape[1], frame.shape[0]
    warped = cv2.warpAffine(previous, step[:2], size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inside = cv2.warpAffine(np.full_like(previous, 255), step[:2], size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    valid = inside > 0
    if not valid.any():
        return np.zeros(shape, np.float16)
    difference = frame.astype(np.float32) - warped
    # A change of brightness of the whole frame, as by automatic exposure, is not motion.
    difference -= np.median(difference[valid])
    difference = np.abs(cv2.GaussianBlur(difference, (0, 0), 1.0))
    difference = np.maximum(difference - max(MIN_NOISE, NOISE_FACTOR * float(np.median(difference[valid]))), 0)
    difference[~valid] = 0
    return cv2.resize(difference, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float16)


def _transform(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply one matrix [3, 3] to each of n points (x, y)."""
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    return np.einsum("nij,nj->ni", matrices, homogeneous)[:, :2]


def _grid_shape(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the grid."""
    longer = max(width, height)
    return max(1, round(GRID_SIDE * height / longer)), max(1, round(GRID_SIDE * width / longer))


def _in_heights(step: np.ndarray, height: int) -> np.ndarray:
    """Motion in pixels converted to units of the frame's height."""
    scale = np.diag([height, height, 1.0])
    return np.linalg.inv(scale) @ step @ scale
