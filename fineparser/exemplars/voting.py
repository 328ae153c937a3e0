"""Who votes on a dive, and what the votes say together."""

from dataclasses import dataclass

import numpy as np
import torch

from fineparser.exemplars.dived import Dived
from fineparser.exemplars.exemplar import SIMULATED
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.own_panel import panel_scale
from fineparser.exemplars.panel_scale import PanelScale
from fineparser.analysis.report import Breakdown, Estimate, Vote
from fineparser.exemplars.simulated_exemplars import simulated_bank
from fineparser.data.dives import Card
from fineparser.data.exemplars import NEAREST_NUMBER, ExemplarChoice
from fineparser.exemplars.calibration import INTERVAL, Calibration
from fineparser.domain.judging import execution, highest_score
from fineparser.model.contrastive_regression import PairComparison
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser


@dataclass(frozen=True)
class Ballot:
    """Votes on a dive."""

    votes: tuple[Vote, ...]
    """None where no exemplar may vote and none is simulated."""
    remarks: tuple[str, ...] = ()
    """What is to be said of them, in sentences."""
    calibration: Calibration | None = None
    """How far off they may be, where that was measured."""
    scale: PanelScale | None = None
    """Of the person's own judges, to which votes of simulated exemplars have been brought; None where own dives do not
    tell it."""


@dataclass(frozen=True)
class Voters:
    """The exemplars that may vote."""

    bank: ExemplarBank | None
    """None: there is none."""
    simulates: bool = True
    """Whether dives are simulated on the spot where the bank has none of the number."""
    remarks: tuple[str, ...] = ()
    """What is to be said of them in every report."""

    def vote(self, network: FineParser, query: ClipEncoding, dived: Dived, count: int, seed: int) -> Ballot:
        """Up to `count` votes on a dive."""
        bank, remarks = self.bank, list(self.remarks)
        card = Card("query", dived.code, dived.height, dived.difficulty)
        choices = [] if not bank else bank.choose(card, count, seed)
        if not choices or choices[0].rule == NEAREST_NUMBER:
            lack = f"The bank has no exemplar of {dived.code}" if bank else "There is no exemplar bank"
            try:
                if not self.simulates:
                    raise ValueError("simulated exemplars do not vote")
                bank = simulated_bank(network, [(dived.code, dived.height)], count, seed)
                choices = bank.choose(card, count, seed)
                remarks.append(f"{lack}: {count} simulated dives of the same number were made for this report.")
            except ValueError as error:
                if not choices:
                    return Ballot((), (*remarks, f"{lack}, and none could be simulated ({error}): there is no score."))
                remarks.append(f"{lack} and none could be simulated ({error}): {choices[0].reason}.")
        # Simulated on the spot, they stand in for a bank that simulated judges gave their scores as well.
        scale = None if self.bank is None else panel_scale(network, self.bank, count, seed)
        chosen = bank.encodings.select([choice.index for choice in choices])
        device = next(network.parameters()).device
        with torch.inference_mode():
            comparison = network.compare(query.without_masks().to(device), chosen.to(device), dived.difficulty)
        votes = tuple(vote(bank, choice, comparison, place, dived, scale) for place, choice in enumerate(choices))
        return Ballot(votes, tuple(remarks), bank.calibration, scale)


def vote(
    bank: ExemplarBank,
    choice: ExemplarChoice,
    comparison: PairComparison,
    place: int,
    dived: Dived,
    scale: PanelScale | None,
) -> Vote:
    """One exemplar's word: its score, carried over to this dive's difficulty, plus the differences.

    Training teaches the differences so: what is left of the dive's score once the exemplar's is carried over. On a
    panel's `scale`, which puts dives further apart or nearer together, differences are as much larger or smaller, and
    a simulated exemplar's score is what that panel would have given.
    """
    exemplar = bank.exemplars[choice.index]
    score, contributions = exemplar.score, comparison.contributions[place].cpu().numpy()
    if scale is not None:
        contributions = contributions * scale.stretch
        score = scale.points(score, exemplar.difficulty) if exemplar.source == SIMULATED else score
    return Vote(
        exemplar=exemplar.id,
        code=str(exemplar.code),
        height=exemplar.height,
        difficulty=exemplar.difficulty,
        exemplar_score=score,
        source=exemplar.source,
        reason=choice.reason,
        contributions=contributions,
        score=score * dived.difficulty / exemplar.difficulty + float(contributions.sum()),
        shown=bank.shown(choice.index),
        recipe=exemplar.recipe,
        encoding=bank.encodings.select([choice.index]).to_arrays(),
    )


def estimate(ballot: Ballot, dived: Dived) -> tuple[Estimate, Estimate, Breakdown, str, str]:
    """Total, execution, breakdown, the exemplar to show, and what the intervals tell, of at least one vote."""
    votes, calibration, scale = ballot.votes, ballot.calibration, ballot.scale
    scores = np.array([vote.score for vote in votes])
    points = np.mean([vote.contributions for vote in votes], axis=0)
    # No dive is given less than nothing or more than perfect awards.
    highest = highest_score(dived.difficulty)
    mean = Estimate.of_votes(scores)
    ranges = None
    basis = f"the middle {INTERVAL:.0%} of {len(votes)} vote{'s' * (len(votes) != 1)}, which says little of the error"
    if calibration is not None:
        stretch = 1.0 if scale is None else scale.stretch
        ranges = calibration.part_intervals(points.sum(0) / stretch, dived.difficulty)
        ranges = None if ranges is None else np.sort(ranges * stretch, axis=1)
        mean = Estimate(mean.value, *calibration.interval(mean.value, dived.difficulty))
        basis = f"they held the true score of {INTERVAL:.0%} of {calibration.dives} dives ({calibration.source})"
        if ranges is not None:
            basis += ", and each phase's true part of the difference as often"
    if scale is not None:
        mean = Estimate(mean.value, *scale.interval(mean.value, dived.difficulty))
        basis = (
            f"{INTERVAL:.0%} of your judges' scores lie in them, as far as {scale.dives} dives that they judged "
            "and the errors on simulated ones tell"
        )
    total = Estimate(*(float(np.clip(value, 0, highest)) for value in (mean.value, mean.low, mean.high)))
    share = Estimate(*(execution(value, dived.difficulty) for value in (total.value, total.low, total.high)))
    # One that can be seen is worth more beside the dive than one a little nearer.
    seen = [vote for vote in votes if vote.shown is not None and vote.shown.id == vote.exemplar] or votes
    nearest = min(seen, key=lambda vote: abs(vote.score - mean.value))
    return total, share, Breakdown(float(scores.mean() - points.sum()), points, ranges), nearest.exemplar, basis
