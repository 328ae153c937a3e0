"""The Analyse tab: from a clip to a score and the reasons for it."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from fineparser.analysis.auto_trim import TrimProposal
from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.dive_segments import DiveSegment, dive_of_number, live_dives
from fineparser.analysis.report import DiveReport
from fineparser.domain.difficulty import parse_height
from fineparser.progress import Progress
from fineparser.rendering.messages import no_dive_message, plural
from fineparser.ui.analysis_service import DOWNLOADS, AnalysisRequest, AnalysisService
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
from fineparser.ui.dive_list import (
    DiveResult,
    SessionPanel,
    StoredReport,
    add_session_panel,
    list_updates,
    results_updates,
)
from fineparser.ui.dive_suggestion import parse_key
from fineparser.ui.input_panel import (
    DiveValues,
    InputPanel,
    add_input_panel,
    clip_html,
    known_standard,
    read_dive,
    scan_upload,
)
from fineparser.ui.judgement_panel import fault_thumbnails
from fineparser.ui.measurements_panel import pictures_html
from fineparser.ui.player import PlayerClip, copy_to_cache
from fineparser.ui.results_panel import (
    EXPIRED,
    ResultsPanel,
    add_results_panel,
    connect_results,
    report_updates,
    score_card,
)
from fineparser.ui.settings import NETWORK_QUEUE, SCAN_QUEUE
from fineparser.ui.trim_panel import TrimValues, changed_proposal, proposal_updates
from fineparser.ui.visitor_exemplars import ExemplarSourceControls, VisitorExemplars


@dataclass(frozen=True, kw_only=True)
class AnalysePanels:
    """The panels of the tab."""

    inputs: InputPanel
    controls: Controls
    """Analyse the chosen dive."""
    session: SessionPanel
    results: ResultsPanel


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The analyses and the thread in which they run."""

    service: AnalysisService
    tasks: TaskRunner


@dataclass(frozen=True, kw_only=True)
class AnalyseOutputs:
    """Components of the tab that other tabs use."""

    report: gr.State
    """The last `DiveReport` of the visitor, or None."""
    standard: gr.Radio
    """The answer to "Who judges?"."""


def analyse_tab(
    page: gr.Blocks, service: AnalysisService, tasks: TaskRunner, exemplars: ExemplarSourceControls
) -> AnalyseOutputs:
    """Add the tab's components and events to the page that is being built; return those that other tabs use.

    Args:
        page: the page that is being built.
        service: analyses clips.
        tasks: runs long work.
        exemplars: the exemplars to compare dives with.
    """
    panels = AnalysePanels(
        inputs=add_input_panel(page),
        controls=add_controls("Analyse", "analyse"),
        session=add_session_panel(),
        results=add_results_panel(),
    )
    workers = Workers(service=service, tasks=tasks)
    connect_upload(panels, workers)
    connect_dive_list(panels.inputs)
    connect_analysis(panels, workers, exemplars)
    connect_session(panels, workers, exemplars)
    connect_results(panels.results, service, tasks)
    return AnalyseOutputs(report=panels.results.report, standard=panels.inputs.dive.standard)


