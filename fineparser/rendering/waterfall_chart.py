"""The waterfall: from the mean score of the exemplars to the total, by phase and branch.

`waterfall_figure` is the Plotly figure of the app, `waterfall_html` the chart of the report page, `breakdown_rows` the
same numbers as a table.
"""

from dataclasses import dataclass

import plotly.graph_objects as go

from fineparser.analysis.report import DiveReport
from fineparser.domain.judging import COUNTED_AWARDS
from fineparser.domain.phases import Phase
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.exemplars.voting_result import BRANCHES, Breakdown, ScoreEstimate
from fineparser.rendering.chart_style import (
    axis_html,
    axis_layout,
    empty_figure,
    figure_layout,
    hatching,
    percent_scale,
    round_ticks,
    row_html,
    signed,
)
from fineparser.rendering.palette import NEUTRAL, PHASE_COLOURS, VERMILION, Theme

ROW_HEIGHT = 34
"""Height of a row of bars, pixels."""

FIRST_ROW, LAST_ROW = "exemplars", "<b>this dive</b>"


@dataclass(frozen=True)
class WaterfallStep:
    """One bar of the waterfall, in points."""

    label: str
    phase: Phase | None
    """None for the step back to the end of the scale."""
    branch: str | None
    """"dynamic" or "static"."""
    start: float
    end: float

    @property
    def change(self) -> float:
        """Points gained, or lost if negative."""
        return self.end - self.start


def points_per_award(report: DiveReport) -> float:
    """Points of one more award from every judge: three awards count, times the difficulty."""
    return COUNTED_AWARDS * (report.difficulty or 0.0)


def waterfall_steps(report: DiveReport) -> list[WaterfallStep]:
    """Steps phase by phase, dynamic before static, from `breakdown.base` to the total; none without a score.

    Phases that the clip does not show carry no points and have no steps. The mean of the votes can lie beyond the
    highest or lowest score; then a last step leads back to it.
    """
    if report.breakdown is None or report.total is None:
        return []
    steps, start = [], report.breakdown.base
    for phase in report.visible_phases:
        for row, branch in enumerate(BRANCHES):
            end = start + float(report.breakdown.points[row, phase])
            steps.append(WaterfallStep(f"{phase.label}, {branch}", phase, branch, start, end))
            start = end
    if abs(report.total.value - start) > 0.005:
        steps.append(WaterfallStep("end of the scale", None, None, start, report.total.value))
    return steps


def waterfall_range(steps: list[WaterfallStep], total: ScoreEstimate) -> tuple[float, float]:
    """Range of points of the chart: every step and the total's interval, with a margin at both ends.

    It seldom contains zero, so what starts from zero must not be drawn as a bar.
    """
    values = [step.start for step in steps] + [step.end for step in steps] + [total.value, total.low, total.high]
    low, high = min(values), max(values)
    margin = max(0.08 * (high - low), 0.5)
    return low - margin, high + margin


def breakdown_rows(report: DiveReport, base_name: str) -> list[list[str]]:
    """Table of the breakdown: a row with the names of the columns, the exemplars, each phase, their sum, the dive.

    The columns are points by branch, both branches together, the same in awards and, if measured, the interval of
    each phase's contribution. Phases that the clip does not show have no row. Empty without a score.

    Args:
        report: of the dive.
        base_name: name of the row of the exemplars.
    """
    breakdown, total = report.breakdown, report.total
    if breakdown is None or total is None:
        return []
    scale = points_per_award(report)
    rows = [["Points", *(branch.capitalize() for branch in BRANCHES), "Both", "In awards"]]
    rows.append([base_name, "", "", f"{breakdown.base:.2f}", f"{breakdown.base / scale:.2f}"])
    for phase in report.visible_phases:
        points = breakdown.points[:, phase]
        both = float(points.sum())
        rows.append([phase.label.capitalize(), *map(signed, points), signed(both), signed(both / scale)])
    both = float(breakdown.points.sum())
    rows.append(["Together", *map(signed, breakdown.points.sum(axis=1)), signed(both), signed(both / scale)])
    rows.append(["This dive", "", "", f"{total.value:.2f}", f"{total.value / scale:.2f}"])
    if breakdown.ranges is not None:
        ends = [breakdown.ranges[phase] for phase in report.visible_phases]
        ranges = [f"{signed(low)} to {signed(high)}" for low, high in ends]
        column = [f"{NOMINAL_COVERAGE:.0%} range", "", *ranges, "", f"{total.low:.2f} to {total.high:.2f}"]
        rows = [[*row, cell] for row, cell in zip(rows, column, strict=True)]
    return rows


