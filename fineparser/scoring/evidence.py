"""Evidence for the faults of a dive: the measured quantity that shows each, as an array that an encoding stores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.domain.phases import Phase
from fineparser.domain.rules import POSITIONS
from fineparser.kinematics import Kinematics, Quantity

SHAPED, STRAIGHT_KNEES = ("B", "C"), ("A", "B")
"""Positions in which the hips are bent, and in which the knees are straight."""
SMALLEST_SPLASH = 0.12
"""Metres; what is smaller is a rip entry whatever its size."""


@dataclass(frozen=True)
class EvidenceKind:
    """The quantity that shows a fault."""

    phase: Phase
    """Phase to which judges attribute the fault."""
    quantity: str
    """Name of the measurement in `Kinematics` that is shown to people."""
    fault_size: Callable[[np.ndarray], np.ndarray]
    """From the evidence to a number that grows or falls with the fault."""
    positions: tuple[str, ...] = tuple(POSITIONS)
    """Positions of dives that can have the fault."""


USUAL_DISTANCE = 1.2
"""Metres from the board's edge at which a dive without fault enters."""


def _as_is(size: np.ndarray) -> np.ndarray:
    return size


def _from_usual(size: np.ndarray) -> np.ndarray:
    return np.abs(size - USUAL_DISTANCE)


EVIDENCE = {
    "low": EvidenceKind(Phase.TAKE_OFF, "height_above_board", _as_is),
    "distance": EvidenceKind(Phase.FLIGHT, "entry_distance", _from_usual),
    "loose": EvidenceKind(Phase.FLIGHT, "tightest_hip", _as_is, SHAPED),
    "bent_knees": EvidenceKind(Phase.FLIGHT, "knee_bend", _as_is, STRAIGHT_KNEES),
    "late": EvidenceKind(Phase.FLIGHT, "opening_time", _as_is, SHAPED),
    "entry": EvidenceKind(Phase.ENTRY, "entry_angle", np.abs),
    "bent_entry": EvidenceKind(Phase.ENTRY, "entry_hip_bend", _as_is),
    "crooked": EvidenceKind(Phase.ENTRY, "entry_lean", np.abs),
    "splash": EvidenceKind(Phase.ENTRY, "splash_height", _as_is),
}
"""Evidence for each fault that a camera can show, by the fault's name. Feet that are not pointed and legs that are
apart are too small for most clips; a twist that is off and a wobble are not measured."""
EVIDENCE_NAMES = tuple(EVIDENCE)
assert set(EVIDENCE) <= set(DEDUCTION_CURVES)


def evidence_of(kinematics: Kinematics) -> np.ndarray:
    """Evidence of a measured dive, float32 [E, 2]: size and precision (1 / standard error squared), in the order of
    `EVIDENCE_NAMES`; zeros where it was not measured.

    Sizes are in the units of the measurements, signed where they are; that of the splash is `log_splash_size`, whose
    error is a share of the splash.
    """
    array = np.zeros((len(EVIDENCE), 2), np.float32)
    for row, (name, kind) in enumerate(EVIDENCE.items()):
        quantity = kinematics[kind.quantity]
        assert isinstance(quantity, Quantity)
        if quantity.value is None or quantity.error is None:
            continue
        size, error = quantity.value, quantity.error
        if name == "splash":
            area = kinematics.splash_area
            if area.value is None or area.error is None:
                continue
            # Errors as shares, by the exponents of the geometric mean.
            error = np.hypot(
                error / max(2 * size, SMALLEST_SPLASH), area.error / max(4 * area.value, SMALLEST_SPLASH**2)
            )
            size = log_splash_size(size, area.value)
        array[row] = size, 1 / max(error, 1e-3) ** 2
    return array


def log_splash_size(height: float, area: float) -> float:
    """Logarithm of the size of a splash: the geometric mean of its height and the square root of its area, metres.

    >>> round(log_splash_size(0.5, 0.25), 3)
    -0.693
    """
    size = np.sqrt(max(height, 0.0) * np.sqrt(max(area, 0.0)))
    return float(np.log(max(size, SMALLEST_SPLASH)))


def fault_quantities(kinematics: Kinematics) -> Mapping[str, Quantity]:
    """The measured quantities that show faults, by the fault's name."""
    quantities = {}
    for name, kind in EVIDENCE.items():
        quantity = kinematics[kind.quantity]
        assert isinstance(quantity, Quantity)
        if quantity.value is not None:
            quantities[name] = quantity
    return quantities
