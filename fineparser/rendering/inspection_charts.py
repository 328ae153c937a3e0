"""An inspection as Plotly figures, see `chart_style`, and as images of frames, masks and the entry."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import plotly.graph_objects as go

from fineparser.analysis.inspection import SIDE_OUTPUTS, Inspection
from fineparser.domain.clip_geometry import LAYERS
from fineparser.domain.mask_agreement import THRESHOLD
from fineparser.domain.phases import Phase
from fineparser.exemplars.voting_result import BRANCHES
from fineparser.rendering.chart_style import axis_layout, empty_figure, figure_layout, hatching
from fineparser.rendering.overlay import MaskStyle, draw_mask
from fineparser.rendering.palette import (
    BLACK,
    GREEN,
    HEATMAP,
    NEUTRAL,
    ORANGE,
    PHASE_COLOURS,
    SKY_BLUE,
    VERMILION,
    WHITE,
    Colour,
    Theme,
    heatmap,
)

FRAME_SCALE, ENTRY_SCALE = 3, 2
"""Enlargement of frames, and of the crops of the entry."""
GREY_BRIGHTNESS = 0.45
"""Brightness of the grey image behind coloured pixels."""
OUTSIDE = "outside the frame"
LAYER_COLOURS = dict(zip(LAYERS, (ORANGE, SKY_BLUE, GREEN), strict=True))
"""Colours of the layers of the entry."""
CORRECT, FALSE_POSITIVE, FALSE_NEGATIVE = GREEN, VERMILION, SKY_BLUE
"""Colours of pixels by their error."""


@dataclass(frozen=True)
class InspectionImage:
    """An image with its name and a note."""

    name: str
    note: str
    image: np.ndarray
    """uint8 [H, W, 3] RGB."""
    is_heatmap: bool = False
    """True for values from 0 to 1 in the colours of the heatmap."""


def frame_images(inspection: Inspection, frame: int) -> list[InspectionImage]:
    """Images of one of the 96 frames.

    The frame with the outlines of the predicted and the labelled mask; the fused probability; that of each side output;
    the difference between windows; and, with labels, the errors.

    Raises:
        ValueError: for another frame number.
    """
    if not 0 <= frame < len(inspection.frames):
        raise ValueError(f"The frames are 0 to {len(inspection.frames) - 1}; there is no frame {frame}.")
    images = [_input_image(inspection, frame), _heatmap_image("Fused mask", inspection.mask_probability[frame])]
    for depth in range(SIDE_OUTPUTS):
        suffix = ", finest" if depth == 0 else ", coarsest" if depth == SIDE_OUTPUTS - 1 else ""
        side = inspection.side_probability[depth, frame]
        images.append(_heatmap_image(f"Side output {depth + 1}{suffix}", side))
    windows = inspection.windows_by_frame[frame]
    if len(windows) > 1:
        numbers = " and ".join(str(window + 1) for window in windows)
        agreement = f"agree on {inspection.overlap_iou[frame]:.0%}"
        result = agreement if inspection.has_diver(frame) else "find no diver"
        spread = _enlarged(heatmap(inspection.overlap_spread(frame)))
        images.append(InspectionImage("Window difference", f"windows {numbers} {result}", spread, is_heatmap=True))
    true, iou = _true_mask(inspection, frame), inspection.mask_iou_by_frame
    if true is not None and iou is not None:
        note = "no diver, none found" if np.isnan(iou[frame]) else f"IoU {iou[frame]:.2f}"
        predicted = inspection.mask_probability[frame] >= THRESHOLD
        images.append(InspectionImage("Errors", note, _error_image(inspection.frames[frame], predicted, true)))
    return images


def entry_images(inspection: Inspection) -> list[InspectionImage]:
    """Crops of the entry, with the predicted layers below them; none for a network without an entry branch."""
    entry = inspection.entry
    if entry is None:
        return []
    first = inspection.transitions[1]
    images = []
    for number in np.flatnonzero(entry.is_in_clip):
        frame, crop = int(entry.frames[number]), entry.crops[number]
        size = crop.shape[1] * ENTRY_SCALE, crop.shape[0] * ENTRY_SCALE
        enlarged = cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC)
        coloured = np.repeat(enlarged.mean(axis=-1, keepdims=True), 3, axis=-1) * GREY_BRIGHTNESS
        for colour, layer in zip(LAYER_COLOURS.values(), entry.layers[number].astype(np.float32), strict=True):
            share = cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR)[..., None]
            coloured += share * (np.array(colour.rgb) - coloured)
        both = np.concatenate([enlarged, coloured.clip(0, 255).astype(np.uint8)])
        name = f"{frame - first:+d}" if frame != first else "Entry"
        images.append(InspectionImage(name, f"sample {frame}" if crop.any() else OUTSIDE, both))
    return images


def _input_image(inspection: Inspection, frame: int) -> InspectionImage:
    """The frame with the outlines of the masks."""
    phase = inspection.phase_at(frame)
    predicted, true = inspection.mask_probability[frame] >= THRESHOLD, _true_mask(inspection, frame)
    image = _with_contour(_enlarged(inspection.frames[frame], cv2.INTER_CUBIC), predicted, PHASE_COLOURS[phase])
    note = f"{phase.label}; outline: predicted"
    if true is not None:
        image = _with_contour(image, true, WHITE)
        note += ", white: labelled"
    return InspectionImage("Input", note, image)


def _heatmap_image(name: str, probability: np.ndarray) -> InspectionImage:
    share = float((probability >= THRESHOLD).mean())
    note = f"highest {float(probability.max()):.2f}, {share:.1%} of the crop"
    return InspectionImage(name, note, _enlarged(heatmap(probability)), is_heatmap=True)


def _true_mask(inspection: Inspection, frame: int) -> np.ndarray | None:
    labels = inspection.labels
    return None if labels is None or labels.masks is None else labels.masks[frame]


def _enlarged(image: np.ndarray, interpolation: int = cv2.INTER_NEAREST) -> np.ndarray:
    return cv2.resize(image, None, fx=FRAME_SCALE, fy=FRAME_SCALE, interpolation=interpolation)


def _with_contour(image: np.ndarray, mask: np.ndarray, colour: Colour) -> np.ndarray:
    """The outline of a mask of the network's size on an enlarged image."""
    return draw_mask(image, _enlarged(mask.astype(np.uint8)) > 0, colour, MaskStyle.OUTLINE, line=2)


