"""Divers drawn as what they are made of: tapered capsules, each pixel of them shaded by its own normal.

A part is the union of spheres along a segment. For a pixel, the point of the part that the eye sees lies on the
sphere at axis parameter h; its normal, depth and coverage follow in closed form. The parts of all divers and all
instants are laid out in one flat buffer and drawn in painter's order, one rank (the r-th farthest part of each
instant) at a time, so numpy works on every frame of a clip at once. Where two parts meet at equal depth their
normals and colours are blended over a few centimetres, which hides the joints between capsules.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.face import SMALLEST, draw_face
from fineparser.simulator.skin import shade

CHUNK_PIXELS = 600_000  # buffer at which instants are cut into groups (8 float32 a pixel): larger ones leave the cache
EDGE = 0.014  # m of depth over which the colours of two touching parts mix
FAR = 1e4
DEEPEST = -1.8  # m below the surface at which nothing is seen of a diver any more
CHANNELS = 8  # of the buffer: coverage, depth, normal x and y, RGB, melt


@dataclass(frozen=True)
class Views:
    """Instants at which the divers are drawn: V of them, one or more for each frame, in the order of the frames."""

    rotation: np.ndarray
    """World to camera axes, [V, 3, 3]."""
    focal: np.ndarray
    """Focal length in pixels, [V]."""
    position: np.ndarray
    """The optical centre in metres, [3]."""
    principal_point: tuple[float, float]
    """Pixel that the optical axis hits."""
    size: tuple[int, int]
    """Width and height of the picture in pixels."""
    counts: np.ndarray
    """Number of instants of each frame, [T]; they sum to V."""


@dataclass(frozen=True)
class Patch:
    """The divers of one frame on their own: the part of the picture that they touch."""

    left: int
    top: int
    colour: np.ndarray
    """Premultiplied RGB, float32 [h, w, 3] in 0-255."""
    alpha: np.ndarray
    """Coverage averaged over the frame's instants, float32 [h, w] in 0-1."""
    sunk: np.ndarray
    """The part of the coverage that is under water, float32 [h, w]."""

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that the patch covers."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def draw_divers(bodies, paints, joints, views, light, water_colour):
    """Draw every diver at every instant and average the instants of each frame.

    Args:
        bodies: D bodies (`fineparser.simulator.body.Body`).
        paints: D of `fineparser.simulator.skin.Paint`.
        joints: D arrays [V, 20, 3] in metres.
        views: V camera views.
        light: the scene's light (direction towards it in world axes, ambient 0-1, colour, exposure).
        water_colour: RGB 0-255 that a body takes on below the surface.

    Returns:
        One `Patch` a frame, or None where no diver is in the picture.
    """
    segments = _project(bodies, paints, joints, views)
    boxes = _frame_boxes(segments, views)
    patches: list[Patch | None] = [None] * len(views.counts)
    starts = np.concatenate([[0], np.cumsum(views.counts)])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) * views.counts
    highest = np.max([pose[..., 2].max(1) for pose in joints], axis=0)
    areas[np.maximum.reduceat(highest, starts[:-1]) < DEEPEST] = 0
    group: list[int] = []
    filled = 0
    for frame in [*np.flatnonzero(areas > 0).tolist(), -1]:
        if group and (frame < 0 or filled + areas[frame] > CHUNK_PIXELS):
            for drawn, patch in _draw_group(group, boxes, starts, segments, views, light, water_colour):
                patches[drawn] = patch
            group, filled = [], 0
        if frame >= 0:
            group.append(frame)
            filled += areas[frame]
    return patches


@dataclass(frozen=True)
class _Segments:
    """All parts of all divers in pixels, [V, P, ...], with their paint [P, 11].

    Depth is scaled to pixels and relative to the pelvis.
    """

    start: np.ndarray
    end: np.ndarray
    radii: np.ndarray
    pixels_per_metre: np.ndarray
    paint: np.ndarray
    is_face: np.ndarray
    left: np.ndarray


def _project(bodies, paints, joints, views):
    starts, ends, radii, sides = [], [], [], []
    for body, pose in zip(bodies, joints, strict=True):
        first, last = body.capsules(pose)
        starts.append(first)
        ends.append(last)
        sides.append(np.repeat((pose[:, 4] - pose[:, 5])[:, None], len(body.parts), axis=1))
        radii.append(np.array([(part.start_radius, part.end_radius) for part in body.parts]))

    def seen(points):
        return np.einsum("vij,vpj->vpi", views.rotation, points - views.position)

    start, end = seen(np.concatenate(starts, 1)), seen(np.concatenate(ends, 1))
    anchor = seen(joints[0][:, :1])[:, 0, 2]
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
                    [p.start, p.end - p.start, np.where(p.reach[:, None] > 0, p.cap, p.start), p.reach, p.melt]
                )
                for p in paints
            ]
        ).astype(np.float32),
        is_face=np.array([part.name == "face" for body in bodies for part in body.parts]),
        left=np.einsum("vij,vpj->vpi", views.rotation, np.concatenate(sides, 1)),
    )


