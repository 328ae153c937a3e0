"""What the user says of the dive: clip, number, height, own difficulty."""

from dataclasses import dataclass
from functools import lru_cache
from html import escape

import gradio as gr

from fineparser.exemplars.dived import Dived
from fineparser.data.example_clips import EXAMPLES, ExampleClip
from fineparser.domain.difficulty import HEIGHTS, catalogue, parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.ui.look import Look, look_panel


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
    look: Look
    """What the analysis looks at: trim and window."""


def input_panel() -> Inputs:
    """Adds the panel to the page that is being built, with what it answers by itself."""
    quiet = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    with gr.Accordion("Your dive", open=True, elem_id="inputs") as panel:
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                # No format: a conversion would want programs that need not be there.
                clip = gr.Video(
                    label="Clip of one dive", sources=["upload", "webcam"], include_audio=True, elem_id="clip"
                )
                examples = example_buttons()
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
                    [(f"{metres:g} m", f"{metres:g}") for metres in HEIGHTS],
                    label="Height",
                    value="3",
                    elem_id="height",
                )
                # No bounds: an empty box comes as 0, which Gradio would refuse without a word.
                own = gr.Number(label="Own difficulty", info="0: the table's", value=0, step=0.1, elem_id="own")
                dive_note = gr.HTML(dive_sentence(None, "3", None), elem_id="dive-note", apply_default_css=False)
        look = look_panel()
    gr.on(
        [code.change, height.change, own.change],
        dive_sentence,
        [code, height, own],
        dive_note,
        trigger_mode="always_last",
        **quiet,
    )
    for button, example in examples:
        button.click(chosen_example(example), outputs=[clip, code, height, own], **quiet)
    return Inputs(panel, clip, clip_note, code, height, own, dive_note, look)


def example_buttons() -> list[tuple[gr.Button, ExampleClip]]:
    """Adds a button for each bundled example clip."""
    here = [example for example in EXAMPLES if example.path.is_file()]
    if not here:
        return []
    gr.HTML('<p class="fp-hint">No clip at hand? Try a simulated one:</p>', apply_default_css=False)
    with gr.Row(elem_id="examples"):
        return [
            (gr.Button(example.title, size="sm", min_width=130, elem_id=f"example-{example.name}"), example)
            for example in here
        ]


def chosen_example(example: ExampleClip):
    """What a click on the example's button puts into clip, number, height and own difficulty."""

    def choose() -> tuple:
        return str(example.path), example.code, f"{example.height:g}", 0

    return choose


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
