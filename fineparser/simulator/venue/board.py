"""Board or platform that a diver leaves from; its shape is drawn in every frame."""

from dataclasses import dataclass

import numpy as np

from fineparser.simulator.venue.venue import RGB

BLADE_LENGTH_M = 4.8
BLADE_WIDTH_M = 0.5
"""Springboard (World Aquatics facilities rules), metres."""
PLATFORM_LENGTH_M = 6.0
"""Metres."""


@dataclass(frozen=True)
class Board:
    """Springboard blade or platform edge. Lengths in metres, colours RGB 0..255."""

    kind: str
    """"springboard" or "platform"."""
    height: float
    """Height of the tip at rest above the water."""
    colour: RGB
    """Colour of the top."""
    thickness: float
    """Thickness of the blade's or slab's visible edge."""
    width: float
    """Width in y."""
    centre: float = 0.0
    """y of the middle line (a platform shared by two divers lies between them)."""
    fulcrum: float = -2.2
    """x of the roller under a springboard."""
    partner: float | None = None
    """y of a second diver's middle line; a springboard has a second blade there."""

    @property
    def length(self) -> float:
        """Length from the tip back along -x."""
        return BLADE_LENGTH_M if self.kind == "springboard" else PLATFORM_LENGTH_M

    def upper_edges(self, deflection: float = 0.0, y: float = 0.0, points: int = 9) -> np.ndarray:
        """Edges of the upper face from the rear to the tip.

        Args:
            deflection: displacement of the tip from rest, metres, up positive (`DiverMotion.board_tip`); a platform
                ignores it.
            y: the middle line of the blade (`partner` for the second springboard).

        Returns:
            [points, 2, 3] world points: rear to tip, then the edges at lower and higher y. Beyond
            the fulcrum the blade bends as a cantilever loaded at its tip; behind the fulcrum it is anchored.
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
