"""The moments of a dive: which phase a frame is in, and the frames that a coach looks at first."""

from dataclasses import dataclass

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase
from fineparser.rendering.mask_track import IN_MASK

OPENS = 1.5
"""A body that opens from pike or tuck grows longer in proportion to its width by this factor at least."""

USUAL_OPENING = 0.8
"""Where in the flight a diver opens, as a share of it, when the masks do not tell."""


@dataclass(frozen=True)
class Moment:
    """A frame worth a look."""

    name: str
    index: int
    """Among the 96 sampled frames."""
    frame: int
    """Source frame number."""
    seconds: float
    """From the source's first frame."""
    phase: Phase
    note: str = ""
    """How it was found, where that is not plain."""


def phase_of(report: DiveReport, number: int) -> Phase:
    """The phase in which source frame `number` lies."""
    if number >= report.entry.frame:
        return Phase.ENTRY
    return Phase.FLIGHT if number >= report.flight.frame else Phase.TAKE_OFF


def key_moments(report: DiveReport) -> list[Moment]:
    """Stance, take-off, mid-flight, opening, entry and splash, in the order in which they happen.

    The stance is the first analysed frame, take-off and entry are the two transitions, mid-flight lies half-way.
    The opening is read from the masks: the outline grows longer and narrower. The splash is the largest mask
    after the entry. Moments that fall on the same source frame are named together.
    """
    flight, entry, last = report.flight.index, report.entry.index, len(report.frame_numbers) - 1
    opening, how = opening_index(report)
    found = [
        ("stance", 0, ""),
        ("take-off", flight, ""),
        ("mid-flight", (flight + entry) // 2, ""),
        ("opening", opening, how),
        ("entry", entry, ""),
        ("splash", splash_index(report), "largest outline after the entry"),
    ]
    moments: list[Moment] = []
    for name, index, note in found:
        index = min(index, last)
        frame = int(report.frame_numbers[index])
        if moments and moments[-1].frame == frame:
            earlier = moments.pop()
            name, note = f"{earlier.name}, {name}", earlier.note or note
        moments.append(Moment(name, index, frame, report.info.seconds(frame), phase_of(report, frame), note))
    return moments


def opening_index(report: DiveReport) -> tuple[int, str]:
    """The sample at which the diver opens for the entry, and how that was found.

    After the last sample of the second half of the flight at which the outline's length over its width lies below
    the geometric mean of its extremes there. A straight dive, or masks that do not tell, give `USUAL_OPENING`.
    """
    flight, entry = report.flight.index, report.entry.index
    start = (flight + entry) // 2
    usual = round(flight + USUAL_OPENING * (entry - flight)), "about: 4/5 of the flight"
    if entry - start < 5:
        return usual
    slimness = np.array([outline_slimness(report, index) for index in range(start, entry + 1)])
    if np.isnan(slimness).any():
        return usual
    # The median of three frames bridges a single bad mask.
    slimness = np.median(np.stack([slimness[:-2], slimness[1:-1], slimness[2:]]), axis=0)
    lowest = int(slimness.argmin())
    highest = slimness[lowest:].max()
    if highest < OPENS * slimness[lowest]:
        return usual
    closed = np.flatnonzero(slimness < np.sqrt(highest * slimness[lowest]))
    return min(start + 1 + int(closed[-1]) + 1, entry), "from the outline"


def outline_slimness(report: DiveReport, index: int) -> float:
    """Length over width of the mask of one sample, 1 for a disc, whichever way it is turned; NaN without a mask."""
    rows, columns = np.nonzero(report.mask_probability[index] >= IN_MASK)
    if len(rows) < 8:
        return float("nan")
    x0, y0, x1, y1 = report.framing.box_at(index)
    spread = np.cov(columns * (x1 - x0), rows * (y1 - y0))
    narrow, wide = np.linalg.eigvalsh(spread)
    return float(np.sqrt(wide / max(narrow, 1e-9)))


def splash_index(report: DiveReport) -> int:
    """The sample after the entry whose mask is the largest; the middle of the entry where there is none."""
    entry = report.entry.index
    areas = (report.mask_probability[entry:] >= IN_MASK).sum(axis=(1, 2))
    if not areas.any():
        return (entry + len(report.frame_numbers) - 1) // 2
    return entry + int(areas.argmax())
