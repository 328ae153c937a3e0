"""Events of the data and labels on the Train tab: uploads, the table, predictions, corrections and crops."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.auto_trim import write_cropped_frames
from fineparser.data.dataset_summary import summarise_dataset
from fineparser.data.dive_tables import TABLE, read_rows, write_rows
from fineparser.data.dives import DataError, Dive, OnBroken, Problem, ProblemLog
from fineparser.data.importer import list_clips
from fineparser.data.readers.clip_folder import with_existing_files
from fineparser.progress import Progress
from fineparser.rendering.messages import plural
from fineparser.ui import train_data, train_labels
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.background_tasks import TaskResult, TaskRunner
from fineparser.ui.components import (
    EventValues,
    Updates,
    error_html,
    note_html,
    progress_update,
    read_values,
    value_components,
)
from fineparser.ui.controls import Controls
from fineparser.ui.train_data import DataPanel, DataValues
from fineparser.ui.train_labels import LabelPanel, LabelValues, Predictions
from fineparser.ui.train_settings import TrainSettings
from fineparser.ui.training_storage import StorageError, TrainingStorage

CROPPED, ORIGINALS = "cut", ".originals"
"""Folders of a collection: the cropped clips, and the originals of them."""


def crop_collection(folder: Path, dives: dict[str, Dive], analyser: DiveAnalyser, progress: Progress) -> int:
    """Crop every dive of a collection that has no masks; return the number of dives that were cropped.

    The table then names the cropped frames, with their transitions; the originals are moved to `.originals`, where
    nothing looks for dives. Dives with masks stay as they are, since their masks belong to the whole frame.

    Args:
        folder: of the collection.
        dives: its usable dives by id.
        analyser: proposes trim and crop.
        progress: called before each dive.

    Raises:
        VideoError, OSError: if a clip cannot be read or written; dives that were cropped before stay cropped.
    """
    table = read_rows(folder / TABLE, ProblemLog(OnBroken.SKIP))
    rows = with_existing_files(folder, [row for _, row in table])
    by_line = {dive.location.line: dive for dive in dives.values() if not dive.has_masks}
    to_crop = [
        (index, by_line[line])
        for index, (line, _) in enumerate(table)
        if line in by_line and not rows[index]["clip"].startswith(f"{CROPPED}/")
    ]
    for done, (index, dive) in enumerate(to_crop):
        progress(f"Cropping {dive.id}", done / len(to_crop))
        row = rows[index]
        first, last = (int(row[name]) if row[name] else None for name in ("start_frame", "end_frame"))
        proposal = analyser.propose(folder / row["clip"], first, last)
        name = _unused_name(folder / CROPPED, Path(row["clip"]).stem)
        (folder / CROPPED).mkdir(exist_ok=True)
        write_cropped_frames(proposal, folder / CROPPED / name)
        transitions = _shifted_transitions(dive, proposal.first, proposal.last)
        rows[index] = row | {"clip": f"{CROPPED}/{name}", "start_frame": "", "end_frame": ""} | transitions
        write_rows(folder / TABLE, rows)
        _set_aside(folder, {one["clip"] for one in rows})
    return len(to_crop)


def _shifted_transitions(dive: Dive, first: int, last: int) -> dict[str, str]:
    """The transitions counted from frame `first`; one that is unknown or outside the trim is empty."""
    frames = {"flight_frame": dive.flight_frame, "entry_frame": dive.entry_frame}
    return {
        name: "" if frame is None or not first <= frame <= last else str(frame - first)
        for name, frame in frames.items()
    }


def _unused_name(folder: Path, stem: str) -> str:
    """A name for a new file of the folder."""
    number, name = 1, stem
    while (folder / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def _set_aside(folder: Path, named: set[str]) -> None:
    """Move clips that no row names to the originals."""
    for clip in list_clips(folder):
        if clip not in named:
            target = folder / ORIGINALS / clip
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / clip, target)


@dataclass(kw_only=True, eq=False)
class TrainDataEvents:
    """Handlers of the data panel and the label panel, connected when they are created."""

    page: gr.Blocks
    data: DataPanel
    labels: LabelPanel
    settings: TrainSettings
    storage: TrainingStorage
    service: AnalysisService
    tasks: TaskRunner

    def __post_init__(self) -> None:
        self.cropping = Controls(start=self.labels.crop, status=self.labels.status)
        self.predicting = Controls(start=self.labels.predict, status=self.labels.status)
        self._inputs: set[Block] = {
            *value_components(DataValues, self.data),
            *(self.settings.task, self.settings.validation_share),
        }
        self._outputs: list[Block] = [
            *(self.data.collection, self.data.summary, self.data.rows, self.data.rows_collection, self.data.csv),
            *(self.labels.dive, self.labels.predictions, self.labels.accept_all),
        ]
        self._connect_data()
        self._connect_labels()

    def _connect_data(self) -> None:
        panel = self.data
        self.page.load(self.refresh, self._inputs, self._outputs, show_progress="hidden", api_visibility="private")
        panel.collection.input(
            self.refresh, self._inputs, self._outputs, show_progress_on=panel.summary, api_visibility="private"
        )
        # The other choices change the summary only: the table and the predictions stay as they are.
        panel.source.input(
            lambda source: train_data.source_updates(panel, source),
            panel.source,
            [panel.clips, panel.dataset, panel.count],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        ).then(self.summarise, self._inputs, panel.summary, show_progress="hidden", api_visibility="private")
        gr.on(
            [
                *(panel.dataset.input, panel.count.submit, panel.count.blur),
                *(self.settings.task.input, self.settings.validation_share.release),
            ],
            self.summarise,
            self._inputs,
            panel.summary,
            show_progress_on=panel.summary,
            api_visibility="private",
        )
        for files in (panel.files, panel.folder):
            files.upload(
                self._upload_handler(files),
                {files, panel.name, *self._inputs},
                [panel.files, panel.folder, panel.name, panel.note, *self._outputs],
                show_progress_on=panel.summary,
                api_visibility="private",
            )
        panel.rows.input(
            self.save_table,
            {panel.rows, panel.rows_collection, self.labels.predictions, *self._inputs},
            [panel.note, *(block for block in self._outputs if block not in (panel.collection, panel.rows))],
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
        panel.delete.connect(self.delete_collection, self._inputs, [panel.note, *self._outputs], panel.collection)

    def _connect_labels(self) -> None:
        panel = self.labels
        label_inputs = {*self._inputs, *value_components(LabelValues, panel)}
        editor: list[Block] = [panel.editor, panel.status]
        panel.dive.input(self.show_dive, label_inputs, editor, show_progress="hidden", api_visibility="private")
        self.predicting.connect(
            self.predict, label_inputs, [panel.predictions, panel.dive, panel.accept_all, panel.editor]
        )
        self.cropping.connect(self.crop, self._inputs, [*self._outputs, panel.editor])
        # "save" is an event of label_editor.js.
        panel.editor.save(  # type: ignore[attr-defined]
            self.save_edited,
            label_inputs,
            [*self._outputs, *editor],
            show_progress="hidden",
            api_visibility="private",
        )
        panel.accept_all.click(
            self.accept_all,
            label_inputs,
            [*self._outputs, *editor],
            show_progress="hidden",
            api_visibility="private",
        )

    def refresh(self, event: EventValues) -> Iterator[Updates]:
        """Read the data again and show them."""
        yield from self._refresh(event, read_values(DataValues, self.data, event))

    def _refresh(
        self,
        event: EventValues,
        values: DataValues,
        *,
        problems: Sequence[Problem] = (),
        predictions: Predictions | None = None,
    ) -> Iterator[Updates]:
        """Updates that show the data.

        Args:
            event: with the settings that the summary depends on.
            values: the data.
            problems: of the last upload.
            predictions: those that are still valid stay; None: discard all.
        """
        panel, names = self.data, self.storage.collections()
        if values.collection not in names:
            values = replace(values, collection=names[0] if names else None)
        dives = train_labels.usable_dives(self.storage, values.collection)
        predictions = train_labels.current_predictions(predictions or {}, dives)
        rows = train_data.table_rows(self.storage, values.collection)
        with ExitStack() as until_sent:
            updates: Updates = {
                panel.collection: gr.Dropdown(choices=names, value=values.collection),
                panel.rows: rows,
                panel.rows_collection: values.collection,
                panel.csv: gr.DownloadButton(value=None, interactive=False),
                panel.summary: self._summary(event, values, problems),
                self.labels.dive: gr.Dropdown(choices=train_labels.dive_label_choices(dives, predictions)),
                self.labels.predictions: predictions,
                self.labels.accept_all: gr.Button(interactive=bool(predictions)),
            }
            if rows:
                path = until_sent.enter_context(train_data.downloadable_table(self.storage, values.collection))
                updates[panel.csv] = gr.DownloadButton(value=str(path), interactive=True)
            yield updates

    def summarise(self, event: EventValues) -> str:
        """Summary of the data for the settings, as HTML."""
        return self._summary(event, read_values(DataValues, self.data, event))

    def _summary(self, event: EventValues, values: DataValues, problems: Sequence[Problem] = ()) -> str:
        try:
            spec = train_data.data_spec(self.storage, values)
            summary = summarise_dataset(spec, event[self.settings.task], event[self.settings.validation_share])
        except StorageError as error:
            return note_html(str(error))
        return train_data.summary_html(summary, problems)

    def _upload_handler(self, files: gr.File) -> Callable[[EventValues], Iterator[Updates]]:
        """Handler that imports what was uploaded to `files`."""

        def upload(event: EventValues) -> Iterator[Updates]:
            panel, values = self.data, read_values(DataValues, self.data, event)
            name = event[panel.name] or values.collection or train_data.DEFAULT_COLLECTION
            try:
                collection, problems = train_data.import_uploads(self.storage, name, event[files] or [])
            except (StorageError, OSError) as error:
                yield {panel.note: error_html(str(error)), panel.files: None}
                return
            for updates in self._refresh(event, replace(values, collection=collection), problems=problems):
                yield updates | {panel.files: None, panel.folder: None, panel.name: "", panel.note: ""}

        return upload

    def save_table(self, event: EventValues) -> Iterator[Updates]:
        """Save the table, and leave the one on the page as it is: the user may be typing in the next cell.

        While another collection is being opened, the table still shows the former one, and is saved there.
        """
        panel, values = self.data, read_values(DataValues, self.data, event)
        collection = event[panel.rows_collection]
        try:
            train_data.save_table(self.storage, collection, event[panel.rows])
        except (StorageError, OSError) as error:
            yield {panel.note: error_html(str(error))}
            return
        if collection != values.collection:
            yield {panel.note: note_html("The table is saved.")}
            return
        for updates in self._refresh(event, values, predictions=event[self.labels.predictions]):
            del updates[panel.collection], updates[panel.rows]
            yield updates | {panel.note: note_html("The table is saved.")}

    def delete_collection(self, event: EventValues) -> Iterator[Updates]:
        """Delete the chosen collection."""
        values, note = read_values(DataValues, self.data, event), ""
        try:
            self.storage.remove_collection(values.collection or "")
        except (StorageError, OSError) as error:
            note = error_html(str(error))
        for updates in self._refresh(event, values):
            yield updates | {self.data.note: note}

    def show_dive(self, event: EventValues) -> Iterator[Updates]:
        """Show the chosen dive in the editor."""
        values = read_values(LabelValues, self.labels, event)
        yield from self._show_dive(event[self.data.collection], values.dive, values.predictions)

    def _show_dive(self, collection: str | None, name: str | None, predictions: Predictions) -> Iterator[Updates]:
        panel = self.labels
        dive = train_labels.usable_dives(self.storage, collection).get(name or "")
        if dive is None:
            yield {panel.editor: None, panel.status: ""}
            return
        try:
            with train_labels.editor_value(dive, predictions.get(dive.id)) as value:
                yield {panel.editor: value, panel.status: ""}
        except DataError as error:
            yield {panel.editor: None, panel.status: error_html(str(error))}

    def predict(self, event: EventValues) -> Iterator[Updates]:
        """Predict the missing labels of every dive."""
        panel, values = self.labels, read_values(LabelValues, self.labels, event)
        collection = event[self.data.collection]
        dives = train_labels.usable_dives(self.storage, collection)

        def work(progress: Progress) -> Predictions:
            return train_labels.predict_missing(self.service.analyser.network, dives, values.predictions, progress)

        predictions = values.predictions
        for task_event in self.tasks.run(work):
            if isinstance(task_event, TaskResult):
                predictions = task_event.value
            else:
                yield {panel.status: progress_update(task_event)}
        name = values.dive if values.dive in dives else next(iter(predictions), None)
        updates: Updates = {
            panel.predictions: predictions,
            panel.dive: gr.Dropdown(choices=train_labels.dive_label_choices(dives, predictions), value=name),
            panel.accept_all: gr.Button(interactive=bool(predictions)),
        }
        status = note_html(
            f"Labels predicted for {plural(len(predictions), 'dive')}: check them before you accept them."
        )
        for editor in self._show_dive(collection, name, predictions):
            yield updates | editor | self.predicting.finished(status)

    def crop(self, event: EventValues) -> Iterator[Updates]:
        """Crop every clip of the collection to the diver."""
        values = read_values(DataValues, self.data, event)
        dives = train_labels.usable_dives(self.storage, values.collection)
        status = ""
        try:
            folder = self.storage.collection(values.collection or "")
            for task_event in self.tasks.run(
                lambda progress: crop_collection(folder, dives, self.service.analyser, progress)
            ):
                if isinstance(task_event, TaskResult):
                    status = note_html(f"Clips cropped: {task_event.value}. Predict their labels next.")
                else:
                    yield {self.labels.status: progress_update(task_event)}
        except (ValueError, OSError) as error:
            status = error_html(str(error))
        for updates in self._refresh(event, values):
            yield updates | {self.labels.editor: None} | self.cropping.finished(status)

    def save_edited(self, event: EventValues, edit: gr.EventData) -> Iterator[Updates]:
        """Save the transitions in the editor."""
        transitions = {str(edit.dive): (int(edit.flight), int(edit.entry))}
        yield from self._save(event, transitions, [str(edit.dive)])

    def accept_all(self, event: EventValues) -> Iterator[Updates]:
        """Save every prediction for labels that the table lacks."""
        predictions = read_values(LabelValues, self.labels, event).predictions
        dives = train_labels.usable_dives(self.storage, event[self.data.collection])
        transitions = {
            name: train_labels.complete_transitions(dives[name], labels.flight_frame, labels.entry_frame)
            for name, labels in predictions.items()
            if name in dives and not dives[name].has_transitions
        }
        yield from self._save(event, transitions, list(predictions))

    def _save(self, event: EventValues, transitions: dict[str, tuple[int, int]], names: list[str]) -> Iterator[Updates]:
        """Save transitions, and the predicted masks of the dives `names` if the user accepts masks."""
        data, values = read_values(DataValues, self.data, event), read_values(LabelValues, self.labels, event)
        predictions = values.predictions
        masks = {name: predictions[name] for name in names if values.accept_masks and name in predictions}
        try:
            train_labels.save_labels(self.storage, data.collection, transitions, masks)
            status = note_html(f"Labels of {plural(len(set(transitions) | set(masks)), 'dive')} saved in dives.csv.")
        except (StorageError, DataError, OSError) as error:
            status = error_html(str(error))
        left = {name: labels for name, labels in predictions.items() if name not in names}
        for updates in self._refresh(event, data, predictions=left):
            for editor in self._show_dive(data.collection, values.dive, left):
                yield updates | editor | {self.labels.status: status}
