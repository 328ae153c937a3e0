"""A training run as plotly figures, from the records of its log."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from fineparser.rendering.figures import axis, empty_figure, look
from fineparser.rendering.palette import EITHER, GREEN, ORANGE, SKY_BLUE, VERMILION, Colour, Theme

MOST_POINTS = 400
"""Of a curve: longer ones are thinned, so that a page that looks every other second stays quick."""
LOSSES = {
    "total": ("sum", EITHER.text),
    "score": ("score", VERMILION),
    "transition": ("switches", SKY_BLUE),
    "mask": ("mask", GREEN),
}
HEIGHT = 260


def losses(records: Sequence[dict], theme: Theme = EITHER) -> go.Figure:
    """The losses step by step; a loss that is always zero is not learnt and not shown."""
    steps = [record for record in records if record["kind"] == "train"]
    if not steps:
        return empty_figure("The losses come with the first step.", theme)
    figure = go.Figure()
    x = np.array([record["step"] for record in steps])
    for name, (title, colour) in LOSSES.items():
        values = np.array([record[name] for record in steps])
        alone = name == "total" and sum(any(record[other] for record in steps) for other in list(LOSSES)[1:]) == 1
        if values.any() and not alone:
            figure.add_scatter(**_curve(x, values, title, colour))
    figure.update_layout(**_layout(theme, "step", "loss"))
    figure.update_yaxes(type="log", dtick=1, nticks=None)
    return figure


def validation(records: Sequence[dict], name: str, title: str, theme: Theme = EITHER) -> go.Figure:
    """One metric on the validation dives, with its interval; a diamond marks the checkpoint that is kept as best."""
    found = [record for record in records if record["kind"] == "validation" and name in record]
    if not found:
        return empty_figure(f"{title}: comes with the first look at the validation dives.", theme)
    kept = thinned(len(found))
    best = next((record for record in reversed(found) if record["best"]), None)
    found = [found[index] for index in kept]
    x = [record["step"] for record in found]
    figure = go.Figure()
    ends = [record.get("intervals", {}).get(name) for record in found]
    if all(ends):
        figure.add_scatter(
            x=[*x, *reversed(x)],
            y=[*(high for _, high in ends), *(low for low, _ in reversed(ends))],
            mode="lines",
            fill="toself",
            fillcolor=SKY_BLUE.faded(0.22),
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
    figure.add_scatter(**_curve(np.array(x), np.array([record[name] for record in found]), title, SKY_BLUE, marks=True))
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


def predictions(
    dives: Sequence[tuple[str, float, float]],
    before: Sequence[tuple[str, float, float]] = (),
    theme: Theme = EITHER,
) -> go.Figure:
    """True scores across, predicted ones up: on the line where both agree. Id, true and predicted score of each."""
    if not dives:
        return empty_figure("Predicted against true scores: comes with scored validation dives.", theme)
    figure = go.Figure()
    every = [value for _, *values in (*dives, *before) for value in values]
    low, high = min(every), max(every)
    room = 0.06 * (high - low) or 1.0
    ends = [low - room, high + room]
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
    figure.update_layout(**_layout(theme, "true score", "predicted"), showlegend=bool(before))
    figure.update_xaxes(range=ends)
    figure.update_yaxes(range=ends)
    return figure


def thinned(count: int) -> list[int]:
    """Places of at most `MOST_POINTS` of `count` points, the first and the last among them.

    >>> thinned(3)
    [0, 1, 2]
    """
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int)).tolist()


def _curve(x: np.ndarray, y: np.ndarray, title: str, colour: Colour, marks: bool = False) -> dict:
    kept = thinned(len(x))
    return {
        "x": x[kept].tolist(),
        "y": y[kept].tolist(),
        "name": title,
        "mode": "lines+markers" if marks else "lines",
        "line": {"color": colour.css, "width": 2},
        "marker": {"size": 5},
        "hovertemplate": f"{title}<br>step %{{x}}: %{{y:.4g}}<extra></extra>",
    }


def _layout(theme: Theme, x: str, y: str) -> dict:
    return {
        **look(theme, HEIGHT),
        "margin": {"l": 8, "r": 12, "t": 26, "b": 40},
        "xaxis": {"title": x, **axis(theme)},
        "yaxis": {"title": y, **axis(theme)},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }
