"""Faults of a dive in physical units, sampled from the level of the diver and the difficulty of the dive."""

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
    "late": 0.045,
    "entry": 7.0,
    "twist": 7.0,
    "crooked": 2.2,
    "wobble": 3.0,
}
"""Fault sizes of an average competitor: medians of absolute values, to be scaled by `fault_scale`."""
LEVEL_PER_DIFFICULTY = 0.17
"""Increase of the mean level of divers for 1.0 of difficulty."""
WEAK_LEVEL, WEAK_JUMP, WEAK_TURN = 0.45, 0.6, 12.0
"""Level below which divers jump weakly from a springboard; metres of rise and degrees of somersault that a beginner
lacks."""
_SIGNED = ("distance", "entry", "twist", "crooked")
_MEDIAN_OF_NORMAL = 0.6745


def fault_scale(level: float, code: DiveCode, height: float) -> float:
    """Scale of faults, 1 for an average competitor and dive: less for better divers, more for harder dives.

    0.5 of difficulty around 3.0 increases it by 10%.
    """
    if not 0.0 <= level <= 1.0:
        raise ValueError(f"level is {level}; give 0 (beginner) to 1 (medallist)")
    return float(np.exp(0.50 - 1.75 * level) * np.exp(0.20 * (difficulty(code, height) - 3.0)))


def sample_level(rng: np.random.Generator, code: DiveCode | None = None, height: float | None = None) -> float:
    """Sample a competitor's level on the day, 0 (beginner) to 1 (medallist).

    With a dive, the level of divers who perform it: better divers perform harder dives, and in real competitions awards
    even increase a little with difficulty.
    """
    level = rng.beta(4.2, 2.8)
    if code is not None and height is not None:
        level += LEVEL_PER_DIFFICULTY * (difficulty(code, height) - 3.1)
    return float(np.clip(level, 0.0, 1.0))


def sample_faults(rng: np.random.Generator, level: float | None, code: DiveCode, height: float) -> Faults:
    """Sample the faults of one dive.

    Args:
        level: 0 to 1; sampled by `sample_level` when None.

    Raises:
        ValueError: if level is outside 0..1, or the dive has no difficulty at the height.
    """
    level = sample_level(rng, code, height) if level is None else level
    scale = fault_scale(level, code, height)
    # faults of a dive are correlated: single faults scatter around a scale of the dive
    dive_scale = scale * np.exp(rng.normal(0.0, 0.15))
    sizes = {}
    for name, typical in TYPICAL_SIZES.items():
        size = typical * dive_scale * rng.normal() / _MEDIAN_OF_NORMAL
        sizes[name] = float(size if name in _SIGNED else abs(size))
    if height in SPRINGBOARDS:  # beginners hardly bend the board, and the dive is over before they are around
        weakness = max(1.0 - level / WEAK_LEVEL, 0.0) * abs(rng.normal())
        sizes["low"] += WEAK_JUMP * weakness
        sizes["entry"] -= WEAK_TURN * weakness
    ceilings = {"low": 0.9, "lean": 16, "loose": 45, "bent_knees": 45, "split_legs": 35, "unpointed": 50, "late": 0.2}
    for name, most in ceilings.items():
        sizes[name] = most * float(np.tanh(sizes[name] / most))
    for name, most in {"distance": 0.9, "entry": 42.0, "twist": 60.0, "crooked": 14.0, "wobble": 14.0}.items():
        sizes[name] = most * float(np.tanh(sizes[name] / most))
    if not code.armstand:
        sizes["wobble"] = 0.0
    if code.position not in ("B", "C"):
        sizes["loose"] = 0.0
    failed = bool(rng.random() < 0.0015 * min(dive_scale, 3.0))
    failed_entry = float(rng.choice((-1.0, 1.0)) * rng.uniform(50.0, 85.0))
    if failed:
        sizes["entry"] = failed_entry
    visible_faults = (abs(sizes["entry"]) / 22.0) ** 1.2 + abs(sizes["twist"]) / 70.0 + abs(sizes["crooked"]) / 22.0
    randomness = rng.gamma(1.6, 0.085 * np.sqrt(scale))
    sizes["splash"] = float(np.clip(1.0 - np.exp(-(0.55 * visible_faults + randomness + 0.25 * failed)), 0.0, 1.0))
    return Faults(**sizes, failed=failed)
