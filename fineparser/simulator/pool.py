"""The pool and its deck, painted pixel by pixel: what is mirrored in the water, what is seen through it, ripples."""

import cv2
import numpy as np

TILE = 256  # pixels across the periodic noise that ripples and dirt are made of
LENS_SPREAD = 0.2  # how strongly ripples bend the view of the floor


def paint_pool(canvas, rng, site, shadows=()):
    """Paint deck and water over the lower part of the canvas.

    Args:
        canvas: surroundings already painted (they are mirrored in the water).
        shadows: polygons [n, 3] of things overhead whose shadow falls on the water.

    Returns:
        float32 [h, w], the share of each pixel that is open water.
    """
    tall, wide = canvas.shape
    water = np.zeros(canvas.shape, np.float32)
    horizon = canvas.camera.rays(np.stack([np.full(tall, wide / 2), np.arange(tall) + 0.5], -1))[:, 2] < -1.5e-3
    if not horizon.any():
        return water
    first = int(horizon.argmax())  # the panorama is level: whole rows lie below the horizon
    across, down = np.meshgrid(np.arange(wide) + 0.5, np.arange(first, tall) + 0.5)
    rays = canvas.camera.rays(np.stack([across, down], -1)).astype(np.float32)
    falling = np.minimum(rays[..., 2], -1e-3)
    grain = Grain.sample(rng)
    _paint_deck(canvas, rng, site, grain, rays, falling, first)
    eye = canvas.camera.position
    reach = np.float32(-eye[2]) / falling  # metres along the ray to z = 0
    x, y = np.float32(eye[0]) + rays[..., 0] * reach, np.float32(eye[1]) + rays[..., 1] * reach
    pixel = reach / np.float32(canvas.camera.focal[0])  # metres a pixel covers across the ray
    wet = _inside(site.pool, x, y, pixel, pixel / -falling)
    # The rim stands deck_level above the water and hides its near edges.
    lifted = (np.float32(site.deck_level) - np.float32(eye[2])) / falling
    deck_x, deck_y = np.float32(eye[0]) + rays[..., 0] * lifted, np.float32(eye[1]) + rays[..., 1] * lifted
    wet *= _inside(site.pool, deck_x, deck_y, pixel, pixel / -falling)
    if wet.max() > 0:
        rows = np.flatnonzero(wet.max(1) > 0)
        columns = np.flatnonzero(wet.max(0) > 0)
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        surface = _water(canvas, rng, site, grain, rays[part], falling[part], x[part], y[part], pixel[part], shadows)
        area = canvas.colour[first:][part]
        area[:] = (area + wet[part][..., None] * (surface - area)).clip(0, 255).astype(np.uint8)
    water[first:] = wet
    return water