def _error_image(frame: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The frame in grey, with the pixels of both masks in the colours of their errors."""
    grey = np.repeat((frame.mean(axis=-1, keepdims=True) * GREY_BRIGHTNESS).astype(np.uint8), 3, axis=-1)
    image = _enlarged(grey, cv2.INTER_CUBIC)
    errors = ((predicted & true, CORRECT), (predicted & ~true, FALSE_POSITIVE), (true & ~predicted, FALSE_NEGATIVE))
    for pixels, colour in errors:
        large = _enlarged(pixels.astype(np.uint8)) > 0
        image[large] = image[large] // 3 + (0.75 * np.array(colour.rgb)).astype(np.uint8)
    return image


COLOUR_SCALE = [[step / (len(HEATMAP) - 1), colour.css] for step, colour in enumerate(HEATMAP)]
NO_EXEMPLAR = "No exemplar: give the dive number and the height."
DASHES = {Phase.FLIGHT: "solid", Phase.ENTRY: "dash"}


def transition_figure(inspection: Inspection, theme: Theme = NEUTRAL) -> go.Figure:
    """Transition probabilities over the 96 frames, the transitions by both rules, and the labelled ones.

    Above are the halves of the clip from which the windowed rule takes one transition each.
    """
    figure = go.Figure()
    _add_halves(figure, len(inspection.frames))
    for column, phase in enumerate((Phase.FLIGHT, Phase.ENTRY)):
        figure.add_scatter(
            x=np.arange(len(inspection.frames)),
            y=inspection.transition_probabilities[:, column],
            mode="lines",
            name=f"{phase.label} begins",
            line={"color": PHASE_COLOURS[phase].css, "width": 2, "dash": DASHES[phase]},
            customdata=inspection.frame_numbers[:, None],
            hovertemplate=f"{phase.label} begins: %{{y:.3f}}<br>sample %{{x}}, frame %{{customdata[0]}}<extra></extra>",
        )
    for rule, transitions, symbol, size in (
        ("windowed", inspection.windowed, "square-open", 15),
        ("ordered", inspection.ordered, "diamond", 9),
    ):
        suffix = " (in use)" if rule == inspection.rule else ""
        probabilities = [float(inspection.transition_probabilities[frame, i]) for i, frame in enumerate(transitions)]
        figure.add_scatter(
            x=list(transitions),
            y=probabilities,
            mode="markers",
            name=f"{rule}{suffix}",
            marker={"symbol": symbol, "size": size, "color": theme.text.css, "line": {"width": 2}},
            hovertemplate=f"{rule} rule: sample %{{x}}, probability %{{y:.3f}}<extra></extra>",
        )
    if inspection.labels is not None and inspection.labels.transitions is not None:
        _add_labelled_transitions(figure, inspection.labels.transitions, theme)
    figure.update_layout(**_frames_layout(theme, inspection, 360, 140, [0, 1.22]))
    return figure


def _add_halves(figure: go.Figure, count: int) -> None:
    halves = ((Phase.FLIGHT, -0.5, count / 2 - 0.5), (Phase.ENTRY, count / 2 - 0.5, count - 0.5))
    for phase, x0, x1 in halves:
        figure.add_shape(
            type="rect", x0=x0, x1=x1, y0=1.06, y1=1.2, line_width=0, layer="below",
            fillcolor=PHASE_COLOURS[phase].css,
        )  # fmt: skip
        # Black in every theme, since it stands on a colour; the page recolours annotations.
        figure.add_scatter(
            x=[(x0 + x1) / 2], y=[1.13], text=[f"windowed: {phase.label}"], mode="text", hoverinfo="skip",
            textfont={"color": BLACK.css, "size": 13}, showlegend=False,
        )  # fmt: skip


def _add_labelled_transitions(figure: go.Figure, transitions: np.ndarray, theme: Theme) -> None:
    line = {"color": theme.text.css, "width": 2, "dash": "dot"}
    for frame in transitions.tolist():
        figure.add_shape(type="line", x0=frame, x1=frame, y0=0, y1=1.04, line=line)
    figure.add_scatter(
        x=transitions,
        y=[1.03, 1.03],
        mode="markers",
        name="labelled",
        marker={"symbol": "triangle-down", "size": 12, "color": theme.text.css},
        hovertemplate="labelled: sample %{x}<extra></extra>",
    )


def agreement_figure(inspection: Inspection, theme: Theme = NEUTRAL) -> go.Figure:
    """IoU between the windows that share a frame and, with labels, IoU of the mask with the labelled one."""
    figure = go.Figure()
    label_iou, overlap_iou = inspection.mask_iou_by_frame, inspection.overlap_iou
    if label_iou is not None:
        figure.add_scatter(
            x=np.arange(len(inspection.frames)),
            y=[None if np.isnan(value) else float(value) for value in label_iou],
            mode="lines",
            name="IoU with the labelled mask",
            line={"color": ORANGE.css, "width": 2},
            hovertemplate="sample %{x}: IoU %{y:.2f} with the label<extra></extra>",
        )
    shared = np.flatnonzero(~np.isnan(overlap_iou))
    windows, has_diver = inspection.windows_by_frame, {frame: inspection.has_diver(int(frame)) for frame in shared}
    figure.add_bar(
        x=shared,
        y=overlap_iou[shared],
        name="IoU between windows",
        # Faint where two windows agree that there is no diver, which is easy.
        marker={"color": [SKY_BLUE.with_opacity(1 if has_diver[frame] else 0.3) for frame in shared]},
        customdata=[
            [
                " and ".join(str(window + 1) for window in windows[frame]),
                f"agree on {overlap_iou[frame]:.2f}" if has_diver[frame] else "find no diver",
            ]
            for frame in shared
        ],
        hovertemplate="sample %{x}: windows %{customdata[0]} %{customdata[1]}<extra></extra>",
    )
    figure.update_layout(**_frames_layout(theme, inspection, 310, 90, [0, 1.04]), bargap=0.1)
    return figure


def similarity_figure(inspection: Inspection, theme: Theme = NEUTRAL) -> go.Figure:
    """Cosine similarity of the dive's dynamic features and the exemplar's."""
    if inspection.comparison is None:
        return empty_figure(NO_EXEMPLAR, theme)
    values, groups = inspection.comparison.similarity, inspection.feature_groups
    names = [f"{label} {row + 1}" if rows > 1 else label for label, rows in groups for row in range(rows)]
    low, high = float(values.min()), float(values.max())
    heatmap = _heatmap(values, low, high)
    heatmap.update(
        hovertemplate="dive %{customdata[0]}, exemplar %{customdata[1]}: %{z:.3f}<extra></extra>",
        customdata=[[[row, column] for column in names] for row in names],
    )
    figure = go.Figure(heatmap)
    # Black or white, whichever contrasts with the cell.
    is_light = (values - low) / max(high - low, 1e-6) > 0.5
    for cells, colour in ((is_light, BLACK), (~is_light, WHITE)):
        rows, columns = np.nonzero(cells)
        figure.add_scatter(
            x=columns, y=rows, text=[_cell_text(value) for value in values[cells]], mode="text", hoverinfo="skip",
            textfont={"color": colour.css, "size": 10 if len(names) < 12 else 8}, showlegend=False,
        )  # fmt: skip
    # Tokens are labelled by phase, since twelve names would not fit beside each other.
    sizes = [rows for _, rows in groups]
    ends = np.cumsum(sizes)
    ticks = {
        "tickvals": ends - (np.array(sizes) + 1) / 2,
        "ticktext": [label for label, _ in groups],
        "showgrid": False,
    }
    for border in ends[:-1] - 0.5 if max(sizes) > 1 else ():
        figure.add_vline(border, line={"color": WHITE.css, "width": 3})
        figure.add_hline(border, line={"color": WHITE.css, "width": 3})
    figure.update_layout(
        **figure_layout(theme, 400),
        margin={"l": 8, "r": 8, "t": 8, "b": 44},
        xaxis=axis_layout(theme) | ticks | {"title": "exemplar"},
        yaxis=axis_layout(theme) | ticks | {"title": "dive", "autorange": "reversed"},
    )
    return figure


def attention_figure(
    inspection: Inspection,
    phase: int,
    branch: str = "dynamic",
    layer: int = 0,
    head: int | None = None,
    theme: Theme = NEUTRAL,
) -> go.Figure:
    """Attention of the dive's tokens to the exemplar's in one phase.

    Args:
        inspection: with an exemplar.
        phase: 0 to 2; a network without phases has one.
        branch: "dynamic" or "static".
        layer: of the decoder, 0 first.
        head: None for the mean of all heads.
        theme: of the page.
    """
    if inspection.comparison is None:
        return empty_figure(NO_EXEMPLAR, theme)
    branches = dict(zip(BRANCHES, inspection.comparison.attention, strict=False))
    if branch not in branches:
        return empty_figure(f"These weights have no {branch} branch.", theme)
    weights = branches[branch]
    if phase >= len(weights):
        return empty_figure("These weights do not divide the clip into phases.", theme)
    by_phase = weights[:, layer].mean(axis=1) if head is None else weights[:, layer, head]
    tokens = list(range(1, by_phase.shape[-1] + 1))
    heatmap = _heatmap(by_phase[phase], 0.0, float(by_phase.max()))
    heatmap.update(x=tokens, y=tokens, hovertemplate="token %{y} to %{x}: %{z:.3f}<extra></extra>")
    figure = go.Figure(heatmap)
    name = Phase(phase).label if len(weights) == len(Phase) else "whole clip"
    ticks = {"dtick": 1 if len(tokens) < 8 else 2, "nticks": None, "showgrid": False}
    figure.update_layout(
        **figure_layout(theme, 330),
        margin={"l": 8, "r": 8, "t": 8, "b": 44},
        xaxis=axis_layout(theme) | ticks | {"title": f"{name}: exemplar's tokens"},
        yaxis=axis_layout(theme) | ticks | {"title": "dive's tokens", "autorange": "reversed"},
    )
    return figure


def token_figure(inspection: Inspection, theme: Theme = NEUTRAL) -> go.Figure:
    """Difference in points by token: dynamic above, static below, phase by phase; lines are means."""
    if inspection.comparison is None:
        return empty_figure(NO_EXEMPLAR, theme)
    figure = go.Figure()
    branches = inspection.comparison.tokens
    for row, values in enumerate(branches):
        for phase in range(len(values)):
            _add_tokens(figure, row, values, phase, theme)
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}
    has_static = len(branches) > 1
    figure.update_layout(
        **figure_layout(theme, 420 if has_static else 260),
        margin={"l": 8, "r": 8, "t": 8, "b": 44},
        legend={"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top", "xanchor": "left"},
        bargap=0.12,
        xaxis=hidden | {"anchor": "y"},
        yaxis=_points_axis(theme, "dynamic", [0.55, 1] if has_static else [0, 1]),
    )
    if has_static:
        figure.update_layout(
            xaxis2=hidden | {"anchor": "y2"}, yaxis2=_points_axis(theme, "static", [0.02, 0.47]) | {"anchor": "x2"}
        )
    return figure


def _add_tokens(figure: go.Figure, row: int, values: np.ndarray, phase: int, theme: Theme) -> None:
    """Bars of one branch's tokens [phases, tokens] in one phase, and their mean."""
    has_phases, count = len(values) == len(Phase), values.shape[1]
    colour = PHASE_COLOURS[Phase(phase)] if has_phases else SKY_BLUE
    label = Phase(phase).label if has_phases else "whole clip"
    x_axis, y_axis = ("x", "y") if row == 0 else ("x2", "y2")
    x = [phase * (count + 1) + token for token in range(count)]
    figure.add_bar(
        x=x,
        y=values[phase],
        xaxis=x_axis,
        yaxis=y_axis,
        name=label,
        showlegend=row == 0,
        marker={"color": colour.css, "pattern": hatching(colour) if row else {}},
        customdata=[[token + 1] for token in range(count)],
        hovertemplate=f"{label}, {BRANCHES[row]}, token %{{customdata[0]}}: %{{y:+.2f}}<extra></extra>",
    )
    mean = float(values[phase].mean())
    figure.add_shape(
        type="line", x0=x[0] - 0.5, x1=x[-1] + 0.5, y0=mean, y1=mean, xref=x_axis, yref=y_axis,
        line={"color": theme.text.css, "width": 2},
    )  # fmt: skip


def _heatmap(values: np.ndarray, low: float, high: float) -> go.Heatmap:
    return go.Heatmap(
        z=values,
        zmin=low,
        zmax=high,
        colorscale=COLOUR_SCALE,
        xgap=1,
        ygap=1,
        colorbar={"thickness": 12, "outlinewidth": 0, "nticks": 5},
    )


def _points_axis(theme: Theme, branch: str, domain: list[float]) -> dict[str, Any]:
    return axis_layout(theme) | {
        "title": f"points, {branch}",
        "domain": domain,
        "zeroline": True,
        "zerolinecolor": theme.muted.css,
        "nticks": 5,
    }


def _frames_layout(
    theme: Theme, inspection: Inspection, height: int, bottom: int, y_range: list[float]
) -> dict[str, Any]:
    """Layout of a figure over the 96 frames, with `bottom` pixels for axis and legend."""
    return {
        **figure_layout(theme, height),
        "margin": {"l": 8, "r": 12, "t": 8, "b": bottom},
        "hovermode": "closest",
        # Relative to the figure: relative to the plot, it would push the plot up for good on a narrow screen.
        "legend": {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "xanchor": "left"},
        "xaxis": axis_layout(theme) | {"title": "sampled frame", "range": [-0.5, len(inspection.frames) - 0.5]},
        "yaxis": axis_layout(theme) | {"range": y_range, "tickvals": [0, 0.5, 1]},
    }


def _cell_text(value: float) -> str:
    """A cosine in three characters, for the cells of a phone's screen.

    >>> _cell_text(0.974), _cell_text(1.0), _cell_text(-0.3)
    ('.97', '1.0', '-.30')
    """
    return f"{value:.1f}" if round(abs(value), 2) == 1 else f"{value:.2f}".replace("0.", ".", 1)
