"""The Train tab's dives at work: uploads, tables, proposals and corrections, and what the data hold after each."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

import gradio as gr

from fineparser.data.dives import DataError, Problem
from fineparser.data.survey import survey
from fineparser.ui import train_data as data
from fineparser.ui import train_labels as labels
from fineparser.ui.analysis import Analysis
from fineparser.ui.controls import Controls
from fineparser.ui.status_line import note, told
from fineparser.ui.steps import Outcome, Workbench
from fineparser.ui.train_choices import Choices
from fineparser.ui.train_cut import cut_collection
from fineparser.ui.upload import problem
from fineparser.ui.workshop import Workshop, WorkshopError

PRIVATE = {"api_visibility": "private"}
QUIET = {"show_progress": "hidden", **PRIVATE}


class DiveDesk:
    """What the events of the data panel and of the label panel do."""

    def __init__(self, workshop: Workshop, analysis: Analysis, workbench: Workbench, concurrency_id: str) -> None:
        self.workshop, self.analysis, self.workbench = workshop, analysis, workbench
        self._concurrency_id = concurrency_id

    def tie(self, page: gr.Blocks, panel: data.DataPanel, label_panel: labels.LabelPanel, choices: Choices) -> None:
        """Ties the panels' events to this desk."""
        self.data, self.labels, self.choices = panel, label_panel, choices
        self.cutting = Controls(label_panel.cut, label_panel.status)
        self.proposing = Controls(label_panel.propose, label_panel.status)
        self._asked = [panel.source, panel.collection, panel.dataset, panel.count, choices.part, choices.share]
        self._shown = [panel.collection, panel.found, panel.rows, panel.tabled, panel.csv]
        self._shown += [label_panel.dive, label_panel.proposals, label_panel.keep_all]
        self._data_events(page)
        self._label_events()

    def _data_events(self, page: gr.Blocks) -> None:
        panel, asked, shown = self.data, self._asked, self._shown
        page.load(self.refresh, asked, shown, **QUIET)
        panel.collection.input(self.refresh, asked, shown, show_progress_on=panel.found, **PRIVATE)
        # What is filled in and what was proposed stay as they are, whatever is chosen beside them.
        panel.source.input(
            lambda source: data.shown_parts(source, panel),
            panel.source,
            [panel.mine, panel.dataset, panel.count],
            queue=False,
            **QUIET,
        ).then(self.surveyed, asked, panel.found, **QUIET)
        for event in (
            *(panel.dataset.input, panel.count.submit, panel.count.blur),
            *(self.choices.part.input, self.choices.share.release),
        ):
            event(self.surveyed, asked, panel.found, show_progress_on=panel.found, **PRIVATE)
        for files in (panel.files, panel.folder):
            files.upload(
                self.take_in,
                [files, panel.name, *asked],
                [panel.files, panel.folder, panel.name, panel.note, *shown],
                show_progress_on=panel.found,
                **PRIVATE,
            )
        panel.rows.input(
            self.save_table,
            [panel.rows, panel.tabled, self.labels.proposals, *asked],
            [panel.note, *(part for part in shown if part not in (panel.collection, panel.rows))],
            trigger_mode="always_last",
            **QUIET,
        )
        panel.remove.tie(self.remove_collection, asked, [panel.note, *shown], panel.collection)

    def _label_events(self) -> None:
        panel, source, asked, shown = self.labels, self.data, self._asked, self._shown
        editor = [panel.editor, panel.status]
        panel.dive.input(self.show_dive, [source.collection, panel.dive, panel.proposals], editor, **QUIET)
        self.proposing.begin(
            self.propose,
            [source.collection, panel.dive, panel.proposals],
            [panel.proposals, panel.dive, panel.keep_all, panel.editor],
            self._concurrency_id,
        )
        inputs = [panel.proposals, panel.masks, panel.dive, *asked]
        self.cutting.begin(self.cut, asked, [*shown, panel.editor], self._concurrency_id)
        panel.editor.keep(self.keep_one, inputs, [*shown, *editor], **QUIET)
        panel.keep_all.click(self.keep_all, inputs, [*shown, *editor], **QUIET)

    def refresh(
        self, *asked: object, problems: Sequence[Problem] = (), proposals: labels.Proposals | None = None
    ) -> Iterator[dict]:
        """Looks through the data again and shows what they hold; of the proposals, what still fits the table.

        Args:
            asked: what `surveyed` takes.
            problems: with what was uploaded just now.
            proposals: that there are; None: those that were no longer tell anything.
        """
        source, collection, *rest = asked
        panel, names = self.data, self.workshop.collections()
        if collection not in names:
            collection = names[0] if names else None
        dives = labels.dives_of(self.workshop, collection)
        proposals = labels.fitting(proposals or {}, dives)
        with ExitStack() as until_sent:
            changes = {
                panel.collection: gr.Dropdown(choices=names, value=collection),
                panel.rows: data.rows_of(self.workshop, collection),
                panel.tabled: collection,
                self.labels.dive: gr.Dropdown(choices=labels.dive_choices(dives, proposals)),
                self.labels.proposals: proposals,
                self.labels.keep_all: gr.Button(interactive=bool(proposals)),
                panel.csv: gr.DownloadButton(value=None, interactive=False),
            }
            if changes[panel.rows]:
                copies = data.csv_to_take(self.workshop, collection)
                until_sent.callback(copies.close)
                changes[panel.csv] = gr.DownloadButton(value=str(next(copies)), interactive=True)
            changes[panel.found] = self.surveyed(source, collection, *rest, problems=problems)
            yield changes

    def surveyed(
        self,
        source: str,
        collection: str | None,
        dataset: str | None,
        count: float | None,
        part: str,
        share: float,
        problems: Sequence[Problem] = (),
    ) -> str:
        """What the data hold for this kind of training, as HTML."""
        try:
            found = survey(data.spec_of(self.workshop, source, collection, dataset, count), part, share)
        except WorkshopError as error:
            return note(str(error))
        return data.survey_html(found, problems)

    def take_in(self, files: list[str] | None, name: str, *asked: object) -> Iterator[dict]:
        """Puts an upload into its collection and looks through it."""
        panel = self.data
        source, collection, *rest = asked
        try:
            collection, problems = data.take_in(self.workshop, name, collection, files or [])
        except (WorkshopError, OSError) as error:
            yield {panel.note: problem(str(error)), panel.files: None}
            return
        for changes in self.refresh(source, collection, *rest, problems=problems):
            yield changes | {panel.files: None, panel.folder: None, panel.name: "", panel.note: ""}

    def save_table(
        self, rows: list[list[object]], tabled: str | None, proposals: labels.Proposals, *asked: object
    ) -> Iterator[dict]:
        """Keeps the table as it was filled in, and leaves the one on the page, in which the next cell may be open.

        `tabled` is the collection that the table shows: while another one is being opened, not the chosen one yet.
        """
        try:
            data.save_rows(self.workshop, tabled, rows)
        except (WorkshopError, OSError) as error:
            yield {self.data.note: problem(str(error))}
            return
        if tabled != asked[1]:
            yield {self.data.note: note("The table is saved.")}
            return
        for changes in self.refresh(*asked, proposals=proposals):
            del changes[self.data.collection], changes[self.data.rows]
            yield changes | {self.data.note: note("The table is saved.")}

    def remove_collection(self, *asked: object) -> Iterator[dict]:
        """Deletes the chosen collection."""
        said = ""
        try:
            self.workshop.remove_collection(asked[1] or "")
        except (WorkshopError, OSError) as error:
            said = problem(str(error))
        for changes in self.refresh(*asked):
            yield changes | {self.data.note: said}

    def show_dive(self, collection: str | None, name: str | None, proposals: labels.Proposals) -> Iterator[dict]:
        """The chosen dive in the editor."""
        panel = self.labels
        dive = labels.dives_of(self.workshop, collection).get(name or "")
        if dive is None:
            yield {panel.editor: None, panel.status: ""}
            return
        try:
            for value in labels.editor_value(dive, proposals.get(dive.id)):
                yield {panel.editor: value, panel.status: ""}
        except DataError as error:
            yield {panel.editor: None, panel.status: problem(str(error))}

    def propose(self, collection: str | None, name: str | None, proposals: labels.Proposals) -> Iterator[dict]:
        """Proposals for what is missing, dive by dive."""
        panel = self.labels
        dives = labels.dives_of(self.workshop, collection)
        work = partial(labels.proposed, self.analysis, dives, proposals)
        for news in self.workbench.steps(work):
            if isinstance(news, Outcome):
                proposals = news.value
            else:
                yield {panel.status: told(news)}
        name = name if name in dives else next(iter(proposals), None)
        changes = {
            panel.proposals: proposals,
            panel.dive: gr.Dropdown(choices=labels.dive_choices(dives, proposals), value=name),
            panel.keep_all: gr.Button(interactive=bool(proposals)),
        }
        for shown in self.show_dive(collection, name, proposals):
            said = note(f"{len(proposals)} dives have proposals: look at them.")
            yield changes | shown | self.proposing.ended(said)

    def cut(self, *asked: object) -> Iterator[dict]:
        """Cuts every clip to the diver."""
        dives = labels.dives_of(self.workshop, asked[1])
        try:
            work = partial(cut_collection, self.workshop.collection(asked[1] or ""), dives, self.analysis.analyser)
            for news in self.workbench.steps(work):
                if isinstance(news, Outcome):
                    said = note(f"Cut: {news.value}. The switches can be proposed now.")
                else:
                    yield {self.labels.status: told(news)}
        except (ValueError, OSError) as error:
            said = problem(str(error))
        for changes in self.refresh(*asked):
            yield changes | {self.labels.editor: None} | self.cutting.ended(said)

    def keep_one(
        self, event: gr.EventData, proposals: labels.Proposals, masks: bool, name: str | None, *asked: object
    ) -> Iterator[dict]:
        """Keeps the switches that the editor tells."""
        kept = event._data
        dive = str(kept.get("dive"))
        yield from self._keep({dive: (int(kept["flight"]), int(kept["entry"]))}, [dive], proposals, masks, name, asked)

    def keep_all(self, proposals: labels.Proposals, masks: bool, name: str | None, *asked: object) -> Iterator[dict]:
        """Keeps every proposal for what the table lacks."""
        dives = labels.dives_of(self.workshop, asked[1])
        lacking = {
            one: (found.flight_frame, found.entry_frame)
            for one, found in proposals.items()
            if one in dives and dives[one].flight_frame is None
        }
        yield from self._keep(lacking, list(proposals), proposals, masks, name, asked)

    def _keep(
        self, switches: dict, names: list[str], proposals, masks: bool, shown: str | None, asked
    ) -> Iterator[dict]:
        kept = {name: proposals[name] for name in names if masks and name in proposals}
        try:
            labels.keep(self.workshop, asked[1], switches, kept)
            said = note(f"Kept for {len(set(switches) | set(kept))} dives, in the table and in dives.csv.")
        except (WorkshopError, DataError, OSError) as error:
            said = problem(str(error))
        left = {name: found for name, found in proposals.items() if name not in names}
        for changes in self.refresh(*asked, proposals=left):
            for editor in self.show_dive(asked[1], shown, left):
                yield changes | editor | {self.labels.status: said}
