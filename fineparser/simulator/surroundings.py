"""Everything beyond the deck: an indoor hall, an outdoor pool's sky, trees and town, or deliberately almost nothing."""

import cv2
import numpy as np

from fineparser.simulator.facade import facade
from fineparser.simulator.site import vivid
from fineparser.simulator.texture import noise, pattern


def paint_surroundings(canvas, rng, site):
    """Paint all that lies behind the pool deck. Covers the whole canvas."""
    if rng.random() < 0.06:
        _bare(canvas, rng, site)
    elif site.indoor:
        _hall(canvas, rng, site)
    else:
        _outdoors(canvas, rng, site)
    if rng.random() < 0.25:  # the lens is focused on the diver
        canvas.soften(rng.uniform(0.8, 4.0))


def _bare(canvas, rng, site):
    """One colour, a gradient or a meaningless pattern."""
    tall, wide = canvas.shape
    if rng.random() < 0.4:
        canvas.colour[:] = pattern(rng, wide, tall, [*site.theme, site.wall, (128, 128, 128)])
        return
    ends = np.array([site.wall, site.theme[0] if rng.random() < 0.5 else site.wall]) * site.gloom
    share = np.linspace(0, 1, tall)[:, None, None]
    picture = ends[0] + share * (ends[1] - ends[0]) + rng.uniform(0, 10) * noise(rng, tall, wide)[..., None]
    canvas.colour[:] = picture.clip(0, 255).astype(np.uint8)


def _hall(canvas, rng, site):
    canvas.colour[:] = np.clip(np.array(site.wall) * site.gloom * 0.6, 0, 255).astype(np.uint8)
    roof = rng.uniform(14, 26)
    seated = rng.choice([0.0, 0.35, 0.7])
    _roof(canvas, rng, site, roof)
    for axis, at, chance in (
        (0, site.walls[0], 0.25 * seated),
        (0, site.walls[1], seated),
        (1, site.far_y, seated),
    ):
        facade(canvas, rng, site, axis, at, roof - rng.uniform(0, 2), chance)


def _roof(canvas, rng, site, roof):
    """Ceiling with beams, trusses and lamps."""
    if canvas.camera.rays(np.array([canvas.shape[1] / 2, 0.0]))[2] < 0.02:
        return
    low, high = np.array([-40.0, -60.0]), np.array([70.0, 60.0])
    colour = np.clip(rng.uniform(20, 235) + rng.normal(0, 8, 3), 0, 255) * site.gloom
    plane = [(low[0], low[1], roof), (high[0], low[1], roof), (high[0], high[1], roof), (low[0], high[1], roof)]
    canvas.polygon(plane, colour)
    beam = np.clip(colour * rng.choice([0.5, 0.75, 1.4]), 0, 255)
    starts, ends = [], []
    for x in np.arange(low[0], high[0], rng.uniform(3, 8)):
        starts.append((x, low[1], roof - 0.5))
        ends.append((x, high[1], roof - 0.5))
    if rng.random() < 0.5:
        for y in np.arange(low[1], high[1], rng.uniform(4, 9)):
            starts.append((low[0], y, roof - 1.2))
            ends.append((high[0], y, roof - 1.2))
    distance = -np.abs(np.array(starts)[:, :2] - canvas.camera.position[:2]).max(1)
    order = np.argsort(distance)
    starts, ends = np.array(starts)[order], np.array(ends)[order]
    canvas.tubes(starts, ends, np.full(len(starts), rng.uniform(0.1, 0.35)), [beam] * len(starts))
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


def _outdoors(canvas, rng, site):
    tall, wide = canvas.shape
    grid = np.stack(np.meshgrid(np.linspace(0, wide, 9), np.linspace(0, tall, 13)), -1)
    rise = cv2.resize(canvas.camera.rays(grid)[..., 2].astype(np.float32), (wide, tall))
    zenith, horizon = _sky_colours(rng)
    share = np.clip(rise * rng.uniform(1.2, 3), 0, 1)[..., None]
    sky = horizon + share * (zenith - horizon)
    if rng.random() < 0.6:
        cover = np.clip(noise(rng, tall, wide, coarse=3, octaves=4) - rng.uniform(-0.5, 0.8), 0, 1)[..., None]
        sky = sky + cover * rng.uniform(0.5, 1) * (rng.uniform(190, 255) - sky)
    canvas.colour[:] = sky.clip(0, 255).astype(np.uint8)
    far = site.far_y - site.side * 8
    ground = np.clip(rng.uniform([60, 80, 40], [170, 170, 140]), 0, 255)
    canvas.polygon([(-500, -500, 0.0), (500, -500, 0.0), (500, 500, 0.0), (-500, 500, 0.0)], ground)
    if rng.random() < 0.5:
        _hills(canvas, rng, site)
    if rng.random() < 0.5:
        _town(canvas, rng, site, far)
    if rng.random() < 0.65:
        _trees(canvas, rng, site, far)
    if rng.random() < 0.6:
        facade(canvas, rng, site, 1, site.far_y, rng.uniform(1.0, 9.0), rng.choice([0.2, 0.8]))
    if rng.random() < 0.5:
        facade(canvas, rng, site, 0, site.walls[0], rng.uniform(1.0, 8.0), 0.2)
    if rng.random() < 0.5:
        facade(canvas, rng, site, 0, site.walls[1], rng.uniform(1.0, 8.0), 0.6)