class Grain:
    """Periodic noise, looked up by world metres; fades where a pixel covers more than the grain."""

    def __init__(self, tile):
        self.tile = tile

    @classmethod
    def sample(cls, rng):
        """Draw a tile with detail at several scales."""
        spectrum = rng.standard_normal((TILE, TILE // 2 + 1)) + 1j * rng.standard_normal((TILE, TILE // 2 + 1))
        fy = np.fft.fftfreq(TILE)[:, None] * TILE
        fx = np.fft.rfftfreq(TILE)[None] * TILE
        frequency = np.hypot(fx, fy)
        spectrum *= (frequency > 2.5) * np.exp(-((frequency / 26) ** 2)) / (3 + frequency) ** 1.5
        tile = np.fft.irfft2(spectrum, s=(TILE, TILE))
        return cls((tile / tile.std()).astype(np.float32))

    def at(self, x, y, metres, angle=0.0):
        """Noise [h, w] where the tile covers `metres`, turned by `angle` radians."""
        per = np.float32(TILE / metres)
        cos, sin = np.float32(np.cos(angle)) * per, np.float32(np.sin(angle)) * per
        return cv2.remap(
            self.tile,
            (cos * x - sin * y) % TILE,
            (sin * x + cos * y) % TILE,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )


def _inside(bounds, x, y, soft_across, soft_along):
    """How far inside a rectangle, as a soft mask: 0 outside, 1 inside, a ramp about a pixel wide."""
    low_x, high_x, low_y, high_y = (np.float32(v) for v in bounds)
    soft = np.float32(0.5) * (soft_across + soft_along)
    edge_x = np.minimum(x - low_x, high_x - x) / soft
    edge_y = np.minimum(y - low_y, high_y - y) / soft
    return np.clip(np.minimum(edge_x, edge_y) + 0.5, 0, 1).astype(np.float32)


def _paint_deck(canvas, rng, site, grain, rays, falling, first):
    eye = canvas.camera.position
    reach = np.float32(site.deck_level - eye[2]) / falling
    x, y = np.float32(eye[0]) + rays[..., 0] * reach, np.float32(eye[1]) + rays[..., 1] * reach
    pixel = reach / np.float32(canvas.camera.focal[0])
    low_x, high_x, low_y, high_y = site.walls
    # Nothing is built on the camera's side: the deck runs on underneath it.
    low_y, high_y = (low_y, 90.0) if site.side > 0 else (-90.0, high_y)
    low_x, high_x = (low_x if eye[0] > low_x else -90.0), (high_x if eye[0] < high_x else 120.0)
    mask = _inside((low_x, high_x, low_y, high_y), x, y, pixel, pixel / -falling)
    if mask.max() == 0 or eye[2] <= site.deck_level:
        return
    bright = 1 + np.float32(0.05) * grain.at(x, y, 30) + np.float32(0.03) * grain.at(x, y, 6, 0.7)
    along = pixel / -falling
    tile = np.float32(rng.choice([0.2, 0.3, 0.6, 1.2]))
    joints = np.maximum(np.abs((x / tile) % 1 - 0.5), np.abs((y / tile) % 1 - 0.5)) > 0.46
    fade = np.clip(1 - along / tile * 1.5, 0, 1)
    bright -= np.float32(rng.choice([0.0, 0.12, 0.25])) * joints * fade
    colour = np.array(site.deck, np.float32) * bright[..., None]
    if rng.random() < 0.5:  # wet: puddles mirror what is bright beyond
        wet = np.clip(grain.at(x, y, 22, 0.3) - rng.uniform(0.0, 1.2), 0, 1)
        mirrored = _mirror(canvas, rays, None, None, np.array(site.wall, np.float32) * site.gloom)
        colour += (0.45 * wet)[..., None] * (mirrored - 0.7 * colour)
    # A strip of gutter and coping along the edge.
    near_pool = _inside(
        (site.pool[0] - 0.6, site.pool[1] + 0.6, site.pool[2] - 0.6, site.pool[3] + 0.6), x, y, pixel, along
    )
    strip = np.array(rng.choice([(240, 240, 235), (200, 215, 220), site.theme[0], (90, 110, 125)]), np.float32)
    if rng.random() < 0.7:
        colour += (0.8 * near_pool)[..., None] * (strip * bright[..., None] - colour)
    area = canvas.colour[first:]
    area[:] = (area + mask[..., None] * (colour - area)).clip(0, 255).astype(np.uint8)
    _paint_rim(canvas, rng, site)


def _paint_rim(canvas, rng, site):
    """The pool's inner wall between deck and water."""
    low_x, high_x, low_y, high_y = site.pool
    colour = np.array(rng.choice([(225, 230, 232), site.theme[0], site.water]), dtype=float)
    eye = canvas.camera.position
    level = site.deck_level
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


def _mirror(canvas, rays, tilt_x, tilt_y, beyond):
    """What a level mirror shows [h, w, 3], float32; directions outside the canvas give `beyond`."""
    mirrored = rays.copy()
    mirrored[..., 2] *= -1
    if tilt_x is not None:
        mirrored[..., 0] += tilt_x
        mirrored[..., 1] += tilt_y
    seen = mirrored @ canvas.camera.rotation[0].T.astype(np.float32)
    depth = np.maximum(seen[..., 2], 1e-3)
    focal = np.float32(canvas.camera.focal[0])
    columns = focal * seen[..., 0] / depth + np.float32(canvas.camera.principal_point[0] - 0.5)
    rows = focal * seen[..., 1] / depth + np.float32(canvas.camera.principal_point[1] - 0.5)
    tall = canvas.shape[0]
    blurred = cv2.blur(canvas.colour, (3, max(3, tall // 30) | 1))
    # Directions above the canvas continue its upper edge, fading into the mean of the surroundings.
    rows_inside = np.clip(rows, 0, tall - 1)
    shown = cv2.remap(blurred, columns, rows_inside, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )
    lost = np.clip((rows_inside - rows) / (0.25 * tall), 0, 1)[..., None]
    return shown + lost * (beyond - shown)


def _water(canvas, rng, site, grain, rays, falling, x, y, pixel, shadows):
    chop = np.float32(rng.uniform(0.3, 1.3))
    along = pixel / -falling
    fade = 1 / (1 + (along / 0.35) ** 2)
    fade_fine = 1 / (1 + (along / 0.12) ** 2)
    turn = rng.uniform(0, 6.3)
    wide_wave, wave = grain.at(x, y, 40, turn), grain.at(x, y, 14, turn + 1) * fade
    fine, other = grain.at(x, y, 5, turn + 2) * fade_fine, grain.at(y, x, 12, turn + 2.5) * fade
    small = grain.at(x, y, 2.1, turn + 4) / (1 + (along / 0.05) ** 2)
    slope_x, slope_y = chop * (wave + 0.7 * fine + 0.5 * small), chop * (other - 0.6 * fine + 0.5 * small)
    cosine = -falling
    # Schlick's mirror share, softened because a rough surface never mirrors fully at grazing angles.
    mirror = 0.02 + np.float32(rng.uniform(0.45, 0.85)) * (1 - cosine) ** 4
    mirror = np.clip(mirror * (1 + 0.35 * slope_x), 0.01, 0.95)
    beyond = np.array(site.wall, np.float32) * site.gloom
    beyond = beyond + 0.5 * ((215, 225, 235) - beyond) if not site.indoor else beyond * 0.9
    mirrored = _mirror(canvas, rays, 0.02 * slope_x, 0.02 * slope_y, beyond)

    deep = np.array(site.water, np.float32)
    haze = np.float32(rng.uniform(0.35, 0.8))
    floor = _floor(rng, site, rays, cosine, x, y, LENS_SPREAD * slope_x, LENS_SPREAD * slope_y, grain, along)
    # Looking down one sees deeper colour; towards the horizon the water's path is long and turns pale.
    body = deep * (np.float32(rng.uniform(0.75, 1.0)) + (1 - cosine)[..., None] * np.float32(rng.uniform(-0.2, 0.35)))
    body = body * (1 + 0.05 * wide_wave + 0.06 * slope_x)[..., None]
    seen = body + (1 - haze) * (floor - body)
    surface = seen + mirror[..., None] * (mirrored - seen)
    surface *= 1 - 0.3 * _shadow(canvas, shadows, x, y, rng)[..., None]
    _sparkle(rng, surface, site, wave, fine, small, x, y)
    _spray(rng, surface, grain, x, y)
    return surface


def _floor(rng, site, rays, cosine, x, y, bend_x, bend_y, grain, along):
    """Colour of the pool's floor [h, w, 3] seen through the water, with lane lines and tiles."""
    depth = rng.uniform(3.5, 5.5)
    level = np.sqrt(np.maximum(1 - cosine**2, 1e-6))
    under = level / 1.33
    run = np.float32(depth) * under / np.sqrt(1 - under**2) / level
    floor_x, floor_y = x + rays[..., 0] * run + bend_x, y + rays[..., 1] * run + bend_y
    colour = np.clip(np.array(site.water) * rng.uniform(1.05, 1.5) + rng.uniform(0, 40), 0, 255)
    bright = 1 + 0.06 * grain.at(floor_x, floor_y, 18, 1.1)
    caustics = grain.at(floor_x, floor_y, 7, 0.4)
    bright += np.float32(rng.uniform(0.0, 0.12)) * np.abs(caustics)
    picture = np.array(colour, np.float32) * bright[..., None]
    if rng.random() < 0.7:
        across, pitch = (floor_x, rng.uniform(2.0, 4.5)) if rng.random() < 0.7 else (floor_y, rng.uniform(2, 4.5))
        half = rng.uniform(0.1, 0.3)
        edge = np.abs((across / np.float32(pitch) + np.float32(rng.random())) % 1 - 0.5) * pitch
        line = np.clip((half - edge) / 0.12 + 0.5, 0, 1)
        ends = np.clip((floor_y - site.pool[2] - 2) / 0.3, 0, 1) * np.clip((site.pool[3] - 2 - floor_y) / 0.3, 0, 1)
        ink = np.array(rng.choice([(8, 20, 60), (20, 25, 35), (230, 235, 240), (10, 60, 120)]), np.float32)
        picture += (line * ends * np.float32(rng.uniform(0.5, 1.0)))[..., None] * (ink - picture)
    if rng.random() < 0.25:
        ring = np.hypot(floor_x - rng.uniform(2, 9), floor_y - rng.uniform(-4, 4))
        line = np.clip(1.5 - np.abs(ring - rng.uniform(0.8, 2)) / 0.12, 0, 1)
        picture += (0.7 * line)[..., None] * (np.array((10, 30, 80), np.float32) - picture)
    # Walls of the basin: the floor ends there.
    margin = np.minimum(
        np.minimum(floor_x - site.pool[0], site.pool[1] - floor_x),
        np.minimum(floor_y - site.pool[2], site.pool[3] - floor_y),
    )
    wall = np.clip(0.5 - margin / 0.3, 0, 1)[..., None]
    tone = np.float32(rng.uniform(0.6, 1.5))
    return picture + wall * (np.clip(picture * tone, 0, 255) - picture)


def _shadow(canvas, shadows, x, y, rng):
    """How much of the overhead light is taken away [h, w] by polygons above the water."""
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


def _sparkle(rng, surface, site, wave, fine, small, x, y):
    """Specular glints where ripples face a lamp or the sun; strongest in a streak towards it."""
    strength = rng.uniform(15, 120) * (1.2 if not site.indoor else 0.7)
    crests = np.clip(0.6 * wave + 0.7 * fine + 0.8 * small - np.float32(rng.uniform(1.1, 2.6)), 0, 1.2)
    for _ in range(int(rng.integers(0, 3))):
        middle, width = np.float32(rng.uniform(-4, 14)), np.float32(rng.uniform(0.8, 5))
        crests = crests * (1 + 3 * np.exp(-(((x - middle) / width) ** 2)))
    if rng.random() < 0.35:  # a window's or lamp's broad glare
        glare = np.exp(
            -(((x - rng.uniform(-2, 16)) / rng.uniform(1, 4)) ** 2)
            - ((y - rng.uniform(-9, 9)) / rng.uniform(1, 6)) ** 2
        )
        crests = crests + glare.astype(np.float32) * np.float32(rng.uniform(0.1, 0.6)) * (1 + 0.5 * wave)
    surface += (np.float32(strength) * crests)[..., None]


def _spray(rng, surface, grain, x, y):
    """Patches where the agitator's jets hit the water: broken white grain, before and while the diver comes."""
    if rng.random() > 0.45:
        return
    for _ in range(int(rng.integers(1, 4))):
        centre = (rng.uniform(-1, 7), rng.uniform(-4, 4))
        size = (rng.uniform(0.4, 1.8), rng.uniform(0.4, 1.8))
        patch = np.exp(-(((x - centre[0]) / size[0]) ** 2) - ((y - centre[1]) / size[1]) ** 2)
        foam = np.clip(patch * (0.5 + 0.5 * grain.at(x, y, 2.2, 0.9)) * rng.uniform(0.5, 1.6), 0, 0.85)
        surface += foam.astype(np.float32)[..., None] * (np.array((232, 240, 245), np.float32) - surface)
