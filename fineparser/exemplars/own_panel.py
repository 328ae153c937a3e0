"""A person's own judges: what they gave dives that simulated exemplars vote on, too."""

from dataclasses import dataclass

import torch

from fineparser.exemplars.exemplar import SIMULATED, Exemplar, recorded_sources
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.pair_differences import pair_differences
from fineparser.exemplars.panel_scale import LEAST_JUDGED, PanelScale
from fineparser.data.exemplars import NEAREST_NUMBER
from fineparser.model.fineparser import FineParser

MOST_JUDGED = 200
"""The latest recorded dives that are asked for: more tell no more of a panel, and each analysis would wait for them."""


@dataclass(frozen=True)
class PanelReading:
    """Judged dives beside what simulated exemplars say of them."""

    dives: tuple[Exemplar, ...] = ()
    """The recorded ones whose numbers simulated exemplars show."""
    told: tuple[float, ...] = ()
    """Points that these say, as their own judges would."""
    scale: PanelScale | None = None
    """How that stands to what the dives were given; None where it is not told."""

    @classmethod
    def of(cls, network: FineParser, bank: ExemplarBank, count: int, seed: int) -> "PanelReading":
        """Of a bank's recorded dives, by its simulated ones.

        There is no scale by fewer dives than `LEAST_JUDGED`, and none with weights that do not take one, which may
        know these dives by heart.

        Args:
            count: simulated exemplars that vote on each dive.
            seed: of their choice.
        """
        judged = _judged(bank)
        simulated = bank.of_sources({SIMULATED})
        ballots = {}
        for index in judged if len(simulated) else ():
            choices = simulated.choose(bank.card(index), count, seed)
            if chosen := [choice.index for choice in choices if choice.rule != NEAREST_NUMBER]:
                ballots[index] = chosen
        if not ballots:
            return cls()
        dives = tuple(bank.exemplars[index] for index in ballots)
        told = tuple(votes.mean().item() for votes in _votes(network, bank, simulated, ballots))
        if not takes_a_scale(network) or len(dives) < LEAST_JUDGED:
            return cls(dives, told)
        given, difficulty = ([getattr(one, name) for one in dives] for name in ("score", "difficulty"))
        return cls(dives, told, PanelScale.of(told, given, difficulty, bank.calibration))

    @property
    def sentence(self) -> str:
        """What is known of the judges."""
        count = len(self.dives)
        if self.scale is not None:
            return f"By {count} dives, your judges {self.scale.words}. Scores are told on that scale."
        if count >= LEAST_JUDGED:
            return "These weights have learnt from judged dives: scores are told as they learnt it, and not moved."
        return (
            f"{count} of your dives {'is' if count == 1 else 'are'} of a number that simulated exemplars show. From "
            f"{LEAST_JUDGED} on, scores are told on the scale of your judges."
        )


def takes_a_scale(network: FineParser) -> bool:
    """Whether judged dives can put scores on their judges' scale: what weights that have learnt from recorded dives
    tell is on it already."""
    return not recorded_sources(network.provenance.trained_on)


def panel_scale(network: FineParser, bank: ExemplarBank, count: int, seed: int) -> PanelScale | None:
    """The scale of `PanelReading.of`, for which nothing is compared where there can be none."""
    if not takes_a_scale(network) or len(_judged(bank)) < LEAST_JUDGED:
        return None
    return PanelReading.of(network, bank, count, seed).scale


def _judged(bank: ExemplarBank) -> list[int]:
    """Places of the recorded dives that are asked for."""
    return [index for index, one in enumerate(bank.exemplars) if one.source != SIMULATED][-MOST_JUDGED:]


def _votes(
    network: FineParser, bank: ExemplarBank, simulated: ExemplarBank, ballots: dict[int, list[int]]
) -> tuple[torch.Tensor, ...]:
    """Points that simulated exemplars say, a tensor for each of the bank's dives."""
    pairs = torch.tensor([(index, voter) for index, voters in ballots.items() for voter in voters])
    difficulty = torch.tensor([one.difficulty for one in bank.exemplars])
    worth = torch.tensor([one.score / one.difficulty for one in simulated.exemplars])
    points = pair_differences(network, bank.encodings, simulated.encodings, pairs, difficulty)
    votes = worth[pairs[:, 1]] * difficulty[pairs[:, 0]] + points
    return votes.split([len(some) for some in ballots.values()])
