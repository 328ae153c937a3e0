"""Judgements of a made-up dive, for tests of what is drawn and written from them."""

from dataclasses import replace

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.domain.judging import COUNTED_AWARDS
from fineparser.domain.phases import Phase
from fineparser.domain.standards import Standard
from fineparser.exemplars.voting_result import ScoreEstimate
from fineparser.kinematics import Quantity
from fineparser.scoring import FaultDeduction, Judgement, PhaseMark


def make_fault(name: str, value: float, deduction: float, frames: tuple[int, ...] = (41,), **fields: float):
    """A fault of a judgement, measured to a tenth of the usual size."""
    unit, usual = FAULT_SIZES[name]
    error = fields.pop("size_error", 0.1 * max(abs(usual), 10.0 if unit == "deg" else 0.1))
    size = Quantity.measured(value, error, unit, frames)
    phase = DEDUCTION_CURVES[name].phase
    more = {"typical": 0.0, "error": 0.1} | fields
    more = {"change": more["typical"] - deduction} | more
    return FaultDeduction(name=name, phase=phase, size=size, usual=usual, deduction=deduction, **more)


FAULT_SIZES = {
    "low": ("m", 1.4),
    "lean": ("deg", 4.0),
    "distance": ("m", 1.4),
    "loose": ("deg", 45.0),
    "bent_knees": ("deg", 6.0),
    "split_legs": ("deg", 3.0),
    "unpointed": ("deg", 12.0),
    "late": ("s", 0.25),
    "entry": ("deg", 0.0),
    "twist": ("deg", 0.0),
    "crooked": ("deg", 0.0),
    "wobble": ("deg", 3.0),
    "splash": ("m", 0.4),
    "bent_entry": ("deg", 8.0),
}
"""Unit and usual size of what shows each fault."""


def make_judgement(**fields: object) -> Judgement:
    """A judgement of 8.1 awards, 6.8 to 9.4, of a dive that has 7.4 as a rule, not calibrated."""
    phases = (
        PhaseMark(phase=Phase.TAKE_OFF, mark=8.5, contribution=0.2, faults=(make_fault("low", 1.2, 0.21, (26,)),)),
        PhaseMark(
            phase=Phase.FLIGHT,
            mark=8.8,
            contribution=0.64,
            faults=(make_fault("loose", 62.0, 0.18, (30,)), make_fault("bent_knees", 4.0, 0.02, (18, 41))),
        ),
        PhaseMark(
            phase=Phase.ENTRY,
            mark=7.5,
            contribution=-0.14,
            faults=(
                make_fault("entry", 8.0, 0.62),
                make_fault("splash", 0.63, 0.41, (47,)),
                make_fault("bent_entry", 14.0, 0.12),
            ),
        ),
    )
    values = {
        "award": 8.1,
        "low": 6.8,
        "high": 9.4,
        "spread": 1.0,
        "standard": Standard.INTERNATIONAL,
        "typical_award": 7.4,
        "typical_spread": 1.2,
        "phases": phases,
        "calibration_dives": 0,
        "is_calibrated": False,
        "is_uninformative": False,
        "real_error": 0.83,
        "real_dives": 9,
    }
    return Judgement(**values | fields)


def with_judgement(report: DiveReport, **fields: object) -> DiveReport:
    """The report of weights whose exemplars do not vote, with `make_judgement`."""
    judgement = make_judgement(**fields)
    awards = np.array([judgement.award, judgement.low, judgement.high])
    return replace(
        report,
        judgement=judgement,
        total=ScoreEstimate(*(COUNTED_AWARDS * report.difficulty * awards).tolist()),
        execution=ScoreEstimate(*(COUNTED_AWARDS * awards).tolist()),
        breakdown=None,
        interval_basis=None,
        votes=(),
        exemplar=None,
    )
