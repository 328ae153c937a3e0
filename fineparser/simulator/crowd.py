"""Stands seen from across the pool: rows of seats, empty or filled."""

import cv2
import numpy as np

from fineparser.simulator.texture import noise, plain

ROW_RISE = 0.85  # m of facade per row of seats
SEAT_PITCH = 0.52  # m


def skin_tone(rng, count):
    """Skin colours [count, 3] RGB 0..255, deep to pale."""
    depth = rng.random((count, 1)) ** 0.7
    deep, pale = np.array([74, 46, 34.0]), np.array([238, 192, 165.0])
    return np.clip(deep + depth * (pale - deep) + rng.normal(0, 7, (count, 3)), 20, 255)


def hair_tone(rng, count):
    """Hair colours [count, 3]: mostly dark, some fair and grey."""
    dark = rng.uniform(12, 60, (count, 1)) * np.array([1.1, 0.95, 0.85])
    fair = rng.uniform(110, 210, (count, 1)) * np.array([1.0, 0.85, 0.65])
    return np.where(rng.random((count, 1)) < 0.75, dark, fair)


def clothing(rng, count, theme, mood):
    """Shirt colours [count, 3]; `mood` is "mixed", "light", "dark" or "team"."""
    any_colour = rng.uniform(15, 245, (count, 3))
    grey = rng.uniform(20, 240, (count, 1)) + rng.normal(0, 8, (count, 3))
    light = rng.uniform(185, 252, (count, 1)) + rng.normal(0, 6, (count, 3))
    dark = rng.uniform(8, 70, (count, 1)) + rng.normal(0, 8, (count, 3))
    team = np.array(theme)[rng.integers(len(theme), size=count)] + rng.normal(0, 12, (count, 3))
    shares = {
        "mixed": (0.3, 0.25, 0.2, 0.25, 0.0),
        "light": (0.12, 0.1, 0.65, 0.05, 0.08),
        "dark": (0.1, 0.15, 0.07, 0.68, 0.0),
        "team": (0.1, 0.1, 0.15, 0.1, 0.55),
    }[mood]
    chosen = rng.choice(5, size=count, p=shares)
    return np.clip(np.choose(chosen[:, None], [any_colour, grey, light, dark, team]), 0, 255)


def stand(rng, wide, tall, theme, metres_tall, filled, mood=None):
    """A stand as a flat picture, uint8 [tall, wide, 3].

    Args:
        wide, tall: pixels.
        theme: venue colours for seats and team shirts.
        metres_tall: how much facade the picture covers; gives the number of rows.
        filled: share of the seats taken, 0..1.
        mood: see `clothing`; drawn when None.
    """
    mood = mood or ("mixed", "light", "dark", "team")[int(rng.choice(4, p=[0.45, 0.25, 0.2, 0.1]))]
    rows = max(1, round(metres_tall / ROW_RISE))
    rise = tall / rows
    concrete = rng.uniform(30, 190) + rng.normal(0, 6, 3)
    seat = np.array(theme[int(rng.integers(len(theme)))]) if rng.random() < 0.7 else rng.uniform(20, 245, 3)
    if rise < 3.2:
        return _far_stand(rng, wide, tall, concrete, seat, filled, theme, mood)
    picture = plain(wide, tall, concrete)
    pitch = rise * SEAT_PITCH / ROW_RISE
    columns = int(wide / pitch) + 2
    aisles = rng.random(columns) < 0.035
    aisles |= np.roll(aisles, 1)
    bench = rng.random() < 0.25
    dark_riser = tuple(float(v) for v in concrete * rng.uniform(0.3, 0.8))
    for row in range(rows):
        foot = (row + 1) * rise
        top = round(foot - 0.35 * rise)
        cv2.rectangle(picture, (0, top), (wide, round(foot)), dark_riser, -1)
        offset = rng.uniform(0, pitch)
        centres = np.arange(columns) * pitch - offset
        if bench:
            cv2.rectangle(
                picture, (0, round(foot - 0.5 * rise)), (wide, round(foot - 0.36 * rise)), tuple(map(float, seat)), -1
            )
        taken = (rng.random(columns) < filled) & ~aisles
        _seats(rng, picture, centres[~taken & ~aisles & (not bench)], foot, rise, pitch, seat)
        _people(rng, picture, centres[taken], foot, rise, pitch, theme, mood)
        if aisles.any():
            for centre in centres[aisles]:
                cv2.rectangle(
                    picture,
                    (round(centre - pitch / 2), round(foot - rise)),
                    (round(centre + pitch / 2), round(foot - 0.5 * rise)),
                    tuple(float(v) for v in concrete * 1.15),
                    -1,
                )
    return picture


