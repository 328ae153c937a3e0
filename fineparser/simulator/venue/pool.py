"""The pool and its deck, painted pixel by pixel: reflections, refraction, ripples, floor and shadows."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.venue import Venue

NOISE_TILE_PX = 256
"""Side of the periodic noise that ripples and dirt are made of, pixels."""
REFRACTION_SHIFT_M = 0.2
"""Shift of the visible floor per unit slope of a ripple, metres."""


class TiledNoise:
    """Periodic noise that is sampled by world coordinates."""

    def __init__(self, tile: np.ndarray) -> None:
        self.tile = tile

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "TiledNoise":
        """Sample a tile with detail at several scales."""
        shape = (NOISE_TILE_PX, NOISE_TILE_PX // 2 + 1)
        spectrum = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        fy = np.fft.fftfreq(NOISE_TILE_PX)[:, None] * NOISE_TILE_PX
        fx = np.fft.rfftfreq(NOISE_TILE_PX)[None] * NOISE_TILE_PX
        frequency = np.hypot(fx, fy)
        spectrum *= (frequency > 2.5) * np.exp(-((frequency / 26) ** 2)) / (3 + frequency) ** 1.5
        tile = np.fft.irfft2(spectrum, s=(NOISE_TILE_PX, NOISE_TILE_PX))
        return cls((tile / tile.std()).astype(np.float32))

    def at(self, x: np.ndarray, y: np.ndarray, metres: float, angle: float = 0.0) -> np.ndarray:
        """Noise [h, w] of a tile that covers `metres`, rotated by `angle` radians."""
        per = np.float32(NOISE_TILE_PX / metres)
        cos, sin = np.float32(np.cos(angle)) * per, np.float32(np.sin(angle)) * per
        return cv2.remap(
            self.tile,
            (cos * x - sin * y) % NOISE_TILE_PX,
            (sin * x + cos * y) % NOISE_TILE_PX,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )


@dataclass(frozen=True, kw_only=True)
class _PlaneView:
    """Intersection of the line of sight of each pixel with a level plane. All arrays are float32 [h, w]."""

    rays: np.ndarray
    """Unit directions from the camera, [h, w, 3]."""
    falling: np.ndarray
    """Vertical part of the rays, negative."""
    x: np.ndarray
    y: np.ndarray
    """World coordinates, metres."""
    pixel: np.ndarray
    """Metres that a pixel covers across the ray."""

    @classmethod
    def from_rays(cls, canvas: Canvas, rays: np.ndarray, level: np.float32) -> "_PlaneView":
        """The plane at `level` metres relative to the camera (negative: below) along rays [h, w, 3] of the canvas."""
        falling = np.minimum(rays[..., 2], -1e-3)
        eye = canvas.camera.position
        reach = level / falling
        return cls(
            rays=rays,
            falling=falling,
            x=np.float32(eye[0]) + rays[..., 0] * reach,
            y=np.float32(eye[1]) + rays[..., 1] * reach,
            pixel=reach / np.float32(canvas.camera.focal[0]),
        )

    def crop(self, part: tuple[slice, slice]) -> "_PlaneView":
        """The view of some rows and columns."""
        return _PlaneView(
            rays=self.rays[part], falling=self.falling[part], x=self.x[part], y=self.y[part], pixel=self.pixel[part]
        )

    @property
    def along(self) -> np.ndarray:
        """Metres of the plane that a pixel covers along the ray."""
        return self.pixel / -self.falling

    @property
    def cosine(self) -> np.ndarray:
        """Cosine of the angle between ray and vertical."""
        return -self.falling

    def rectangle(
        self, bounds: tuple[float, float, float, float], size: "tuple[np.ndarray, np.ndarray] | None" = None
    ) -> np.ndarray:
        """Soft mask of a rectangle (x low, x high, y low, y high): 0 outside, 1 inside, a ramp about a pixel wide.

        `size`: metres of a pixel across and along the ray, where they differ from this plane's.
        """
        across, along = (self.pixel, self.along) if size is None else size
        low_x, high_x, low_y, high_y = (np.float32(v) for v in bounds)
        soft = np.float32(0.5) * (across + along)
        edge_x = np.minimum(self.x - low_x, high_x - self.x) / soft
        edge_y = np.minimum(self.y - low_y, high_y - self.y) / soft
        return np.clip(np.minimum(edge_x, edge_y) + 0.5, 0, 1).astype(np.float32)


def paint_pool(
    canvas: Canvas, rng: np.random.Generator, venue: Venue, shadows: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Paint deck and water over the lower part of the canvas.

    Args:
        canvas: surroundings are on it already (the water reflects them).
        shadows: polygons [n, 3] of overhead structures whose shadow falls on the water.

    Returns:
        float32 [h, w], the share of each pixel that is open water.
    """
    height, width = canvas.shape
    water = np.zeros(canvas.shape, np.float32)
    horizon = canvas.camera.rays(np.stack([np.full(height, width / 2), np.arange(height) + 0.5], -1))[:, 2] < -1.5e-3
    if not horizon.any():
        return water
    first = int(horizon.argmax())  # the panorama is level: whole rows lie below the horizon
    across, down = np.meshgrid(np.arange(width) + 0.5, np.arange(first, height) + 0.5)
    rays = canvas.camera.rays(np.stack([across, down], -1)).astype(np.float32)
    noise = TiledNoise.sample(rng)
    _paint_deck(canvas, rng, venue, noise, rays, first)
    eye_height = canvas.camera.position[2]
    surface = _PlaneView.from_rays(canvas, rays, np.float32(-eye_height))
    share = surface.rectangle(venue.pool)
    # The rim stands deck_level above the water and hides its near edges.
    rim = _PlaneView.from_rays(canvas, rays, np.float32(venue.deck_level) - np.float32(eye_height))
    share *= rim.rectangle(venue.pool, (surface.pixel, surface.along))
    if share.max() > 0:
        rows = np.flatnonzero(share.max(1) > 0)
        columns = np.flatnonzero(share.max(0) > 0)
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        colour = _water_colours(canvas, rng, venue, noise, surface.crop(part), shadows)
        area = canvas.colour[first:][part]
        area[:] = (area + share[part][..., None] * (colour - area)).clip(0, 255).astype(np.uint8)
    water[first:] = share
    return water


