"""Stands across the pool: rows of seats, empty or taken."""

import cv2
import numpy as np

from fineparser.simulator.venue.texture import solid_image, value_noise
from fineparser.simulator.venue.venue import Theme

ROW_RISE_M = 0.85
"""Height of the facade per row of seats, metres."""
SEAT_PITCH_M = 0.52
"""Width of a seat, metres."""


def skin_tone(rng: np.random.Generator, count: int) -> np.ndarray:
    """Sample skin colours [count, 3] RGB 0..255, deep to pale."""
    depth = rng.random((count, 1)) ** 0.7
    deep, pale = np.array([74, 46, 34.0]), np.array([238, 192, 165.0])
    return np.clip(deep + depth * (pale - deep) + rng.normal(0, 7, (count, 3)), 20, 255)


def hair_tone(rng: np.random.Generator, count: int) -> np.ndarray:
    """Sample hair colours [count, 3]: mostly dark, some fair and grey."""
    dark = rng.uniform(12, 60, (count, 1)) * np.array([1.1, 0.95, 0.85])
    fair = rng.uniform(110, 210, (count, 1)) * np.array([1.0, 0.85, 0.65])
    return np.where(rng.random((count, 1)) < 0.75, dark, fair)


def clothing(rng: np.random.Generator, count: int, theme: Theme, style: str) -> np.ndarray:
    """Sample colours of clothes [count, 3]; `style` is "mixed", "light", "dark" or "team"."""
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
    }[style]
    chosen = rng.choice(5, size=count, p=shares)
    return np.clip(np.choose(chosen[:, None], [any_colour, grey, light, dark, team]), 0, 255)


def draw_stand(
    rng: np.random.Generator,
    width: int,
    height: int,
    theme: Theme,
    metres_high: float,
    occupancy: float,
    style: str | None = None,
) -> np.ndarray:
    """Image of a stand, uint8 [height, width, 3].

    Args:
        width, height: pixels.
        theme: venue colours for seats and team shirts.
        metres_high: height of the facade that the image covers; gives the number of rows.
        occupancy: share of the seats taken, 0..1.
        style: see `clothing`; sampled when None.
    """
    style = style or ("mixed", "light", "dark", "team")[int(rng.choice(4, p=[0.45, 0.25, 0.2, 0.1]))]
    rows = max(1, round(metres_high / ROW_RISE_M))
    rise = height / rows
    concrete = rng.uniform(30, 190) + rng.normal(0, 6, 3)
    seat = np.array(theme[int(rng.integers(len(theme)))]) if rng.random() < 0.7 else rng.uniform(20, 245, 3)
    if rise < 3.2:
        return _draw_far_stand(rng, width, height, concrete, seat, occupancy, theme, style)
    image = solid_image(width, height, concrete)
    pitch = rise * SEAT_PITCH_M / ROW_RISE_M
    columns = int(width / pitch) + 2
    aisles = rng.random(columns) < 0.035
    aisles |= np.roll(aisles, 1)
    bench = rng.random() < 0.25
    dark_riser = tuple(float(v) for v in concrete * rng.uniform(0.3, 0.8))
    for row in range(rows):
        foot = (row + 1) * rise
        top = round(foot - 0.35 * rise)
        cv2.rectangle(image, (0, top), (width, round(foot)), dark_riser, -1)
        offset = rng.uniform(0, pitch)
        centres = np.arange(columns) * pitch - offset
        if bench:
            cv2.rectangle(
                image, (0, round(foot - 0.5 * rise)), (width, round(foot - 0.36 * rise)), tuple(map(float, seat)), -1
            )
        taken = (rng.random(columns) < occupancy) & ~aisles
        _draw_seats(rng, image, centres[~taken & ~aisles & (not bench)], foot, rise, pitch, seat)
        _draw_people(rng, image, centres[taken], foot, rise, pitch, theme, style)
        if aisles.any():
            for centre in centres[aisles]:
                cv2.rectangle(
                    image,
                    (round(centre - pitch / 2), round(foot - rise)),
                    (round(centre + pitch / 2), round(foot - 0.5 * rise)),
                    tuple(float(v) for v in concrete * 1.15),
                    -1,
                )
    return image


