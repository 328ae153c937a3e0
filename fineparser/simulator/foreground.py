"""What passes between lens and diver: poles, ropes, rails, heads of people in the next row."""

import cv2
import numpy as np

from fineparser.simulator.crowd import clothing, hair_tone, skin_tone


def paint_foreground(canvas, rng, site, kind, body_pixels):
    """Perhaps paint near things on the canvas's front layer, out of focus.

    Args:
        kind: the camera's; amateurs film past more.
        body_pixels: a standing diver's height in canvas pixels.
    """
    if rng.random() > (0.2 if kind == "broadcast" else 0.4):
        return
    layer = np.zeros_like(canvas.front)
    tall, wide = canvas.shape
    choice = rng.choice(["pole", "rope", "rail", "heads", "net", "lump"], p=[0.3, 0.16, 0.2, 0.2, 0.06, 0.08])
    grey = np.clip(rng.choice([15, 60, 150, 230]) + rng.normal(0, 10, 3), 0, 255)
    ink = (*map(float, grey), 255.0)
    thick = max(1, round(body_pixels * rng.uniform(0.02, 0.12)))
    if choice == "pole":
        for _ in range(int(rng.integers(1, 3))):
            x, lean = rng.uniform(0, wide), rng.normal(0, 0.06) * tall
            cv2.line(layer, (int(x), -5), (int(x + lean), tall + 5), ink, thick, cv2.LINE_AA)
    elif choice == "rope":
        for _ in range(int(rng.integers(1, 4))):
            ends = rng.uniform([0, 0], [tall, tall])
            along = np.linspace(-5, wide + 5, 20)
            sag = (
                ends[0] + (ends[1] - ends[0]) * along / wide + rng.uniform(0, 0.1) * tall * np.sin(np.pi * along / wide)
            )
            line = [np.stack([along, sag], -1).astype(np.int32)]
            cv2.polylines(layer, line, False, ink, max(1, thick // 3), cv2.LINE_AA)
            if rng.random() < 0.4:  # pennants of the backstroke line
                for x, y in zip(along, sag, strict=True):
                    size = body_pixels * 0.12
                    tip = np.array([[x, y], [x + size, y], [x + size / 2, y + 1.4 * size]]).astype(np.int32)
                    cv2.fillConvexPoly(
                        layer, tip, (*map(float, clothing(rng, 1, site.theme, "team")[0]), 255.0), cv2.LINE_AA
                    )
    elif choice == "rail":
        level = rng.uniform(0.3, 0.95) * tall
        for bar in range(int(rng.integers(1, 4))):
            y = level + bar * thick * rng.uniform(4, 9)
            cv2.line(layer, (-5, int(y)), (wide + 5, int(y + rng.normal(0, 0.03) * wide)), ink, thick, cv2.LINE_AA)
        for x in np.arange(rng.uniform(0, wide / 3), wide, body_pixels * rng.uniform(0.7, 2.5)):
            cv2.line(layer, (int(x), int(level)), (int(x), tall + 5), ink, thick, cv2.LINE_AA)
    elif choice == "heads":
        _heads(layer, rng, site, body_pixels)
    elif choice == "net":
        pitch = body_pixels * rng.uniform(0.25, 0.8)
        for x in np.arange(0, wide, pitch):
            cv2.line(layer, (int(x), 0), (int(x), tall), ink, 1, cv2.LINE_AA)
        for y in np.arange(0, tall, pitch):
            cv2.line(layer, (0, int(y)), (wide, int(y)), ink, 1, cv2.LINE_AA)
    else:
        spot = (int(rng.uniform(0, wide)), int(tall * rng.uniform(0.75, 1.05)))
        size = (int(body_pixels * rng.uniform(0.2, 0.6)) + 1, int(body_pixels * rng.uniform(0.2, 0.8)) + 1)
        cv2.ellipse(layer, spot, size, float(rng.uniform(0, 180)), 0, 360, ink, -1, cv2.LINE_AA)
    blur = body_pixels * rng.uniform(0.0, 0.03)
    if blur > 0.3:
        layer = cv2.GaussianBlur(layer, (0, 0), blur)
    if choice in ("net",) or rng.random() < 0.15:
        layer = cv2.convertScaleAbs(layer, alpha=rng.uniform(0.35, 0.8))
    keep = cv2.merge([cv2.bitwise_not(layer[..., 3])] * 4)
    canvas.front[:] = cv2.add(layer, cv2.multiply(canvas.front, keep, scale=1 / 255))
    canvas.front_used = True


def _heads(layer, rng, site, body_pixels):
    """Backs of heads and shoulders along the lower edge."""
    tall, wide = layer.shape[:2]
    size = body_pixels * rng.uniform(0.15, 0.4)
    level = tall - size * rng.uniform(0.2, 1.6)
    for x in np.arange(rng.uniform(-size, size), wide, size * rng.uniform(1.8, 4)):
        if rng.random() < 0.6:
            hair = (*map(float, hair_tone(rng, 1)[0]), 255.0)
            shirt = (*map(float, clothing(rng, 1, site.theme, "mixed")[0]), 255.0)
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