def waterfall_figure(report: DiveReport, theme: Theme = NEUTRAL) -> go.Figure:
    """The waterfall in points (below) and awards (above).

    Bars of the dynamic branch are plain, those of the static one hatched. Both ends are marks, not bars, since the
    axis does not start at zero.
    """
    breakdown, total, steps = report.breakdown, report.total, waterfall_steps(report)
    if breakdown is None or total is None:
        return empty_figure("No score: give the dive number and the height.", theme)
    scale = points_per_award(report)
    figure = go.Figure()
    _add_bars(figure, steps, scale, theme)
    _add_ends(figure, breakdown, total, scale, theme)
    numbers = [
        f"<b>{breakdown.base:.2f}</b>",
        *(f"{step.change:+.2f}".replace("-", "\u2212") for step in steps),
        f"<b>{total.value:.2f}</b>",
    ]
    add_numbers(figure, dict(zip(_row_names(steps), numbers, strict=True)), theme)
    add_links(figure, [*(step.start for step in steps), total.value], theme)
    figure.update_layout(**_layout(steps, total, scale, theme))
    return figure


def _row_names(steps: list[WaterfallStep]) -> list[str]:
    return [FIRST_ROW, *(step.label for step in steps), LAST_ROW]


def _add_bars(figure: go.Figure, steps: list[WaterfallStep], scale: float, theme: Theme) -> None:
    for step in steps:
        colour = PHASE_COLOURS[step.phase] if step.phase is not None else NEUTRAL.text
        figure.add_bar(
            y=[step.label],
            x=[step.change],
            base=[step.start],
            orientation="h",
            marker={
                "color": colour.css,
                "line": {"width": 1, "color": theme.text.css},
                "pattern": hatching(colour) if step.branch == "static" else {},
            },
            hovertemplate=f"<b>{step.label}</b><br>{step.change:+.2f} points<br>"
            f"{step.change / scale:+.3f} awards<br>{step.start:.2f} to {step.end:.2f}<extra></extra>",
        )


def _add_ends(figure: go.Figure, breakdown: Breakdown, total: ScoreEstimate, scale: float, theme: Theme) -> None:
    """Marks of the exemplars' mean and of the total with its interval."""
    figure.add_scatter(
        y=[FIRST_ROW, LAST_ROW],
        x=[breakdown.base, total.value],
        mode="markers",
        marker={"symbol": "diamond", "size": 12, "color": [theme.muted.css, VERMILION.css]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0, total.high - total.value],
            "arrayminus": [0, total.value - total.low],
            "color": VERMILION.css,
            "thickness": 2,
        },
        customdata=[
            [breakdown.base / scale, "mean of the exemplars, at this dive's difficulty"],
            [total.value / scale, f"{total.low:.2f} to {total.high:.2f} points"],
        ],
        hovertemplate="<b>%{y}</b><br>%{x:.2f} points<br>mean award %{customdata[0]:.2f}"
        "<br>%{customdata[1]}<extra></extra>",
    )
    # Plotly shows the axis of awards only if a trace belongs to it.
    figure.add_scatter(y=[LAST_ROW], x=[total.value / scale], xaxis="x2", mode="markers", opacity=0, hoverinfo="skip")


def add_numbers(figure: go.Figure, numbers: dict[str, str], theme: Theme) -> None:
    """Add numbers by row at the right edge, clear of bars in either direction."""
    for name, number in numbers.items():
        figure.add_annotation(
            x=1.01, xref="paper", y=name, text=number, showarrow=False, xanchor="left", font={"color": theme.text.css}
        )


