"""Rendering of divers as tapered capsules, each pixel of them shaded by its own normal.

A part is the union of spheres along a segment. For a pixel, the visible point of the part lies on the sphere at axis
parameter h; its normal, depth and coverage follow in closed form. The parts of all divers and all instants are laid out
in one flat buffer and rendered in painter's order, one rank (the r-th farthest part of each instant) at a time, so
numpy works on every frame of a clip at once. Where two parts meet at equal depth their normals and colours are blended
over a few centimetres, which hides the joints between capsules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.skin import SMALLEST_FACE, BodyPaint, draw_face, shade
from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.venue.venue import Light

CHUNK_PIXELS = 600_000
"""Size of the buffer at which instants are split into groups (8 float32 a pixel): larger ones leave the cache."""
COLOUR_BLEND_DEPTH = 0.014
"""Metres of depth over which the colours of two touching parts mix."""
FAR_DEPTH = 1e4
DEEPEST_VISIBLE = -1.8
"""Metres below the surface from which nothing of a diver is visible any more."""
BUFFER_CHANNELS = 8
"""Channels of the buffer: coverage, depth, normal x and y, RGB, blend depth."""


@dataclass(frozen=True)
class DiverPatch:
    """Divers of one frame on their own: the part of the image that they touch."""

    left: int
    top: int
    colour: np.ndarray
    """Premultiplied RGB, float32 [h, w, 3] in 0-255."""
    alpha: np.ndarray
    """Coverage averaged over the frame's instants, float32 [h, w] in 0-1."""
    submerged: np.ndarray
    """Coverage by what is under water, float32 [h, w]."""

    @property
    def region(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the patch covers."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def draw_divers(
    bodies: Sequence[Body],
    paints: Sequence[BodyPaint],
    joints: Sequence[np.ndarray],
    views: CameraViews,
    light: Light,
    water_colour: tuple[float, float, float],
) -> list[DiverPatch | None]:
    """Render every diver at every instant and average the instants of each frame.

    Args:
        bodies: D bodies.
        paints: D colourings of the bodies.
        joints: D arrays [V, 20, 3] in metres.
        views: V camera views.
        light: the scene's light.
        water_colour: RGB 0-255 that a body takes on below the surface.

    Returns:
        One `DiverPatch` for each frame, or None where no diver is in the image.
    """
    segments = _project(bodies, paints, joints, views)
    boxes = _frame_boxes(segments, views)
    patches: list[DiverPatch | None] = [None] * len(views.counts)
    starts = np.concatenate([[0], np.cumsum(views.counts)])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) * views.counts
    highest = np.max([pose[..., 2].max(1) for pose in joints], axis=0)
    areas[np.maximum.reduceat(highest, starts[:-1]) < DEEPEST_VISIBLE] = 0
    group: list[int] = []
    filled = 0
    for frame in [*np.flatnonzero(areas > 0).tolist(), -1]:
        if group and (frame < 0 or filled + areas[frame] > CHUNK_PIXELS):
            for index, patch in _draw_group(group, boxes, segments, views, light, water_colour):
                patches[index] = patch
            group, filled = [], 0
        if frame >= 0:
            group.append(frame)
            filled += areas[frame]
    return patches


@dataclass(frozen=True)
class _Segments:
    """All P parts of all divers in pixels. Depth is scaled to pixels and relative to the pelvis."""

    start: np.ndarray
    """Column, row and depth of the start, [V, P, 3]."""
    end: np.ndarray
    """Column, row and depth of the end, [V, P, 3]."""
    radii: np.ndarray
    """At start and end, [V, P, 2]."""
    pixels_per_metre: np.ndarray
    """At the pelvis, [V]."""
    paint: np.ndarray
    """Colour at the start, its change to the end, colour and reach of the cap, blend depth, [P, 11]."""
    is_face: np.ndarray
    """Bool [P]."""
    left: np.ndarray
    """From the right to the left shoulder in camera axes, [V, P, 3]."""


