"""What own judges gave beside what is told, as a plotly figure."""

from html import escape

import numpy as np
import plotly.graph_objects as go

from fineparser.exemplars.own_panel import PanelReading
from fineparser.exemplars.calibration import INTERVAL
from fineparser.domain.judging import HIGHEST_AWARD, KEPT_AWARDS
from fineparser.rendering.figures import axis, empty_figure, look
from fineparser.rendering.palette import EITHER, SKY_BLUE, VERMILION, Theme

HEIGHT = 340
STEPS = 41
"""Points of the lines."""
MARGIN = 0.5
"""Awards beyond the outermost dive."""


def panel_figure(reading: PanelReading, theme: Theme = EITHER) -> go.Figure:
    """A mark a dive: the mean award that simulated exemplars say, to the right, and the one that it was given, up.

    With a scale the line that scores are told by, and where its interval ends; dashed, where both would be the same.
    """
    if not reading.dives:
        return empty_figure("No judged dive of a number that simulated exemplars show.", theme)
    worth = KEPT_AWARDS * np.array([one.difficulty for one in reading.dives])
    told, given = np.array(reading.told) / worth, np.array([one.score for one in reading.dives]) / worth
    low, high = min(told.min(), given.min()) - MARGIN, max(told.max(), given.max()) + MARGIN
    ends = [max(0.0, low), min(float(HIGHEST_AWARD), high)]
    figure = go.Figure()
    figure.add_scatter(
        x=ends, y=ends, mode="lines", name="as told", line={"color": theme.muted.css, "width": 1, "dash": "dash"},
        hoverinfo="skip",
    )  # fmt: skip
    if (scale := reading.scale) is not None:
        awards = np.linspace(*ends, STEPS)
        line = np.array([scale.points(KEPT_AWARDS * award, 1.0) for award in awards])
        band = np.array([scale.interval(points, 1.0) for points in line]) / KEPT_AWARDS
        figure.add_scatter(
            x=[*awards, *awards[::-1]],
            y=[*band[:, 0], *band[::-1, 1]],
            mode="lines",
            fill="toself",
            fillcolor=VERMILION.faded(0.14),
            line={"width": 0},
            name=f"{INTERVAL:.0%} of your judges' awards",
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=awards,
            y=line / KEPT_AWARDS,
            mode="lines",
            name="your judges' scale",
            line={"color": VERMILION.css, "width": 2},
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=told,
        y=given,
        mode="markers",
        name="your dives",
        marker={"size": 10, "color": SKY_BLUE.css, "line": {"width": 1, "color": theme.text.css}},
        customdata=[
            [f"{one.code}, {one.height:g} m", escape(one.name), f"{one.score:.2f}", f"{points:.2f}"]
            for one, points in zip(reading.dives, reading.told, strict=True)
        ],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>given %{customdata[2]}, told %{customdata[3]}"
        "<br>awards %{y:.1f}, %{x:.1f}<extra></extra>",
    )
    figure.update_layout(
        **look(theme, HEIGHT),
        margin={"l": 8, "r": 16, "t": 8, "b": 96},
        legend={"orientation": "h", "x": 0, "y": -0.28, "yanchor": "top", "xanchor": "left"},
        xaxis={"title": "mean award that simulated exemplars say", **axis(theme), "range": ends},
        yaxis={"title": "given", **axis(theme), "range": ends},
    )
    return figure
