"""The surface of the pool: ripples that move, and the way from world metres on it to pixels."""

from dataclasses import dataclass

import cv2
import numpy as np

TILE = 128  # pixels across a periodic ripple tile
TILE_METRES = 5.0  # what the tile covers; the second layer is laid at another scale
REPEATS = 8  # tiles side by side: letting OpenCV wrap one around is six times slower
SHARPEST = 0.19  # m of water a pixel that halves the strength of the ripples


def surface_homography(views, instant):
    """[3, 3] from (x, y) in metres on the water (z = 0) to pixels at one instant of `views`."""
    plane = np.array([[1, 0, -views.position[0]], [0, 1, -views.position[1]], [0, 0, -views.position[2]]])
    focal = views.focal[instant]
    centre_x, centre_y = views.principal_point
    intrinsics = np.array([[focal, 0, centre_x], [0, focal, centre_y], [0, 0, 1]])
    return intrinsics @ views.rotation[instant] @ plane


@dataclass(frozen=True)
class Water:
    """Ripples of one pool: two periodic layers that run across each other."""

    layers: np.ndarray
    """[2, REPEATS * TILE, REPEATS * TILE] float32, zero mean and unit deviation; the same tile over and over."""
    speed: np.ndarray
    """[2, 2] metres a second in x and y."""
    glitter: float
    """Brightness of a crest, 0-255."""
    bend: float
    """How far a crest moves what is seen through it or mirrored in it, in metres on the water."""

    @classmethod
    def sample(cls, rng):
        """Draw calm or choppy water (pools are sprayed with water jets so that divers see the surface)."""
        waves = np.arange(TILE) * (2 * np.pi / TILE)
        layers = []
        for _ in range(2):
            numbers = rng.integers(-9, 10, size=(14, 2))
            strength = rng.random(14) / (0.6 + np.hypot(numbers[:, 0], numbers[:, 1]) / 5)
            phase = rng.uniform(0, 2 * np.pi, 14)
            angle_x = numbers[:, :1] * waves
            angle_y = numbers[:, 1:] * waves + phase[:, None]
            # cos(a + b) in separable form: two small matrix products instead of 14 pictures.
            height = (strength[:, None] * np.cos(angle_y)).T @ np.cos(angle_x)
            height -= (strength[:, None] * np.sin(angle_y)).T @ np.sin(angle_x)
            layers.append((height - height.mean()) / max(height.std(), 1e-6))
        choppy = rng.random() ** 1.5
        return cls(
            layers=np.tile(np.stack(layers).astype(np.float32), (1, REPEATS, REPEATS)),
            speed=rng.normal(0, 0.35, size=(2, 2)),
            glitter=float(4 + 20 * choppy),
            bend=float(0.01 + 0.05 * choppy),
        )

    def ripple(self, picture, wet, views, instant, time, exposure=1.0):
        """Move and light the water of one picture.

        Args:
            picture: uint8 [h, w, 3].
            wet: float32 [h, w], how much each pixel is water.
            views, instant: the camera.
            time: seconds.
            exposure: factor on the brightness of crests.

        Returns:
            uint8 [h, w, 3].
        """
        height, width = wet.shape
        to_pixels = surface_homography(views, instant)
        # Where the sight down the middle of each row meets the water (rows above the horizon are dry).
        sight = np.linalg.inv(to_pixels) @ np.stack(
            [np.full(height + 1, width / 2), np.arange(height + 1.0), np.ones(height + 1)]
        )
        ground = sight[:2] / np.where(np.abs(sight[2]) < 1e-9, 1e-9, sight[2])
        # Far rows, which look along many metres of water, blur its ripples out.
        footprint = np.hypot(*np.diff(ground, axis=1))
        fade = 1 / (1 + (footprint / SHARPEST) ** 2)
        weight = wet * fade[:, None].astype(np.float32)
        middle = ground[:, min(int(0.6 * height), height)]
        crests = []
        for layer, speed, size in zip(self.layers, self.speed, (TILE_METRES, 0.43 * TILE_METRES), strict=True):
            # The layer drifts, and is laid so that its middle lies in the middle of the view.
            drift = speed * time
            corner = drift + size * (np.round((middle - drift) / size) - REPEATS // 2)
            lay = np.array([[size / TILE, 0, corner[0]], [0, size / TILE, corner[1]], [0, 0, 1]])
            crest = cv2.warpPerspective(layer, to_pixels @ lay, (width, height), flags=cv2.INTER_LINEAR)
            crests.append(crest * weight)
        pixels = self.bend * views.focal[instant] / max(float(np.linalg.norm(views.position)), 1.0)
        columns = np.arange(width, dtype=np.float32)[None] + np.float32(pixels) * crests[0]
        lines = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.7 * pixels) * crests[1]
        moved = cv2.remap(picture, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        both = crests[0] + 0.7 * crests[1]
        glint = np.maximum(both - 1.9, 0)
        light = (self.glitter * exposure) * (0.45 * both + 1.2 * glint)
        return cv2.add(moved, cv2.merge([light, light, light]), dtype=cv2.CV_8U)