def _project(
    bodies: Sequence[Body], paints: Sequence[BodyPaint], joints: Sequence[np.ndarray], views: CameraViews
) -> _Segments:
    starts, ends, radii, sides = [], [], [], []
    for body, pose in zip(bodies, joints, strict=True):
        first, last = body.capsules(pose)
        starts.append(first)
        ends.append(last)
        sides.append(np.repeat((pose[:, 4] - pose[:, 5])[:, None], len(body.parts), axis=1))
        radii.append(np.array([(part.start_radius, part.end_radius) for part in body.parts]))
    start, end = (views.to_camera_axes(np.concatenate(points, 1)) for points in (starts, ends))
    anchor = views.to_camera_axes(joints[0][:, :1])[:, 0, 2]
    scale = views.focal / np.maximum(anchor, 0.5)
    result = []
    for points in (start, end):
        depth = np.maximum(points[..., 2], 0.2)
        flat = views.focal[:, None, None] * points[..., :2] / depth[..., None] + np.array(views.principal_point)
        away = (depth - anchor[:, None]) * scale[:, None]
        result.append(np.concatenate([flat, away[..., None]], -1).astype(np.float32))
    depths = np.stack([start[..., 2], end[..., 2]], -1)
    pixels = np.concatenate(radii)[None] * views.focal[:, None, None] / np.maximum(depths, 0.2)
    return _Segments(
        start=result[0],
        end=result[1],
        radii=pixels.astype(np.float32),
        pixels_per_metre=scale,
        paint=np.concatenate(
            [
                np.column_stack(
                    [
                        p.start,
                        p.end - p.start,
                        np.where(p.cap_reach[:, None] > 0, p.cap, p.start),
                        p.cap_reach,
                        p.blend_depth,
                    ]
                )
                for p in paints
            ]
        ).astype(np.float32),
        is_face=np.array([part.name == "face" for body in bodies for part in body.parts]),
        left=np.einsum("vij,vpj->vpi", views.rotation, np.concatenate(sides, 1)),
    )


def _frame_boxes(segments: _Segments, views: CameraViews) -> np.ndarray:
    """Pixel boxes (x0, y0, x1, y1) [T, 4] around all instants of each frame, clipped to the image."""
    reach = segments.radii[..., None] + 1.5
    low = np.minimum(segments.start[..., :2] - reach[:, :, 0], segments.end[..., :2] - reach[:, :, 1]).min(1)
    high = np.maximum(segments.start[..., :2] + reach[:, :, 0], segments.end[..., :2] + reach[:, :, 1]).max(1)
    starts = np.concatenate([[0], np.cumsum(views.counts)[:-1]])
    limits = np.array(views.size)
    low = np.clip(np.floor(np.minimum.reduceat(low, starts)), 0, limits)
    high = np.clip(np.ceil(np.maximum.reduceat(high, starts)), 0, limits)
    return np.concatenate([low, high], 1).astype(np.int64)