def connect_upload(panels: AnalysePanels, workers: Workers) -> None:
    """Connect the upload of a clip: it is scanned, its dives are found, and the best one is proposed."""
    inputs, session = panels.inputs, panels.session
    trim, dives = inputs.trim, inputs.dives
    list_components: list[Block] = [dives.choices, dives.dives, session.column, session.controls.start]
    list_components += [session.table, session.results]

    def clear() -> Updates:
        empty: Updates = dict.fromkeys((trim.scan, trim.proposal, trim.first, trim.last))
        return empty | {inputs.clip_note: "", trim.strip: ""} | list_updates(dives, session, ())

    def scan(event: EventValues) -> Updates:
        scanned, note = scan_with_note(event[inputs.clip])
        return {trim.scan: scanned, inputs.clip_note: note}

    def find(event: EventValues) -> Iterator[Updates]:
        yield from dives_updates(panels, workers, event[trim.scan], event[trim.unit])

    inputs.clip.change(
        clear,
        outputs=[trim.scan, trim.proposal, trim.first, trim.last, inputs.clip_note, trim.strip, *list_components],
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
        find,
        {trim.scan, trim.unit},
        [
            *(trim.proposal, trim.strip, trim.first, trim.last, trim.crop, trim.centre_x, trim.centre_y, trim.size),
            *list_components,
        ],
        concurrency_limit=1,
        concurrency_id=NETWORK_QUEUE,
        show_progress_on=dives.choices,
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


def dives_updates(panels: AnalysePanels, workers: Workers, scan: ClipScan | None, unit: str) -> Iterator[Updates]:
    """Updates that show the dives of a clip with trim and crop of the best one; the reason where there is none."""
    trim, dives = panels.inputs.trim, panels.inputs.dives
    if scan is None:
        yield {trim.proposal: None}
        return
    try:
        for event in workers.tasks.run(lambda progress: workers.service.find_dives(scan, progress)):
            if isinstance(event, TaskResult):
                segments, proposal = event.value
                updates = list_updates(dives, panels.session, segments) | proposal_updates(trim, proposal, unit)
                if not segments and workers.service.can_find_dives:
                    updates |= {dives.choices: warning_html(no_dive_message(proposal))}
                yield updates
            else:
                yield {dives.choices: progress_update(event)}
    except ValueError as error:
        yield {trim.proposal: None, dives.choices: "", trim.strip: error_html(error_text(error))}


def connect_dive_list(inputs: InputPanel) -> None:
    """Connect the choice of a dive: trim and crop become those of the dive."""
    trim, dives = inputs.trim, inputs.dives

    def choose(event: EventValues, choice: gr.EventData) -> Updates:
        try:
            dive = dive_of_number(event[dives.dives], event_number(choice))
            return proposal_updates(trim, dive.proposal, event[trim.unit])
        except ValueError as error:
            raise gr.Error(error_text(error)) from error

    # "choose" is an event of the list's script.
    dives.choices.choose(  # type: ignore[attr-defined]
        choose,
        {dives.dives, trim.unit},
        [trim.proposal, trim.strip, trim.first, trim.last, trim.crop, trim.centre_x, trim.centre_y, trim.size],
        trigger_mode="always_last",
        concurrency_id=SCAN_QUEUE,
        show_progress_on=trim.strip,
        api_visibility="private",
    )


def connect_analysis(panels: AnalysePanels, workers: Workers, exemplars: ExemplarSourceControls) -> None:
    """Connect the button that analyses the chosen dive, and those that score it anyway or by a suggested number."""
    inputs, controls, results, session = panels.inputs, panels.controls, panels.results, panels.session
    suggestions = results.suggestions
    shown = [inputs.accordion, *all_components(results)]

    # Not named `analyse`: Gradio derives the name of an endpoint from a handler, and the API has that one.
    def run_analysis(event: EventValues) -> Iterator[Updates]:
        try:
            yield from analysis_updates(read_request(inputs, exemplars, event), workers, panels, controls)
        except ValueError as error:
            yield controls.finished(error_html(error_text(error)))

    def run_forced(event: EventValues) -> Iterator[Updates]:
        request: AnalysisRequest | None = event[results.request]
        try:
            if request is None:
                raise ValueError(EXPIRED)
            yield from run_again(request, replace(request, force=True), event, results.force)
        except ValueError as error:
            yield results.force.finished(error_html(error_text(error)))

    def run_suggested(event: EventValues) -> Iterator[Updates]:
        request: AnalysisRequest | None = event[results.request]
        try:
            code, height = parse_key(event[suggestions.choice])
            if request is None:
                raise ValueError(EXPIRED)
            yield {inputs.dive.code: code, inputs.dive.height: height, inputs.dive.difficulty: 0}
            numbered = replace(request, code=code, height=height, difficulty=None)
            yield from run_again(request, numbered, event, suggestions.use)
        except ValueError as error:
            yield suggestions.use.finished(error_html(error_text(error)))

    def run_again(
        before: AnalysisRequest, request: AnalysisRequest, event: EventValues, started: Controls
    ) -> Iterator[Updates]:
        """Analyse the clip of a result with another request, also in the table of its session."""
        for updates in analysis_updates(request, workers, panels, started):
            if results.report in updates:
                updates |= replaced_updates(session, event[session.results], before, request, updates[results.report])
            yield updates

    checked = partial(check_inputs, inputs)
    controls.connect(run_analysis, request_components(inputs, exemplars), shown, checked)
    again = [*shown, session.table, session.results]
    results.force.connect(run_forced, {results.request, session.results}, again)
    suggestions.use.connect(
        run_suggested,
        {results.request, session.results, suggestions.choice},
        [*again, inputs.dive.code, inputs.dive.height, inputs.dive.difficulty],
    )


def connect_session(panels: AnalysePanels, workers: Workers, exemplars: ExemplarSourceControls) -> None:
    """Connect the button that analyses every dive, and the table that opens their results."""
    inputs, session, results = panels.inputs, panels.session, panels.results

    def run_session(event: EventValues) -> Iterator[Updates]:
        try:
            request = read_request(inputs, exemplars, event)
            yield from session_updates(request, event[inputs.dives.dives], workers, session)
        except ValueError as error:
            yield session.controls.finished(error_html(error_text(error)))

    def open_dive(event: EventValues, choice: gr.EventData) -> Updates:
        try:
            return opened_updates(panels, workers, event[session.results].get(event_number(choice)))
        except ValueError as error:
            raise gr.Error(error_text(error)) from error

    def write_downloads(event: EventValues) -> Iterator[Updates]:
        if event[results.report] is not None:
            with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
                yield from picture_updates(event[results.report], workers, results)
                yield from download_updates(event[results.report], Path(folder), workers, results)

    session.controls.connect(
        run_session,
        request_components(inputs, exemplars) | {inputs.dives.dives},
        [session.table, session.results],
        partial(check_inputs, inputs),
    )
    # "open_dive" is an event of the table's script. A dive opens while others are still analysed; its downloads wait.
    session.table.open_dive(  # type: ignore[attr-defined]
        open_dive,
        {session.results},
        [inputs.accordion, *all_components(results)],
        concurrency_id=SCAN_QUEUE,
        show_progress_on=session.table,
        api_visibility="private",
    ).success(
        write_downloads,
        {results.report},
        [results.score_card, results.measurements.pictures, *results.files],
        concurrency_id=NETWORK_QUEUE,
        concurrency_limit=1,
        show_progress_on=list(results.files),
        api_visibility="private",
    )


def event_number(event: gr.EventData) -> int:
    """The number of a dive in an event of the list or the table; ValueError if the page sent none."""
    number = getattr(event, "dive", None)
    if not isinstance(number, int):
        raise ValueError("Choose a dive of the list.")
    return number


def request_components(inputs: InputPanel, exemplars: ExemplarSourceControls) -> set[Block]:
    """Components that `read_request` reads."""
    return {
        *(inputs.clip, inputs.trim.scan, inputs.trim.proposal),
        *value_components(DiveValues, inputs.dive),
        *value_components(TrimValues, inputs.trim),
        *value_components(VisitorExemplars, exemplars),
    }


def check_inputs(inputs: InputPanel, event: EventValues) -> None:
    """Refuse inputs with which an analysis need not wait in line: ValueError if something is missing or impossible."""
    path: str | None = event[inputs.clip]
    if path is None:
        raise ValueError("Upload a clip of a dive first.")
    if not Path(path).is_file():
        raise ValueError("This clip is no longer on the server: upload it again.")
    read_dive(read_values(DiveValues, inputs.dive, event))


def read_request(inputs: InputPanel, exemplars: ExemplarSourceControls, event: EventValues) -> AnalysisRequest:
    """The request of the user; ValueError if something is missing or impossible."""
    check_inputs(inputs, event)
    path: str = event[inputs.clip]
    scan: ClipScan | None = event[inputs.trim.scan]
    proposal: TrimProposal | None = event[inputs.trim.proposal]
    dive = read_values(DiveValues, inputs.dive, event)
    visitor = read_values(VisitorExemplars, exemplars, event)
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
        standard=known_standard(dive.standard),
        proposal=proposal,
        exemplars=replace(visitor, sources=tuple(visitor.sources or ())),
    )


