"""Clips of a bright disc in front of a wall of blobs, seen by a camera with a known motion."""

import numpy as np

WALL = 900, 700
RADIUS = 9


def wall(seed: int = 0) -> np.ndarray:
    """Wall uint8 [700, 900, 3]: grey blobs of all sizes, none as bright as the disc."""
    import cv2

    rng = np.random.default_rng(seed)
    picture = sum(
        cv2.resize(rng.normal(0, 1, (WALL[1] // size, WALL[0] // size)), WALL, interpolation=cv2.INTER_CUBIC)
        for size in (6, 14, 40)
    )
    grey = np.clip(90 + 28 * picture, 0, 150).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def render_clip(
    disc: np.ndarray, camera: np.ndarray, width: int = 240, height: int = 180, radius: int = RADIUS
) -> np.ndarray:
    """Frames uint8 [n, height, width, 3].

    Args:
        disc: [n, 2] centre of the disc on the wall.
        camera: [n, 2] upper left corner of the frame on the wall, whole pixels.
        width, height: of the frame.
        radius: of the disc.
    """
    import cv2

    background, frames = wall(), []
    for (x, y), (left, top) in zip(disc, camera, strict=True):
        frame = background[top : top + height, left : left + width].copy()
        cv2.circle(frame, (round(x - left), round(y - top)), radius, (255, 250, 240), -1, cv2.LINE_AA)
        frames.append(frame)
    return np.stack(frames)


def dive_path(frames: int, fps: float, leaves: int, enters: int, top: float, bottom: float, x: float) -> np.ndarray:
    """Path [frames, 2]: a stance at `top`, free fall from frame `leaves` to `enters`, then rest at `bottom`."""
    share = np.clip((np.arange(frames) - leaves) / (enters - leaves), 0, 1)
    return np.stack([np.full(frames, x), top + (bottom - top) * share**2], axis=1)
