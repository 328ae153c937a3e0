"""An inspection as HTML: tables, and images frame by frame."""

import base64
from html import escape

import cv2
import numpy as np

from fineparser.analysis.inspection import ARRAYS, SIDE_OUTPUTS, Inspection
from fineparser.exemplars.voting_result import PHASES
from fineparser.model.entry import DEDUCTION_SPREAD
from fineparser.rendering.chart_style import signed
from fineparser.rendering.inspection_charts import (
    BRANCHES,
    CORRECT,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    LAYER_COLOURS,
    InspectionImage,
    entry_images,
    frame_images,
)
from fineparser.rendering.palette import HEATMAP
from fineparser.ui.results_panel import html_table

WEBP_QUALITY = 88

AWARD = "award"
ENTRY_LABELS = {
    "splash": "Splash",
    "entry": "Over or short",
    "twist": "Twist",
    "crooked": "Out of line",
    AWARD: "Award from entry alone",
}
"""Labels of the faults of the entry, whose deductions the network predicts, and of the award."""

METRIC_LABELS = {
    "mask_iou": "Mask IoU",
    **{f"side_{depth}_iou": f"IoU of side output {depth}" for depth in range(1, SIDE_OUTPUTS + 1)},
    "mask_f1": "Mask F1",
    "mask_mae": "Mask error (MAE)",
    "mask_f_beta": "Mask F-beta",
    "mask_s_measure": "Mask S-measure",
    "score_error": "Predicted minus actual points",
}


def summary_html(inspection: Inspection) -> str:
    """The dive, the weights, and the transitions by both rules; with labels, their errors."""
    metrics, rules = inspection.metrics(), {"windowed": inspection.windowed, "ordered": inspection.ordered}
    is_labelled = "tiou_ordered" in metrics
    rows = []
    for rule, frames in rules.items():
        name = rule.capitalize() + (", in use" if rule == inspection.rule else "")
        rows.append([name, *(_sample(inspection, frame) for frame in frames)])
        if is_labelled:
            errors = [f"{metrics[f'{phase}_error_{rule}']:.0f}" for phase in ("flight", "entry")]
            rows[-1] += [" and ".join(errors), _number(metrics[f"tiou_{rule}"])]
    headings = ["Rule", "Flight begins", "Entry begins"]
    if is_labelled and inspection.labels is not None and inspection.labels.transitions is not None:
        headings += ["Error", "tIoU"]
        labels = (_sample(inspection, frame) for frame in inspection.labels.transitions.tolist())
        rows.append(["Labelled", *labels, "", ""])
    comparison = inspection.comparison
    compared = "no exemplar" if comparison is None else f"compared with the exemplar {comparison.exemplar}"
    return (
        f'<div class="fp-note"><b>{escape(inspection.name)}</b>, {escape(compared)}. '
        f"Weights: {escape(inspection.weights)}.</div>"
        + html_table(headings, rows, strong_row=list(rules).index(inspection.rule))
        + '<p class="fp-small">Samples 0 to 95, with the frame of the clip.'
        + (" tIoU: overlap of predicted and labelled flight." if is_labelled else "")
        + "</p>"
    )


def _sample(inspection: Inspection, frame: int) -> str:
    return f"{frame} (frame {inspection.frame_numbers[frame]})"


def metrics_table(inspection: Inspection) -> str:
    """Errors of masks and score; empty without labels."""
    metrics = inspection.metrics()
    rows = [[label, _number(metrics[name])] for name, label in METRIC_LABELS.items() if name in metrics]
    return html_table(["Compared with the labels", ""], rows) if rows else ""


def _number(value: float) -> str:
    return "not defined" if np.isnan(value) else f"{value:.3f}"


def frame_html(inspection: Inspection, frame: int) -> str:
    """The images of one frame, under a line with its time and phase."""
    head = (
        f"Sample {frame} of {len(inspection.frames) - 1}, frame {inspection.frame_numbers[frame]} of the clip, "
        f"{inspection.seconds[frame]:.2f} s, {inspection.phase_at(frame).label}"
    )
    probabilities = inspection.transition_probabilities[frame]
    head += f"; flight begins {probabilities[0]:.2f}, entry begins {probabilities[1]:.2f}"
    figures = "".join(_figure(picture, f"sample {frame}") for picture in frame_images(inspection, frame))
    return f'<p class="fp-sample">{escape(head)}</p><div class="fp-pictures" data-frame="{frame}">{figures}</div>'