def analysis_updates(
    request: AnalysisRequest, workers: Workers, panels: AnalysePanels, controls: Controls
) -> Iterator[Updates]:
    """Run an analysis: its progress, the result as soon as it is there, then its pictures, the files last."""
    # Gradio copies what is handed out before this goes on; the folder is deleted when it ends, however it ends.
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        folder = Path(name)
        for event in workers.tasks.run(lambda progress: workers.service.analyse_for_viewer(request, folder, progress)):
            if isinstance(event, TaskResult):
                report, clip = event.value
            else:
                yield {controls.status: progress_update(event)}
        yield result_updates(panels, request, report, clip) | {
            controls.status: progress_html("Writing the downloads", 0.8)
        }
        yield from picture_updates(report, workers, panels.results)
        yield from download_updates(report, folder / "results", workers, panels.results, controls.status)
        yield controls.finished("")


def result_updates(panels: AnalysePanels, request: AnalysisRequest, report: DiveReport, clip: PlayerClip) -> Updates:
    """Updates that show a report in place of the inputs."""
    # The viewer needs the clip again whenever another exemplar is chosen.
    clip = replace(clip, path=copy_to_cache(clip.path))
    return {
        panels.inputs.accordion: gr.Accordion(open=False, label=f"Your dive: {report.info.path.name}"),
        panels.results.request: request,
        **report_updates(panels.results, report, clip),
    }


