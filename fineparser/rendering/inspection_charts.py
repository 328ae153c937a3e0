"""An inspection as plotly figures; what `charts` says of its figures holds for these, too."""

import numpy as np
import plotly.graph_objects as go

from fineparser.analysis.inspection import Inspection
from fineparser.domain.phases import Phase
from fineparser.rendering.figures import axis, empty_figure, look
from fineparser.rendering.palette import BLACK, EITHER, HEAT, ORANGE, PHASE_COLOURS, SKY_BLUE, WHITE, Theme

HEAT_SCALE = [[place / (len(HEAT) - 1), colour.css] for place, colour in enumerate(HEAT)]
BRANCHES = ("dynamic", "static")
NO_EXEMPLAR = "No exemplar beside this dive: give its number and height."
DASHES = {Phase.FLIGHT: "solid", Phase.ENTRY: "dash"}


def transitions(inspection: Inspection, theme: Theme = EITHER) -> go.Figure:
    """Both columns of the transition probabilities over the 96 frames, what either rule reads from them, and the
    labelled switches where they are known. Above, the halves in which the paper's rule looks."""
    count = len(inspection.frames)
    frames = np.arange(count)
    figure = go.Figure()
    halves = ((Phase.FLIGHT, -0.5, count / 2 - 0.5), (Phase.ENTRY, count / 2 - 0.5, count - 0.5))
    for phase, x0, x1 in halves:
        figure.add_shape(
            type="rect", x0=x0, x1=x1, y0=1.06, y1=1.2, line_width=0, layer="below",
            fillcolor=PHASE_COLOURS[phase].css,
        )  # fmt: skip
        # Black whatever the theme, as it stands on a colour; the page recolours annotations.
        figure.add_scatter(
            x=[(x0 + x1) / 2], y=[1.13], text=[f"windowed: {phase.label}"], mode="text", hoverinfo="skip",
            textfont={"color": BLACK.css, "size": 13}, showlegend=False,
        )  # fmt: skip
    for column, phase in enumerate((Phase.FLIGHT, Phase.ENTRY)):
        figure.add_scatter(
            x=frames,
            y=inspection.transition_probabilities[:, column],
            mode="lines",
            name=f"{phase.label} begins",
            line={"color": PHASE_COLOURS[phase].css, "width": 2, "dash": DASHES[phase]},
            customdata=inspection.frame_numbers[:, None],
            hovertemplate=f"{phase.label} begins: %{{y:.3f}}<br>sample %{{x}}, frame %{{customdata[0]}}<extra></extra>",
        )
    for rule, found, symbol, size in (
        ("windowed", inspection.windowed, "square-open", 15),
        ("ordered", inspection.ordered, "diamond", 9),
    ):
        counts = " (counts)" if rule == inspection.rule else ""
        figure.add_scatter(
            x=list(found),
            y=[float(inspection.transition_probabilities[frame, column]) for column, frame in enumerate(found)],
            mode="markers",
            name=f"{rule}{counts}",
            marker={"symbol": symbol, "size": size, "color": theme.text.css, "line": {"width": 2}},
            hovertemplate=f"{rule} rule: sample %{{x}}, probability %{{y:.3f}}<extra></extra>",
        )
    labels = inspection.labels
    if labels is not None and labels.transitions is not None:
        for frame in labels.transitions.tolist():
            figure.add_shape(
                type="line",
                x0=frame,
                x1=frame,
                y0=0,
                y1=1.04,
                line={"color": theme.text.css, "width": 2, "dash": "dot"},
            )
        figure.add_scatter(
            x=labels.transitions,
            y=[1.03, 1.03],
            mode="markers",
            name="labelled",
            marker={"symbol": "triangle-down", "size": 12, "color": theme.text.css},
            hovertemplate="labelled: sample %{x}<extra></extra>",
        )
    figure.update_layout(**_over_frames(theme, inspection, 360, 140, [0, 1.22]))
    return figure


