"""Camera motion between the frames of a clip, estimated from corners of the background."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np


@dataclass(frozen=True, kw_only=True)
class MotionEstimator:
    """Estimates the similarity that maps one grey frame onto another.

    Corners of one frame are tracked into the other by pyramidal Lucas-Kanade flow, and RANSAC fits a similarity to
    them. Most of a frame is background, so what moves otherwise (the diver, the water, captions) is an outlier. A
    camera that pans and zooms moves a distant background by a similarity, nearly.
    """

    max_corners: int = 150
    """Corners that are tracked, at most."""

    corner_quality: float = 0.01
    """Least strength of a corner as a share of the strongest one's."""

    corner_distance: float = 6.0
    """Least distance between two corners, pixels."""

    flow_window: int = 15
    """Side of the window that is matched around a corner, pixels."""

    pyramid_levels: int = 3
    """Levels of the image pyramid above the full resolution."""

    inlier_distance: float = 1.0
    """Pixels by which a corner of the background may miss its predicted place."""

    min_corners: int = 8
    """Corners that must be tracked into the other frame."""

    min_inliers: int = 8
    """Corners that must agree on a motion."""

    max_zoom: float = math.inf
    """Scale between two frames (and its inverse) from which on an estimate is rejected."""

    def estimate(self, source: np.ndarray, target: np.ndarray) -> np.ndarray | None:
        """Motion between two grey frames, uint8 [H, W].

        Returns:
            float64 [3, 3], pixels (x, y, 1) of `source` to those of `target`; None where too few corners agree on
            one, as across a cut.
        """
        corners = cv2.goodFeaturesToTrack(source, self.max_corners, self.corner_quality, self.corner_distance)
        if corners is None or len(corners) < self.min_corners:
            return None
        size = (self.flow_window, self.flow_window)
        tracked, status, _ = cv2.calcOpticalFlowPyrLK(
            source,
            target,
            corners,
            None,  # type: ignore[call-overload]  # no initial estimate; missing in OpenCV's stubs
            winSize=size,
            maxLevel=self.pyramid_levels,
        )
        valid = status.ravel() > 0
        if valid.sum() < self.min_corners:
            return None
        motion, inliers = cv2.estimateAffinePartial2D(
            corners[valid], tracked[valid], method=cv2.RANSAC, ransacReprojThreshold=self.inlier_distance
        )
        if motion is None or inliers.sum() < self.min_inliers:
            return None
        if not 1 / self.max_zoom < np.hypot(*motion[:, 0]) < self.max_zoom:
            return None
        return np.vstack([motion, [0.0, 0.0, 1.0]])


@dataclass(frozen=True, eq=False)
class CameraMotion:
    """Camera motion through the T frames of a clip, accumulated from frame to frame."""

    motions: np.ndarray
    """float64 [T, 3, 3]: pixels (x, y, 1) of the first frame of the shot to those of frame t."""

    shots: np.ndarray
    """int64 [T]: number of the shot that a frame belongs to, from 0 on."""

    @classmethod
    def from_frames(cls, frames: np.ndarray, threads: int = 1) -> "CameraMotion":
        """Estimate the camera motion of a clip.

        Args:
            frames: uint8 RGB [T, H, W, 3], one at least.
            threads: threads that share the work.
        """
        estimator = MotionEstimator()
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        motions, shots = [np.eye(3)], [0]
        with ThreadPoolExecutor(threads) as pool:
            steps = list(pool.map(estimator.estimate, grey[:-1], grey[1:]))
        for step in steps:
            motions.append(np.eye(3) if step is None else step @ motions[-1])
            shots.append(shots[-1] + (step is None))
        return cls(np.stack(motions), np.array(shots))

    def between(self, frame: int, other: int) -> np.ndarray | None:
        """Motion from one frame to another one.

        Returns:
            float64 [3, 3], pixels of `frame` to pixels of `other`; None where they belong to two shots.
        """
        if self.shots[frame] != self.shots[other]:
            return None
        return self.motions[other] @ self._inverses[frame]

    @cached_property
    def _inverses(self) -> np.ndarray:
        return np.linalg.inv(self.motions)