def legend_html(inspection: Inspection) -> str:
    """The legend of the colours."""
    stops = ",".join(colour.css for colour in HEATMAP)
    parts = [
        f'<span>0 <i class="scale" style="background:linear-gradient(90deg,{stops})"></i> 1, probability or '
        "difference of probabilities</span>"
    ]
    if inspection.labels is not None and inspection.labels.masks is not None:
        parts += [
            f'<span><i style="background:{colour.css}"></i> {text}</span>'
            for colour, text in ((CORRECT, "correct"), (FALSE_POSITIVE, "false positive"), (FALSE_NEGATIVE, "missed"))
        ]
    return f'<div class="fp-legend">{"".join(parts)}</div>'


def contributions_table(inspection: Inspection) -> str:
    """Token means and contributions by branch and phase; empty without an exemplar."""
    comparison = inspection.comparison
    if comparison is None:
        return ""
    phases = PHASES if comparison.deltas.shape[1] == len(PHASES) else ("whole clip",)
    rows = [
        [f"{name}, {kind}", *map(signed, values[row]), signed(values[row].sum()) if adds else ""]
        for row, name in enumerate(BRANCHES[: len(comparison.deltas)])
        for kind, values, adds in (
            ("mean of tokens", comparison.deltas, False),
            ("contribution", comparison.contributions, True),
        )
    ]
    both = comparison.contributions.sum(axis=0)
    rows.append(["Difference", *map(signed, both), signed(both.sum())])
    return html_table(["Points", *(phase.capitalize() for phase in phases), "Sum"], rows, strong_row=len(rows) - 1)


def entry_html(inspection: Inspection) -> str:
    """The entry, stabilised and segmented, sample by sample; empty for a network without that part."""
    figures = "".join(_figure(picture, "the entry") for picture in entry_images(inspection))
    if not figures:
        return ""
    colours = "".join(
        f'<span><i style="background:{colour.css}"></i> {name}</span>' for name, colour in LAYER_COLOURS.items()
    )
    return f'<div class="fp-moments">{figures}</div><div class="fp-legend">{colours}</div>'


def entry_table(inspection: Inspection) -> str:
    """Deductions and award predicted from the entry, beside the exemplar's; empty for a network without that part."""
    if inspection.entry is None:
        return ""
    predictions = [inspection.entry.fault_scores]
    if (comparison := inspection.comparison) is not None and comparison.entry_fault_scores is not None:
        predictions.append(comparison.entry_fault_scores)
    columns = [dict(zip([*DEDUCTION_SPREAD, AWARD], values, strict=True)) for values in predictions]
    rows = [[label, *(f"{values[name]:.2f}" for values in columns)] for name, label in ENTRY_LABELS.items()]
    headings = ["Deduction, awards", "This dive", "Exemplar"]
    return f'<div class="fp-few">{html_table(headings[: 1 + len(predictions)], rows)}</div>'


def arrays_table() -> str:
    """The arrays of the NPZ file."""
    rows = []
    for name, meaning in ARRAYS.items():
        shape, _, text = meaning.partition(": ")
        rows.append([name, shape, text])
    return html_table(["Array", "Type and shape", "Meaning"], rows, text_columns=(1, 2))


def _figure(picture: InspectionImage, source: str) -> str:
    encoded, webp = cv2.imencode(".webp", picture.image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
    if not encoded:
        raise RuntimeError(f"the image {picture.name!r} of {source} could not be encoded as WebP")
    height, width = picture.image.shape[:2]
    return (
        f'<figure><img src="data:image/webp;base64,{base64.b64encode(webp.tobytes()).decode()}" width="{width}" '
        f'height="{height}" alt="{escape(picture.name)}, {escape(source)}: {escape(picture.note)}">'
        f"<figcaption><b>{escape(picture.name)}</b><br>{escape(picture.note)}</figcaption></figure>"
    )
