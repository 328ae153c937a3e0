"""Selection of exemplars: which sources vote, which exemplars of a bank vote on a dive, and why."""

from collections.abc import Collection
from dataclasses import dataclass

from fineparser.data.dives import Card
from fineparser.data.exemplar_pool import NEAREST_NUMBER, ExemplarChoice
from fineparser.exemplars.exemplar import SIMULATED, DiveSpec, Exemplar
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.exemplars.user_exemplars import ExemplarEncoder, UserExemplars
from fineparser.model.protocol import Network
from fineparser.progress import Progress, no_progress
from fineparser.quality_warning import QualityWarning

EXEMPLAR_COUNT = 10
"""Exemplars that vote on a dive, as in the paper."""
SIMULATED_SOURCE, USER_SOURCE = "simulated", "user"
SOURCES = (SIMULATED_SOURCE, USER_SOURCE)
"""Sources between which a user chooses."""


def source_of(exemplar: Exemplar) -> str:
    """One of `SOURCES`."""
    return SIMULATED_SOURCE if exemplar.source == SIMULATED else USER_SOURCE


@dataclass(frozen=True)
class Voters:
    """The exemplars that vote on one dive, or are shown beside it."""

    bank: ExemplarBank | None
    """Bank of the exemplars; None if there is none."""
    choices: tuple[ExemplarChoice, ...] = ()
    """Exemplars of the bank, with the rule by which each was chosen."""
    warnings: tuple[QualityWarning, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExemplarSelection:
    """The exemplars that may be compared with dives, and how many of them are.

    Raises:
        ValueError: for a count below 1.
    """

    bank: ExemplarBank | None
    """None: there are none."""
    simulate_missing: bool = True
    """Simulate exemplars of a dive number that the bank lacks."""
    count: int = EXEMPLAR_COUNT
    """Exemplars of a dive."""
    seed: int = 0
    """Of the choice."""
    warnings: tuple[QualityWarning, ...] = ()
    """Warnings for every report."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"at least one exemplar has to vote, not {self.count}")

    @classmethod
    def from_sources(
        cls,
        sources: Collection[str],
        bank: ExemplarBank | None,
        user_exemplars: UserExemplars | None,
        encoder: ExemplarEncoder,
        progress: Progress = no_progress,
    ) -> "ExemplarSelection":
        """Exemplars of some sources; those of the user are encoded first if these weights have not encoded them yet.

        Args:
            sources: some of `SOURCES`.
            bank: of the weights in use.
            user_exemplars: None if there are none.
            encoder: the weights in use.
            progress: of the encoding.

        Raises:
            ValueError: if no source is chosen.
        """
        if not set(sources) & set(SOURCES):
            raise ValueError(f"No exemplars are chosen: choose at least one of {', '.join(SOURCES)}.")
        warnings: list[QualityWarning] = []
        if bank is not None and not set(SOURCES) <= set(sources):
            bank = bank.with_sources({one.source for one in bank.exemplars if source_of(one) in sources})
        if USER_SOURCE in sources and user_exemplars is not None:
            try:
                user_bank, user_warnings = user_exemplars.bank(encoder, progress)
                warnings += user_warnings
                if user_bank is not None:
                    bank = bank.join(user_bank) if bank is not None else user_bank
            except BankError as error:
                warnings.append(QualityWarning("user_exemplars_unusable", {"reason": str(error)}))
        return cls(bank=bank, simulate_missing=SIMULATED_SOURCE in sources, warnings=tuple(warnings))

    def choose(self, network: Network, spec: DiveSpec) -> Voters:
        """Up to `count` exemplars for a dive, simulated ones if the bank has none of its number.

        Args:
            network: encodes simulated exemplars.
            spec: of the dive.
        """
        bank, warnings = self.bank, list(self.warnings)
        query = Card("query", spec.code, spec.height, spec.difficulty)
        choices = bank.choose(query, self.count, self.seed) if bank else []
        if choices and choices[0].rule != NEAREST_NUMBER:
            return Voters(bank, tuple(choices), tuple(warnings))
        missing = {"code": str(spec.code)}
        try:
            if not self.simulate_missing:
                raise ValueError("simulated exemplars are not selected")
            # Imported here: an analysis needs the simulator only for a dive number that the bank lacks.
            from fineparser.exemplars.simulated_exemplars import simulate_exemplars

            bank = simulate_exemplars(network, [(spec.code, spec.height)], self.count, self.seed)
        except ValueError as error:
            if not choices:
                warnings.append(QualityWarning("no_exemplars", missing | {"reason": str(error)}))
                return Voters(None, (), tuple(warnings))
            other = str(bank.exemplars[choices[0].index].code) if bank else ""
            warnings.append(QualityWarning("other_dive_number", missing | {"other": other, "reason": str(error)}))
            return Voters(bank, tuple(choices), tuple(warnings))
        warnings.append(QualityWarning("exemplars_simulated", missing | {"count": self.count}))
        return Voters(bank, tuple(bank.choose(query, self.count, self.seed)), tuple(warnings))
