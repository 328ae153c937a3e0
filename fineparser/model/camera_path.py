"""How the camera moved while it filmed: which place of one frame is which of another."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

CORNERS, CORNER_QUALITY, CORNER_DISTANCE = 150, 0.01, 6
"""Corners that are followed from each frame to the next: how many at most, how strong beside the strongest, and how
many pixels apart."""
FLOW_WINDOW, FLOW_LEVELS = (15, 15), 3
STRAY = 1.0
"""Pixels by which a corner of the scenery misses at most where the camera's motion puts it."""
LEAST_TIES = 8
"""Corners that have to agree on a motion: below that the frames are of two shots."""


@dataclass(frozen=True)
class CameraPath:
    """The camera's motion through T frames of one clip, pieced together from frame to frame.

    Most of a picture is scenery; what moves otherwise, the diver, the water, lettering laid over it, is outvoted. A
    camera that turns and zooms moves far scenery by a similarity, nearly.
    """

    motions: np.ndarray
    """float64 [T, 3, 3]: pixels (x, y, 1) of the first frame of its shot to those of frame t."""
    shots: np.ndarray
    """int64 [T]: frames of the same number are of one shot."""

    @classmethod
    def of(cls, pictures: np.ndarray, threads: int = 1) -> "CameraPath":
        """From pictures, RGB uint8 [T, H, W, 3]; `threads` share the work."""
        grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
        motions, shots = [np.eye(3)], [0]
        with ThreadPoolExecutor(threads) as pool:
            steps = list(pool.map(_step, grey[:-1], grey[1:]))
        for step in steps:
            motions.append(np.eye(3) if step is None else step @ motions[-1])
            shots.append(shots[-1] + (step is None))
        return cls(np.stack(motions), np.array(shots))

    def between(self, frame: int, other: int) -> np.ndarray | None:
        """float64 [3, 3]: pixels of a frame to those of another one; None where they are of two shots."""
        if self.shots[frame] != self.shots[other]:
            return None
        return self.motions[other] @ self._back[frame]

    @cached_property
    def _back(self) -> np.ndarray:
        return np.linalg.inv(self.motions)


def _step(before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """The motion from one grey picture to the next; None where too little agrees on one."""
    corners = cv2.goodFeaturesToTrack(before, CORNERS, CORNER_QUALITY, CORNER_DISTANCE)
    if corners is None:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, None, winSize=FLOW_WINDOW, maxLevel=FLOW_LEVELS)
    found = found[:, 0] > 0
    if found.sum() < LEAST_TIES:
        return None
    motion, ties = cv2.estimateAffinePartial2D(
        corners[found], moved[found], method=cv2.RANSAC, ransacReprojThreshold=STRAY
    )
    if motion is None or ties.sum() < LEAST_TIES:
        return None
    return np.vstack([motion, [0.0, 0.0, 1.0]])
