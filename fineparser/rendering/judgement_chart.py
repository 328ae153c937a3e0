"""The chart of a judgement: from the typical award, phase by phase, to the award of the dive with its range.

`judgement_figure` is the Plotly figure of the app, `judgement_html` the chart of the report page, `judgement_rows` the
faults as a table.
"""

from dataclasses import dataclass

import plotly.graph_objects as go

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase
from fineparser.rendering.chart_style import (
    axis_html,
    empty_figure,
    percent_scale,
    round_ticks,
    row_html,
)
from fineparser.rendering.judgement_text import (
    award_change,
    change_text,
    fault_phrase,
    listed_faults,
    measured_text,
)
from fineparser.rendering.measurements import frames_text
from fineparser.rendering.messages import little_message, typical_range
from fineparser.rendering.palette import NEUTRAL, PHASE_COLOURS, VERMILION, Theme
from fineparser.rendering.waterfall_chart import (
    LAST_ROW,
    Axis,
    add_links,
    add_numbers,
    points_per_award,
    waterfall_layout,
)
from fineparser.scoring import Judgement

TYPICAL_ROW = "typical dive"
LEAST_REST = 0.005
"""Awards that the phases may miss the award by, without a step of its own for the rest."""


MOST_TICKS = 7
"""Ticks of an axis of the HTML chart."""
LEAST_TICK = 4.0
"""Percentage of its width from which on there are ticks."""


@dataclass(frozen=True)
class JudgementStep:
    """One bar of the chart, in awards."""

    label: str
    phase: Phase | None
    """None for the rest that no phase explains: the user's judges, or the end of the scale."""
    start: float
    end: float

    @property
    def change(self) -> float:
        """Awards gained, or lost if negative."""
        return self.end - self.start


def judgement_steps(judgement: Judgement) -> list[JudgementStep]:
    """Steps from the typical award, phase by phase, to the award; then one for what the phases do not explain."""
    steps, start = [], judgement.typical_award
    for mark in judgement.phases:
        end = start + mark.contribution
        steps.append(JudgementStep(mark.phase.label, mark.phase, start, end))
        start = end
    if abs(judgement.award - start) > LEAST_REST:
        rest = "your judges" if judgement.is_calibrated else "end of the scale"
        steps.append(JudgementStep(rest, None, start, judgement.award))
    return steps


def judgement_rows(report: DiveReport) -> list[list[str]]:
    """Table of the faults, phase by phase and the dearest first: phrase, measured size, awards, frames.

    The first row has the names of the columns. Empty without a judgement, or with one that the clip says little about.
    """
    judgement = report.judgement
    if judgement is None or judgement.is_uninformative:
        return []
    rows = [["Fault", "Measured", "Awards", "Frame"]]
    for mark in judgement.phases:
        for fault in listed_faults(mark):
            frames = frames_text(fault.size.frames).partition(" ")[2]
            phrase = fault_phrase(fault, report.dive_code)
            rows.append([phrase, measured_text(fault), change_text(fault), frames])
    return rows


def judgement_range(judgement: Judgement, steps: list[JudgementStep]) -> tuple[float, float]:
    """Range of awards of the chart: every step and both intervals, with a margin at both ends."""
    values = [value for step in steps for value in (step.start, step.end)]
    values += [judgement.award, judgement.low, judgement.high, *typical_range(judgement)]
    low, high = min(values), max(values)
    margin = max(0.06 * (high - low), 0.1)
    return low - margin, high + margin


def judgement_figure(report: DiveReport, theme: Theme = NEUTRAL) -> go.Figure:
    """The chart in awards (below) and points (above), the typical dive and this one with their ranges.

    A sentence instead of it without a judgement, or where the clip says little about the score.
    """
    judgement = report.judgement
    if judgement is None or judgement.is_uninformative:
        return empty_figure(_wrapped(little_message(report) or "No score: give the dive number and the height."), theme)
    steps = judgement_steps(judgement)
    names = [TYPICAL_ROW, *(step.label for step in steps), LAST_ROW]
    figure = go.Figure()
    for step in steps:
        figure.add_bar(
            y=[step.label],
            x=[step.change],
            base=[step.start],
            orientation="h",
            marker={"color": _colour(step.phase), "line": {"width": 1, "color": theme.text.css}},
            hovertemplate=f"<b>{step.label}</b><br>{award_change(step.change)} awards<br>"
            f"{step.start:.1f} to {step.end:.1f}<extra></extra>",
        )
    _add_ends(figure, judgement, points_per_award(report), theme)
    numbers = [f"<b>{judgement.typical_award:.1f}</b>", *(award_change(step.change) for step in steps)]
    add_numbers(figure, dict(zip(names, [*numbers, f"<b>{judgement.award:.1f}</b>"], strict=True)), theme)
    add_links(figure, [*(step.start for step in steps), judgement.award], theme)
    (low, high), scale = judgement_range(judgement, steps), points_per_award(report)
    axes = Axis("mean award", low, high), Axis("points", low * scale, high * scale, most_ticks=6)
    figure.update_layout(**waterfall_layout(names, axes, 48, theme))
    return figure


