"""Ground plan, colours and light of a diving venue, sampled once per scene."""

import colorsys
import math
from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]
"""Red, green and blue, 0-255."""

Theme = tuple[RGB, ...]
"""Colours of a venue: boards, banners, seats."""


@dataclass(frozen=True)
class Light:
    """Light on divers and venue."""

    direction: np.ndarray
    """Unit vector in world axes towards the light, [3]."""
    ambient: float
    """Share of diffuse light, 0..1."""
    colour: tuple[float, float, float]
    """Tint of the light, RGB factors around 1."""
    exposure: float
    """Factor on the light that divers reflect; the venue is painted with its exposure included."""

    @classmethod
    def sample(cls, rng: np.random.Generator, indoor: bool) -> "Light":
        """Sample lamps under the roof, or the sun (sometimes behind cloud)."""
        angle = rng.uniform(0, 2 * math.pi)
        rise = math.radians(rng.uniform(50, 88) if indoor else rng.uniform(18, 70))
        direction = np.array([math.cos(angle) * math.cos(rise), math.sin(angle) * math.cos(rise), math.sin(rise)])
        warmth = rng.normal(0, 0.05)
        cloudy = rng.random() < 0.3
        return cls(
            direction=direction,
            ambient=float(rng.uniform(0.5, 0.85) if indoor or cloudy else rng.uniform(0.35, 0.55)),
            colour=(1 + warmth, 1.0, 1 - warmth),
            exposure=float(rng.uniform(0.75, 1.15)),
        )


@dataclass(frozen=True, kw_only=True)
class Venue:
    """Pool, deck, walls and colours. Lengths in metres, colours RGB 0..255."""

    indoor: bool
    side: int
    """+1 where the camera stands at y > 0 of the diver, -1 at y < 0."""
    pool: tuple[float, float, float, float]
    """Edges of the water: x low, x high, y low, y high."""
    deck_level: float
    """Height of the deck above the water."""
    walls: tuple[float, float, float, float]
    """Inner edges of the walls or stands beyond the deck: x low, x high, y low, y high."""
    theme: Theme
    """Two or three colours of the venue (boards, banners, seats)."""
    wall: RGB
    """Colour of the plain walls."""
    deck: RGB
    """Colour of the deck."""
    water: RGB
    """Colour of deep water."""
    surroundings_brightness: float
    """Brightness of everything beyond the deck, 0..1: broadcasts light the pool and leave the stands dark."""

    @classmethod
    def sample(cls, rng: np.random.Generator, camera_y: float) -> "Venue":
        """Sample a venue for a camera at the given y."""
        indoor = bool(rng.random() < 0.72)
        side = 1 if camera_y >= 0 else -1
        near, far = rng.uniform(5, 14), rng.uniform(5, 16)
        low_y, high_y = (-far, near) if side > 0 else (-near, far)
        pool = (-rng.uniform(1.0, 2.2), rng.uniform(14, 32), low_y, high_y)
        margin = rng.uniform(2.5, 9, 4)
        walls = (
            min(pool[0] - margin[0], -7.5),
            pool[1] + margin[1],
            pool[2] - margin[2],
            pool[3] + margin[3],
        )
        hue = rng.choice([0.55, 0.58, 0.6, 0.63, 0.5, 0.0, 0.08, 0.13, 0.35, 0.78, rng.random()])
        theme = tuple(
            hsv_colour(rng, hue + shift, saturation)
            for shift, saturation in (
                (rng.normal(0, 0.02), rng.uniform(0.4, 0.95)),
                (rng.normal(0, 0.1), rng.uniform(0.1, 0.8)),
                (rng.random(), rng.uniform(0.0, 0.9)),
            )
        )
        if rng.random() < 0.3:
            wall = hsv_colour(rng, hue + rng.normal(0, 0.05), rng.uniform(0.2, 0.8))
        else:
            wall = hsv_colour(rng, rng.choice([0.1, 0.6, rng.random()]), rng.uniform(0.0, 0.22))
        tone = rng.uniform(120, 235)
        grey = np.clip(tone + rng.normal(0, 10, 3) + rng.normal(0, 6) * np.array([1, 0, -1]), 40, 250)
        deck: RGB = (float(grey[0]), float(grey[1]), float(grey[2]))
        if rng.random() < 0.12:
            deck = hsv_colour(rng, hue, 0.35)
        if rng.random() < 0.7:
            water = hsv_colour(rng, rng.normal(0.575, 0.025), rng.uniform(0.65, 1.0), rng.uniform(0.45, 0.95))
        else:
            water = hsv_colour(rng, rng.uniform(0.4, 0.55), rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.85))
        surroundings_brightness = rng.uniform(0.75, 1.05)
        if indoor and rng.random() < 0.5:
            surroundings_brightness = rng.uniform(0.22, 0.75)
        return cls(
            indoor=indoor,
            side=side,
            pool=pool,
            deck_level=float(rng.uniform(0.08, 0.45)),
            walls=walls,
            theme=theme,
            wall=wall,
            deck=deck,
            water=water,
            surroundings_brightness=float(surroundings_brightness),
        )

    @property
    def far_y(self) -> float:
        """y of the wall across the pool from the camera."""
        return self.walls[2] if self.side > 0 else self.walls[3]


def hsv_colour(rng: np.random.Generator, hue: float, saturation: float, value: float | None = None) -> RGB:
    """RGB colour 0..255 of the given hue, saturation and value (0..1); the value is sampled when None."""
    value = rng.uniform(0.3, 1.0) if value is None else value
    red, green, blue = colorsys.hsv_to_rgb(
        float(hue) % 1.0, float(np.clip(saturation, 0, 1)), float(np.clip(value, 0, 1))
    )
    return 255 * red, 255 * green, 255 * blue
