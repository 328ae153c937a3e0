"""Layout, axes, ticks and numbers that all charts share.

Plotly figures keep to what plotly.js 3.3 draws (bars with patterns, lines, markers, shapes, annotations), have a clear
background, and no title: Gradio would give one a hundred pixels. Their texts fit a 390-pixel screen. HTML charts are
for the report page: their classes are styled there, and lengths are percentages, so that they fit any width.
"""

import math
from collections.abc import Callable
from html import escape
from typing import Any

import plotly.graph_objects as go

from fineparser.rendering.palette import BLACK, DARK, LIGHT, WHITE, Colour, Theme

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_TEXTS = tuple(
    f".js-plotly-plot .{part} text" for part in ("xtick", "x2tick", "ytick", "y2tick", "cbaxis", "annotation-text-g")
) + tuple(f".js-plotly-plot text.{part}" for part in ("xtitle", "x2title", "ytitle", "y2title", "legendtext"))
# A rule each: in a list of selectors Gradio applies .dark to the first one only.
GRADIO_CSS = "".join(
    f"{text}{{fill:{LIGHT.text.css}!important}}.dark {text}{{fill:{DARK.text.css}!important}}" for text in _TEXTS
)
"""Style for a Gradio page that gives the figures' texts the contrast of its theme, which the server does not know."""


def empty_figure(text: str, theme: Theme) -> go.Figure:
    """A sentence in place of a figure without data."""
    figure = go.Figure()
    figure.add_annotation(text=text, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)
    hidden = {"visible": False}
    margin = {"l": 8, "r": 8, "t": 8, "b": 8}
    figure.update_layout(**figure_layout(theme, 120), xaxis=hidden, yaxis=hidden, margin=margin)
    return figure


def figure_layout(theme: Theme, height: int) -> dict[str, Any]:
    """Layout of a figure `height` pixels high: texts, clear background."""
    return {
        "template": None,
        "height": height,
        "autosize": True,
        "font": {"family": FONT, "size": 13, "color": theme.text.css},
        "paper_bgcolor": WHITE.with_opacity(0),
        "plot_bgcolor": WHITE.with_opacity(0),
        "hoverlabel": {"bgcolor": "#1f2937", "font": {"color": WHITE.css}},
        "dragmode": False,
    }


def axis_layout(theme: Theme) -> dict[str, Any]:
    """Layout of an axis."""
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


def row_axis_layout(theme: Theme, rows: int) -> dict[str, Any]:
    """Layout of a vertical axis with `rows` named rows."""
    return {
        "gridcolor": theme.grid,
        "zeroline": False,
        "automargin": True,
        "range": [-0.5, rows - 0.5],
        "fixedrange": True,
        "ticklabelstandoff": 6,
    }


def hatching(colour: Colour) -> dict[str, Any]:
    """Fill pattern of bars of the static branch."""
    return {"shape": "/", "bgcolor": colour.css, "fgcolor": BLACK.with_opacity(0.75), "size": 6, "solidity": 0.3}


def signed(value: float) -> str:
    """A change with its sign, a true minus, and no negative zero.

    >>> signed(-1.5), signed(0.004), signed(-0.004)
    ('\u22121.50', '+0.00', '+0.00')
    """
    text = f"{value:+.2f}"
    if float(text) == 0:
        text = "+0.00"
    return text.replace("-", "\u2212")


def round_ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Round values from `low` to `high`, `most` or one more, with as many decimals as they need.

    >>> round_ticks(76.2, 81.1)
    [(77.0, '77'), (78.0, '78'), (79.0, '79'), (80.0, '80'), (81.0, '81')]
    >>> [text for _, text in round_ticks(7.7, 8.2, most=3)]
    ['7.8', '8.0', '8.2']
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    decimals = next(count for count in range(9) if abs(round(step, count) - step) < 1e-9)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(round(number * step, decimals), f"{number * step:.{decimals}f}") for number in range(first, last + 1)]


def percent_scale(low: float, high: float) -> Callable[[float], float]:
    """Function from values to percentages of the range from `low` to `high`."""
    return lambda value: 100 * (value - low) / (high - low)


def row_html(name: str, track: str, value: str, row_class: str = "") -> str:
    """One row of an HTML chart: name, marks on a track, number."""
    return (
        f'<div class="row {row_class}"><span class="name">{escape(name)}</span>'
        f'<span class="track">{track}</span><span class="value">{value}</span></div>'
    )


def axis_html(ticks: list[tuple[float, str]], scale: Callable[[float], float]) -> str:
    """Ticks of an HTML chart."""
    return "".join(f'<i class="tick" style="left:{scale(value):.2f}%"><b>{text}</b></i>' for value, text in ticks)
