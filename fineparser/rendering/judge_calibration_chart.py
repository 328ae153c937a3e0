"""The judge calibration: awards of the user's judges against predicted ones, as a Plotly figure."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from fineparser.domain.judging import COUNTED_AWARDS, HIGHEST_AWARD
from fineparser.exemplars.judge_calibration import JudgeCalibration, JudgeComparison
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.rendering.chart_style import axis_layout, empty_figure, figure_layout
from fineparser.rendering.palette import NEUTRAL, SKY_BLUE, VERMILION, Theme

HEIGHT = 340
LINE_POINTS = 41
"""Points of the calibration's line."""
MARGIN = 0.5
"""Awards beyond the outermost dive."""


def judge_calibration_figure(comparison: JudgeComparison, theme: Theme = NEUTRAL) -> go.Figure:
    """A mark for each dive: the predicted mean award (x) and the judges' mean award (y).

    With a calibration, its line and interval; the dashed line is where both would be equal.
    """
    if not comparison.dives:
        return empty_figure("No scored dive of a number with simulated exemplars.", theme)
    points_per_award = COUNTED_AWARDS * np.array([dive.difficulty for dive in comparison.dives])
    predicted = np.array(comparison.predicted) / points_per_award
    true = np.array([dive.score for dive in comparison.dives]) / points_per_award
    low, high = min(predicted.min(), true.min()) - MARGIN, max(predicted.max(), true.max()) + MARGIN
    ends = [max(0.0, float(low)), min(float(HIGHEST_AWARD), float(high))]
    figure = go.Figure()
    figure.add_scatter(
        x=ends, y=ends, mode="lines", name="as predicted", line={"color": theme.muted.css, "width": 1, "dash": "dash"},
        hoverinfo="skip",
    )  # fmt: skip
    if comparison.calibration is not None:
        _add_calibration(figure, comparison.calibration, ends)
    figure.add_scatter(
        x=predicted,
        y=true,
        mode="markers",
        name="your dives",
        marker={"size": 10, "color": SKY_BLUE.css, "line": {"width": 1, "color": theme.text.css}},
        customdata=[
            [f"{dive.code}, {dive.height:g} m", escape(dive.name), f"{dive.score:.2f}", f"{points:.2f}"]
            for dive, points in zip(comparison.dives, comparison.predicted, strict=True)
        ],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>judges %{customdata[2]}, predicted "
        "%{customdata[3]}<br>awards %{y:.1f}, %{x:.1f}<extra></extra>",
    )
    figure.update_layout(
        **figure_layout(theme, HEIGHT),
        margin={"l": 8, "r": 16, "t": 8, "b": 96},
        legend={"orientation": "h", "x": 0, "y": -0.28, "yanchor": "top", "xanchor": "left"},
        xaxis={"title": "predicted mean award", **axis_layout(theme), "range": ends},
        yaxis={"title": "your judges", **axis_layout(theme), "range": ends},
    )
    return figure


def _add_calibration(figure: go.Figure, calibration: JudgeCalibration, ends: list[float]) -> None:
    """Line and interval of a calibration between two awards."""
    awards = np.linspace(ends[0], ends[1], LINE_POINTS)
    line = np.array([calibration.calibrate(COUNTED_AWARDS * award, 1.0) for award in awards])
    interval = np.array([calibration.interval(points, 1.0) for points in line]) / COUNTED_AWARDS
    figure.add_scatter(
        x=[*awards, *awards[::-1]],
        y=[*interval[:, 0], *interval[::-1, 1]],
        mode="lines",
        fill="toself",
        fillcolor=VERMILION.with_opacity(0.14),
        line={"width": 0},
        name=f"{NOMINAL_COVERAGE:.0%} of your judges' awards",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=awards,
        y=line / COUNTED_AWARDS,
        mode="lines",
        name="judge calibration",
        line={"color": VERMILION.css, "width": 2},
        hoverinfo="skip",
    )