def _draw_group(
    frames: list[int],
    boxes: np.ndarray,
    segments: _Segments,
    views: CameraViews,
    light: Light,
    water_colour: tuple[float, float, float],
) -> Iterator[tuple[int, DiverPatch]]:
    """Render the instants of some frames in one flat buffer."""
    starts = np.concatenate([[0], np.cumsum(views.counts)])
    widths = boxes[frames, 2] - boxes[frames, 0]
    areas = widths * (boxes[frames, 3] - boxes[frames, 1])
    instants = np.concatenate([np.arange(starts[f], starts[f + 1]) for f in frames])
    owner = np.repeat(np.arange(len(frames)), views.counts[frames])
    offsets = np.concatenate([[0], np.cumsum(areas[owner])])
    buffer = np.zeros((BUFFER_CHANNELS, offsets[-1]), dtype=np.float32)
    buffer[1] = FAR_DEPTH
    box = boxes[frames][owner]
    order = np.argsort(-(segments.start[instants, :, 2] + segments.end[instants, :, 2]), axis=1)
    for rank in range(order.shape[1]):
        _draw_rank(buffer, segments, instants, order[:, rank], box, offsets)

    covered = np.flatnonzero(buffer[0] > 0)
    which = np.searchsorted(offsets, covered, side="right") - 1
    inside = covered - offsets[which]
    columns = inside % widths[owner][which]
    rows = inside // widths[owner][which]
    lit = shade(
        buffer[:, covered].T,
        column=columns + box[which, 0] + 0.5,
        row=rows + box[which, 1] + 0.5,
        instant=instants[which],
        views=views,
        scale=segments.pixels_per_metre,
        light=light,
        water_colour=water_colour,
    )
    image = np.zeros((offsets[-1], 6), dtype=np.float32)
    image[covered] = lit
    for slot, frame in enumerate(frames):
        first = np.searchsorted(owner, slot)
        count = int(views.counts[frame])
        height, width = int(areas[slot] // widths[slot]), int(widths[slot])
        stack = image[offsets[first] : offsets[first + count]].reshape(count, height, width, 6)
        mean = stack[0] if count == 1 else stack.mean(0)
        scale = float(segments.pixels_per_metre[starts[frame]])
        yield frame, _darken_creases(mean, scale, int(boxes[frame, 0]), int(boxes[frame, 1]))


def _draw_rank(
    buffer: np.ndarray,
    segments: _Segments,
    instants: np.ndarray,
    part: np.ndarray,
    box: np.ndarray,
    offsets: np.ndarray,
) -> None:
    """Blend one part of every instant into the flat buffer."""
    start, end = segments.start[instants, part], segments.end[instants, part]
    radii = segments.radii[instants, part]
    axis = end - start
    flat = np.maximum(np.hypot(axis[:, 0], axis[:, 1]), 1e-3)
    direction = axis[:, :2] / flat[:, None]
    which, column, row, position = _candidates(start, end, radii, direction, box, offsets)
    if len(which) == 0:
        return
    length = np.maximum(np.sqrt((axis * axis).sum(1)), 1e-3)
    table = np.stack(
        [
            *start[:, :2].T,
            *direction.T,
            1 / flat,
            axis[:, 2] / length,
            radii.mean(1) ** 2,
            radii[:, 0],
            radii[:, 1] - radii[:, 0],
            *axis.T,
            start[:, 2],
        ]
    )[:, which]
    x = column - table[0]
    y = row - table[1]
    off_axis = x * table[3] - y * table[2]
    # The line of sight meets the part before its axis comes closest: half a chord nearer, measured along the axis.
    half_chord = np.sqrt(np.maximum(table[6] - off_axis * off_axis, 0))
    h = (x * table[2] + y * table[3] - half_chord * table[5]) * table[4]
    np.clip(h, 0, 1, out=h)
    radius = table[7] + h * table[8]
    normal_x = (x - h * table[9]) / radius
    normal_y = (y - h * table[10]) / radius
    length_squared = normal_x * normal_x + normal_y * normal_y
    cover = (1 - np.sqrt(length_squared)) * radius + 0.5
    visible = np.flatnonzero(cover > 0)
    if len(visible) == 0:
        return
    which, h, radius = which[visible], h[visible], radius[visible]
    normal_x, normal_y, length_squared = normal_x[visible], normal_y[visible], length_squared[visible]
    cover = np.minimum(np.minimum(cover[visible], 1), 2 * radius)
    towards = np.sqrt(np.maximum(1 - length_squared, 0))
    depth = table[12, visible] + h * table[11, visible] - radius * towards
    outside = np.maximum(np.sqrt(length_squared), 1)
    fresh = np.empty((BUFFER_CHANNELS, len(visible)), dtype=np.float32)
    fresh[0] = cover
    fresh[1] = depth
    fresh[2] = normal_x / outside
    fresh[3] = normal_y / outside
    paint = segments.paint[part].T[:, which]
    fresh[4:7] = paint[:3] + h * paint[3:6]
    capped = np.flatnonzero(h < paint[9])
    fresh[4:7, capped] = paint[6:9, capped]
    fresh[7] = paint[10]
    faces = segments.is_face[part] & (radii[:, 1] > SMALLEST_FACE)
    if faces.any():
        at = np.flatnonzero(faces[which])
        instant = which[at]
        points = _FacePoints(
            normal=np.stack([fresh[2, at], fresh[3, at], -towards[at]], 1),
            along=(axis / length[:, None])[instant],
            height=h[at] * length[instant],
            radius=radii[instant].mean(1),
            left=segments.left[instants[instant], part[instant]],
            pixels_per_metre=segments.pixels_per_metre[instants[instant]],
        )
        fresh[4:7, at] = _draw_faces(fresh[4:7, at].T, points).T
    position = position[visible]
    buffer[:, position] = _blend(
        buffer[:, position], fresh, segments.pixels_per_metre[instants].astype(np.float32)[which]
    )


@dataclass(frozen=True)
class _FacePoints:
    """n points on the surface of faces; lengths in pixels, vectors in camera axes."""

    normal: np.ndarray
    """[n, 3]."""
    along: np.ndarray
    """Unit vector from the chin to the crown, [n, 3]."""
    height: np.ndarray
    """Distance along the axis from its start, [n]."""
    radius: np.ndarray
    """Mean radius of the face, [n]."""
    left: np.ndarray
    """From the right to the left shoulder, [n, 3]."""
    pixels_per_metre: np.ndarray
    """[n]."""


def _draw_faces(colours: np.ndarray, points: _FacePoints) -> np.ndarray:
    """Render facial features on colours [n, 3]."""
    metre, upright, normal = points.pixels_per_metre, points.along, points.normal
    left = points.left - (points.left * upright).sum(1, keepdims=True) * upright
    left /= np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-6)
    up = (points.height + points.radius * (normal * upright).sum(1)) / metre
    side = points.radius * (normal * left).sum(1) / metre
    # In camera axes, which are right-handed: forward is left x up.
    front = (normal * np.cross(left, upright)).sum(1)
    draw_face(colours, up, side, front)
    return colours


