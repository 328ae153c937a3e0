"""Votes: what exemplars say of a dive, and what the votes of many dives are worth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from accelerate import Accelerator

from fineparser.data.dives import Card, DiveSource
from fineparser.data.exemplars import ExemplarChoice, ExemplarPool
from fineparser.exemplars.calibration import INTERVAL, Calibration, middle_of_votes
from fineparser.domain.judging import KEPT_AWARDS
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import EncodedDives, encode_dives, evaluating
from fineparser.training.mask_metrics import MASK_METRICS
from fineparser.training.metrics import Measurement, Metric
from fineparser.training.score_metrics import (
    Coverage,
    ExecutionSpearman,
    ExecutionSpearmanCeiling,
    RelativeL2,
    Spearman,
    SpearmanCeiling,
)
from fineparser.training.transition_metrics import TemporalIoU, TransitionError

NOBODY = "no exemplar"


class CardSource(Protocol):
    """What exemplars are chosen from."""

    name: str

    def __len__(self) -> int: ...

    def card(self, index: int) -> Card: ...


@dataclass(frozen=True)
class Verdict:
    """What the exemplars say of one dive."""

    votes: tuple[float, ...]
    """Points by each exemplar; empty where there was none."""
    exemplars: tuple[str, ...]
    """Their ids."""
    rule: str
    """How the first of them was chosen."""
    calibrated: tuple[float, float] | None = None
    """The interval that a calibration gives, where there is one."""
    parts: tuple[float, ...] = ()
    """Points that each phase adds to the exemplars' mean score; empty where there was none."""

    @property
    def score(self) -> float:
        """Mean of the votes, points; NaN without votes."""
        return float(np.mean(self.votes)) if self.votes else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The calibrated interval, else the ends of the middle 80% of the votes, points; NaN without votes."""
        if not self.votes:
            return float("nan"), float("nan")
        if self.calibrated is not None:
            return self.calibrated
        return middle_of_votes(self.votes)


def choose_exemplars(
    queries: Sequence[Card], source: CardSource, *, count: int, seed: int
) -> list[list[ExemplarChoice]]:
    """Up to `count` scored exemplars for each dive.

    None where the source has no other scored dive, or where neither the dive's number nor its difficulty is known:
    there is nothing to compare by. The choice depends on the seed and on the dive's place in `queries` alone.
    """
    scored = {(card.id, card.source) for card in map(source.card, range(len(source))) if card.is_scored}
    if not scored:
        return [[] for _ in queries]
    pool = ExemplarPool(source)
    found = []
    for place, card in enumerate(queries):
        can_be_compared = card.code is not None or card.difficulty is not None
        has_another = bool(scored - {(card.id, card.source)})
        rng = np.random.default_rng((seed, place))
        found.append(pool.choose(card, rng, count) if can_be_compared and has_another else [])
    return found


@torch.no_grad()
def judge(
    model: FineParser,
    queries: EncodedDives,
    exemplars: EncodedDives,
    choices: Sequence[Sequence[ExemplarChoice]],
    accelerator: Accelerator,
    calibration: Calibration | None = None,
) -> list[Verdict]:
    """Lets the exemplars vote on each dive: an exemplar's score plus the difference that the network sees.

    An exemplar of another difficulty votes with the execution it had.

    Args:
        choices: for each of the queries, places in `exemplars`.
        calibration: of these exemplars, where they have one; it takes the difficulty of the dive.
    """
    verdicts = []
    with evaluating(model):
        for place, chosen in enumerate(choices):
            if not chosen:
                verdicts.append(Verdict((), (), NOBODY))
                continue
            query, voters = queries.select([place]), exemplars.select([choice.index for choice in chosen])
            pair = (dives.encodings.to(accelerator.device) for dives in (query, voters))
            comparison = model.compare(*pair, query.difficulty)
            votes = voters.carried_to(query) + comparison.delta.float().cpu()
            ids = tuple(choice.exemplar for choice in chosen)
            parts = tuple(comparison.by_phase.float().mean(0).tolist())
            verdict = Verdict(tuple(votes.tolist()), ids, chosen[0].rule, parts=parts)
            difficulty = query.difficulty.item()
            if calibration is not None and np.isfinite(difficulty):
                verdict = replace(verdict, calibrated=calibration.interval(verdict.score, difficulty))
            verdicts.append(verdict)
    return verdicts


def encode_chosen(
    model: FineParser,
    source: DiveSource,
    choices: Sequence[Sequence[ExemplarChoice]],
    accelerator: Accelerator,
    **how: object,
) -> tuple[EncodedDives | None, list[list[ExemplarChoice]]]:
    """Encodes those dives of a source that were chosen, each once; the choices then count among these.

    how: as for `encode_dives`. A chosen dive that is left out as broken has no vote.
    """
    wanted = sorted({choice.index for chosen in choices for choice in chosen})
    if not wanted:
        return None, [[] for _ in choices]
    encoded = encode_dives(model, source, accelerator, indices=wanted, with_masks=False, **how)
    where = {(card.id, card.source): place for place, card in enumerate(encoded.cards)}
    cards = {index: source.card(index) for index in wanted}
    places = {index: where.get((card.id, card.source)) for index, card in cards.items()}
    moved = [
        [replace(choice, index=places[choice.index]) for choice in chosen if places[choice.index] is not None]
        for chosen in choices
    ]
    return encoded, moved


def measure(
    queries: EncodedDives,
    verdicts: Sequence[Verdict],
    *,
    score_range: tuple[float, float] | None = None,
    resamples: int = 0,
    seed: int = 0,
) -> list[Measurement]:
    """Every metric, in a fixed order; one without labels to measure on has no value."""
    predicted = np.array([verdict.score for verdict in verdicts])
    low, high = np.array([verdict.interval for verdict in verdicts]).reshape(-1, 2).T
    true, difficulty = queries.scores.double().numpy(), queries.difficulty.double().numpy()
    scores, execution = Spearman(), ExecutionSpearman()
    error, coverage = RelativeL2(score_range), Coverage(INTERVAL)
    scores.update(predicted, true)
    execution.update(predicted, true, difficulty)
    # Where nobody predicted anything there is nothing to hold a ceiling over.
    deserved = KEPT_AWARDS * difficulty * np.where(np.isfinite(predicted), queries.deserved.double().numpy(), np.nan)
    ceilings = [SpearmanCeiling(), ExecutionSpearmanCeiling()]
    ceilings[0].update(deserved, true)
    ceilings[1].update(deserved, true, difficulty)
    error.update(predicted, true)
    coverage.update(true, low, high)
    moments = [TemporalIoU(0.5), TemporalIoU(0.75), TransitionError()]
    for metric in moments:
        metric.update(queries.encodings.transitions.double().numpy(), queries.transitions.double().numpy())
    masks = [metric() for metric in MASK_METRICS]
    for metric, values in zip(masks, queries.mask_values.double().numpy().T, strict=True):
        metric.add(values[:, None])
    everything: list[Metric] = [scores, execution, *ceilings, error, coverage, *moments, *masks]
    return [metric.measure(resamples=resamples, seed=seed) for metric in everything]
