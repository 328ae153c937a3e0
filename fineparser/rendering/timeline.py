"""Phases, switches, probabilities and sub-actions along the clip's time; what both kinds of timeline draw."""

from dataclasses import dataclass

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Phase, sub_action_name, sub_action_phase


@dataclass(frozen=True)
class Span:
    """A phase in time; empty where start and end are the same."""

    phase: Phase
    start: float
    """Seconds from the source's first frame."""
    end: float
    first: int
    """Source frame number of its first frame."""
    last: int
    """Source frame number of its last frame."""


@dataclass(frozen=True)
class Curves:
    """The network's probability, frame by frame, that the next phase begins."""

    frames: np.ndarray
    """[n] source frame numbers, each once."""
    seconds: np.ndarray
    """[n] when they are shown."""
    flight: np.ndarray
    """[n] probability that the flight begins."""
    entry: np.ndarray
    """[n] probability that the entry begins."""


def phase_spans(report: DiveReport) -> list[Span]:
    """The three phases; the last one ends with the last analysed frame."""
    info = report.info
    edges = [report.first_frame, report.flight.frame, report.entry.frame, report.last_frame]
    times = [info.seconds(number) for number in edges]
    return [
        Span(phase, times[phase], times[phase + 1], edges[phase], edges[phase + 1] - (phase is not Phase.ENTRY))
        for phase in Phase
    ]


def curves(report: DiveReport) -> Curves:
    """The two curves. A short clip shows some frames more than once; of those the highest probability counts."""
    frames, starts = np.unique(report.frame_numbers, return_index=True)
    highest = np.maximum.reduceat(report.transition_probabilities, starts, axis=0)
    seconds = np.array([report.info.seconds(int(number)) for number in frames])
    return Curves(frames, seconds, highest[:, 0], highest[:, 1])


def parts(report: DiveReport) -> list[tuple[str, Phase]]:
    """FineDiving's names of the dive's sub-actions in their order, each with its phase; without a dive number the
    three phases themselves."""
    if report.dive_code is None:
        return [(phase.label, phase) for phase in Phase]
    return [(sub_action_name(one), sub_action_phase(one)) for one in DiveCode.parse(report.dive_code).sub_actions()]
