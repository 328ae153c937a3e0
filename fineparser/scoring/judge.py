"""Judging a dive: from its evidence to the `Judgement` of a report."""

from collections.abc import Collection, Mapping

import numpy as np

from fineparser.domain.judging import HIGHEST_AWARD
from fineparser.domain.phases import Phase
from fineparser.domain.standards import Standard, award_prior
from fineparser.exemplars.exemplar import DiveSpec
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.kinematics import Quantity
from fineparser.kinematics.splash import SLENDERNESS
from fineparser.scoring.award_model import AwardModel, AwardUpdate, interval_reach, without_phases
from fineparser.scoring.evidence import EVIDENCE, USUAL_DISTANCE
from fineparser.scoring.judge_calibration import MIN_SCORED_DIVES, JudgeCalibration
from fineparser.scoring.judgement import FaultDeduction, Judgement, PhaseMark


def judge_dive(
    model: AwardModel,
    evidence: np.ndarray,
    quantities: Mapping[str, Quantity],
    spec: DiveSpec,
    *,
    standard: Standard | None = None,
    calibration: JudgeCalibration | None = None,
    missing_phases: Collection[Phase] = (),
) -> Judgement:
    """Judge a dive.

    Args:
        model: of the awards.
        evidence: float32 [E, 2], see `fineparser.scoring.evidence`.
        quantities: that show the faults to people, by fault; those that are not shown are not listed.
        spec: of the dive.
        standard: of competition; None: not known.
        calibration: to the user's judges; None, or from too few dives: the simulated judges.
        missing_phases: phases that the clip does not show.
    """
    prior = award_prior(standard, spec.code, spec.height)
    update = model.update(without_phases(evidence, missing_phases), spec.code, spec.height, prior)
    is_calibrated = calibration is not None and calibration.dives >= MIN_SCORED_DIVES
    judges = calibration if calibration is not None and is_calibrated else JudgeCalibration.from_dives((), model)
    # Without judged dives, the standard says what the offset of the judges is.
    spread = judges.spread(update) if is_calibrated else model.step.factor * update.spread
    award = float(np.clip(judges.award(prior.mean, update), 0.0, HIGHEST_AWARD))
    reach = interval_reach(NOMINAL_COVERAGE, judges.degrees_of_freedom) * spread
    return Judgement(
        award=award,
        low=max(award - reach, 0.0),
        high=min(award + reach, float(HIGHEST_AWARD)),
        spread=spread,
        standard=standard,
        typical_award=prior.mean,
        typical_spread=prior.sd,
        phases=tuple(
            _phase_mark(phase, model, update, judges, quantities, prior.mean)
            for phase in Phase
            if phase not in missing_phases
        ),
        calibration_dives=judges.dives,
        is_calibrated=is_calibrated,
        is_uninformative=not is_calibrated and reach >= interval_reach(NOMINAL_COVERAGE, np.inf) * prior.sd,
        real_error=model.step.rms_error,
        real_dives=len(model.step.errors),
    )


def _phase_mark(
    phase: Phase,
    model: AwardModel,
    update: AwardUpdate,
    judges: JudgeCalibration,
    quantities: Mapping[str, Quantity],
    typical_award: float,
) -> PhaseMark:
    """Mark and faults of a phase; the judges' offset belongs to all phases by their shares."""
    share, weights = model.phase_shares[phase], judges.weights
    contribution, faults = judges.offset * share, []
    for row, (name, kind) in enumerate(EVIDENCE.items()):
        if kind.phase != phase:
            continue
        change = weights[name] * update.contributions[row]
        contribution += change
        if name not in quantities or update.errors[row] == 0:
            continue
        typical = model.fault_shares[name] * (HIGHEST_AWARD - typical_award)
        fault = FaultDeduction(
            name=name,
            phase=phase,
            size=quantities[name],
            usual=_usual(name, float(update.expected[row])),
            deduction=float(max(typical - change, 0.0)),
            typical=float(typical),
            change=float(change),
            error=float(abs(weights[name]) * update.errors[row]),
        )
        faults.append(fault)
    return PhaseMark(
        phase=phase,
        mark=float(np.clip(typical_award + contribution / share, 0.0, HIGHEST_AWARD)),
        contribution=float(contribution),
        faults=tuple(sorted(faults, key=lambda fault: fault.change)),
    )


def _usual(name: str, expected: float) -> float:
    """Expected fault size as the quantity that people are shown."""
    if name == "distance":
        return USUAL_DISTANCE + expected
    if name == "splash":  # whose height is shown
        return float(np.exp(expected)) * SLENDERNESS**0.5
    return max(expected, 0.0)
