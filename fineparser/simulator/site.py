"""The ground plan of a diving pool and what it is made of, drawn once per scene."""

import colorsys
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Light:
    """What lights divers and scenery."""

    direction: np.ndarray
    """Unit vector in world axes towards the light, [3]."""
    ambient: float
    """Share of the light that comes from everywhere, 0..1."""
    colour: tuple[float, float, float]
    """Tint of the light, RGB factors around 1."""
    exposure: float
    """Factor on what the divers reflect; the scenery is painted with its exposure already in it."""

    @classmethod
    def sample(cls, rng, indoor):
        """Lamps under the roof, or the sun (sometimes behind cloud)."""
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


@dataclass(frozen=True)
class Site:
    """Pool, deck, walls and colours. Lengths in metres, colours RGB 0..255."""

    indoor: bool
    side: int
    """+1 where the camera stands at y > 0 of the diver, -1 at y < 0."""
    pool: tuple[float, float, float, float]
    """Edges of the water: x low, x high, y low, y high."""
    deck_level: float
    """Height of the deck above the water."""
    walls: tuple[float, float, float, float]
    """Where walls or stands begin beyond the deck: x low, x high, y low, y high."""
    theme: tuple
    """Two or three colours of the venue (boards, banners, seats)."""
    wall: tuple
    """Colour of the plain walls."""
    deck: tuple
    """Colour of the deck."""
    water: tuple
    """Colour of deep water."""
    gloom: float
    """Brightness of what lies beyond the deck, 0..1: broadcasts light the pool and leave the stands dark."""

    @classmethod
    def sample(cls, rng, camera_y):
        """Draw a venue for a camera standing at the given y."""
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
            vivid(rng, hue + shift, lively)
            for shift, lively in (
                (rng.normal(0, 0.02), rng.uniform(0.4, 0.95)),
                (rng.normal(0, 0.1), rng.uniform(0.1, 0.8)),
                (rng.random(), rng.uniform(0.0, 0.9)),
            )
        )
        if rng.random() < 0.3:
            wall = vivid(rng, hue + rng.normal(0, 0.05), rng.uniform(0.2, 0.8))
        else:
            wall = vivid(rng, rng.choice([0.1, 0.6, rng.random()]), rng.uniform(0.0, 0.22))
        tone = rng.uniform(120, 235)
        deck = tuple(
            float(v) for v in np.clip(tone + rng.normal(0, 10, 3) + rng.normal(0, 6) * np.array([1, 0, -1]), 40, 250)
        )
        if rng.random() < 0.12:
            deck = vivid(rng, hue, 0.35)
        if rng.random() < 0.7:
            water = vivid(rng, rng.normal(0.575, 0.025), rng.uniform(0.65, 1.0), rng.uniform(0.45, 0.95))
        else:
            water = vivid(rng, rng.uniform(0.4, 0.55), rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.85))
        gloom = rng.uniform(0.75, 1.05)
        if indoor and rng.random() < 0.5:
            gloom = rng.uniform(0.22, 0.75)
        return cls(indoor, side, pool, float(rng.uniform(0.08, 0.45)), walls, theme, wall, deck, water, float(gloom))

    @property
    def far_y(self):
        """y of the wall that the camera looks at across the pool."""
        return self.walls[2] if self.side > 0 else self.walls[3]


def vivid(rng, hue, saturation, value=None):
    """An RGB colour 0..255 near the given hue and saturation (0..1); a random brightness unless told."""
    value = rng.uniform(0.3, 1.0) if value is None else value
    mixed = colorsys.hsv_to_rgb(float(hue) % 1.0, float(np.clip(saturation, 0, 1)), float(np.clip(value, 0, 1)))
    return tuple(255 * channel for channel in mixed)
