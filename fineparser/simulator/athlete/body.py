"""The diver's body: size, mass and segments for the physics, rounded parts and colours for rendering."""

from dataclasses import dataclass

import numpy as np

from fineparser.simulator.athlete.skeleton import (
    JOINT_INDEX,
    Proportions,
    Segment,
    Sex,
    body_proportions,
    body_segments,
)

LOWER_BODY = tuple(
    JOINT_INDEX[name]
    for name in ("pelvis", "hip_l", "hip_r", "knee_l", "knee_r", "ankle_l", "ankle_r", "toe_l", "toe_r")
)
"""Joints of the lower body: parts that start there take their left from the hips, others from the shoulders."""

Colour = tuple[int, int, int]
"""RGB, 0-255."""
Offset = tuple[float, float, float]

_SKIN = np.array(
    [
        (250, 218, 196),
        (241, 203, 176),
        (229, 184, 150),
        (216, 168, 132),
        (190, 138, 100),
        (150, 102, 70),
        (104, 68, 46),
    ]
)
_SUITS = (
    (18, 20, 30),
    (20, 28, 62),
    (16, 16, 16),
    (120, 16, 24),
    (170, 28, 34),
    (24, 92, 60),
    (28, 70, 150),
    (70, 34, 96),
    (214, 120, 28),
    (40, 44, 48),
)
_HAIR = ((22, 17, 15), (34, 25, 20), (58, 40, 28), (96, 66, 40), (150, 112, 66), (196, 162, 108))
_CAPS = ((235, 235, 235), (24, 26, 32), (30, 60, 150), (190, 30, 36), (230, 196, 40))


