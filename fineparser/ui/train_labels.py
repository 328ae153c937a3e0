"""Labels of a collection: predicted transitions and masks, the editor of the transitions, and the table they go to."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.bundled import bundled
from fineparser.data.dive_tables import TABLE, dive_name, read_rows, write_rows
from fineparser.data.dives import DataError, Dive, OnBroken, ProblemLog, ReadOptions
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.model.protocol import Network
from fineparser.progress import Progress
from fineparser.rendering.contact_sheet import contact_sheet
from fineparser.training.jobs.pseudo_labels import PseudoLabels, predict_labels, write_masks
from fineparser.ui.training_storage import StorageError, TrainingStorage

MASKS = "masks"
"""Folder of a collection for predicted masks that the user accepted."""

Predictions = dict[str, PseudoLabels]
"""Predicted labels by the id of the dive."""

CROP_HELP = """
Training uses the centre of each frame. If the diver leaves the centre, crop the clips to the diver first. Your
originals are kept.
"""


@dataclass(frozen=True, kw_only=True)
class LabelPanel:
    """Components of the panel."""

    dive: gr.Dropdown
    crop: gr.Button
    predict: gr.Button
    accept_all: gr.Button
    accept_masks: gr.Checkbox
    status: gr.HTML
    editor: gr.HTML
    predictions: gr.State
    """`Predictions` that are neither accepted nor outdated."""


@dataclass(frozen=True, kw_only=True)
class LabelValues:
    """The state of the panel."""

    dive: str | None
    predictions: Predictions
    accept_masks: bool


def add_label_panel() -> LabelPanel:
    """Add the panel to the page that is being built."""
    gr.Markdown(CROP_HELP)
    with gr.Row(equal_height=True):
        dive = gr.Dropdown([], label="Dive", elem_id="train-dive", min_width=260, scale=2)
        crop = gr.Button("Crop to the diver", elem_id="train-crop", min_width=180)
        predict = gr.Button("Predict missing labels", elem_id="train-predict", min_width=180)
        accept_all = gr.Button("Accept all", interactive=False, elem_id="train-accept-all", min_width=160)
        accept_masks = gr.Checkbox(False, label="Accept masks too", elem_id="train-accept-masks", min_width=180)
    status = gr.HTML(elem_id="train-label-status", apply_default_css=False)
    editor = gr.HTML(
        value=None,
        html_template=bundled("assets/label_editor.html").read_text(encoding="utf-8"),
        css_template=bundled("assets/label_editor.css").read_text(encoding="utf-8"),
        js_on_load=bundled("assets/label_editor.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="label-editor",
    )
    return LabelPanel(
        dive=dive,
        crop=crop,
        predict=predict,
        accept_all=accept_all,
        accept_masks=accept_masks,
        status=status,
        editor=editor,
        predictions=gr.State({}),
    )


def usable_dives(storage: TrainingStorage, collection: str | None) -> dict[str, Dive]:
    """The usable dives of a collection by id."""
    options = ReadOptions(validation=0, on_broken=OnBroken.SKIP)
    try:
        return {dive.id: dive for dive in read_clip_folder(storage.collection(collection or ""), options)}
    except (StorageError, DataError):
        return {}


def dive_label_choices(dives: dict[str, Dive], predictions: Predictions) -> list[tuple[str, str]]:
    """Choices of dives, each with its missing labels."""
    choices = []
    for name, dive in dives.items():
        labels = {"transitions": dive.has_transitions, "masks": dive.has_masks}
        missing = [label for label, there in labels.items() if not there]
        words = f"no {' and no '.join(missing)}" if missing else "complete"
        if name in predictions and not dive.has_transitions:
            words = f"predicted, confidence {min(predictions[name].confidence):.0%}"
        choices.append((f"{name} ({words})", name))
    return choices


def current_predictions(predictions: Predictions, dives: dict[str, Dive]) -> Predictions:
    """The predictions of dives that still exist with the same trim."""
    return {
        name: labels
        for name, labels in predictions.items()
        if name in dives
        and (dives[name].first_frame, dives[name].last_frame) == (labels.frame_numbers[0], labels.frame_numbers[-1])
    }


def predict_missing(
    network: Network, dives: dict[str, Dive], predictions: Predictions, progress: Progress
) -> Predictions:
    """Predictions for every dive that lacks labels, beside those that there are already."""
    missing = [
        dive for dive in dives.values() if dive.id not in predictions and not (dive.has_transitions and dive.has_masks)
    ]
    added: Predictions = {}
    for done, dive in enumerate(missing):
        progress(f"Predicting labels of {dive.id}", done / len(missing))
        try:
            added[dive.id] = predict_labels(network, dive)
        except DataError:
            continue  # the summary of the data names it
    return predictions | added


def complete_transitions(dive: Dive, flight: int, entry: int) -> tuple[int, int]:
    """First frames of flight and entry: those of the dive, and in place of unknown ones these, kept in order."""
    if dive.flight_frame is not None:
        return dive.flight_frame, max(entry, dive.flight_frame) if dive.entry_frame is None else dive.entry_frame
    return (flight, entry) if dive.entry_frame is None else (min(flight, dive.entry_frame), dive.entry_frame)


@contextmanager
def editor_value(dive: Dive, labels: PseudoLabels | None) -> Iterator[dict]:
    """The value of the editor for a dive; its image is deleted at the end of the context.

    Args:
        dive: to show.
        labels: predicted for it.

    Raises:
        DataError: if the clip is broken.
    """
    sheet = contact_sheet(dive, None if dive.has_masks or labels is None else labels.mask_at)
    third = (dive.last_frame - dive.first_frame) // 3
    flight, entry, note = dive.first_frame + third, dive.last_frame - third, "not labelled yet"
    if labels is not None:
        flight, entry = labels.flight_frame, labels.entry_frame
        note = f"predicted, confidence {labels.confidence[0]:.0%} and {labels.confidence[1]:.0%}"
    if dive.has_transitions:
        note = "from the table"
    elif dive.flight_frame is not None or dive.entry_frame is not None:
        note = f"one from the table, the other {note}"
    flight, entry = complete_transitions(dive, flight, entry)
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        image = Path(name) / "frames.jpg"
        image.write_bytes(sheet.jpeg)
        file = {"path": str(image), "meta": {"_type": "gradio.FileData"}, "mime_type": "image/jpeg"}
        yield {
            "dive": dive.id,
            "sheet": file | {"orig_name": image.name},
            "numbers": list(sheet.numbers),
            "width": sheet.width,
            "height": sheet.height,
            "columns": sheet.columns,
            "first": dive.first_frame,
            "last": dive.last_frame,
            "flight": flight,
            "entry": entry,
            "note": note,
        }


def save_labels(
    storage: TrainingStorage, collection: str | None, transitions: dict[str, tuple[int, int]], masks: Predictions
) -> None:
    """Write transitions and masks into the table of a collection; nothing else of it changes.

    Args:
        storage: of the collection.
        collection: name.
        transitions: first frames of flight and entry, by the id of the dive.
        masks: predicted masks to save, by the id of the dive.

    Raises:
        StorageError: for impossible frames, before anything is written.
    """
    folder = storage.collection(collection or "")
    dives = usable_dives(storage, collection)
    for name, (flight, entry) in transitions.items():
        dive = dives.get(name)
        if dive is None:
            raise StorageError(f"{name} is no longer in the table: choose another dive.")
        if not dive.first_frame <= flight <= entry <= dive.last_frame:
            raise StorageError(
                f"{name}: flight from frame {flight} and entry from frame {entry} must be in this order within "
                f"frames {dive.first_frame} to {dive.last_frame}."
            )
    files = {}
    for number, (name, labels) in enumerate(masks.items()):
        if name in dives and not dives[name].has_masks:
            files[name] = f"{MASKS}/{Path(name.split('#')[0]).stem}-{number + 1}.npz"
            (folder / MASKS).mkdir(exist_ok=True)
            write_masks(labels, dives[name], folder / files[name])
    rows = [row for _, row in read_rows(folder / TABLE, ProblemLog(OnBroken.SKIP))]
    for row in rows:
        name = dive_name(row)
        if name in transitions:
            row["flight_frame"], row["entry_frame"] = map(str, transitions[name])
        if name in files:
            row["mask"] = files[name]
    write_rows(folder / TABLE, rows)
