"""A report's charts as HTML and inline SVG that fit any width, follow the page's theme and print.

They draw the same numbers as `charts`, without its library. Lengths are shares of the width, texts are the page's
own, so nothing shrinks on a phone. The classes are styled by `page_style.STYLE`.
"""

from html import escape

import numpy as np

from fineparser.analysis.report import BRANCHES, PHASES, DiveReport
from fineparser.exemplars.calibration import INTERVAL
from fineparser.rendering.ticks import round_ticks
from fineparser.rendering.timeline import curves, parts, phase_spans
from fineparser.rendering.waterfall import points_per_award, waterfall_range, waterfall_steps

CURVE_HEIGHT = 100
"""Height of the curves' drawing in its own units; the page stretches it."""


def signed(value: float) -> str:
    """A change with its sign, a true minus, and no negative zero.

    >>> signed(-1.5), signed(0.004), signed(-0.004)
    ('\u22121.50', '+0.00', '+0.00')
    """
    text = f"{value:+.2f}"
    if float(text) == 0:
        text = "+0.00"
    return text.replace("-", "\u2212")


def breakdown_rows(report: DiveReport, start: str) -> list[list[str]]:
    """The way from the exemplars' score to the total: name, points by branch, both, and the same in awards; then, where
    that was measured, the points between which a phase's part truly lies.

    start: what the second row is called; the first one names the columns, the last one is the dive's.
    """
    points, scale, ranges = report.breakdown.points, points_per_award(report), report.breakdown.ranges
    base, total = report.breakdown.base, report.total
    rows = [["Points", *(branch.capitalize() for branch in BRANCHES), "Both", "In awards"]]
    rows.append([start, "", "", f"{base:.2f}", f"{base / scale:.2f}"])
    for phase, shares in zip(PHASES, points.T, strict=True):
        both = float(shares.sum())
        rows.append([phase.capitalize(), *map(signed, shares), signed(both), signed(both / scale)])
    both = float(points.sum())
    rows.append(["Together", *map(signed, points.sum(axis=1)), signed(both), signed(both / scale)])
    rows.append(["This dive", "", "", f"{total.value:.2f}", f"{total.value / scale:.2f}"])
    if ranges is not None:
        parts = [f"{signed(low)} to {signed(high)}" for low, high in ranges]
        column = [f"{INTERVAL:.0%} range", "", *parts, "", f"{total.low:.2f} to {total.high:.2f}"]
        rows = [[*row, cell] for row, cell in zip(rows, column, strict=True)]
    return rows


def waterfall_chart(report: DiveReport) -> str:
    """From the exemplars' mean score to the total, one row a step; nothing without a breakdown."""
    steps = waterfall_steps(report)
    if not steps:
        return ""
    low, high = waterfall_range(report)
    total = report.total

    def at(points: float) -> float:
        return 100 * (points - low) / (high - low)

    mark = f'<i class="mark" style="left:{at(report.breakdown.base):.2f}%"></i>'
    rows = [_row("Exemplars", mark, f"{report.breakdown.base:.2f}", "end")]
    for step in steps:
        left, right = sorted((at(step.start), at(step.end)))
        kind = f"p{int(step.phase)} {step.branch}" if step.phase is not None else "limit"
        bar = (
            f'<i class="link" style="left:{at(step.start):.2f}%"></i>'
            f'<i class="bar {kind}" style="left:{left:.2f}%;width:{max(right - left, 0.3):.2f}%"></i>'
        )
        rows.append(_row(step.label.capitalize(), bar, signed(step.change)))
    marks = (
        f'<i class="link" style="left:{at(total.value):.2f}%"></i>'
        f'<i class="interval" style="left:{at(total.low):.2f}%;width:{at(total.high) - at(total.low):.2f}%"></i>'
        f'<i class="mark total" style="left:{at(total.value):.2f}%"></i>'
    )
    rows.append(_row("This dive", marks, f"{total.value:.2f}", "end"))
    ticks = round_ticks(low, high)
    scale = points_per_award(report)
    rows.append(_row("points", _axis(ticks, at), "", "axis"))
    awards = [(value * scale, text) for value, text in round_ticks(low / scale, high / scale)]
    rows.append(_row("mean award", _axis(awards, at), "", "axis"))
    key = (
        '<p class="key"><i class="bar p1 dynamic"></i> dynamic (movement) '
        '<i class="bar p1 static"></i> static (posture) <i class="interval"></i> 80% range of the score</p>'
    )
    return f'<div class="waterfall chart">{"".join(rows)}</div>{key}'


