"""What every plotly figure of the app has in common."""

import plotly.graph_objects as go

from fineparser.rendering.palette import WHITE, Theme

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def empty_figure(text: str, theme: Theme) -> go.Figure:
    """A sentence where there is nothing to draw yet."""
    figure = go.Figure()
    figure.add_annotation(text=text, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)
    hidden = {"visible": False}
    figure.update_layout(**look(theme, 120), xaxis=hidden, yaxis=hidden, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def look(theme: Theme, height: int) -> dict:
    """A figure's layout: its height in pixels, texts, clear background."""
    return {
        "template": None,
        "height": height,
        "autosize": True,
        "font": {"family": FONT, "size": 13, "color": theme.text.css},
        "paper_bgcolor": WHITE.faded(0),
        "plot_bgcolor": WHITE.faded(0),
        "hoverlabel": {"bgcolor": "#1f2937", "font": {"color": WHITE.css}},
        "dragmode": False,
    }


def axis(theme: Theme) -> dict:
    """An axis's layout."""
    return {
        "gridcolor": theme.grid,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": theme.grid,
        "nticks": 6,
        "tickangle": 0,
        "automargin": True,
        "fixedrange": True,
        "title_standoff": 6,
    }
