"""Data for training: a collection of clips, a dataset on this machine, or simulated dives."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.data.dataset_summary import DatasetSummary
from fineparser.data.dive_tables import COLUMNS, TABLE, make_row, read_rows, write_rows
from fineparser.data.dives import DataError, OnBroken, Problem, ProblemLog
from fineparser.data.importer import DatasetImporter
from fineparser.data.readers.clip_folder import with_existing_files
from fineparser.data.sources import detect_kind
from fineparser.ui.components import Updates, error_html, note_html, warning_html
from fineparser.ui.controls import DeleteButton, add_delete_question
from fineparser.ui.results_panel import html_table
from fineparser.ui.training_storage import DATA_VARIABLE, StorageError, TrainingStorage

CLIPS, DATASET, SIMULATED = "Your clips", "A dataset", "Simulated dives"
MIN_SIMULATED, MAX_SIMULATED = 4, 2000
MAX_NUMBERS = 12
"""Dive numbers in the summary."""
MAX_PROBLEMS = 200
"""Problems in the summary."""
DEFAULT_COLLECTION = "My dives"
WIDTHS = {"clip": 250, "mask": 140, "source": 140}
"""Widths of columns of the table whose values are longer than their names, pixels."""


@dataclass(frozen=True, kw_only=True)
class DataPanel:
    """Components of the panel."""

    source: gr.Radio
    clips: gr.Column
    """Shown for a collection of clips."""
    collection: gr.Dropdown
    delete: DeleteButton
    name: gr.Textbox
    files: gr.File
    folder: gr.File
    dataset: gr.Dropdown
    count: gr.Number
    note: gr.HTML
    summary: gr.HTML
    rows: gr.Dataframe
    rows_collection: gr.State
    """The collection that `rows` shows."""
    csv: gr.DownloadButton


@dataclass(frozen=True, kw_only=True)
class DataValues:
    """The data that the user chose."""

    source: str
    collection: str | None = None
    dataset: str | None = None
    count: float | None = None


def add_data_panel(storage: TrainingStorage) -> DataPanel:
    """Add the panel to the page that is being built."""
    names = storage.collections()
    source = gr.Radio([CLIPS, DATASET, SIMULATED], value=CLIPS, label="Dives", elem_id="train-source")
    with gr.Column(elem_id="train-clips") as clips, gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=280):
            name = gr.Textbox(
                label="Collection name",
                info="Reports show it. An existing name adds to that collection.",
                placeholder="Club 2026",
                elem_id="train-name",
            )
            collection = gr.Dropdown(
                names, value=names[0] if names else None, label="Collection", elem_id="train-collection"
            )
            delete = add_delete_question(
                gr.Button("Delete this collection", size="sm", elem_id="train-delete-clips"),
                "Delete this collection with its clips and labels? This cannot be undone.",
            )
        with gr.Column(scale=3, min_width=280):
            files = gr.File(
                label="Clips or a zip",
                file_count="multiple",
                height=130,
                elem_id="train-files",
            )
            with gr.Accordion("Upload a folder", open=False):
                folder = gr.File(label="Folder", file_count="directory", height=110, elem_id="train-folder")
    dataset = gr.Dropdown(
        sorted(storage.datasets()),
        value=None,
        label="Dataset",
        info=f"Start the app with {DATA_VARIABLE}=/folder to offer the datasets in that folder.",
        visible=False,
        elem_id="train-dataset",
    )
    count = gr.Number(
        60,
        precision=0,
        minimum=MIN_SIMULATED,
        maximum=MAX_SIMULATED,
        label="Number of dives",
        visible=False,
        elem_id="train-count",
    )
    note = gr.HTML(elem_id="train-note", apply_default_css=False)
    summary = gr.HTML(elem_id="train-summary", apply_default_css=False)
    with gr.Accordion("Table of dives", open=False, elem_id="train-table"):
        gr.Markdown("One row per dive, saved as you type. Leave unknown labels empty.")
        rows = gr.Dataframe(
            headers=list(COLUMNS),
            datatype="str",
            type="array",
            interactive=True,
            show_label=False,
            max_height=380,
            pinned_columns=1,
            column_widths=[WIDTHS.get(name, 34 + 9 * len(name)) for name in COLUMNS],
            elem_id="train-rows",
        )
        csv = gr.DownloadButton("Download dives.csv", size="sm", interactive=False, elem_id="train-csv")
    return DataPanel(
        source=source,
        clips=clips,
        collection=collection,
        delete=delete,
        name=name,
        files=files,
        folder=folder,
        dataset=dataset,
        count=count,
        note=note,
        summary=summary,
        rows=rows,
        rows_collection=gr.State(None),
        csv=csv,
    )


def source_updates(panel: DataPanel, source: str) -> Updates:
    """Updates that show the components of a kind of data."""
    return {
        panel.clips: gr.Column(visible=source == CLIPS),
        panel.dataset: gr.Dropdown(visible=source == DATASET),
        panel.count: gr.Number(visible=source == SIMULATED),
    }


def data_spec(storage: TrainingStorage, values: DataValues) -> str:
    """Specification of the chosen data for `open_data`; StorageError if something is still to be chosen."""
    if values.source == CLIPS:
        if not values.collection:
            raise StorageError("Upload clips first, or choose a collection.")
        folder = storage.collection(values.collection)
        return f"{detect_kind(folder) or 'clips'}:{folder.resolve()}"
    if values.source == DATASET:
        datasets = storage.datasets()
        if values.dataset not in datasets:
            raise StorageError(
                f"Choose a dataset in the folder that {DATA_VARIABLE} names"
                + (f": {', '.join(sorted(datasets))}." if datasets else "; the app was started without one.")
            )
        return datasets[values.dataset]
    count = values.count or 0
    if not MIN_SIMULATED <= count <= MAX_SIMULATED:
        raise StorageError(f"{MIN_SIMULATED} to {MAX_SIMULATED} dives can be simulated, not {count:g}.")
    return f"syndive:{int(count)}:1"


def data_title(values: DataValues) -> str:
    """The chosen data in a few words."""
    if values.source == SIMULATED:
        return f"{int(values.count or 0)} simulated dives"
    return str(values.collection if values.source == CLIPS else values.dataset)


def import_uploads(storage: TrainingStorage, name: str, paths: Sequence[str]) -> tuple[str, list[Problem]]:
    """Copy uploads into a collection; return its name and the problems. StorageError for an impossible name."""
    folder = storage.create_collection(name)
    intake = DatasetImporter(folder)
    intake.add(Path(path) for path in paths)
    return folder.name, intake.problems


def summary_html(summary: DatasetSummary, problems: Sequence[Problem] = ()) -> str:
    """A summary of the data: number of dives, missing labels, and files that are left out with the reasons.

    `problems` are those of the last upload.
    """
    parts = []
    if summary.used:
        training, validation = len(summary.in_split("train")), len(summary.in_split("validation"))
        facts = [f"<b>{training}</b> for training", f"<b>{validation}</b> for validation"]
        if tests := len(summary.in_split("test")):
            facts.append(f"<b>{tests}</b> in the test split, not used")
        parts.append(f'<div class="fp-note">Dives: {", ".join(facts)}.</div>')
    if summary.error:
        parts.append(error_html(summary.error))
    elif not summary.in_split("validation"):
        parts.append(warning_html("There are no validation dives: the run cannot be compared with its start."))
    if missing := summary.missing_labels():
        labels = ", ".join(f"{label} ({count})" for label, count in missing.items())
        parts.append(warning_html(f"Missing labels: {labels}."))
    left_out = [[one.name, one.reason] for one in summary.left_out]
    left_out += [[str(problem.location), problem.reason] for problem in problems if not problem.is_remark]
    if left_out:
        table = html_table(["Item", "Reason"], left_out[:MAX_PROBLEMS], text_columns=(1,))
        parts.append(f"<h4>Left out: {len(left_out)}</h4>{table}")
    remarks = [*summary.remarks, *(str(problem) for problem in problems if problem.is_remark)]
    parts += map(note_html, remarks[:MAX_PROBLEMS])
    if summary.used:
        numbers = [[number or "no number", str(count)] for number, count in summary.code_counts]
        more = len(numbers) - MAX_NUMBERS
        rows = numbers[:MAX_NUMBERS] + ([[f"and {more} more", ""]] if more > 0 else [])
        table = html_table(["Number", "Dives"], rows)
        parts.append(f'<h4>Dives per number</h4><div class="fp-few">{table}</div>')
    return f'<div class="fp-summary">{"".join(parts)}</div>'


def table_rows(storage: TrainingStorage, collection: str | None) -> list[list[str]]:
    """The table of a collection; empty if there is none."""
    try:
        rows = read_rows(storage.collection(collection or "") / TABLE, ProblemLog(OnBroken.SKIP))
    except (DataError, StorageError):
        return []
    return [[row[column] for column in COLUMNS] for _, row in rows]


def save_table(storage: TrainingStorage, collection: str | None, rows: Sequence[Sequence[object]]) -> None:
    """Write the table as the user filled it in, without empty rows."""
    folder = storage.collection(collection or "")
    texts = [["" if value is None else str(value).strip() for value in row] for row in rows]
    written = [make_row("") | dict(zip(COLUMNS, row, strict=False)) for row in texts if any(row)]
    write_rows(folder / TABLE, with_existing_files(folder, written))


@contextmanager
def downloadable_table(storage: TrainingStorage, collection: str | None) -> Iterator[Path]:
    """A copy of the table for the download, deleted at the end of the context."""
    text = (storage.collection(collection or "") / TABLE).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        copy = Path(name) / TABLE
        copy.write_text(text, encoding="utf-8")
        yield copy
