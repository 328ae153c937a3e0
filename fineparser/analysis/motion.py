"""What moves in a clip: the camera from frame to frame, and what does not move with it."""

from dataclasses import dataclass

import cv2
import numpy as np

LOOK_SIDE = 160
"""Longer side to which frames are reduced, pixels."""

CELLS = 24
"""Cells along the longer side of the grid in which movement is kept: some hundred bytes a frame."""

CORNERS = 120
LEAST_CORNERS = 10
MOST_ZOOM = 1.2
"""Of so many corners the camera's movement is taken; with fewer than these, or where they ask for a zoom that no lens
makes between two frames, it counts as still."""

REPROJECTION = 1.0
"""Pixels (of the reduced frame) by which a corner of the scenery may miss where the camera's movement puts it."""

NOISE = 2.5
"""Grey levels of difference that any recording's noise makes, at least."""

SPREAD = 5.0
"""Differences up to so many times the usual one of the frame are taken for noise, too."""


@dataclass(frozen=True, eq=False)
class Motion:
    """What moved before each of n frames; the first frame has nothing before it."""

    camera: np.ndarray
    """float64 [n, 3, 3]: maps points of each frame, in shares of the picture's height, onto the first frame's."""

    activity: np.ndarray
    """float32 [n, rows, columns]: grey levels, beyond noise, by which a frame differs from its predecessor once the
    camera's movement is taken out; mean of each cell."""

    aspect: float
    """Width over height of the picture."""

    def at(self, indices: np.ndarray) -> "Motion":
        """Of some of the frames alone; the first of them is the new first."""
        camera = np.linalg.inv(self.camera[indices[0]]) @ self.camera[indices]
        return Motion(camera, self.activity[indices], self.aspect)

    def on_first(self, points: np.ndarray) -> np.ndarray:
        """Points [n, 2] (x, y) of the n frames, in shares of the height, where the first frame would show them."""
        lifted = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        return np.einsum("nij,nj->ni", self.camera, lifted)[:, :2]

    def on_own(self, points: np.ndarray) -> np.ndarray:
        """The way back: points [n, 2] as the first frame shows them, where each frame does."""
        lifted = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        return np.einsum("nij,nj->ni", np.linalg.inv(self.camera), lifted)[:, :2]

    def centres(self) -> np.ndarray:
        """Where in each frame most moves: [n, 2] (x, y) in shares of the height; NaN where nothing does."""
        _, rows, columns = self.activity.shape
        # Squared, so that one lively thing counts for more than a wide shimmer of water.
        weight = self.activity.astype(np.float64) ** 2
        total = weight.sum(axis=(1, 2))
        across = (np.arange(columns) + 0.5) / columns * self.aspect
        down = (np.arange(rows) + 0.5) / rows
        with np.errstate(invalid="ignore"):
            x = (weight.sum(axis=1) @ across) / total
            y = (weight.sum(axis=2) @ down) / total
        return np.stack([x, y], axis=1)


class MotionWatch:
    """Takes frames one by one and keeps of each only what moved."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._camera = [np.eye(3)]
        self._activity: list[np.ndarray] = []

    def see(self, frame: np.ndarray) -> None:
        """The next frame, uint8 RGB [H, W, 3], all of one size."""
        height, width = frame.shape[:2]
        shrink = min(1.0, LOOK_SIDE / max(height, width))
        size = max(8, round(width * shrink)), max(8, round(height * shrink))
        grey = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        shape = _grid(*size)
        if self._before is None:
            self._aspect = width / height
            self._activity.append(np.zeros(shape, np.float16))
        else:
            step = camera_step(grey, self._before)
            self._camera.append(self._camera[-1] @ _in_heights(step, size[1]))
            self._activity.append(activity(grey, self._before, step, shape))
        self._before = grey

    def result(self) -> Motion:
        """What moved in the frames so far, one at least."""
        return Motion(np.stack(self._camera), np.stack(self._activity).astype(np.float32), self._aspect)


def camera_step(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Where the camera's movement puts the points of a grey picture in the one before: similarity [3, 3], pixels."""
    still = np.eye(3)
    corners = cv2.goodFeaturesToTrack(now, CORNERS, 0.01, 4)
    if corners is None or len(corners) < LEAST_CORNERS:
        return still
    moved, found, _ = cv2.calcOpticalFlowPyrLK(now, before, corners, None, winSize=(11, 11), maxLevel=3)
    found = found.ravel() == 1
    if found.sum() < LEAST_CORNERS:
        return still
    step, scenery = cv2.estimateAffinePartial2D(
        corners[found], moved[found], method=cv2.RANSAC, ransacReprojThreshold=REPROJECTION
    )
    if step is None or scenery.sum() < LEAST_CORNERS // 2:
        return still
    if not 1 / MOST_ZOOM < np.hypot(*step[:, 0]) < MOST_ZOOM:
        return still
    return np.vstack([step, [0, 0, 1]])


def activity(now: np.ndarray, before: np.ndarray, step: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Difference of two grey pictures, beyond noise, apart from the camera's `step`: float16 of `shape`."""
    size = now.shape[1], now.shape[0]
    moved = cv2.warpAffine(before, step[:2], size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inside = cv2.warpAffine(np.full_like(before, 255), step[:2], size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    # Shared brightening, as of an automatic exposure, is no movement.
    difference = now.astype(np.float32) - moved
    seen = inside > 0
    if not seen.any():
        return np.zeros(shape, np.float16)
    difference -= np.median(difference[seen])
    difference = np.abs(cv2.GaussianBlur(difference, (0, 0), 1.0))
    difference = np.maximum(difference - max(NOISE, SPREAD * float(np.median(difference[seen]))), 0)
    difference[~seen] = 0
    return cv2.resize(difference, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float16)


def _grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the grid."""
    longer = max(width, height)
    return max(1, round(CELLS * height / longer)), max(1, round(CELLS * width / longer))


def _in_heights(step: np.ndarray, height: int) -> np.ndarray:
    """A step between two frames in pixels, in shares of the picture's height."""
    scale = np.diag([height, height, 1.0])
    return np.linalg.inv(scale) @ step @ scale
