"""A report as plotly figures for the app.

They keep to what plotly.js 3.3 draws (bars with patterns, lines, markers, shapes, annotations), have a clear
background, and no title: Gradio would give one a hundred pixels. Texts are short enough for a 390-pixel screen.
"""

from html import escape

import plotly.graph_objects as go

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase
from fineparser.rendering.figures import axis, empty_figure, look
from fineparser.rendering.palette import BLACK, DARK, EITHER, LIGHT, PHASE_COLOURS, SKY_BLUE, VERMILION, Theme
from fineparser.rendering.ticks import round_ticks
from fineparser.rendering.timeline import curves, parts, phase_spans
from fineparser.rendering.waterfall import points_per_award, waterfall_range, waterfall_steps

ROW = 34
"""Height of a row of bars, pixels."""

_TEXTS = tuple(
    f".js-plotly-plot .{part} text" for part in ("xtick", "x2tick", "ytick", "y2tick", "cbaxis", "annotation-text-g")
) + tuple(f".js-plotly-plot text.{part}" for part in ("xtitle", "x2title", "ytitle", "y2title", "legendtext"))
# A rule each: of a list of selectors Gradio keeps .dark on the first one only.
GRADIO_CSS = "".join(
    f"{text}{{fill:{LIGHT.text.css}!important}}.dark {text}{{fill:{DARK.text.css}!important}}" for text in _TEXTS
)
"""For a Gradio page: gives the figures' texts the contrast of the page's theme, which the server does not know."""


def waterfall(report: DiveReport, theme: Theme = EITHER) -> go.Figure:
    """From the exemplars' mean score step by step to the total: points below, awards above.

    Dynamic shares are plain, static ones hatched. Both ends are marks, not bars, since the axis does not begin at
    zero. Without a score the figure says so.
    """
    if report.breakdown is None:
        return empty_figure("No score: give the dive number and the height.", theme)
    steps, scale = waterfall_steps(report), points_per_award(report)
    total = report.total
    first, last = "exemplars", "<b>this dive</b>"
    rows = [first, *(step.label for step in steps), last]
    figure = go.Figure()
    for step in steps:
        colour = PHASE_COLOURS[step.phase] if step.phase is not None else EITHER.text
        hatch = {"shape": "/", "bgcolor": colour.css, "fgcolor": BLACK.faded(0.75), "size": 6, "solidity": 0.3}
        figure.add_bar(
            y=[step.label],
            x=[step.change],
            base=[step.start],
            orientation="h",
            marker={
                "color": colour.css,
                "line": {"width": 1, "color": theme.text.css},
                "pattern": hatch if step.branch == "static" else {},
            },
            hovertemplate=f"<b>{step.label}</b><br>{step.change:+.2f} points<br>"
            f"{step.change / scale:+.3f} awards<br>{step.start:.2f} to {step.end:.2f}<extra></extra>",
        )
    figure.add_scatter(
        y=[first, last],
        x=[report.breakdown.base, total.value],
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
            [report.breakdown.base / scale, "mean of the exemplars, at this dive's difficulty"],
            [total.value / scale, f"{total.low:.2f} to {total.high:.2f} points"],
        ],
        hovertemplate="<b>%{y}</b><br>%{x:.2f} points<br>mean award %{customdata[0]:.2f}"
        "<br>%{customdata[1]}<extra></extra>",
    )
    # The awards' scale is shown only if something is drawn on it.
    figure.add_scatter(y=[last], x=[total.value / scale], xaxis="x2", mode="markers", opacity=0, hoverinfo="skip")
    low, high = waterfall_range(report)
    awards = round_ticks(low / scale, high / scale, most=4)
    # Figures stand at the right edge, clear of bars that go either way.
    written = [report.breakdown.base, *(step.change for step in steps), total.value]
    for place, (row, value) in enumerate(zip(rows, written, strict=True)):
        at_end = place in (0, len(rows) - 1)
        text = f"<b>{value:.2f}</b>" if at_end else f"{value:+.2f}".replace("-", "\u2212")
        figure.add_annotation(
            x=1.01, xref="paper", y=row, text=text, showarrow=False, xanchor="left", font={"color": theme.text.css}
        )
    ends = [step.start for step in steps] + [total.value]
    for place, x in enumerate(ends):
        figure.add_shape(
            type="line",
            x0=x,
            x1=x,
            y0=place,
            y1=place + 1,
            line={"width": 1, "color": theme.muted.css, "dash": "dot"},
            layer="below",
        )
    figure.update_layout(
        **look(theme, 70 + ROW * len(rows)),
        margin={"l": 8, "r": 56, "t": 44, "b": 44},
        showlegend=False,
        bargap=0.3,
        xaxis={"range": [low, high], "title": "points", **axis(theme)},
        xaxis2={
            "range": [low / scale, high / scale],
            "overlaying": "x",
            "side": "top",
            "title": "mean award",
            **axis(theme) | {"showgrid": False, "nticks": None},
            "tickmode": "array",
            "tickvals": [value for value, _ in awards],
            "ticktext": [text for _, text in awards],
        },
        yaxis={
            "categoryorder": "array",
            "categoryarray": rows,
            "range": [len(rows) - 0.5, -0.5],
            "automargin": True,
            "fixedrange": True,
            "ticklabelstandoff": 6,
        },
    )
    return figure


