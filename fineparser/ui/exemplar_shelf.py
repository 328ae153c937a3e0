"""The exemplars that a visitor sees and lets vote: those that come with the page, and the visitor's own."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.exemplars.electorate import SOURCES
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.own_exemplars import OwnExemplars
from fineparser.ui.public import is_public

SOURCE_CHOICES = [(source.capitalize(), source) for source in SOURCES]
MOST_OF_A_VISITOR = 20
"""Own exemplars on a public page."""
PREFIX = "fineparser-exemplars-"


@dataclass(frozen=True)
class Visit:
    """What one visitor has chosen and added."""

    sources: tuple[str, ...] = SOURCES
    """Which exemplars vote."""
    folder: str | None = None
    """Of what a visitor of a public page added, where that is anything. It never comes from the browser."""


@dataclass(frozen=True)
class Choice:
    """The parts of the page that hold a `Visit`; placed where the page wants them."""

    sources: gr.CheckboxGroup
    folder: gr.State


def exemplar_choice(keep_seconds: float) -> Choice:
    """Makes the parts; what a visitor of a public page added goes with the visit, after `keep_seconds` at most."""
    sources = gr.CheckboxGroup(
        SOURCE_CHOICES,
        value=list(SOURCES),
        label="Which exemplars vote",
        info="Your own come first where they are of the same dive.",
        elem_id="voters",
        render=False,
    )
    return Choice(sources, gr.State(None, time_to_live=keep_seconds, delete_callback=forget))


def forget(folder: str | None) -> None:
    """Throws away what a visitor added."""
    if folder is not None and Path(folder).name.startswith(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def titled(one: Exemplar) -> str:
    """An exemplar in words."""
    return f"{one.code} {one.code.name}, {one.height:g} m"


def own_exemplars(folder: str | None, adding: bool = False) -> tuple[OwnExemplars | None, str | None]:
    """What a visitor added, and the folder to remember.

    On a page of one's own that is the person's collection, whoever looks. On a public page it is a folder that goes
    with the visit, made when something is added; None before that.
    """
    if not is_public():
        return OwnExemplars(), None
    if folder is None and adding:
        folder = tempfile.mkdtemp(prefix=PREFIX)
    return (None if folder is None else OwnExemplars(folder, MOST_OF_A_VISITOR)), folder
