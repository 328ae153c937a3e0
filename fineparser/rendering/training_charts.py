"""A training run as Plotly figures, from the records of its log."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fineparser.rendering.chart_style import axis_layout, empty_figure, figure_layout
from fineparser.rendering.palette import GREEN, NEUTRAL, ORANGE, SKY_BLUE, VERMILION, Colour, Theme

MAX_POINTS = 400
"""Points of a curve: longer ones are thinned, so that a page that refreshes every other second stays fast."""
LOSSES = {
    "total": ("sum", NEUTRAL.text),
    "score": ("score", VERMILION),
    "transition": ("transitions", SKY_BLUE),
    "mask": ("mask", GREEN),
}
"""Title and colour of each loss of a log."""
HEIGHT = 260


def loss_figure(records: Sequence[dict[str, Any]], theme: Theme = NEUTRAL) -> go.Figure:
    """The losses step by step, without those that are always zero."""
    steps = [record for record in records if record["kind"] == "train"]
    if not steps:
        return empty_figure("The losses appear with the first step.", theme)
    figure = go.Figure()
    x = np.array([record["step"] for record in steps])
    is_single = sum(any(record[name] for record in steps) for name in list(LOSSES)[1:]) == 1
    for name, (title, colour) in LOSSES.items():
        values = np.array([record[name] for record in steps])
        if values.any() and not (name == "total" and is_single):
            figure.add_scatter(**_curve(x, values, title, colour))
    figure.update_layout(**_layout(theme, "step", "loss"))
    figure.update_yaxes(type="log", dtick=1, nticks=None)
    return figure


def validation_figure(records: Sequence[dict[str, Any]], name: str, title: str, theme: Theme = NEUTRAL) -> go.Figure:
    """One metric on the validation dives, with its interval; a diamond marks the best checkpoint."""
    validations = [record for record in records if record["kind"] == "validation" and name in record]
    if not validations:
        return empty_figure(f"{title}: appears with the first validation.", theme)
    best = next((record for record in reversed(validations) if record["best"]), None)
    validations = [validations[index] for index in thinned(len(validations))]
    x = [record["step"] for record in validations]
    figure = go.Figure()
    intervals = [record.get("intervals", {}).get(name) for record in validations]
    if all(intervals):
        figure.add_scatter(
            x=[*x, *reversed(x)],
            y=[*(high for _, high in intervals), *(low for low, _ in reversed(intervals))],
            mode="lines",
            fill="toself",
            fillcolor=SKY_BLUE.with_opacity(0.22),
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
    values = np.array([record[name] for record in validations])
    figure.add_scatter(**_curve(np.array(x), values, title, SKY_BLUE) | {"mode": "lines+markers"})
    if best is not None:
        figure.add_scatter(
            x=[best["step"]],
            y=[best[name]],
            mode="markers",
            marker={"symbol": "diamond", "size": 12, "color": VERMILION.css},
            hovertemplate="best<br>step %{x}: %{y:.3f}<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(**_layout(theme, "step", title), showlegend=False)
    return figure


def prediction_figure(
    dives: Sequence[tuple[str, float, float]],
    before: Sequence[tuple[str, float, float]] = (),
    theme: Theme = NEUTRAL,
) -> go.Figure:
    """Predicted against true scores, with the line where both are equal.

    Args:
        dives: id, true and predicted score of each.
        before: the same with the weights before the run.
        theme: of the page.
    """
    if not dives:
        return empty_figure("Predicted and true scores appear with scored validation dives.", theme)
    figure = go.Figure()
    scores = [score for _, *pair in (*dives, *before) for score in pair]
    low, high = min(scores), max(scores)
    margin = 0.06 * (high - low) or 1.0
    ends = [low - margin, high + margin]
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": theme.muted.css, "dash": "dot", "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    for title, rows, colour, symbol in (("before", before, ORANGE, "circle-open"), ("now", dives, SKY_BLUE, "circle")):
        if rows:
            figure.add_scatter(
                x=[true for _, true, _ in rows],
                y=[predicted for _, _, predicted in rows],
                mode="markers",
                name=title,
                marker={"symbol": symbol, "size": 9, "color": colour.css, "line": {"width": 2, "color": colour.css}},
                text=[escape(name) for name, _, _ in rows],
                hovertemplate="<b>%{text}</b><br>true %{x:.2f}<br>predicted %{y:.2f}<extra></extra>",
            )
    figure.update_layout(**_layout(theme, "true score", "predicted score"), showlegend=bool(before))
    figure.update_xaxes(range=ends)
    figure.update_yaxes(range=ends)
    return figure


def thinned(count: int) -> list[int]:
    """Indices of at most `MAX_POINTS` of `count` points, the first and the last among them.

    >>> thinned(3)
    [0, 1, 2]
    """
    return np.unique(np.linspace(0, count - 1, min(count, MAX_POINTS)).round().astype(int)).tolist()


def _curve(x: np.ndarray, y: np.ndarray, title: str, colour: Colour) -> dict[str, Any]:
    points = thinned(len(x))
    return {
        "x": x[points].tolist(),
        "y": y[points].tolist(),
        "name": title,
        "mode": "lines",
        "line": {"color": colour.css, "width": 2},
        "marker": {"size": 5},
        "hovertemplate": f"{title}<br>step %{{x}}: %{{y:.4g}}<extra></extra>",
    }


def _layout(theme: Theme, x: str, y: str) -> dict[str, Any]:
    return {
        **figure_layout(theme, HEIGHT),
        "margin": {"l": 8, "r": 12, "t": 26, "b": 40},
        "xaxis": {"title": x, **axis_layout(theme)},
        "yaxis": {"title": y, **axis_layout(theme)},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
