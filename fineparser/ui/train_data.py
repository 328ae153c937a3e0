"""The Train tab's data: clips of one's own, a dataset on this machine, or simulated dives, looked through at once."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.data.clip_table import COLUMNS, TABLE, read_rows, write_rows
from fineparser.data.dives import DataError, Problem, Problems
from fineparser.data.intake import Intake
from fineparser.data.sources import kind_of
from fineparser.data.survey import Survey
from fineparser.ui.deletion import Deletion, deletion_parts
from fineparser.ui.results_view import table
from fineparser.ui.status_line import warning
from fineparser.ui.upload import problem
from fineparser.ui.workshop import DATA_VARIABLE, Workshop, WorkshopError

MINE, DATASET, SIMULATED = "My clips", "A dataset on this machine", "Simulated dives"
MOST_SIMULATED = 2000
MOST_ROWS = 12
"""Dive numbers that are listed."""


@dataclass(frozen=True)
class DataPanel:
    """The parts of the data panel."""

    source: gr.Radio
    collection: gr.Dropdown
    name: gr.Textbox
    files: gr.File
    folder: gr.File
    mine: gr.Column
    dataset: gr.Dropdown
    count: gr.Number
    rows: gr.Dataframe
    tabled: gr.State
    """The collection that `rows` shows."""
    csv: gr.DownloadButton
    remove: Deletion
    note: gr.HTML
    found: gr.HTML
    """What the survey says."""


def data_panel(workshop: Workshop) -> DataPanel:
    """Adds the panel to the page that is being built."""
    names = workshop.collections()
    source = gr.Radio([MINE, DATASET, SIMULATED], value=MINE, label="Dives", elem_id="train-source")
    with gr.Column(elem_id="train-mine") as mine, gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=280):
            name = gr.Textbox(
                label="Name of the collection",
                info="Reports will say it: Club 2026, for instance. A known name adds to that collection.",
                elem_id="train-name",
            )
            collection = gr.Dropdown(
                names, value=names[0] if names else None, label="Collection", elem_id="train-collection"
            )
            remove = deletion_parts(
                gr.Button("Delete this collection", size="sm", elem_id="train-remove-clips"),
                "Delete this collection with its clips and labels? They cannot be brought back.",
            )
        with gr.Column(scale=3, min_width=280):
            files = gr.File(
                label="Clips, dives.csv, masks, or a zip with all of them",
                file_count="multiple",
                height=130,
                elem_id="train-files",
            )
            with gr.Accordion("A whole folder instead", open=False):
                folder = gr.File(label="Folder", file_count="directory", height=110, elem_id="train-folder")
    dataset = gr.Dropdown(
        sorted(workshop.datasets()),
        value=None,
        label="Dataset",
        info=f"Start the app with {DATA_VARIABLE}=/folder to offer what lies in that folder: FineDiving, MTL-AQA, "
        "clip folders.",
        visible=False,
        elem_id="train-dataset",
    )
    count = gr.Number(
        60, precision=0, minimum=4, maximum=MOST_SIMULATED, label="How many", visible=False, elem_id="train-count"
    )
    note = gr.HTML(elem_id="train-note", apply_default_css=False)
    found = gr.HTML(elem_id="train-found", apply_default_css=False)
    with gr.Accordion(
        "The table: a row a dive, kept as you fill it in; empty where a label is not known",
        open=False,
        elem_id="train-table",
    ):
        rows = gr.Dataframe(
            headers=list(COLUMNS),
            datatype="str",
            type="array",
            interactive=True,
            show_label=False,
            max_height=380,
            pinned_columns=1,
            column_widths=[250, *(34 + 9 * len(name) for name in COLUMNS[1:-1]), 140],
            elem_id="train-rows",
        )
        csv = gr.DownloadButton("Take dives.csv home", size="sm", interactive=False, elem_id="train-csv")
    return DataPanel(
        source, collection, name, files, folder, mine, dataset, count, rows, gr.State(None), csv, remove, note, found
    )


def shown_parts(source: str, panel: DataPanel) -> dict:
    """Which parts a kind of data needs."""
    return {
        panel.mine: gr.Column(visible=source == MINE),
        panel.dataset: gr.Dropdown(visible=source == DATASET),
        panel.count: gr.Number(visible=source == SIMULATED),
    }


def spec_of(workshop: Workshop, source: str, collection: str | None, dataset: str | None, count: float | None) -> str:
    """The data as `open_data` takes them; WorkshopError where something is still to be chosen."""
    if source == MINE:
        if not collection:
            raise WorkshopError("Upload clips first, or choose a collection.")
        folder = workshop.collection(collection)
        kind = kind_of(folder) or "clips"
        return f"{kind}:{folder.resolve()}"
    if source == DATASET:
        offered = workshop.datasets()
        if dataset not in offered:
            raise WorkshopError(
                f"Choose a dataset. Offered is what lies in the folder that {DATA_VARIABLE} names"
                + (f": {', '.join(sorted(offered))}." if offered else "; the app was started without one.")
            )
        return offered[dataset]
    if not count or not 4 <= count <= MOST_SIMULATED:
        raise WorkshopError(f"Between 4 and {MOST_SIMULATED} dives can be simulated here, not {count or 0:g}.")
    return f"syndive:{int(count)}:1"


def title_of(source: str, collection: str | None, dataset: str | None, count: float | None) -> str:
    """The data in a few words."""
    if source == SIMULATED:
        return f"{int(count)} simulated dives"
    return str(collection if source == MINE else dataset)


def take_in(workshop: Workshop, name: str, collection: str | None, paths: Sequence[str]) -> tuple[str, list[Problem]]:
    """Puts uploads into a collection; its name, and what was left out. WorkshopError for a name that cannot be."""
    folder = workshop.new_collection(name or collection or "My dives")
    intake = Intake(folder)
    intake.take(Path(path) for path in paths)
    for path in paths:
        Path(path).unlink(missing_ok=True)  # the collection has it, or it is of no use
    return folder.name, intake.problems


def survey_html(found: Survey, problems: Sequence[Problem] = ()) -> str:
    """The survey as HTML: how much there is, what is missing, what is left out and why."""
    parts = []
    if found.used:
        training, validation = len(found.of("train")), len(found.of("validation"))
        facts = [f"<b>{training}</b> to learn from", f"<b>{validation}</b> to measure on"]
        if tests := len(found.of("test")):
            facts.append(f"<b>{tests}</b> of the test split, left alone")
        parts.append(f'<div class="fp-note">Dives: {", ".join(facts)}.</div>')
    if found.error:
        parts.append(problem(found.error))
    elif not found.of("validation"):
        parts.append(warning("No dive is kept to measure on: there will be no before and after."))
    if missing := found.missing():
        listed = ", ".join(f"{label} ({count})" for label, count in missing.items())
        parts.append(warning(f"Missing labels: {listed}."))
    left = [[one.name, one.reason] for one in found.left_out]
    left += [[str(problem.place), problem.reason] for problem in problems]
    if left:
        parts.append(f"<h4>Left out: {len(left)}</h4>" + table(["What", "Why"], left[:200], texts=(1,)))
    if found.used:
        numbers = [[number or "no number", str(count)] for number, count in found.numbers]
        rest = len(numbers) - MOST_ROWS
        shown = numbers[:MOST_ROWS] + ([[f"and {rest} more", ""]] if rest > 0 else [])
        parts.append("<h4>Dives per number</h4>" + f'<div class="fp-few">{table(["Number", "Dives"], shown)}</div>')
    return f'<div class="fp-survey">{"".join(parts)}</div>'


def rows_of(workshop: Workshop, collection: str | None) -> list[list[str]]:
    """The collection's table as it stands; empty where there is none."""
    try:
        found = read_rows(workshop.collection(collection or "") / TABLE, Problems(skip_broken=True))
    except (DataError, WorkshopError):
        return []
    return [[row[column] for column in COLUMNS] for _, row in found]


def save_rows(workshop: Workshop, collection: str | None, rows: Sequence[Sequence[object]]) -> None:
    """Writes the table as it was filled in; rows without anything in them go."""
    folder = workshop.collection(collection or "")
    texts = [["" if value is None else str(value).strip() for value in row] for row in rows]
    written = [dict(zip(COLUMNS, row, strict=False)) for row in texts if any(row)]
    write_rows(folder / TABLE, written)


def csv_to_take(workshop: Workshop, collection: str | None) -> Iterator[Path]:
    """A copy of the table that may be handed out; gone when the iterator is."""
    text = (workshop.collection(collection or "") / TABLE).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        copy = Path(name) / TABLE
        copy.write_text(text, encoding="utf-8")
        yield copy