def _paint_deck(
    canvas: Canvas, rng: np.random.Generator, venue: Venue, noise: TiledNoise, rays: np.ndarray, first: int
) -> None:
    eye = canvas.camera.position
    deck = _PlaneView.from_rays(canvas, rays, np.float32(venue.deck_level - eye[2]))
    x, y = deck.x, deck.y
    low_x, high_x, low_y, high_y = venue.walls
    # There are no walls on the camera's side: the deck continues underneath the camera.
    low_y, high_y = (low_y, 90.0) if venue.side > 0 else (-90.0, high_y)
    low_x, high_x = (low_x if eye[0] > low_x else -90.0), (high_x if eye[0] < high_x else 120.0)
    mask = deck.rectangle((low_x, high_x, low_y, high_y))
    if mask.max() == 0 or eye[2] <= venue.deck_level:
        return
    brightness = 1 + np.float32(0.05) * noise.at(x, y, 30) + np.float32(0.03) * noise.at(x, y, 6, 0.7)
    tile = np.float32(rng.choice([0.2, 0.3, 0.6, 1.2]))
    joints = np.maximum(np.abs((x / tile) % 1 - 0.5), np.abs((y / tile) % 1 - 0.5)) > 0.46
    fade = np.clip(1 - deck.along / tile * 1.5, 0, 1)
    brightness -= np.float32(rng.choice([0.0, 0.12, 0.25])) * joints * fade
    colour = np.array(venue.deck, np.float32) * brightness[..., None]
    if rng.random() < 0.5:  # puddles reflect the bright surroundings
        puddles = np.clip(noise.at(x, y, 22, 0.3) - rng.uniform(0.0, 1.2), 0, 1)
        beyond = np.array(venue.wall, np.float32) * venue.surroundings_brightness
        reflected = _reflected_colours(canvas, rays, None, None, beyond)
        colour += (0.45 * puddles)[..., None] * (reflected - 0.7 * colour)
    # A strip of gutter and coping along the edge.
    near_pool = deck.rectangle((venue.pool[0] - 0.6, venue.pool[1] + 0.6, venue.pool[2] - 0.6, venue.pool[3] + 0.6))
    strip = np.array(rng.choice([(240, 240, 235), (200, 215, 220), venue.theme[0], (90, 110, 125)]), np.float32)
    if rng.random() < 0.7:
        colour += (0.8 * near_pool)[..., None] * (strip * brightness[..., None] - colour)
    area = canvas.colour[first:]
    area[:] = (area + mask[..., None] * (colour - area)).clip(0, 255).astype(np.uint8)
    _paint_rim(canvas, rng, venue)