def _colour(phase: Phase | None) -> str:
    return NEUTRAL.text.css if phase is None else PHASE_COLOURS[phase].css


def _add_ends(figure: go.Figure, judgement: Judgement, scale: float, theme: Theme) -> None:
    """Marks of the typical award and of the award, each with its range."""
    ends = (
        (TYPICAL_ROW, judgement.typical_award, typical_range(judgement), theme.muted.css, 1),
        (LAST_ROW, judgement.award, (judgement.low, judgement.high), VERMILION.css, 2),
    )
    for row, award, (low, high), colour, thickness in ends:
        figure.add_scatter(
            y=[row],
            x=[award],
            mode="markers",
            marker={"symbol": "diamond", "size": 12, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - award],
                "arrayminus": [award - low],
                "color": colour,
                "thickness": thickness,
            },
            hovertemplate=f"<b>{row}</b><br>mean award {award:.1f} ({low:.1f} to {high:.1f})<br>"
            f"{scale * award:.0f} points ({scale * low:.0f} to {scale * high:.0f})<extra></extra>",
        )
    # Plotly shows the axis of points only if a trace belongs to it.
    figure.add_scatter(
        y=[LAST_ROW], x=[scale * judgement.award], xaxis="x2", mode="markers", opacity=0, hoverinfo="skip"
    )


def _wrapped(text: str) -> str:
    """A text with a line a sentence, for a figure."""
    return text.replace(". ", ".<br>").replace(": ", ":<br>")


def judgement_html(report: DiveReport) -> str:
    """The chart as HTML, one row a step; empty without a judgement, or where the clip says little."""
    judgement = report.judgement
    if judgement is None or judgement.is_uninformative:
        return ""
    steps = judgement_steps(judgement)
    low, high = judgement_range(judgement, steps)
    at = percent_scale(low, high)
    typical_low, typical_high = typical_range(judgement)
    marks = (
        f'<i class="interval typical" style="left:{at(typical_low):.2f}%;'
        f'width:{at(typical_high) - at(typical_low):.2f}%"></i>'
        f'<i class="mark" style="left:{at(judgement.typical_award):.2f}%"></i>'
    )
    rows = [row_html("Typical dive", marks, f"{judgement.typical_award:.1f}", "end")]
    for step in steps:
        left, right = sorted((at(step.start), at(step.end)))
        bar_class = "limit" if step.phase is None else f"p{int(step.phase)}"
        bar = (
            f'<i class="link" style="left:{at(step.start):.2f}%"></i>'
            f'<i class="bar {bar_class}" style="left:{left:.2f}%;width:{max(right - left, 0.3):.2f}%"></i>'
        )
        rows.append(row_html(step.label.capitalize(), bar, award_change(step.change)))
    marks = (
        f'<i class="link" style="left:{at(judgement.award):.2f}%"></i>'
        f'<i class="interval" style="left:{at(judgement.low):.2f}%;'
        f'width:{at(judgement.high) - at(judgement.low):.2f}%"></i>'
        f'<i class="mark total" style="left:{at(judgement.award):.2f}%"></i>'
    )
    rows.append(row_html("This dive", marks, f"{judgement.award:.1f}", "end"))
    for name, scale in (("mean award", 1.0), ("points", points_per_award(report))):
        ticks = [(value / scale, text) for value, text in round_ticks(low * scale, high * scale, MOST_TICKS)]
        # One at the edge would run into the name of the axis.
        inside = [(award, text) for award, text in ticks if at(award) > LEAST_TICK]
        rows.append(row_html(name, axis_html(inside, at), "", "axis"))
    key = (
        '<p class="key"><i class="interval typical"></i> 80% range of typical dives '
        '<i class="interval"></i> 80% range of this one</p>'
    )
    return f'<div class="waterfall chart">{"".join(rows)}</div>{key}'
