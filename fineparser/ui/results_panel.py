"""The parts of the Analyse tab that show a report, and what they do once it is there: another exemplar, a video."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.analysis.report import DiveReport
from fineparser.rendering import charts
from fineparser.rendering.comparison import Panel, write_comparison
from fineparser.rendering.results import ZIP
from fineparser.ui import results_view
from fineparser.ui.analysis import DOWNLOADS
from fineparser.ui.filming import with_clip
from fineparser.ui.player_clip import PlayerClip
from fineparser.ui.steps import Outcome, Workbench
from fineparser.ui.upload import plain_sentence
from fineparser.ui.viewer import viewer, viewer_value


@dataclass(frozen=True)
class Results:
    """The parts that show a report."""

    column: gr.Column
    headline: gr.HTML
    warnings: gr.HTML
    viewer: gr.HTML
    timeline: gr.Plot
    phases: gr.HTML
    against: gr.Dropdown
    waterfall: gr.Plot
    breakdown: gr.HTML
    votes: gr.Plot
    ballot: gr.HTML
    files: tuple[gr.DownloadButton, ...]
    """In the order of `DOWNLOADS`."""
    score_parts: tuple[gr.Column | gr.Row, ...]
    """Hidden where there is no score."""
    report: gr.State
    players: gr.State
    """The `PlayerClip` of the dive."""
    beside: gr.Row
    """Hidden where no exemplar stands beside the dive."""
    make_video: gr.Button
    video: gr.DownloadButton


def result_parts(keep_seconds: float) -> Results:
    """Adds the parts, hidden until there is a report, which is kept for `keep_seconds`."""
    with gr.Column(visible=False, elem_id="results") as column:
        headline = gr.HTML(elem_id="headline", apply_default_css=False)
        warnings = gr.HTML(elem_id="warnings", apply_default_css=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=6, min_width=460):
                player = viewer()
                with gr.Row(visible=False, elem_id="beside") as beside:
                    make_video = gr.Button("Make a video of both", min_width=150, elem_id="make-comparison")
                    video = gr.DownloadButton(
                        "Save the video", interactive=False, min_width=150, elem_id="take-comparison"
                    )
                timeline = gr.Plot(show_label=False, container=False, elem_id="timeline")
                phases = gr.HTML(apply_default_css=False)
            with gr.Column(scale=5, min_width=460) as score_parts:
                against = gr.Dropdown(
                    [results_view.MEAN], value=results_view.MEAN, label="Compared with", elem_id="against"
                )
                waterfall = gr.Plot(show_label=False, container=False, elem_id="waterfall")
                breakdown = gr.HTML(elem_id="breakdown", apply_default_css=False)
        with gr.Row(equal_height=False) as vote_parts:
            with gr.Column(scale=1, min_width=460):
                gr.Markdown("### What each exemplar says\nTouch one to compare the dive with it alone.")
                votes = gr.Plot(show_label=False, container=False, elem_id="votes")
            with gr.Column(scale=1, min_width=460):
                ballot = gr.HTML(elem_id="ballot", apply_default_css=False)
        gr.Markdown("### To take home")
        with gr.Row(elem_id="files"):
            files = [
                gr.DownloadButton(
                    text,
                    interactive=False,
                    variant="primary" if name == ZIP else "secondary",
                    min_width=150,
                    elem_id="take-" + name.replace(".", "-"),
                )
                for name, text in DOWNLOADS.items()
            ]
        report, players = gr.State(None, time_to_live=keep_seconds), gr.State(None, time_to_live=keep_seconds)
    return Results(
        *(column, headline, warnings, player, timeline, phases, against, waterfall, breakdown, votes, ballot),
        *(tuple(files), (score_parts, vote_parts), report, players, beside, make_video, video),
    )


def compare(report: DiveReport | None, clip: PlayerClip | None, exemplar: str) -> tuple:
    """Report, viewer, waterfall, table and votes with one exemplar chosen, and the buttons of the video of both."""
    if report is None or clip is None or not clip.path.is_file():
        raise gr.Error("The result is gone after so long a time: analyse the clip again.")
    if exemplar != results_view.MEAN:
        report = with_clip(report, exemplar)
    seen = results_view.as_seen_by(report, exemplar)
    marked = report if seen is report else results_view.with_exemplar(report, exemplar)
    beside = viewer_value(marked, clip)
    return (
        report,
        beside,
        charts.waterfall(seen),
        results_view.breakdown_table(seen),
        charts.votes(marked),
        results_view.votes_table(marked),
        *video_parts(beside),
    )


def chosen(report: DiveReport | None, clip: PlayerClip | None, event: gr.EventData) -> tuple:
    """The exemplar whose vote was clicked."""
    exemplar = str(event._data.get("exemplar", results_view.MEAN))
    return exemplar, *compare(report, clip, exemplar)


def video_parts(beside: dict) -> tuple[gr.Row, gr.Button, gr.DownloadButton]:
    """The row with the video of both, shown where an exemplar stands beside the dive, and its unused buttons."""
    row = gr.Row(visible=beside["exemplar"] is not None)
    return row, gr.Button(interactive=True), gr.DownloadButton(value=None, interactive=False)


def film(workbench: Workbench, report: DiveReport | None, exemplar: str) -> Iterator[tuple]:
    """Writes the video of the dive beside the chosen exemplar."""
    if report is None:
        raise gr.Error("The result is gone after so long a time: analyse the clip again.")
    try:
        chosen = report if exemplar == results_view.MEAN else results_view.with_exemplar(report, exemplar)
        panel = Panel.of_exemplar(chosen)
        if panel is None:
            raise ValueError("There is no clip of this exemplar any more: choose another one.")
        yield gr.Button(interactive=False), gr.skip()
        with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
            path = Path(folder) / f"beside {exemplar_name(chosen)}.mp4"
            for news in workbench.steps(lambda progress: write_comparison(Panel.of(chosen), panel, path)):
                if isinstance(news, Outcome):
                    yield gr.Button(interactive=True), gr.DownloadButton(value=str(path), interactive=True)
    except ValueError as error:
        raise gr.Error(plain_sentence(error)) from error


def exemplar_name(report: DiveReport) -> str:
    """The chosen exemplar's id as part of a file's name."""
    return "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in report.exemplar or "exemplar")
