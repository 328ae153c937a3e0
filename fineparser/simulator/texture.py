"""Procedural surfaces: noise that looks like dirt, cloud or ripples, and patterns that mean nothing."""

import cv2
import numpy as np

PATTERNS = ("stripes", "checks", "blotches", "diagonals", "gradient", "dots", "blocks")


def noise(rng, tall, wide, coarse=4, octaves=3, falloff=0.6):
    """Cloudy value noise, float32 [tall, wide], mean about 0, deviation about 1.

    `coarse` is how many blobs lie across the shorter edge in the first octave; each octave doubles it.
    """
    total = np.zeros((tall, wide), np.float32)
    strength = 1.0
    power = 0.0
    shorter = min(tall, wide)
    for octave in range(octaves):
        cells = coarse * 2**octave
        if octave and cells > shorter:
            break
        rows = max(2, min(tall, round(cells * tall / shorter)))
        columns = max(2, min(wide, round(cells * wide / shorter)))
        grid = rng.standard_normal((rows, columns), dtype=np.float32)
        total += strength * cv2.resize(grid, (wide, tall), interpolation=cv2.INTER_CUBIC)
        power += 0.5 * strength**2
        strength *= falloff
    return total / np.float32(np.sqrt(power))


def plain(wide, tall, colour):
    """One colour, uint8 [tall, wide, 3]."""
    return np.full((tall, wide, 3), np.clip(colour, 0, 255), np.uint8)


def mottled(rng, picture, strength, coarse=4):
    """The picture [h, w, 3] made uneven by cloudy light and dark, `strength` in grey levels."""
    tall, wide = picture.shape[:2]
    light = strength * noise(rng, tall, wide, coarse)
    return cv2.add(picture, cv2.merge([light, light, light]), dtype=cv2.CV_8U)


def shaded(picture, top, bottom):
    """The picture [h, w, 3] multiplied by a brightness that runs from `top` to `bottom`."""
    ramp = np.linspace(top, bottom, picture.shape[0], dtype=np.float32)[:, None, None]
    return cv2.convertScaleAbs(picture * ramp)


def pattern(rng, wide, tall, colours):
    """A meaningless pattern in the given colours (sequence of RGB), uint8 [tall, wide, 3]."""
    kind = PATTERNS[int(rng.integers(len(PATTERNS)))]
    ground, ink = (np.array(colours[int(rng.integers(len(colours)))], np.float32) for _ in range(2))
    across = np.arange(wide, dtype=np.float32)[None]
    down = np.arange(tall, dtype=np.float32)[:, None]
    pitch = max(3.0, min(wide, tall) * rng.uniform(0.06, 0.5))
    if kind == "gradient":
        angle = rng.uniform(0, 2 * np.pi)
        share = np.cos(angle) * across / max(wide, 1) + np.sin(angle) * down / max(tall, 1)
        share = (share - share.min()) / max(float(np.ptp(share)), 1e-6)
    elif kind == "blotches":
        share = (noise(rng, tall, wide, coarse=int(rng.integers(2, 12))) > rng.normal(0, 0.4)).astype(np.float32)
    elif kind == "dots":
        share = (np.hypot((across % pitch) - pitch / 2, (down % pitch) - pitch / 2) < pitch * 0.3).astype(np.float32)
    elif kind == "blocks":
        rows, columns = max(1, int(tall / pitch)), max(1, int(wide / pitch))
        share = cv2.resize(rng.random((rows, columns), dtype=np.float32), (wide, tall), interpolation=cv2.INTER_NEAREST)
    else:
        angle = {"stripes": rng.choice([0, np.pi / 2]), "checks": 0.0, "diagonals": rng.uniform(0, np.pi)}[kind]
        share = (((np.cos(angle) * across + np.sin(angle) * down) / pitch) % 1 < rng.uniform(0.2, 0.8)).astype(
            np.float32
        )
        if kind == "checks":
            share = np.abs(share - (down / pitch % 1 < 0.5))
    share = np.broadcast_to(share, (tall, wide))[..., None]
    return (ground + share * (ink - ground)).clip(0, 255).astype(np.uint8)
