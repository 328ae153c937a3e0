"""What the analysis looks at: proposed frames and window, shown on pictures of the clip, changed by the user."""

import base64
from dataclasses import dataclass
from html import escape

import cv2
import gradio as gr
import numpy as np

from fineparser.analysis.proposal import Proposal
from fineparser.analysis.survey import Survey
from fineparser.analysis.window import CENTRE, DIVER, OWN, Window
from fineparser.ui.status_line import warning
from fineparser.ui.upload import problem
from fineparser.video.reading import reopen

SECONDS, FRAMES = "seconds", "frames"
WINDOWS = [("Follow the diver", DIVER), ("Middle of the picture", CENTRE), ("My own", OWN)]
PICTURES = 6
"""Of the clip, from the first frame to the last that is analysed."""
PICTURE_SIDE = 260
"""Longer side of them, pixels."""


@dataclass(frozen=True)
class Look:
    """The parts of the panel."""

    first: gr.Number
    last: gr.Number
    unit: gr.Radio
    window: gr.Radio
    across: gr.Slider
    down: gr.Slider
    size: gr.Slider
    box: gr.Row
    """Around the three sliders; shown with a window of one's own."""
    strip: gr.HTML
    surveyed: gr.State
    """The `Survey` of the clip, or None."""
    proposed: gr.State
    """The `Proposal` for it, or None."""

    @property
    def choices(self) -> list:
        """What the user can change, in the order in which `chosen` takes it."""
        return [self.unit, self.first, self.last, self.window, self.across, self.down, self.size]


def look_panel() -> Look:
    """Adds the panel to the page that is being built, with what it answers by itself."""
    strip = gr.HTML(elem_id="strip", apply_default_css=False)
    with gr.Accordion("Change what is looked at", open=False, elem_id="look"), gr.Row():
        with gr.Column(scale=1, min_width=280), gr.Row():
            first = gr.Number(label="From", precision=3, minimum=0, min_width=90, elem_id="first")
            last = gr.Number(label="To", precision=3, minimum=0, min_width=90, elem_id="last")
            unit = gr.Radio([SECONDS, FRAMES], value=SECONDS, label="Trim in", elem_id="unit", min_width=150)
        with gr.Column(scale=1, min_width=280):
            window = gr.Radio(WINDOWS, value=DIVER, label="Window", elem_id="window")
            with gr.Row(visible=False) as box:
                across = gr.Slider(0, 100, 50, step=1, label="Across, %", min_width=140)
                down = gr.Slider(0, 100, 50, step=1, label="Down, %", min_width=140)
                size = gr.Slider(10, 150, 100, step=1, label="Size, %", min_width=140)
    surveyed, proposed = gr.State(None), gr.State(None)
    look = Look(first, last, unit, window, across, down, size, box, strip, surveyed, proposed)
    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    unit.input(in_unit, [surveyed, unit, first, last], [first, last], queue=False, **quiet)
    window.input(lambda kind: gr.Row(visible=kind == OWN), window, box, queue=False, **quiet)
    gr.on(
        [first.submit, first.blur, last.submit, last.blur, window.input, across.release, down.release, size.release],
        redrawn,
        [proposed, *look.choices],
        strip,
        trigger_mode="always_last",
        concurrency_id="check",
        **quiet,
    )
    return look


