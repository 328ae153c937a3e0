"""The Inspect tab: a researcher sees what the network saw, and where it is wrong."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.analysis.inspection import Inspection
from fineparser.analysis.report import PHASES, DiveReport
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.rendering import inspection_charts as charts
from fineparser.ui import inspect_view as view
from fineparser.ui.controls import Controls, control_parts
from fineparser.ui.inspect_choice import LABELLED, LAST, NO_DIVE, choice_events, choice_parts
from fineparser.ui.inspecting import Inspecting
from fineparser.ui.status_line import progress_bar, told
from fineparser.ui.steps import Outcome, Workbench
from fineparser.ui.upload import plain_sentence, problem

ASSETS = Path(__file__).parents[2] / "assets"
FILE = "inspection.npz"
KEEP_SECONDS = 3600
"""What was found goes after so long: it is twenty megabytes a visit."""
MEAN_OF_HEADS = "mean of all"
PRIVATE = {"api_visibility": "private"}
QUICK = PRIVATE | {"show_progress": "hidden", "concurrency_limit": 4}

WHAT = """
What the network sees and thinks of one dive, for researchers: masks of every depth, agreement of the windows, both
rules for the switches, features, attention and single tokens beside an exemplar. With labels, the truth beside it.
"""


@dataclass(frozen=True)
class Findings:
    """The parts that show an inspection."""

    column: gr.Column
    summary: gr.HTML
    metrics: gr.HTML
    frame: gr.Slider
    pictures: gr.HTML
    legend: gr.HTML
    transitions: gr.Plot
    agreement: gr.Plot
    entry_parts: gr.Column
    entry: gr.HTML
    entry_readings: gr.HTML
    exemplar_parts: gr.Column
    similarity: gr.Plot
    tokens: gr.Plot
    deltas: gr.HTML
    branch: gr.Radio
    layer: gr.Dropdown
    head: gr.Dropdown
    attention: tuple[gr.Plot, ...]
    """One a phase."""
    file: gr.DownloadButton
    inspection: gr.State


def inspect_tab(
    inspecting: Inspecting, workbench: Workbench, concurrency_id: str, tab: gr.Tab, report: gr.State
) -> None:
    """Adds the tab's parts and events to the page that is being built.

    Args:
        inspecting: does the work.
        workbench, concurrency_id: shared with everything else that fills the processor.
        tab: that this is in.
        report: the visitor's last `DiveReport`, or None.
    """
    gr.Markdown(WHAT)
    choice = choice_parts()
    controls = control_parts("Inspect", "inspect")
    found = finding_parts()
    choice_events(choice, tab, report)

    def run(*values: object) -> Iterator[dict]:
        yield from inspect(inspecting, workbench, controls, found, *values)

    shown = [value for value in vars(found).values() if not isinstance(value, tuple)]
    controls.begin(
        run,
        [choice.source, report, choice.exemplar, choice.files, choice.dive],
        [*shown, *found.attention],
        concurrency_id,
    )
    found.pictures.leaf(touched, outputs=found.frame, queue=False, show_progress="hidden", **PRIVATE)
    found.frame.change(leaf, [found.inspection, found.frame], found.pictures, trigger_mode="always_last", **QUICK)
    for part in (found.branch, found.layer, found.head):
        part.input(attend, [found.inspection, found.branch, found.layer, found.head], list(found.attention), **QUICK)


def finding_parts() -> Findings:
    """Adds the parts that show an inspection, hidden until there is one."""
    plot = {"show_label": False, "container": False}
    html = {"apply_default_css": False}
    with gr.Column(visible=False, elem_id="findings") as column:
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                summary = gr.HTML(elem_id="inspect-summary", **html)
            with gr.Column(scale=2, min_width=320):
                metrics = gr.HTML(elem_id="inspect-metrics", **html)
        gr.Markdown("### Frame by frame\nAs the network saw it. Touch a curve below to go to its frame.")
        frame = gr.Slider(0, CLIP_FRAMES - 1, value=0, step=1, label="Sampled frame", elem_id="inspect-frame")
        script = (ASSETS / "inspect.js").read_text(encoding="utf-8")
        pictures = gr.HTML(js_on_load=script, elem_id="inspect-pictures", **html)
        legend = gr.HTML(**html)
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                gr.Markdown("### Switches\nThe probability that flight and entry begin, and what either rule reads.")
                transitions = gr.Plot(elem_id="inspect-transitions", **plot)
            with gr.Column(scale=1, min_width=320):
                gr.Markdown("### Masks over time\nNine windows of 16 frames overlap by six: do they agree there?")
                agreement = gr.Plot(elem_id="inspect-agreement", **plot)
        with gr.Column() as entry_parts:
            gr.Markdown(
                "### The entry\nAs filmed, the camera's motion taken out, and as it is drawn: what its faults cost is "
                "read off the drawing. Samples are counted from the entry's first."
            )
            entry = gr.HTML(elem_id="inspect-entry", **html)
            entry_readings = gr.HTML(elem_id="inspect-entry-readings", **html)
        with gr.Column() as exemplar_parts:
            with gr.Row(equal_height=False):
                with gr.Column(scale=1, min_width=320):
                    gr.Markdown("### Beside the exemplar\nCosine of what the dynamic branch compares, 1 where alike.")
                    similarity = gr.Plot(elem_id="inspect-similarity", **plot)
                with gr.Column(scale=1, min_width=320):
                    gr.Markdown("### Token by token\nThe difference that each token sees; a line is a phase's mean.")
                    tokens = gr.Plot(elem_id="inspect-tokens", **plot)
                    deltas = gr.HTML(**html)
            gr.Markdown("### Cross-attention\nWhat each token of the dive takes from each of the exemplar's.")
            with gr.Row():
                branch = gr.Radio(list(charts.BRANCHES), value=charts.BRANCHES[0], label="Branch", min_width=200)
                layer = gr.Dropdown([1], value=1, label="Layer", min_width=120)
                head = gr.Dropdown([MEAN_OF_HEADS], value=MEAN_OF_HEADS, label="Head", min_width=120)
            with gr.Row():
                attention = []
                for phase in PHASES:
                    with gr.Column(scale=1, min_width=280):
                        attention.append(gr.Plot(elem_id=f"inspect-attention-{phase}", **plot))
        gr.Markdown("### To take home")
        file = gr.DownloadButton("Everything as arrays (NPZ)", interactive=False, elem_id="inspect-file")
        with gr.Accordion("What is in the file", open=False):
            gr.HTML(view.contents(), elem_id="inspect-contents", **html)
        inspection = gr.State(None, time_to_live=KEEP_SECONDS)
    return Findings(
        *(column, summary, metrics, frame, pictures, legend, transitions, agreement, entry_parts, entry),
        *(
            entry_readings,
            exemplar_parts,
            similarity,
            tokens,
            deltas,
            branch,
            layer,
            head,
            tuple(attention),
            file,
            inspection,
        ),
    )


def inspect(
    inspecting: Inspecting,
    workbench: Workbench,
    controls: Controls,
    found: Findings,
    source: str,
    report: DiveReport | None,
    exemplar: str | None,
    files: list[str] | None,
    dive: str | None,
) -> Iterator[dict]:
    """The inspection step by step: what is being done, what was found, the file last."""
    try:
        if source == LABELLED and not (files and dive):
            raise ValueError("Hand over a labelled dive first, and choose it.")
        if source == LAST and report is None:
            raise ValueError(NO_DIVE)

        def work(progress):
            if source == LABELLED:
                return inspecting.labelled(files, dive, progress)
            # The list may still show the exemplars of the dive before.
            voted = report.votes and any(vote.exemplar == exemplar for vote in report.votes)
            return inspecting.report(report, exemplar if voted else None, progress)

        for news in workbench.steps(work):
            if isinstance(news, Outcome):
                inspection = news.value
            else:
                yield {controls.status: told(news)}
        yield show(found, inspection) | {controls.status: progress_bar("Writing the arrays", 0.9)}
        with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
            path = inspection.save(Path(folder) / FILE)
            yield controls.ended("") | {found.file: gr.DownloadButton(value=str(path), interactive=True)}
    except ValueError as error:
        yield controls.ended(problem(plain_sentence(error)))


def show(found: Findings, inspection: Inspection) -> dict:
    """An inspection in the parts that show it, at the first frame of the flight."""
    frame, pairing = inspection.transitions[0], inspection.pairing
    layers, heads = (1, 1) if pairing is None else pairing.attention[0].shape[1:3]
    last = len(inspection.frames) - 1
    branches = list(charts.BRANCHES[: 1 if pairing is None else len(pairing.attention)])
    return {
        found.column: gr.Column(visible=True),
        found.summary: view.summary(inspection),
        found.metrics: view.metrics(inspection),
        found.frame: gr.Slider(maximum=last, value=frame),
        found.pictures: view.frame_panel(inspection, frame),
        found.legend: view.legend(inspection),
        found.transitions: charts.transitions(inspection),
        found.agreement: charts.mask_agreement(inspection),
        found.entry_parts: gr.Column(visible=inspection.entry is not None),
        found.entry: view.entry(inspection),
        found.entry_readings: view.entry_readings(inspection),
        found.exemplar_parts: gr.Column(visible=pairing is not None),
        found.similarity: charts.similarity(inspection),
        found.tokens: charts.tokens(inspection),
        found.deltas: view.deltas(inspection),
        found.branch: gr.Radio(choices=branches, value=branches[0]),
        found.layer: gr.Dropdown(choices=list(range(1, layers + 1)), value=layers),
        found.head: head_choice(heads),
        found.file: gr.DownloadButton(value=None, interactive=False),
        found.inspection: inspection,
        **{
            plot: charts.attention(inspection, phase, branches[0], layers - 1)
            for phase, plot in enumerate(found.attention)
        },
    }


def head_choice(heads: int) -> gr.Dropdown:
    """The heads to choose from, their mean first."""
    return gr.Dropdown(choices=[MEAN_OF_HEADS, *map(str, range(1, heads + 1))], value=MEAN_OF_HEADS)


def touched(event: gr.EventData) -> int:
    """The frame that was touched in one of the figures; it tells with `leaf`."""
    return min(max(int(event._data.get("frame", 0)), 0), CLIP_FRAMES - 1)


def leaf(inspection: Inspection | None, frame: float) -> str:
    """The pictures of another frame."""
    return view.frame_panel(there(inspection), int(frame))


def attend(inspection: Inspection | None, branch: str, layer: int, head: str) -> tuple:
    """The attention of another branch, layer or head."""
    one = None if head == MEAN_OF_HEADS else int(head) - 1
    return tuple(charts.attention(there(inspection), phase, branch, layer - 1, one) for phase in range(3))


def there(inspection: Inspection | None) -> Inspection:
    """The inspection, unless it is gone."""
    if inspection is None:
        raise gr.Error("What was found is gone after so long a time: inspect the dive again.")
    return inspection
