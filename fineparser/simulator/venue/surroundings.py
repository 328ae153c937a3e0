"""Surroundings beyond the deck: an indoor hall, an outdoor pool's sky, trees and town, or a bare background."""

import cv2
import numpy as np

from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.facade import FacadePlane, paint_facade
from fineparser.simulator.venue.texture import random_pattern, value_noise
from fineparser.simulator.venue.venue import Venue, hsv_colour


def paint_surroundings(canvas: Canvas, rng: np.random.Generator, venue: Venue) -> None:
    """Paint everything behind the pool deck. Covers the whole canvas."""
    if rng.random() < 0.06:
        _paint_bare(canvas, rng, venue)
    elif venue.indoor:
        _paint_hall(canvas, rng, venue)
    else:
        _paint_outdoors(canvas, rng, venue)
    if rng.random() < 0.25:  # the lens is focused on the diver
        canvas.blur(rng.uniform(0.8, 4.0))


def _paint_bare(canvas: Canvas, rng: np.random.Generator, venue: Venue) -> None:
    """Paint one colour, a gradient or a random pattern."""
    height, width = canvas.shape
    if rng.random() < 0.4:
        canvas.colour[:] = random_pattern(rng, width, height, [*venue.theme, venue.wall, (128, 128, 128)])
        return
    ends = np.array([venue.wall, venue.theme[0] if rng.random() < 0.5 else venue.wall]) * venue.surroundings_brightness
    share = np.linspace(0, 1, height)[:, None, None]
    image = ends[0] + share * (ends[1] - ends[0]) + rng.uniform(0, 10) * value_noise(rng, height, width)[..., None]
    canvas.colour[:] = image.clip(0, 255).astype(np.uint8)


def _paint_hall(canvas: Canvas, rng: np.random.Generator, venue: Venue) -> None:
    canvas.colour[:] = np.clip(np.array(venue.wall) * venue.surroundings_brightness * 0.6, 0, 255).astype(np.uint8)
    roof = rng.uniform(14, 26)
    occupied = rng.choice([0.0, 0.35, 0.7])
    _paint_roof(canvas, rng, venue, roof)
    for axis, at, probability in (
        (0, venue.walls[0], 0.25 * occupied),
        (0, venue.walls[1], occupied),
        (1, venue.far_y, occupied),
    ):
        paint_facade(canvas, rng, venue, FacadePlane(axis=axis, position=at), roof - rng.uniform(0, 2), probability)


def _paint_roof(canvas: Canvas, rng: np.random.Generator, venue: Venue, roof: float) -> None:
    """Paint a ceiling with beams, trusses and lamps."""
    if canvas.camera.rays(np.array([canvas.shape[1] / 2, 0.0]))[2] < 0.02:
        return
    low, high = np.array([-40.0, -60.0]), np.array([70.0, 60.0])
    colour = np.clip(rng.uniform(20, 235) + rng.normal(0, 8, 3), 0, 255) * venue.surroundings_brightness
    plane = [(low[0], low[1], roof), (high[0], low[1], roof), (high[0], high[1], roof), (low[0], high[1], roof)]
    canvas.polygon(plane, colour)
    beam = np.clip(colour * rng.choice([0.5, 0.75, 1.4]), 0, 255)
    beams = []
    for x in np.arange(low[0], high[0], rng.uniform(3, 8)):
        beams.append(((x, low[1], roof - 0.5), (x, high[1], roof - 0.5)))
    if rng.random() < 0.5:
        for y in np.arange(low[1], high[1], rng.uniform(4, 9)):
            beams.append(((low[0], y, roof - 1.2), (high[0], y, roof - 1.2)))
    ends = np.array(beams)
    distance = -np.abs(ends[:, 0, :2] - canvas.camera.position[:2]).max(1)
    ends = ends[np.argsort(distance)]
    canvas.tubes(ends[:, 0], ends[:, 1], np.full(len(ends), rng.uniform(0.1, 0.35)), [beam] * len(ends))
    lamp = (255, 252, rng.uniform(225, 255))
    rows = np.arange(-15, 16, rng.uniform(5, 10))
    columns = np.arange(-10, 40, rng.uniform(3, 8))
    if rng.random() < 0.5:
        for x in columns:
            for y in rows:
                canvas.ball((x, y, roof - 1.0), rng.uniform(0.1, 0.3), lamp)
        return
    places = np.stack([*np.meshgrid(columns, rows)], -1).reshape(-1, 2)
    tube = np.array([rng.uniform(0.3, 2.0), 0, 0])
    starts = np.column_stack([places, np.full(len(places), roof - 1.0)])
    canvas.tubes(starts, starts + tube, np.full(len(starts), 0.1), [lamp] * len(starts), 0.0)


