"""Rendering of the board as far as it moves or hides the diver: the bent blade of a springboard, a platform's slab."""

from collections.abc import Sequence

import cv2
import numpy as np

from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.venue.board import Board
from fineparser.simulator.venue.venue import Light

SUBPIXEL_BITS = 4


def is_between(board: Board, camera_position: Sequence[float] | np.ndarray, feet_height: float) -> bool:
    """True if the board lies between the camera and a diver whose lowest point is at `feet_height` metres.

    It does where diver and camera are on different sides of the board's plane: then every ray from the camera to
    the diver that passes through the board's contour meets the board first.
    """
    return bool((camera_position[2] < board.height) == (feet_height >= board.height - 0.15))


def blade_edges(
    board: Board, y: float, tips: Sequence[float] | np.ndarray, views: CameraViews, instants: np.ndarray
) -> np.ndarray:
    """Project the edges of the blade in F frames.

    Args:
        board: the scene's `Board`.
        y: the blade's middle line, metres.
        tips: [F] metres by which the tip is pushed up (negative: down).
        views, instants: the camera, and the F views of it.

    Returns:
        [F, n, 4, 2] pixels (OpenCV's, centres at integers) from the rear to the tip: the upper edges at lower and
        higher y, then the lower ones; NaN in frames that do not show the blade.
    """
    rest, bent = board.upper_edges(0.0, y), board.upper_edges(1.0, y)
    upper = rest + np.asarray(tips)[:, None, None, None] * (bent - rest)
    points = np.concatenate([upper, upper - [0, 0, board.thickness]], 2)
    in_camera = np.einsum("fij,fnej->fnei", views.rotation[instants], points - views.position)
    depth = in_camera[..., 2:]
    focal = views.focal[instants][:, None, None, None]
    pixels = focal * in_camera[..., :2] / np.maximum(depth, 0.3) + np.array(views.principal_point) - 0.5
    low, high = pixels.min((1, 2)), pixels.max((1, 2))
    outside = (high < -1).any(1) | (low > views.size).any(1) | (depth.min((1, 2, 3)) < 0.3)
    pixels[outside] = np.nan
    return np.asarray(pixels)


def draw_blade(
    image: np.ndarray,
    cover: np.ndarray,
    board: Board,
    y: float,
    edges: np.ndarray,
    position: np.ndarray,
    light: Light,
) -> None:
    """Draw the bent blade of a springboard.

    Args:
        image: uint8 [h, w, 3], changed in place.
        cover: uint8 [h, w], set to 255 where the blade is.
        board: the scene's `Board`.
        y: the blade's middle line, metres.
        edges: [n, 4, 2] of `blade_edges`.
        position: of the camera, metres.
        light: the scene's light.
    """
    upper, lower = edges[:, :2], edges[:, 2:]
    near, far = (1, 0) if position[1] > y else (0, 1)
    overhead = max(float(light.direction[2]), 0.2)
    tone = light.exposure * np.asarray(light.colour) * (light.ambient + (1 - light.ambient) * overhead)
    top = np.asarray(board.colour) * tone
    if position[2] > board.height:
        _fill(image, cover, upper[:, near], upper[:, far], top)
        inner = 0.88 * upper + 0.12 * upper[:, ::-1]
        _fill(image, cover, inner[:, near], inner[:, far], top * 1.1)
    else:
        _fill(image, cover, lower[:, near], lower[:, far], top * 0.38)
    _fill(image, cover, upper[:, near], lower[:, near], top * 0.62)
    if position[0] > 0:
        _fill(image, cover, upper[-1], lower[-1], top * 0.8)


def cover_platform(cover: np.ndarray, board: Board, views: CameraViews, instant: int) -> None:
    """Set `cover` (uint8 [h, w]) to 255 where the slab of a platform is."""
    upper = board.upper_edges()[[0, -1]].reshape(-1, 3)
    corners = views.to_pixels(np.concatenate([upper, upper - [0, 0, board.thickness]]), instant)
    if corners is not None and not _is_outside(corners - 0.5, cover.shape):
        _fill_polygon(cover, cv2.convexHull((corners - 0.5).astype(np.float32))[:, 0], 255)


def _is_outside(pixels: np.ndarray, shape: tuple[int, ...]) -> bool:
    low, high = pixels.min(0), pixels.max(0)
    return bool(high[0] < -1 or high[1] < -1 or low[0] > shape[1] or low[1] > shape[0])


def _fill(image: np.ndarray, cover: np.ndarray, edge: np.ndarray, other: np.ndarray, colour: np.ndarray) -> None:
    """Fill between two edges [n, 2] that run in the same direction, in the image and in the cover."""
    contour = np.concatenate([edge, other[::-1]])
    red, green, blue = (float(value) for value in np.clip(colour, 0, 255))
    _fill_polygon(image, contour, (red, green, blue))
    _fill_polygon(cover, contour, 255)


def _fill_polygon(image: np.ndarray, contour: np.ndarray, colour: float | tuple[float, float, float]) -> None:
    limit = 8 * max(image.shape[:2])
    fixed = np.round(np.clip(contour, -limit, limit) * 2**SUBPIXEL_BITS).astype(np.int32)
    scalar = colour if isinstance(colour, tuple) else (colour,)
    cv2.fillPoly(image, [fixed], scalar, lineType=cv2.LINE_AA, shift=SUBPIXEL_BITS)
