"""An inspection in words, tables and pictures, as HTML."""

import base64
from html import escape

import cv2
import numpy as np

from fineparser.analysis.inspection import ARRAYS, SIDES, Inspection
from fineparser.analysis.report import PHASES
from fineparser.rendering.inspection_charts import BRANCHES
from fineparser.rendering.inspection_pictures import (
    LAYER_COLOURS,
    MISSED,
    RIGHT,
    TOO_MUCH,
    Picture,
    entry_pictures,
    frame_pictures,
    phase_at,
)
from fineparser.rendering.page_charts import signed
from fineparser.rendering.palette import HEAT
from fineparser.simulator.judges import PRICES
from fineparser.ui.results_view import table

QUALITY = 88
"""Of the pictures as WebP."""

AWARD = "award"
READ = {
    "splash": "Splash costs",
    "entry": "Over or short costs",
    "twist": "Twist costs",
    "crooked": "Out of line costs",
    AWARD: "Award, by the entry alone",
}
"""What is read off the entry, in words."""
METRICS = {
    "mask_iou": "Mask IoU",
    **{f"side_{depth}_iou": f"IoU of side output {depth}" for depth in range(1, SIDES + 1)},
    "mask_f1": "Mask F1",
    "mask_mae": "Mask error (MAE)",
    "mask_f_beta": "Mask F-beta",
    "mask_s_measure": "Mask S-measure",
    "score_error": "Points found less points given",
}
"""Metrics of one number in words."""


def summary(inspection: Inspection) -> str:
    """What was looked at and what either rule reads; with labels, how far off it is."""
    found, rules = inspection.measures(), {"windowed": inspection.windowed, "ordered": inspection.ordered}
    is_labelled = "tiou_ordered" in found
    rows = []
    for rule, pair in rules.items():
        name = rule.capitalize() + (", counts" if rule == inspection.rule else "")
        rows.append([name, *(_moment(inspection, frame) for frame in pair)])
        if is_labelled:
            errors = [f"{found[f'{moment}_error_{rule}']:.0f}" for moment in ("flight", "entry")]
            rows[-1] += [" and ".join(errors), _number(found[f"tiou_{rule}"])]
    headings = ["Rule", "Flight begins", "Entry begins"]
    if is_labelled:
        headings += ["Off by", "tIoU"]
        rows.append(["Labelled", *(_moment(inspection, frame) for frame in inspection.labels.transitions), "", ""])
    pairing = inspection.pairing
    beside = "no exemplar beside it" if pairing is None else f"beside the exemplar {pairing.exemplar}"
    return (
        f'<div class="fp-note"><b>{escape(inspection.name)}</b>, {escape(beside)}. '
        f"Weights: {escape(inspection.weights)}.</div>"
        + table(headings, rows, strong=list(rules).index(inspection.rule))
        + '<p class="fp-small">Samples 0 to 95, and the frame of the clip.'
        + (" tIoU: how far found and labelled flight overlap." if is_labelled else "")
        + "</p>"
    )


def _moment(inspection: Inspection, frame: int) -> str:
    return f"{frame} (frame {inspection.frame_numbers[frame]})"


def metrics(inspection: Inspection) -> str:
    """Masks and score against the labels as a table; empty without such labels."""
    found = inspection.measures()
    rows = [[text, _number(found[name])] for name, text in METRICS.items() if name in found]
    return table(["Against the labels", ""], rows) if rows else ""


def _number(value: float) -> str:
    return "not defined" if np.isnan(value) else f"{value:.3f}"


def frame_panel(inspection: Inspection, frame: int) -> str:
    """The pictures of one frame with what is said about them."""
    head = (
        f"Sample {frame} of {len(inspection.frames) - 1}, frame {inspection.frame_numbers[frame]} of the clip, "
        f"{inspection.seconds[frame]:.2f} s, {phase_at(inspection, frame).label}"
    )
    probabilities = inspection.transition_probabilities[frame]
    head += f"; flight begins {probabilities[0]:.2f}, entry begins {probabilities[1]:.2f}"
    figures = "".join(_figure(picture, f"sample {frame}") for picture in frame_pictures(inspection, frame))
    return f'<p class="fp-sample">{escape(head)}</p><div class="fp-pictures" data-frame="{frame}">{figures}</div>'


