"""Joints of the body, and its segments with masses and inertias.

Segment masses, lengths, mass centres and radii of gyration are those of P. de Leva, "Adjustments to
Zatsiorsky-Seluyanov's segment inertia parameters", Journal of Biomechanics 29 (1996), table 4, given there for
young men (1.741 m, 73.0 kg) and young women (1.735 m, 61.9 kg); here they are scaled to a stature and a mass.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

JOINTS = (
    "pelvis",
    "waist",
    "neck",
    "head",
    "shoulder_l",
    "shoulder_r",
    "elbow_l",
    "elbow_r",
    "wrist_l",
    "wrist_r",
    "fingertip_l",
    "fingertip_r",
    "hip_l",
    "hip_r",
    "knee_l",
    "knee_r",
    "ankle_l",
    "ankle_r",
    "toe_l",
    "toe_r",
)
JOINT_INDEX = {name: index for index, name in enumerate(JOINTS)}
WAIST_HEIGHT = 0.42
"""Height of the waist joint as a share of pelvis -> neck: the middle of de Leva's middle trunk."""

Moments = tuple[float, float, float]
"""Principal moments of inertia, kg m2: about the body's forward axis, its left axis and the segment's long axis."""


class Sex(Enum):
    """Sex of the diver: selects one of de Leva's two columns and the suit."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True)
class Segment:
    """Rigid segment of the body between two joints."""

    name: str
    start: int
    """Index of the proximal joint."""
    end: int
    """Index of the distal joint."""
    length: float
    """m from start to end."""
    mass: float
    """kg."""
    centre: float
    """Distance of the mass centre from the proximal joint, as a share of start -> end."""
    inertia: Moments
    """About the mass centre."""


@dataclass(frozen=True)
class Proportions:
    """Lengths in metres that determine the positions of the joints."""

    trunk: float
    """Pelvis (between the hip joints) to neck (seventh cervical vertebra)."""
    shoulder_height: float
    """Shoulder joints above the pelvis, arms hanging."""
    shoulder_half_width: float
    hip_half_width: float
    head: float
    """Neck to the top of the skull."""
    upper_arm: float
    forearm: float
    hand: float
    thigh: float
    shank: float
    foot: float
    """Ankle to the tip of the toes."""


_Row = tuple[float, float, Moments, float]
# de Leva (1996): mass in % of the body, mass centre in % of the length from the proximal end, radii of gyration in %
# of the length about the sagittal (forward), transverse (left) and longitudinal axes, length in mm: women, men.
_DE_LEVA: dict[str, tuple[_Row, _Row]] = {
    "head": ((6.68, 48.41, (27.1, 29.5, 26.1), 243.7), (6.94, 50.02, (30.3, 31.5, 26.1), 242.9)),
    "upper_trunk": ((15.45, 50.50, (46.6, 31.4, 44.9), 228.0), (15.96, 50.66, (50.5, 32.0, 46.5), 242.1)),
    "middle_trunk": ((14.65, 45.12, (43.3, 35.4, 41.5), 205.3), (16.33, 45.02, (48.2, 38.3, 46.8), 215.5)),
    "lower_trunk": ((12.47, 49.20, (43.3, 40.2, 44.4), 181.5), (11.17, 61.15, (61.5, 55.1, 58.7), 145.7)),
    "upper_arm": ((2.55, 57.54, (27.8, 26.0, 14.8), 275.1), (2.71, 57.72, (28.5, 26.9, 15.8), 281.7)),
    "forearm": ((1.38, 45.59, (26.1, 25.7, 9.4), 264.3), (1.62, 45.74, (27.6, 26.5, 12.1), 268.9)),
    "hand": ((0.56, 34.27, (24.4, 20.8, 15.4), 170.1), (0.61, 36.24, (28.8, 23.5, 18.4), 187.9)),
    "thigh": ((14.78, 36.12, (36.9, 36.4, 16.2), 368.5), (14.16, 40.95, (32.9, 32.9, 14.9), 422.2)),
    "shank": ((4.81, 43.52, (26.7, 26.3, 9.2), 438.6), (4.33, 43.95, (25.1, 24.6, 10.2), 440.3)),
    "foot": ((1.29, 40.14, (29.9, 27.9, 13.9), 228.3), (1.37, 44.15, (25.7, 24.5, 12.4), 258.1)),
}
_REFERENCE_STATURE = {Sex.FEMALE: 1.735, Sex.MALE: 1.741}
_HEEL = 0.22  # share of heel -> toe behind the ankle


def body_proportions(sex: Sex, stature: float, variation: tuple[float, float, float, float]) -> Proportions:
    """Scale de Leva's lengths to a stature in metres.

    Args:
        variation: relative lengthening of trunk, arms, legs and shoulder width.
    """
    column = 0 if sex is Sex.FEMALE else 1
    trunk, arms, legs, shoulders = (1.0 + v for v in variation)

    def length(name: str) -> float:
        return _DE_LEVA[name][column][3] / 1000.0 / _REFERENCE_STATURE[sex] * stature

    whole_trunk = length("upper_trunk") + length("middle_trunk") + length("lower_trunk")
    return Proportions(
        trunk=whole_trunk * trunk,
        shoulder_height=whole_trunk * trunk * (0.820 if sex is Sex.FEMALE else 0.850),
        shoulder_half_width=(0.0945 if sex is Sex.FEMALE else 0.1015) * stature * shoulders,
        hip_half_width=(0.051 if sex is Sex.FEMALE else 0.048) * stature,
        head=0.93 * length("head"),
        upper_arm=length("upper_arm") * arms,
        forearm=length("forearm") * arms,
        hand=length("hand") * arms,
        thigh=length("thigh") * legs * (1.06 if sex is Sex.FEMALE else 1.0),
        shank=length("shank") * legs * (0.97 if sex is Sex.FEMALE else 1.0),
        foot=length("foot") * (1.0 - _HEEL),
    )


def body_segments(sex: Sex, mass: float, proportions: Proportions) -> tuple[Segment, ...]:
    """Scale de Leva's masses, mass centres and inertias to a mass in kg and the proportions."""
    column = 0 if sex is Sex.FEMALE else 1
    table = {name: columns[column] for name, columns in _DE_LEVA.items()}
    trunk_and_head = sum(table[name][0] for name in ("head", "upper_trunk", "middle_trunk", "lower_trunk"))
    both_limbs = 2 * sum(table[name][0] for name in ("upper_arm", "forearm", "hand", "thigh", "shank", "foot"))
    mass *= 100.0 / (trunk_and_head + both_limbs)  # the table's shares are rounded

    def limb(name: str, start: str, end: str, length: float) -> Segment:
        percent, centre, radii, _ = table[name]
        whole = length / (1.0 - _HEEL) if name == "foot" else length  # the foot's figures count from the heel
        kilograms = percent / 100.0 * mass
        sagittal, transverse, longitudinal = (kilograms * (r / 100.0 * whole) ** 2 for r in radii)
        across = (sagittal + transverse) / 2.0  # limbs are taken as bodies of revolution
        share = (centre / 100.0 - _HEEL) / (1.0 - _HEEL) if name == "foot" else centre / 100.0
        moments = (across, across, longitudinal)
        return Segment(f"{name}{end[-2:]}", JOINT_INDEX[start], JOINT_INDEX[end], length, kilograms, share, moments)

    segments = list(_trunk(table, mass, proportions))
    percent, centre, radii, _ = table["head"]
    kilograms = percent / 100.0 * mass
    forward, left, long = (kilograms * (r / 100.0 * proportions.head) ** 2 for r in radii)
    neck, head = JOINT_INDEX["neck"], JOINT_INDEX["head"]
    moments = (forward, left, long)
    segments.append(Segment("head", neck, head, proportions.head, kilograms, 1.0 - centre / 100.0, moments))
    for side in ("_l", "_r"):
        segments += [
            limb("upper_arm", "shoulder" + side, "elbow" + side, proportions.upper_arm),
            limb("forearm", "elbow" + side, "wrist" + side, proportions.forearm),
            limb("hand", "wrist" + side, "fingertip" + side, proportions.hand),
            limb("thigh", "hip" + side, "knee" + side, proportions.thigh),
            limb("shank", "knee" + side, "ankle" + side, proportions.shank),
            limb("foot", "ankle" + side, "toe" + side, proportions.foot),
        ]
    return tuple(segments)


