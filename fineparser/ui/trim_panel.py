"""The trim and the crop that an analysis uses: proposed, drawn on frames of the clip, and changed by the user."""

import base64
from dataclasses import dataclass
from html import escape

import cv2
import gradio as gr
import numpy as np

from fineparser.analysis.auto_trim import TrimProposal
from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.crop_choice import CENTRE, DIVER, MANUAL, CropChoice
from fineparser.rendering.messages import message
from fineparser.ui.components import EventValues, Updates, error_html, read_values, value_components, warning_html
from fineparser.ui.settings import SCAN_QUEUE
from fineparser.video.reader import reopen

SECONDS, FRAMES = "seconds", "frames"
CROPS = [("Follow the diver", DIVER), ("Centre of frame", CENTRE), ("Custom", MANUAL)]
STRIP_FRAMES = 6
"""Frames in the strip, from the first to the last that is analysed."""
STRIP_SIDE = 260
"""Longer side of a frame in the strip, pixels."""


@dataclass(frozen=True, kw_only=True)
class TrimPanel:
    """Components of the panel."""

    unit: gr.Radio
    first: gr.Number
    last: gr.Number
    crop: gr.Radio
    centre_x: gr.Slider
    centre_y: gr.Slider
    size: gr.Slider
    crop_sliders: gr.Row
    """Around the three sliders; visible for a custom crop."""
    strip: gr.HTML
    scan: gr.State
    """The `ClipScan` of the clip, or None."""
    proposal: gr.State
    """The `TrimProposal` for it, or None."""


@dataclass(frozen=True, kw_only=True)
class TrimValues:
    """Trim and crop as the user entered them."""

    unit: str
    first: float | None
    last: float | None
    crop: str
    centre_x: float
    """Centre and size of a custom crop in percent of the frame."""
    centre_y: float
    size: float


