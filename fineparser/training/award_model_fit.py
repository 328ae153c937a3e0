"""Fit of the award model: simulated dives for what awards look like, measured clips for the step to recordings."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.faults import FAULT_NAMES
from fineparser.domain.standards import Standard, award_prior
from fineparser.progress import Progress, no_progress
from fineparser.scoring.award_model import MIDDLE_AWARD, NO_STEP, AwardModel, RecordingStep, covariates, fault_sizes
from fineparser.scoring.evidence import EVIDENCE, EVIDENCE_NAMES, log_splash_size
from fineparser.scoring.judge_calibration import JudgeCalibration
from fineparser.simulator.judges import assess_faults, deductions_by_phase
from fineparser.simulator.plan import DiveRequest, plan_dive
from fineparser.simulator.true_measurements import true_measurements

SPLASH_LINES = 270
"""Height of the frames in which splashes are measured, pixels."""
RIDGE = 1e-3
"""Squares that each coefficient of a covariate costs, so that rare properties do not run away."""
AT_ONCE = 50
"""Simulated dives of a task of a process."""


@dataclass(frozen=True)
class SimulatedSizes:
    """A simulated dive: what could be measured in it, and what it is worth."""

    code: DiveCode
    height: float
    sizes: np.ndarray
    """float64 [E] fault sizes, NaN where the dive has none."""
    award: float
    """Of a judge without noise."""
    deductions: np.ndarray
    """float64 [F] awards, in the order of `FAULT_NAMES`."""


@dataclass(frozen=True)
class MeasuredClip:
    """A clip that was measured."""

    name: str
    """File name."""
    code: DiveCode
    height: float
    evidence: np.ndarray
    """float32 [E, 2], see `fineparser.scoring.evidence`."""
    standard: Standard | None
    award: float | None
    """Mean award of its judges; None: not judged, or not known."""


def simulate_sizes(count: int, *, workers: int = 1, progress: Progress = no_progress) -> list[SimulatedSizes]:
    """Simulate dives without rendering them, except for their splashes: the standards in turn, from the training split.

    Failed dives are left out: their awards say nothing about sizes.
    """
    starts = range(0, count, AT_ONCE)
    dives: list[SimulatedSizes] = []
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        tasks = (range(start, min(start + AT_ONCE, count)) for start in starts)
        for number, some in enumerate(pool.map(_simulate, tasks), 1):
            dives += some
            progress("Simulating dives", number / len(starts))
    return dives


def _simulate(seeds: range) -> list[SimulatedSizes]:
    """Dives of some seeds, in a worker."""
    standards, dives = tuple(Standard), []
    for seed in seeds:
        request = DiveRequest(standard=standards[seed % len(standards)], synchro=False, opening=False)
        plan = plan_dive(seed, request)
        if plan.noise_free_award == 0 or plan.faults[0].failed:
            continue
        deductions = {fault.name: fault.deduction for fault in assess_faults(plan.faults[0])}
        dives.append(
            SimulatedSizes(
                code=plan.code,
                height=plan.height,
                sizes=sizes_of(true_measurements(plan, SPLASH_LINES), plan.code),
                award=plan.noise_free_award,
                deductions=np.array([deductions.get(name, 0.0) for name in FAULT_NAMES]),
            )
        )
    return dives


def sizes_of(measurements: dict[str, float], code: DiveCode) -> np.ndarray:
    """Fault sizes [E] of true measurements by name; NaN where the dive has none."""
    sizes, evidence = evidence_sizes(measurements), np.zeros((len(EVIDENCE), 2))
    for row, (name, kind) in enumerate(EVIDENCE.items()):
        if name in sizes and code.position in kind.positions:
            evidence[row] = sizes[name], 1.0
    return fault_sizes(evidence)


def evidence_sizes(measurements: dict[str, float]) -> dict[str, float]:
    """Sizes of the evidence by fault, see `fineparser.scoring.evidence`, of true measurements by name."""
    sizes = {name: measurements[kind.quantity] for name, kind in EVIDENCE.items() if kind.quantity in measurements}
    if "splash" in sizes:
        sizes["splash"] = log_splash_size(sizes["splash"], measurements["splash_area"])
    return sizes


def fit_award_model(dives: Sequence[SimulatedSizes]) -> AwardModel:
    """Fit the linear functions of properties and award, and the scatter about them.

    Raises:
        ValueError: for too few dives that have some evidence.
    """
    awards = np.array([dive.award for dive in dives])
    properties = np.array([covariates(dive.code, dive.height) for dive in dives])
    sizes = np.array([dive.sizes for dive in dives])
    rows = np.column_stack([properties, awards - MIDDLE_AWARD])
    penalty = np.diag(np.append(np.full(properties.shape[1], RIDGE), 0.0))
    coefficients, residuals = np.zeros((len(EVIDENCE_NAMES), rows.shape[1])), np.full(sizes.shape, np.nan)
    for column, name in enumerate(EVIDENCE_NAMES):
        known = np.isfinite(sizes[:, column])
        if known.sum() < 2 * rows.shape[1]:
            raise ValueError(f"{known.sum()} of {len(dives)} dives have evidence of {name!r}: simulate more")
        some = rows[known]
        coefficients[column] = np.linalg.solve(some.T @ some + penalty, some.T @ sizes[known, column])
        residuals[known, column] = sizes[known, column] - some @ coefficients[column]
    deductions = np.array([dive.deductions for dive in dives])
    missing = (10.0 - awards).sum()
    # Large sums of deductions are compressed: shares are those of the awards that are missing in fact.
    scaled = deductions * ((10.0 - awards) / np.maximum(deductions.sum(1), 1e-6))[:, None]
    by_fault = dict(zip(FAULT_NAMES, scaled.sum(0) / missing, strict=True))
    by_phase = deductions_by_phase(deductions, awards).sum(0) / missing
    return AwardModel(
        coefficients=coefficients,
        covariance=_pairwise_covariance(residuals),
        fault_shares={name: float(by_fault[name]) for name in EVIDENCE_NAMES},
        phase_shares=tuple(by_phase.tolist()),
        simulated_dives=len(dives),
    )


def fit_step(model: AwardModel, clips: Sequence[MeasuredClip]) -> RecordingStep:
    """The step to the recordings that some measured clips are a sample of.

    A clip without a score is assumed to have the typical award of its number and standard. The error of each judged
    clip is that of the model without it.
    """
    model = replace(model, step=NO_STEP)
    deviations = {clip.name: _deviations(model, clip) for clip in clips}
    known = replace(model, step=RecordingStep(deviations, {}))
    simulated, errors = JudgeCalibration.from_dives((), model), {}
    for clip in clips:
        if clip.award is None:
            continue
        prior = award_prior(clip.standard, clip.code, clip.height)
        update = known.without(clip.name).update(clip.evidence, clip.code, clip.height, prior)
        errors[clip.name] = (clip.award - simulated.award(prior.mean, update), update.spread)
    return RecordingStep(deviations, errors)


def _deviations(model: AwardModel, clip: MeasuredClip) -> tuple[float | None, ...]:
    award = clip.award
    if award is None:
        award = award_prior(clip.standard, clip.code, clip.height).mean
    values = fault_sizes(clip.evidence) - model.expected_sizes(clip.code, clip.height, award)
    return tuple(float(value) if np.isfinite(value) else None for value in values)


def _pairwise_covariance(residuals: np.ndarray) -> np.ndarray:
    """Covariance [E, E] of residuals [n, E] with gaps, made positive definite."""
    known = np.isfinite(residuals)
    filled = np.where(known, residuals, 0.0)
    counts = known.astype(float).T @ known
    covariance = filled.T @ filled / np.maximum(counts, 1.0)
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.maximum(values, 1e-6)) @ vectors.T)
