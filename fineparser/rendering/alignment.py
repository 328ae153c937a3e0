"""Which frames of two clips are shown together."""

import enum
from dataclasses import dataclass

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase
from fineparser.video.info import VideoInfo


class Alignment(enum.StrEnum):
    """How two clips run side by side."""

    PHASES = "phases"
    """Take-off, flight and entry together although their lengths differ: the dive at its own speed, the
    exemplar stretched phase by phase."""
    START = "start"
    """Both at their own speed from their first frames."""
    TAKE_OFF = "take-off"
    """Both at their own speed, leaving the board at the same moment."""
    ENTRY = "entry"
    """Both at their own speed, touching the water at the same moment."""


@dataclass(frozen=True)
class PhasedClip:
    """A clip with its phases, in source frame numbers; ValueError unless they are in order and in the clip."""

    info: VideoInfo
    first: int
    """First frame of the dive."""
    flight: int
    """First frame of the flight."""
    entry: int
    """First frame of the entry."""
    last: int
    """Last frame of the dive."""

    def __post_init__(self) -> None:
        marks = (self.info.first_number, self.first, self.flight, self.entry, self.last, self.info.last_number)
        if list(marks) != sorted(marks):
            raise ValueError(
                f"{self.info.path}: the frames first {self.first}, flight {self.flight}, entry {self.entry} and last "
                f"{self.last} must come in this order within {self.info.first_number} to {self.info.last_number}."
            )

    @classmethod
    def of(cls, report: DiveReport) -> "PhasedClip":
        """The clip that a report is about."""
        return cls(report.info, report.first_frame, report.flight.frame, report.entry.frame, report.last_frame)

    @property
    def anchors(self) -> np.ndarray:
        """Seconds of the first, first flight, first entry and last frame, float64 [4]; all that a player needs."""
        return np.array([self.info.seconds(number) for number in (self.first, self.flight, self.entry, self.last)])

    def phase_at(self, number: int) -> Phase:
        """The phase of source frame `number`."""
        return Phase((number >= self.flight) + (number >= self.entry))


def paired_frames(
    query: PhasedClip,
    exemplar: PhasedClip,
    fps: float,
    align: Alignment | str = Alignment.PHASES,
    nudge: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Which frames are shown together at a steady `fps`: int64 [n, 2], source frame numbers of query and exemplar.

    Aligned by phases the query runs at its own speed, and the exemplar is as far through the phase as the query
    is. Otherwise both run at their own speed with the named moments at the same time; the one that starts later
    waits on its first frame and the one that ends sooner stays on its last.

    Args:
        query, exemplar: the two clips.
        fps: of the video that is made.
        align: how.
        nudge: frames by which the query and the exemplar run ahead (below 0: behind), kept inside the clips.
    """
    align = Alignment(align)
    ours, theirs = query.anchors, exemplar.anchors
    if align is Alignment.PHASES:
        start, stop = ours[0], ours[3]
    else:
        anchor = {Alignment.START: 0, Alignment.TAKE_OFF: 1, Alignment.ENTRY: 2}[align]
        # On the query's clock.
        lead = ours[anchor] - theirs[anchor]
        start, stop = min(ours[0], theirs[0] + lead), max(ours[3], theirs[3] + lead)
    # A hair of slack: the last frame must not be lost to rounding.
    times = start + np.arange(int((stop - start) * fps + 1e-6) + 1) / fps
    pairs = np.empty((len(times), 2), np.int64)
    for place, time in enumerate(times):
        other = matching_time(float(time), ours, theirs) if align is Alignment.PHASES else time - lead
        pairs[place, 0] = query.info.number_at(float(np.clip(time, ours[0], ours[3])))
        pairs[place, 1] = exemplar.info.number_at(float(np.clip(other, theirs[0], theirs[3])))
    for side, clip in enumerate((query, exemplar)):
        moved = pairs[:, side] + nudge[side]
        pairs[:, side] = np.clip(moved, clip.info.first_number, clip.info.last_number)
    return pairs


def matching_time(time: float, ours: np.ndarray, theirs: np.ndarray) -> float:
    """The exemplar's time, seconds, that is as far through its phase as `time` is through the query's.

    Args:
        time: of the query.
        ours, theirs: `PhasedClip.anchors` of query and exemplar.
    """
    # The slack makes the first frame of a phase belong to it whatever the last digit says.
    phase = int(np.searchsorted(ours[1:3], time + 1e-6, side="right"))
    low, high = ours[phase], ours[phase + 1]
    share = min(max((time - low) / (high - low), 0.0), 1.0) if high > low else 0.0
    return float(theirs[phase] + share * (theirs[phase + 1] - theirs[phase]))
