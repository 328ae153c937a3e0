"""The judge calibration: awards of the user's judges against predicted and calibrated ones, as a Plotly figure."""

from html import escape
from typing import Any

import plotly.graph_objects as go

from fineparser.domain.judging import HIGHEST_AWARD
from fineparser.rendering.chart_style import axis_layout, empty_figure, figure_layout
from fineparser.rendering.palette import NEUTRAL, SKY_BLUE, Theme
from fineparser.scoring.judge_calibration import JudgeComparison

HEIGHT = 340
MARGIN = 0.5
"""Awards beyond the outermost dive."""


def judge_calibration_figure(comparison: JudgeComparison, theme: Theme = NEUTRAL) -> go.Figure:
    """Marks for each dive at its predicted mean award (x) and that of the judges (y).

    An open mark is the award of the simulated judges. With a calibration a line leads from it to a filled one, the
    award of the user's judges as the other dives predict it. The dashed line is where prediction and judges agree.
    """
    if not comparison.dives:
        return empty_figure("No judged dive that was measured.", theme)
    given = given_awards(comparison)
    awards = [*given, *comparison.predicted, *comparison.calibrated]
    ends = [max(0.0, min(awards) - MARGIN), min(float(HIGHEST_AWARD), max(awards) + MARGIN)]
    figure = go.Figure()
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        name="as your judges",
        line={"color": theme.muted.css, "width": 1, "dash": "dash"},
        hoverinfo="skip",
    )
    if comparison.calibrated:
        pairs = zip(comparison.predicted, comparison.calibrated, strict=True)
        figure.add_scatter(
            x=[x for before, after in pairs for x in (before, after, None)],
            y=[y for award in given for y in (award, award, None)],
            mode="lines",
            line={"color": theme.muted.css, "width": 1},
            hoverinfo="skip",
            showlegend=False,
        )
    simulated = {"symbol": "circle-open", "size": 10, "color": theme.muted.css, "line": {"width": 2}}
    _add_marks(figure, comparison, comparison.predicted, "simulated judges", simulated)
    if comparison.calibrated:
        users = {"size": 10, "color": SKY_BLUE.css, "line": {"width": 1, "color": theme.text.css}}
        _add_marks(figure, comparison, comparison.calibrated, "calibrated, by the other dives", users)
    figure.update_layout(
        **figure_layout(theme, HEIGHT),
        margin={"l": 8, "r": 16, "t": 8, "b": 96},
        legend={"orientation": "h", "x": 0, "y": -0.28, "yanchor": "top", "xanchor": "left"},
        xaxis={"title": "predicted mean award", **axis_layout(theme), "range": ends},
        yaxis={"title": "your judges", **axis_layout(theme), "range": ends},
    )
    return figure


def given_awards(comparison: JudgeComparison) -> list[float]:
    """Mean awards of the user's judges for the dives."""
    return [dive.mean_award for dive in comparison.dives]


def _add_marks(
    figure: go.Figure, comparison: JudgeComparison, awards: tuple[float, ...], name: str, marker: dict[str, Any]
) -> None:
    """A mark for each dive at a predicted award."""
    figure.add_scatter(
        x=awards,
        y=given_awards(comparison),
        mode="markers",
        name=name,
        marker=marker,
        customdata=[[f"{dive.code}, {dive.height:g} m", escape(dive.name)] for dive in comparison.dives],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>"
        "your judges %{y:.1f}, predicted %{x:.1f}<extra></extra>",
    )