def _sky_colours(rng):
    weather = rng.random()
    if weather < 0.6:
        return np.array(vivid(rng, rng.uniform(0.55, 0.61), rng.uniform(0.4, 0.9), rng.uniform(0.5, 0.95))), np.array(
            vivid(rng, 0.57, rng.uniform(0.05, 0.35), rng.uniform(0.8, 1))
        )
    if weather < 0.88:
        grey = rng.uniform(140, 250)
        return np.full(3, grey * rng.uniform(0.8, 1.0)), np.full(3, grey)
    return np.array(vivid(rng, 0.63, 0.6, rng.uniform(0.05, 0.4))), np.array(
        vivid(rng, rng.uniform(0.02, 0.1), 0.5, rng.uniform(0.4, 0.9))
    )


def _around(rng, canvas, distance, count):
    """World (x, y) of `count` places in the directions that the canvas shows, about `distance` metres off."""
    tall, wide = canvas.shape
    pixels = np.stack([rng.uniform(-0.1 * wide, 1.1 * wide, count), np.full(count, tall / 2)], -1)
    rays = canvas.camera.rays(pixels)[:, :2]
    rays /= np.linalg.norm(rays, axis=1, keepdims=True) + 1e-9
    return canvas.camera.position[:2] + rays * rng.uniform(0.8, 1.3, (count, 1)) * distance


def _hills(canvas, rng, site):
    tall, wide = canvas.shape
    for distance, haze in ((900, 0.7), (500, 0.4)):
        columns = np.linspace(-0.1 * wide, 1.1 * wide, 14)
        rays = canvas.camera.rays(np.stack([columns, np.full(14, tall / 2)], -1))
        rays = rays[:, :2] / (np.linalg.norm(rays[:, :2], axis=1, keepdims=True) + 1e-9)
        ridge = distance * (0.03 + 0.07 * rng.random(14))
        colour = np.array([70, 95, 70]) * rng.uniform(0.5, 1.1) * (1 - haze) + haze * np.array([170, 185, 200])
        place = canvas.camera.position[:2] + distance * rays
        for i in range(13):
            quad = [(*place[i], 0), (*place[i], ridge[i]), (*place[i + 1], ridge[i + 1]), (*place[i + 1], 0)]
            canvas.polygon(quad, colour)


def _town(canvas, rng, site, far):
    places = _around(rng, canvas, rng.uniform(50, 150), 14)
    places = places[np.argsort(-np.linalg.norm(places - canvas.camera.position[:2], axis=1))]
    for x, y in places:
        if (y - far) * site.side > 0 and abs(x) < 40:
            continue
        half, high = rng.uniform(4, 14), rng.uniform(6, 45)
        colour = np.clip(rng.uniform(70, 235) + rng.normal(0, 14, 3), 0, 255)
        canvas.box((x - half, y - half, 0), (x + half, y + half, high), colour)
        storeys = np.arange(2.0, high, rng.uniform(3, 4))
        edge = y + half * np.sign(canvas.camera.position[1] - y)
        glass = [colour * 0.6] * len(storeys)
        starts = [(x - half * 0.9, edge, z) for z in storeys]
        canvas.tubes(starts, [(x + half * 0.9, edge, z) for z in storeys], np.full(len(storeys), 0.6), glass, 0.0)


def _trees(canvas, rng, site, far):
    count = int(rng.integers(8, 40))
    places = _around(rng, canvas, rng.uniform(35, 90), count)
    places = places[np.argsort(-np.linalg.norm(places - canvas.camera.position[:2], axis=1))]
    leaf = np.array(vivid(rng, rng.uniform(0.2, 0.38), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.55)))
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
        # Dark heart first, lit leaves over it.
        for place, size, tone in zip(clumps, np.linspace(0.9, 0.15, 26), np.linspace(0.55, 1.35, 26), strict=True):
            canvas.ball(
                place, spread * size * rng.uniform(0.6, 1.1), np.clip(leaf * tone * rng.uniform(0.8, 1.2), 0, 255)
            )
    _ruffle(canvas, rng, bare, canvas.pixels_per_metre((*places.mean(0), 3.0)))


def _ruffle(canvas, rng, bare, per_metre):
    """Give everything painted since `bare` leafy edges and speckled light; `per_metre` is its pixels to a metre."""
    planted = (canvas.colour != bare).any(2)
    if not planted.any():
        return
    rows = np.flatnonzero(planted.any(1))
    reach = max(2, round(0.5 * per_metre))
    part = np.s_[max(rows[0] - reach, 0) : rows[-1] + reach]
    tall, wide = planted[part].shape
    coarse = max(4, round(min(tall, wide) / max(3.0, 0.5 * per_metre)))
    shift_x, shift_y, light = (noise(rng, tall, wide, coarse, 2, 0.8) for _ in range(3))
    columns = np.arange(wide, dtype=np.float32)[None] + np.float32(0.22 * per_metre) * shift_x
    lines = np.arange(tall, dtype=np.float32)[:, None] + np.float32(0.22 * per_metre) * shift_y
    leaves = cv2.remap(canvas.colour[part], columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.remap(planted[part].astype(np.float32), columns, lines, cv2.INTER_LINEAR)[..., None]
    leaves = np.clip(leaves * (1 + 0.16 * light[..., None]), 0, 255)
    canvas.colour[part] = (bare[part] + cover * (leaves - bare[part])).astype(np.uint8)
