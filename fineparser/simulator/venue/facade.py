"""Facades around a pool deck: walls, stands, balconies and windows, stacked in bands from the deck upwards."""

import itertools
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.crowd import draw_stand
from fineparser.simulator.venue.lettering import draw_banner, draw_flag_row, draw_scoreboard
from fineparser.simulator.venue.texture import apply_brightness_ramp, mottle, random_pattern, solid_image, value_noise
from fineparser.simulator.venue.venue import Venue

WALL_SHARES = {
    "plain": 0.16,
    "panels": 0.14,
    "banner": 0.18,
    "windows": 0.12,
    "slats": 0.07,
    "void": 0.11,
    "tiles": 0.07,
    "curtain": 0.05,
    "pattern": 0.03,
    "flags": 0.04,
    "louvres": 0.03,
}
"""Kinds of walls, with their frequencies."""
MAX_DISTANCE_M = 70
"""Horizontal distance from the origin up to which a facade is painted, metres."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """One storey of a facade; lengths in metres."""

    kind: str
    """"stand" or one of `WALL_SHARES`."""
    low: float
    high: float
    """Height of the lower and upper edge."""
    back: float
    """Distance of the foot behind the facade's plane."""
    depth: float
    """Distance of the top behind the foot (stands slope)."""
    occupancy: float
    """Share of seats that are taken."""
    brightness: float


@dataclass(frozen=True, kw_only=True)
class FacadePlane:
    """Upright plane on which a facade stands."""

    axis: int
    """0: the plane x = `position`; 1: y = `position`."""
    position: float
    """Metres; the diver's place, x = y = 0, is inside."""

    @property
    def outward(self) -> float:
        """+1 or -1: direction away from the pool along the axis."""
        return float(np.sign(self.position))

    def behind(self, distance: float) -> float:
        """Position of a parallel plane, `distance` metres further outward."""
        return self.position + self.outward * distance

    def point(self, along: float, back: float, z: float) -> tuple[float, float, float]:
        """World point at `along` on the other horizontal axis, `back` metres behind the plane."""
        across = self.behind(back)
        return (across, along, z) if self.axis == 0 else (along, across, z)


def _sample_wall_kind(rng: np.random.Generator) -> str:
    shares = np.array(list(WALL_SHARES.values()))
    return str(rng.choice(list(WALL_SHARES), p=shares / shares.sum()))


def sample_bands(rng: np.random.Generator, foot: float, top: float, stand_probability: float) -> list[Band]:
    """Sample the bands of one facade from `foot` to `top` metres."""
    bands: list[Band] = []
    level, back = foot, 0.0
    occupancy = rng.choice([0.0, 0.05, 0.3, 0.75, 0.95], p=[0.2, 0.15, 0.2, 0.25, 0.2])
    while level < top:
        if rng.random() < stand_probability and (not bands or bands[-1].kind != "stand"):
            kind, height, slope = "stand", rng.uniform(2.5, 7.5), rng.uniform(1.2, 2.0)
        else:
            kind, slope = _sample_wall_kind(rng), 0.0
            height = rng.uniform(0.9, 2.2) if kind in ("banner", "flags") else rng.uniform(1.0, 6.0)
        bands.append(
            Band(
                kind=kind,
                low=level,
                high=level + height,
                back=back,
                depth=height * slope,
                occupancy=occupancy,
                brightness=rng.uniform(0.75, 1.15),
            )
        )
        level += height
        back += height * slope if rng.random() < 0.6 else 0.0
        if rng.random() < 0.3:
            occupancy = rng.choice([0.0, 0.1, 0.5, 0.9])
    return bands


def paint_facade(
    canvas: Canvas,
    rng: np.random.Generator,
    venue: Venue,
    plane: FacadePlane,
    top: float,
    stand_probability: float,
) -> None:
    """Paint a facade up to `top` metres.

    Nothing is painted if the camera is behind the plane: no wall stands between a film crew and the pool.
    """
    distance = (plane.position - canvas.camera.position[plane.axis]) * plane.outward
    if distance < 0.5 or canvas.visible_span(plane.axis, plane.position, MAX_DISTANCE_M) is None:
        return
    bands = sample_bands(rng, venue.deck_level, top, stand_probability)
    for band in reversed(bands):
        span = canvas.visible_span(plane.axis, plane.behind(band.back + band.depth / 2), MAX_DISTANCE_M)
        if span is None:
            continue
        edges = [span[0] - 1, span[1] + 1]
        if rng.random() < 0.35:
            edges[1:1] = sorted(rng.uniform(span[0], span[1], int(rng.integers(1, 3))))
        for index, piece_span in enumerate(itertools.pairwise(edges)):
            piece = replace(band, kind=_sample_wall_kind(rng)) if index % 2 else band
            _paint_band(canvas, rng, venue, plane, piece, piece_span)
        if rng.random() < 0.4:
            _paint_balustrade(canvas, rng, venue, plane, band, span)
    _paint_relief(canvas, rng, venue, plane, top)


