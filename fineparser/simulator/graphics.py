"""What a broadcaster lays over the picture: score bug, name caption, clock, channel mark, letter box."""

import cv2
import numpy as np

from fineparser.simulator.lettering import FONTS, emblem, flag, word
from fineparser.simulator.site import vivid


def draw_graphics(rng, camera, chance=0.42):
    """Draw an overlay for the camera's picture, or None.

    Returns:
        RGBA uint8 [camera.height, camera.width, 4], straight alpha; the part of a 16:9 picture that the camera's
        window shows.
    """
    if rng.random() > chance:
        return None
    lines = camera.height
    full = max(camera.width, round(lines * 16 / 9))
    sheet = np.zeros((lines, full, 4), np.uint8)
    ground = (*vivid(rng, rng.random(), rng.uniform(0, 0.9)), float(rng.uniform(140, 255)))
    ink = (15.0, 15.0, 20.0, 255.0) if sum(ground[:3]) > 400 else (250.0, 250.0, 250.0, 255.0)
    font = FONTS[int(rng.integers(len(FONTS) - 1))]
    if rng.random() < 0.55:
        _channel_mark(rng, sheet, ink, font)
    if rng.random() < 0.5:
        _caption(rng, sheet, ground, ink, font)
    if rng.random() < 0.35:
        _bug(rng, sheet, ground, ink, font)
    if rng.random() < 0.03:
        bar = int(lines * rng.uniform(0.05, 0.12))
        sheet[:bar] = sheet[-bar:] = (0, 0, 0, 255)
    if not sheet.any():
        _channel_mark(rng, sheet, ink, font)
    left = int(np.clip(round(full / 2 - camera.principal_point[0]), 0, full - camera.width))
    return np.ascontiguousarray(sheet[:, left : left + camera.width])


def _text(sheet, text, left, baseline, cap, ink, font):
    cv2.putText(
        sheet, text, (round(left), round(baseline)), font, cap / 22, ink, max(1, round(cap * 0.12)), cv2.LINE_AA
    )


def _channel_mark(rng, sheet, ink, font):
    """A channel's sign in a corner."""
    lines, full = sheet.shape[:2]
    size = lines * rng.uniform(0.05, 0.1)
    x = full * (rng.uniform(0.03, 0.2) if rng.random() < 0.5 else rng.uniform(0.72, 0.9))
    y = lines * (rng.uniform(0.06, 0.12) if rng.random() < 0.75 else rng.uniform(0.85, 0.95))
    strength = float(rng.uniform(110, 255))
    ink = (*ink[:3], strength) if rng.random() < 0.3 else (250.0, 250.0, 250.0, strength)
    if rng.random() < 0.5:
        emblem(rng, sheet, (x, y), size, ink)
        x += size
    _text(sheet, word(rng)[:6], x, y + size / 2, size * rng.uniform(0.6, 1.0), ink, font)


def _caption(rng, sheet, ground, ink, font):
    """Name, flag, dive number along the lower (sometimes upper) edge."""
    lines, full = sheet.shape[:2]
    tall = lines * rng.uniform(0.08, 0.2)
    low = lines * rng.uniform(0.86, 0.98) if rng.random() < 0.8 else lines * rng.uniform(0.12, 0.3)
    left = full * rng.uniform(0.03, 0.3)
    right = min(full * 0.97, left + full * rng.uniform(0.25, 0.75))
    top = low - tall
    cv2.rectangle(sheet, (round(left), round(top)), (round(right), round(low)), ground, -1)
    if rng.random() < 0.5:
        stripe = (*vivid(rng, rng.random(), 0.8), 255.0)
        cv2.rectangle(sheet, (round(left), round(top)), (round(right), round(top + tall * 0.25)), stripe, -1)
    cap = tall * rng.uniform(0.25, 0.45)
    x = left + tall * 0.2
    if rng.random() < 0.6:
        wide, high = max(3, round(tall * 0.7)), max(2, round(tall * 0.45))
        cloth = flag(rng, wide, high)
        y0, x0 = round(top + tall * 0.3), round(x)
        area = sheet[max(y0, 0) : y0 + high, x0 : x0 + wide]
        area[..., :3], area[..., 3] = cloth[: area.shape[0], : area.shape[1]], 255
        x += tall
    room = int((right - x - tall * 1.4) / (0.8 * cap))
    _text(sheet, f"{word(rng)} {word(rng)}"[: max(room, 0)], x, top + tall * 0.7, cap, ink, font)
    _text(sheet, f"{rng.uniform(1.5, 4.5):.1f}", right - tall * 1.2, top + tall * 0.7, cap, ink, font)


def _bug(rng, sheet, ground, ink, font):
    """A score box with a few rows in a corner."""
    lines, full = sheet.shape[:2]
    rows = int(rng.integers(1, 5))
    step = lines * rng.uniform(0.05, 0.08)
    wide = lines * rng.uniform(0.3, 0.6)
    left = full * 0.03 if rng.random() < 0.5 else full * 0.97 - wide
    top = lines * rng.uniform(0.04, 0.3)
    for row in range(rows):
        y = top + row * step * 1.15
        cv2.rectangle(sheet, (round(left), round(y)), (round(left + wide), round(y + step)), ground, -1)
        _text(
            sheet,
            f"{word(rng)[:3].upper()} {rng.uniform(20, 520):.1f}",
            left + step * 0.3,
            y + step * 0.8,
            step * 0.6,
            ink,
            font,
        )