def votes(report: DiveReport, theme: Theme = EITHER) -> go.Figure:
    """What each exemplar says: a line from its own score, at this dive's difficulty, to its vote; the total's
    interval behind. The exemplar that is shown beside the dive is a diamond. A point's `customdata[0]` is its id."""
    if report.total is None:
        return empty_figure("No votes: give the dive number and the height.", theme)
    ballot = sorted(report.votes, key=lambda vote: vote.score)
    names = [escape(_short(vote.exemplar)) for vote in ballot]
    rows = list(range(len(ballot)))
    figure = go.Figure()
    total = report.total
    figure.add_shape(
        type="rect",
        x0=total.low,
        x1=total.high,
        y0=-0.5,
        y1=len(ballot) - 0.5,
        fillcolor=VERMILION.faded(0.16),
        line_width=0,
        layer="below",
    )
    figure.add_shape(
        type="line",
        x0=total.value,
        x1=total.value,
        y0=-0.5,
        y1=len(ballot) - 0.5,
        line={"color": VERMILION.css, "width": 2},
        layer="below",
    )
    starts = [vote.score - float(vote.contributions.sum()) for vote in ballot]
    lines_x = [x for vote, start in zip(ballot, starts, strict=True) for x in (start, vote.score, None)]
    lines_y = [y for row in rows for y in (row, row, None)]
    figure.add_scatter(
        x=lines_x, y=lines_y, mode="lines", line={"color": theme.muted.css, "width": 2}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    told = [
        [
            vote.exemplar,
            escape(vote.exemplar),
            f"{vote.code}, {vote.height:g} m, difficulty {vote.difficulty:g}",
            f"{vote.exemplar_score:.2f}",
            f"{vote.contributions.sum():+.2f}",
            escape(f"{vote.source}; {vote.reason}"),
        ]
        for vote in ballot
    ]
    hover = (
        "<b>%{customdata[1]}</b><br>%{customdata[2]}<br>its score %{customdata[3]}<br>"
        "difference %{customdata[4]}<br>VOTE<br>%{customdata[5]}<extra></extra>"
    )
    figure.add_scatter(
        x=starts,
        y=rows,
        mode="markers",
        name="exemplar's score",
        marker={"symbol": "circle-open", "size": 9, "color": theme.muted.css, "line": {"width": 2}},
        customdata=told,
        hovertemplate=hover.replace("VOTE", "at this difficulty %{x:.2f}"),
    )
    figure.add_scatter(
        x=[vote.score for vote in ballot],
        y=rows,
        mode="markers",
        name="its vote",
        marker={
            "symbol": ["diamond" if vote.exemplar == report.exemplar else "circle" for vote in ballot],
            "size": [14 if vote.exemplar == report.exemplar else 10 for vote in ballot],
            "color": SKY_BLUE.css,
            "line": {"width": 1, "color": theme.text.css},
        },
        customdata=told,
        hovertemplate=hover.replace("VOTE", "vote %{x:.2f}"),
    )
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        name="80% range of the score",
        marker={"symbol": "square", "size": 12, "color": VERMILION.faded(0.35)},
    )
    figure.update_layout(
        **look(theme, 96 + 26 * len(rows)),
        margin={"l": 8, "r": 16, "t": 8, "b": 76},
        legend={"orientation": "h", "x": 0, "y": -60 / (12 + 26 * len(rows)), "yanchor": "top", "xanchor": "left"},
        xaxis={"title": "points", **axis(theme)},
        yaxis={
            "tickvals": rows,
            "ticktext": names,
            "gridcolor": theme.grid,
            "zeroline": False,
            "automargin": True,
            "range": [-0.5, len(rows) - 0.5],
            "fixedrange": True,
            "ticklabelstandoff": 6,
        },
    )
    return figure


