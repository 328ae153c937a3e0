"""Simulated judges: the deduction for each fault, the award without noise, and the awards of a panel.

Every fault has its own deduction, a smooth function of its physical size, see `fineparser.domain.faults`. The award is
10 less the sum of deductions, compressed smoothly so that it never falls below 0. The rules' own penalties come on top:
0 for a twist that is 90 degrees or more off. Difficulty does not count.

A judge's award is the noise-free award plus the judge's own bias and the noise of one observation, rounded to halves.
The awards of a panel scatter as at a standard of competition, see `fineparser.domain.standards`. So do the mean awards
of dives: `sample_award` gives a dive the award that it would have there, and `faults_of_award` the faults that cost it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.domain.phases import Phase
from fineparser.domain.standards import Standard, award_distribution
from fineparser.simulator.faults import FaultProfile, Faults

PANEL_SIZE = 7
BIAS_SHARE = 0.13
"""Share of the variance of the awards of one dive that is the judges' biases; the rest is noise of the observation."""
ROUNDING_VARIANCE = 1 / 48
"""Variance that rounding to halves adds, square awards."""
SAMPLE_BIAS = 0.959
"""Mean standard deviation of a sample of seven, in standard deviations of its normal distribution."""
FAILED_TWIST = 90.0  # degrees
SOFT_FLOOR = 3.0  # award below which further deductions are compressed
LOWEST_AWARD, HIGHEST_AWARD = 0.5, 9.8
"""Mean awards between which those of dives without failure are sampled."""
SCALES = (0.02, 12.0)
"""Scales of faults between which that of an award is searched."""
SEARCH_STEPS = 24


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
        deductions: [..., 14] awards that each fault would cost alone, in the order of `DEDUCTION_CURVES`.
        noise_free_award: [...] award of a judge without noise.
    """
    phases = [curve.phase for curve in DEDUCTION_CURVES.values()]
    by_phase = np.array([[phase == column for column in Phase] for phase in phases], deductions.dtype)
    sums = deductions @ by_phase
    total = np.maximum(sums.sum(-1), 1e-6)
    return np.asarray(sums * ((10.0 - noise_free_award) / total)[..., None])


def sample_award(rng: np.random.Generator, standard: Standard, code: DiveCode, height: float) -> float:
    """Sample the noise-free award of a dive at a standard: what it lacks to 10 has a gamma distribution."""
    distribution = award_distribution(standard, code, height)
    missing = 10.0 - distribution.mean
    award = 10.0 - rng.gamma((missing / distribution.sd) ** 2, distribution.sd**2 / missing)
    return float(np.clip(award, LOWEST_AWARD, HIGHEST_AWARD))


def faults_of_award(profile: FaultProfile, award: float) -> Faults:
    """Scale the faults of a profile so that the dive has that noise-free award; a failed dive stays at 0."""
    if profile.failed_entry is not None:
        return profile.faults(1.0)
    low, high = np.log(SCALES)
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        if noise_free_award(profile.faults(float(np.exp(middle)))) > award:
            low = middle
        else:
            high = middle
    return profile.faults(float(np.exp(low)))


def award_panel(
    rng: np.random.Generator, faults: Faults, panel_sd: float, *, judges: int = PANEL_SIZE
) -> tuple[float, ...]:
    """Sample the awards of a panel of `judges` for one dive, 0 to 10 in halves.

    Args:
        panel_sd: mean standard deviation of the awards within a panel, in awards, rounding included.
    """
    level = noise_free_award(faults)
    if level == 0.0:
        return (0.0,) * judges
    variance = max((panel_sd / SAMPLE_BIAS) ** 2 - ROUNDING_VARIANCE, 0.0)
    bias, noise = np.sqrt(variance * BIAS_SHARE), np.sqrt(variance * (1.0 - BIAS_SHARE))
    observed = level + rng.normal(0.0, bias, judges) + rng.normal(0.0, noise, judges)
    return tuple(float(award) for award in np.clip(np.round(2.0 * observed) / 2.0, 0.5, 10.0))


def award_pair(rng: np.random.Generator, faults: Sequence[Faults], panel_sd: float) -> tuple[tuple[float, ...], float]:
    """Sample the awards of a panel for one or two divers: each judge averages the divers, in halves.

    Args:
        panel_sd: as for `award_panel`.

    Returns:
        (seven awards, mean of the divers' noise-free awards).
    """
    panels = [award_panel(rng, each, panel_sd) for each in faults]
    awards = np.ceil(2 * np.mean(panels, axis=0) - 0.25) / 2
    return tuple(float(award) for award in awards), float(np.mean([noise_free_award(each) for each in faults]))
