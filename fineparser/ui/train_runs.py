"""The Train tab's runs: which there are, how far they are, pause, stop, go on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import gradio as gr

from fineparser.rendering import training_charts as charts
from fineparser.training import job_process
from fineparser.training.jobs import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    PAUSED,
    PREPARING,
    RESUMABLE,
    STOPPED,
    TRAINING,
    WAITING,
    Job,
    JobError,
    Jobs,
    Status,
)
from fineparser.training.outcome import SHOWN
from fineparser.training.runs import LOG_FILE
from fineparser.ui.deletion import Deletion, deletion_parts
from fineparser.ui.upload import problem
from fineparser.ui.workshop import Workshop

LOOK_SECONDS = 2.0
CURVES = ("spearman", "r_l2_x100")
OTHERWISE = ("transition_error_frames", "mask_iou")
"""Shown where no score is learnt."""
WORDS = {
    WAITING: "waits for its turn",
    PREPARING: "reads and encodes the dives",
    TRAINING: "trains",
    PAUSED: "is paused",
    STOPPED: "was stopped",
    FINISHED: "is finished",
    FAILED: "failed",
    INTERRUPTED: "was interrupted: the machine or the program was restarted",
}


@dataclass(frozen=True)
class RunPanel:
    """The parts that show one run."""

    run: gr.Dropdown
    status: gr.HTML
    pause: gr.Button
    stop: gr.Button
    resume: gr.Button
    remove: Deletion
    column: gr.Column
    """The figures."""
    losses: gr.Plot
    first: gr.Plot
    second: gr.Plot
    predictions: gr.Plot
    seen: gr.State
    """What was shown last, so that figures are only sent again when they change."""
    timer: gr.Timer

    @property
    def buttons(self) -> list[gr.Button]:
        """In the order of `buttons_for`."""
        return [self.pause, self.stop, self.resume, self.remove.ask]

    @property
    def plots(self) -> list[gr.Plot]:
        """In the order of `figures`."""
        return [self.losses, self.first, self.second, self.predictions]


def run_panel(workshop: Workshop) -> RunPanel:
    """Adds the panel to the page that is being built."""
    choices = run_choices(workshop.jobs)
    run = gr.Dropdown(choices, value=choices[0][1] if choices else None, label="Run", elem_id="train-run")
    status = gr.HTML(elem_id="train-status", apply_default_css=False, min_height=24)
    with gr.Row(elem_id="train-buttons"):
        look = {"interactive": False, "min_width": 100}
        pause = gr.Button("Pause", elem_id="train-pause", **look)
        stop = gr.Button("Stop", variant="stop", elem_id="train-stop", **look)
        resume = gr.Button("Go on", variant="primary", elem_id="train-resume", **look)
        remove = gr.Button("Delete this run", elem_id="train-remove", **look)
    removal = deletion_parts(remove, "Delete this run and the weights it learnt? They cannot be brought back.")
    plain = {"show_label": False, "container": False}
    with gr.Column(visible=False, elem_id="train-figures") as column:
        with gr.Row():
            with gr.Column(min_width=320):
                gr.Markdown("#### Losses")
                losses = gr.Plot(elem_id="train-losses", **plain)
            with gr.Column(min_width=320):
                gr.Markdown("#### Validation dives: true and predicted scores")
                predictions = gr.Plot(elem_id="train-predictions", **plain)
        with gr.Row():
            with gr.Column(min_width=320):
                first = gr.Plot(elem_id="train-first", **plain)
            with gr.Column(min_width=320):
                second = gr.Plot(elem_id="train-second", **plain)
    return RunPanel(
        *(run, status, pause, stop, resume, removal, column, losses, first, second, predictions),
        *(gr.State(None), gr.Timer(LOOK_SECONDS)),
    )


def run_choices(jobs: Jobs) -> list[tuple[str, str]]:
    """Every run with what it is doing, the newest first."""
    return [(f"{job.id}: {WORDS[job.status.state].split(':')[0]}", job.id) for job in reversed(list(jobs))]


def look(workshop: Workshop, panel: RunPanel, name: str | None, seen: tuple | None) -> dict:
    """What has changed of a run since it was last looked at; nothing where nothing has."""
    choices = run_choices(workshop.jobs)
    known = [value for _, value in choices]
    if name not in known:
        name = known[0] if known else None
    if name is None:
        mark = ("none",)
        if seen == mark:
            return {panel.status: gr.skip()}
        return {
            panel.run: gr.Dropdown(choices=[], value=None),
            panel.status: '<div class="fp-note">No run yet.</div>',
            panel.column: gr.Column(visible=False),
            panel.seen: mark,
            **dict(zip(panel.buttons, buttons_for(None, False), strict=True)),
        }
    job = workshop.jobs[name]
    status, alive = job.status, job.is_alive
    log = job.run_folder / LOG_FILE
    size = log.stat().st_size if log.is_file() else 0
    mark = (name, size, status, alive, job.wish, tuple(choices))
    if seen == mark:
        return {panel.status: gr.skip()}
    records = [] if job.run is None else job.run.records()
    changes = {
        panel.run: gr.Dropdown(choices=choices, value=name),
        panel.status: status_html(job, status, records),
        panel.column: gr.Column(visible=bool(records)),
        panel.seen: mark,
        **dict(zip(panel.buttons, buttons_for(status, alive), strict=True)),
    }
    if seen is None or (seen[0], seen[1:2]) != (name, (size,)):
        changes |= dict(zip(panel.plots, figures(records), strict=True))
    return changes


def figures(records: Sequence[dict]) -> list:
    """Losses, two validation curves, predicted against true."""
    measured = [record for record in records if record["kind"] == "validation"]
    names = CURVES if any(CURVES[0] in record or CURVES[1] in record for record in measured) else OTHERWISE
    now = measured[-1]["dives"] if measured else []
    before = measured[0]["dives"] if len(measured) > 1 and measured[0]["step"] == 0 else []
    return [
        charts.losses(records),
        *(charts.validation(records, name, SHOWN[name][0]) for name in names),
        charts.predictions(now, before),
    ]


def status_html(job: Job, status: Status, records: Sequence[dict]) -> str:
    """How far a run is, in a line with a bar."""
    words = f"{job.title}, from {job.start}: {WORDS[status.state]}"
    if status.state == FAILED:
        return problem(f"{words}. {status.text}")
    if job.wish is not None and job.is_alive:
        words += f"; it will {job.wish} after this step"
    if status.state in (TRAINING, PREPARING) and status.total:
        unit = "dive" if status.state == PREPARING else "step"
        words += f", {unit} {status.done} of {status.total}"
        if left := time_left(status, records):
            words += f", {left} left"
    elif status.state in (PAUSED, STOPPED, INTERRUPTED) and records:
        words += f", after step {records[-1]['step']}"
    share = status.done / status.total if status.total else 0.0
    if status.state == FINISHED:
        share = 1.0
    return (
        f'<div class="fp-step" role="status"><span>{escape(words)}.</span>'
        f'<progress max="1" value="{share:.3f}"></progress></div>'
    )


def time_left(status: Status, records: Sequence[dict]) -> str:
    """In words; empty where nothing tells yet."""
    trained = [record for record in records if record["kind"] == "train"]
    if status.state != TRAINING or len(trained) < 2 or status.done >= status.total:
        return ""
    recent = trained[-50:]
    pace = (recent[-1]["seconds"] - recent[0]["seconds"]) / (recent[-1]["step"] - recent[0]["step"])
    seconds = pace * (status.total - status.done) - max(0.0, time.time() - status.updated)
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def buttons_for(status: Status | None, alive: bool) -> list[gr.Button]:
    """Which of pause, stop, go on and delete make sense."""
    can_resume = status is not None and status.state in RESUMABLE and not alive
    stoppable = alive or (status is not None and status.state in (PAUSED, INTERRUPTED))
    return [
        gr.Button(interactive=alive),
        gr.Button(interactive=stoppable),
        gr.Button(interactive=can_resume),
        gr.Button(interactive=status is not None and not alive),
    ]


def ask(workshop: Workshop, name: str | None, wish: str) -> str:
    """Pauses, stops, resumes or deletes a run; a sentence about what went wrong, if anything did."""
    try:
        if name is None:
            raise JobError("Choose a run first.")
        if wish == "delete":
            workshop.jobs.remove(name)
        elif wish == "resume":
            job_process.start(workshop.jobs[name])
        else:
            workshop.jobs[name].ask(wish)
    except JobError as error:
        return problem(str(error))
    return ""
