"""Objects that distract: poles, ropes, rails and heads in front of the diver, moving figures behind them."""

import cv2
import numpy as np

from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.crowd import clothing, hair_tone, skin_tone
from fineparser.simulator.venue.texture import random_pattern
from fineparser.simulator.venue.venue import Venue


def paint_foreground(
    canvas: Canvas, rng: np.random.Generator, venue: Venue, camera_kind: str, body_pixels: float
) -> None:
    """Sometimes paint near objects on the canvas's foreground layer, out of focus.

    Args:
        camera_kind: kind of the camera; amateurs have more objects in front.
        body_pixels: a standing diver's height in canvas pixels.
    """
    if rng.random() > (0.2 if camera_kind == "broadcast" else 0.4):
        return
    layer: np.ndarray = np.zeros_like(canvas.foreground)
    height, width = canvas.shape
    kind = rng.choice(["pole", "rope", "rail", "heads", "net", "lump"], p=[0.3, 0.16, 0.2, 0.2, 0.06, 0.08])
    grey = np.clip(rng.choice([15, 60, 150, 230]) + rng.normal(0, 10, 3), 0, 255)
    colour = (*map(float, grey), 255.0)
    thickness = max(1, round(body_pixels * rng.uniform(0.02, 0.12)))
    if kind == "pole":
        for _ in range(int(rng.integers(1, 3))):
            x, lean = rng.uniform(0, width), rng.normal(0, 0.06) * height
            cv2.line(layer, (int(x), -5), (int(x + lean), height + 5), colour, thickness, cv2.LINE_AA)
    elif kind == "rope":
        for _ in range(int(rng.integers(1, 4))):
            ends = rng.uniform([0, 0], [height, height])
            along = np.linspace(-5, width + 5, 20)
            sag = (
                ends[0]
                + (ends[1] - ends[0]) * along / width
                + rng.uniform(0, 0.1) * height * np.sin(np.pi * along / width)
            )
            line = [np.stack([along, sag], -1).astype(np.int32)]
            cv2.polylines(layer, line, False, colour, max(1, thickness // 3), cv2.LINE_AA)
            if rng.random() < 0.4:  # pennants of the backstroke line
                for x, y in zip(along, sag, strict=True):
                    size = body_pixels * 0.12
                    tip = np.array([[x, y], [x + size, y], [x + size / 2, y + 1.4 * size]]).astype(np.int32)
                    cv2.fillConvexPoly(
                        layer, tip, (*map(float, clothing(rng, 1, venue.theme, "team")[0]), 255.0), cv2.LINE_AA
                    )
    elif kind == "rail":
        level = rng.uniform(0.3, 0.95) * height
        for bar in range(int(rng.integers(1, 4))):
            y = level + bar * thickness * rng.uniform(4, 9)
            cv2.line(
                layer, (-5, int(y)), (width + 5, int(y + rng.normal(0, 0.03) * width)), colour, thickness, cv2.LINE_AA
            )
        for x in np.arange(rng.uniform(0, width / 3), width, body_pixels * rng.uniform(0.7, 2.5)):
            cv2.line(layer, (int(x), int(level)), (int(x), height + 5), colour, thickness, cv2.LINE_AA)
    elif kind == "heads":
        _paint_heads(layer, rng, venue, body_pixels)
    elif kind == "net":
        pitch = body_pixels * rng.uniform(0.25, 0.8)
        for x in np.arange(0, width, pitch):
            cv2.line(layer, (int(x), 0), (int(x), height), colour, 1, cv2.LINE_AA)
        for y in np.arange(0, height, pitch):
            cv2.line(layer, (0, int(y)), (width, int(y)), colour, 1, cv2.LINE_AA)
    else:
        spot = (int(rng.uniform(0, width)), int(height * rng.uniform(0.75, 1.05)))
        axes = (int(body_pixels * rng.uniform(0.2, 0.6)) + 1, int(body_pixels * rng.uniform(0.2, 0.8)) + 1)
        cv2.ellipse(layer, spot, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    blur = body_pixels * rng.uniform(0.0, 0.03)
    if blur > 0.3:
        layer = cv2.GaussianBlur(layer, (0, 0), blur)
    if kind == "net" or rng.random() < 0.15:
        layer = cv2.convertScaleAbs(layer, alpha=rng.uniform(0.35, 0.8))
    transparency = cv2.merge([cv2.bitwise_not(layer[..., 3])] * 4)
    canvas.foreground[:] = cv2.add(layer, cv2.multiply(canvas.foreground, transparency, scale=1 / 255))
    canvas.foreground_used = True


def _paint_heads(layer: np.ndarray, rng: np.random.Generator, venue: Venue, body_pixels: float) -> None:
    """Paint backs of heads and shoulders along the lower edge."""
    height, width = layer.shape[:2]
    size = body_pixels * rng.uniform(0.15, 0.4)
    level = height - size * rng.uniform(0.2, 1.6)
    for x in np.arange(rng.uniform(-size, size), width, size * rng.uniform(1.8, 4)):
        if rng.random() < 0.6:
            hair = (*map(float, hair_tone(rng, 1)[0]), 255.0)
            shirt = (*map(float, clothing(rng, 1, venue.theme, "mixed")[0]), 255.0)
            skin = (*map(float, skin_tone(rng, 1)[0]), 255.0)
            y = level + rng.normal(0, 0.2) * size
            cv2.ellipse(
                layer,
                (int(x), int(y + 1.7 * size)),
                (int(size) + 1, int(1.1 * size) + 1),
                0,
                0,
                360,
                shirt,
                -1,
                cv2.LINE_AA,
            )
            cv2.ellipse(
                layer,
                (int(x), int(y + 0.5 * size)),
                (int(0.25 * size) + 1, int(0.5 * size) + 1),
                0,
                0,
                360,
                skin,
                -1,
                cv2.LINE_AA,
            )
            cv2.ellipse(
                layer, (int(x), int(y)), (int(0.42 * size) + 1, int(0.52 * size) + 1), 0, 0, 360, hair, -1, cv2.LINE_AA
            )


def paint_distractors(canvas: Canvas, rng: np.random.Generator, venue: Venue, body_pixels: float) -> None:
    """Scatter distractors over the canvas; `body_pixels` is a standing diver's height in canvas pixels."""
    height, width = canvas.shape
    if rng.random() < 0.09:
        for _ in range(int(rng.integers(1, 4))):
            _paint_poster(canvas, rng, venue, body_pixels)
    if rng.random() < 0.12:
        for _ in range(int(rng.integers(2, 10))):
            centre = rng.uniform([0, 0], [width, height])
            _paint_bars(canvas, rng, centre, body_pixels * rng.uniform(0.15, 0.9))


def _paint_bars(canvas: Canvas, rng: np.random.Generator, centre: np.ndarray, size: float) -> None:
    """Paint one to three joined bars: stick, elbow, hook."""
    colour = skin_tone(rng, 1)[0] if rng.random() < 0.55 else rng.uniform(0, 255, 3)
    points, turn = [centre], rng.uniform(0, 2 * np.pi)
    for _ in range(int(rng.integers(1, 4))):
        points.append(points[-1] + size * rng.uniform(0.3, 0.6) * np.array([np.cos(turn), np.sin(turn)]))
        turn += rng.uniform(-2, 2)
    line = np.rint(np.array(points) * 8).astype(np.int32)
    thick = max(1, round(size * rng.uniform(0.06, 0.2)))
    cv2.polylines(canvas.colour, [line], False, tuple(map(float, colour)), thick, cv2.LINE_AA, 3)


def _paint_poster(canvas: Canvas, rng: np.random.Generator, venue: Venue, body_pixels: float) -> None:
    """Paint a poster, screen or cloth with a pattern, sometimes with a figure printed on it."""
    height, width = canvas.shape
    size = np.maximum(body_pixels * rng.uniform(0.3, 1.2, 2), 4).astype(int)
    image = random_pattern(rng, int(size[0]), int(size[1]), [*venue.theme, venue.wall, *skin_tone(rng, 2)])
    if rng.random() < 0.5:
        skin = tuple(map(float, skin_tone(rng, 1)[0]))
        middle = (int(size[0] // 2), int(size[1] // 2))
        axes = (max(1, int(size[0] * rng.uniform(0.1, 0.35))), max(1, int(size[1] * rng.uniform(0.15, 0.45))))
        cv2.ellipse(image, middle, axes, float(rng.uniform(0, 180)), 0, 360, skin, -1, cv2.LINE_AA)
    corner = rng.uniform([0, 0], [width, height]).astype(int) - size // 2
    low = np.maximum(corner, 0)
    high = np.minimum(corner + size, (width, height))
    if (high > low).all():
        canvas.colour[low[1] : high[1], low[0] : high[0]] = image[
            low[1] - corner[1] : high[1] - corner[1], low[0] - corner[0] : high[0] - corner[0]
        ]
