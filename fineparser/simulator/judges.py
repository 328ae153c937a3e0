"""Simulated judges: what each fault costs, what is left of ten, and the awards of a panel.

The model, ours but for the rules it follows (domain.md, "Judging"): every fault costs its own deduction, a smooth
function of its physical size that is nothing while the fault cannot be seen, half an award where a judge would first
take a half, and stays within what judges take for one fault (1/2 to 2; more for the entry). Deductions add up;
the execution is 10 less their sum, bent softly so that it never falls below 0. The rules' own penalties come on
top: 0 for a twist 90 degrees or more off. Difficulty does not count.

A judge's award is the execution plus the judge's own leaning and the noise of one look, rounded to halves. The spread
is that of real panels: 1,670 judged dives give a standard deviation of 0.535 within a panel of seven
(../shared/real/README.md).
"""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.phases import Phase
from fineparser.simulator.faults import Faults

PANEL = 7
LEANING = 0.16  # awards: standard deviation of how mild one judge is compared with the others
LOOK = 0.495  # awards: standard deviation of one judge's look at one dive, before rounding
TWIST_FAILED = 90.0  # degrees
SOFT = 3.0  # awards below which further deductions count less and less


@dataclass(frozen=True)
class Price:
    """What a fault costs: `most` x (1 - exp(-ln 2 x (size / half)^power)), so half of `most` at the size `half`."""

    phase: Phase
    """Where judges put it, which may be before it can be measured: a low dive is a poor take-off."""
    unit: str
    half: float
    """Size at which half of the most is taken."""
    most: float
    """Awards."""
    power: float = 1.25

    def of(self, size: float) -> float:
        """The deduction in awards for a fault of this size; its sign does not matter.

        >>> Price(Phase.ENTRY, "degrees", 20.0, 2.0).of(-20.0)
        1.0
        """
        return float(self.most * (1.0 - 0.5 ** ((abs(size) / self.half) ** self.power)))


PRICES = {
    "low": Price(Phase.TAKE_OFF, "m of height missing", 0.34, 1.5),
    "lean": Price(Phase.TAKE_OFF, "degrees of lean", 11.0, 1.5),
    "distance": Price(Phase.FLIGHT, "m too far (+) or too near (-)", 0.60, 1.5),
    "loose": Price(Phase.FLIGHT, "degrees open", 22.0, 2.0),
    "bent_knees": Price(Phase.FLIGHT, "degrees bent", 17.0, 1.5),
    "split_legs": Price(Phase.FLIGHT, "degrees apart", 14.0, 1.5),
    "unpointed": Price(Phase.FLIGHT, "degrees not pointed", 27.0, 1.0),
    "late": Price(Phase.FLIGHT, "s late", 0.11, 1.5),
    "entry": Price(Phase.ENTRY, "degrees over (+) or short (-)", 24.0, 4.5, 1.5),
    "twist": Price(Phase.ENTRY, "degrees of twist too many (+) or missing (-)", 26.0, 2.5),
    "crooked": Price(Phase.ENTRY, "degrees out of line", 7.0, 2.0),
    "wobble": Price(Phase.TAKE_OFF, "degrees of swaying", 7.0, 1.5),
    "splash": Price(Phase.ENTRY, "of the largest splash", 0.45, 2.0),
}


@dataclass(frozen=True)
class Fault:
    """One fault of a dive, as the labels give it."""

    name: str
    size: float
    unit: str
    deduction: float
    """Awards."""


def deductions(faults: Faults) -> tuple[Fault, ...]:
    """Every fault that costs something, the dearest first. A failed dive costs all ten."""
    found = [
        Fault(name, getattr(faults, name), price.unit, price.of(getattr(faults, name)))
        for name, price in PRICES.items()
    ]
    if faults.failed:
        found.append(Fault("failed", 1.0, "dive", 10.0))
    return tuple(sorted((fault for fault in found if fault.deduction > 0.005), key=lambda fault: -fault.deduction))


def execution(faults: Faults) -> float:
    """What a judge without leaning or noise would give, 0 to 10."""
    if faults.failed or abs(faults.twist) >= TWIST_FAILED:
        return 0.0
    left = 10.0 - sum(fault.deduction for fault in deductions(faults))
    return float(max(left, SOFT * np.exp(min(left, SOFT) / SOFT - 1.0)))


def lost_by_phase(deductions: np.ndarray, deserved: np.ndarray) -> np.ndarray:
    """Awards [..., 3] that the faults of each phase cost.

    They add up to what a judge without noise takes off ten, who takes less for what comes on top of much.

    Args:
        deductions: [..., 13] awards that each fault would cost alone, in the order of `PRICES`.
        deserved: [...] what that judge gives.
    """
    by_phase = np.array([[price.phase == phase for phase in Phase] for price in PRICES.values()], deductions.dtype)
    told = deductions @ by_phase
    whole = np.maximum(told.sum(-1), 1e-6)
    return told * ((10.0 - deserved) / whole)[..., None]


def award_panel(rng: np.random.Generator, faults: Faults, *, judges: int = PANEL) -> tuple[float, ...]:
    """The awards of a panel of `judges` for one dive, 0 to 10 in halves."""
    level = execution(faults)
    if level == 0.0:
        return (0.0,) * judges
    looks = level + rng.normal(0.0, LEANING, judges) + rng.normal(0.0, LOOK, judges)
    return tuple(float(award) for award in np.clip(np.round(2.0 * looks) / 2.0, 0.5, 10.0))