def _paint_outdoors(canvas: Canvas, rng: np.random.Generator, venue: Venue) -> None:
    height, width = canvas.shape
    grid = np.stack(np.meshgrid(np.linspace(0, width, 9), np.linspace(0, height, 13)), -1)
    rise = cv2.resize(canvas.camera.rays(grid)[..., 2].astype(np.float32), (width, height))
    zenith, horizon = _sample_sky_colours(rng)
    share = np.clip(rise * rng.uniform(1.2, 3), 0, 1)[..., None]
    sky = horizon + share * (zenith - horizon)
    if rng.random() < 0.6:
        cover = np.clip(value_noise(rng, height, width, cells=3, octaves=4) - rng.uniform(-0.5, 0.8), 0, 1)[..., None]
        sky = sky + cover * rng.uniform(0.5, 1) * (rng.uniform(190, 255) - sky)
    canvas.colour[:] = sky.clip(0, 255).astype(np.uint8)
    far = venue.far_y - venue.side * 8
    ground = np.clip(rng.uniform([60, 80, 40], [170, 170, 140]), 0, 255)
    canvas.polygon([(-500, -500, 0.0), (500, -500, 0.0), (500, 500, 0.0), (-500, 500, 0.0)], ground)
    if rng.random() < 0.5:
        _paint_hills(canvas, rng, venue)
    if rng.random() < 0.5:
        _paint_town(canvas, rng, venue, far)
    if rng.random() < 0.65:
        _paint_trees(canvas, rng, venue, far)
    if rng.random() < 0.6:
        paint_facade(
            canvas, rng, venue, FacadePlane(axis=1, position=venue.far_y), rng.uniform(1.0, 9.0), rng.choice([0.2, 0.8])
        )
    if rng.random() < 0.5:
        paint_facade(canvas, rng, venue, FacadePlane(axis=0, position=venue.walls[0]), rng.uniform(1.0, 8.0), 0.2)
    if rng.random() < 0.5:
        paint_facade(canvas, rng, venue, FacadePlane(axis=0, position=venue.walls[1]), rng.uniform(1.0, 8.0), 0.6)


def _sample_sky_colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    weather = rng.random()
    if weather < 0.6:
        return np.array(
            hsv_colour(rng, rng.uniform(0.55, 0.61), rng.uniform(0.4, 0.9), rng.uniform(0.5, 0.95))
        ), np.array(hsv_colour(rng, 0.57, rng.uniform(0.05, 0.35), rng.uniform(0.8, 1)))
    if weather < 0.88:
        grey = rng.uniform(140, 250)
        return np.full(3, grey * rng.uniform(0.8, 1.0)), np.full(3, grey)
    return np.array(hsv_colour(rng, 0.63, 0.6, rng.uniform(0.05, 0.4))), np.array(
        hsv_colour(rng, rng.uniform(0.02, 0.1), 0.5, rng.uniform(0.4, 0.9))
    )


def _sample_places(rng: np.random.Generator, canvas: Canvas, distance: float, count: int) -> np.ndarray:
    """Sample world (x, y) of `count` places in the canvas's field of view, about `distance` metres away."""
    height, width = canvas.shape
    pixels = np.stack([rng.uniform(-0.1 * width, 1.1 * width, count), np.full(count, height / 2)], -1)
    rays = canvas.camera.rays(pixels)[:, :2]
    rays /= np.linalg.norm(rays, axis=1, keepdims=True) + 1e-9
    return canvas.camera.position[:2] + rays * rng.uniform(0.8, 1.3, (count, 1)) * distance


