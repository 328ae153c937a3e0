"""A score and a judgement in short texts: points and awards with their range, faults with their size and their awards.

Until a judgement is calibrated on real judges its points are whole, its awards have one decimal, and no word of the
rules stands for it. Where the clip says little about the score, there is none: `messages.little_message`.
"""

from dataclasses import dataclass

from fineparser.analysis.report import DiveReport
from fineparser.domain.dive_code import POSITIONS
from fineparser.domain.judging import COUNTED_AWARDS, HIGHEST_AWARD, band
from fineparser.rendering.measurements import UNITS
from fineparser.scoring import FaultDeduction, Judgement, PhaseMark

LEAST_CHANGE = 0.05
"""Awards against a typical dive below which a fault is not listed."""

DECIMALS = {"m": 1, "s": 2}
"""Decimals of the size of a fault by its unit; others are whole."""


@dataclass(frozen=True, kw_only=True)
class ScoreText:
    """A score as people see it."""

    points: str
    points_range: str
    award: str
    award_range: str
    execution: str = ""
    """Sum of the three counted awards; empty for a judgement, which gives awards."""
    execution_range: str = ""
    band: str = ""
    """The word of the rules for the award; empty where the score is not calibrated on real judges."""


def score_text(report: DiveReport) -> ScoreText | None:
    """The score of a report; None without one, and where the clip says little about it."""
    total, execution, judgement = report.total, report.execution, report.judgement
    if total is None or execution is None or (judgement is not None and judgement.is_uninformative):
        return None
    decimals, award_decimals = score_decimals(judgement)
    award, *awards = (
        min(max(value / COUNTED_AWARDS, 0.0), float(HIGHEST_AWARD))
        for value in (execution.value, execution.low, execution.high)
    )
    return ScoreText(
        points=f"{total.value:.{decimals}f}",
        points_range=f"{total.low:.{decimals}f} to {total.high:.{decimals}f}",
        award=f"{award:.{award_decimals}f}",
        award_range=" to ".join(f"{end:.{award_decimals}f}" for end in awards),
        execution="" if judgement is not None else f"{execution.value:.2f}",
        execution_range="" if judgement is not None else f"{execution.low:.2f} to {execution.high:.2f}",
        band=band(award) if judgement is None or judgement.is_calibrated else "",
    )


def score_decimals(judgement: Judgement | None) -> tuple[int, int]:
    """Decimals with which points and mean awards are shown."""
    if judgement is None:
        return 2, 2
    return (1 if judgement.is_calibrated else 0), 1


def listed_faults(mark: PhaseMark) -> tuple[FaultDeduction, ...]:
    """Faults by which a phase differs from a typical one by `LEAST_CHANGE` or more, the worst first."""
    return tuple(fault for fault in mark.faults if abs(fault.change) >= LEAST_CHANGE)


def fault_text(fault: FaultDeduction, dive_code: str | None = None) -> str:
    """A fault and what it costs against a typical dive, such as "8\u00b0 over \u22120.6".

    Args:
        fault: of a judgement.
        dive_code: its position names the shape in which a dive was loose.
    """
    return f"{fault_phrase(fault, dive_code)} {change_text(fault)}"


def change_text(fault: FaultDeduction) -> str:
    """Awards by which a fault makes the dive worse, with a minus, or better than a typical one."""
    return award_change(fault.change)


def fault_phrase(fault: FaultDeduction, dive_code: str | None = None) -> str:
    """A fault with its size, as coaches say it; without blame where it is not clearly worse than usual.

    Raises:
        KeyError: for a fault without a phrase.
    """
    value, error = fault.size.value or 0.0, fault.size.error or 0.0
    size = size_text(abs(value), fault.size.unit)
    if fault.name in SIDES:
        negative, positive, none = SIDES[fault.name]
        if abs(value) < max(error, LEAST_ANGLE):
            return f"{none} to within {size_text(max(error, LEAST_ANGLE), fault.size.unit)}"
        text = f"{size} {positive if value > 0 else negative}"
        return text if abs(value) - fault.usual > error else f"{text} at the touch"
    worse, neutral = PHRASES[fault.name]
    excess = value - fault.usual
    if fault.name == "distance":
        worse = f"{'far from' if excess > 0 else 'close to'} the board, {size}"
        excess = abs(excess)
    elif fault.name in ("low", "late"):
        excess = -excess
    return (worse if excess > error else neutral).format(size=size, shape=_shape(dive_code))


