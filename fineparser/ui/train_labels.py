"""The Train tab's labels: the network proposes switches and masks, the user corrects them, the table keeps them."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.data.clip_folder import read_clip_folder
from fineparser.data.clip_table import TABLE, dive_name, read_rows, write_rows
from fineparser.data.dives import DataError, Dive, Problems
from fineparser.rendering.contact_sheet import contact_sheet
from fineparser.training.proposals import Proposal, propose, write_masks
from fineparser.ui.analysis import Analysis
from fineparser.ui.workshop import Workshop, WorkshopError

ASSETS = Path(__file__).parents[2] / "assets"
MASKS = "masks"
"""Folder in a collection for masks that were proposed and kept."""

Proposals = dict[str, Proposal]
"""By the dive's id."""


@dataclass(frozen=True)
class LabelPanel:
    """The parts of the panel."""

    dive: gr.Dropdown
    cut: gr.Button
    propose: gr.Button
    masks: gr.Checkbox
    keep_all: gr.Button
    status: gr.HTML
    editor: gr.HTML
    proposals: gr.State


def label_panel() -> LabelPanel:
    """Adds the panel to the page that is being built."""
    gr.Markdown(
        "An analysis looks for the diver and follows; training takes the middle of the picture. Where the diver is "
        "not there all the time, cut the clips first: the originals are kept."
    )
    with gr.Row(equal_height=True):
        dive = gr.Dropdown([], label="Dive", elem_id="train-dive", min_width=260, scale=2)
        cut = gr.Button("Cut clips to the diver", elem_id="train-cut", min_width=180)
        propose = gr.Button("Propose what is missing", elem_id="train-propose", min_width=180)
        keep_all = gr.Button("Keep all proposals", interactive=False, elem_id="train-keep-all", min_width=160)
        masks = gr.Checkbox(False, label="Keep proposed masks, too", elem_id="train-keep-masks", min_width=180)
    status = gr.HTML(elem_id="train-label-status", apply_default_css=False)
    editor = gr.HTML(
        value=None,
        html_template=(ASSETS / "label_editor.html").read_text(encoding="utf-8"),
        css_template=(ASSETS / "label_editor.css").read_text(encoding="utf-8"),
        js_on_load=(ASSETS / "label_editor.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="label-editor",
    )
    return LabelPanel(dive, cut, propose, masks, keep_all, status, editor, gr.State({}))


def dives_of(workshop: Workshop, collection: str | None) -> dict[str, Dive]:
    """The usable dives of a collection by id."""
    try:
        folder = workshop.collection(collection or "")
        return {dive.id: dive for dive in read_clip_folder(folder, validation=0, skip_broken=True)}
    except (WorkshopError, DataError):
        return {}


def dive_choices(dives: dict[str, Dive], proposals: Proposals) -> list[tuple[str, str]]:
    """Every dive with what it lacks."""
    choices = []
    for name, dive in dives.items():
        lacks = [
            word for word, has in (("switches", dive.flight_frame is not None), ("mask", dive.has_masks)) if not has
        ]
        words = "complete" if not lacks else f"no {' and no '.join(lacks)}"
        if name in proposals and dive.flight_frame is None:
            words = f"proposed, {min(proposals[name].confidence):.0%} sure"
        choices.append((f"{name} ({words})", name))
    return choices


def fitting(proposals: Proposals, dives: dict[str, Dive]) -> Proposals:
    """Those of dives that are still there, and trimmed as they were looked at."""
    return {
        name: found
        for name, found in proposals.items()
        if name in dives
        and (dives[name].first_frame, dives[name].last_frame) == (found.frame_numbers[0], found.frame_numbers[-1])
    }


def proposed(analysis: Analysis, dives: dict[str, Dive], proposals: Proposals, progress) -> Proposals:
    """Proposals for every dive that lacks switches or masks and has none yet."""
    lacking = [dive for dive in dives.values() if dive.flight_frame is None or not dive.has_masks]
    lacking = [dive for dive in lacking if dive.id not in proposals]
    found = dict(proposals)
    for place, dive in enumerate(lacking):
        progress(f"Looking at {dive.id}", place / len(lacking))
        try:
            found[dive.id] = propose(analysis.analyser.network, dive)
        except DataError:
            continue  # the survey names it
    return found


def editor_value(dive: Dive, proposal: Proposal | None) -> Iterator[dict]:
    """What the editor shows of a dive; its picture is gone when the iterator is. DataError where it is broken."""
    sheet = contact_sheet(dive, None if dive.has_masks or proposal is None else proposal.mask_at)
    if dive.flight_frame is not None:
        flight, entry, said = dive.flight_frame, dive.entry_frame, "as in the table"
    elif proposal is not None:
        flight, entry = proposal.flight_frame, proposal.entry_frame
        said = f"proposed: {proposal.confidence[0]:.0%} and {proposal.confidence[1]:.0%} sure"
    else:
        third = (dive.last_frame - dive.first_frame) // 3
        flight, entry, said = dive.first_frame + third, dive.last_frame - third, "not labelled yet"
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        picture = Path(name) / "frames.jpg"
        picture.write_bytes(sheet.jpeg)
        file = {"path": str(picture), "meta": {"_type": "gradio.FileData"}, "mime_type": "image/jpeg"}
        yield {
            "dive": dive.id,
            "sheet": file | {"orig_name": picture.name},
            "numbers": list(sheet.numbers),
            "width": sheet.width,
            "height": sheet.height,
            "columns": sheet.columns,
            "first": dive.first_frame,
            "last": dive.last_frame,
            "flight": flight,
            "entry": entry,
            "said": said,
        }


def keep(workshop: Workshop, collection: str | None, switches: dict[str, tuple[int, int]], masks: Proposals) -> None:
    """Writes switches, and masks where there are some, into the collection's table; nothing else of it changes.

    WorkshopError for frames that cannot be, before anything is written.
    """
    folder = workshop.collection(collection or "")
    dives = dives_of(workshop, collection)
    for name, (flight, entry) in switches.items():
        dive = dives.get(name)
        if dive is None:
            raise WorkshopError(f"{name} is no longer in the table: choose a dive again.")
        if not dive.first_frame <= flight <= entry <= dive.last_frame:
            raise WorkshopError(
                f"{name}: flight from frame {flight} and entry from frame {entry} must follow each other within "
                f"frames {dive.first_frame} to {dive.last_frame}."
            )
    files = {}
    for number, (name, proposal) in enumerate(masks.items()):
        if name in dives and not dives[name].has_masks:
            files[name] = f"{MASKS}/{Path(name.split('#')[0]).stem}-{number + 1}.npz"
            (folder / MASKS).mkdir(exist_ok=True)
            write_masks(proposal, dives[name], folder / files[name])
    rows = [row for _, row in read_rows(folder / TABLE, Problems(skip_broken=True))]
    for row in rows:
        name = dive_name(row)
        if name in switches:
            row["flight_frame"], row["entry_frame"] = map(str, switches[name])
        if name in files:
            row["mask"] = files[name]
    write_rows(folder / TABLE, rows)
