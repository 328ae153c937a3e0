"""Faults of a dive in physical units: which ones go together, and their sizes at a level of the diver.

A dive's faults have a profile, sizes relative to each other, and a common scale. The scale follows from the level of
the diver and the difficulty of the dive, or from the award that the dive is to have (`fineparser.simulator.judges`).
"""

from dataclasses import dataclass, fields

import numpy as np

from fineparser.domain.difficulty import SPRINGBOARDS, difficulty
from fineparser.domain.dive_code import DiveCode


@dataclass(frozen=True)
class Faults:
    """Sizes of a dive's faults; all 0 is a dive without fault. Faults that a dive cannot have are 0."""

    low: float = 0.0
    """Metres of rise missing after the take-off."""
    lean: float = 0.0
    """Degrees by which the diver leans too far out over the water at the take-off."""
    distance: float = 0.0
    """Metres by which the entry is too far from the board (positive) or too near (negative)."""
    loose: float = 0.0
    """Degrees by which the pike or tuck is open."""
    bent_knees: float = 0.0
    """Degrees by which the knees are bent where they should be straight."""
    split_legs: float = 0.0
    """Degrees between the legs."""
    unpointed: float = 0.0
    """Degrees by which the feet are not pointed."""
    late: float = 0.0
    """Seconds by which the shape opens too late."""
    entry: float = 0.0
    """Degrees of somersault at the entry beyond the vertical (positive, over) or missing (negative, short)."""
    twist: float = 0.0
    """Degrees of twist at the entry too many (positive) or missing (negative)."""
    crooked: float = 0.0
    """Degrees by which the body leans to its side, signed; it then also drifts off the line."""
    wobble: float = 0.0
    """Degrees of swaying in the armstand."""
    splash: float = 0.0
    """Size of the splash, 0 (rip entry) to 1 (huge)."""
    bent_entry: float = 0.0
    """Degrees by which the hips are bent at the touch of the water, beyond the bend that nobody deducts."""
    failed: bool = False
    """A failed dive: `entry` is far off, the diver lands flat."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not np.isfinite(value):
                raise ValueError(f"fault {field.name} is {value}; give a finite size")
            if field.name not in ("distance", "entry", "twist", "crooked") and value < 0:
                raise ValueError(f"fault {field.name} is {value}; give a size >= 0")


TYPICAL_SIZES = {
    "low": 0.13,
    "lean": 4.0,
    "distance": 0.26,
    "loose": 9.0,
    "bent_knees": 6.0,
    "split_legs": 5.0,
    "unpointed": 9.0,
    "late": 0.04,
    "entry": 7.0,
    "twist": 7.0,
    "crooked": 2.2,
    "wobble": 3.0,
    "bent_entry": 11.0,
}
"""Fault sizes of a weak competitor: medians of absolute values, to be scaled. What faults bring with them is added."""
LARGEST_SIZES = {
    "low": 0.9,
    "lean": 16.0,
    "distance": 0.9,
    "loose": 45.0,
    "bent_knees": 45.0,
    "split_legs": 35.0,
    "unpointed": 50.0,
    "late": 0.2,
    "entry": 42.0,
    "twist": 60.0,
    "crooked": 14.0,
    "wobble": 14.0,
    "bent_entry": 50.0,
}
"""Sizes that faults approach but do not exceed."""
LATE_FOR_LOW, LOOSE_FOR_LOW = 0.12, 15.0
"""Seconds by which a dive opens later, and degrees by which it is less tight, for each metre of height missing: there
is no time."""
SHORT_FOR_LATE, SHORT_FOR_LOW = 70.0, 10.0
"""Degrees that are missing at the entry for each second that a dive opens late and each metre of height missing."""
BENT_FOR_SHORT, BENT_FOR_LATE, BENT_FOR_LOW = 0.5, 80.0, 15.0
"""Degrees by which the hips are still bent at the touch for each degree that the dive is short, each second that it
opens late and each metre of height missing."""
LEVEL_PER_DIFFICULTY = 0.17
"""Increase of the mean level of divers for 1.0 of difficulty."""
WEAK_SCALE, WEAK_JUMP, WEAK_TURN = 0.65, 0.75, 15.0
"""Scale of faults from which on divers jump weakly from a springboard; metres of rise and degrees of somersault that a
beginner lacks whose scale is e times as large."""
FAILED_SHARE = 0.001
"""Share of failed dives."""
_SIGNED = ("distance", "entry", "twist", "crooked")
_MEDIAN_OF_NORMAL = 0.6745


@dataclass(frozen=True)
class FaultProfile:
    """Faults of one dive relative to each other; a scale makes sizes of them."""

    code: DiveCode
    height: float
    """Metres."""
    deviations: dict[str, float]
    """Size of each fault of `TYPICAL_SIZES`, in typical sizes; signed."""
    weakness: float
    """Weakness of the jump of a beginner, 0 or more."""
    splash: float
    """Share of the splash that comes from nothing that can be seen before, 0 or more."""
    failed_entry: float | None
    """Degrees of somersault by which a failed dive is off; None for other dives."""

    @classmethod
    def sample(cls, rng: np.random.Generator, code: DiveCode, height: float) -> "FaultProfile":
        """Sample the profile of a dive from a height in metres."""
        deviations = {name: float(rng.normal() / _MEDIAN_OF_NORMAL) for name in TYPICAL_SIZES}
        weakness, splash = float(abs(rng.normal())), float(rng.gamma(1.1, 0.14))
        is_failed, sign, failed_entry = rng.random() < FAILED_SHARE, rng.choice((-1.0, 1.0)), rng.uniform(50.0, 85.0)
        return cls(code, height, deviations, weakness, splash, float(sign * failed_entry) if is_failed else None)

    def faults(self, scale: float) -> Faults:
        """Faults of the dive at a scale, 1 for a weak competitor: all of them grow with it."""
        sizes = {name: typical * scale * self.deviations[name] for name, typical in TYPICAL_SIZES.items()}
        sizes = {name: size if name in _SIGNED else abs(size) for name, size in sizes.items()}
        if self.height in SPRINGBOARDS:  # beginners hardly bend the board, and the dive is over before they are around
            weakness = max(float(np.log(scale / WEAK_SCALE)), 0.0) * self.weakness
            sizes["low"] += WEAK_JUMP * weakness
            sizes["entry"] -= WEAK_TURN * weakness
        # A low dive has no time to close tightly and to open, a late one is short, and the hips are bent at the touch.
        sizes["late"] += LATE_FOR_LOW * sizes["low"]
        sizes["loose"] += LOOSE_FOR_LOW * sizes["low"]
        sizes["entry"] -= SHORT_FOR_LATE * sizes["late"] + SHORT_FOR_LOW * sizes["low"]
        sizes["bent_entry"] += BENT_FOR_SHORT * max(-sizes["entry"], 0.0)
        sizes["bent_entry"] += BENT_FOR_LATE * sizes["late"] + BENT_FOR_LOW * sizes["low"]
        sizes = {name: LARGEST_SIZES[name] * float(np.tanh(size / LARGEST_SIZES[name])) for name, size in sizes.items()}
        if not self.code.armstand:
            sizes["wobble"] = 0.0
        if self.code.position not in ("B", "C"):
            sizes["loose"] = 0.0
        if not self._opens_before_entry:
            sizes["bent_entry"] = 0.0
        failed = self.failed_entry is not None
        if self.failed_entry is not None:
            sizes["entry"] = self.failed_entry
        seen = (abs(sizes["entry"]) / 22.0) ** 1.2 + abs(sizes["twist"]) / 70.0 + abs(sizes["crooked"]) / 22.0
        seen += sizes["bent_entry"] / 60.0
        exponent = 0.55 * seen + self.splash * np.sqrt(scale) + 0.25 * failed
        return Faults(**sizes, splash=float(1.0 - np.exp(-exponent)), failed=failed)

    @property
    def _opens_before_entry(self) -> bool:
        """True if the dive ends with a pike or tuck, which may still be open too little at the touch."""
        return self.code.position in ("B", "C") and (not self.code.twisting or self.code.half_somersaults >= 3)


def fault_scale(level: float, code: DiveCode, height: float) -> float:
    """Scale of faults, 1 for a weak competitor and an average dive: less for better divers, more for harder dives.

    0.5 of difficulty around 3.0 increases it by 10%.
    """
    if not 0.0 <= level <= 1.0:
        raise ValueError(f"level is {level}; give 0 (beginner) to 1 (medallist)")
    return float(np.exp(0.20 - 1.40 * level) * np.exp(0.20 * (difficulty(code, height) - 3.0)))


def sample_level(rng: np.random.Generator, code: DiveCode | None = None, height: float | None = None) -> float:
    """Sample a competitor's level on the day, 0 (beginner) to 1 (medallist).

    With a dive, the level of divers who perform it: better divers perform harder dives, and in real competitions awards
    even increase a little with difficulty.
    """
    level = rng.beta(4.2, 2.8)
    if code is not None and height is not None:
        level += LEVEL_PER_DIFFICULTY * (difficulty(code, height) - 3.1)
    return float(np.clip(level, 0.0, 1.0))


def sample_faults(rng: np.random.Generator, level: float, code: DiveCode, height: float) -> Faults:
    """Sample the faults of one dive of a diver at a level from 0 to 1.

    Raises:
        ValueError: if level is outside 0..1, or the dive has no difficulty at the height.
    """
    # faults of a dive are correlated: single faults scatter around a scale of the dive
    scale = fault_scale(level, code, height) * np.exp(rng.normal(0.0, 0.15))
    return FaultProfile.sample(rng, code, height).faults(float(scale))