def _seats(rng, picture, centres, foot, rise, pitch, colour):
    shades = np.clip(colour[None] * rng.uniform(0.85, 1.1, (len(centres), 1)), 0, 255)
    low, high, half = round(foot - 0.85 * rise), round(foot - 0.25 * rise), 0.36 * pitch
    for centre, shade in zip(centres.tolist(), shades.tolist(), strict=True):
        cv2.rectangle(picture, (round(centre - half), low), (round(centre + half), high), shade, -1)
    if rise > 14:
        for centre, shade in zip(centres.tolist(), (0.7 * shades).tolist(), strict=True):
            middle = round(foot - 0.5 * rise)
            cv2.rectangle(picture, (round(centre - half), middle), (round(centre + half), high), shade, -1)


def _people(rng, picture, centres, foot, rise, pitch, theme, mood):
    """One row of seated people: shirt, lap, bare arms and legs, face, hair."""
    count = len(centres)
    shirts, skins = clothing(rng, count, theme, mood), skin_tone(rng, count)
    hairs, laps = hair_tone(rng, count), clothing(rng, count, theme, "dark" if rng.random() < 0.6 else mood)
    lean = rng.normal(0, 0.08, count) * pitch
    tall = rise * rng.uniform(0.92, 1.12, count)
    bare = rng.random((count, 3)) < (0.35, 0.3, 0.04)  # arms, legs, whole trunk
    raised = rng.random(count) < 0.04
    everyone = zip(
        (centres + lean).tolist(), tall.tolist(), shirts.tolist(), skins.tolist(), hairs.tolist(), laps.tolist(),
        bare.tolist(), raised.tolist(), strict=True,
    )  # fmt: skip
    for x, size, shirt, skin, hair, lap, (arms, legs, trunk), up in everyone:
        shoulder, hip = foot - 0.92 * size, foot - 0.2 * size
        half = 0.24 * size
        body = np.array([[x - 0.7 * half, shoulder], [x + 0.7 * half, shoulder], [x + half, hip], [x - half, hip]])
        cv2.fillConvexPoly(picture, np.rint(body * 8).astype(np.int32), skin if trunk else shirt, cv2.LINE_AA, 3)
        cv2.ellipse(
            picture, (round(x * 8), round((foot - 0.18 * size) * 8)), (round(half * 8), round(0.13 * size * 8)),
            0, 0, 360, skin if legs else lap, -1, cv2.LINE_AA, 3,
        )  # fmt: skip
        if arms and size > 5:
            limb = max(1, round(0.1 * size))
            reach = (foot - 1.5 * size) if up else (foot - 0.35 * size)
            for way in (-1, 1):
                cv2.line(
                    picture, (round(x + way * 0.9 * half), round(shoulder + 0.12 * size)),
                    (round(x + way * (0.9 if up else 0.45) * half), round(reach)), skin, limb, cv2.LINE_AA,
                )  # fmt: skip
        head = (round(x * 8), round((shoulder - 0.17 * size) * 8))
        cv2.circle(picture, (head[0], head[1] - round(0.4 * size)), round(0.15 * size * 8), hair, -1, cv2.LINE_AA, 3)
        cv2.circle(picture, head, round(0.125 * size * 8), skin, -1, cv2.LINE_AA, 3)


def _far_stand(rng, wide, tall, concrete, seat, filled, theme, mood):
    """Too far away to tell people apart: coloured grain in rows."""
    rows, columns = max(2, tall), max(2, round(wide / 1.5))
    count = rows * columns
    grain = clothing(rng, count, theme, mood)
    faces = rng.random(count) < 0.25
    grain[faces] = skin_tone(rng, int(faces.sum()))
    empty = rng.random(count) > filled
    grain[empty] = seat if rng.random() < 0.6 else concrete
    picture = cv2.resize(grain.reshape(rows, columns, 3).astype(np.uint8), (wide, tall), interpolation=cv2.INTER_AREA)
    light = 10 * noise(rng, tall, wide, 3)
    return cv2.add(picture, cv2.merge([light, light, light]), dtype=cv2.CV_8U)
