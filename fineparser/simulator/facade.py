"""What stands up around a pool deck: walls, stands, balconies and windows, stacked in bands from the deck upwards."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.crowd import stand
from fineparser.simulator.lettering import banner, flag_row, scoreboard
from fineparser.simulator.texture import mottled, noise, pattern, plain, shaded

WALLS = ("plain", "panels", "banner", "windows", "slats", "void", "tiles", "curtain", "pattern", "flags", "louvres")
WALL_SHARES = np.array([0.16, 0.14, 0.18, 0.12, 0.07, 0.11, 0.07, 0.05, 0.03, 0.04, 0.03])


@dataclass(frozen=True)
class Band:
    """One storey of a facade; heights in metres."""

    kind: str
    """"stand" or one of WALLS."""
    low: float
    high: float
    back: float
    """How far its foot lies behind the facade's line."""
    depth: float
    """How far its top lies behind its foot (stands slope)."""
    filled: float
    """Share of seats taken."""
    bright: float
    """Factor on its brightness."""


def stack(rng, foot, top, seated):
    """Draw the bands of one facade from `foot` to `top` metres; `seated` is the chance of stands."""
    bands, level, back = [], foot, 0.0
    filled = rng.choice([0.0, 0.05, 0.3, 0.75, 0.95], p=[0.2, 0.15, 0.2, 0.25, 0.2])
    while level < top:
        wants_stand = rng.random() < seated and (not bands or bands[-1].kind != "stand")
        if wants_stand:
            kind, high, slope = "stand", rng.uniform(2.5, 7.5), rng.uniform(1.2, 2.0)
        else:
            kind, slope = str(rng.choice(WALLS, p=WALL_SHARES / WALL_SHARES.sum())), 0.0
            high = rng.uniform(0.9, 2.2) if kind in ("banner", "flags") else rng.uniform(1.0, 6.0)
        bands.append(Band(kind, level, level + high, back, high * slope, filled, rng.uniform(0.75, 1.15)))
        level += high
        back += high * slope if rng.random() < 0.6 else 0.0
        if rng.random() < 0.3:
            filled = rng.choice([0.0, 0.1, 0.5, 0.9])
    return bands


def facade(canvas, rng, site, axis, at, top, seated):
    """Paint a facade on the upright plane x (axis 0) or y (axis 1) = `at`, up to `top` metres.

    Nothing is painted where the camera stands behind it: a film crew has no wall between itself and the pool.
    """
    outward = np.sign(at)  # the diver's place, x = y = 0, is inside
    if (at - canvas.camera.position[axis]) * outward < 0.5 or canvas.visible_span(axis, at, 70) is None:
        return
    bands = stack(rng, site.deck_level, top, seated)
    for band in reversed(bands):
        span = canvas.visible_span(axis, at + outward * (band.back + band.depth / 2), 70)
        if span is None:
            continue
        cuts = [span[0] - 1, span[1] + 1]
        if rng.random() < 0.35:
            cuts[1:1] = sorted(rng.uniform(span[0], span[1], int(rng.integers(1, 3))))
        for index, (low, high) in enumerate(itertools.pairwise(cuts)):
            piece = band
            if index % 2:
                kind = str(rng.choice(WALLS, p=WALL_SHARES / WALL_SHARES.sum()))
                piece = Band(kind, band.low, band.high, band.back, band.depth, band.filled, band.bright)
            _mount(canvas, rng, site, axis, at, outward, piece, low, high)
        if rng.random() < 0.4:
            _balustrade(canvas, rng, site, axis, at + outward * band.back, band.low, span)
    _relief(canvas, rng, site, axis, at, outward, top)


def _mount(canvas, rng, site, axis, at, outward, band, low, high):
    def world(along, back, z):
        across = at + outward * back
        return (across, along, z) if axis == 0 else (along, across, z)

    ends, _ = canvas.locate([world(low, band.back, band.low), world(high, band.back, band.low)])
    if ends[0, 0] > ends[1, 0]:
        low, high = high, low
    behind = band.back + band.depth
    corners = [
        world(low, behind, band.high),
        world(high, behind, band.high),
        world(high, band.back, band.low),
        world(low, band.back, band.low),
    ]
    metres = band.high - band.low
    with canvas.dimmed(site.gloom * band.bright):
        if band.kind == "stand":
            canvas.mount(
                corners, lambda wide, tall: stand(rng, wide, tall, site.theme, metres, band.filled), detail=1.0
            )
        else:
            per_metre = 1 / max(abs(high - low), 0.1)
            canvas.mount(
                corners,
                lambda wide, tall: wall_face(rng, band.kind, wide, tall, site, max(wide * per_metre, 1e-3)),
            )


