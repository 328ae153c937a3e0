"""The scale of a person's own judges: what they gave dives that simulated exemplars vote on, too."""

import torch

from fineparser.analysis.exemplar import SIMULATED
from fineparser.analysis.exemplar_bank import ExemplarBank
from fineparser.analysis.panel_scale import LEAST_JUDGED, PanelScale
from fineparser.data.exemplars import NEAREST_NUMBER
from fineparser.model.fineparser import FineParser

MOST_JUDGED = 200
"""The latest recorded dives that are asked for: more tell no more of a panel, and each analysis would wait for them."""
PAIRS_AT_ONCE = 2000


def panel_scale(network: FineParser, bank: ExemplarBank, count: int, seed: int) -> PanelScale | None:
    """How the judges of a bank's recorded dives stand to its simulated ones.

    None where fewer than `LEAST_JUDGED` of them are of numbers that simulated exemplars show, and with weights that
    have learnt from recorded dives: these tell scores on that scale already, and of dives that they know by heart.

    Args:
        count: simulated exemplars that vote on each.
        seed: of their choice.
    """
    if any(not source.startswith(SIMULATED) for source in network.provenance.trained_on):
        return None
    judged = [index for index, one in enumerate(bank.exemplars) if one.source != SIMULATED][-MOST_JUDGED:]
    if len(judged) < LEAST_JUDGED:
        return None
    simulated = bank.of_sources({SIMULATED})
    ballots = {}
    for index in judged:
        choices = simulated.choose(bank.card(index), count, seed) if len(simulated) else []
        if choices and choices[0].rule != NEAREST_NUMBER:
            ballots[index] = [choice.index for choice in choices if choice.rule != NEAREST_NUMBER]
    if len(ballots) < LEAST_JUDGED:
        return None
    own = torch.tensor([index for index, voters in ballots.items() for _ in voters])
    voters = torch.tensor([voter for some in ballots.values() for voter in some])
    difficulty = torch.tensor([one.difficulty for one in bank.exemplars])[own]
    exemplars = simulated.exemplars
    scores = torch.tensor([exemplars[index].score / exemplars[index].difficulty for index in voters.tolist()])
    device = next(network.parameters()).device
    deltas = []
    with torch.inference_mode():
        for some in torch.arange(len(own)).split(PAIRS_AT_ONCE):
            query, exemplar = bank.encodings.select(own[some]), simulated.encodings.select(voters[some])
            pair = (each.without_masks().to(device) for each in (query, exemplar))
            deltas.append(network.compare(*pair, difficulty[some].to(device)).delta.cpu())
    votes = scores * difficulty + torch.cat(deltas)
    known = [bank.exemplars[index] for index in ballots]
    return PanelScale.of(
        [float(votes[own == index].mean()) for index in ballots],
        [one.score for one in known],
        [one.difficulty for one in known],
        bank.calibration,
    )
