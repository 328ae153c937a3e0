"""Procedural surfaces: noise as of dirt, clouds or ripples, and random patterns."""

from collections.abc import Sequence

import cv2
import numpy as np

Colour = Sequence[float] | np.ndarray
"""RGB or RGBA, 0-255."""

PATTERN_KINDS = ("stripes", "checks", "blotches", "diagonals", "gradient", "dots", "blocks")


def value_noise(
    rng: np.random.Generator, height: int, width: int, cells: int = 4, octaves: int = 3, falloff: float = 0.6
) -> np.ndarray:
    """Cloudy value noise, float32 [height, width], mean about 0, deviation about 1.

    `cells` is the number of blobs across the shorter edge in the first octave; each octave doubles it.
    """
    total = np.zeros((height, width), np.float32)
    strength = 1.0
    variance = 0.0
    shorter = min(height, width)
    for octave in range(octaves):
        octave_cells = cells * 2**octave
        if octave and octave_cells > shorter:
            break
        rows = max(2, min(height, round(octave_cells * height / shorter)))
        columns = max(2, min(width, round(octave_cells * width / shorter)))
        grid = rng.standard_normal((rows, columns), dtype=np.float32)
        total += strength * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        variance += 0.5 * strength**2
        strength *= falloff
    return total / np.float32(np.sqrt(variance))


def solid_image(width: int, height: int, colour: Colour) -> np.ndarray:
    """Image of one colour, uint8 [height, width, 3]."""
    return np.full((height, width, 3), np.clip(colour, 0, 255), np.uint8)


def mottle(rng: np.random.Generator, image: np.ndarray, strength: float, cells: int = 4) -> np.ndarray:
    """Add cloudy light and dark to an image [h, w, 3]; `strength` in grey levels."""
    height, width = image.shape[:2]
    light = strength * value_noise(rng, height, width, cells)
    return cv2.add(image, cv2.merge([light, light, light]), dtype=cv2.CV_8U)


def apply_brightness_ramp(image: np.ndarray, top: float, bottom: float) -> np.ndarray:
    """Multiply an image [h, w, 3] by a brightness that runs from `top` to `bottom`."""
    ramp = np.linspace(top, bottom, image.shape[0], dtype=np.float32)[:, None, None]
    return cv2.convertScaleAbs(image * ramp)


def random_pattern(rng: np.random.Generator, width: int, height: int, colours: Sequence[Colour]) -> np.ndarray:
    """Random pattern in two of the given colours, uint8 [height, width, 3]."""
    kind = PATTERN_KINDS[int(rng.integers(len(PATTERN_KINDS)))]
    base, second = (np.array(colours[int(rng.integers(len(colours)))], np.float32) for _ in range(2))
    across = np.arange(width, dtype=np.float32)[None]
    down = np.arange(height, dtype=np.float32)[:, None]
    pitch = max(3.0, min(width, height) * rng.uniform(0.06, 0.5))
    if kind == "gradient":
        angle = rng.uniform(0, 2 * np.pi)
        weight = np.cos(angle) * across / max(width, 1) + np.sin(angle) * down / max(height, 1)
        weight = (weight - weight.min()) / max(float(np.ptp(weight)), 1e-6)
    elif kind == "blotches":
        weight = (value_noise(rng, height, width, cells=int(rng.integers(2, 12))) > rng.normal(0, 0.4)).astype(
            np.float32
        )
    elif kind == "dots":
        weight = (np.hypot((across % pitch) - pitch / 2, (down % pitch) - pitch / 2) < pitch * 0.3).astype(np.float32)
    elif kind == "blocks":
        rows, columns = max(1, int(height / pitch)), max(1, int(width / pitch))
        weight = cv2.resize(
            rng.random((rows, columns), dtype=np.float32), (width, height), interpolation=cv2.INTER_NEAREST
        )
    else:
        angle = {"stripes": rng.choice([0, np.pi / 2]), "checks": 0.0, "diagonals": rng.uniform(0, np.pi)}[kind]
        weight = (((np.cos(angle) * across + np.sin(angle) * down) / pitch) % 1 < rng.uniform(0.2, 0.8)).astype(
            np.float32
        )
        if kind == "checks":
            weight = np.abs(weight - (down / pitch % 1 < 0.5))
    weight = np.broadcast_to(weight, (height, width))[..., None]
    return (base + weight * (second - base)).clip(0, 255).astype(np.uint8)