def wall_face(rng, kind, wide, tall, site, per_metre):
    """A flat wall, uint8 [tall, wide, 3]; `per_metre` is pixels to a metre along it."""
    if kind in ("banner", "flags"):
        ground = site.theme[int(rng.integers(len(site.theme)))]
        return (banner if kind == "banner" else flag_row)(rng, wide, tall, ground)
    if kind == "pattern":
        return pattern(rng, wide, tall, [*site.theme, site.wall])
    if kind == "void":
        picture = plain(wide, tall, rng.uniform(6, 80) + rng.normal(0, 3, 3))
        for _ in range(int(rng.integers(0, 12))):
            spot = (int(rng.integers(wide)), int(rng.integers(tall)))
            cv2.circle(picture, spot, max(1, int(per_metre * rng.uniform(0.05, 0.2))), (235, 240, 245), -1, cv2.LINE_AA)
        return picture
    if kind == "windows":
        return _windows(rng, wide, tall, per_metre)
    colour = np.array(site.wall if rng.random() < 0.6 else site.theme[int(rng.integers(len(site.theme)))])
    picture = plain(wide, tall, colour)
    seam = tuple(float(v) for v in np.clip(colour * rng.choice([0.6, 0.75, 0.88, 1.2]), 0, 255))
    if kind in ("panels", "tiles"):
        pitch_x = per_metre * (rng.uniform(0.8, 3) if kind == "panels" else rng.uniform(0.15, 0.4))
        pitch_y = pitch_x * rng.choice([0.4, 1.0, 1.6])
        if min(pitch_x, pitch_y) > 2.5:
            picture[:, np.arange(0, wide, pitch_x).astype(int)] = np.uint8(seam)
            picture[np.arange(0, tall, pitch_y).astype(int)] = np.uint8(seam)
    elif kind in ("slats", "louvres"):
        pitch = max(2.0, per_metre * rng.uniform(0.15, 0.6))
        axis = 1 if kind == "slats" else 0
        ramp = (np.arange(picture.shape[axis]) / pitch % 1 - 0.5) * rng.uniform(0.15, 0.5) + 1
        picture = cv2.convertScaleAbs(picture * (ramp[None, :, None] if axis else ramp[:, None, None]))
    elif kind == "curtain":
        folds = 1 + 0.25 * noise(rng, 1, wide, coarse=1, octaves=1)[0]
        fine = 1 + 0.2 * np.sin(np.arange(wide) / max(1.0, per_metre * 0.12) + 2 * folds)
        picture = cv2.convertScaleAbs(picture * (folds * fine)[None, :, None])
    picture = mottled(rng, shaded(picture, rng.uniform(0.7, 1.1), rng.uniform(0.8, 1.1)), rng.uniform(0, 9))
    if rng.random() < 0.12 and tall > 8 and wide > 20:
        board_wide, board_tall = int(min(wide * 0.5, tall * 1.4)), int(tall * 0.7)
        left = int(rng.integers(0, wide - board_wide))
        picture[tall // 8 : tall // 8 + board_tall, left : left + board_wide] = scoreboard(rng, board_wide, board_tall)
    for _ in range(int(rng.integers(0, 4)) if kind in ("plain", "panels", "tiles") else 0):
        _fitting(rng, picture, per_metre)
    return picture


def _windows(rng, wide, tall, per_metre):
    day = rng.random() < 0.75
    sky = rng.uniform([150, 170, 185], [255, 255, 255]) if day else rng.uniform(5, 50, 3)
    picture = shaded(plain(wide, tall, sky), 1.1, rng.uniform(0.5, 1.0))
    if day and rng.random() < 0.6:
        line = tall * (0.55 + 0.12 * noise(rng, 1, wide, coarse=1, octaves=2)[0])
        below = np.arange(tall)[:, None] > line[None]
        picture[below] = np.uint8(rng.uniform([40, 70, 40], [130, 150, 120]))
    frame = tuple(float(v) for v in np.full(3, rng.choice([30.0, 90.0, 235.0])))
    thick = max(1, round(per_metre * 0.08))
    for x in np.arange(0, wide, max(4.0, per_metre * rng.uniform(1, 3))):
        cv2.line(picture, (int(x), 0), (int(x), tall), frame, thick)
    for y in np.arange(0, tall, max(4.0, per_metre * rng.uniform(1, 3))):
        cv2.line(picture, (0, int(y)), (wide, int(y)), frame, thick)
    return picture


def _fitting(rng, picture, per_metre):
    """A door, a poster, a loudspeaker, a lamp or a pipe on a wall."""
    tall, wide = picture.shape[:2]
    x, y = int(rng.integers(wide)), int(rng.integers(tall))
    size = per_metre * rng.uniform(0.4, 2.0)
    colour = tuple(float(v) for v in rng.uniform(0, 255, 3))
    kind = rng.random()
    if kind < 0.3:
        cv2.rectangle(picture, (x, tall - int(min(2.2 * per_metre, tall))), (int(x + per_metre), tall), colour, -1)
    elif kind < 0.55:
        cv2.rectangle(picture, (x, y), (int(x + size), int(y + size * 0.7)), colour, -1)
    elif kind < 0.7:
        cv2.rectangle(picture, (x, y), (int(x + size / 3), int(y + size / 2)), (20, 20, 22), -1)
    elif kind < 0.85:
        cv2.circle(picture, (x, y), max(1, int(size * 0.4)), colour, max(1, int(per_metre * 0.06)), cv2.LINE_AA)
    else:
        bright = tuple(float(v) for v in np.full(3, rng.uniform(140, 250)))
        cv2.line(picture, (0, y), (wide, y), bright, max(1, int(per_metre * 0.07)), cv2.LINE_AA)


def _balustrade(canvas, rng, site, axis, at, level, span):
    """Rails and posts along a balcony or before a stand."""
    bright = rng.choice([60.0, 150.0, 215.0, 245.0]) * site.gloom
    colour = np.clip(bright + rng.normal(0, 8, 3), 0, 255)
    heights = level + np.linspace(1.0, 0.35, int(rng.integers(1, 4)))
    low, high = span
    posts = np.arange(low, high, rng.uniform(1.2, 3))

    def world(along, z):
        return (at, along, z) if axis == 0 else (along, at, z)

    starts = [world(low, z) for z in heights] + [world(p, level) for p in posts]
    ends = [world(high, z) for z in heights] + [world(p, heights[0]) for p in posts]
    canvas.tubes(starts, ends, np.full(len(starts), rng.uniform(0.02, 0.05)), [colour] * len(starts))


def _relief(canvas, rng, site, axis, at, outward, top):
    """Pillars, slanted stair walls and trusses that stand before a facade."""
    span = canvas.visible_span(axis, at, 70)
    if span is None:
        return

    def world(along, before, z):
        across = at - outward * before
        return (across, along, z) if axis == 0 else (along, across, z)

    with canvas.dimmed(site.gloom):
        if rng.random() < 0.35:  # a stair or ramp climbing along the facade
            colour = site.theme[int(rng.integers(len(site.theme)))] if rng.random() < 0.7 else site.wall
            start, run, rise = rng.uniform(*span), rng.choice([-1, 1]) * rng.uniform(6, 18), rng.uniform(2, 8)
            foot, thick = rng.uniform(0.5, 8), rng.uniform(0.8, 2.5)
            slope = [
                (start, foot),
                (start + run, foot + rise),
                (start + run, foot + rise + thick),
                (start, foot + thick),
            ]
            shade = canvas.shade(colour, np.eye(3)[axis] * -outward)
            canvas.polygon([world(x, 0.3, z) for x, z in slope], shade)
            flat = [(start + run, foot + rise), (start + 2 * run, foot + rise)]
            flat += [(x, z + thick) for x, z in reversed(flat)]
            canvas.polygon([world(x, 0.3, z) for x, z in flat], shade * 0.92)
        if rng.random() < 0.4:
            pitch, half = rng.uniform(3, 9), rng.uniform(0.1, 0.5)
            colour = np.array(site.wall) * rng.uniform(0.5, 1.2) if rng.random() < 0.7 else rng.uniform(150, 250, 3)
            first = span[0] - rng.uniform(0, pitch)
            for along in np.arange(first, span[1], pitch):
                ends = [(along - half, 0.0), (along + half, 0.0), (along + half, top), (along - half, top)]
                canvas.polygon([world(x, 0.1, z) for x, z in ends], np.clip(colour, 0, 255))
