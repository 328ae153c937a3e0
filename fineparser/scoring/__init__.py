"""The judgement of a dive from what was measured: from the kinematics to the mean award, with an interval."""

from fineparser.scoring.judgement import FaultDeduction, Judgement, PhaseMark

__all__ = ["FaultDeduction", "Judgement", "PhaseMark"]
