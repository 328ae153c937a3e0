"""Backgrounds, and cameras that move in front of them in known ways."""

import cv2
import numpy as np

SIDE = 160


def background_image(seed: int) -> np.ndarray:
    """A large picture with as much in it as a pool has: smoothed noise, uint8 [400, 400, 3]."""
    noise = np.random.default_rng(seed).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3).astype(float)
    return np.clip((blurred - blurred.mean()) * 6 + 128, 0, 255).astype(np.uint8)


def shifted_frames(picture: np.ndarray, motions: list[np.ndarray]) -> np.ndarray:
    """Frames of cameras whose pixels are moved from those of an image by known motions."""
    return np.stack([cv2.warpAffine(picture, motion[:2], (SIDE, SIDE)) for motion in motions])


def pan_motions(steps: int) -> list[np.ndarray]:
    """A camera that turns right and down, zooms in and tilts a little."""
    motions = []
    for step in range(steps):
        turn, scale = np.radians(0.4 * step), 1 + 0.004 * step
        cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
        motions.append(np.array([[cosine, -sine, -60 - 2.3 * step], [sine, cosine, -40 - 1.1 * step], [0, 0, 1]]))
    return motions