def _trunk(table: dict[str, _Row], mass: float, proportions: Proportions) -> tuple[Segment, Segment]:
    """Lower and upper trunk: de Leva's three trunk pieces divided at the waist, in the middle of the middle piece."""
    scale = proportions.trunk / sum(table[name][3] for name in ("upper_trunk", "middle_trunk", "lower_trunk"))
    heights = 0.0
    pieces: list[_Piece] = []
    for name, halves in (("lower_trunk", 1), ("middle_trunk", 2), ("upper_trunk", 1)):
        percent, centre, radii, length = table[name]
        length *= scale
        kilograms = percent / 100.0 * mass / halves
        forward, left, long = (kilograms * (r / 100.0 * length) ** 2 for r in radii)
        if halves == 1:
            pieces.append(_Piece(kilograms, heights + (1.0 - centre / 100.0) * length, (forward, left, long)))
        else:
            slab = kilograms * length**2 * (1 / 12 - 1 / 48)  # half as long: less inertia about the cross axes
            for middle in (0.25, 0.75):
                pieces.append(_Piece(kilograms, heights + middle * length, (forward - slab, left - slab, long)))
        heights += length
    waist = WAIST_HEIGHT * proportions.trunk
    return _join("lower_trunk", pieces[:2], 0.0, waist), _join("upper_trunk", pieces[2:], waist, proportions.trunk)


@dataclass(frozen=True)
class _Piece:
    mass: float
    """kg."""
    height: float
    """m of the mass centre above the pelvis."""
    inertia: Moments


def _join(name: str, pieces: list[_Piece], low: float, high: float) -> Segment:
    """Join pieces of the trunk into a segment that reaches from `low` to `high` metres above the pelvis."""
    start, end = {"lower_trunk": ("pelvis", "waist"), "upper_trunk": ("waist", "neck")}[name]
    mass = sum(piece.mass for piece in pieces)
    centre = sum(piece.mass * piece.height for piece in pieces) / mass
    length = high - low
    moments = np.zeros(3)
    for piece in pieces:
        shift = piece.mass * (piece.height - centre) ** 2
        moments += np.array(piece.inertia) + np.array((shift, shift, 0.0))
    forward, left, long = (float(moment) for moment in moments)
    share = float((centre - low) / length)
    return Segment(name, JOINT_INDEX[start], JOINT_INDEX[end], float(length), mass, share, (forward, left, long))
