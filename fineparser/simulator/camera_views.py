"""Views of a camera at the instants of a clip: the one description of the camera that all renderers share.

World axes: metres, x out over the pool, z up, water at z = 0. Camera axes: x right, y down, z forward. Pixel centres
lie at integers + 0.5.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CameraViews:
    """V views of a camera with a fixed optical centre: one or more for each frame, in the order of the frames."""

    rotation: np.ndarray
    """World to camera axes, [V, 3, 3]."""
    focal: np.ndarray
    """Focal length in pixels, [V]."""
    position: np.ndarray
    """Optical centre in metres, [3]."""
    principal_point: tuple[float, float]
    """Pixel coordinates of the optical axis."""
    size: tuple[int, int]
    """Width and height of the image in pixels."""
    counts: np.ndarray
    """Number of views of each frame, [T]; they sum to V."""

    def to_camera_axes(self, points: np.ndarray, instants: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Transform points [F, n, 3] in world axes to camera axes [F, n, 3].

        Args:
            points: metres, a row for each of the F instants.
            instants: indices [F] of views; by default all V.
        """
        return np.einsum("fij,fnj->fni", self.rotation[instants], points - self.position)

    def to_pixels(self, points: np.ndarray, instant: int) -> np.ndarray | None:
        """Project points [..., 3] in world axes to pixels [..., 2] of one view; None where one is behind the camera."""
        in_camera = (points - self.position) @ self.rotation[instant].T
        depth = in_camera[..., 2:]
        if depth.min() < 0.3:
            return None
        return self.focal[instant] * in_camera[..., :2] / depth + np.array(self.principal_point)