def add_trim_panel() -> TrimPanel:
    """Add the panel to the page that is being built, with the events that stay inside it."""
    strip = gr.HTML(elem_id="strip", apply_default_css=False)
    with gr.Accordion("Trim and crop", open=False, elem_id="trim"), gr.Row():
        with gr.Column(scale=1, min_width=280), gr.Row():
            first = gr.Number(label="From", precision=3, minimum=0, min_width=90, elem_id="first")
            last = gr.Number(label="To", precision=3, minimum=0, min_width=90, elem_id="last")
            unit = gr.Radio([SECONDS, FRAMES], value=SECONDS, label="Trim unit", elem_id="unit", min_width=150)
        with gr.Column(scale=1, min_width=280):
            crop = gr.Radio(CROPS, value=DIVER, label="Crop", elem_id="crop")
            with gr.Row(visible=False) as crop_sliders:
                centre_x = gr.Slider(0, 100, 50, step=1, label="Across, %", min_width=140)
                centre_y = gr.Slider(0, 100, 50, step=1, label="Down, %", min_width=140)
                size = gr.Slider(10, 150, 100, step=1, label="Size, %", min_width=140)
    panel = TrimPanel(
        unit=unit,
        first=first,
        last=last,
        crop=crop,
        centre_x=centre_x,
        centre_y=centre_y,
        size=size,
        crop_sliders=crop_sliders,
        strip=strip,
        scan=gr.State(None),
        proposal=gr.State(None),
    )

    def change_unit(event: EventValues) -> Updates:
        values = read_values(TrimValues, panel, event)
        first_value, last_value = convert_unit(event[panel.scan], values)
        return {panel.first: first_value, panel.last: last_value}

    def redraw(event: EventValues) -> object:
        return redrawn_strip(event[panel.proposal], read_values(TrimValues, panel, event))

    unit.input(
        change_unit,
        {panel.scan, *value_components(TrimValues, panel)},
        [first, last],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    crop.input(
        lambda kind: gr.Row(visible=kind == MANUAL),
        crop,
        crop_sliders,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    gr.on(
        [
            *(first.submit, first.blur, last.submit, last.blur),
            *(crop.input, centre_x.release, centre_y.release, size.release),
        ],
        redraw,
        {panel.proposal, *value_components(TrimValues, panel)},
        strip,
        trigger_mode="always_last",
        concurrency_id=SCAN_QUEUE,
        show_progress="hidden",
        api_visibility="private",
    )
    return panel


def proposal_values(proposal: TrimProposal, unit: str) -> TrimValues:
    """A proposal as values of the panel, with the sliders at its crop in the middle of the trim."""
    info = proposal.scan.info
    x0, y0, x1, y1 = proposal.crop.box_at((proposal.first + proposal.last) // 2)
    side = min(info.width, info.height)
    return TrimValues(
        unit=unit,
        first=in_unit(proposal.scan, unit, proposal.first),
        last=in_unit(proposal.scan, unit, proposal.last),
        crop=proposal.crop.kind,
        centre_x=round(100 * float(np.clip((x0 + x1) / 2 / info.width, 0, 1))),
        centre_y=round(100 * float(np.clip((y0 + y1) / 2 / info.height, 0, 1))),
        size=round(100 * float(np.clip((y1 - y0) / side, 0.1, 1.5))),
    )


def proposal_updates(panel: TrimPanel, proposal: TrimProposal, unit: str) -> Updates:
    """Updates of the panel that show a proposal."""
    values = proposal_values(proposal, unit)
    return {
        panel.proposal: proposal,
        panel.strip: strip_html(proposal),
        panel.first: values.first,
        panel.last: values.last,
        panel.crop: values.crop,
        panel.centre_x: values.centre_x,
        panel.centre_y: values.centre_y,
        panel.size: values.size,
    }


def changed_proposal(proposal: TrimProposal, values: TrimValues) -> TrimProposal:
    """The proposal with the changes of the user, or itself.

    Raises:
        ValueError: for an end before the start.
    """
    scan = proposal.scan
    start = proposal.first if values.first is None else frame_number(scan, values.unit, values.first)
    end = proposal.last if values.last is None else frame_number(scan, values.unit, values.last)
    # The panel shows rounded times: an unchanged value stands for the exact frame of the proposal.
    if values.first == in_unit(scan, values.unit, proposal.first):
        start = proposal.first
    if values.last == in_unit(scan, values.unit, proposal.last):
        end = proposal.last
    if end <= start:
        raise ValueError(f"The trim ends at frame {end}, before its start at frame {start}: change one of them.")
    crop = None
    if values.crop == MANUAL:
        crop = CropChoice.manual(scan.info, values.centre_x / 100, values.centre_y / 100, values.size / 100)
    elif values.crop == CENTRE and proposal.crop.kind != CENTRE:
        crop = CropChoice.centre(scan.info)
    return proposal.with_changes(start, end, crop)


def redrawn_strip(proposal: TrimProposal | None, values: TrimValues) -> object:
    """The strip with the changes of the user, or the error in them."""
    if proposal is None:
        return gr.skip()
    try:
        return strip_html(changed_proposal(proposal, values))
    except ValueError as error:
        return error_html(str(error))


def strip_html(proposal: TrimProposal) -> str:
    """Frames of the clip with the crop drawn on them, and the notes on the proposal, as HTML."""
    info = proposal.scan.info
    numbers = np.unique(np.linspace(proposal.first, proposal.last, STRIP_FRAMES).round().astype(int))
    scale = min(1.0, STRIP_SIDE / max(info.width, info.height))
    size = max(1, round(info.width * scale)), max(1, round(info.height * scale))
    figures = []
    with reopen(info) as source:
        for number in numbers.tolist():
            small = cv2.resize(source.frame(number), size, interpolation=cv2.INTER_AREA)
            _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
            x0, y0, x1, y1 = proposal.crop.box_at(number)
            figures.append(
                f'<figure><svg viewBox="0 0 {info.width} {info.height}" role="img" aria-label="Frame {number}">'
                f'<image href="data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}" '
                f'width="{info.width}" height="{info.height}"/>'
                f'<path class="outside" d="M0 0H{info.width}V{info.height}H0Z M{x0:.0f} {y0:.0f}V{y1:.0f}H{x1:.0f}'
                f'V{y0:.0f}Z"/><rect x="{x0:.0f}" y="{y0:.0f}" width="{x1 - x0:.0f}" height="{y1 - y0:.0f}"/></svg>'
                f"<figcaption>{info.seconds(number):.2f} s</figcaption></figure>"
            )
    notes = "".join(f'<div class="fp-note">{escape(message(note))}</div>' for note in proposal.notes)
    notes += "".join(warning_html(message(warning)) for warning in proposal.warnings)
    seconds = f"{info.seconds(proposal.first):.2f} to {info.seconds(proposal.last):.2f} s"
    head = f'<p class="fp-hint">Analysed: frames {proposal.first} to {proposal.last}, {seconds}</p>'
    return f'{head}<div class="fp-strip">{"".join(figures)}</div>{notes}'


def in_unit(scan: ClipScan, unit: str, number: int) -> float:
    """A source frame number in the unit of the trim."""
    return number if unit == FRAMES else round(scan.info.seconds(number), 3)


def convert_unit(scan: ClipScan | None, values: TrimValues) -> tuple[float | None, float | None]:
    """First and last value of the trim, entered in the other unit, in the unit of `values`."""
    if scan is None:
        return None, None
    other = SECONDS if values.unit == FRAMES else FRAMES

    def converted(value: float | None) -> float | None:
        return None if value is None else in_unit(scan, values.unit, frame_number(scan, other, value))

    return converted(values.first), converted(values.last)


def frame_number(scan: ClipScan, unit: str, value: float) -> int:
    """The frame of the clip nearest to a value of the trim."""
    info = scan.info
    if unit == FRAMES:
        return round(min(max(value, info.first_number), info.last_number))
    # Half a frame later, so that a time rounded to milliseconds still means its own frame.
    return info.number_at(value + 0.5 / info.fps if info.timestamps is None else value + 0.001)
