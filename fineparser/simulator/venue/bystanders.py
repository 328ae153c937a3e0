"""People at the pool other than the divers: officials, coaches, waiting divers, swimmers."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.crowd import clothing, hair_tone, skin_tone
from fineparser.simulator.venue.venue import Theme

POSES = ("standing", "walking", "sitting", "arms up", "bent", "arms folded")

Outfit = dict[str, np.ndarray]
"""Colours RGB 0..255 of "skin", "hair", "top", "hips", "legs" and "arms"."""


@dataclass(frozen=True)
class Bystander:
    """One person as round bars in world metres, ordered from far to near parts of the body."""

    starts: np.ndarray
    """Start points, [n, 3]."""
    ends: np.ndarray
    """End points, [n, 3]."""
    radii: np.ndarray
    """Radii at start and end, [n, 2]."""
    colours: np.ndarray
    """[n, 3] RGB 0..255."""

    def paint(self, canvas: Canvas) -> None:
        """Paint on a canvas."""
        canvas.tubes(self.starts, self.ends, self.radii, self.colours, shine=0.07)


def sample_outfit(rng: np.random.Generator, theme: Theme, kind: str) -> Outfit:
    """Sample an outfit of a kind: "dressed", "official" (light shirt) or "swimwear"."""
    skin, hair = skin_tone(rng, 1)[0], hair_tone(rng, 1)[0]
    if kind == "swimwear":
        suit = clothing(rng, 1, theme, "dark" if rng.random() < 0.7 else "team")[0]
        one_piece = rng.random() < 0.5
        return {
            "skin": skin,
            "hair": hair,
            "top": suit if one_piece else skin,
            "hips": suit,
            "legs": skin,
            "arms": skin,
        }
    top = clothing(rng, 1, theme, "light" if kind == "official" else "mixed")[0]
    legs = clothing(rng, 1, theme, "light" if kind == "official" and rng.random() < 0.4 else "dark")[0]
    short = rng.random() < 0.55
    return {
        "skin": skin,
        "hair": hair,
        "top": top,
        "hips": legs,
        "legs": skin if rng.random() < 0.25 else legs,
        "arms": skin if short else top,
    }


def build_bystander(
    rng: np.random.Generator,
    place: npt.ArrayLike,
    facing: float,
    colours: Outfit,
    pose: str | None = None,
    stature: float | None = None,
    seat: float = 0.45,
) -> Bystander:
    """Build one person.

    Args:
        place: [3] world point between the feet (or under the seat's front edge).
        facing: angle in radians from +x towards +y.
        colours: from `sample_outfit`.
        pose: one of POSES, sampled when None.
        stature: metres, sampled when None.
        seat: height of the seat above `place` for a sitting person.
    """
    pose = pose or POSES[int(rng.choice(len(POSES), p=[0.4, 0.2, 0.15, 0.05, 0.08, 0.12]))]
    size = (stature or rng.uniform(1.55, 1.92)) / 1.75
    ahead = np.array([math.cos(facing), math.sin(facing), 0.0])
    left = np.array([-math.sin(facing), math.cos(facing), 0.0])
    up = np.array([0.0, 0.0, 1.0])

    def at(forward: float, aside: float, height: float) -> np.ndarray:
        return np.asarray(place) + size * (forward * ahead + aside * left + height * up)

    stride = rng.uniform(0.15, 0.35) if pose == "walking" else rng.uniform(0, 0.06)
    if pose == "sitting":
        low = seat / size
        hip, chest, head = (0.0, low + 0.08), (-0.05, low + 0.55), (0.0, low + 0.78)
        knees, feet = [(0.42, low + 0.08)] * 2, [(0.44, low - 0.38)] * 2
    elif pose == "bent":
        hip, chest, head = (-0.15, 0.9), (0.25, 1.15), (0.48, 1.2)
        knees, feet = [(0.05, 0.5), (0.02, 0.5)], [(-0.05, 0.05), (0, 0.05)]
    else:
        hip, chest, head = (0.0, 0.92), (0.02, 1.4), (0.05, 1.63)
        knees, feet = [(stride / 2, 0.5), (-stride / 4, 0.5)], [(stride, 0.05), (-stride, 0.05)]
    chest_z = chest[1]
    swing = rng.normal(0, 0.12, 2)
    if pose == "arms up":
        elbows = [(0.05, 0.26, chest_z + 0.25)] * 2
        hands = [(0.05, 0.2, chest_z + 0.52)] * 2
    elif pose == "arms folded":
        elbows, hands = [(0.08, 0.26, chest_z - 0.27)] * 2, [(0.22, -0.08, chest_z - 0.2)] * 2
    elif pose == "sitting":
        elbows, hands = [(0.05, 0.25, chest_z - 0.25)] * 2, [(0.32, 0.14, chest_z - 0.38)] * 2
    else:
        elbows = [(chest[0] + s, 0.24, chest_z - 0.28) for s in swing]
        hands = [(chest[0] + 1.8 * s + 0.05, 0.24, chest_z - 0.55) for s in swing]
    parts = []  # start, end, start radius, end radius, colour
    for way, knee, foot in ((1, knees[0], feet[0]), (-1, knees[1], feet[1])):
        parts.append((at(knee[0], way * 0.1, knee[1]), at(foot[0], way * 0.1, foot[1]), 0.055, 0.04, colours["legs"]))
        parts.append((at(hip[0], way * 0.09, hip[1]), at(knee[0], way * 0.1, knee[1]), 0.085, 0.06, colours["legs"]))
    parts.append((at(hip[0], -0.08, hip[1]), at(hip[0], 0.08, hip[1]), 0.11, 0.11, colours["hips"]))
    for way in (-1, 1):
        parts.append(
            (at(chest[0], way * 0.1, chest[1]), at(hip[0], way * 0.07, hip[1] + 0.06), 0.11, 0.09, colours["top"])
        )
    parts.append((at(chest[0], -0.16, chest_z), at(chest[0], 0.16, chest_z), 0.075, 0.075, colours["top"]))
    for way, elbow, hand in ((-1, elbows[0], hands[0]), (1, elbows[1], hands[1])):
        bend = at(elbow[0], way * elbow[1], elbow[2])
        parts.append((at(chest[0], way * 0.19, chest_z), bend, 0.05, 0.042, colours["arms"]))
        parts.append((bend, at(hand[0], way * hand[1], hand[2]), 0.04, 0.032, colours["skin"]))
    parts.append((at(chest[0], 0, chest_z + 0.05), at(head[0] - 0.02, 0, head[1]), 0.05, 0.05, colours["skin"]))
    parts.append(
        (at(head[0] - 0.03, 0, head[1] + 0.05), at(head[0] - 0.03, 0, head[1] + 0.08), 0.1, 0.095, colours["hair"])
    )
    parts.append(
        (at(head[0] + 0.03, 0, head[1] - 0.04), at(head[0] + 0.02, 0, head[1] + 0.04), 0.075, 0.08, colours["skin"])
    )
    starts, ends, first, last, paint = zip(*parts, strict=True)
    return Bystander(np.array(starts), np.array(ends), size * np.stack([first, last], -1), np.array(paint, dtype=float))