def _candidates(
    start: np.ndarray,
    end: np.ndarray,
    radii: np.ndarray,
    direction: np.ndarray,
    box: np.ndarray,
    offsets: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels that a part may touch: row by row, those in its box and within its width of its axis.

    Returns:
        Instant, pixel centre (column, row) and index in the flat buffer of each candidate.
    """
    reach = radii + 1.0
    low = np.minimum(start[:, :2] - reach[:, :1], end[:, :2] - reach[:, 1:])
    high = np.maximum(start[:, :2] + reach[:, :1], end[:, :2] + reach[:, 1:])
    low = np.clip(np.floor(low), box[:, :2], box[:, 2:])
    high = np.clip(np.ceil(high), box[:, :2], box[:, 2:])
    tall = (high[:, 1] - low[:, 1]).astype(np.int64)
    owner = np.repeat(np.arange(len(start)), tall)
    line = np.arange(len(owner)) - np.repeat(np.cumsum(tall) - tall, tall) + low[owner, 1]
    steep = np.where(np.abs(direction[:, 1]) < 1e-3, 1e-3, direction[:, 1])
    # |x direction_y - y direction_x| <= reach, solved for x.
    crossing = start[owner, 0] + (line + 0.5 - start[owner, 1]) * (direction[:, 0] / steep)[owner]
    half = (reach.max(1) / np.abs(steep))[owner] + 0.5
    left = np.maximum(np.floor(crossing - half), low[owner, 0]).astype(np.int64)
    right = np.minimum(np.ceil(crossing + half), high[owner, 0]).astype(np.int64)
    wide = np.maximum(right - left, 0)
    width = box[:, 2] - box[:, 0]
    base = offsets[:-1][owner] + (line.astype(np.int64) - box[owner, 1]) * width[owner] + left - box[owner, 0]
    across = np.arange(wide.sum()) - np.repeat(np.cumsum(wide) - wide, wide)
    column = np.repeat((left + 0.5).astype(np.float32), wide) + across.astype(np.float32)
    row = np.repeat((line + 0.5).astype(np.float32), wide)
    return np.repeat(owner, wide), column, row, np.repeat(base, wide) + across


def _blend(old: np.ndarray, fresh: np.ndarray, metre: np.ndarray) -> np.ndarray:
    """Channels [8, n] of a buffer after a part is rendered over them; `metre` is the pixels per metre [n]."""
    under, cover = old[0], fresh[0]
    union = cover + under - cover * under
    ahead = (old[1] - fresh[1]) / (2 * metre)
    blend_depth = np.where(under > 0, np.minimum(old[7], fresh[7]), COLOUR_BLEND_DEPTH)
    result = np.empty_like(old)
    # Shape is blended over a greater depth than colour: a suit's edge stays sharp on a smooth body.
    for soft, channels in ((blend_depth, slice(1, 4)), (COLOUR_BLEND_DEPTH, slice(4, 8))):
        nearer = np.clip(0.5 + ahead / soft, 0, 1)
        share = cover * (nearer + (1 - nearer) * (1 - under)) / union
        result[channels] = old[channels] + share * (fresh[channels] - old[channels])
    result[0] = union
    return result


def _darken_creases(image: np.ndarray, scale: float, left: int, top: int) -> DiverPatch:
    """Darken surfaces that lie behind their neighbourhood (ambient occlusion) in [h, w, 6] of `shade`."""
    alpha = image[..., 3]
    size = max(3, int(0.11 * scale) | 1)
    depth = cv2.blur(image[..., 4], (size, size))
    weight = cv2.blur(alpha, (size, size))
    occlusion = image[..., 4] - alpha * depth / np.maximum(weight, 1e-3)
    open_air = 1 - 0.45 * np.clip(occlusion / (0.13 * scale), 0, 1)
    return DiverPatch(
        left=left, top=top, colour=image[..., :3] * open_air[..., None], alpha=alpha, submerged=image[..., 5]
    )