def picture_updates(report: DiveReport, workers: Workers, results: ResultsPanel) -> Iterator[Updates]:
    """Draw the pictures of the faults and of the measurements and show them."""
    if report.judgement is not None:
        yield from _drawn(lambda: score_card(report, fault_thumbnails(report)), workers, results.score_card)
    yield from _drawn(lambda: pictures_html(report), workers, results.measurements.pictures)


def _drawn(draw: Callable[[], str], workers: Workers, component: gr.HTML) -> Iterator[Updates]:
    """Update of a component with HTML that takes a while to draw."""
    for event in workers.tasks.run(lambda progress: draw()):
        if isinstance(event, TaskResult):
            yield {component: event.value}


def download_updates(
    report: DiveReport, folder: Path, workers: Workers, results: ResultsPanel, status: gr.HTML | None = None
) -> Iterator[Updates]:
    """Write the files of a report to a folder and show their buttons; the progress in a status line, if it is given."""
    for event in workers.tasks.run(lambda progress: workers.service.write_files(report, folder, progress)):
        if isinstance(event, TaskResult):
            files = {file.name: str(file) for file in event.value}
            yield {
                button: gr.DownloadButton(value=files.get(name), interactive=name in files, visible=name in files)
                for name, button in zip(DOWNLOADS, results.files, strict=True)
            }
        elif status is not None:
            yield {status: progress_update(event)}


def session_updates(
    request: AnalysisRequest, dives: Sequence[DiveSegment], workers: Workers, session: SessionPanel
) -> Iterator[Updates]:
    """Analyse every live dive, one after the other: the progress, and the table as it grows.

    Args:
        request: number, height and exemplars of all dives; its trim and crop hold for the dive that is chosen.
        dives: of the clip.
        workers, session: analyse and show them.
    """
    live, chosen = live_dives(dives), request.proposal
    if not live:
        raise ValueError("No dives have been found in this clip yet.")
    results: dict[int, DiveResult] = {}
    yield results_updates(session, results)
    for done, dive in enumerate(live):
        is_chosen = chosen is not None and chosen.dive == dive.number
        one = replace(request, proposal=chosen if is_chosen else dive.proposal)
        for event in workers.tasks.run(partial(dive_result, workers.service, dive, one)):
            if isinstance(event, TaskResult):
                results[dive.number] = event.value
            elif event is not None:
                stage = f"Dive {done + 1} of {len(live)}: {event.stage}"
                yield {session.controls.status: progress_html(stage, (done + event.done) / len(live))}
        yield results_updates(session, results)
    yield session.controls.finished(note_html(f"{plural(len(results), 'dive')} analysed."))


def dive_result(
    service: AnalysisService, dive: DiveSegment, request: AnalysisRequest, progress: Progress
) -> DiveResult:
    """Analyse one dive of a session; an error becomes the problem of its result, so that the others are analysed."""
    try:
        report = service.analyse(request, progress)
    except ValueError as error:
        return DiveResult(segment=dive, request=request, problem=error_text(error))
    return DiveResult(segment=dive, request=request, stored=StoredReport.from_report(report))


def opened_updates(panels: AnalysePanels, workers: Workers, result: DiveResult | None) -> Updates:
    """Updates that show the result of a dive of a session; ValueError if it is gone."""
    if result is None or result.stored is None:
        raise ValueError(EXPIRED)
    with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
        report, clip = workers.service.prepare_viewer(result.stored.load(), Path(folder))
        return result_updates(panels, result.request, report, clip)


def replaced_updates(
    session: SessionPanel,
    results: Mapping[int, DiveResult],
    before: AnalysisRequest,
    request: AnalysisRequest,
    report: DiveReport,
) -> Updates:
    """Updates of the table of a session in which a dive was analysed again; none if it holds no such dive.

    Args:
        session: the table.
        results: of its dives.
        before: request of the result that is replaced.
        request, report: of the new result.
    """
    for number, result in results.items():
        if result.request == before:
            changed = replace(result, request=request, stored=StoredReport.from_report(report))
            return results_updates(session, {**results, number: changed})
    return {}
