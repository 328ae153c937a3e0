"""Surface of the pool: moving ripples, and its homography to pixels."""

from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.camera_views import CameraViews

TILE_PX = 128
"""Side of a periodic ripple tile, pixels."""
TILE_M = 5.0
"""Side of the tile on the water, metres; the second layer has another scale."""
TILE_REPEATS = 8
"""Tiles side by side: OpenCV's wrap-around is six times slower."""
HALF_STRENGTH_M_PER_PX = 0.19
"""Size of a pixel on the water at which ripples have half their strength, metres."""


def surface_homography(views: CameraViews, instant: int) -> np.ndarray:
    """Homography [3, 3] from (x, y) in metres on the water (z = 0) to pixels at one instant of `views`."""
    plane = np.array([[1, 0, -views.position[0]], [0, 1, -views.position[1]], [0, 0, -views.position[2]]])
    focal = views.focal[instant]
    centre_x, centre_y = views.principal_point
    intrinsics = np.array([[focal, 0, centre_x], [0, focal, centre_y], [0, 0, 1]])
    return intrinsics @ views.rotation[instant] @ plane


@dataclass(frozen=True)
class Water:
    """Ripples of one pool: two periodic layers that run across each other."""

    layers: np.ndarray
    """Repeated tiles [2, TILE_REPEATS * TILE_PX, TILE_REPEATS * TILE_PX] float32, zero mean and unit deviation."""
    speed: np.ndarray
    """Drift [2, 2], metres per second in x and y."""
    crest_brightness: float
    """Brightness of a crest, 0-255."""
    displacement: float
    """Shift of the image by a crest (refraction and reflection), metres on the water."""

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Water":
        """Sample calm or choppy water (pools are sprayed with water jets so that divers see the surface)."""
        waves = np.arange(TILE_PX) * (2 * np.pi / TILE_PX)
        layers = []
        for _ in range(2):
            numbers = rng.integers(-9, 10, size=(14, 2))
            strength = rng.random(14) / (0.6 + np.hypot(numbers[:, 0], numbers[:, 1]) / 5)
            phase = rng.uniform(0, 2 * np.pi, 14)
            angle_x = numbers[:, :1] * waves
            angle_y = numbers[:, 1:] * waves + phase[:, None]
            # cos(a + b) in separable form: two small matrix products instead of 14 images.
            height = (strength[:, None] * np.cos(angle_y)).T @ np.cos(angle_x)
            height -= (strength[:, None] * np.sin(angle_y)).T @ np.sin(angle_x)
            layers.append((height - height.mean()) / max(height.std(), 1e-6))
        choppy = rng.random() ** 1.5
        return cls(
            layers=np.tile(np.stack(layers).astype(np.float32), (1, TILE_REPEATS, TILE_REPEATS)),
            speed=rng.normal(0, 0.35, size=(2, 2)),
            crest_brightness=float(4 + 20 * choppy),
            displacement=float(0.01 + 0.05 * choppy),
        )

    def ripple(
        self,
        image: np.ndarray,
        water_mask: np.ndarray,
        views: CameraViews,
        instant: int,
        time: float,
        exposure: float = 1.0,
    ) -> np.ndarray:
        """Apply ripples to the water of one image.

        Args:
            image: uint8 [h, w, 3].
            water_mask: float32 [h, w], share of water in each pixel.
            views, instant: the camera.
            time: seconds.
            exposure: factor on the brightness of crests.

        Returns:
            uint8 [h, w, 3].
        """
        height, width = water_mask.shape
        to_pixels = surface_homography(views, instant)
        # Points at which the line of sight down the middle of each row meets the water (none above the horizon).
        line_of_sight = np.linalg.inv(to_pixels) @ np.stack(
            [np.full(height + 1, width / 2), np.arange(height + 1.0), np.ones(height + 1)]
        )
        ground = line_of_sight[:2] / np.where(np.abs(line_of_sight[2]) < 1e-9, 1e-9, line_of_sight[2])
        # Pixels of far rows cover many metres of water, which averages the ripples out.
        footprint = np.hypot(*np.diff(ground, axis=1))
        fade = 1 / (1 + (footprint / HALF_STRENGTH_M_PER_PX) ** 2)
        weight = water_mask * fade[:, None].astype(np.float32)
        middle = ground[:, min(int(0.6 * height), height)]
        crests = []
        for layer, speed, size in zip(self.layers, self.speed, (TILE_M, 0.43 * TILE_M), strict=True):
            # The layer drifts; its middle is kept in the middle of the view.
            drift = speed * time
            corner = drift + size * (np.round((middle - drift) / size) - TILE_REPEATS // 2)
            tile_to_surface = np.array([[size / TILE_PX, 0, corner[0]], [0, size / TILE_PX, corner[1]], [0, 0, 1]])
            crest = cv2.warpPerspective(layer, to_pixels @ tile_to_surface, (width, height), flags=cv2.INTER_LINEAR)
            crests.append(crest * weight)
        pixels = self.displacement * views.focal[instant] / max(float(np.linalg.norm(views.position)), 1.0)
        columns = np.arange(width, dtype=np.float32)[None] + np.float32(pixels) * crests[0]
        lines = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.7 * pixels) * crests[1]
        moved = cv2.remap(image, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        both = crests[0] + 0.7 * crests[1]
        glint = np.maximum(both - 1.9, 0)
        light = (self.crest_brightness * exposure) * (0.45 * both + 1.2 * glint)
        return cv2.add(moved, cv2.merge([light, light, light]), dtype=cv2.CV_8U)