@dataclass(frozen=True)
class BodyPart:
    """Tapered capsule of the rendered body; `Body.capsules` positions it."""

    name: str
    start: int
    end: int
    start_radius: float
    end_radius: float
    material: str
    """"skin", "suit", "hair" or "cap"."""
    start_offset: Offset = (0.0, 0.0, 0.0)
    """Metres along the part's own axes: from start joint to end joint, to the body's left, and their cross product
    (the front of the body for a part that points upwards, its back for one that points downwards)."""
    end_offset: Offset = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Body:
    """Body of one diver."""

    sex: Sex
    stature: float
    """m."""
    mass: float
    """kg."""
    proportions: Proportions
    segments: tuple[Segment, ...]
    parts: tuple[BodyPart, ...]
    colours: dict[str, Colour]
    """Material -> colour of the material in even white light."""

    @classmethod
    def sample(cls, rng: np.random.Generator, sex: Sex | None = None) -> "Body":
        """Sample a body: divers are short and light, women about 1.60 m and 54 kg, men about 1.69 m and 64 kg."""
        if sex is None:
            sex = Sex.FEMALE if rng.random() < 0.5 else Sex.MALE
        mean, spread, index = (1.60, 0.05, 21.0) if sex is Sex.FEMALE else (1.69, 0.055, 22.6)
        stature = float(np.clip(rng.normal(mean, spread), mean - 2.2 * spread, mean + 2.2 * spread))
        mass = float(np.clip(rng.normal(index, 1.3), index - 2.6, index + 2.8)) * stature**2
        trunk, arms, legs, shoulders = rng.normal(0.0, 0.018, 4)
        return cls.build(
            sex,
            stature,
            mass,
            variation=(trunk, arms, legs, shoulders),
            girth=float(rng.normal(0, 0.03)),
            colours=_colours(rng),
        )

    @classmethod
    def build(
        cls,
        sex: Sex,
        stature: float,
        mass: float,
        *,
        variation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
        girth: float = 0.0,
        colours: dict[str, Colour] | None = None,
    ) -> "Body":
        """Scale de Leva's table to a stature (m) and mass (kg).

        Args:
            variation: relative lengthening of trunk, arms, legs and shoulder width.
            girth: relative thickening of the rendered parts, beyond the thickness that mass and stature give.
            colours: material -> colour; tanned skin and a dark suit when None.

        Raises:
            ValueError: if stature or mass are not those of a grown or nearly grown person.
        """
        if not 1.3 <= stature <= 2.1 or not 30.0 <= mass <= 120.0:
            raise ValueError(f"a diver of {stature:.2f} m and {mass:.0f} kg: give 1.3-2.1 m and 30-120 kg")
        proportions = body_proportions(sex, stature, variation)
        slenderness = np.sqrt(mass / stature / (60.0 / 1.65))
        thickness = float(slenderness * stature / 1.65 * (1.0 + girth))
        cap = colours is not None and "cap" in colours
        colours = colours or {"skin": (216, 168, 132), "suit": (18, 20, 30), "hair": (34, 25, 20)}
        return cls(
            sex=sex,
            stature=stature,
            mass=mass,
            proportions=proportions,
            segments=body_segments(sex, mass, proportions),
            parts=_parts(sex, proportions, thickness, "cap" if cap else "hair"),
            colours=colours,
        )

    def capsules(self, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute starts and ends of the capsules, each [..., P, 3], in the frame of the joints [..., 20, 3]."""
        start = np.array([part.start for part in self.parts])
        end = np.array([part.end for part in self.parts])
        first, last = joints[..., start, :], joints[..., end, :]
        along = _unit(last - first)
        hips = joints[..., JOINT_INDEX["hip_l"], :] - joints[..., JOINT_INDEX["hip_r"], :]
        shoulders = joints[..., JOINT_INDEX["shoulder_l"], :] - joints[..., JOINT_INDEX["shoulder_r"], :]
        lower = np.array([part.start in LOWER_BODY for part in self.parts])
        left = np.where(lower[:, None], hips[..., None, :], shoulders[..., None, :])
        across = left - (left * along).sum(-1, keepdims=True) * along
        # a part that runs straight across the body has no left of its own: leave it without sideways offsets
        across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-6)
        axes = np.stack([along, across, np.cross(across, along)], axis=-2)  # [..., P, 3 axes, 3]
        start_offset = np.array([part.start_offset for part in self.parts])
        end_offset = np.array([part.end_offset for part in self.parts])
        return (
            first + np.einsum("pa,...pax->...px", start_offset, axes),
            last + np.einsum("pa,...pax->...px", end_offset, axes),
        )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _parts(sex: Sex, proportions: Proportions, thickness: float, crown: str) -> tuple[BodyPart, ...]:
    female = sex is Sex.FEMALE
    chest, belly = ("suit", "suit") if female else ("skin", "skin")
    t = thickness

    def part(
        name: str,
        start: str,
        end: str,
        radii: tuple[float, float],
        material: str,
        start_offset: Offset = (0.0, 0.0, 0.0),
        end_offset: Offset = (0.0, 0.0, 0.0),
    ) -> BodyPart:
        first, last = radii
        joints = JOINT_INDEX[start], JOINT_INDEX[end]
        return BodyPart(name, *joints, first * t, last * t, material, start_offset, end_offset)

    head = proportions.head
    shoulder, hip = proportions.shoulder_half_width, proportions.hip_half_width
    seat = 0.092 if female else 0.086
    parts = [
        part("belly", "waist", "pelvis", (0.086, 0.092), belly),
        part("chest", "neck", "waist", (0.060, 0.090), chest, (0.09 * t, 0.0, -0.01), (0.0, 0.0, -0.005)),
        part("shoulders", "shoulder_l", "shoulder_r", (0.052, 0.052), "skin"),
        part("seat", "hip_l", "hip_r", (seat, seat), "suit"),
        part("throat", "neck", "head", (0.050, 0.046), "skin", (-0.03, 0.0, 0.0), (-0.55 * head, 0.0, 0.0)),
        part("face", "neck", "head", (0.062, 0.080), "skin", (0.42 * head, 0.0, 0.022), (-0.085 * t, 0.0, 0.004)),
        part(
            "crown",
            "neck",
            "head",
            (0.066, 0.080),
            crown,
            (0.56 * head, 0.0, -0.020),
            (-0.078 * t, 0.0, -0.012),
        ),
    ]
    for side, sign in (("_l", 1.0), ("_r", -1.0)):
        inward = -sign * 0.40 * shoulder
        flank = (0.02, inward, 0.0), (-0.12, sign * 0.25 * hip, 0.0)
        parts += [
            part(
                "flank" + side,
                "shoulder" + side,
                "hip" + side,
                (0.076, 0.074 if female else 0.078),
                chest,
                *flank,
            ),
            part(
                "loin" + side,
                "waist",
                "hip" + side,
                (0.074, 0.090),
                "suit" if female else "skin",
                (0.03, 0.0, 0.0),
            ),
            part("upper_arm" + side, "shoulder" + side, "elbow" + side, (0.050, 0.037), "skin"),
            part("forearm" + side, "elbow" + side, "wrist" + side, (0.040, 0.025), "skin"),
            part("hand" + side, "wrist" + side, "fingertip" + side, (0.028, 0.014), "skin", (0.01, 0.0, 0.0)),
            part("thigh" + side, "hip" + side, "knee" + side, (0.086 if female else 0.083, 0.050), "skin"),
            part("shank" + side, "knee" + side, "ankle" + side, (0.050, 0.032), "skin"),
            part(
                "calf" + side,
                "knee" + side,
                "ankle" + side,
                (0.046, 0.034),
                "skin",
                (0.06, 0, 0.014),
                (-0.20, 0, 0.006),
            ),
            part("foot" + side, "ankle" + side, "toe" + side, (0.036, 0.018), "skin"),
        ]
        if not female:
            leg = -0.80 * proportions.thigh
            parts.append(
                part("brief" + side, "hip" + side, "knee" + side, (0.088, 0.084), "suit", end_offset=(leg, 0, 0))
            )
    return tuple(parts)


def _colours(rng: np.random.Generator) -> dict[str, Colour]:
    darkness = rng.uniform(0, len(_SKIN) - 1)
    below = int(darkness)
    skin = _SKIN[below] + (darkness - below) * (_SKIN[min(below + 1, len(_SKIN) - 1)] - _SKIN[below])
    skin = skin * rng.normal(1.0, 0.03) + rng.normal(0.0, 4.0, 3)
    suit = np.array(_SUITS[rng.integers(len(_SUITS))]) + rng.normal(0.0, 8.0, 3)
    fairest = len(_HAIR) if darkness < 2.2 else 4 if darkness < 4 else 2
    hair = np.array(_HAIR[rng.integers(fairest)]) + rng.normal(0.0, 4.0, 3)
    materials = {"skin": skin, "suit": suit, "hair": hair}
    if rng.random() < 0.06:
        materials["cap"] = np.array(_CAPS[rng.integers(len(_CAPS))]) + rng.normal(0.0, 4.0, 3)
    colours: dict[str, Colour] = {}
    for name, colour in materials.items():
        red, green, blue = (int(value) for value in np.clip(colour, 0, 255))
        colours[name] = (red, green, blue)
    return colours
