"""The judgement of a dive: its mean award with an interval, and what each fault and each phase costs."""

from dataclasses import dataclass
from typing import Any

from fineparser.domain.phases import Phase
from fineparser.domain.standards import Standard
from fineparser.kinematics import Quantity


@dataclass(frozen=True, kw_only=True)
class FaultDeduction:
    """A measured fault, and what it costs."""

    name: str
    """One of `fineparser.domain.faults.FAULT_NAMES`."""
    phase: Phase
    size: Quantity
    """The quantity that shows it, as measured, with its standard error and the frames that show it; see
    `fineparser.scoring.evidence.EVIDENCE`: "low" is the height above the board, "distance" that of the entry from the
    board, "loose" the tightest hip angle (180 straight), "bent_knees" their bend, "late" the seconds from the opening
    to the touch, "entry" the body's angle at the touch (negative short, positive over), "bent_entry" the bend of the
    hips then, "crooked" the body's lean to the side, "splash" its height."""
    usual: float
    """Value of the same quantity in a typical dive of the number and the standard."""
    deduction: float
    """Awards that it is expected to cost, 0 or more; a size that is hardly measurable counts as a typical one."""
    typical: float
    """Awards that it costs in a typical dive of the number and the standard."""
    change: float
    """Awards by which it makes the dive better (+) or worse (-) than a typical one; those of all faults, and the offset
    of the user's judges, add up to the difference of the award from the typical one."""
    error: float
    """Standard error of `deduction` and `change`, awards."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "phase": self.phase.label,
            "size": self.size.to_json(),
            "usual": round(self.usual, 3),
            "deduction": round(self.deduction, 2),
            "typical": round(self.typical, 2),
            "change": round(self.change, 2),
            "error": round(self.error, 2),
        }


@dataclass(frozen=True, kw_only=True)
class PhaseMark:
    """The part of a phase in a judgement."""

    phase: Phase
    mark: float
    """0 to 10, as a judge would mark the phase alone; the award is the mean of the marks, weighted by
    `AwardModel.phase_shares`."""
    contribution: float
    """Awards by which the phase makes the dive better (+) or worse (-) than a typical one."""
    faults: tuple[FaultDeduction, ...]
    """Measured faults, in the order of their change, the worst first."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "phase": self.phase.label,
            "mark": round(self.mark, 1),
            "contribution": round(self.contribution, 2),
            "faults": [fault.to_json() for fault in self.faults],
        }


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The predicted mean award of a dive, and why."""

    award: float
    """Mean award, 0 to 10."""
    low: float
    high: float
    """Ends of the interval that contains the judges' mean award with `NOMINAL_COVERAGE`."""
    spread: float
    """Standard deviation of the predictive distribution, awards."""
    standard: Standard | None
    """Standard of competition; None: not given, and all standards are covered."""
    typical_award: float
    """Mean award of dives of this number and standard."""
    typical_spread: float
    """Standard deviation of these awards."""
    phases: tuple[PhaseMark, ...]
    """Of the phases that the clip shows, in order."""
    calibration_dives: int
    """The user's judged dives that it is calibrated on."""
    is_calibrated: bool
    """True with enough judged dives of the user."""
    is_uninformative: bool
    """True where the clip says little about the award: the interval is as wide as that of typical awards, or wider."""
    real_error: float
    """Root mean square error on real dives, awards, as measured for these weights."""
    real_dives: int
    """Number of these dives."""

    @property
    def faults(self) -> tuple[FaultDeduction, ...]:
        """Measured faults of all phases, the worst first."""
        faults = [fault for phase in self.phases for fault in phase.faults]
        return tuple(sorted(faults, key=lambda fault: fault.change))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "award": round(self.award, 2),
            "low": round(self.low, 2),
            "high": round(self.high, 2),
            "spread": round(self.spread, 2),
            "standard": None if self.standard is None else self.standard.value,
            "typical_award": round(self.typical_award, 2),
            "typical_spread": round(self.typical_spread, 2),
            "phases": [phase.to_json() for phase in self.phases],
            "calibration_dives": self.calibration_dives,
            "calibrated": self.is_calibrated,
            "is_uninformative": self.is_uninformative,
            "real_error": round(self.real_error, 2),
            "real_dives": self.real_dives,
        }
