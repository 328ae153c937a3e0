"""The Analyse tab: a coach uploads a dive and reads how good it was and why."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from fineparser.analysis.proposal import Proposal
from fineparser.analysis.report import DiveReport
from fineparser.analysis.survey import Survey
from fineparser.domain.difficulty import parse_height
from fineparser.rendering import charts
from fineparser.ui import look, results_view
from fineparser.ui.analysis import Analysis, Request
from fineparser.ui.controls import Controls, control_parts
from fineparser.ui.exemplar_shelf import Choice, Visit
from fineparser.ui.inputs import Inputs, input_panel
from fineparser.ui.player_clip import PlayerClip, in_cache
from fineparser.ui.results_panel import Results, chosen, compare, film, result_parts, video_parts
from fineparser.ui.status_line import progress_bar, told
from fineparser.ui.steps import Outcome, Workbench
from fineparser.ui.upload import facts, look_through, plain_sentence, problem
from fineparser.ui.viewer import viewer_value

KEEP_SECONDS = 6 * 3600
"""What a visit leaves goes after so long: longer than any analysis takes, input still waiting included."""


def analyse_tab(analysis: Analysis, workbench: Workbench, concurrency_id: str, choice: Choice) -> gr.State:
    """Adds the tab's parts and events to the page that is being built; returns the visitor's last `DiveReport`.

    `choice` says whose exemplars vote.
    """
    inputs = input_panel()
    controls = control_parts("Analyse", "analyse")
    results = result_parts(KEEP_SECONDS)
    private = {"api_visibility": "private"}

    seen = inputs.look
    inputs.clip.change(
        lambda: (None, None, None, None, "", ""),
        outputs=[seen.surveyed, seen.proposed, seen.first, seen.last, inputs.clip_note, seen.strip],
        queue=False,
        show_progress="hidden",
        **private,
    ).then(
        check_clip,
        inputs.clip,
        [seen.surveyed, inputs.clip_note],
        concurrency_id="check",
        concurrency_limit=2,
        show_progress_on=inputs.clip_note,
        **private,
    ).success(
        lambda survey, unit: propose(analysis, workbench, survey, unit),
        [seen.surveyed, seen.unit],
        [seen.proposed, seen.strip, seen.first, seen.last, seen.window, seen.across, seen.down, seen.size],
        concurrency_limit=1,
        concurrency_id=concurrency_id,
        show_progress_on=seen.strip,
        **private,
    )

    def run(*values: object) -> Iterator[dict]:
        yield from analyse(analysis, workbench, Shown(inputs, results, controls), *values)

    controls.begin(
        run,
        [
            *(inputs.clip, seen.surveyed, seen.proposed, inputs.code, inputs.height, inputs.own),
            *(choice.sources, choice.folder, *seen.choices),
        ],
        [
            *(inputs.panel, results.column, results.headline, results.warnings, results.viewer),
            *(results.timeline, results.phases, results.against, results.waterfall, results.breakdown),
            *(results.votes, results.ballot, *results.files, *results.score_parts, results.report),
            *(results.players, results.beside, results.make_video, results.video),
        ],
        concurrency_id,
    )
    compared = [results.report, results.viewer, results.waterfall, results.breakdown, results.votes, results.ballot]
    compared += [results.beside, results.make_video, results.video]
    quick = {"show_progress": "hidden", "concurrency_limit": 4} | private
    known = [results.report, results.players]
    results.against.input(compare, [*known, results.against], compared, **quick)
    results.viewer.choose(chosen, known, [results.against, *compared], **quick)

    def film_both(report: DiveReport | None, exemplar: str) -> Iterator[tuple]:
        yield from film(workbench, report, exemplar)

    filmed = results.make_video.click(
        film_both,
        [results.report, results.against],
        [results.make_video, results.video],
        concurrency_limit=1,
        concurrency_id=concurrency_id,
        show_progress_on=results.video,
        **private,
    )
    filmed.failure(lambda: gr.Button(interactive=True), outputs=results.make_video, queue=False, **private)
    return results.report


@dataclass(frozen=True)
class Shown:
    """Everything on the tab that an analysis changes."""

    inputs: Inputs
    results: Results
    controls: Controls


def check_clip(path: str | None) -> tuple[Survey | None, str]:
    """Looks through an upload: what is known of it, and its facts, or what is wrong with it."""
    if path is None:
        return None, ""
    try:
        survey = look_through(path)
    except ValueError as error:
        return None, problem(plain_sentence(error))
    return survey, facts(survey)


def propose(analysis: Analysis, workbench: Workbench, survey: Survey | None, unit: str) -> tuple:
    """The proposal for a clip, and how the panel shows it; where there is none the panel stays as it is."""
    if survey is None:
        return (None, *[gr.skip()] * 7)
    try:
        for news in workbench.steps(lambda progress: analysis.propose(Request(survey, None, None), progress)):
            if isinstance(news, Outcome):
                return news.value, *look.shown(news.value, unit)
    except ValueError as error:
        return None, problem(plain_sentence(error)), *[gr.skip()] * 6
    raise RuntimeError("the search for the diver ended without an outcome")


def analyse(
    analysis: Analysis,
    workbench: Workbench,
    shown: Shown,
    path: str | None,
    *said: object,
) -> Iterator[dict]:
    """The analysis step by step: what is being done, the result as soon as it is there, the files last."""
    try:
        request = requested(path, *said)
        # What is handed out is copied before this goes on; the folder goes when it ends, however it ends.
        with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
            folder = Path(name)

            def work(progress):
                return analysis.judge_and_film(request, folder, progress)

            report = None
            for news in workbench.steps(work):
                if isinstance(news, Outcome):
                    report, clip = news.value
                else:
                    yield {shown.controls.status: told(news)}
            # The viewer is told of it again whenever another exemplar is chosen.
            clip = replace(clip, path=in_cache(clip.path))
            yield show(shown, report, clip) | {
                shown.controls.status: progress_bar("Writing what you can take home", 0.8)
            }
            for news in workbench.steps(lambda progress: analysis.files(report, folder / "results", progress)):
                if isinstance(news, Outcome):
                    buttons = [gr.DownloadButton(value=str(file), interactive=True) for file in news.value]
                    yield shown.controls.ended("") | dict(zip(shown.results.files, buttons, strict=True))
                else:
                    yield {shown.controls.status: told(news)}
    except ValueError as error:
        yield shown.controls.ended(problem(plain_sentence(error)))


def requested(
    path: str | None,
    survey: Survey | None,
    proposal: Proposal | None,
    code: str | None,
    height: str | None,
    own: float | None,
    sources: list[str],
    folder: str | None,
    *choices: object,
) -> Request:
    """What the user asked for; ValueError where something is missing."""
    if path is None:
        raise ValueError("Upload a clip of a dive first.")
    if not Path(path).is_file():
        raise ValueError("This clip could not be used, so it was thrown away: upload another one.")
    if survey is None or str(survey.info.path) != str(path):
        survey = look_through(path)
    is_of_it = proposal is not None and proposal.survey.info == survey.info
    proposal = look.chosen(proposal, *choices) if is_of_it else None
    number = code.strip() if code and code.strip() else None
    height = height and f"{parse_height(height):g}"
    visit = Visit(tuple(sources or ()), folder)
    return Request(survey, number, height, own or None, proposal=proposal, visit=visit)


def show(shown: Shown, report: DiveReport, clip: PlayerClip) -> dict:
    """The report in the parts that show it."""
    results = shown.results
    scored = report.total is not None
    seen = viewer_value(report, clip)
    video = dict(zip((results.beside, results.make_video, results.video), video_parts(seen), strict=True))
    return {
        shown.inputs.panel: gr.Accordion(open=False, label=f"Your dive: {report.info.path.name}"),
        results.column: gr.Column(visible=True),
        results.headline: results_view.headline(report),
        results.warnings: results_view.warnings(report),
        results.viewer: seen,
        results.timeline: charts.timeline(report),
        results.phases: results_view.phase_table(report),
        results.against: gr.Dropdown(choices=results_view.vote_choices(report), value=results_view.MEAN),
        results.waterfall: charts.waterfall(report),
        results.breakdown: results_view.breakdown_table(report),
        results.votes: charts.votes(report),
        results.ballot: results_view.votes_table(report),
        results.report: report,
        results.players: clip,
        **video,
        **dict(zip(results.score_parts, (gr.Column(visible=scored), gr.Row(visible=scored)), strict=True)),
        **{button: gr.DownloadButton(value=None, interactive=False) for button in results.files},
    }
