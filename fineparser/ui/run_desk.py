"""The Train tab's runs at work: start, look, pause, and the way of their weights into the Analyse tab and back."""

from collections.abc import Iterator
from functools import partial

import gradio as gr

from fineparser.data.survey import survey
from fineparser.training import job_process
from fineparser.ui import train_data as data
from fineparser.ui import train_outcome as outcome
from fineparser.ui import train_runs as runs
from fineparser.ui.controls import Controls
from fineparser.ui.dive_desk import PRIVATE, QUIET
from fineparser.ui.status_line import note, told
from fineparser.ui.steps import Outcome, Workbench
from fineparser.ui.train_choices import FIRST, Choices, options_of, start_choices
from fineparser.ui.upload import problem
from fineparser.ui.weights_in_use import WeightsInUse
from fineparser.ui.workshop import Workshop, WorkshopError


class RunDesk:
    """What the events of the run panel and of the outcome panel do."""

    def __init__(self, workshop: Workshop, in_use: WeightsInUse, workbench: Workbench, concurrency_id: str) -> None:
        self.workshop, self.in_use, self.workbench = workshop, in_use, workbench
        self._concurrency_id = concurrency_id

    def tie(
        self,
        start: gr.Button,
        told: gr.HTML,
        source: data.DataPanel,
        choices: Choices,
        panel: runs.RunPanel,
        outcome_panel: outcome.OutcomePanel,
    ) -> None:
        """Ties the panels' events to this desk; `told` says what became of a press on a button."""
        self.told, self.data, self.choices, self.runs, self.outcome = told, source, choices, panel, outcome_panel
        self._run_events(start)
        self._outcome_events()

    def _run_events(self, start: gr.Button) -> None:
        panel, source = self.runs, self.data
        shown = [panel.run, panel.status, panel.column, panel.seen, *panel.buttons, *panel.plots, self.outcome.text]
        start.click(
            self.start,
            [source.source, source.collection, source.dataset, source.count, *self.choices.all],
            [self.told, *shown],
            show_progress_on=self.told,
            **PRIVATE,
        )
        looked = [panel.run, panel.seen]
        panel.timer.tick(self.look, looked, shown, queue=False, **QUIET)
        panel.run.input(lambda name: self.look(name, None), panel.run, shown, queue=False, **QUIET)
        for button, wish in ((panel.pause, "pause"), (panel.stop, "stop"), (panel.resume, "resume")):
            button.click(partial(self.ask, wish), panel.run, [self.told, *shown], **QUIET)
        panel.remove.tie(partial(self.ask, "delete"), panel.run, [self.told, *shown], panel.run)
        self.choices.start.focus(
            lambda: gr.Dropdown(choices=start_choices(self.workshop, self.in_use)),
            outputs=self.choices.start,
            queue=False,
            **QUIET,
        )

    def _outcome_events(self) -> None:
        panel, run = self.outcome, self.runs.run
        self.switching = Controls(panel.use, panel.now)
        self.switching.begin(self.use, [run, panel.own], [], self._concurrency_id)
        panel.back.click(self.go_back, outputs=panel.now, **QUIET)
        panel.prepare.click(self.pack, run, [panel.take, panel.now], show_progress_on=panel.now, **PRIVATE)

    def start(
        self, source: str, collection: str | None, dataset: str | None, count: float | None, *chosen: object
    ) -> dict:
        """Starts a run, or puts it in line."""
        part, start, share = chosen[0], chosen[1], chosen[4]
        name = None
        try:
            spec = data.spec_of(self.workshop, source, collection, dataset, count)
            found = survey(spec, part, share)
            if found.error:
                raise WorkshopError(found.error)
            job = None if start == FIRST else self.workshop.jobs[start]
            options = options_of(spec, found.seed, str(self.in_use.start_checkpoint(job).resolve()), *chosen)
            first = self.in_use.first_name if job is None else job.id
            made = self.workshop.jobs.new(data.title_of(source, collection, dataset, count), first, options)
            job_process.start(made)
            name, said = made.id, note(f"{made.id} is on its way.")
        except (ValueError, OSError) as error:
            said = problem(str(error))
        return {self.told: said} | self.look(name, None)

    def ask(self, wish: str, name: str | None) -> dict:
        """Pauses, stops, resumes or deletes a run."""
        if wish == "delete" and self.in_use.job is not None and self.in_use.job.id == name:
            said = problem(f"The Analyse tab uses {name}: go back to the installed weights first.")
        else:
            said = runs.ask(self.workshop, name, wish)
        return {self.told: said} | self.look(name, None)

    def look(self, name: str | None, seen: tuple | None) -> dict:
        """What has changed of the chosen run, its outcome included."""
        changes = runs.look(self.workshop, self.runs, name, seen)
        if self.runs.seen in changes:
            changes[self.outcome.text] = outcome.outcome_html(self.workshop, changes[self.runs.seen][0])
        return changes

    def use(self, name: str | None, own: bool) -> Iterator[dict]:
        """Switches the Analyse tab to a run's weights."""
        try:
            job = self.workshop.jobs[name or ""]
            for news in self.workbench.steps(lambda progress: self.in_use.use(job, own, progress)):
                if isinstance(news, Outcome):
                    yield self.switching.ended(outcome.in_use_html(self.in_use, news.value))
                else:
                    yield {self.switching.status: told(news)}
        except (ValueError, OSError) as error:
            yield self.switching.ended(problem(str(error)) + outcome.in_use_html(self.in_use))

    def go_back(self) -> str:
        """Switches the Analyse tab to the weights that it started with."""
        self.in_use.go_back()
        return outcome.in_use_html(self.in_use)

    def pack(self, name: str | None) -> Iterator[tuple]:
        """Makes the zip to take home."""
        try:
            for path in outcome.packed(self.workshop, name):
                yield gr.DownloadButton(value=str(path), interactive=True), outcome.in_use_html(self.in_use)
        except (ValueError, OSError) as error:
            yield gr.DownloadButton(value=None, interactive=False), problem(str(error))