def mask_agreement(inspection: Inspection, theme: Theme = EITHER) -> go.Figure:
    """How far windows agree on the frames that two of them see and, with labels, how right the fused mask is."""
    frames = np.arange(len(inspection.frames))
    figure = go.Figure()
    right = inspection.mask_iou_by_frame
    if right is not None:
        figure.add_scatter(
            x=frames,
            y=[None if np.isnan(value) else float(value) for value in right],
            mode="lines",
            name="IoU with the labelled mask",
            line={"color": ORANGE.css, "width": 2},
            hovertemplate="sample %{x}: IoU %{y:.2f} with the label<extra></extra>",
        )
    agree = inspection.overlap_iou
    twice = np.flatnonzero(~np.isnan(agree))
    figure.add_bar(
        x=twice,
        y=agree[twice],
        name="IoU between windows",
        # That two windows agree on nothing at all is no great success.
        marker={"color": [SKY_BLUE.faded(1 if inspection.is_found(frame) else 0.3) for frame in twice]},
        customdata=[
            [
                " and ".join(str(one + 1) for one in inspection.windows_by_frame[frame]),
                f"agree on {agree[frame]:.2f}" if inspection.is_found(frame) else "find no diver",
            ]
            for frame in twice
        ],
        hovertemplate="sample %{x}: windows %{customdata[0]} %{customdata[1]}<extra></extra>",
    )
    figure.update_layout(**_over_frames(theme, inspection, 310, 90, [0, 1.04]), bargap=0.1)
    return figure


def similarity(inspection: Inspection, theme: Theme = EITHER) -> go.Figure:
    """Cosine of each of the dive's dynamic features with each of the exemplar's."""
    if inspection.pairing is None:
        return empty_figure(NO_EXEMPLAR, theme)
    values = inspection.pairing.similarity
    groups = inspection.feature_groups
    labels, sizes = zip(*groups, strict=True)
    names = [f"{label} {row + 1}" if rows > 1 else label for label, rows in groups for row in range(rows)]
    low, high = float(values.min()), float(values.max())
    figure = go.Figure(
        _heatmap(
            values,
            low,
            high,
            hovertemplate="dive %{customdata[0]}, exemplar %{customdata[1]}: %{z:.3f}<extra></extra>",
            customdata=[[[one, other] for other in names] for one in names],
        )
    )
    # Black or white, whichever stands out from the cell.
    is_light = (values - low) / max(high - low, 1e-6) > 0.5
    for ground, colour in ((is_light, BLACK), (~is_light, WHITE)):
        rows, columns = np.nonzero(ground)
        figure.add_scatter(
            x=columns, y=rows, text=[_short(value) for value in values[ground]], mode="text", hoverinfo="skip",
            textfont={"color": colour.css, "size": 10 if len(names) < 12 else 8}, showlegend=False,
        )  # fmt: skip
    # Tokens by their phase: twelve names would not fit beside each other.
    ends = np.cumsum(sizes)
    marks = {"tickvals": ends - (np.array(sizes) + 1) / 2, "ticktext": labels, "showgrid": False}
    for border in ends[:-1] - 0.5 if max(sizes) > 1 else ():
        figure.add_vline(border, line={"color": WHITE.css, "width": 3})
        figure.add_hline(border, line={"color": WHITE.css, "width": 3})
    figure.update_layout(
        **look(theme, 400),
        margin={"l": 8, "r": 8, "t": 8, "b": 44},
        xaxis=axis(theme) | marks | {"title": "exemplar"},
        yaxis=axis(theme) | marks | {"title": "dive", "autorange": "reversed"},
    )
    return figure


def attention(
    inspection: Inspection,
    phase: int,
    branch: str = "dynamic",
    layer: int = 0,
    head: int | None = None,
    theme: Theme = EITHER,
) -> go.Figure:
    """What each token of the dive takes from each of the exemplar's, in one phase.

    Args:
        phase: 0 to 2; a network that does not cut has one phase, and the others say so.
        branch: "dynamic" or "static".
        layer: of the decoder, 0 first.
        head: None for the mean of all heads.
    """
    if inspection.pairing is None:
        return empty_figure(NO_EXEMPLAR, theme)
    branches = dict(zip(BRANCHES, inspection.pairing.attention, strict=False))
    if branch not in branches:
        return empty_figure(f"These weights have no {branch} branch.", theme)
    weights = branches[branch]
    if phase >= len(weights):
        return empty_figure("These weights do not cut the clip into phases.", theme)
    shown = weights[:, layer].mean(axis=1) if head is None else weights[:, layer, head]
    tokens = list(range(1, shown.shape[-1] + 1))
    figure = go.Figure(
        _heatmap(
            shown[phase],
            0.0,
            float(shown.max()),
            x=tokens,
            y=tokens,
            hovertemplate="token %{y} takes %{z:.3f} from %{x}<extra></extra>",
        )
    )
    name = Phase(phase).label if len(weights) == len(Phase) else "whole clip"
    marks = {"dtick": 1 if len(tokens) < 8 else 2, "nticks": None, "showgrid": False}
    figure.update_layout(
        **look(theme, 330),
        margin={"l": 8, "r": 8, "t": 8, "b": 44},
        xaxis=axis(theme) | marks | {"title": f"{name}: exemplar's tokens"},
        yaxis=axis(theme) | marks | {"title": "dive's tokens", "autorange": "reversed"},
    )
    return figure


