"""The timeline: phases, transition probabilities and sub-actions over the time of the clip.

`timeline_figure` is the Plotly figure of the app, `timeline_html` the chart of the report page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go

from fineparser.analysis.report import DiveReport, Transition
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Phase, sub_action_name, sub_action_phase
from fineparser.rendering.chart_style import axis_html, axis_layout, figure_layout, percent_scale, round_ticks
from fineparser.rendering.palette import BLACK, NEUTRAL, PHASE_COLOURS, Theme

CURVE_HEIGHT = 100
"""Height of the curves' SVG in its own units; the page stretches it."""

BAND_SHARE = 0.16
"""Share of the time below which a phase has no room for its name."""

LINE_LENGTH = 34
"""Letters of sub-actions in a line, for a phone's screen."""


@dataclass(frozen=True)
class PhaseSpan:
    """A phase in time; empty if start and end are equal."""

    phase: Phase
    start: float
    """Seconds from the source's first frame."""
    end: float
    first: int
    """Source frame number of its first frame."""
    last: int
    """Source frame number of its last frame."""


@dataclass(frozen=True)
class TransitionCurves:
    """Transition probabilities by frame."""

    frames: np.ndarray
    """[n] source frame numbers, each once."""
    seconds: np.ndarray
    """[n] their times."""
    flight: np.ndarray
    """[n] probability that the flight begins."""
    entry: np.ndarray
    """[n] probability that the entry begins."""

    @classmethod
    def from_report(cls, report: DiveReport) -> "TransitionCurves":
        """Curves of a report. A short clip repeats frames; of those the highest probability is kept."""
        frames, starts = np.unique(report.frame_numbers, return_index=True)
        highest = np.maximum.reduceat(report.transition_probabilities, starts, axis=0)
        seconds = np.array([report.info.seconds(int(number)) for number in frames])
        return cls(frames, seconds, highest[:, 0], highest[:, 1])


def phase_spans(report: DiveReport) -> list[PhaseSpan]:
    """The phases that the clip shows; the last one ends with the last analysed frame."""
    phases = report.visible_phases
    starts = {Phase.TAKE_OFF: report.first_frame, Phase.FLIGHT: report.flight.frame, Phase.ENTRY: report.entry.frame}
    edges = [report.first_frame, *(starts[phase] for phase in phases[1:]), report.last_frame]
    times = [report.info.seconds(number) for number in edges]
    return [
        PhaseSpan(phase, times[index], times[index + 1], edges[index], edges[index + 1] - (phase is not phases[-1]))
        for index, phase in enumerate(phases)
    ]


def visible_transitions(report: DiveReport) -> list[tuple[Phase, Transition]]:
    """The transitions that the clip shows, each with the phase that begins there."""
    transitions = ((Phase.FLIGHT, report.flight), (Phase.ENTRY, report.entry))
    return [(phase, one) for phase, one in transitions if {phase, Phase(phase - 1)} <= set(report.visible_phases)]


def transition_rows(report: DiveReport) -> list[list[str]]:
    """Table of the transitions: the names of the columns, then frame, time and confidence of each."""
    transitions = dict(visible_transitions(report))
    rows = [["", "Frame", "Time", "Confidence"]]
    for phase in (Phase.FLIGHT, Phase.ENTRY):
        name = f"{phase.label.capitalize()} begins"
        if (one := transitions.get(phase)) is None:
            rows.append([name, "", "not seen", ""])
        else:
            rows.append([name, str(one.frame), f"{one.seconds:.2f} s", f"{one.confidence:.0%}"])
    return rows


def sub_actions(report: DiveReport) -> list[tuple[str, Phase]]:
    """FineDiving's names of the dive's sub-actions in order, each with its phase; without a dive number the phases.

    Those of phases that the clip does not show are left out.
    """
    if report.dive_code is None:
        return [(phase.label, phase) for phase in report.visible_phases]
    names = DiveCode.parse(report.dive_code).sub_actions()
    actions = [(sub_action_name(sub_action), sub_action_phase(sub_action)) for sub_action in names]
    return [(name, phase) for name, phase in actions if phase in report.visible_phases]