def _shape(dive_code: str | None) -> str:
    """The position of a dive that can be loose: pike or tuck; of others "shape"."""
    name = POSITIONS.get((dive_code or "")[-1:], "")
    return name if name in ("pike", "tuck") else "shape"


LEAST_ANGLE = 0.5
"""Degrees below which an angle is 0."""

SIDES = {
    "entry": ("short", "over", "vertical"),
    "crooked": ("off line", "off line", "on line"),
    "twist": ("under-twisted", "over-twisted", "twist complete"),
}
"""Faults that are angles with two senses: words for negative and positive ones, and for 0."""

PHRASES = {
    "low": ("low take-off, {size} above the board", "height {size} above the board"),
    "lean": ("leaning out at the take-off, {size}", "lean at the take-off {size}"),
    "distance": ("", "distance {size} from the board"),
    "loose": ("loose {shape}, {size} at the hips", "{shape} {size} at the hips"),
    "bent_knees": ("knees bent {size}", "knees bent {size}"),
    "split_legs": ("legs {size} apart", "legs {size} apart"),
    "unpointed": ("toes not pointed, {size}", "toes {size} from pointed"),
    "late": ("late opening, {size} before the entry", "opening {size} before the entry"),
    "wobble": ("armstand swaying {size}", "armstand swaying {size}"),
    "splash": ("splash {size} high", "splash {size} high"),
    "bent_entry": ("hips bent {size} at the entry", "hips bent {size} at the entry"),
}
"""Phrases for the other faults: where the size is clearly worse than usual, and where it is not."""


def fault_frame(fault: FaultDeduction) -> int | None:
    """Source frame that shows a fault: of a range the middle; None if none is known."""
    frames = fault.size.frames
    return (frames[0] + frames[-1]) // 2 if frames else None


def measured_text(fault: FaultDeduction) -> str:
    """Measured size of a fault with its error, and the usual one; an angle with two
    senses has none."""
    value, error, unit = fault.size.value or 0.0, fault.size.error or 0.0, fault.size.unit
    number, margin = size_text(value, unit), size_text(max(error, 10.0 ** -DECIMALS.get(unit, 0)), unit)
    if fault.name in SIDES:
        return f"{number} \u00b1 {margin}"
    # Degrees have their sign at each number, other units stand once.
    number = number if unit == "deg" else number.removesuffix(UNITS[unit][0])
    return f"{number} \u00b1 {margin} (usually {size_text(fault.usual, unit)})"


def size_text(value: float, unit: str) -> str:
    """A size with its unit: metres to 0.1, seconds to 0.01, degrees whole.

    >>> size_text(0.63, "m"), size_text(8.2, "deg"), size_text(-0.181, "s")
    ('0.6\\xa0m', '8\u00b0', '\u22120.18\\xa0s')
    """
    suffix, _ = UNITS[unit]
    decimals = DECIMALS.get(unit, 0)
    rounded = round(value, decimals) + 0.0  # no negative zero
    return f"{rounded:.{decimals}f}{suffix}".replace("-", "\u2212")


def phase_title(mark: PhaseMark) -> str:
    """A phase with its mark, such as "Entry 7.5"."""
    return f"{mark.phase.label.capitalize()} {mark.mark:.1f}"


def phase_text(mark: PhaseMark, dive_code: str | None = None) -> str:
    """A phase with its mark and its faults, such as "Entry 7.5: 8\u00b0 over \u22120.6, knees bent \u22120.1"."""
    faults = ", ".join(fault_text(fault, dive_code) for fault in listed_faults(mark))
    return f"{phase_title(mark)}: {faults}" if faults else phase_title(mark)


def contribution_text(mark: PhaseMark) -> str:
    """Awards by which a phase is better or worse than in a typical dive."""
    change = award_change(mark.contribution)
    return "as in a typical dive" if change == "0.0" else f"{change} against a typical dive"


def award_change(change: float) -> str:
    """A change in awards with one decimal, and its sign unless it is 0.

    >>> award_change(-0.34), award_change(0.02), award_change(-0.02)
    ('\u22120.3', '0.0', '0.0')
    """
    text = f"{change:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\u2212")


def plain(text: str) -> str:
    """Text for a terminal or a file: without non-breaking spaces."""
    return text.replace("\u00a0", " ")
