"""Simulated judges: the deduction for each fault, the award without noise, and the awards of a panel.

The model is ours, within the rules: every fault has its own deduction, a smooth function of its physical size that is 0
while the fault is invisible, half an award at the size at which a judge would first deduct, and at most what judges
deduct for one fault (1/2 to 2; more for the entry). Deductions add up; the award is 10 less their sum, compressed
smoothly so that it never falls below 0. The rules' own penalties come on top: 0 for a twist that is 90 degrees or more
off. Difficulty does not count.

A judge's award is the noise-free award plus the judge's own bias and the noise of one observation, rounded to halves.
The spread is that of real panels: 1,670 judged dives have a standard deviation of 0.535 within a panel of seven.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fineparser.domain.phases import Phase
from fineparser.simulator.faults import Faults

PANEL_SIZE = 7
JUDGE_BIAS = 0.16
"""Standard deviation of the bias of one judge compared with the others, in awards."""
OBSERVATION_NOISE = 0.495
"""Standard deviation of one judge's observation of one dive before rounding, in awards."""
FAILED_TWIST = 90.0  # degrees
SOFT_FLOOR = 3.0  # award below which further deductions are compressed


@dataclass(frozen=True)
class DeductionCurve:
    """Deduction for a fault: `most` x (1 - exp(-ln 2 x (size / half)^power)), so half of `most` at the size `half`."""

    phase: Phase
    """Phase to which judges attribute it, which may be before it can be measured: a low dive is a poor take-off."""
    unit: str
    half: float
    """Size at which half of the most is deducted."""
    most: float
    """Awards."""
    power: float = 1.25

    def deduction(self, size: float) -> float:
        """Deduction in awards for a fault of this size; its sign does not matter.

        >>> DeductionCurve(Phase.ENTRY, "degrees", 20.0, 2.0).deduction(-20.0)
        1.0
        """
        return float(self.most * (1.0 - 0.5 ** ((abs(size) / self.half) ** self.power)))


DEDUCTION_CURVES = {
    "low": DeductionCurve(Phase.TAKE_OFF, "m of height missing", 0.34, 1.5),
    "lean": DeductionCurve(Phase.TAKE_OFF, "degrees of lean", 11.0, 1.5),
    "distance": DeductionCurve(Phase.FLIGHT, "m too far (+) or too near (-)", 0.60, 1.5),
    "loose": DeductionCurve(Phase.FLIGHT, "degrees open", 22.0, 2.0),
    "bent_knees": DeductionCurve(Phase.FLIGHT, "degrees bent", 17.0, 1.5),
    "split_legs": DeductionCurve(Phase.FLIGHT, "degrees apart", 14.0, 1.5),
    "unpointed": DeductionCurve(Phase.FLIGHT, "degrees not pointed", 27.0, 1.0),
    "late": DeductionCurve(Phase.FLIGHT, "s late", 0.11, 1.5),
    "entry": DeductionCurve(Phase.ENTRY, "degrees over (+) or short (-)", 24.0, 4.5, 1.5),
    "twist": DeductionCurve(Phase.ENTRY, "degrees of twist too many (+) or missing (-)", 26.0, 2.5),
    "crooked": DeductionCurve(Phase.ENTRY, "degrees out of line", 7.0, 2.0),
    "wobble": DeductionCurve(Phase.TAKE_OFF, "degrees of swaying", 7.0, 1.5),
    "splash": DeductionCurve(Phase.ENTRY, "of the largest splash", 0.45, 2.0),
}
"""Deduction curve of each fault; arrays of deductions are in this order."""
FAULT_NAMES = tuple(DEDUCTION_CURVES)


@dataclass(frozen=True)
class Fault:
    """Fault of a dive with its deduction."""

    name: str
    size: float
    unit: str
    deduction: float
    """Awards."""


def assess_faults(faults: Faults) -> tuple[Fault, ...]:
    """Assess every fault with a deduction, in order of descending deduction. A failed dive has a deduction of ten."""
    assessed = [
        Fault(name, getattr(faults, name), curve.unit, curve.deduction(getattr(faults, name)))
        for name, curve in DEDUCTION_CURVES.items()
    ]
    if faults.failed:
        assessed.append(Fault("failed", 1.0, "dive", 10.0))
    return tuple(sorted((fault for fault in assessed if fault.deduction > 0.005), key=lambda fault: -fault.deduction))


def noise_free_award(faults: Faults) -> float:
    """Award of a judge without bias or noise, 0 to 10."""
    if faults.failed or abs(faults.twist) >= FAILED_TWIST:
        return 0.0
    left = 10.0 - sum(fault.deduction for fault in assess_faults(faults))
    return float(max(left, SOFT_FLOOR * np.exp(min(left, SOFT_FLOOR) / SOFT_FLOOR - 1.0)))


def deductions_by_phase(deductions: np.ndarray, noise_free_award: np.ndarray) -> np.ndarray:
    """Sum up deductions by phase, in awards [..., 3].

    They are scaled so that they add up to ten less the noise-free award, for which large sums are compressed.

    Args:
        deductions: [..., 13] awards that each fault would cost alone, in the order of `DEDUCTION_CURVES`.
        noise_free_award: [...] award of a judge without noise.
    """
    phases = [curve.phase for curve in DEDUCTION_CURVES.values()]
    by_phase = np.array([[phase == column for column in Phase] for phase in phases], deductions.dtype)
    sums = deductions @ by_phase
    total = np.maximum(sums.sum(-1), 1e-6)
    return np.asarray(sums * ((10.0 - noise_free_award) / total)[..., None])


def award_panel(rng: np.random.Generator, faults: Faults, *, judges: int = PANEL_SIZE) -> tuple[float, ...]:
    """Sample the awards of a panel of `judges` for one dive, 0 to 10 in halves."""
    level = noise_free_award(faults)
    if level == 0.0:
        return (0.0,) * judges
    observed = level + rng.normal(0.0, JUDGE_BIAS, judges) + rng.normal(0.0, OBSERVATION_NOISE, judges)
    return tuple(float(award) for award in np.clip(np.round(2.0 * observed) / 2.0, 0.5, 10.0))


def award_pair(rng: np.random.Generator, faults: Sequence[Faults]) -> tuple[tuple[float, ...], float]:
    """Sample the awards of a panel for one or two divers: each judge averages the divers, in halves.

    Returns:
        (seven awards, mean of the divers' noise-free awards).
    """
    panels = [award_panel(rng, each) for each in faults]
    awards = np.ceil(2 * np.mean(panels, axis=0) - 0.25) / 2
    return tuple(float(award) for award in awards), float(np.mean([noise_free_award(each) for each in faults]))
