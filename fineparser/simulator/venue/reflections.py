"""Reflections of a diver in the water and in windows, and the shadow on the water."""

from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.athlete.body_rendering import DiverPatch
from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.venue.venue import Light
from fineparser.simulator.venue.water import surface_homography

MAX_HEIGHT_M = 4.5
"""Height of the centre of mass above which neither is visible, metres."""


@dataclass(frozen=True)
class WindowMirror:
    """A wall of windows behind the pool, in which the divers are mirrored."""

    y: float
    """Metres."""
    strength: float
    """0-1."""

    @classmethod
    def sample(cls, rng: np.random.Generator, camera_position: np.ndarray) -> "WindowMirror":
        """Sample a wall on the other side of the pool."""
        away = -float(np.sign(camera_position[1])) * rng.uniform(5, 14)
        return cls(y=float(away), strength=float(rng.uniform(0.08, 0.35)))

    def mirror(self, joints: np.ndarray) -> np.ndarray:
        """Joints [..., 3] behind the glass."""
        return np.asarray(joints * [1.0, -1.0, 1.0] + [0.0, 2 * self.y, 0.0])


def draw_reflection(
    image: np.ndarray,
    patch: DiverPatch | None,
    body: np.ndarray,
    views: CameraViews,
    instant: int,
    water_mask: np.ndarray,
    strength: float,
) -> None:
    """Draw the divers' mirror image, upside down below the water point under them.

    Args:
        image: uint8 [h, w, 3], changed in place.
        patch: divers of this frame, or None.
        body: [3] a diver's centre of mass in metres.
        views, instant: the camera.
        water_mask: float32 [h, w], share of water in each pixel.
        strength: 0-1.
    """
    if patch is None or strength <= 0 or not 0.1 < body[2] < MAX_HEIGHT_M:
        return
    in_camera = views.rotation[instant] @ (np.array([body[0], body[1], 0.0]) - views.position)
    if in_camera[2] < 0.3:
        return
    line = int(views.focal[instant] * in_camera[1] / in_camera[2] + views.principal_point[1])
    # Steep views reflect little.
    drop = views.position[2] / max(float(np.hypot(*(views.position[:2] - body[:2]))), 0.1)
    reflectance = strength * np.clip(1.2 - 1.6 * drop, 0.1, 1)
    height = patch.alpha.shape[0]
    top = 2 * line - (patch.top + height)
    y0, y1 = max(top, 0), min(top + height, views.size[1])
    if y1 <= y0 or reflectance < 0.02:
        return
    columns = patch.region[1]
    rows = slice(y0 - top, y1 - top)
    alpha = cv2.blur(patch.alpha[::-1], (3, 5))[rows] * water_mask[y0:y1, columns] * reflectance
    colour = cv2.blur(patch.colour[::-1], (3, 5))[rows] * (water_mask[y0:y1, columns] * reflectance)[..., None]
    region = image[y0:y1, columns]
    image[y0:y1, columns] = np.clip(region * (1 - alpha[..., None]) + 0.8 * colour, 0, 255)


def cast_shadow(
    image: np.ndarray,
    joints: np.ndarray,
    light: Light,
    views: CameraViews,
    instant: int,
    water_mask: np.ndarray,
    strength: float,
) -> None:
    """Darken the water in the shadow of a diver.

    Args:
        image: uint8 [h, w, 3], changed in place.
        joints: [J, 3] metres.
        light: the scene's light.
        views, instant: the camera.
        water_mask: float32 [h, w], share of water in each pixel.
        strength: share of the direct light that is missing in the full shadow, 0-1.
    """
    height = joints[:, 2].mean()
    dark = strength * (1 - light.ambient) * (1 - height / MAX_HEIGHT_M)
    if not 0 < height < MAX_HEIGHT_M or dark < 0.03 or light.direction[2] < 0.2:
        return
    fall = joints[:, 2:] / light.direction[2]
    spots = joints[:, :2] - fall * np.asarray(light.direction)[:2]
    homogeneous = np.concatenate([spots, np.ones((len(spots), 1))], 1) @ surface_homography(views, instant).T
    if homogeneous[:, 2].min() < 0.3:
        return
    pixels = homogeneous[:, :2] / homogeneous[:, 2:] - 0.5
    metre = views.focal[instant] / homogeneous[:, 2].mean()
    soft = max(1.0, 0.06 * height * metre)
    margin = 2 * soft + 2
    x0, y0 = (max(int(v), 0) for v in np.floor(pixels.min(0) - margin))
    x1, y1 = (min(int(v), limit) for v, limit in zip(np.ceil(pixels.max(0) + margin), views.size, strict=True))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    hull = cv2.convexHull((pixels - [x0, y0]).astype(np.float32))
    shade = np.zeros((y1 - y0, x1 - x0), np.float32)
    cv2.fillConvexPoly(shade, np.rint(hull * 16).astype(np.int32), dark, cv2.LINE_AA, 4)
    shade = cv2.GaussianBlur(shade, (0, 0), soft) * water_mask[y0:y1, x0:x1]
    image[y0:y1, x0:x1] = image[y0:y1, x0:x1] * (1 - shade[..., None])
