"""The Inspect tab: the intermediate outputs of the network for one dive, compared with its labels."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from fineparser.analysis.inspection import Inspection
from fineparser.analysis.report import DiveReport
from fineparser.bundled import bundled
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.exemplars.voting_result import PHASES
from fineparser.progress import Progress
from fineparser.rendering import inspection_charts as charts
from fineparser.ui import inspect_view as view
from fineparser.ui.background_tasks import TaskResult, TaskRunner
from fineparser.ui.components import (
    EventValues,
    Updates,
    all_components,
    error_html,
    error_text,
    note_html,
    progress_html,
    progress_update,
    read_values,
    value_components,
    warning_html,
)
from fineparser.ui.controls import Controls, add_controls
from fineparser.ui.inspection_service import INSPECTION_FILE, MAX_PROBLEMS, InspectionService, list_labelled_dives
from fineparser.ui.results_panel import exemplar_choices
from fineparser.ui.settings import SCAN_QUEUE

LAST, LABELLED = "Last analysed dive", "Labelled dive"
NO_REPORT = "No dive has been analysed in this visit: analyse one first."
EXPIRED = "This inspection has expired: inspect the dive again."
INSPECTION_SECONDS = 3600
"""Lifetime of an inspection, which takes twenty megabytes a visit."""
MEAN_OF_HEADS = "mean"

INTRODUCTION = """
Intermediate outputs of the network for one dive: masks at every depth, agreement of the windows, both rules for the
transitions, features, attention and tokens. A labelled dive is compared with its labels.
"""

UPLOAD_HELP = """
A zip of a clip folder (clips, masks and a `dives.csv`, as on the Train tab) or of some dives of FineDiving.
The dive is trimmed to its labelled frames and cropped to the centre of the frame, as in the evaluation.
"""


@dataclass(frozen=True, kw_only=True)
class SubjectPanel:
    """Components that choose the dive to inspect."""

    source: gr.Radio
    last: gr.Column
    last_note: gr.HTML
    exemplar: gr.Dropdown
    labelled: gr.Column
    files: gr.File
    files_note: gr.HTML
    dive: gr.Dropdown


@dataclass(frozen=True, kw_only=True)
class SubjectValues:
    """The choice of the user."""

    source: str
    exemplar: str | None
    files: list[str] | None
    dive: str | None


@dataclass(frozen=True, kw_only=True)
class InspectionPanel:
    """Components that show an inspection."""

    column: gr.Column
    summary: gr.HTML
    metrics: gr.HTML
    frame: gr.Slider
    images: gr.HTML
    legend: gr.HTML
    transitions: gr.Plot
    agreement: gr.Plot
    entry_column: gr.Column
    entry: gr.HTML
    entry_table: gr.HTML
    exemplar_column: gr.Column
    similarity: gr.Plot
    tokens: gr.Plot
    contributions: gr.HTML
    branch: gr.Radio
    layer: gr.Dropdown
    head: gr.Dropdown
    attention: tuple[gr.Plot, ...]
    """One per phase."""
    file: gr.DownloadButton
    inspection: gr.State


@dataclass(frozen=True, kw_only=True)
class AttentionValues:
    """The attention map to show."""

    branch: str
    layer: int
    head: str


def inspect_tab(service: InspectionService, tasks: TaskRunner, tab: gr.Tab, report: gr.State) -> None:
    """Add the tab's components and events to the page that is being built.

    Args:
        service: inspects dives.
        tasks: runs long work.
        tab: the tab that is being built.
        report: the visitor's last `DiveReport`, or None.
    """
    gr.Markdown(INTRODUCTION)
    subject = add_subject_panel()
    controls = add_controls("Inspect", "inspect")
    panel = add_inspection_panel()
    connect_subject(subject, tab, report)
    connect_inspection(panel)

    # Not named `inspect`: Gradio derives the name of an endpoint from a handler, and the API has that one.
    def run_inspection(event: EventValues) -> Iterator[Updates]:
        values = read_values(SubjectValues, subject, event)
        yield from inspection_updates(service, tasks, controls, panel, values, event[report])

    controls.connect(run_inspection, {report, *value_components(SubjectValues, subject)}, all_components(panel))


def add_subject_panel() -> SubjectPanel:
    """Add the components that choose the dive."""
    with gr.Column(elem_id="inspect-subject"):
        source = gr.Radio([LAST, LABELLED], value=LAST, show_label=False, container=True, elem_id="inspect-source")
        with gr.Column() as last:
            last_note = gr.HTML(note_html(NO_REPORT), apply_default_css=False, elem_id="inspect-last")
            exemplar = gr.Dropdown([], label="Exemplar", visible=False, elem_id="inspect-exemplar")
        with gr.Column(visible=False) as labelled:
            gr.Markdown(UPLOAD_HELP)
            files = gr.File(label="Labelled clips", file_count="multiple", height=130)
            files_note = gr.HTML(apply_default_css=False, elem_id="inspect-files-note")
            dive = gr.Dropdown([], label="Dive", visible=False, elem_id="inspect-dive")
    return SubjectPanel(
        source=source,
        last=last,
        last_note=last_note,
        exemplar=exemplar,
        labelled=labelled,
        files=files,
        files_note=files_note,
        dive=dive,
    )


def connect_subject(panel: SubjectPanel, tab: gr.Tab, report: gr.State) -> None:
    """Connect the events inside the panel, and the arrival on the tab."""

    def show_last(event: EventValues) -> Updates:
        note, exemplar = last_dive(event[report])
        return {panel.last_note: note, panel.exemplar: exemplar}

    def show_source(source: str) -> Updates:
        return {
            panel.last: gr.Column(visible=source == LAST),
            panel.labelled: gr.Column(visible=source == LABELLED),
        }

    def show_files(files: list[str] | None) -> Updates:
        dive, note = labelled_dives(files)
        return {panel.dive: dive, panel.files_note: note}

    tab.select(
        show_last,
        {report},
        [panel.last_note, panel.exemplar],
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )
    panel.source.change(
        show_source,
        panel.source,
        [panel.last, panel.labelled],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    panel.files.change(
        show_files,
        panel.files,
        [panel.dive, panel.files_note],
        concurrency_id=SCAN_QUEUE,
        concurrency_limit=2,
        show_progress_on=panel.files_note,
        api_visibility="private",
    )


def last_dive(report: DiveReport | None) -> tuple[str, gr.Dropdown]:
    """A line about the last analysed dive, and the choice of the exemplar to compare it with."""
    if report is None:
        return note_html(NO_REPORT), gr.Dropdown(choices=[], value=None, visible=False)
    name = report.info.path.name
    if report.dive_code is not None:
        name += f", {report.dive_code} from {report.height:g} m"
    exemplars = exemplar_choices(report)
    return note_html(name), gr.Dropdown(choices=exemplars, value=report.exemplar, visible=bool(exemplars))


def labelled_dives(files: list[str] | None) -> tuple[gr.Dropdown, str]:
    """The choice among the labelled dives in an upload, and its problems as HTML."""
    if not files:
        return gr.Dropdown(choices=[], value=None, visible=False), ""
    dives = list_labelled_dives(files)
    line = warning_html if dives.choices else error_html
    lines = [line(text) for text in dives.problems[:MAX_PROBLEMS]]
    if (more := len(dives.problems) - MAX_PROBLEMS) > 0:
        lines.append(note_html(f"{more} more were left out."))
    first = dives.choices[0][1] if dives.choices else None
    return gr.Dropdown(choices=list(dives.choices), value=first, visible=bool(dives.choices)), "".join(lines)


def add_inspection_panel() -> InspectionPanel:
    """Add the components that show an inspection, hidden until there is one."""
    with gr.Column(visible=False, elem_id="inspection") as column:
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                summary = gr.HTML(elem_id="inspect-summary", apply_default_css=False)
            with gr.Column(scale=2, min_width=320):
                metrics = gr.HTML(elem_id="inspect-metrics", apply_default_css=False)
        gr.Markdown("### Frame by frame\nTap a curve below to go to its frame.")
        frame = gr.Slider(0, CLIP_FRAMES - 1, value=0, step=1, label="Sample", elem_id="inspect-frame")
        script = bundled("assets/inspect.js").read_text(encoding="utf-8")
        images = gr.HTML(js_on_load=script, elem_id="inspect-images", apply_default_css=False)
        legend = gr.HTML(apply_default_css=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                gr.Markdown("### Transitions\nProbabilities that flight and entry begin, and the frames by both rules.")
                transitions = gr.Plot(show_label=False, container=False, elem_id="inspect-transitions")
            with gr.Column(scale=1, min_width=320):
                gr.Markdown("### Masks over time\nAgreement of the 16-frame windows where they overlap.")
                agreement = gr.Plot(show_label=False, container=False, elem_id="inspect-agreement")
        with gr.Column() as entry_column:
            gr.Markdown("### Entry\nStabilised frames and their segmentation; samples count from the entry's first.")
            entry = gr.HTML(elem_id="inspect-entry", apply_default_css=False)
            entry_table = gr.HTML(elem_id="inspect-entry-table", apply_default_css=False)
        with gr.Column() as exemplar_column:
            with gr.Row(equal_height=False):
                with gr.Column(scale=1, min_width=320):
                    gr.Markdown("### Similarity to the exemplar\nCosine similarity of dynamic features, 1 if equal.")
                    similarity = gr.Plot(show_label=False, container=False, elem_id="inspect-similarity")
                with gr.Column(scale=1, min_width=320):
                    gr.Markdown("### Tokens\nScore difference predicted by each token; a line is a phase's mean.")
                    tokens = gr.Plot(show_label=False, container=False, elem_id="inspect-tokens")
                    contributions = gr.HTML(apply_default_css=False)
            gr.Markdown("### Cross-attention\nWeights from each token of the dive to the exemplar's tokens.")
            with gr.Row():
                branch = gr.Radio(list(charts.BRANCHES), value=charts.BRANCHES[0], label="Branch", min_width=200)
                layer = gr.Dropdown([1], value=1, label="Layer", min_width=120)
                head = gr.Dropdown([MEAN_OF_HEADS], value=MEAN_OF_HEADS, label="Head", min_width=120)
            with gr.Row():
                attention = []
                for phase in PHASES:
                    with gr.Column(scale=1, min_width=280):
                        attention.append(
                            gr.Plot(show_label=False, container=False, elem_id=f"inspect-attention-{phase}")
                        )
        gr.Markdown("### Downloads")
        file = gr.DownloadButton("All arrays (NPZ)", interactive=False, elem_id="inspect-file")
        with gr.Accordion("Arrays in the file", open=False):
            gr.HTML(view.arrays_table(), elem_id="inspect-contents", apply_default_css=False)
        inspection = gr.State(None, time_to_live=INSPECTION_SECONDS)
    return InspectionPanel(
        column=column,
        summary=summary,
        metrics=metrics,
        frame=frame,
        images=images,
        legend=legend,
        transitions=transitions,
        agreement=agreement,
        entry_column=entry_column,
        entry=entry,
        entry_table=entry_table,
        exemplar_column=exemplar_column,
        similarity=similarity,
        tokens=tokens,
        contributions=contributions,
        branch=branch,
        layer=layer,
        head=head,
        attention=tuple(attention),
        file=file,
        inspection=inspection,
    )


def connect_inspection(panel: InspectionPanel) -> None:
    """Connect the choice of a frame and of an attention map."""
    attention: list[Block] = list(panel.attention)

    def show_frame(event: EventValues) -> str:
        return view.frame_html(require_inspection(event[panel.inspection]), int(event[panel.frame]))

    def show_attention(event: EventValues) -> Updates:
        values = read_values(AttentionValues, panel, event)
        return attention_updates(panel, require_inspection(event[panel.inspection]), values)

    # "seek" is an event of inspect.js.
    panel.images.seek(  # type: ignore[attr-defined]
        clicked_frame, outputs=panel.frame, queue=False, show_progress="hidden", api_visibility="private"
    )
    panel.frame.change(
        show_frame,
        {panel.inspection, panel.frame},
        panel.images,
        trigger_mode="always_last",
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )
    gr.on(
        [panel.branch.input, panel.layer.input, panel.head.input],
        show_attention,
        {panel.inspection, *value_components(AttentionValues, panel)},
        attention,
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )


def inspection_updates(
    service: InspectionService,
    tasks: TaskRunner,
    controls: Controls,
    panel: InspectionPanel,
    values: SubjectValues,
    report: DiveReport | None,
) -> Iterator[Updates]:
    """Run an inspection: its progress, the result as soon as it is there, the file last."""

    def work(progress: Progress) -> Inspection:
        if values.source == LABELLED:
            if not values.files or not values.dive:
                raise ValueError("Upload a labelled dive first and choose it.")
            return service.inspect_labelled(values.files, values.dive, progress)
        if report is None:
            raise ValueError(NO_REPORT)
        # The list may still show the exemplars of the previous dive.
        voted = any(vote.exemplar == values.exemplar for vote in report.votes)
        return service.inspect_report(report, values.exemplar if voted else None, progress)

    try:
        for event in tasks.run(work):
            if isinstance(event, TaskResult):
                inspection = event.value
            else:
                yield {controls.status: progress_update(event)}
        yield show_updates(panel, inspection) | {controls.status: progress_html("Writing the arrays", 0.9)}
        with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
            path = inspection.save(Path(folder) / INSPECTION_FILE)
            yield controls.finished("") | {panel.file: gr.DownloadButton(value=str(path), interactive=True)}
    except ValueError as error:
        yield controls.finished(error_html(error_text(error)))


def show_updates(panel: InspectionPanel, inspection: Inspection) -> Updates:
    """Updates that show an inspection, at the first frame of the flight."""
    frame, comparison = inspection.transitions[0], inspection.comparison
    layers, heads = (1, 1) if comparison is None else comparison.attention[0].shape[1:3]
    branches = list(charts.BRANCHES[: 1 if comparison is None else len(comparison.attention)])
    attention = AttentionValues(branch=branches[0], layer=layers, head=MEAN_OF_HEADS)
    return {
        panel.column: gr.Column(visible=True),
        panel.summary: view.summary_html(inspection),
        panel.metrics: view.metrics_table(inspection),
        panel.frame: gr.Slider(maximum=len(inspection.frames) - 1, value=frame),
        panel.images: view.frame_html(inspection, frame),
        panel.legend: view.legend_html(inspection),
        panel.transitions: charts.transition_figure(inspection),
        panel.agreement: charts.agreement_figure(inspection),
        panel.entry_column: gr.Column(visible=inspection.entry is not None),
        panel.entry: view.entry_html(inspection),
        panel.entry_table: view.entry_table(inspection),
        panel.exemplar_column: gr.Column(visible=comparison is not None),
        panel.similarity: charts.similarity_figure(inspection),
        panel.tokens: charts.token_figure(inspection),
        panel.contributions: view.contributions_table(inspection),
        panel.branch: gr.Radio(choices=branches, value=branches[0]),
        panel.layer: gr.Dropdown(choices=list(range(1, layers + 1)), value=layers),
        panel.head: gr.Dropdown(choices=[MEAN_OF_HEADS, *map(str, range(1, heads + 1))], value=MEAN_OF_HEADS),
        panel.file: gr.DownloadButton(value=None, interactive=False),
        panel.inspection: inspection,
        **attention_updates(panel, inspection, attention),
    }


def attention_updates(panel: InspectionPanel, inspection: Inspection, values: AttentionValues) -> Updates:
    """Updates that show another attention map."""
    head = None if values.head == MEAN_OF_HEADS else int(values.head) - 1
    return {
        plot: charts.attention_figure(inspection, phase, values.branch, values.layer - 1, head)
        for phase, plot in enumerate(panel.attention)
    }


def clicked_frame(click: gr.EventData) -> int:
    """The sample that was clicked in one of the figures."""
    return min(max(int(getattr(click, "frame", 0)), 0), CLIP_FRAMES - 1)


def require_inspection(inspection: Inspection | None) -> Inspection:
    """The inspection; gr.Error if it has expired."""
    if inspection is None:
        raise gr.Error(EXPIRED)
    return inspection