def tokens(inspection: Inspection, theme: Theme = EITHER) -> go.Figure:
    """The difference in points that each token sees: dynamic above, static below, phase by phase; lines are means."""
    if inspection.pairing is None:
        return empty_figure(NO_EXEMPLAR, theme)
    figure = go.Figure()
    branches = inspection.pairing.tokens
    for row, values in enumerate(branches):
        count = values.shape[1]
        x_axis, y_axis = ("x", "y") if row == 0 else ("x2", "y2")
        for phase, deltas in enumerate(values):
            colour = PHASE_COLOURS[Phase(phase)] if len(values) == len(Phase) else SKY_BLUE
            label = Phase(phase).label if len(values) == len(Phase) else "whole clip"
            places = [phase * (count + 1) + token for token in range(count)]
            hatch = {"shape": "/", "bgcolor": colour.css, "fgcolor": BLACK.faded(0.75), "size": 6, "solidity": 0.3}
            figure.add_bar(
                x=places,
                y=deltas,
                xaxis=x_axis,
                yaxis=y_axis,
                name=label,
                showlegend=row == 0,
                marker={"color": colour.css, "pattern": hatch if row else {}},
                customdata=[[token + 1] for token in range(count)],
                hovertemplate=f"{label}, {BRANCHES[row]}, token %{{customdata[0]}}: %{{y:+.2f}}<extra></extra>",
            )
            mean = float(deltas.mean())
            figure.add_shape(
                type="line", x0=places[0] - 0.5, x1=places[-1] + 0.5, y0=mean, y1=mean, xref=x_axis, yref=y_axis,
                line={"color": theme.text.css, "width": 2},
            )  # fmt: skip
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}
    both = len(branches) > 1
    figure.update_layout(
        **look(theme, 420 if both else 260),
        margin={"l": 8, "r": 8, "t": 8, "b": 44},
        legend={"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top", "xanchor": "left"},
        bargap=0.12,
        xaxis=hidden | {"anchor": "y"},
        yaxis=_points(theme, "dynamic", [0.55, 1] if both else [0, 1]),
        **(
            {"xaxis2": hidden | {"anchor": "y2"}, "yaxis2": _points(theme, "static", [0.02, 0.47]) | {"anchor": "x2"}}
            if both
            else {}
        ),
    )
    return figure


def _heatmap(values: np.ndarray, low: float, high: float, **more: object) -> go.Heatmap:
    return go.Heatmap(
        z=values,
        zmin=low,
        zmax=high,
        colorscale=HEAT_SCALE,
        xgap=1,
        ygap=1,
        colorbar={"thickness": 12, "outlinewidth": 0, "nticks": 5},
        **more,
    )


def _points(theme: Theme, branch: str, domain: list[float]) -> dict:
    return axis(theme) | {
        "title": f"points, {branch}",
        "domain": domain,
        "zeroline": True,
        "zerolinecolor": theme.muted.css,
        "nticks": 5,
    }


def _over_frames(theme: Theme, inspection: Inspection, height: int, below: int, high: list[float]) -> dict:
    """The layout of a figure over the 96 frames, with so many pixels below for axis and legend."""
    return {
        **look(theme, height),
        "margin": {"l": 8, "r": 12, "t": 8, "b": below},
        "hovermode": "closest",
        # Tied to the figure's own foot: tied to the plot, it would push the plot up for good on a narrow screen.
        "legend": {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "xanchor": "left"},
        "xaxis": axis(theme) | {"title": "sampled frame", "range": [-0.5, len(inspection.frames) - 0.5]},
        "yaxis": axis(theme) | {"range": high, "tickvals": [0, 0.5, 1]},
    }


def _short(value: float) -> str:
    """A cosine in three characters, for the cells of a phone's screen.

    >>> _short(0.974), _short(1.0), _short(-0.3)
    ('.97', '1.0', '-.30')
    """
    return f"{value:.1f}" if round(abs(value), 2) == 1 else f"{value:.2f}".replace("0.", ".", 1)
