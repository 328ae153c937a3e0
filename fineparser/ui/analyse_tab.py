"""The Analyse tab: from a clip to a score and the reasons for it."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr

from fineparser.analysis.auto_trim import TrimProposal
from fineparser.analysis.clip_scan import ClipScan
from fineparser.domain.difficulty import parse_height
from fineparser.ui.analysis_service import AnalysisRequest, AnalysisService
from fineparser.ui.background_tasks import TaskResult, TaskRunner
from fineparser.ui.components import (
    EventValues,
    Updates,
    all_components,
    error_html,
    error_text,
    progress_html,
    progress_update,
    read_values,
    value_components,
)
from fineparser.ui.controls import Controls, add_controls
from fineparser.ui.input_panel import DiveValues, InputPanel, add_input_panel, clip_html, scan_upload
from fineparser.ui.player import copy_to_cache
from fineparser.ui.results_panel import ResultsPanel, add_results_panel, connect_results, report_updates
from fineparser.ui.settings import NETWORK_QUEUE, SCAN_QUEUE
from fineparser.ui.trim_panel import TrimPanel, TrimValues, changed_proposal, proposal_updates
from fineparser.ui.visitor_exemplars import ExemplarSourceControls, VisitorExemplars


def analyse_tab(service: AnalysisService, tasks: TaskRunner, exemplars: ExemplarSourceControls) -> gr.State:
    """Add the tab's components and events to the page that is being built.

    Args:
        service: analyses clips.
        tasks: runs long work.
        exemplars: the exemplars that vote.

    Returns:
        The last `DiveReport` of the visitor, or None.
    """
    inputs = add_input_panel()
    controls = add_controls("Analyse", "analyse")
    results = add_results_panel()
    connect_upload(inputs, service, tasks)
    connect_results(results, tasks)

    # Not named `analyse`: Gradio derives the name of an endpoint from a handler, and the API has that one.
    def run_analysis(event: EventValues) -> Iterator[Updates]:
        try:
            request = read_request(inputs, exemplars, event)
            yield from analysis_updates(request, service, tasks, inputs, controls, results)
        except ValueError as error:
            yield controls.finished(error_html(error_text(error)))

    controls.connect(
        run_analysis,
        {
            *(inputs.clip, inputs.trim.scan, inputs.trim.proposal),
            *value_components(DiveValues, inputs.dive),
            *value_components(TrimValues, inputs.trim),
            *value_components(VisitorExemplars, exemplars),
        },
        [inputs.accordion, *all_components(results)],
    )
    return results.report


def connect_upload(inputs: InputPanel, service: AnalysisService, tasks: TaskRunner) -> None:
    """Connect the upload of a clip: it is scanned, and trim and crop are proposed."""
    trim = inputs.trim

    def clear() -> Updates:
        empty: Updates = dict.fromkeys((trim.scan, trim.proposal, trim.first, trim.last))
        return empty | {inputs.clip_note: "", trim.strip: ""}

    def scan(event: EventValues) -> Updates:
        scanned, note = scan_with_note(event[inputs.clip])
        return {trim.scan: scanned, inputs.clip_note: note}

    def propose(event: EventValues) -> Updates:
        return propose_updates(trim, service, tasks, event[trim.scan], event[trim.unit])

    inputs.clip.change(
        clear,
        outputs=[trim.scan, trim.proposal, trim.first, trim.last, inputs.clip_note, trim.strip],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    ).then(
        scan,
        {inputs.clip},
        [trim.scan, inputs.clip_note],
        concurrency_id=SCAN_QUEUE,
        concurrency_limit=2,
        show_progress_on=inputs.clip_note,
        api_visibility="private",
    ).success(
        propose,
        {trim.scan, trim.unit},
        [trim.proposal, trim.strip, trim.first, trim.last, trim.crop, trim.centre_x, trim.centre_y, trim.size],
        concurrency_limit=1,
        concurrency_id=NETWORK_QUEUE,
        show_progress_on=trim.strip,
        api_visibility="private",
    )


def scan_with_note(path: str | None) -> tuple[ClipScan | None, str]:
    """The scan of an upload and a line about it; without a scan the line is the error."""
    if path is None:
        return None, ""
    try:
        scan = scan_upload(path)
    except ValueError as error:
        return None, error_html(error_text(error))
    return scan, clip_html(scan)


def propose_updates(
    trim: TrimPanel, service: AnalysisService, tasks: TaskRunner, scan: ClipScan | None, unit: str
) -> Updates:
    """Updates that show the proposed trim and crop; an error in place of the strip where there is none."""
    if scan is None:
        return {trim.proposal: None}
    try:
        for event in tasks.run(lambda progress: service.propose(AnalysisRequest(clip=scan), progress)):
            if isinstance(event, TaskResult):
                return proposal_updates(trim, event.value, unit)
    except ValueError as error:
        return {trim.proposal: None, trim.strip: error_html(error_text(error))}
    raise RuntimeError("the proposal of a trim ended without a result")


def read_request(inputs: InputPanel, exemplars: ExemplarSourceControls, event: EventValues) -> AnalysisRequest:
    """The request of the user; ValueError if something is missing or impossible."""
    path: str | None = event[inputs.clip]
    scan: ClipScan | None = event[inputs.trim.scan]
    proposal: TrimProposal | None = event[inputs.trim.proposal]
    dive = read_values(DiveValues, inputs.dive, event)
    visitor = read_values(VisitorExemplars, exemplars, event)
    if path is None:
        raise ValueError("Upload a clip of a dive first.")
    if not Path(path).is_file():
        raise ValueError("This clip could not be used and was deleted: upload another one.")
    if scan is None or str(scan.info.path) != str(path):
        scan = scan_upload(path)
    if proposal is not None and proposal.scan.info == scan.info:
        proposal = changed_proposal(proposal, read_values(TrimValues, inputs.trim, event))
    else:
        proposal = None
    return AnalysisRequest(
        clip=scan,
        code=dive.code.strip() if dive.code and dive.code.strip() else None,
        height=f"{parse_height(dive.height):g}" if dive.height else None,
        difficulty=dive.difficulty or None,
        proposal=proposal,
        exemplars=replace(visitor, sources=tuple(visitor.sources or ())),
    )


def analysis_updates(
    request: AnalysisRequest,
    service: AnalysisService,
    tasks: TaskRunner,
    inputs: InputPanel,
    controls: Controls,
    results: ResultsPanel,
) -> Iterator[Updates]:
    """Run an analysis: its progress, the result as soon as it is there, the files last."""
    # Gradio copies what is handed out before this goes on; the folder is deleted when it ends, however it ends.
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        folder = Path(name)
        for event in tasks.run(lambda progress: service.analyse_for_viewer(request, folder, progress)):
            if isinstance(event, TaskResult):
                report, clip = event.value
            else:
                yield {controls.status: progress_update(event)}
        # The viewer needs the clip again whenever another exemplar is chosen.
        clip = replace(clip, path=copy_to_cache(clip.path))
        yield {
            inputs.accordion: gr.Accordion(open=False, label=f"Your dive: {report.info.path.name}"),
            **report_updates(results, report, clip),
            controls.status: progress_html("Writing the downloads", 0.8),
        }
        for written in tasks.run(lambda progress: service.write_files(report, folder / "results", progress)):
            if isinstance(written, TaskResult):
                buttons = [gr.DownloadButton(value=str(file), interactive=True) for file in written.value]
                yield controls.finished("") | dict(zip(results.files, buttons, strict=True))
            else:
                yield {controls.status: progress_update(written)}
