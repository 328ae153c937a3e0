"""The way from the exemplars' mean score to the total, step by step; what both kinds of chart draw."""

from dataclasses import dataclass

from fineparser.analysis.report import BRANCHES, DiveReport
from fineparser.domain.judging import KEPT_AWARDS
from fineparser.domain.phases import Phase


@dataclass(frozen=True)
class Step:
    """One bar of the waterfall, in points."""

    label: str
    phase: Phase | None
    """None for what is no phase's: the scale's end."""
    branch: str | None
    """"dynamic" or "static"."""
    start: float
    end: float

    @property
    def change(self) -> float:
        """Points gained, or lost where below 0."""
        return self.end - self.start


def points_per_award(report: DiveReport) -> float:
    """Points that one whole award more from every judge is worth: three awards count, times the difficulty."""
    return KEPT_AWARDS * report.difficulty


def waterfall_steps(report: DiveReport) -> list[Step]:
    """Phase by phase, dynamic before static, from `breakdown.base` to the total; none without a breakdown.

    The mean of the votes can lie beyond what a dive can be given; then a last step leads back to the scale's end.
    """
    if report.breakdown is None:
        return []
    steps, at = [], report.breakdown.base
    for phase in Phase:
        for row, branch in enumerate(BRANCHES):
            end = at + float(report.breakdown.points[row, phase])
            steps.append(Step(f"{phase.label}, {branch}", phase, branch, at, end))
            at = end
    if abs(report.total.value - at) > 0.005:
        steps.append(Step("end of the scale", None, None, at, report.total.value))
    return steps


def waterfall_range(report: DiveReport) -> tuple[float, float]:
    """Points from which to which the chart reaches: every step and the total's interval, with room at both ends.

    It seldom holds zero, so what starts from zero must not be drawn as a bar.
    """
    steps = waterfall_steps(report)
    values = [step.start for step in steps] + [step.end for step in steps]
    values += [report.total.value, report.total.low, report.total.high]
    low, high = min(values), max(values)
    room = max(0.08 * (high - low), 0.5)
    return low - room, high + room