def _draw_seats(
    rng: np.random.Generator,
    image: np.ndarray,
    centres: np.ndarray,
    foot: float,
    rise: float,
    pitch: float,
    colour: np.ndarray,
) -> None:
    shades = np.clip(colour[None] * rng.uniform(0.85, 1.1, (len(centres), 1)), 0, 255)
    low, high, half = round(foot - 0.85 * rise), round(foot - 0.25 * rise), 0.36 * pitch
    for centre, shade in zip(centres.tolist(), shades.tolist(), strict=True):
        cv2.rectangle(image, (round(centre - half), low), (round(centre + half), high), shade, -1)
    if rise > 14:
        for centre, shade in zip(centres.tolist(), (0.7 * shades).tolist(), strict=True):
            middle = round(foot - 0.5 * rise)
            cv2.rectangle(image, (round(centre - half), middle), (round(centre + half), high), shade, -1)


def _draw_people(
    rng: np.random.Generator,
    image: np.ndarray,
    centres: np.ndarray,
    foot: float,
    rise: float,
    pitch: float,
    theme: Theme,
    style: str,
) -> None:
    """Draw one row of seated people: shirt, lap, bare arms and legs, face, hair."""
    count = len(centres)
    shirts, skins = clothing(rng, count, theme, style), skin_tone(rng, count)
    hairs, laps = hair_tone(rng, count), clothing(rng, count, theme, "dark" if rng.random() < 0.6 else style)
    lean = rng.normal(0, 0.08, count) * pitch
    height = rise * rng.uniform(0.92, 1.12, count)
    bare = rng.random((count, 3)) < (0.35, 0.3, 0.04)  # arms, legs, whole trunk
    raised = rng.random(count) < 0.04
    everyone = zip(
        (centres + lean).tolist(), height.tolist(), shirts.tolist(), skins.tolist(), hairs.tolist(), laps.tolist(),
        bare.tolist(), raised.tolist(), strict=True,
    )  # fmt: skip
    for x, size, shirt, skin, hair, lap, (arms, legs, trunk), up in everyone:
        shoulder, hip = foot - 0.92 * size, foot - 0.2 * size
        half = 0.24 * size
        body = np.array([[x - 0.7 * half, shoulder], [x + 0.7 * half, shoulder], [x + half, hip], [x - half, hip]])
        cv2.fillConvexPoly(image, np.rint(body * 8).astype(np.int32), skin if trunk else shirt, cv2.LINE_AA, 3)
        cv2.ellipse(
            image, (round(x * 8), round((foot - 0.18 * size) * 8)), (round(half * 8), round(0.13 * size * 8)),
            0, 0, 360, skin if legs else lap, -1, cv2.LINE_AA, 3,
        )  # fmt: skip
        if arms and size > 5:
            limb = max(1, round(0.1 * size))
            reach = (foot - 1.5 * size) if up else (foot - 0.35 * size)
            for way in (-1, 1):
                cv2.line(
                    image, (round(x + way * 0.9 * half), round(shoulder + 0.12 * size)),
                    (round(x + way * (0.9 if up else 0.45) * half), round(reach)), skin, limb, cv2.LINE_AA,
                )  # fmt: skip
        head = (round(x * 8), round((shoulder - 0.17 * size) * 8))
        cv2.circle(image, (head[0], head[1] - round(0.4 * size)), round(0.15 * size * 8), hair, -1, cv2.LINE_AA, 3)
        cv2.circle(image, head, round(0.125 * size * 8), skin, -1, cv2.LINE_AA, 3)


def _draw_far_stand(
    rng: np.random.Generator,
    width: int,
    height: int,
    concrete: np.ndarray,
    seat: np.ndarray,
    occupancy: float,
    theme: Theme,
    style: str,
) -> np.ndarray:
    """Image of a stand so far away that people are coloured grain in rows."""
    rows, columns = max(2, height), max(2, round(width / 1.5))
    count = rows * columns
    grain = clothing(rng, count, theme, style)
    faces = rng.random(count) < 0.25
    grain[faces] = skin_tone(rng, int(faces.sum()))
    empty = rng.random(count) > occupancy
    grain[empty] = seat if rng.random() < 0.6 else concrete
    image = cv2.resize(grain.reshape(rows, columns, 3).astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA)
    light = 10 * value_noise(rng, height, width, 3)
    return cv2.add(image, cv2.merge([light, light, light]), dtype=cv2.CV_8U)