def votes_chart(report: DiveReport) -> str:
    """What each exemplar says, the highest vote on top, before the total's interval; nothing without votes."""
    if report.total is None:
        return ""
    total = report.total
    starts = {vote.exemplar: vote.score - float(vote.contributions.sum()) for vote in report.votes}
    values = [*starts.values(), *(vote.score for vote in report.votes), total.low, total.high]
    room = max(0.05 * (max(values) - min(values)), 0.5)
    low, high = min(values) - room, max(values) + room

    def at(points: float) -> float:
        return 100 * (points - low) / (high - low)

    behind = (
        f'<i class="interval" style="left:{at(total.low):.2f}%;width:{at(total.high) - at(total.low):.2f}%"></i>'
        f'<i class="middle" style="left:{at(total.value):.2f}%"></i>'
    )
    rows = []
    for vote in sorted(report.votes, key=lambda vote: -vote.score):
        left, right = sorted((at(starts[vote.exemplar]), at(vote.score)))
        dots = (
            f'{behind}<i class="stem" style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
            f'<i class="dot open" style="left:{at(starts[vote.exemplar]):.2f}%"></i>'
            f'<i class="dot" style="left:{at(vote.score):.2f}%"></i>'
        )
        chosen = "chosen" if vote.exemplar == report.exemplar else ""
        rows.append(_row(vote.exemplar, dots, f"{vote.score:.2f}", chosen))
    rows.append(_row("points", _axis(round_ticks(low, high), at), "", "axis"))
    key = (
        '<p class="key"><i class="dot open"></i> exemplar\u2019s own score '
        '<i class="dot"></i> its vote <i class="interval"></i> 80% range of the score</p>'
    )
    return f'<div class="votes chart">{"".join(rows)}</div>{key}'


def timeline_chart(report: DiveReport) -> str:
    """Phases, switches and probabilities over the clip's seconds, and the dive's sub-actions in their order."""
    spans, found = phase_spans(report), curves(report)
    start, end = spans[0].start, spans[-1].end
    whole = max(end - start, 1e-6)

    def at(seconds: float) -> float:
        return 100 * (seconds - start) / whole

    bands = "".join(
        f'<i class="p{int(span.phase)}" style="left:{at(span.start):.2f}%;width:{at(span.end) - at(span.start):.2f}%">'
        f"<b>{span.phase.label}</b></i>"
        for span in spans
    )
    switches = "".join(
        f'<i class="switch" style="left:{at(moment.seconds):.2f}%"></i>' for moment in (report.flight, report.entry)
    )
    lines = "".join(
        f'<polyline class="{name}" points="{_polyline(found.seconds, values, start, whole)}"/>'
        for name, values in (("flight", found.flight), ("entry", found.entry))
    )
    axis = _axis([(value, f"{text} s") for value, text in round_ticks(start, end)], at)
    names = "".join(f'<li class="p{int(phase)}">{escape(name)}</li>' for name, phase in parts(report))
    return (
        f'<ol class="parts">{names}</ol>'
        + f'<div class="timeline"><div class="bands">{bands}</div>'
        + f'<div class="curves">{bands}<svg viewBox="0 0 1000 {CURVE_HEIGHT}" preserveAspectRatio="none" role="img" '
        + f'aria-label="probability that each phase begins">{lines}</svg>{switches}</div>'
        + f'<div class="track">{axis}</div></div>'
        + '<p class="key"><svg class="swatch" viewBox="0 0 30 6"><path class="flight" d="M0 3H30"/></svg> probability '
        + 'that the flight begins <svg class="swatch" viewBox="0 0 30 6"><path class="entry" d="M0 3H30"/></svg> that '
        + "the entry begins</p>"
    )


def _row(name: str, track: str, value: str, kind: str = "") -> str:
    return (
        f'<div class="row {kind}"><span class="name">{escape(name)}</span>'
        f'<span class="track">{track}</span><span class="value">{value}</span></div>'
    )


def _polyline(seconds: np.ndarray, values: np.ndarray, start: float, whole: float) -> str:
    across = 1000 * (seconds - start) / whole
    down = CURVE_HEIGHT * (1 - np.clip(values, 0, 1))
    return " ".join(f"{x:.1f},{y:.2f}" for x, y in zip(across, down, strict=True))


def _axis(ticks: list[tuple[float, str]], at) -> str:
    return "".join(f'<i class="tick" style="left:{at(value):.2f}%"><b>{text}</b></i>' for value, text in ticks)
