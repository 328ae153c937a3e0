"""Drawing what the diver stands on, as far as it moves or hides him: the bending blade, the slab of a platform."""

import cv2
import numpy as np

SUBPIXEL_BITS = 4


def is_between(board, camera_position, feet_height):
    """Whether the board lies between the camera and a diver whose lowest point is at `feet_height` metres.

    It does where diver and camera are on different sides of the board's plane: then every ray from the camera to
    the diver that passes through the board's outline meets the board first.
    """
    return (camera_position[2] < board.height) == (feet_height >= board.height - 0.15)


def blade_edges(board, y, tips, views, instants):
    """Where the blade is in F frames.

    Args:
        board: the scene's `Board`.
        y: the blade's middle line, metres.
        tips: [F] metres by which the tip is pushed up (negative: down).
        views, instants: the camera, and the F instants of it.

    Returns:
        [F, n, 4, 2] pixels (OpenCV's, centres at integers) from the rear to the tip: the upper edges at lower and
        higher y, then the lower ones; NaN in frames that see nothing of the blade.
    """
    rest, bent = board.outline(0.0, y), board.outline(1.0, y)
    upper = rest + np.asarray(tips)[:, None, None, None] * (bent - rest)
    points = np.concatenate([upper, upper - [0, 0, board.thickness]], 2)
    seen = np.einsum("fij,fnej->fnei", views.rotation[instants], points - views.position)
    depth = seen[..., 2:]
    focal = views.focal[instants][:, None, None, None]
    pixels = focal * seen[..., :2] / np.maximum(depth, 0.3) + np.array(views.principal_point) - 0.5
    low, high = pixels.min((1, 2)), pixels.max((1, 2))
    outside = (high < -1).any(1) | (low > views.size).any(1) | (depth.min((1, 2, 3)) < 0.3)
    pixels[outside] = np.nan
    return pixels


def draw_blade(picture, cover, board, y, edges, position, light):
    """Paint the bent blade of a springboard.

    Args:
        picture: uint8 [h, w, 3], changed in place.
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
        _fill(picture, cover, upper[:, near], upper[:, far], top)
        inner = 0.88 * upper + 0.12 * upper[:, ::-1]
        _fill(picture, cover, inner[:, near], inner[:, far], top * 1.1)
    else:
        _fill(picture, cover, lower[:, near], lower[:, far], top * 0.38)
    _fill(picture, cover, upper[:, near], lower[:, near], top * 0.62)
    if position[0] > 0:
        _fill(picture, cover, upper[-1], lower[-1], top * 0.8)


def cover_platform(cover, board, views, instant):
    """Set `cover` (uint8 [h, w]) to 255 where the slab of a platform is."""
    upper = board.outline()[[0, -1]].reshape(-1, 3)
    corners = _pixels(np.concatenate([upper, upper - [0, 0, board.thickness]]), views, instant)
    if corners is not None and not _is_outside(corners, cover.shape):
        _polygon(cover, cv2.convexHull(corners.astype(np.float32))[:, 0], 255)


def _pixels(points, views, instant):
    """OpenCV pixels [..., 2] (centres at integers) of world points, or None if one is behind the camera."""
    seen = (points - views.position) @ views.rotation[instant].T
    depth = seen[..., 2:]
    if depth.min() < 0.3:
        return None
    return views.focal[instant] * seen[..., :2] / depth + np.array(views.principal_point) - 0.5


def _is_outside(pixels, shape):
    low, high = pixels.min(0), pixels.max(0)
    return high[0] < -1 or high[1] < -1 or low[0] > shape[1] or low[1] > shape[0]


def _fill(picture, cover, edge, other, colour):
    """Fill between two edges [n, 2] that run the same way, in the picture and in what is covered."""
    outline = np.concatenate([edge, other[::-1]])
    _polygon(picture, outline, tuple(float(v) for v in np.clip(colour, 0, 255)))
    _polygon(cover, outline, 255)


def _polygon(picture, outline, colour):
    limit = 8 * max(picture.shape[:2])
    fixed = np.round(np.clip(outline, -limit, limit) * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(picture, [fixed], colour, lineType=cv2.LINE_AA, shift=SUBPIXEL_BITS)
