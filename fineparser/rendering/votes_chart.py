"""The votes: each exemplar's score, and the score that it gives the dive.

`votes_figure` is the Plotly figure of the app, `votes_html` the chart of the report page.
"""

from html import escape

import plotly.graph_objects as go

from fineparser.analysis.report import DiveReport
from fineparser.exemplars.voting_result import ScoreEstimate, Vote
from fineparser.rendering.chart_style import (
    axis_html,
    axis_layout,
    empty_figure,
    figure_layout,
    percent_scale,
    round_ticks,
    row_axis_layout,
    row_html,
)
from fineparser.rendering.messages import vote_reason
from fineparser.rendering.palette import NEUTRAL, SKY_BLUE, VERMILION, Theme

HOVER = (
    "<b>%{customdata[1]}</b><br>%{customdata[2]}<br>its score %{customdata[3]}<br>"
    "difference %{customdata[4]}<br>VOTE<br>%{customdata[5]}<extra></extra>"
)


def votes_figure(report: DiveReport, theme: Theme = NEUTRAL) -> go.Figure:
    """A line for each exemplar from its score, at this dive's difficulty, to its vote, over the total's interval.

    The exemplar beside the dive is a diamond. A point's `customdata[0]` is the id of its exemplar. Exemplars of a
    report with a judgement do not vote: a sentence instead.
    """
    if report.judgement is not None:
        return empty_figure("The score comes from the measurements: exemplars do not vote.", theme)
    if report.total is None:
        return empty_figure("No votes: give the dive number and the height.", theme)
    votes = sorted(report.votes, key=vote_points)
    figure = go.Figure()
    _add_total(figure, report.total, len(votes))
    _add_lines(figure, votes, theme)
    _add_scores(figure, votes, report, theme)
    _add_votes(figure, votes, report, theme)
    # The interval is a shape, which has no legend of its own.
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        name="80% range of the score",
        marker={"symbol": "square", "size": 12, "color": VERMILION.with_opacity(0.35)},
    )
    figure.update_layout(
        **figure_layout(theme, 96 + 26 * len(votes)),
        margin={"l": 8, "r": 16, "t": 8, "b": 76},
        legend={"orientation": "h", "x": 0, "y": -60 / (12 + 26 * len(votes)), "yanchor": "top", "xanchor": "left"},
        xaxis={"title": "points", **axis_layout(theme)},
        yaxis=row_axis_layout(theme, len(votes))
        | {
            "tickvals": list(range(len(votes))),
            "ticktext": [escape(_shortened(vote.exemplar)) for vote in votes],
        },
    )
    return figure


def vote_points(vote: Vote) -> float:
    """Points of a vote."""
    assert vote.score is not None  # exemplars vote wherever votes are shown
    return vote.score


def vote_difference(vote: Vote) -> float:
    """Points by which a vote differs from the exemplar's score at this dive's difficulty."""
    assert vote.contributions is not None
    return float(vote.contributions.sum())


def _start(vote: Vote) -> float:
    """The exemplar's score at this dive's difficulty."""
    return vote_points(vote) - vote_difference(vote)


def _add_total(figure: go.Figure, total: ScoreEstimate, rows: int) -> None:
    """The total and its interval, behind the votes."""
    ends = {"y0": -0.5, "y1": rows - 0.5, "layer": "below"}
    figure.add_shape(
        type="rect", x0=total.low, x1=total.high, fillcolor=VERMILION.with_opacity(0.16), line_width=0, **ends
    )
    line = {"color": VERMILION.css, "width": 2}
    figure.add_shape(type="line", x0=total.value, x1=total.value, line=line, **ends)


def _add_lines(figure: go.Figure, votes: list[Vote], theme: Theme) -> None:
    figure.add_scatter(
        x=[x for vote in votes for x in (_start(vote), vote_points(vote), None)],
        y=[y for row in range(len(votes)) for y in (row, row, None)],
        mode="lines",
        line={"color": theme.muted.css, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )


def _hover_data(votes: list[Vote], report: DiveReport) -> list[list[str]]:
    """Data of the points; texts that Plotly puts on the page are escaped."""
    return [
        [
            vote.exemplar,
            escape(vote.exemplar),
            f"{vote.code}, {vote.height:g} m, difficulty {vote.difficulty:g}",
            f"{vote.exemplar_score:.2f}",
            f"{vote_difference(vote):+.2f}",
            escape(f"{vote.source}; {vote_reason(vote, report)}"),
        ]
        for vote in votes
    ]


def _add_scores(figure: go.Figure, votes: list[Vote], report: DiveReport, theme: Theme) -> None:
    figure.add_scatter(
        x=[_start(vote) for vote in votes],
        y=list(range(len(votes))),
        mode="markers",
        name="exemplar's score",
        marker={"symbol": "circle-open", "size": 9, "color": theme.muted.css, "line": {"width": 2}},
        customdata=_hover_data(votes, report),
        hovertemplate=HOVER.replace("VOTE", "at this difficulty %{x:.2f}"),
    )


def _add_votes(figure: go.Figure, votes: list[Vote], report: DiveReport, theme: Theme) -> None:
    figure.add_scatter(
        x=[vote_points(vote) for vote in votes],
        y=list(range(len(votes))),
        mode="markers",
        name="its vote",
        marker={
            "symbol": ["diamond" if vote.exemplar == report.exemplar else "circle" for vote in votes],
            "size": [14 if vote.exemplar == report.exemplar else 10 for vote in votes],
            "color": SKY_BLUE.css,
            "line": {"width": 1, "color": theme.text.css},
        },
        customdata=_hover_data(votes, report),
        hovertemplate=HOVER.replace("VOTE", "vote %{x:.2f}"),
    )


def votes_html(report: DiveReport) -> str:
    """The votes as HTML, the highest on top, over the total's interval; empty without votes."""
    total = report.total
    if total is None or report.judgement is not None:
        return ""
    values = [value for vote in report.votes for value in (_start(vote), vote_points(vote))] + [total.low, total.high]
    margin = max(0.05 * (max(values) - min(values)), 0.5)
    low, high = min(values) - margin, max(values) + margin
    at = percent_scale(low, high)
    interval = (
        f'<i class="interval" style="left:{at(total.low):.2f}%;width:{at(total.high) - at(total.low):.2f}%"></i>'
        f'<i class="middle" style="left:{at(total.value):.2f}%"></i>'
    )
    rows = []
    for vote in sorted(report.votes, key=vote_points, reverse=True):
        left, right = sorted((at(_start(vote)), at(vote_points(vote))))
        marks = (
            f'{interval}<i class="stem" style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
            f'<i class="dot open" style="left:{at(_start(vote)):.2f}%"></i>'
            f'<i class="dot" style="left:{at(vote_points(vote)):.2f}%"></i>'
        )
        row_class = "chosen" if vote.exemplar == report.exemplar else ""
        rows.append(row_html(vote.exemplar, marks, f"{vote_points(vote):.2f}", row_class))
    rows.append(row_html("points", axis_html(round_ticks(low, high), at), "", "axis"))
    key = (
        '<p class="key"><i class="dot open"></i> exemplar\u2019s score '
        '<i class="dot"></i> its vote <i class="interval"></i> 80% range of the score</p>'
    )
    return f'<div class="votes chart">{"".join(rows)}</div>{key}'


def _shortened(name: str, length: int = 16) -> str:
    """A name shortened in its middle, so that charts keep room for their data."""
    return name if len(name) <= length else f"{name[: length // 2 - 1]}\u2026{name[-length // 2 :]}"
