"""The board or platform a diver leaves from: the shape that is drawn anew in every frame."""

from dataclasses import dataclass

import numpy as np

BLADE_LENGTH = 4.8  # m, springboard (World Aquatics facilities rules)
BLADE_WIDTH = 0.5  # m
PLATFORM_LENGTH = 6.0  # m


@dataclass(frozen=True)
class Board:
    """Springboard blade or platform edge. Lengths in metres, colours RGB 0..255."""

    kind: str
    """"springboard" or "platform"."""
    height: float
    """Height of the tip at rest above the water."""
    colour: tuple
    """Colour of the top."""
    thickness: float
    """Of the blade's or slab's visible edge."""
    width: float
    """Across, in y."""
    centre: float = 0.0
    """y of the middle line (a platform shared by two divers lies between them)."""
    fulcrum: float = -2.2
    """x of the roller under a springboard."""
    partner: float | None = None
    """y of a second diver's middle line; a springboard has a second blade there."""

    @property
    def length(self):
        """From the tip back along -x."""
        return BLADE_LENGTH if self.kind == "springboard" else PLATFORM_LENGTH

    def outline(self, deflection=0.0, y=0.0, points=9):
        """Edges of the upper face from the rear to the tip.

        Args:
            deflection: how far the tip is off its rest, metres, up positive (`Motion.board_tip`); no matter for a
                platform.
            y: the middle line of the blade (`partner` for the second springboard).

        Returns:
            [points, 2, 3] world points: rear to tip, then the edges at lower and higher y. The blade bends as a
            cantilever loaded at its tip beyond the fulcrum and turns about the fulcrum behind it only as far as the
            anchor lets it: not at all.
        """
        x = np.linspace(-self.length, 0.0, points)
        if self.kind == "springboard":
            share = np.clip((x - self.fulcrum) / -self.fulcrum, 0, 1)
            z = self.height + deflection * share**2 * (3 - share) / 2
        else:
            z, y = np.full(points, self.height), self.centre
        half = self.width / 2
        low = np.stack([x, np.full(points, y - half), z], -1)
        high = np.stack([x, np.full(points, y + half), z], -1)
        return np.stack([low, high], 1)