def _paint_rim(canvas: Canvas, rng: np.random.Generator, venue: Venue) -> None:
    """Paint the pool's inner wall between deck and water."""
    low_x, high_x, low_y, high_y = venue.pool
    colour = np.array(rng.choice([(225, 230, 232), venue.theme[0], venue.water]), dtype=float)
    eye = canvas.camera.position
    level = venue.deck_level
    if eye[1] > low_y:
        canvas.polygon([(low_x, low_y, 0), (high_x, low_y, 0), (high_x, low_y, level), (low_x, low_y, level)], colour)
    if eye[1] < high_y:
        canvas.polygon(
            [(low_x, high_y, 0), (high_x, high_y, 0), (high_x, high_y, level), (low_x, high_y, level)], colour
        )
    if eye[0] > low_x:
        canvas.polygon(
            [(low_x, low_y, 0), (low_x, high_y, 0), (low_x, high_y, level), (low_x, low_y, level)], 0.85 * colour
        )
    if eye[0] < high_x:
        canvas.polygon(
            [(high_x, low_y, 0), (high_x, high_y, 0), (high_x, high_y, level), (high_x, low_y, level)], 0.85 * colour
        )


def _reflected_colours(
    canvas: Canvas, rays: np.ndarray, slope_x: np.ndarray | None, slope_y: np.ndarray | None, beyond: np.ndarray
) -> np.ndarray:
    """Mirror image in a level surface with the given slopes [h, w, 3], float32.

    Directions outside the canvas give `beyond`.
    """
    mirrored = rays.copy()
    mirrored[..., 2] *= -1
    if slope_x is not None:
        mirrored[..., 0] += slope_x
        mirrored[..., 1] += slope_y
    in_camera = mirrored @ canvas.camera.rotation[0].T.astype(np.float32)
    depth = np.maximum(in_camera[..., 2], 1e-3)
    focal = np.float32(canvas.camera.focal[0])
    columns = focal * in_camera[..., 0] / depth + np.float32(canvas.camera.principal_point[0] - 0.5)
    rows = focal * in_camera[..., 1] / depth + np.float32(canvas.camera.principal_point[1] - 0.5)
    height = canvas.shape[0]
    blurred = cv2.blur(canvas.colour, (3, max(3, height // 30) | 1))
    # Directions above the canvas continue its upper edge and fade into the mean of the surroundings.
    rows_inside = np.clip(rows, 0, height - 1)
    colours = cv2.remap(blurred, columns, rows_inside, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )
    fade = np.clip((rows_inside - rows) / (0.25 * height), 0, 1)[..., None]
    return colours + fade * (beyond - colours)


def _water_colours(
    canvas: Canvas,
    rng: np.random.Generator,
    venue: Venue,
    noise: TiledNoise,
    surface: _PlaneView,
    shadows: Sequence[np.ndarray],
) -> np.ndarray:
    """Colour of the water's surface [h, w, 3]."""
    x, y, along, cosine = surface.x, surface.y, surface.along, surface.cosine
    choppiness = np.float32(rng.uniform(0.3, 1.3))
    fade = 1 / (1 + (along / 0.35) ** 2)
    fade_fine = 1 / (1 + (along / 0.12) ** 2)
    angle = rng.uniform(0, 6.3)
    long_wave, wave = noise.at(x, y, 40, angle), noise.at(x, y, 14, angle + 1) * fade
    fine, other = noise.at(x, y, 5, angle + 2) * fade_fine, noise.at(y, x, 12, angle + 2.5) * fade
    small = noise.at(x, y, 2.1, angle + 4) / (1 + (along / 0.05) ** 2)
    slope_x = choppiness * (wave + 0.7 * fine + 0.5 * small)
    slope_y = choppiness * (other - 0.6 * fine + 0.5 * small)
    # Schlick's reflectance, reduced because a rough surface never reflects fully at grazing angles.
    reflectance = 0.02 + np.float32(rng.uniform(0.45, 0.85)) * (1 - cosine) ** 4
    reflectance = np.clip(reflectance * (1 + 0.35 * slope_x), 0.01, 0.95)
    beyond = np.array(venue.wall, np.float32) * venue.surroundings_brightness
    beyond = beyond + 0.5 * ((215, 225, 235) - beyond) if not venue.indoor else beyond * 0.9
    reflected = _reflected_colours(canvas, surface.rays, 0.02 * slope_x, 0.02 * slope_y, beyond)

    deep = np.array(venue.water, np.float32)
    turbidity = np.float32(rng.uniform(0.35, 0.8))
    bend = (REFRACTION_SHIFT_M * slope_x, REFRACTION_SHIFT_M * slope_y)
    floor = _floor_colours(rng, venue, noise, surface, bend)
    # Straight down the colour is deeper; towards the horizon the way through the water is long and turns pale.
    body = deep * (np.float32(rng.uniform(0.75, 1.0)) + (1 - cosine)[..., None] * np.float32(rng.uniform(-0.2, 0.35)))
    body = body * (1 + 0.05 * long_wave + 0.06 * slope_x)[..., None]
    under_water = body + (1 - turbidity) * (floor - body)
    colours = under_water + reflectance[..., None] * (reflected - under_water)
    colours *= 1 - 0.3 * _shadow_strength(canvas, shadows, x, y)[..., None]
    _add_glints(rng, colours, venue, x, y, (wave, fine, small))
    _add_sprayed_patches(rng, colours, noise, x, y)
    return colours


def _floor_colours(
    rng: np.random.Generator,
    venue: Venue,
    noise: TiledNoise,
    surface: _PlaneView,
    bend: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Colour of the pool's floor [h, w, 3] through the water, with lane lines and tiles; `bend`: shift in x and y."""
    depth = rng.uniform(3.5, 5.5)
    level = np.sqrt(np.maximum(1 - surface.cosine**2, 1e-6))
    under = level / 1.33
    run = np.float32(depth) * under / np.sqrt(1 - under**2) / level
    floor_x = surface.x + surface.rays[..., 0] * run + bend[0]
    floor_y = surface.y + surface.rays[..., 1] * run + bend[1]
    colour = np.clip(np.array(venue.water) * rng.uniform(1.05, 1.5) + rng.uniform(0, 40), 0, 255)
    brightness = 1 + 0.06 * noise.at(floor_x, floor_y, 18, 1.1)
    caustics = noise.at(floor_x, floor_y, 7, 0.4)
    brightness += np.float32(rng.uniform(0.0, 0.12)) * np.abs(caustics)
    image = np.array(colour, np.float32) * brightness[..., None]
    if rng.random() < 0.7:
        across, pitch = (floor_x, rng.uniform(2.0, 4.5)) if rng.random() < 0.7 else (floor_y, rng.uniform(2, 4.5))
        half = rng.uniform(0.1, 0.3)
        edge = np.abs((across / np.float32(pitch) + np.float32(rng.random())) % 1 - 0.5) * pitch
        line = np.clip((half - edge) / 0.12 + 0.5, 0, 1)
        ends = np.clip((floor_y - venue.pool[2] - 2) / 0.3, 0, 1) * np.clip((venue.pool[3] - 2 - floor_y) / 0.3, 0, 1)
        paint = np.array(rng.choice([(8, 20, 60), (20, 25, 35), (230, 235, 240), (10, 60, 120)]), np.float32)
        image += (line * ends * np.float32(rng.uniform(0.5, 1.0)))[..., None] * (paint - image)
    if rng.random() < 0.25:
        ring = np.hypot(floor_x - rng.uniform(2, 9), floor_y - rng.uniform(-4, 4))
        line = np.clip(1.5 - np.abs(ring - rng.uniform(0.8, 2)) / 0.12, 0, 1)
        image += (0.7 * line)[..., None] * (np.array((10, 30, 80), np.float32) - image)
    # Walls of the basin: the floor ends there.
    margin = np.minimum(
        np.minimum(floor_x - venue.pool[0], venue.pool[1] - floor_x),
        np.minimum(floor_y - venue.pool[2], venue.pool[3] - floor_y),
    )
    wall = np.clip(0.5 - margin / 0.3, 0, 1)[..., None]
    tone = np.float32(rng.uniform(0.6, 1.5))
    return image + wall * (np.clip(image * tone, 0, 255) - image)


def _shadow_strength(canvas: Canvas, shadows: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of the overhead light [h, w] that polygons above the water block."""
    dark = np.zeros(x.shape, np.float32)
    light = canvas.light.direction
    softness = 0.5 if canvas.light.ambient < 0.55 else 1.4
    for corners in shadows:
        cast = corners - corners[:, 2:] * (light / max(light[2], 0.2))
        low, high = cast.min(0).astype(np.float32), cast.max(0).astype(np.float32)
        inside_x = np.clip(np.minimum(x - low[0], high[0] - x) / softness + 0.5, 0, 1)
        inside_y = np.clip(np.minimum(y - low[1], high[1] - y) / softness + 0.5, 0, 1)
        dark = np.maximum(dark, inside_x * inside_y)
    return dark * np.float32(1.3 - canvas.light.ambient)


def _add_glints(
    rng: np.random.Generator,
    colours: np.ndarray,
    venue: Venue,
    x: np.ndarray,
    y: np.ndarray,
    waves: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Add specular glints of ripples that face a lamp or the sun; strongest in a streak towards it. In place."""
    wave, fine, small = waves
    strength = rng.uniform(15, 120) * (1.2 if not venue.indoor else 0.7)
    crests = np.clip(0.6 * wave + 0.7 * fine + 0.8 * small - np.float32(rng.uniform(1.1, 2.6)), 0, 1.2)
    for _ in range(int(rng.integers(0, 3))):
        middle, width = np.float32(rng.uniform(-4, 14)), np.float32(rng.uniform(0.8, 5))
        crests = crests * (1 + 3 * np.exp(-(((x - middle) / width) ** 2)))
    if rng.random() < 0.35:  # the broad glare of a window or lamp
        glare = np.exp(
            -(((x - rng.uniform(-2, 16)) / rng.uniform(1, 4)) ** 2)
            - ((y - rng.uniform(-9, 9)) / rng.uniform(1, 6)) ** 2
        )
        crests = crests + glare.astype(np.float32) * np.float32(rng.uniform(0.1, 0.6)) * (1 + 0.5 * wave)
    colours += (np.float32(strength) * crests)[..., None]


def _add_sprayed_patches(
    rng: np.random.Generator, colours: np.ndarray, noise: TiledNoise, x: np.ndarray, y: np.ndarray
) -> None:
    """Add patches of broken white where jets agitate the surface, in place."""
    if rng.random() > 0.45:
        return
    for _ in range(int(rng.integers(1, 4))):
        centre = (rng.uniform(-1, 7), rng.uniform(-4, 4))
        size = (rng.uniform(0.4, 1.8), rng.uniform(0.4, 1.8))
        patch = np.exp(-(((x - centre[0]) / size[0]) ** 2) - ((y - centre[1]) / size[1]) ** 2)
        foam = np.clip(patch * (0.5 + 0.5 * noise.at(x, y, 2.2, 0.9)) * rng.uniform(0.5, 1.6), 0, 0.85)
        colours += foam.astype(np.float32)[..., None] * (np.array((232, 240, 245), np.float32) - colours)
