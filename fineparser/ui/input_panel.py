"""The inputs of an analysis: the clip, the dive number, the height, the difficulty, the judges, and the trim."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

import gradio as gr

from fineparser.analysis.clip_scan import ClipScan
from fineparser.data.example_clips import EXAMPLES, ExampleClip
from fineparser.domain.difficulty import HEIGHTS, catalogue
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.standards import Standard
from fineparser.exemplars.exemplar import DiveSpec
from fineparser.ui.components import EventValues, Updates, read_values, value_components
from fineparser.ui.dive_list import DiveListPanel, add_dive_list
from fineparser.ui.trim_panel import TrimPanel, add_trim_panel

NUMBER_HELP = "Search by number or name. Empty: phases and masks only."
UNKNOWN_STANDARD = "unknown"
STANDARD_CHOICES = [("I don't know", UNKNOWN_STANDARD), *((one.value.capitalize(), one.value) for one in Standard)]
STANDARD_HELP = "Judges at each standard give other awards. Without an answer the range covers all of them."


@dataclass(frozen=True, kw_only=True)
class DiveInputs:
    """Components that describe a dive."""

    code: gr.Dropdown
    height: gr.Radio
    standard: gr.Radio
    difficulty: gr.Number
    remembered_standard: gr.BrowserState
    """The last answer, which stays in the browser."""


@dataclass(frozen=True, kw_only=True)
class DiveValues:
    """A dive as the user described it; `read_dive` checks it."""

    code: str | None
    height: str | None
    difficulty: float | None
    """0, as Gradio sends an empty box, and None mean the difficulty of the table."""
    standard: str | None = None
    """One of `STANDARD_CHOICES`; None: not known."""


@dataclass(frozen=True, kw_only=True)
class InputPanel:
    """Components of the panel."""

    accordion: gr.Accordion
    clip: gr.Video
    clip_note: gr.HTML
    dive: DiveInputs
    dive_note: gr.HTML
    dives: DiveListPanel
    trim: TrimPanel


def add_input_panel(page: gr.Blocks) -> InputPanel:
    """Add the panel to the page that is being built, with the events that stay inside it."""
    with gr.Accordion("Your dive", open=True, elem_id="inputs") as accordion:
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                clip = add_clip_upload("clip", "Clip of a dive or session")
                examples = add_example_buttons()
                clip_note = gr.HTML(elem_id="clip-note", apply_default_css=False)
            with gr.Column(scale=3, min_width=300):
                dive = DiveInputs(
                    code=add_number_choice("code", NUMBER_HELP),
                    height=add_height_choice("height", None),
                    standard=add_standard_choice("standard"),
                    difficulty=add_difficulty_box("difficulty"),
                    remembered_standard=gr.BrowserState(
                        UNKNOWN_STANDARD, storage_key="fineparser-standard", secret="fineparser"
                    ),
                )
                no_dive = DiveValues(code=None, height=None, difficulty=None)
                dive_note = gr.HTML(dive_html(no_dive), elem_id="dive-note", apply_default_css=False)
        dives = add_dive_list()
        trim = add_trim_panel()

    def describe(event: EventValues) -> str:
        return dive_html(read_values(DiveValues, dive, event))

    gr.on(
        [dive.code.change, dive.height.change, dive.difficulty.change],
        describe,
        value_components(DiveValues, dive),
        dive_note,
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    remember_answer(page, dive.standard, dive.remembered_standard)
    for button, example in examples:
        button.click(
            example_updates(example, clip, dive),
            outputs=[clip, dive.code, dive.height, dive.difficulty],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
    return InputPanel(
        accordion=accordion,
        clip=clip,
        clip_note=clip_note,
        dive=dive,
        dive_note=dive_note,
        dives=dives,
        trim=trim,
    )


def add_clip_upload(name: str, label: str = "Clip of one dive") -> gr.Video:
    """Add the upload of a clip; it is not converted, which would need programs that may be missing.

    assets/clip_upload.js finds it by its class, and lets it take every format.
    """
    return gr.Video(
        label=label, sources=["upload", "webcam"], include_audio=True, elem_id=name, elem_classes="fp-clip-upload"
    )


def add_number_choice(name: str, help_text: str) -> gr.Dropdown:
    """Add the choice of a dive number."""
    return gr.Dropdown(
        dive_choices(),
        label="Dive number",
        info=help_text,
        value=None,
        allow_custom_value=True,
        filterable=True,
        elem_id=name,
    )


def add_height_choice(name: str, chosen: str | None = "3") -> gr.Radio:
    """Add the choice of a board height, in metres; None: of none, for clips that show it themselves."""
    choices = [(f"{metres:g} m", f"{metres:g}") for metres in HEIGHTS]
    return gr.Radio(choices, label="Height", value=chosen, elem_id=name)


def add_standard_choice(name: str) -> gr.Radio:
    """Add the choice of the standard of competition, not known at first."""
    return gr.Radio(STANDARD_CHOICES, label="Who judges?", info=STANDARD_HELP, value=UNKNOWN_STANDARD, elem_id=name)


def remember_answer(page: gr.Blocks, question: gr.Radio, memory: gr.BrowserState) -> None:
    """Keep the answer to a question in the browser, and give it again at the next visit."""
    copy = "(value) => value"
    page.load(None, memory, question, js=copy, queue=False, show_progress="hidden", api_visibility="private")
    question.input(None, question, memory, js=copy, queue=False, show_progress="hidden", api_visibility="private")


def add_difficulty_box(name: str) -> gr.Number:
    """Add the box for a difficulty other than the table's.

    It has no bounds: an empty box is sent as 0, which Gradio would refuse without a message.
    """
    return gr.Number(label="Difficulty", info="0: use the table", value=0, step=0.1, min_width=140, elem_id=name)


def add_example_buttons() -> list[tuple[gr.Button, ExampleClip]]:
    """Add a button for each bundled example clip."""
    examples = [example for example in EXAMPLES if example.path.is_file()]
    if not examples:
        return []
    gr.HTML('<p class="fp-hint">No clip at hand? Try a simulated dive:</p>', apply_default_css=False)
    with gr.Row(elem_id="examples"):
        return [
            (gr.Button(example.title, size="sm", min_width=130, elem_id=f"example-{example.name}"), example)
            for example in examples
        ]


def example_updates(example: ExampleClip, clip: gr.Video, dive: DiveInputs) -> Callable[[], Updates]:
    """Handler of the button of an example: it fills in the clip and the dive."""

    def choose() -> Updates:
        return {
            clip: str(example.path),
            dive.code: example.code,
            dive.height: f"{example.height:g}",
            dive.difficulty: 0,
        }

    return choose


@lru_cache(maxsize=1)
def dive_choices() -> list[tuple[str, str]]:
    """Every dive that has a difficulty at some height, with its name."""
    codes = {code for metres in HEIGHTS for code in catalogue(metres)}
    return [(f"{code}   {code.name}", str(code)) for code in sorted(codes, key=catalogue_order)]


def catalogue_order(code: DiveCode) -> tuple:
    """Sort key: by group, then by rising numbers."""
    return code.group, code.direction, code.flying, code.half_somersaults, code.half_twists, code.position


def read_dive(values: DiveValues) -> DiveSpec | None:
    """The dive that the user described; None without a number.

    Raises:
        ValueError: for a number without a height, and for a number, a height or a difficulty that is impossible.
    """
    if not values.code or not values.code.strip():
        return None
    if not values.height:
        DiveCode.parse(values.code.strip())
        raise ValueError("Choose the height of the board or platform, too.")
    return DiveSpec.from_input(values.code.strip(), values.height, values.difficulty or None)


def known_standard(answer: str | None) -> Standard | None:
    """The standard of competition of an answer to "Who judges?"; None where it is not known."""
    return None if answer in (None, UNKNOWN_STANDARD) else Standard(answer)


def dive_html(values: DiveValues) -> str:
    """The dive in words with its difficulty, or the error in it, as HTML."""
    try:
        dive = read_dive(values)
    except ValueError as error:
        return f'<div class="fp-dive problem" role="alert">{escape(str(error))}</div>'
    if dive is None:
        return '<div class="fp-dive muted">No dive number yet: without one there is no score.</div>'
    label = "difficulty" if dive.difficulty_source == "table" else "your difficulty"
    return (
        f'<div class="fp-dive"><b>{dive.code}</b> {escape(dive.code.name)}, {dive.height:g} m: '
        f"{label} <b>{dive.difficulty:g}</b></div>"
    )


def scan_upload(path: str | Path) -> ClipScan:
    """Scan an uploaded clip.

    Raises:
        VideoError: for a file that cannot be used. It stays where it is, since equal uploads share one path: Gradio
            deletes it by age.
    """
    return ClipScan.from_file(path)


def clip_html(scan: ClipScan) -> str:
    """Size, length and frame rate of a clip, with a warning for a varying rate, as HTML."""
    info = scan.info
    rate = f"{info.fps:.2f}".rstrip("0").rstrip(".")
    lines = [
        f'<div class="fp-note">{info.width} x {info.height}, {info.frame_count} frames, {info.duration:.2f} s, '
        f"{rate} frames per second</div>"
    ]
    if info.variable_frame_rate:
        lines.append('<div class="fp-note warning">The frame rate varies: times come from the file.</div>')
    return "".join(lines)
