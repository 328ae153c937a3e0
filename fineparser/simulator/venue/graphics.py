"""Broadcast graphics over the image: score box, name caption, channel logo, letter box."""

from collections.abc import Sequence

import cv2
import numpy as np

from fineparser.simulator.filming.camera import Camera
from fineparser.simulator.venue.lettering import FONTS, draw_emblem, draw_flag, random_name
from fineparser.simulator.venue.venue import hsv_colour


def draw_graphics(rng: np.random.Generator, camera: Camera, probability: float = 0.42) -> np.ndarray | None:
    """Sample an overlay for the camera's image, or None.

    Returns:
        RGBA uint8 [camera.height, camera.width, 4], straight alpha; the part of a 16:9 image that the camera's
        window shows.
    """
    if rng.random() > probability:
        return None
    lines = camera.height
    full = max(camera.width, round(lines * 16 / 9))
    overlay = np.zeros((lines, full, 4), np.uint8)
    base = (*hsv_colour(rng, rng.random(), rng.uniform(0, 0.9)), float(rng.uniform(140, 255)))
    text_colour = (15.0, 15.0, 20.0, 255.0) if sum(base[:3]) > 400 else (250.0, 250.0, 250.0, 255.0)
    font = FONTS[int(rng.integers(len(FONTS) - 1))]
    if rng.random() < 0.55:
        _channel_logo(rng, overlay, text_colour, font)
    if rng.random() < 0.5:
        _caption(rng, overlay, base, text_colour, font)
    if rng.random() < 0.35:
        _score_box(rng, overlay, base, text_colour, font)
    if rng.random() < 0.03:
        bar = int(lines * rng.uniform(0.05, 0.12))
        overlay[:bar] = overlay[-bar:] = (0, 0, 0, 255)
    if not overlay.any():
        _channel_logo(rng, overlay, text_colour, font)
    left = int(np.clip(round(full / 2 - camera.principal_point[0]), 0, full - camera.width))
    return np.ascontiguousarray(overlay[:, left : left + camera.width])


def _text(
    overlay: np.ndarray, text: str, left: float, baseline: float, cap: float, text_colour: Sequence[float], font: int
) -> None:
    cv2.putText(
        overlay,
        text,
        (round(left), round(baseline)),
        font,
        cap / 22,
        text_colour,
        max(1, round(cap * 0.12)),
        cv2.LINE_AA,
    )


def _channel_logo(rng: np.random.Generator, overlay: np.ndarray, text_colour: Sequence[float], font: int) -> None:
    """Draw a channel's logo in a corner."""
    lines, full = overlay.shape[:2]
    size = lines * rng.uniform(0.05, 0.1)
    x = full * (rng.uniform(0.03, 0.2) if rng.random() < 0.5 else rng.uniform(0.72, 0.9))
    y = lines * (rng.uniform(0.06, 0.12) if rng.random() < 0.75 else rng.uniform(0.85, 0.95))
    strength = float(rng.uniform(110, 255))
    text_colour = (*text_colour[:3], strength) if rng.random() < 0.3 else (250.0, 250.0, 250.0, strength)
    if rng.random() < 0.5:
        draw_emblem(rng, overlay, (x, y), size, text_colour)
        x += size
    _text(overlay, random_name(rng)[:6], x, y + size / 2, size * rng.uniform(0.6, 1.0), text_colour, font)


def _caption(
    rng: np.random.Generator, overlay: np.ndarray, base: Sequence[float], text_colour: Sequence[float], font: int
) -> None:
    """Draw name, flag and dive number along the lower (sometimes upper) edge."""
    lines, full = overlay.shape[:2]
    height = lines * rng.uniform(0.08, 0.2)
    low = lines * rng.uniform(0.86, 0.98) if rng.random() < 0.8 else lines * rng.uniform(0.12, 0.3)
    left = full * rng.uniform(0.03, 0.3)
    right = min(full * 0.97, left + full * rng.uniform(0.25, 0.75))
    top = low - height
    cv2.rectangle(overlay, (round(left), round(top)), (round(right), round(low)), base, -1)
    if rng.random() < 0.5:
        stripe = (*hsv_colour(rng, rng.random(), 0.8), 255.0)
        cv2.rectangle(overlay, (round(left), round(top)), (round(right), round(top + height * 0.25)), stripe, -1)
    cap = height * rng.uniform(0.25, 0.45)
    x = left + height * 0.2
    if rng.random() < 0.6:
        flag_width, flag_height = max(3, round(height * 0.7)), max(2, round(height * 0.45))
        cloth = draw_flag(rng, flag_width, flag_height)
        y0, x0 = round(top + height * 0.3), round(x)
        area = overlay[max(y0, 0) : y0 + flag_height, x0 : x0 + flag_width]
        area[..., :3], area[..., 3] = cloth[: area.shape[0], : area.shape[1]], 255
        x += height
    room = int((right - x - height * 1.4) / (0.8 * cap))
    _text(
        overlay, f"{random_name(rng)} {random_name(rng)}"[: max(room, 0)], x, top + height * 0.7, cap, text_colour, font
    )
    _text(overlay, f"{rng.uniform(1.5, 4.5):.1f}", right - height * 1.2, top + height * 0.7, cap, text_colour, font)


def _score_box(
    rng: np.random.Generator, overlay: np.ndarray, base: Sequence[float], text_colour: Sequence[float], font: int
) -> None:
    """Draw a score box with a few rows in a corner."""
    lines, full = overlay.shape[:2]
    rows = int(rng.integers(1, 5))
    step = lines * rng.uniform(0.05, 0.08)
    width = lines * rng.uniform(0.3, 0.6)
    left = full * 0.03 if rng.random() < 0.5 else full * 0.97 - width
    top = lines * rng.uniform(0.04, 0.3)
    for row in range(rows):
        y = top + row * step * 1.15
        cv2.rectangle(overlay, (round(left), round(y)), (round(left + width), round(y + step)), base, -1)
        _text(
            overlay,
            f"{random_name(rng)[:3].upper()} {rng.uniform(20, 520):.1f}",
            left + step * 0.3,
            y + step * 0.8,
            step * 0.6,
            text_colour,
            font,
        )