def _frame_boxes(segments, views):
    """Pixel boxes (x0, y0, x1, y1) [T, 4] around all instants of each frame, clipped to the picture."""
    reach = segments.radii[..., None] + 1.5
    low = np.minimum(segments.start[..., :2] - reach[:, :, 0], segments.end[..., :2] - reach[:, :, 1]).min(1)
    high = np.maximum(segments.start[..., :2] + reach[:, :, 0], segments.end[..., :2] + reach[:, :, 1]).max(1)
    starts = np.concatenate([[0], np.cumsum(views.counts)[:-1]])
    limits = np.array(views.size)
    low = np.clip(np.floor(np.minimum.reduceat(low, starts)), 0, limits)
    high = np.clip(np.ceil(np.maximum.reduceat(high, starts)), 0, limits)
    return np.concatenate([low, high], 1).astype(np.int64)


def _draw_group(frames, boxes, starts, segments, views, light, water_colour):
    """Draw the instants of some frames in one flat buffer and yield (frame, Patch)."""
    widths = boxes[frames, 2] - boxes[frames, 0]
    areas = widths * (boxes[frames, 3] - boxes[frames, 1])
    instants = np.concatenate([np.arange(starts[f], starts[f + 1]) for f in frames])
    owner = np.repeat(np.arange(len(frames)), views.counts[frames])
    offsets = np.concatenate([[0], np.cumsum(areas[owner])])
    buffer = np.zeros((CHANNELS, offsets[-1]), dtype=np.float32)
    buffer[1] = FAR
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
    picture = np.zeros((offsets[-1], 6), dtype=np.float32)
    picture[covered] = lit
    for slot, frame in enumerate(frames):
        first = np.searchsorted(owner, slot)
        count = int(views.counts[frame])
        height, width = int(areas[slot] // widths[slot]), int(widths[slot])
        stack = picture[offsets[first] : offsets[first + count]].reshape(count, height, width, 6)
        mean = stack[0] if count == 1 else stack.mean(0)
        scale = float(segments.pixels_per_metre[starts[frame]])
        yield frame, _darken_creases(mean, scale, int(boxes[frame, 0]), int(boxes[frame, 1]))


def _draw_rank(buffer, segments, instants, part, box, offsets):
    """Blend one part of every instant into the flat buffer."""
    start, end = segments.start[instants, part], segments.end[instants, part]
    radii = segments.radii[instants, part]
    axis = end - start
    flat = np.maximum(np.hypot(axis[:, 0], axis[:, 1]), 1e-3)
    way = axis[:, :2] / flat[:, None]
    which, column, row, place = _candidates(start, end, radii, way, box, offsets)
    if len(which) == 0:
        return
    length = np.maximum(np.sqrt((axis * axis).sum(1)), 1e-3)
    table = np.stack(
        [
            *start[:, :2].T,
            *way.T,
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
    aside = x * table[3] - y * table[2]
    # The eye meets the part before its axis comes closest: half a chord nearer, seen along the axis.
    half_chord = np.sqrt(np.maximum(table[6] - aside * aside, 0))
    h = (x * table[2] + y * table[3] - half_chord * table[5]) * table[4]
    np.clip(h, 0, 1, out=h)
    radius = table[7] + h * table[8]
    normal_x = (x - h * table[9]) / radius
    normal_y = (y - h * table[10]) / radius
    square = normal_x * normal_x + normal_y * normal_y
    cover = (1 - np.sqrt(square)) * radius + 0.5
    seen = np.flatnonzero(cover > 0)
    if len(seen) == 0:
        return
    which, h, radius = which[seen], h[seen], radius[seen]
    normal_x, normal_y, square = normal_x[seen], normal_y[seen], square[seen]
    cover = np.minimum(np.minimum(cover[seen], 1), 2 * radius)
    towards = np.sqrt(np.maximum(1 - square, 0))
    depth = table[12, seen] + h * table[11, seen] - radius * towards
    outside = np.maximum(np.sqrt(square), 1)
    fresh = np.empty((CHANNELS, len(seen)), dtype=np.float32)
    fresh[0] = cover
    fresh[1] = depth
    fresh[2] = normal_x / outside
    fresh[3] = normal_y / outside
    paint = segments.paint[part].T[:, which]
    fresh[4:7] = paint[:3] + h * paint[3:6]
    capped = np.flatnonzero(h < paint[9])
    fresh[4:7, capped] = paint[6:9, capped]
    fresh[7] = paint[10]
    faces = segments.is_face[part] & (radii[:, 1] > SMALLEST)
    if faces.any():
        at = np.flatnonzero(faces[which])
        normal = np.stack([fresh[2, at], fresh[3, at], -towards[at]], 1)
        _draw_faces(fresh, at, normal, h, axis / length[:, None], length, segments, instants, part, which)
    place = place[seen]
    buffer[:, place] = _blend(buffer[:, place], fresh, segments.pixels_per_metre[instants].astype(np.float32)[which])


def _draw_faces(fresh, at, normal, h, along, length, segments, instants, part, which):
    """Draw the features of faces at the places `at` of `fresh`."""
    instant = which[at]
    metre = segments.pixels_per_metre[instants[instant]]
    left = segments.left[instants[instant], part[instant]]
    upright = along[instant]
    left = left - (left * upright).sum(1, keepdims=True) * upright
    left /= np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-6)
    radius = segments.radii[instants[instant], part[instant]].mean(1)
    up = (h[at] * length[instant] + radius * (normal * upright).sum(1)) / metre
    side = radius * (normal * left).sum(1) / metre
    # In camera axes, which are right-handed: forward is left x up.
    front = (normal * np.cross(left, upright)).sum(1)
    colours = fresh[4:7, at].T
    draw_face(colours, up, side, front)
    fresh[4:7, at] = colours.T


def _candidates(start, end, radii, way, box, offsets):
    """Pixels that a part may touch: row by row, what lies in its box and within its width of its axis.

    Returns:
        Instant, pixel centre (column, row) and place in the flat buffer of each candidate.
    """
    reach = radii + 1.0
    low = np.minimum(start[:, :2] - reach[:, :1], end[:, :2] - reach[:, 1:])
    high = np.maximum(start[:, :2] + reach[:, :1], end[:, :2] + reach[:, 1:])
    low = np.clip(np.floor(low), box[:, :2], box[:, 2:])
    high = np.clip(np.ceil(high), box[:, :2], box[:, 2:])
    tall = (high[:, 1] - low[:, 1]).astype(np.int64)
    owner = np.repeat(np.arange(len(start)), tall)
    line = np.arange(len(owner)) - np.repeat(np.cumsum(tall) - tall, tall) + low[owner, 1]
    steep = np.where(np.abs(way[:, 1]) < 1e-3, 1e-3, way[:, 1])
    # |x way_y - y way_x| <= reach, solved for x.
    crossing = start[owner, 0] + (line + 0.5 - start[owner, 1]) * (way[:, 0] / steep)[owner]
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


def _blend(old, fresh, metre):
    """Channels [8, n] of a buffer after a part is drawn over them; `metre` is how many pixels a metre has."""
    under, cover = old[0], fresh[0]
    union = cover + under - cover * under
    ahead = (old[1] - fresh[1]) / (2 * metre)
    melt = np.where(under > 0, np.minimum(old[7], fresh[7]), EDGE)
    result = np.empty_like(old)
    # Shape melts over a longer way than colour: a suit's edge stays sharp on a smooth body.
    for soft, channels in ((melt, slice(1, 4)), (EDGE, slice(4, 8))):
        nearer = np.clip(0.5 + ahead / soft, 0, 1)
        share = cover * (nearer + (1 - nearer) * (1 - under)) / union
        result[channels] = old[channels] + share * (fresh[channels] - old[channels])
    result[0] = union
    return result


def _darken_creases(picture, scale, left, top):
    """Cut the depth channel off [h, w, 6] and darken what lies behind its neighbourhood (ambient occlusion)."""
    alpha = picture[..., 3]
    size = max(3, int(0.11 * scale) | 1)
    depth = cv2.blur(picture[..., 4], (size, size))
    weight = cv2.blur(alpha, (size, size))
    behind = picture[..., 4] - alpha * depth / np.maximum(weight, 1e-3)
    open_air = 1 - 0.45 * np.clip(behind / (0.13 * scale), 0, 1)
    return Patch(left=left, top=top, colour=picture[..., :3] * open_air[..., None], alpha=alpha, sunk=picture[..., 5])
