"""The form with which a judged dive of one's own becomes an exemplar."""

from collections.abc import Iterator
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr
from gradio.events import Dependency

from fineparser.exemplars.electorate import Progress
from fineparser.exemplars.judged import Judged
from fineparser.exemplars.own_exemplars import OwnExemplars
from fineparser.exemplars.panel_scale import LEAST_JUDGED
from fineparser.domain.difficulty import HEIGHTS
from fineparser.ui.analysis import Analysis
from fineparser.ui.controls import Controls
from fineparser.ui.exemplar_shelf import own_exemplars, titled
from fineparser.ui.inputs import dive_choices
from fineparser.ui.public import is_public
from fineparser.ui.status_line import note, told, warning
from fineparser.ui.steps import Outcome, Workbench, on_zero_gpu, with_gpu
from fineparser.ui.upload import plain_sentence, problem

FROM_SOME_ON = (
    f"; {LEAST_JUDGED} and more tell how your judges' scale differs, and weights that have learnt from simulated dives "
    "alone tell every score on that"
)


def own_dive_form(analysis: Analysis, workbench: Workbench, concurrency_id: str, folder: gr.State) -> Dependency:
    """Adds the form; `folder` holds what a visitor of a public page added. Gives the event that may add one."""
    with gr.Accordion("Add a judged dive of your own", open=False, elem_id="add-exemplar"):
        gr.HTML(f'<p class="fp-lead">{escape(kept_where())}</p>', apply_default_css=False)
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                clip = gr.Video(
                    label="Clip of one dive", sources=["upload", "webcam"], include_audio=True, elem_id="own-clip"
                )
            with gr.Column(scale=3, min_width=300):
                code = gr.Dropdown(
                    dive_choices(),
                    label="Dive number",
                    info="Type to search, by number or by words.",
                    value=None,
                    allow_custom_value=True,
                    elem_id="own-code",
                )
                height = gr.Radio(
                    [(f"{metres:g} m", f"{metres:g}") for metres in HEIGHTS],
                    label="Height",
                    value="3",
                    elem_id="own-height",
                )
                with gr.Row():
                    # No bounds: an empty box comes as 0, which Gradio would refuse without a word.
                    score = gr.Number(
                        label="Score", info="The total it was given.", value=None, min_width=140, elem_id="own-score"
                    )
                    own = gr.Number(label="Own difficulty", info="0: the table's.", value=0, step=0.1, min_width=140)
                name = gr.Textbox(label="Name", placeholder="Whose dive, which meet", max_length=80, elem_id="own-name")
        controls = Controls(
            gr.Button("Add this dive", variant="primary", elem_id="add-own"),
            gr.HTML(elem_id="add-status", min_height=20, apply_default_css=False),
        )
    on_gpu = with_gpu(lambda *what: add(analysis, *what, lambda name, done: None))

    def work(own_ones: OwnExemplars, path: str, said: tuple, progress: Progress) -> str:
        if on_zero_gpu():
            progress("Encoding the dive on the GPU", 0.1)
            return on_gpu(own_ones, path, said)
        return add(analysis, own_ones, path, said, progress)

    def run(path: str | None, kept: str | None, *said: object) -> Iterator[dict]:
        try:
            if path is None:
                raise ValueError("Upload a clip of the judged dive first.")
            own_ones, kept = own_exemplars(kept, adding=True)
            for news in workbench.steps(partial(work, own_ones, path, said)):
                if isinstance(news, Outcome):
                    yield controls.ended(news.value) | {clip: None, folder: kept}
                else:
                    yield {controls.status: told(news), folder: kept}
        except ValueError as error:
            yield controls.ended(problem(plain_sentence(error))) | {folder: kept}

    return controls.begin(run, [clip, folder, code, height, score, own, name], [clip, folder], concurrency_id)


def kept_where() -> str:
    """Where an added dive is kept, and who sees it."""
    if is_public():
        return (
            f"It votes on dives of its number, for you alone{FROM_SOME_ON}. Nobody else sees it, and it is thrown away "
            "when you leave."
        )
    folder = own_exemplars(None)[0].folder
    return f"It votes on dives of its number, without training{FROM_SOME_ON}. It is kept in {folder}."


def add(analysis: Analysis, own: OwnExemplars, path: str, answers: tuple, progress: Progress) -> str:
    """Makes an exemplar of an upload; what to say about it, as HTML."""
    code, height, score, difficulty, name = answers
    # An empty box comes as 0, and a dive that was given nothing tells nothing.
    judged = Judged.of(code and code.strip(), height, score or None, difficulty or None)
    name = (name or "").strip()[:80] or Path(path).name
    exemplar, doubts = own.add(analysis.analyser, path, judged, name=name, progress=progress)
    text = f"{titled(exemplar)} was added and votes from now on."
    return note(text) + "".join(map(warning, doubts))
