"""The results on the Analyse tab: the report, the choice of an exemplar, and the comparison video."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.blocks import Block

from fineparser.analysis.report import DiveReport
from fineparser.exemplars.voting_result import BRANCHES, Breakdown, ScoreEstimate, Vote
from fineparser.rendering.chart_style import signed
from fineparser.rendering.comparison_video import ComparisonSide, write_comparison
from fineparser.rendering.judgement_chart import judgement_figure
from fineparser.rendering.judgement_text import ScoreText, score_text
from fineparser.rendering.messages import (
    calibration_message,
    little_message,
    missing_phases_message,
    no_score_message,
    score_notes,
    vote_reason,
    warning_texts,
)
from fineparser.rendering.results import ZIP
from fineparser.rendering.timeline_chart import timeline_figure, transition_rows
from fineparser.rendering.votes_chart import votes_figure
from fineparser.rendering.waterfall_chart import breakdown_rows, waterfall_figure
from fineparser.ui.analysis_service import DOWNLOADS, AnalysisService, with_exemplar_clip
from fineparser.ui.background_tasks import TaskResult, TaskRunner
from fineparser.ui.components import EventValues, Updates, error_html, error_text, progress_update, warning_html
from fineparser.ui.controls import Controls
from fineparser.ui.dive_suggestion import SuggestionPanel, add_suggestion_panel, suggestion_updates
from fineparser.ui.judgement_panel import NO_THUMBNAILS, faults_table, marks_html
from fineparser.ui.measurements_panel import (
    MeasurementsPanel,
    add_measurements_panel,
    comparison_updates,
    dive_updates,
    measurement_updates,
)
from fineparser.ui.player import SEEK_ON_CLICK, PlayerClip, add_viewer, viewer_value
from fineparser.ui.settings import KEEP_SECONDS, NETWORK_QUEUE

MEAN = "all exemplars (mean)"
"""Choice of no exemplar in particular."""
FIRST_AFTER_BRANCHES = 1 + len(BRANCHES)
"""Column of `breakdown_rows` after the names and the branches."""


def score_card(report: DiveReport, thumbnails: Mapping[int, bytes] = NO_THUMBNAILS) -> str:
    """Dive, score and calibration, and the faults of a judgement; without a score the reason why there is none.

    Args:
        report: of the dive.
        thumbnails: of the faults, see `marks_html`.
    """
    parts = ['<section class="fp-card" aria-label="Result">']
    if report.dive_code is not None:
        label = "difficulty" if report.difficulty_source == "table" else "your difficulty"
        parts.append(
            f"<h2>{escape(f'{report.dive_code} {report.dive_name}, {report.height:g} m')}"
            f' <span class="dd">{label} {report.difficulty:g}</span></h2>'
        )
    else:
        parts.append("<h2>Phases and masks <span class='dd'>no score without a dive number and a height</span></h2>")
    if report.dives > 1 and report.dive is not None:
        parts.append(f'<p class="small">Dive {report.dive} of {report.dives} in this clip.</p>')
    if reason := no_score_message(report):
        parts.append(f'<p class="no-score" role="status">{escape(reason)}</p>')
    if little := little_message(report):
        parts.append(f'<p class="little">{escape(little)}</p>')
    if (score := score_text(report)) is not None:
        parts.append(figures_html(score))
    judgement = report.judgement
    if score is not None and judgement is not None and not judgement.is_calibrated:
        parts.append(f'<p class="caution">{escape(calibration_message(judgement))}</p>')
    if notes := score_notes(report):
        explanation = " Execution is the total divided by the difficulty." if score and score.execution else ""
        parts.append(f'<p class="small">{escape(notes)}{explanation}</p>')
    parts.append(marks_html(report, thumbnails))
    parts.append("</section>")
    return "".join(parts)


def figures_html(score: ScoreText) -> str:
    """The numbers of a score as HTML; those of a judgement have ranges as large as themselves."""
    if score.execution:
        cells = [
            ("total", score.points, "points", score.points_range),
            ("execution", score.execution, "of 30", score.execution_range),
            ("award", score.award, "mean award", score.band),
        ]
        figures = [
            f'<div class="{kind}"><b class="value">{value}</b> <span>{unit}</span><br><em>{escape(below)}</em></div>'
            for kind, value, unit, below in cells
        ]
    else:
        award = f"mean award: {score.band}" if score.band else "mean award"
        cells = [
            ("total", score.points, "points", score.points_range),
            ("award", score.award, award, score.award_range),
        ]
        figures = [
            f'<div class="{kind} ranged"><b class="value">{value}</b> <span>{escape(unit)}</span> '
            f'<span class="value">{scores}</span></div>'
            for kind, value, unit, scores in cells
        ]
    return f'<div class="figures">{"".join(figures)}</div>'


def warnings_html(report: DiveReport) -> str:
    """The warnings of a report, a line each."""
    return "".join(map(warning_html, warning_texts(report)))


def transitions_table(report: DiveReport) -> str:
    """Frame, time and confidence of both transitions."""
    headings, *rows = transition_rows(report)
    return html_table(headings, rows)


def breakdown_table(report: DiveReport) -> str:
    """What a judgement rests on, or the steps from the score of the exemplars to the total by phase; else empty."""
    if report.judgement is not None:
        return faults_table(report)
    if report.breakdown is None:
        return ""
    rows = breakdown_rows(report, "Exemplar" if len(report.votes) == 1 else "Exemplars")
    headings, *rows = [[row[0], *row[FIRST_AFTER_BRANCHES:]] for row in rows]
    # Without the branches, "both" of them are the points.
    table = html_table(["", headings[0], *headings[2:]], rows, strong_row=len(rows) - 1)
    missing = missing_phases_message(report)
    return f'{table}<p class="fp-hint">{escape(missing)}</p>' if missing else table


def branches_table(report: DiveReport) -> str:
    """The contributions by phase and branch, in points; empty without votes."""
    if report.breakdown is None:
        return ""
    # The exemplars and the dive itself have no branches.
    headings, _, *rows, _ = [row[:FIRST_AFTER_BRANCHES] for row in breakdown_rows(report, "")]
    return html_table(headings, rows, strong_row=len(rows) - 1)


def votes_table(report: DiveReport) -> str:
    """The votes, the highest first, with the chosen exemplar in bold; empty where no exemplar votes."""
    votes = voting_exemplars(report)
    if not votes:
        return ""
    rows = [
        [
            vote.exemplar,
            f"{vote.exemplar_score:.2f}",
            signed(float(contributions.sum())),
            f"{score:.2f}",
            f"{vote.code} {vote.height:g} m",
            f"{vote.source}; {vote_reason(vote, report)}",
        ]
        for vote, score, contributions in votes
    ]
    chosen = next((index for index, (vote, *_) in enumerate(votes) if vote.exemplar == report.exemplar), None)
    headings = ["Exemplar", "Its score", "Difference", "Vote", "Dive", "Source"]
    return html_table(headings, rows, strong_row=chosen, text_columns=(4, 5))


def voting_exemplars(report: DiveReport) -> list[tuple[Vote, float, np.ndarray]]:
    """Each vote with its score and its contributions [2, 3], the highest first; none where no exemplar votes."""
    votes = [
        (vote, vote.score, vote.contributions)
        for vote in report.votes
        if vote.score is not None and vote.contributions is not None
    ]
    return sorted(votes, key=lambda vote: -vote[1])


def html_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    strong_row: int | None = None,
    text_columns: Sequence[int] = (),
) -> str:
    """Texts as a table that scrolls sideways on a narrow screen.

    Args:
        headings, rows: texts, which are escaped.
        strong_row: index of the row in bold.
        text_columns: left-aligned columns besides the first.
    """
    bold = ' class="strong"'
    kinds = dict.fromkeys((0, *text_columns), ' class="text"')

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(f"<{tag}{kinds.get(column, '')}>{escape(value)}</{tag}>" for column, value in enumerate(values))

    head = cells("th", headings)
    body = "".join(
        f"<tr{bold if index == strong_row else ''}>{cells('td', row)}</tr>" for index, row in enumerate(rows)
    )
    return (
        f'<div class="fp-table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def exemplar_choices(report: DiveReport) -> list[tuple[str, str]]:
    """Label and id of each exemplar, the highest vote first, or the highest score where none votes."""
    if votes := voting_exemplars(report):
        return [
            (f"{vote.exemplar}: {vote.exemplar_score:.2f}, votes {score:.2f}", vote.exemplar)
            for vote, score, _ in votes
        ]
    shown = sorted(report.votes, key=lambda vote: -vote.exemplar_score)
    return [(f"{vote.exemplar}: {vote.exemplar_score:.2f}", vote.exemplar) for vote in shown]


def exemplar_choice_update(report: DiveReport) -> gr.Dropdown:
    """The choice of an exemplar for a new report: at first the mean of the votes, or where none votes the one that is
    shown beside the dive."""
    choices = exemplar_choices(report)
    if report.breakdown is None:
        return gr.Dropdown(choices=choices, value=report.exemplar, visible=bool(choices))
    return gr.Dropdown(choices=[(MEAN, MEAN), *choices], value=MEAN, visible=True)


def find_vote(report: DiveReport, exemplar: str) -> Vote:
    """The vote of one exemplar; ValueError for an id that is not among the exemplars of the report."""
    for vote in report.votes:
        if vote.exemplar == exemplar:
            return vote
    raise ValueError(f"There is no exemplar {exemplar!r} for this dive.")


def with_single_vote(report: DiveReport, exemplar: str | None) -> DiveReport:
    """The report with the vote of one exemplar alone, for the charts and tables of just that comparison.

    `MEAN` and None, and exemplars that do not vote, return the report itself. ValueError for an id that is not among
    the exemplars of the report.
    """
    if exemplar is None or exemplar == MEAN:
        return report
    vote = find_vote(report, exemplar)
    if vote.score is None or vote.contributions is None:
        return report
    base = vote.score - float(vote.contributions.sum())
    return replace(
        report,
        votes=(vote,),
        exemplar=vote.exemplar,
        total=ScoreEstimate(vote.score, vote.score, vote.score),
        breakdown=Breakdown(base, vote.contributions),
    )


def with_chosen_exemplar(report: DiveReport, exemplar: str | None) -> DiveReport:
    """The report with another exemplar as the chosen one; `MEAN` and None return the report itself."""
    if exemplar is None or exemplar == MEAN:
        return report
    return replace(report, exemplar=find_vote(report, exemplar).exemplar)


EXPIRED = "This result has expired: analyse the clip again."


@dataclass(frozen=True, kw_only=True)
class ResultsPanel:
    """Components that show a report."""

    column: gr.Column
    score_card: gr.HTML
    force_column: gr.Column
    """Hidden unless there is a reason against a score."""
    force: Controls
    """Score the dive anyway."""
    warnings: gr.HTML
    suggestions: SuggestionPanel
    viewer: gr.HTML
    video_row: gr.Row
    """Hidden without an exemplar beside the dive."""
    make_video: gr.Button
    video: gr.DownloadButton
    timeline: gr.Plot
    transitions: gr.HTML
    breakdown_column: gr.Column
    """Hidden without a score."""
    exemplar: gr.Dropdown
    judgement: gr.Plot
    """Hidden without a judgement that tells something."""
    breakdown: gr.HTML
    branches_column: gr.Accordion
    """Hidden where no exemplar votes, as `votes_row` is."""
    waterfall: gr.Plot
    branches: gr.HTML
    votes_row: gr.Row
    votes: gr.Plot
    votes_table: gr.HTML
    measurements: MeasurementsPanel
    """Between the viewer and the votes."""
    files: tuple[gr.DownloadButton, ...]
    """In the order of `DOWNLOADS`."""
    report: gr.State
    """The `DiveReport`, or None."""
    player_clip: gr.State
    """The `PlayerClip` of the dive, or None."""
    request: gr.State
    """The `AnalysisRequest` that the report answers, or None."""


def add_results_panel() -> ResultsPanel:
    """Add the components, hidden until there is a report."""
    with gr.Column(visible=False, elem_id="results") as column:
        score_card = gr.HTML(js_on_load=SEEK_ON_CLICK, elem_id="score-card", apply_default_css=False)
        with gr.Column(visible=False) as force_column:
            with gr.Row():
                start = gr.Button("Score anyway", min_width=150, elem_id="force")
            force = Controls(start=start, status=gr.HTML(elem_id="force-status", apply_default_css=False))
        warnings = gr.HTML(elem_id="warnings", apply_default_css=False)
        suggestions = add_suggestion_panel()
        with gr.Row(equal_height=False):
            with gr.Column(scale=6, min_width=460):
                viewer = add_viewer()
                with gr.Row(visible=False, elem_id="comparison") as video_row:
                    make_video = gr.Button("Make comparison video", min_width=150, elem_id="make-comparison")
                    video = gr.DownloadButton(
                        "Download video", interactive=False, min_width=150, elem_id="take-comparison"
                    )
                timeline = gr.Plot(show_label=False, container=False, elem_id="timeline")
                transitions = gr.HTML(apply_default_css=False)
            with gr.Column(scale=5, min_width=460) as breakdown_column:
                exemplar = gr.Dropdown([MEAN], value=MEAN, label="Compared with", elem_id="compared-with")
                judgement = gr.Plot(show_label=False, container=False, elem_id="judgement")
                breakdown = gr.HTML(js_on_load=SEEK_ON_CLICK, elem_id="breakdown", apply_default_css=False)
                with gr.Accordion("By movement and pose", open=False, elem_id="branches") as branches_column:
                    waterfall = gr.Plot(show_label=False, container=False, elem_id="waterfall")
                    branches = gr.HTML(apply_default_css=False)
        measurements = add_measurements_panel()
        with gr.Row(equal_height=False) as votes_row:
            with gr.Column(scale=1, min_width=460):
                gr.Markdown("### Votes of the exemplars\nTap one to compare the dive with it alone.")
                votes = gr.Plot(show_label=False, container=False, elem_id="votes")
            with gr.Column(scale=1, min_width=460):
                votes_table = gr.HTML(elem_id="votes-table", apply_default_css=False)
        gr.Markdown("### Downloads")
        with gr.Row(elem_id="files"):
            files = [
                gr.DownloadButton(
                    label,
                    interactive=False,
                    variant="primary" if name == ZIP else "secondary",
                    min_width=150,
                    elem_id="take-" + name.replace(".", "-"),
                )
                for name, label in DOWNLOADS.items()
            ]
        report = gr.State(None, time_to_live=KEEP_SECONDS)
        player_clip = gr.State(None, time_to_live=KEEP_SECONDS)
        request = gr.State(None, time_to_live=KEEP_SECONDS)
    return ResultsPanel(
        column=column,
        score_card=score_card,
        force_column=force_column,
        force=force,
        warnings=warnings,
        suggestions=suggestions,
        viewer=viewer,
        video_row=video_row,
        make_video=make_video,
        video=video,
        timeline=timeline,
        transitions=transitions,
        breakdown_column=breakdown_column,
        exemplar=exemplar,
        judgement=judgement,
        breakdown=breakdown,
        branches_column=branches_column,
        waterfall=waterfall,
        branches=branches,
        votes_row=votes_row,
        votes=votes,
        votes_table=votes_table,
        measurements=measurements,
        files=tuple(files),
        report=report,
        player_clip=player_clip,
        request=request,
    )


def connect_results(panel: ResultsPanel, service: AnalysisService, tasks: TaskRunner) -> None:
    """Connect the choice of an exemplar, in the list or by a click on its vote, its measurements, and the video."""
    compared: list[Block] = [panel.report, panel.viewer, panel.breakdown, panel.waterfall, panel.branches, panel.votes]
    compared += [panel.votes_table, panel.video_row, panel.make_video, panel.video]
    compared += [panel.measurements.table, panel.measurements.charts, panel.measurements.exemplar_row]

    def choose(event: EventValues) -> Updates:
        return compare_updates(panel, event[panel.report], event[panel.player_clip], event[panel.exemplar])

    def choose_vote(event: EventValues, click: gr.EventData) -> Updates:
        exemplar = str(getattr(click, "exemplar", MEAN))
        updates = compare_updates(panel, event[panel.report], event[panel.player_clip], exemplar)
        return {panel.exemplar: exemplar, **updates}

    def measure_exemplar(event: EventValues) -> Iterator[Updates]:
        yield from exemplar_measurement_updates(panel, service, tasks, event[panel.report], event[panel.exemplar])

    def make_video(event: EventValues) -> Iterator[Updates]:
        yield from comparison_video_updates(panel, tasks, event[panel.report], event[panel.exemplar])

    panel.exemplar.input(
        choose,
        {panel.report, panel.player_clip, panel.exemplar},
        compared,
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )
    # "choose" is an event of viewer.js.
    panel.viewer.choose(  # type: ignore[attr-defined]
        choose_vote,
        {panel.report, panel.player_clip},
        [panel.exemplar, *compared],
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )
    # Gradio drops a figure that comes while its accordion is closed.
    panel.branches_column.expand(
        lambda event: branches_updates(panel, event[panel.report], event[panel.exemplar]),
        {panel.report, panel.exemplar},
        [panel.waterfall, panel.branches],
        show_progress="hidden",
        api_visibility="private",
    )
    panel.measurements.measure_exemplar.connect(
        measure_exemplar,
        {panel.report, panel.exemplar},
        [panel.measurements.table, panel.measurements.charts],
    )
    panel.make_video.click(
        make_video,
        {panel.report, panel.exemplar},
        [panel.make_video, panel.video],
        concurrency_limit=1,
        concurrency_id=NETWORK_QUEUE,
        show_progress_on=panel.video,
        api_visibility="private",
    ).failure(lambda: gr.Button(interactive=True), outputs=panel.make_video, queue=False, api_visibility="private")


def report_updates(panel: ResultsPanel, report: DiveReport, clip: PlayerClip) -> Updates:
    """Updates that show a new report, its files still to come."""
    judgement, has_votes = report.judgement, report.breakdown is not None
    viewer = viewer_value(report, clip)
    updates: Updates = {
        panel.column: gr.Column(visible=True),
        panel.score_card: score_card(report),
        panel.force_column: gr.Column(visible=bool(report.no_score) and not report.is_forced),
        panel.warnings: warnings_html(report),
        panel.viewer: viewer,
        panel.timeline: timeline_figure(report),
        panel.transitions: transitions_table(report),
        panel.breakdown_column: gr.Column(visible=report.total is not None),
        panel.exemplar: exemplar_choice_update(report),
        panel.judgement: gr.Plot(
            value=None if judgement is None else judgement_figure(report),
            visible=judgement is not None and not judgement.is_uninformative,
        ),
        panel.branches_column: gr.Accordion(visible=has_votes),
        panel.votes_row: gr.Row(visible=has_votes),
        **vote_updates(panel, report, report),
        panel.report: report,
        panel.player_clip: clip,
        **suggestion_updates(panel.suggestions, report),
        **measurement_updates(panel.measurements, report, has_exemplar=viewer["exemplar"] is not None),
        **video_updates(panel, viewer),
    }
    for button in panel.files:
        updates[button] = gr.DownloadButton(value=None, interactive=False)
    return updates


def compare_updates(panel: ResultsPanel, report: DiveReport | None, clip: PlayerClip | None, exemplar: str) -> Updates:
    """Updates that compare the dive with one exemplar, or with all of them."""
    if report is None or clip is None or not clip.path.is_file():
        raise gr.Error(EXPIRED)
    if exemplar != MEAN:
        report = with_exemplar_clip(report, exemplar)
    single = with_single_vote(report, exemplar)
    marked = with_chosen_exemplar(report, exemplar)
    viewer = viewer_value(marked, clip)
    return {
        panel.report: report,
        panel.viewer: viewer,
        **vote_updates(panel, single, marked),
        **dive_updates(panel.measurements, report.kinematics, has_exemplar=viewer["exemplar"] is not None),
        **video_updates(panel, viewer),
    }


def vote_updates(panel: ResultsPanel, single: DiveReport, marked: DiveReport) -> Updates:
    """Updates of the breakdown and of the votes.

    Args:
        panel: of the page.
        single: the report with all votes, or that of the chosen exemplar alone.
        marked: the report with all votes and the chosen exemplar.
    """
    updates: Updates = {panel.breakdown: breakdown_table(single)}
    if single.breakdown is not None:
        updates |= _branches(panel, single)
        updates |= {panel.votes: votes_figure(marked), panel.votes_table: votes_table(marked)}
    return updates


def branches_updates(panel: ResultsPanel, report: DiveReport | None, exemplar: str) -> Updates:
    """Updates of the breakdown by branch, with the votes of all exemplars or that of one; gr.Error if it expired."""
    if report is None:
        raise gr.Error(EXPIRED)
    return _branches(panel, with_single_vote(report, exemplar))


def _branches(panel: ResultsPanel, report: DiveReport) -> Updates:
    return {panel.waterfall: waterfall_figure(report), panel.branches: branches_table(report)}


def video_updates(panel: ResultsPanel, viewer: dict) -> Updates:
    """Updates of the comparison video, not made yet; without an exemplar beside the dive there is none to make."""
    return {
        panel.video_row: gr.Row(visible=viewer["exemplar"] is not None),
        panel.make_video: gr.Button(interactive=True),
        panel.video: gr.DownloadButton(value=None, interactive=False),
    }


def exemplar_measurement_updates(
    panel: ResultsPanel, service: AnalysisService, tasks: TaskRunner, report: DiveReport | None, exemplar: str
) -> Iterator[Updates]:
    """Measure the exemplar beside the dive: the progress, then its measurements beside those of the dive."""
    controls = panel.measurements.measure_exemplar
    try:
        if report is None or report.kinematics is None:
            raise ValueError(EXPIRED)
        chosen = with_chosen_exemplar(report, exemplar)
        for event in tasks.run(lambda progress: service.measure_exemplar(chosen, progress)):
            if isinstance(event, TaskResult):
                measured = comparison_updates(panel.measurements, report.kinematics, event.value)
                status = "" if event.value is not None else warning_html("Nothing could be measured in its clip.")
                yield measured | controls.finished(status)
            else:
                yield {controls.status: progress_update(event)}
    except ValueError as error:
        yield controls.finished(error_html(error_text(error)))


def comparison_video_updates(
    panel: ResultsPanel, tasks: TaskRunner, report: DiveReport | None, exemplar: str
) -> Iterator[Updates]:
    """Write the video of the dive beside the chosen exemplar; gr.Error if there is none."""
    if report is None:
        raise gr.Error(EXPIRED)
    try:
        chosen = with_chosen_exemplar(report, exemplar)
        side = ComparisonSide.from_exemplar(chosen)
        if side is None:
            raise ValueError(f"The clip of {chosen.exemplar or 'this exemplar'} is gone: choose another exemplar.")
        yield {panel.make_video: gr.Button(interactive=False)}
        with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
            path = Path(folder) / f"beside {file_name_part(chosen.exemplar)}.mp4"
            query = ComparisonSide.from_report(chosen)
            for event in tasks.run(lambda progress: write_comparison(query, side, path)):
                if isinstance(event, TaskResult):
                    yield {
                        panel.make_video: gr.Button(interactive=True),
                        panel.video: gr.DownloadButton(value=str(path), interactive=True),
                    }
    except ValueError as error:
        raise gr.Error(error_text(error)) from error


def file_name_part(exemplar: str | None) -> str:
    """The id of an exemplar as part of a file name."""
    return "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in exemplar or "exemplar")
