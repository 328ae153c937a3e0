"""What the user says of the dive: clip, number, height, own difficulty, trim."""

from dataclasses import dataclass
from functools import lru_cache
from html import escape

import gradio as gr

from fineparser.analysis.analyser import Dived, trim
from fineparser.domain.difficulty import HEIGHTS, catalogue, parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.ui.upload import CheckedClip

SECONDS, FRAMES = "seconds", "frames"


@dataclass(frozen=True)
class Inputs:
    """The parts of the input panel."""

    panel: gr.Accordion
    clip: gr.Video
    clip_note: gr.HTML
    code: gr.Dropdown
    height: gr.Radio
    own: gr.Number
    dive_note: gr.HTML
    unit: gr.Radio
    first: gr.Number
    last: gr.Number
    checked: gr.State
    """The `CheckedClip` in `clip`, or None."""


def input_panel() -> Inputs:
    """Adds the panel to the page that is being built, with what it answers by itself."""
    with gr.Accordion("Your dive", open=True, elem_id="inputs") as panel, gr.Row():
        with gr.Column(scale=3, min_width=300):
            # No format: a conversion would want programs that need not be there.
            clip = gr.Video(label="Clip of one dive", sources=["upload", "webcam"], include_audio=True, elem_id="clip")
            clip_note = gr.HTML(elem_id="clip-note", apply_default_css=False)
        with gr.Column(scale=3, min_width=300):
            code = gr.Dropdown(
                dive_choices(),
                label="Dive number",
                info="Type to search, by number or by words; empty: no score, but phases and masks.",
                value=None,
                allow_custom_value=True,
                filterable=True,
                elem_id="code",
            )
            height = gr.Radio(
                [(f"{metres:g} m", f"{metres:g}") for metres in HEIGHTS], label="Height", value="3", elem_id="height"
            )
            dive_note = gr.HTML(dive_sentence(None, "3", None), elem_id="dive-note", apply_default_css=False)
            with gr.Accordion("Trim and own difficulty", open=False, elem_id="details"):
                with gr.Row():
                    first = gr.Number(label="From", precision=3, minimum=0, min_width=90, elem_id="first")
                    last = gr.Number(label="To", precision=3, minimum=0, min_width=90, elem_id="last")
                unit = gr.Radio([SECONDS, FRAMES], value=SECONDS, label="Trim in", elem_id="unit")
                # No bounds: an empty box comes as 0, which Gradio would refuse without a word.
                own = gr.Number(label="Own difficulty", info="0: the table's", value=0, step=0.1)
    checked = gr.State(None)
    quiet = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    gr.on(
        [code.change, height.change, own.change],
        dive_sentence,
        [code, height, own],
        dive_note,
        trigger_mode="always_last",
        **quiet,
    )
    unit.input(in_unit, [checked, unit, first, last], [first, last], **quiet)
    return Inputs(panel, clip, clip_note, code, height, own, dive_note, unit, first, last, checked)


@lru_cache(maxsize=1)
def dive_choices() -> list[tuple[str, str]]:
    """Every dive that has a difficulty at some height, with its plain-English name."""
    codes = {code for metres in HEIGHTS for code in catalogue(metres)}
    return [(f"{code}   {code.name}", str(code)) for code in sorted(codes, key=order)]


def order(code: DiveCode) -> tuple:
    """By group, then as the numbers grow."""
    return code.group, code.direction, code.flying, code.half_somersaults, code.half_twists, code.position


def dive_sentence(number: str | None, height: str | None, own: float | None) -> str:
    """The dive in words with its difficulty, or what is wrong with it, as HTML."""
    if not number or not number.strip():
        return '<div class="fp-dive muted">No dive number yet: without one there is no score.</div>'
    try:
        dived = Dived.of(number, height, own or None)
    except ValueError as error:
        return f'<div class="fp-dive problem" role="alert">{escape(str(error))}</div>'
    source = "difficulty" if dived.source == "table" else "own difficulty"
    return (
        f'<div class="fp-dive"><b>{dived.code}</b> {escape(dived.code.name)}, {parse_height(height):g} m: '
        f"{source} <b>{dived.difficulty:g}</b></div>"
    )


def proposal(clip: CheckedClip, unit: str) -> tuple[float, float]:
    """The trim that is proposed, in seconds or frames: the whole clip, or its longest shot where it has cuts."""
    first, last = trim(clip.info, clip.cuts, None, None)
    return shown(clip, unit, first), shown(clip, unit, last)


def shown(clip: CheckedClip, unit: str, number: int) -> float:
    """A source frame number as the trim shows it."""
    return number if unit == FRAMES else round(clip.info.seconds(number), 3)


def in_unit(clip: CheckedClip | None, unit: str, first: float | None, last: float | None) -> tuple:
    """The trim's two values, until now in the other unit, in this one."""
    if clip is None:
        return None, None
    other = SECONDS if unit == FRAMES else FRAMES
    return tuple(None if value is None else shown(clip, unit, frame_of(clip, other, value)) for value in (first, last))


def frame_of(clip: CheckedClip, unit: str, value: float) -> int:
    """The frame nearest to a value of the trim, kept in the clip."""
    info = clip.info
    if unit == FRAMES:
        return round(min(max(value, info.first_number), info.last_number))
    # Half a frame on, so that a time rounded to milliseconds still names its own frame.
    return info.number_at(value + 0.5 / info.fps if info.timestamps is None else value + 0.001)


def trim_frames(clip: CheckedClip, unit: str, first: float | None, last: float | None) -> tuple[int | None, int | None]:
    """First and last frame as asked for; None, None where nothing differs from the proposal.

    Raises:
        ValueError: where the end does not come after the start.
    """
    if (first, last) == proposal(clip, unit) or (first is None and last is None):
        return None, None
    start = clip.info.first_number if first is None else frame_of(clip, unit, first)
    end = clip.info.last_number if last is None else frame_of(clip, unit, last)
    if end <= start:
        raise ValueError(f"The trim ends at frame {end}, not after its start at frame {start}: move one of them.")
    return start, end
