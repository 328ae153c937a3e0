"""Whose exemplars vote: those of the bank, simulated, and a person's own."""

from collections.abc import Callable, Collection

from fineparser.analysis.analyser import EXEMPLARS, DiveAnalyser
from fineparser.exemplars.exemplar import SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import BankError
from fineparser.exemplars.own_exemplars import OwnExemplars
from fineparser.exemplars.own_panel import PanelReading
from fineparser.exemplars.voting import Voters

SIMULATED_ONES, MINE = "simulated", "mine"
SOURCES = (SIMULATED_ONES, MINE)

Progress = Callable[[str, float], None]


def source_of(exemplar: Exemplar) -> str:
    """One of `SOURCES`."""
    return SIMULATED_ONES if exemplar.source == SIMULATED else MINE


def voters(
    analyser: DiveAnalyser,
    sources: Collection[str],
    own: OwnExemplars | None,
    progress: Progress = lambda step, done: None,
) -> Voters:
    """The exemplars of some sources; own ones are encoded first where the weights in use have not met them.

    Args:
        analyser: its bank votes, and its weights encode.
        sources: some of `SOURCES`.
        own: the person's own dives, where there may be any.
        progress: told the steps.

    Raises:
        ValueError: where no source is chosen.
    """
    if not set(sources) & set(SOURCES):
        raise ValueError(f"No exemplar may vote: choose at least one of {', '.join(SOURCES)}.")
    bank, remarks = analyser.bank, []
    if bank is not None and not set(SOURCES) <= set(sources):
        bank = bank.of_sources({one.source for one in bank.exemplars if source_of(one) in sources})
    if MINE in sources and own is not None:
        try:
            mine, said = own.bank(analyser, progress)
            remarks += said
            if mine is not None:
                bank = bank.join(mine) if bank is not None else mine
        except BankError as error:
            remarks.append(f"Your own exemplars do not vote: {error}.")
    return Voters(bank, simulates=SIMULATED_ONES in sources, remarks=tuple(remarks))


def own_judges_of(
    analyser: DiveAnalyser, own: OwnExemplars | None, progress: Progress = lambda step, done: None
) -> tuple[PanelReading, tuple[str, ...]]:
    """What own dives were given beside what simulated exemplars say, and what is to be said of them, in sentences."""
    electorate = voters(analyser, SOURCES, own, progress)
    progress("Comparing with exemplars", 0.8)
    if electorate.bank is None:
        return PanelReading(), electorate.remarks
    return PanelReading.of(analyser.network, electorate.bank, EXEMPLARS, 0), electorate.remarks