def timeline(report: DiveReport, theme: Theme = EITHER) -> go.Figure:
    """The phases as coloured bands, the switches as lines, the probability that each switch happens, and the names
    of the dive's sub-actions. The x axis is in seconds of the clip, and points tell their frame number."""
    spans, found = phase_spans(report), curves(report)
    figure = go.Figure()
    # Black whatever the theme, as it stands on the bands; a narrow band has no room for its name.
    wide = [span for span in spans if span.end - span.start > 0.16 * (spans[-1].end - spans[0].start)]
    figure.add_scatter(
        x=[(span.start + span.end) / 2 for span in wide],
        y=[1.12] * len(wide),
        text=[span.phase.label for span in wide],
        mode="text",
        textfont={"color": BLACK.css, "size": 13},
        hoverinfo="skip",
        showlegend=False,
    )
    for span in spans:
        colour = PHASE_COLOURS[span.phase]
        for y0, y1, opacity in ((0, 1, 0.16), (1.04, 1.2, 1)):
            figure.add_shape(
                type="rect", x0=span.start, x1=span.end, y0=y0, y1=y1, yref="y", line_width=0, layer="below",
                fillcolor=colour.faded(opacity),
            )  # fmt: skip
    for moment in (report.flight, report.entry):
        figure.add_shape(
            type="line", x0=moment.seconds, x1=moment.seconds, y0=0, y1=1.2, line={"color": theme.text.css, "width": 2}
        )
    for phase, values, dash in ((Phase.FLIGHT, found.flight, "solid"), (Phase.ENTRY, found.entry, "dash")):
        figure.add_scatter(
            x=found.seconds,
            y=values,
            mode="lines",
            name=f"{phase.label} begins",
            line={"color": theme.text.css, "width": 2, "dash": dash},
            customdata=found.frames[:, None],
            hovertemplate=f"{phase.label} begins: %{{y:.2f}}<br>frame %{{customdata[0]}}, %{{x:.2f}} s<extra></extra>",
        )
    lines = _in_lines(
        [
            (f'<span style="color:{PHASE_COLOURS[phase].css}">\u25a0</span> {name}', name)
            for name, phase in parts(report)
        ]
    )
    figure.add_annotation(
        text="<br>".join(lines),
        align="left",
        x=0,
        xref="paper",
        xanchor="left",
        y=1.04,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        font={"color": theme.text.css, "size": 12},
    )
    figure.update_layout(
        **look(theme, 244 + 17 * len(lines)),
        margin={"l": 8, "r": 12, "t": 17 + 17 * len(lines), "b": 72},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": -0.32, "yanchor": "top", "xanchor": "left"},
        xaxis={"title": "seconds", "range": [spans[0].start, spans[-1].end], **axis(theme)},
        yaxis={
            "range": [0, 1.22],
            "tickvals": [0, 0.5, 1],
            "gridcolor": theme.grid,
            "zeroline": False,
            "automargin": True,
            "fixedrange": True,
        },
    )
    return figure


def _in_lines(parts: list[tuple[str, str]], longest: int = 34) -> list[str]:
    """Marked-up names, each given with its plain form, in lines that a phone has room for."""
    lines, length = [], longest
    for marked, plain in parts:
        if length + len(plain) + 3 > longest:
            lines, length = [*lines, []], 0
        lines[-1].append(marked)
        length += len(plain) + 3
    return ["  ".join(line) for line in lines]


def _short(name: str, length: int = 16) -> str:
    """A name cut in its middle so that charts keep room for what they show."""
    return name if len(name) <= length else f"{name[: length // 2 - 1]}\u2026{name[-length // 2 :]}"