def _paint_hills(canvas: Canvas, rng: np.random.Generator, venue: Venue) -> None:
    height, width = canvas.shape
    for distance, haze in ((900, 0.7), (500, 0.4)):
        columns = np.linspace(-0.1 * width, 1.1 * width, 14)
        rays = canvas.camera.rays(np.stack([columns, np.full(14, height / 2)], -1))
        rays = rays[:, :2] / (np.linalg.norm(rays[:, :2], axis=1, keepdims=True) + 1e-9)
        ridge = distance * (0.03 + 0.07 * rng.random(14))
        colour = np.array([70, 95, 70]) * rng.uniform(0.5, 1.1) * (1 - haze) + haze * np.array([170, 185, 200])
        place = canvas.camera.position[:2] + distance * rays
        for i in range(13):
            quad = [(*place[i], 0), (*place[i], ridge[i]), (*place[i + 1], ridge[i + 1]), (*place[i + 1], 0)]
            canvas.polygon(quad, colour)


def _paint_town(canvas: Canvas, rng: np.random.Generator, venue: Venue, far: float) -> None:
    places = _sample_places(rng, canvas, rng.uniform(50, 150), 14)
    places = places[np.argsort(-np.linalg.norm(places - canvas.camera.position[:2], axis=1))]
    for x, y in places:
        if (y - far) * venue.side > 0 and abs(x) < 40:
            continue
        half, high = rng.uniform(4, 14), rng.uniform(6, 45)
        colour = np.clip(rng.uniform(70, 235) + rng.normal(0, 14, 3), 0, 255)
        canvas.box((x - half, y - half, 0), (x + half, y + half, high), colour)
        storeys = np.arange(2.0, high, rng.uniform(3, 4))
        edge = y + half * np.sign(canvas.camera.position[1] - y)
        glass = [colour * 0.6] * len(storeys)
        starts = [(x - half * 0.9, edge, z) for z in storeys]
        canvas.tubes(starts, [(x + half * 0.9, edge, z) for z in storeys], np.full(len(storeys), 0.6), glass, 0.0)


def _paint_trees(canvas: Canvas, rng: np.random.Generator, venue: Venue, far: float) -> None:
    count = int(rng.integers(8, 40))
    places = _sample_places(rng, canvas, rng.uniform(35, 90), count)
    places = places[np.argsort(-np.linalg.norm(places - canvas.camera.position[:2], axis=1))]
    leaf = np.array(hsv_colour(rng, rng.uniform(0.2, 0.38), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.55)))
    palms = rng.random() < 0.2
    bare = canvas.colour.copy()
    for x, y in places:
        high, spread = rng.uniform(5, 16), rng.uniform(1.2, 3.0)
        if palms:
            spread *= 0.5
        if palms or rng.random() < 0.3:
            canvas.tubes([(x, y, 0)], [(x, y, high)], [0.2], [(90, 70, 50)])
        low = 0.8 * high if palms else 0.25 * high
        clumps = np.stack([x + rng.normal(0, spread, 26), np.full(26, y), rng.uniform(low, high, 26)], -1)
        # Dark core first, lit leaves over it.
        for place, size, tone in zip(clumps, np.linspace(0.9, 0.15, 26), np.linspace(0.55, 1.35, 26), strict=True):
            canvas.ball(
                place, spread * size * rng.uniform(0.6, 1.1), np.clip(leaf * tone * rng.uniform(0.8, 1.2), 0, 255)
            )
    _roughen(canvas, rng, bare, canvas.pixels_per_metre((*places.mean(0), 3.0)))


def _roughen(canvas: Canvas, rng: np.random.Generator, bare: np.ndarray, per_metre: float) -> None:
    """Give everything painted since `bare` leafy edges and speckled light; `per_metre` is in pixels."""
    planted = (canvas.colour != bare).any(2)
    if not planted.any():
        return
    rows = np.flatnonzero(planted.any(1))
    reach = max(2, round(0.5 * per_metre))
    part = np.s_[max(rows[0] - reach, 0) : rows[-1] + reach]
    height, width = planted[part].shape
    cells = max(4, round(min(height, width) / max(3.0, 0.5 * per_metre)))
    shift_x, shift_y, light = (value_noise(rng, height, width, cells, 2, 0.8) for _ in range(3))
    columns = np.arange(width, dtype=np.float32)[None] + np.float32(0.22 * per_metre) * shift_x
    lines = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.22 * per_metre) * shift_y
    leaves = cv2.remap(canvas.colour[part], columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.remap(planted[part].astype(np.float32), columns, lines, cv2.INTER_LINEAR)[..., None]
    leaves = np.clip(leaves * (1 + 0.16 * light[..., None]), 0, 255)
    canvas.colour[part] = (bare[part] + cover * (leaves - bare[part])).astype(np.uint8)
