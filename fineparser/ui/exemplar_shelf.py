"""The exemplars that a visitor sees and lets vote: those that come with the page, and the visitor's own."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.exemplar import SIMULATED, Exemplar
from fineparser.analysis.exemplar_bank import BankError, ExemplarBank
from fineparser.analysis.own_exemplars import OwnExemplars
from fineparser.analysis.voting import Voters
from fineparser.ui.public import is_public

SIMULATED_ONES, MINE = "Simulated", "Mine"
SOURCES = (SIMULATED_ONES, MINE)
MOST_OF_A_VISITOR = 20
"""Own exemplars on a public page."""
PREFIX = "fineparser-exemplars-"

Progress = Callable[[str, float], None]


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
        list(SOURCES),
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


def source_of(exemplar: Exemplar) -> str:
    """Whose an exemplar is, as the page says it."""
    return SIMULATED_ONES if exemplar.source == SIMULATED else MINE


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


def voters(analyser: DiveAnalyser, visit: Visit, progress: Progress = lambda step, done: None) -> Voters:
    """The exemplars that vote for a visitor; own ones are encoded first where these weights have not met them.

    Raises:
        ValueError: where no source is chosen.
    """
    if not set(visit.sources) & set(SOURCES):
        raise ValueError("No exemplar may vote: choose which ones do in the tab Exemplars.")
    bank, remarks = analyser.bank, []
    if bank is not None and set(visit.sources) < set(SOURCES):
        bank = bank.of_sources({one.source for one in bank.exemplars if source_of(one) in visit.sources})
    if MINE in visit.sources:
        own, _ = own_exemplars(visit.folder)
        if own is not None:
            try:
                mine, said = own.bank(analyser, progress)
                remarks += said
                bank = joined(bank, mine)
            except BankError as error:
                remarks.append(f"Your own exemplars do not vote: {error}.")
    return Voters(bank, simulates=SIMULATED_ONES in visit.sources, remarks=tuple(remarks))


def joined(bank: ExemplarBank | None, mine: ExemplarBank | None) -> ExemplarBank | None:
    """Both as one, where both are there."""
    if bank is None or mine is None:
        return bank or mine
    return bank.join(mine)
