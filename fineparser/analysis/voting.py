"""Who votes on a dive, and what the votes say together."""

from dataclasses import dataclass

import numpy as np
import torch

from fineparser.analysis.dived import Dived
from fineparser.analysis.exemplar_bank import ExemplarBank
from fineparser.analysis.report import Breakdown, Estimate, Vote
from fineparser.analysis.simulated_exemplars import simulated_bank
from fineparser.data.dives import Card
from fineparser.data.exemplars import NEAREST_NUMBER, ExemplarChoice
from fineparser.domain.calibration import INTERVAL, Calibration
from fineparser.domain.judging import execution
from fineparser.model.contrastive_regression import PairComparison
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser


@dataclass(frozen=True)
class Voters:
    """The exemplars that may vote."""

    bank: ExemplarBank | None
    """None: there is none."""
    simulates: bool = True
    """Whether dives are simulated on the spot where the bank has none of the number."""
    remarks: tuple[str, ...] = ()
    """What is to be said of them in every report."""

    def vote(
        self, network: FineParser, query: ClipEncoding, dived: Dived, count: int, seed: int
    ) -> tuple[list[Vote], list[str], Calibration | None]:
        """Up to `count` votes on a dive, what is to be said of them in sentences, and how far off they may be.

        There is no vote where no exemplar may vote and none is simulated.
        """
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
                    return [], [*remarks, f"{lack}, and none could be simulated ({error}): there is no score."], None
                remarks.append(f"{lack} and none could be simulated ({error}): {choices[0].reason}.")
        chosen = bank.encodings.select([choice.index for choice in choices])
        device = next(network.parameters()).device
        with torch.inference_mode():
            comparison = network.compare(query.without_masks().to(device), chosen.to(device), dived.difficulty)
        votes = [vote(bank, choice, comparison, place, dived) for place, choice in enumerate(choices)]
        return votes, remarks, bank.calibration


def vote(bank: ExemplarBank, choice: ExemplarChoice, comparison: PairComparison, place: int, dived: Dived) -> Vote:
    """One exemplar's word: its score, carried over to this dive's difficulty, plus the differences.

    Training teaches the differences so: what is left of the dive's score once the exemplar's is carried over.
    """
    exemplar = bank.exemplars[choice.index]
    scale = dived.difficulty / exemplar.difficulty
    contributions = comparison.contributions[place].cpu().numpy()
    return Vote(
        exemplar=exemplar.id,
        code=str(exemplar.code),
        height=exemplar.height,
        difficulty=exemplar.difficulty,
        exemplar_score=exemplar.score,
        source=exemplar.source,
        reason=choice.reason,
        contributions=contributions,
        score=exemplar.score * scale + float(contributions.sum()),
        shown=bank.shown(choice.index),
        recipe=exemplar.recipe,
        encoding=bank.encodings.select([choice.index]).to_arrays(),
    )


def estimate(
    votes: list[Vote], dived: Dived, calibration: Calibration | None
) -> tuple[Estimate, Estimate, Breakdown, str, str]:
    """Total, execution, breakdown, the exemplar to show, and what the intervals tell."""
    scores = np.array([vote.score for vote in votes])
    points = np.mean([vote.contributions for vote in votes], axis=0)
    # No dive is given less than nothing or more than perfect awards.
    highest = 30 * dived.difficulty
    mean = Estimate.of_votes(scores)
    ranges = None
    basis = f"the middle {INTERVAL:.0%} of {len(votes)} vote{'s' * (len(votes) != 1)}, which says little of the error"
    if calibration is not None:
        mean = Estimate(mean.value, *calibration.interval(mean.value, dived.difficulty))
        ranges = calibration.part_intervals(points.sum(0), dived.difficulty)
        basis = f"they held the true score of {INTERVAL:.0%} of {calibration.dives} dives ({calibration.source})"
        if ranges is not None:
            basis += ", and each phase's true part of the difference as often"
    total = Estimate(*(float(np.clip(value, 0, highest)) for value in (mean.value, mean.low, mean.high)))
    share = Estimate(*(execution(value, dived.difficulty) for value in (total.value, total.low, total.high)))
    # One that can be seen is worth more beside the dive than one a little nearer.
    seen = [vote for vote in votes if vote.shown is not None and vote.shown.id == vote.exemplar] or votes
    nearest = min(seen, key=lambda vote: abs(vote.score - mean.value))
    return total, share, Breakdown(float(scores.mean() - points.sum()), points, ranges), nearest.exemplar, basis