def legend(inspection: Inspection) -> str:
    """What the colours of the pictures mean."""
    stops = ",".join(colour.css for colour in HEAT)
    parts = [
        f'<span>0 <i class="scale" style="background:linear-gradient(90deg,{stops})"></i> 1, probability or '
        "difference of probabilities</span>"
    ]
    if inspection.labels is not None and inspection.labels.masks is not None:
        parts += [
            f'<span><i style="background:{colour.css}"></i> {text}</span>'
            for colour, text in ((RIGHT, "found rightly"), (TOO_MUCH, "found wrongly"), (MISSED, "missed"))
        ]
    return f'<div class="fp-legend">{"".join(parts)}</div>'


def deltas(inspection: Inspection) -> str:
    """Token means and what they contribute, by branch and phase, as a table; empty without an exemplar."""
    pairing = inspection.pairing
    if pairing is None:
        return ""
    phases = PHASES if pairing.deltas.shape[1] == len(PHASES) else ("whole clip",)
    rows = [
        [f"{name}, {what}", *map(signed, values[row]), signed(values[row].sum()) if adds else ""]
        for row, name in enumerate(BRANCHES[: len(pairing.deltas)])
        for what, values, adds in (
            ("mean of tokens", pairing.deltas, False),
            ("contribution", pairing.contributions, True),
        )
    ]
    both = pairing.contributions.sum(axis=0)
    rows.append(["Difference", *map(signed, both), signed(both.sum())])
    return table(["Points", *(phase.capitalize() for phase in phases), "Together"], rows, strong=len(rows) - 1)


def entry(inspection: Inspection) -> str:
    """The entry as it is drawn, moment by moment; empty where it is not."""
    figures = "".join(_figure(picture, "the entry") for picture in entry_pictures(inspection))
    if not figures:
        return ""
    colours = "".join(
        f'<span><i style="background:{colour.css}"></i> {name}</span>' for name, colour in LAYER_COLOURS.items()
    )
    return f'<div class="fp-moments">{figures}</div><div class="fp-legend">{colours}</div>'


def entry_readings(inspection: Inspection) -> str:
    """What is read off the drawn entry, beside the exemplar's, as a table; empty where it is not."""
    if inspection.entry is None:
        return ""
    read = [inspection.entry.readings]
    if (pairing := inspection.pairing) is not None and pairing.entry_readings is not None:
        read.append(pairing.entry_readings)
    told = [dict(zip([*PRICES, AWARD], values, strict=True)) for values in read]
    rows = [[text, *(f"{values[name]:.2f}" for values in told)] for name, text in READ.items()]
    return f'<div class="fp-few">{table(["Awards", "This dive", "Exemplar"][: 1 + len(read)], rows)}</div>'


def contents() -> str:
    """What the NPZ file holds, as a table."""
    rows = []
    for name, meaning in ARRAYS.items():
        shape, _, text = meaning.partition(": ")
        rows.append([name, shape, text])
    return table(["Array", "Type and shape", "What it is"], rows, texts=(1, 2))


def _figure(picture: Picture, of: str) -> str:
    done, webp = cv2.imencode(".webp", picture.image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    if not done:
        raise RuntimeError(f"the picture {picture.name!r} of {of} could not be encoded")
    height, width = picture.image.shape[:2]
    return (
        f'<figure><img src="data:image/webp;base64,{base64.b64encode(webp).decode()}" width="{width}" '
        f'height="{height}" alt="{escape(picture.name)}, {escape(of)}: {escape(picture.note)}">'
        f"<figcaption><b>{escape(picture.name)}</b><br>{escape(picture.note)}</figcaption></figure>"
    )