def add_links(figure: go.Figure, places: list[float], theme: Theme) -> None:
    """Add dotted lines that lead from the end of a bar to the start of the next, one below each row but the last."""
    for row, x in enumerate(places):
        line = {"width": 1, "color": theme.muted.css, "dash": "dot"}
        figure.add_shape(type="line", x0=x, x1=x, y0=row, y1=row + 1, line=line, layer="below")


def _layout(steps: list[WaterfallStep], total: ScoreEstimate, scale: float, theme: Theme) -> dict[str, object]:
    low, high = waterfall_range(steps, total)
    awards = Axis("mean award", low / scale, high / scale, most_ticks=4)
    return waterfall_layout(_row_names(steps), (Axis("points", low, high), awards), 56, theme)


@dataclass(frozen=True)
class Axis:
    """A horizontal axis of a waterfall chart."""

    title: str
    low: float
    high: float
    most_ticks: int = 5


def waterfall_layout(names: list[str], axes: tuple[Axis, Axis], right: int, theme: Theme) -> dict[str, object]:
    """Plotly layout of bars under each other.

    Args:
        names: of the rows, from top to bottom.
        axes: below and above the bars.
        right: pixels for the numbers at the right edge.
        theme: colours.
    """
    below, above = axes
    ticks = round_ticks(above.low, above.high, most=above.most_ticks)
    return {
        **figure_layout(theme, 70 + ROW_HEIGHT * len(names)),
        "margin": {"l": 8, "r": right, "t": 44, "b": 44},
        "showlegend": False,
        "bargap": 0.3,
        "xaxis": {"range": [below.low, below.high], "title": below.title, **axis_layout(theme)},
        "xaxis2": {
            "range": [above.low, above.high],
            "overlaying": "x",
            "side": "top",
            "title": above.title,
            **axis_layout(theme) | {"showgrid": False, "nticks": None},
            "tickmode": "array",
            "tickvals": [value for value, _ in ticks],
            "ticktext": [text for _, text in ticks],
        },
        "yaxis": {
            "categoryorder": "array",
            "categoryarray": names,
            "range": [len(names) - 0.5, -0.5],
            "automargin": True,
            "fixedrange": True,
            "ticklabelstandoff": 6,
        },
    }


def waterfall_html(report: DiveReport) -> str:
    """The waterfall as HTML, one row a step; empty without a score."""
    breakdown, total, steps = report.breakdown, report.total, waterfall_steps(report)
    if breakdown is None or total is None:
        return ""
    low, high = waterfall_range(steps, total)
    at = percent_scale(low, high)
    mark = f'<i class="mark" style="left:{at(breakdown.base):.2f}%"></i>'
    rows = [row_html("Exemplars", mark, f"{breakdown.base:.2f}", "end")]
    for step in steps:
        left, right = sorted((at(step.start), at(step.end)))
        bar_class = f"p{int(step.phase)} {step.branch}" if step.phase is not None else "limit"
        bar = (
            f'<i class="link" style="left:{at(step.start):.2f}%"></i>'
            f'<i class="bar {bar_class}" style="left:{left:.2f}%;width:{max(right - left, 0.3):.2f}%"></i>'
        )
        rows.append(row_html(step.label.capitalize(), bar, signed(step.change)))
    marks = (
        f'<i class="link" style="left:{at(total.value):.2f}%"></i>'
        f'<i class="interval" style="left:{at(total.low):.2f}%;width:{at(total.high) - at(total.low):.2f}%"></i>'
        f'<i class="mark total" style="left:{at(total.value):.2f}%"></i>'
    )
    rows.append(row_html("This dive", marks, f"{total.value:.2f}", "end"))
    rows.append(row_html("points", axis_html(round_ticks(low, high), at), "", "axis"))
    scale = points_per_award(report)
    awards = [(value * scale, text) for value, text in round_ticks(low / scale, high / scale)]
    rows.append(row_html("mean award", axis_html(awards, at), "", "axis"))
    key = (
        '<p class="key"><i class="bar p1 dynamic"></i> dynamic (movement) '
        '<i class="bar p1 static"></i> static (pose) <i class="interval"></i> 80% range of the score</p>'
    )
    return f'<div class="waterfall chart">{"".join(rows)}</div>{key}'
