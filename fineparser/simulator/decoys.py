"""Shapes that look a little like divers and are none: posters of athletes, loose limbs, patches of skin colour."""

import cv2
import numpy as np

from fineparser.simulator.crowd import skin_tone
from fineparser.simulator.texture import pattern


def paint_decoys(canvas, rng, site, body_pixels):
    """Scatter decoys over what is painted so far; `body_pixels` is a standing diver's height in canvas pixels."""
    tall, wide = canvas.shape
    if rng.random() < 0.09:
        for _ in range(int(rng.integers(1, 4))):
            _patch(canvas, rng, site, body_pixels)
    if rng.random() < 0.12:
        for _ in range(int(rng.integers(2, 10))):
            centre = rng.uniform([0, 0], [wide, tall])
            _limbs(canvas, rng, centre, body_pixels * rng.uniform(0.15, 0.9))


def _limbs(canvas, rng, centre, size):
    """One to three joined bars: stick, elbow, hook."""
    colour = skin_tone(rng, 1)[0] if rng.random() < 0.55 else rng.uniform(0, 255, 3)
    points, turn = [centre], rng.uniform(0, 2 * np.pi)
    for _ in range(int(rng.integers(1, 4))):
        points.append(points[-1] + size * rng.uniform(0.3, 0.6) * np.array([np.cos(turn), np.sin(turn)]))
        turn += rng.uniform(-2, 2)
    line = np.rint(np.array(points) * 8).astype(np.int32)
    thick = max(1, round(size * rng.uniform(0.06, 0.2)))
    cv2.polylines(canvas.colour, [line], False, tuple(map(float, colour)), thick, cv2.LINE_AA, 3)


def _patch(canvas, rng, site, body_pixels):
    """A poster, screen or cloth with a pattern, at any angle, sometimes with a figure printed on it."""
    tall, wide = canvas.shape
    size = np.maximum(body_pixels * rng.uniform(0.3, 1.2, 2), 4).astype(int)
    picture = pattern(rng, int(size[0]), int(size[1]), [*site.theme, site.wall, *skin_tone(rng, 2)])
    if rng.random() < 0.5:
        skin = tuple(map(float, skin_tone(rng, 1)[0]))
        middle = (int(size[0] // 2), int(size[1] // 2))
        axes = (max(1, int(size[0] * rng.uniform(0.1, 0.35))), max(1, int(size[1] * rng.uniform(0.15, 0.45))))
        cv2.ellipse(picture, middle, axes, float(rng.uniform(0, 180)), 0, 360, skin, -1, cv2.LINE_AA)
    corner = rng.uniform([0, 0], [wide, tall]).astype(int) - size // 2
    low = np.maximum(corner, 0)
    high = np.minimum(corner + size, (wide, tall))
    if (high > low).all():
        canvas.colour[low[1] : high[1], low[0] : high[0]] = picture[
            low[1] - corner[1] : high[1] - corner[1], low[0] - corner[0] : high[0] - corner[0]
        ]
