"""The exemplars that a visitor sees and chooses: those of the app, and those that the visitor added."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.selection import SIMULATED_SOURCE, SOURCES, USER_SOURCE
from fineparser.exemplars.user_exemplars import UserExemplars
from fineparser.ui.settings import KEEP_SECONDS, is_public

SOURCE_LABELS = {SIMULATED_SOURCE: "Simulated", USER_SOURCE: "Yours"}
SOURCE_CHOICES = [(SOURCE_LABELS[source], source) for source in SOURCES]
MAX_PER_VISITOR = 20
"""Exemplars that a visitor of a public page may add."""
FOLDER_PREFIX = "fineparser-exemplars-"


@dataclass(frozen=True, kw_only=True)
class ExemplarSourceControls:
    """Components of the choice; the page renders them where it wants them."""

    sources: gr.CheckboxGroup
    folder: gr.State
    """Folder of the exemplars that a visitor of a public page added, or None. It never comes from the browser."""


@dataclass(frozen=True, kw_only=True)
class VisitorExemplars:
    """Choice of one visitor, and the folder of added exemplars."""

    sources: tuple[str, ...] = SOURCES
    """Sources of the exemplars that are compared with a dive."""
    folder: str | None = None


def exemplar_choice() -> ExemplarSourceControls:
    """Make the components, not rendered yet.

    Exemplars that a visitor of a public page added are deleted with the visit, at the latest after `KEEP_SECONDS`.
    """
    sources = gr.CheckboxGroup(
        SOURCE_CHOICES,
        value=list(SOURCES),
        label="Exemplars beside a dive",
        info="Yours come first if they show the same dive; without them scores are not calibrated to your judges.",
        elem_id="voters",
        render=False,
    )
    folder = gr.State(None, time_to_live=KEEP_SECONDS, delete_callback=delete_visitor_folder)
    return ExemplarSourceControls(sources=sources, folder=folder)


def delete_visitor_folder(folder: str | None) -> None:
    """Delete the exemplars that a visitor of a public page added."""
    if folder is not None and Path(folder).name.startswith(FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def exemplar_title(exemplar: Exemplar) -> str:
    """Number, name and height of an exemplar."""
    return f"{exemplar.code} {exemplar.code.name}, {exemplar.height:g} m"


def user_exemplars(folder: str | None) -> UserExemplars | None:
    """The exemplars that the visitor added.

    At home that is one collection for everybody. On a public page it is the folder of the visit; None before the
    visitor has added anything.
    """
    if not is_public():
        return UserExemplars()
    return None if folder is None else UserExemplars(folder, MAX_PER_VISITOR)


def user_exemplars_to_extend(folder: str | None) -> tuple[UserExemplars, str | None]:
    """The exemplars of the visitor, to add one, and the folder to keep in the visit's state.

    On a public page the folder is made when it is needed first.
    """
    if not is_public():
        return UserExemplars(), None
    folder = folder or tempfile.mkdtemp(prefix=FOLDER_PREFIX)
    return UserExemplars(folder, MAX_PER_VISITOR), folder