def shown(proposal: Proposal, unit: str) -> tuple:
    """A proposal in the panel: pictures, first, last, kind of window, and the sliders at its middle."""
    info = proposal.survey.info
    x0, y0, x1, y1 = proposal.window.box_at((proposal.first + proposal.last) // 2)
    side = min(info.width, info.height)
    return (
        strip(proposal),
        in_units(proposal.survey, unit, proposal.first),
        in_units(proposal.survey, unit, proposal.last),
        proposal.window.kind,
        round(100 * float(np.clip((x0 + x1) / 2 / info.width, 0, 1))),
        round(100 * float(np.clip((y0 + y1) / 2 / info.height, 0, 1))),
        round(100 * float(np.clip((y1 - y0) / side, 0.1, 1.5))),
    )


def chosen(
    proposal: Proposal,
    unit: str,
    first: float | None,
    last: float | None,
    kind: str,
    across: float,
    down: float,
    size: float,
) -> Proposal:
    """The proposal as the user changed it, or itself.

    Raises:
        ValueError: where the end does not come after the start.
    """
    survey = proposal.survey
    start = proposal.first if first is None else frame_of(survey, unit, first)
    end = proposal.last if last is None else frame_of(survey, unit, last)
    # What is shown is rounded: the proposal's own frames stay its own.
    if first == in_units(survey, unit, proposal.first):
        start = proposal.first
    if last == in_units(survey, unit, proposal.last):
        end = proposal.last
    if end <= start:
        raise ValueError(f"The trim ends at frame {end}, not after its start at frame {start}: move one of them.")
    window = None
    if kind == OWN:
        window = Window.own(survey.info, across / 100, down / 100, size / 100)
    elif kind == CENTRE and proposal.window.kind != CENTRE:
        window = Window.centre(survey.info)
    return proposal.changed(start, end, window)


def redrawn(proposal: Proposal | None, *choices: object) -> object:
    """The pictures with what the user chose; what cannot be is told when the analysis starts."""
    if proposal is None:
        return gr.skip()
    try:
        return strip(chosen(proposal, *choices))
    except ValueError as error:
        return problem(str(error))


def strip(proposal: Proposal) -> str:
    """Pictures of the clip with the window drawn on them, and how the proposal came about, as HTML."""
    info = proposal.survey.info
    numbers = np.unique(np.linspace(proposal.first, proposal.last, PICTURES).round().astype(int))
    shrink = min(1.0, PICTURE_SIDE / max(info.width, info.height))
    size = max(1, round(info.width * shrink)), max(1, round(info.height * shrink))
    figures = []
    with reopen(info) as source:
        for number in numbers.tolist():
            small = cv2.resize(source.frame(number), size, interpolation=cv2.INTER_AREA)
            _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])
            x0, y0, x1, y1 = proposal.window.box_at(number)
            figures.append(
                f'<figure><svg viewBox="0 0 {info.width} {info.height}" role="img" aria-label="Frame {number}">'
                f'<image href="data:image/jpeg;base64,{base64.b64encode(data).decode()}" '
                f'width="{info.width}" height="{info.height}"/>'
                f'<path class="outside" d="M0 0H{info.width}V{info.height}H0Z M{x0:.0f} {y0:.0f}V{y1:.0f}H{x1:.0f}'
                f'V{y0:.0f}Z"/><rect x="{x0:.0f}" y="{y0:.0f}" width="{x1 - x0:.0f}" height="{y1 - y0:.0f}"/></svg>'
                f"<figcaption>{info.seconds(number):.2f} s</figcaption></figure>"
            )
    said = "".join(f'<div class="fp-note">{escape(text)}</div>' for text in proposal.remarks)
    said += "".join(map(warning, proposal.warnings))
    seconds = f"{info.seconds(proposal.first):.2f} to {info.seconds(proposal.last):.2f} s"
    head = f'<p class="fp-hint">What is looked at: frames {proposal.first} to {proposal.last}, {seconds}</p>'
    return f'{head}<div class="fp-strip">{"".join(figures)}</div>{said}'


def in_units(clip: Survey, unit: str, number: int) -> float:
    """A source frame number as the trim shows it."""
    return number if unit == FRAMES else round(clip.info.seconds(number), 3)


def in_unit(clip: Survey | None, unit: str, first: float | None, last: float | None) -> tuple:
    """The trim's two values, until now in the other unit, in this one."""
    if clip is None:
        return None, None
    other = SECONDS if unit == FRAMES else FRAMES
    return tuple(
        None if value is None else in_units(clip, unit, frame_of(clip, other, value)) for value in (first, last)
    )


def frame_of(clip: Survey, unit: str, value: float) -> int:
    """The frame nearest to a value of the trim, kept in the clip."""
    info = clip.info
    if unit == FRAMES:
        return round(min(max(value, info.first_number), info.last_number))
    # Half a frame on, so that a time rounded to milliseconds still names its own frame.
    return info.number_at(value + 0.5 / info.fps if info.timestamps is None else value + 0.001)