def timeline_figure(report: DiveReport, theme: Theme = NEUTRAL) -> go.Figure:
    """Phases as coloured bands, transitions as lines with their probabilities, and the names of the sub-actions.

    The x axis is in seconds of the clip; points show their frame number.
    """
    spans = phase_spans(report)
    figure = go.Figure()
    _add_bands(figure, spans)
    for _, transition in visible_transitions(report):
        x, line = transition.seconds, {"color": theme.text.css, "width": 2}
        figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=1.2, line=line)
    _add_curves(figure, TransitionCurves.from_report(report), theme)
    lines = _sub_action_lines(report)
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
        **figure_layout(theme, 244 + 17 * len(lines)),
        margin={"l": 8, "r": 12, "t": 17 + 17 * len(lines), "b": 72},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": -0.32, "yanchor": "top", "xanchor": "left"},
        xaxis={"title": "seconds", "range": [spans[0].start, spans[-1].end], **axis_layout(theme)},
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


def _add_bands(figure: go.Figure, spans: list[PhaseSpan]) -> None:
    """A band for each phase, with its name where there is room."""
    wide = [span for span in spans if span.end - span.start > BAND_SHARE * (spans[-1].end - spans[0].start)]
    # Black in every theme, since it stands on the bands.
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
                fillcolor=colour.with_opacity(opacity),
            )  # fmt: skip


def _add_curves(figure: go.Figure, curves: TransitionCurves, theme: Theme) -> None:
    for phase, values, dash in ((Phase.FLIGHT, curves.flight, "solid"), (Phase.ENTRY, curves.entry, "dash")):
        figure.add_scatter(
            x=curves.seconds,
            y=values,
            mode="lines",
            name=f"{phase.label} begins",
            line={"color": theme.text.css, "width": 2, "dash": dash},
            customdata=curves.frames[:, None],
            hovertemplate=f"{phase.label} begins: %{{y:.2f}}<br>frame %{{customdata[0]}}, %{{x:.2f}} s<extra></extra>",
        )


def _sub_action_lines(report: DiveReport) -> list[str]:
    """Names of the sub-actions, marked with the colours of their phases, in lines for a phone's screen."""
    lines: list[list[str]] = []
    length = LINE_LENGTH
    for name, phase in sub_actions(report):
        if length + len(name) + 3 > LINE_LENGTH:
            lines, length = [*lines, []], 0
        lines[-1].append(f'<span style="color:{PHASE_COLOURS[phase].css}">\u25a0</span> {name}')
        length += len(name) + 3
    return ["  ".join(line) for line in lines]


def timeline_html(report: DiveReport) -> str:
    """The timeline as HTML and inline SVG."""
    spans, curves = phase_spans(report), TransitionCurves.from_report(report)
    start, end = spans[0].start, max(spans[-1].end, spans[0].start + 1e-6)
    at = percent_scale(start, end)
    bands = "".join(
        f'<i class="p{int(span.phase)}" style="left:{at(span.start):.2f}%;width:{at(span.end) - at(span.start):.2f}%">'
        f"<b>{span.phase.label}</b></i>"
        for span in spans
    )
    transitions = "".join(
        f'<i class="transition" style="left:{at(transition.seconds):.2f}%"></i>'
        for _, transition in visible_transitions(report)
    )
    lines = "".join(
        f'<polyline class="{name}" points="{_polyline(curves.seconds, values, at)}"/>'
        for name, values in (("flight", curves.flight), ("entry", curves.entry))
    )
    axis = axis_html([(value, f"{text} s") for value, text in round_ticks(start, end)], at)
    names = "".join(f'<li class="p{int(phase)}">{escape(name)}</li>' for name, phase in sub_actions(report))
    return (
        f'<ol class="parts">{names}</ol>'
        + f'<div class="timeline"><div class="bands">{bands}</div>'
        + f'<div class="curves">{bands}<svg viewBox="0 0 1000 {CURVE_HEIGHT}" preserveAspectRatio="none" role="img" '
        + f'aria-label="probability that each phase begins">{lines}</svg>{transitions}</div>'
        + f'<div class="track">{axis}</div></div>'
        + '<p class="key"><svg class="swatch" viewBox="0 0 30 6"><path class="flight" d="M0 3H30"/></svg> probability '
        + 'that the flight begins <svg class="swatch" viewBox="0 0 30 6"><path class="entry" d="M0 3H30"/></svg> that '
        + "the entry begins</p>"
    )


def _polyline(seconds: np.ndarray, values: np.ndarray, at: Callable[[float], float]) -> str:
    x = [10 * at(float(second)) for second in seconds]
    y = CURVE_HEIGHT * (1 - np.clip(values, 0, 1))
    return " ".join(f"{one:.1f},{other:.2f}" for one, other in zip(x, y, strict=True))