def _paint_band(
    canvas: Canvas,
    rng: np.random.Generator,
    venue: Venue,
    plane: FacadePlane,
    band: Band,
    span: tuple[float, float],
) -> None:
    low, high = span
    ends, _ = canvas.project([plane.point(low, band.back, band.low), plane.point(high, band.back, band.low)])
    if ends[0, 0] > ends[1, 0]:
        low, high = high, low
    back = band.back + band.depth
    corners = [
        plane.point(low, back, band.high),
        plane.point(high, back, band.high),
        plane.point(high, band.back, band.low),
        plane.point(low, band.back, band.low),
    ]

    def paint(width: int, height: int) -> np.ndarray:
        if band.kind == "stand":
            return draw_stand(rng, width, height, venue.theme, band.high - band.low, band.occupancy)
        per_metre = 1 / max(abs(high - low), 0.1)
        return draw_wall(rng, band.kind, width, height, venue, max(width * per_metre, 1e-3))

    with canvas.dimmed(venue.surroundings_brightness * band.brightness):
        canvas.place_image(corners, paint)


def draw_wall(
    rng: np.random.Generator, kind: str, width: int, height: int, venue: Venue, pixels_per_metre: float
) -> np.ndarray:
    """Image of a flat wall, uint8 [height, width, 3]; `pixels_per_metre` holds along the wall."""
    if kind in ("banner", "flags"):
        ground = venue.theme[int(rng.integers(len(venue.theme)))]
        return (draw_banner if kind == "banner" else draw_flag_row)(rng, width, height, ground)
    if kind == "pattern":
        return random_pattern(rng, width, height, [*venue.theme, venue.wall])
    if kind == "void":
        image = solid_image(width, height, rng.uniform(6, 80) + rng.normal(0, 3, 3))
        for _ in range(int(rng.integers(0, 12))):
            spot = (int(rng.integers(width)), int(rng.integers(height)))
            cv2.circle(
                image, spot, max(1, int(pixels_per_metre * rng.uniform(0.05, 0.2))), (235, 240, 245), -1, cv2.LINE_AA
            )
        return image
    if kind == "windows":
        return _draw_windows(rng, width, height, pixels_per_metre)
    colour = np.array(venue.wall if rng.random() < 0.6 else venue.theme[int(rng.integers(len(venue.theme)))])
    image = solid_image(width, height, colour)
    seam = tuple(float(v) for v in np.clip(colour * rng.choice([0.6, 0.75, 0.88, 1.2]), 0, 255))
    if kind in ("panels", "tiles"):
        pitch_x = pixels_per_metre * (rng.uniform(0.8, 3) if kind == "panels" else rng.uniform(0.15, 0.4))
        pitch_y = pitch_x * rng.choice([0.4, 1.0, 1.6])
        if min(pitch_x, pitch_y) > 2.5:
            image[:, np.arange(0, width, pitch_x).astype(int)] = np.array(seam, np.uint8)
            image[np.arange(0, height, pitch_y).astype(int)] = np.array(seam, np.uint8)
    elif kind in ("slats", "louvres"):
        pitch = max(2.0, pixels_per_metre * rng.uniform(0.15, 0.6))
        axis = 1 if kind == "slats" else 0
        ramp = (np.arange(image.shape[axis]) / pitch % 1 - 0.5) * rng.uniform(0.15, 0.5) + 1
        image = cv2.convertScaleAbs(image * (ramp[None, :, None] if axis else ramp[:, None, None]))
    elif kind == "curtain":
        folds = 1 + 0.25 * value_noise(rng, 1, width, cells=1, octaves=1)[0]
        fine = 1 + 0.2 * np.sin(np.arange(width) / max(1.0, pixels_per_metre * 0.12) + 2 * folds)
        image = cv2.convertScaleAbs(image * (folds * fine)[None, :, None])
    image = mottle(rng, apply_brightness_ramp(image, rng.uniform(0.7, 1.1), rng.uniform(0.8, 1.1)), rng.uniform(0, 9))
    if rng.random() < 0.12 and height > 8 and width > 20:
        board_width, board_height = int(min(width * 0.5, height * 1.4)), int(height * 0.7)
        left = int(rng.integers(0, width - board_width))
        image[height // 8 : height // 8 + board_height, left : left + board_width] = draw_scoreboard(
            rng, board_width, board_height
        )
    for _ in range(int(rng.integers(0, 4)) if kind in ("plain", "panels", "tiles") else 0):
        _paint_fitting(rng, image, pixels_per_metre)
    return image


def _draw_windows(rng: np.random.Generator, width: int, height: int, pixels_per_metre: float) -> np.ndarray:
    day = rng.random() < 0.75
    sky = rng.uniform([150, 170, 185], [255, 255, 255]) if day else rng.uniform(5, 50, 3)
    image = apply_brightness_ramp(solid_image(width, height, sky), 1.1, rng.uniform(0.5, 1.0))
    if day and rng.random() < 0.6:
        line = height * (0.55 + 0.12 * value_noise(rng, 1, width, cells=1, octaves=2)[0])
        below = np.arange(height)[:, None] > line[None]
        image[below] = np.uint8(rng.uniform([40, 70, 40], [130, 150, 120]))
    frame = tuple(float(v) for v in np.full(3, rng.choice([30.0, 90.0, 235.0])))
    thickness = max(1, round(pixels_per_metre * 0.08))
    for x in np.arange(0, width, max(4.0, pixels_per_metre * rng.uniform(1, 3))):
        cv2.line(image, (int(x), 0), (int(x), height), frame, thickness)
    for y in np.arange(0, height, max(4.0, pixels_per_metre * rng.uniform(1, 3))):
        cv2.line(image, (0, int(y)), (width, int(y)), frame, thickness)
    return image


