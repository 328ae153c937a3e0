"""Training runs on the Train tab: their list, start, progress, and the use of their weights on the Analyse tab."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.blocks import Block

from fineparser.data.dataset_summary import summarise_dataset
from fineparser.progress import Progress
from fineparser.rendering import training_charts as charts
from fineparser.training.jobs.job_folder import (
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
from fineparser.training.jobs.processes import start_job
from fineparser.training.jobs.run_comparison import COMPARED_METRICS
from fineparser.training.run_folder import LOG_FILE
from fineparser.training.train_checkpoints import RunError
from fineparser.ui.active_weights import (
    ActiveWeights,
    TrainedWeightsPanel,
    active_weights_html,
    comparison_html,
    exported_weights,
)
from fineparser.ui.background_tasks import TaskResult, TaskRunner
from fineparser.ui.components import (
    EventValues,
    Updates,
    error_html,
    note_html,
    progress_html,
    progress_update,
    read_values,
    value_components,
    warning_html,
)
from fineparser.ui.controls import Controls, DeleteButton, add_delete_question
from fineparser.ui.train_data import DataPanel, DataValues, data_spec, data_title
from fineparser.ui.train_settings import INSTALLED, TrainSettings, TrainSettingsValues, starting_weights, train_options
from fineparser.ui.training_storage import StorageError, TrainingStorage

POLL_SECONDS = 2.0
SCORE_CURVES = ("spearman", "r_l2_x100")
PARSER_CURVES = ("transition_error_frames", "mask_iou")
"""Curves of runs that train no scores."""
STATE_LABELS = {
    WAITING: "waiting in line",
    PREPARING: "encoding the dives",
    TRAINING: "training",
    PAUSED: "paused",
    STOPPED: "stopped",
    FINISHED: "finished",
    FAILED: "failed",
    INTERRUPTED: "interrupted by a restart",
}
PACE_STEPS = 50
"""Steps from which the time left is estimated."""

Mark = tuple[object, ...]
"""State of a run that was shown last: figures are sent again only when it changes."""


@dataclass(frozen=True, kw_only=True)
class RunPanel:
    """Components that show one run."""

    run: gr.Dropdown
    status: gr.HTML
    pause: gr.Button
    stop: gr.Button
    resume: gr.Button
    delete: DeleteButton
    figures: gr.Column
    losses: gr.Plot
    first_curve: gr.Plot
    second_curve: gr.Plot
    predictions: gr.Plot
    mark: gr.State
    timer: gr.Timer

    @property
    def outputs(self) -> list[Block]:
        """Components that `run_updates` changes."""
        return [
            *(self.run, self.status, self.pause, self.stop, self.resume, self.delete.ask),
            *(self.figures, self.losses, self.first_curve, self.second_curve, self.predictions, self.mark),
        ]


@dataclass(frozen=True, kw_only=True)
class EnabledButtons:
    """The buttons that make sense in a state."""

    pause: bool = False
    stop: bool = False
    resume: bool = False
    delete: bool = False


def add_run_panel(storage: TrainingStorage) -> RunPanel:
    """Add the panel to the page that is being built."""
    choices = run_choices(storage.jobs)
    run = gr.Dropdown(choices, value=choices[0][1] if choices else None, label="Run", elem_id="train-run")
    status = gr.HTML(elem_id="train-status", apply_default_css=False, min_height=24)
    with gr.Row(elem_id="train-buttons"):
        pause = gr.Button("Pause", interactive=False, min_width=100, elem_id="train-pause")
        stop = gr.Button("Stop", variant="stop", interactive=False, min_width=100, elem_id="train-stop")
        resume = gr.Button("Resume", variant="primary", interactive=False, min_width=100, elem_id="train-resume")
        ask = gr.Button("Delete this run", interactive=False, min_width=100, elem_id="train-delete")
    delete = add_delete_question(ask, "Delete this run and its weights? This cannot be undone.")
    with gr.Column(visible=False, elem_id="train-figures") as figures:
        with gr.Row():
            with gr.Column(min_width=320):
                gr.Markdown("#### Losses")
                losses = gr.Plot(show_label=False, container=False, elem_id="train-losses")
            with gr.Column(min_width=320):
                gr.Markdown("#### Validation dives: true and predicted scores")
                predictions = gr.Plot(show_label=False, container=False, elem_id="train-predictions")
        with gr.Row():
            with gr.Column(min_width=320):
                first_curve = gr.Plot(show_label=False, container=False, elem_id="train-first-curve")
            with gr.Column(min_width=320):
                second_curve = gr.Plot(show_label=False, container=False, elem_id="train-second-curve")
    return RunPanel(
        run=run,
        status=status,
        pause=pause,
        stop=stop,
        resume=resume,
        delete=delete,
        figures=figures,
        losses=losses,
        first_curve=first_curve,
        second_curve=second_curve,
        predictions=predictions,
        mark=gr.State(None),
        timer=gr.Timer(POLL_SECONDS),
    )


def run_choices(jobs: Jobs) -> list[tuple[str, str]]:
    """Every run with its state, the newest first."""
    return [(f"{job.id}: {STATE_LABELS[job.status.state]}", job.id) for job in reversed(list(jobs))]


def run_updates(panel: RunPanel, storage: TrainingStorage, name: str | None, mark: Mark | None) -> Updates:
    """Updates for a run that has changed since `mark`; without a change, or a run, nearly none.

    Args:
        panel: shows the run.
        storage: of the runs.
        name: of the run; the newest if it is gone.
        mark: value of `RunPanel.mark`.
    """
    choices, problems = run_choices(storage.jobs), storage.jobs.problems
    remarks = "".join(map(warning_html, problems))
    names = [value for _, value in choices]
    if name not in names:
        name = names[0] if names else None
    if name is None:
        new_mark: Mark = ("none", *problems)
        if mark == new_mark:
            return {panel.status: gr.skip()}
        return {
            panel.run: gr.Dropdown(choices=[], value=None),
            panel.status: note_html("No run yet.") + remarks,
            panel.figures: gr.Column(visible=False),
            panel.mark: new_mark,
            **button_updates(panel, EnabledButtons()),
        }
    job = storage.jobs[name]
    status, alive = job.status, job.is_alive
    log = job.run_folder / LOG_FILE
    size = log.stat().st_size if log.is_file() else 0
    new_mark = (name, size, status, alive, job.request, tuple(choices), *problems)
    if mark == new_mark:
        return {panel.status: gr.skip()}
    records: list[dict] = []
    try:
        records = [] if job.run is None else job.run.records()
    except RunError as error:
        remarks += error_html(str(error))
    updates: Updates = {
        panel.run: gr.Dropdown(choices=choices, value=name),
        panel.status: status_html(job, status, records) + remarks,
        panel.figures: gr.Column(visible=bool(records)),
        panel.mark: new_mark,
        **button_updates(panel, enabled_buttons(status, alive)),
    }
    if mark is None or mark[:2] != (name, size):
        updates |= figure_updates(panel, records)
    return updates


def figure_updates(panel: RunPanel, records: Sequence[dict]) -> Updates:
    """Updates of the figures: losses, two validation curves, and predicted against true scores."""
    validations = [record for record in records if record["kind"] == "validation"]
    first, second = curve_names(validations)
    now = validations[-1]["dives"] if validations else []
    before = validations[0]["dives"] if len(validations) > 1 and validations[0]["step"] == 0 else []
    return {
        panel.losses: charts.loss_figure(records),
        panel.first_curve: charts.validation_figure(records, first, COMPARED_METRICS[first][0]),
        panel.second_curve: charts.validation_figure(records, second, COMPARED_METRICS[second][0]),
        panel.predictions: charts.prediction_figure(now, before),
    }


def curve_names(validations: Sequence[dict]) -> tuple[str, str]:
    """The metrics that are drawn as curves."""
    has_scores = any(name in record for record in validations for name in SCORE_CURVES)
    return SCORE_CURVES if has_scores else PARSER_CURVES


def status_html(job: Job, status: Status, records: Sequence[dict]) -> str:
    """A line about a run with a bar for its progress."""
    text = f"{job.title}, from {job.start_weights}: {STATE_LABELS[status.state]}"
    if status.state == FAILED:
        return error_html(f"{text}. {status.text}")
    if job.request is not None and job.is_alive:
        text += f", will {job.request} after this step"
    if status.state in (TRAINING, PREPARING) and status.total:
        unit = "dive" if status.state == PREPARING else "step"
        text += f", {unit} {status.done} of {status.total}"
        if left := time_left(status, records):
            text += f", {left} left"
    elif status.state in (PAUSED, STOPPED, INTERRUPTED) and records:
        text += f", after step {records[-1]['step']}"
    share = status.done / status.total if status.total else 0.0
    return progress_html(f"{text}.", 1.0 if status.state == FINISHED else share, digits=3)


def time_left(status: Status, records: Sequence[dict]) -> str:
    """The time left in words; empty if there is nothing to estimate it from."""
    steps = [record for record in records if record["kind"] == "train"]
    if status.state != TRAINING or len(steps) < 2 or status.done >= status.total:
        return ""
    recent = steps[-PACE_STEPS:]
    pace = (recent[-1]["seconds"] - recent[0]["seconds"]) / (recent[-1]["step"] - recent[0]["step"])
    seconds = pace * (status.total - status.done) - max(0.0, time.time() - status.updated)
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def enabled_buttons(status: Status, alive: bool) -> EnabledButtons:
    """The buttons that make sense for a run; `alive`: its process runs."""
    return EnabledButtons(
        pause=alive,
        stop=alive or status.state in (PAUSED, INTERRUPTED),
        resume=status.state in RESUMABLE and not alive,
        delete=not alive,
    )


def button_updates(panel: RunPanel, enabled: EnabledButtons) -> Updates:
    """Updates that enable and disable the buttons."""
    return {
        panel.pause: gr.Button(interactive=enabled.pause),
        panel.stop: gr.Button(interactive=enabled.stop),
        panel.resume: gr.Button(interactive=enabled.resume),
        panel.delete.ask: gr.Button(interactive=enabled.delete),
    }


def request_action(storage: TrainingStorage, name: str | None, action: str) -> str:
    """Pause, stop, resume or delete a run; the error as HTML if that fails."""
    try:
        if name is None:
            raise JobError("Choose a run first.")
        if action == "delete":
            storage.jobs.remove(name)
        elif action == "resume":
            start_job(storage.jobs[name])
        else:
            storage.jobs[name].send_request(action)
    except JobError as error:
        return error_html(str(error))
    return ""


@dataclass(kw_only=True, eq=False)
class TrainRunEvents:
    """Handlers of the run panel and the trained weights, connected when they are created."""

    start_button: gr.Button
    status: gr.HTML
    """Result of a click on the start button, or on one of the run panel."""
    data: DataPanel
    settings: TrainSettings
    runs: RunPanel
    trained: TrainedWeightsPanel
    storage: TrainingStorage
    weights: ActiveWeights
    tasks: TaskRunner

    def __post_init__(self) -> None:
        self.switching = Controls(start=self.trained.use, status=self.trained.status)
        self._outputs: list[Block] = [*self.runs.outputs, self.trained.comparison]
        self._connect_runs()
        self._connect_weights()

    def _connect_runs(self) -> None:
        panel = self.runs
        self.start_button.click(
            self.start,
            {*value_components(DataValues, self.data), *value_components(TrainSettingsValues, self.settings)},
            [self.status, *self._outputs],
            show_progress_on=self.status,
            api_visibility="private",
        )
        panel.timer.tick(
            self.poll,
            {panel.run, panel.mark},
            self._outputs,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        panel.run.input(
            self.choose, {panel.run}, self._outputs, queue=False, show_progress="hidden", api_visibility="private"
        )
        for button, action in ((panel.pause, "pause"), (panel.stop, "stop"), (panel.resume, "resume")):
            button.click(
                partial(self.act, action),
                {panel.run},
                [self.status, *self._outputs],
                show_progress="hidden",
                api_visibility="private",
            )
        panel.delete.connect(partial(self.act, "delete"), {panel.run}, [self.status, *self._outputs], panel.run)
        self.settings.start.focus(
            lambda: gr.Dropdown(choices=starting_weights(self.storage, self.weights)),
            outputs=self.settings.start,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def _connect_weights(self) -> None:
        panel, run = self.trained, self.runs.run
        self.switching.connect(self.use, {run, panel.own_exemplars}, [])
        panel.use_installed.click(
            self.use_installed, outputs=panel.status, show_progress="hidden", api_visibility="private"
        )
        panel.export.click(
            self.export,
            {run},
            [panel.download, panel.status],
            show_progress_on=panel.status,
            api_visibility="private",
        )

    def start(self, event: EventValues) -> Updates:
        """Start a run, or put it in line."""
        data = read_values(DataValues, self.data, event)
        settings = read_values(TrainSettingsValues, self.settings, event)
        name = None
        try:
            spec = data_spec(self.storage, data)
            summary = summarise_dataset(spec, settings.task, settings.validation_share)
            if summary.error:
                raise StorageError(summary.error)
            source = None if settings.start == INSTALLED else self.storage.jobs[settings.start]
            checkpoint = str(self.weights.starting_checkpoint(source).resolve())
            options = train_options(settings, data=spec, seed=summary.seed, checkpoint=checkpoint)
            start_name = self.weights.installed_name if source is None else source.id
            job = self.storage.jobs.new(data_title(data), start_name, options)
            start_job(job)
            name, status = job.id, note_html(f"The run {job.id} has started.")
        except (ValueError, OSError) as error:
            status = error_html(str(error))
        return {self.status: status} | self._updates(name, None)

    def act(self, action: str, event: EventValues) -> Updates:
        """Pause, stop, resume or delete a run."""
        name = event[self.runs.run]
        if action == "delete" and self.weights.job is not None and self.weights.job.id == name:
            status = error_html(f"The Analyse tab uses {name}: use the installed weights first.")
        else:
            status = request_action(self.storage, name, action)
        return {self.status: status} | self._updates(name, None)

    def poll(self, event: EventValues) -> Updates:
        """Show changes of the chosen run."""
        return self._updates(event[self.runs.run], event[self.runs.mark])

    def choose(self, event: EventValues) -> Updates:
        """Show another run."""
        return self._updates(event[self.runs.run], None)

    def _updates(self, name: str | None, mark: Mark | None) -> Updates:
        updates = run_updates(self.runs, self.storage, name, mark)
        if self.runs.mark in updates:
            updates[self.trained.comparison] = comparison_html(self.storage, updates[self.runs.mark][0])
        return updates

    def use(self, event: EventValues) -> Iterator[Updates]:
        """Switch the Analyse tab to the weights of the chosen run."""
        name, own_exemplars = event[self.runs.run], event[self.trained.own_exemplars]

        def work(progress: Progress) -> None:
            self.weights.use(self.storage.jobs[name or ""], own_exemplars, progress)

        try:
            for task_event in self.tasks.run(work):
                if isinstance(task_event, TaskResult):
                    note = self.weights.exemplar_note()
                    yield self.switching.finished(active_weights_html(self.weights, note))
                else:
                    yield {self.switching.status: progress_update(task_event)}
        except (ValueError, OSError) as error:
            yield self.switching.finished(error_html(str(error)) + active_weights_html(self.weights))

    def use_installed(self) -> str:
        """Switch the Analyse tab to the installed weights."""
        self.weights.use_installed()
        return active_weights_html(self.weights)

    def export(self, event: EventValues) -> Iterator[Updates]:
        """Write the zip for the download."""
        panel = self.trained
        try:
            with exported_weights(self.storage, event[self.runs.run]) as path:
                yield {
                    panel.download: gr.DownloadButton(value=str(path), interactive=True),
                    panel.status: active_weights_html(self.weights),
                }
        except (ValueError, OSError) as error:
            yield {
                panel.download: gr.DownloadButton(value=None, interactive=False),
                panel.status: error_html(str(error)),
            }