def _paint_fitting(rng: np.random.Generator, image: np.ndarray, pixels_per_metre: float) -> None:
    """Paint a door, a poster, a loudspeaker, a lamp or a pipe on a wall."""
    height, width = image.shape[:2]
    x, y = int(rng.integers(width)), int(rng.integers(height))
    size = pixels_per_metre * rng.uniform(0.4, 2.0)
    colour = tuple(float(v) for v in rng.uniform(0, 255, 3))
    kind = rng.random()
    if kind < 0.3:
        cv2.rectangle(
            image,
            (x, height - int(min(2.2 * pixels_per_metre, height))),
            (int(x + pixels_per_metre), height),
            colour,
            -1,
        )
    elif kind < 0.55:
        cv2.rectangle(image, (x, y), (int(x + size), int(y + size * 0.7)), colour, -1)
    elif kind < 0.7:
        cv2.rectangle(image, (x, y), (int(x + size / 3), int(y + size / 2)), (20, 20, 22), -1)
    elif kind < 0.85:
        cv2.circle(image, (x, y), max(1, int(size * 0.4)), colour, max(1, int(pixels_per_metre * 0.06)), cv2.LINE_AA)
    else:
        brightness = tuple(float(v) for v in np.full(3, rng.uniform(140, 250)))
        cv2.line(image, (0, y), (width, y), brightness, max(1, int(pixels_per_metre * 0.07)), cv2.LINE_AA)


def _paint_balustrade(
    canvas: Canvas,
    rng: np.random.Generator,
    venue: Venue,
    plane: FacadePlane,
    band: Band,
    span: tuple[float, float],
) -> None:
    """Paint rails and posts along a balcony or in front of a stand."""
    brightness = rng.choice([60.0, 150.0, 215.0, 245.0]) * venue.surroundings_brightness
    colour = np.clip(brightness + rng.normal(0, 8, 3), 0, 255)
    heights = band.low + np.linspace(1.0, 0.35, int(rng.integers(1, 4)))
    low, high = span
    posts = np.arange(low, high, rng.uniform(1.2, 3))
    starts = [plane.point(low, band.back, z) for z in heights] + [plane.point(p, band.back, band.low) for p in posts]
    ends = [plane.point(high, band.back, z) for z in heights] + [plane.point(p, band.back, heights[0]) for p in posts]
    canvas.tubes(starts, ends, np.full(len(starts), rng.uniform(0.02, 0.05)), [colour] * len(starts))


def _paint_relief(canvas: Canvas, rng: np.random.Generator, venue: Venue, plane: FacadePlane, top: float) -> None:
    """Paint pillars, slanted stair walls and trusses in front of a facade."""
    span = canvas.visible_span(plane.axis, plane.position, MAX_DISTANCE_M)
    if span is None:
        return
    with canvas.dimmed(venue.surroundings_brightness):
        if rng.random() < 0.35:  # a stair or ramp along the facade
            colour = venue.theme[int(rng.integers(len(venue.theme)))] if rng.random() < 0.7 else venue.wall
            start, run, rise = rng.uniform(*span), rng.choice([-1, 1]) * rng.uniform(6, 18), rng.uniform(2, 8)
            foot, thickness = rng.uniform(0.5, 8), rng.uniform(0.8, 2.5)
            slope = [
                (start, foot),
                (start + run, foot + rise),
                (start + run, foot + rise + thickness),
                (start, foot + thickness),
            ]
            shade = canvas.shade(colour, np.eye(3)[plane.axis] * -plane.outward)
            canvas.polygon([plane.point(x, -0.3, z) for x, z in slope], shade)
            flat = [(start + run, foot + rise), (start + 2 * run, foot + rise)]
            flat += [(x, z + thickness) for x, z in reversed(flat)]
            canvas.polygon([plane.point(x, -0.3, z) for x, z in flat], shade * 0.92)
        if rng.random() < 0.4:
            pitch, half = rng.uniform(3, 9), rng.uniform(0.1, 0.5)
            paint = np.array(venue.wall) * rng.uniform(0.5, 1.2) if rng.random() < 0.7 else rng.uniform(150, 250, 3)
            first = span[0] - rng.uniform(0, pitch)
            for along in np.arange(first, span[1], pitch):
                ends = [(along - half, 0.0), (along + half, 0.0), (along + half, top), (along - half, top)]
                canvas.polygon([plane.point(x, -0.1, z) for x, z in ends], np.clip(paint, 0, 255))
