"""Predicted scores of encoded dives by the voting protocol, and the metrics of predictions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from accelerate import Accelerator

from fineparser.data.dives import Card, DiveSource
from fineparser.data.exemplar_pool import CardSource, ExemplarChoice, ExemplarPool
from fineparser.domain.judging import COUNTED_AWARDS
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE, ScoreCalibration, vote_interval
from fineparser.exemplars.voting import vote_on_pairs
from fineparser.model.protocol import Network
from fineparser.training.encoded_dives import EncodedDives, EncodeSettings, encode_dives, evaluation_mode
from fineparser.training.metrics.masks import MASK_METRICS
from fineparser.training.metrics.metric import Measurement, Metric
from fineparser.training.metrics.score import (
    Coverage,
    ExecutionSpearman,
    ExecutionSpearmanCeiling,
    RelativeL2,
    Spearman,
    SpearmanCeiling,
)
from fineparser.training.metrics.transitions import TemporalIoU, TransitionError

NO_EXEMPLAR, NO_COMPARISON = "no exemplar", "no comparison"
"""Rules of dives without a prediction."""


@dataclass(frozen=True)
class ScorePrediction:
    """Predicted score of one dive, from the votes of its exemplars."""

    votes: tuple[float, ...] = ()
    """Points by each exemplar; empty without exemplars."""
    exemplars: tuple[str, ...] = ()
    """Ids of the exemplars."""
    rule: str = NO_EXEMPLAR
    """Rule by which the first exemplar was chosen."""
    calibrated_interval: tuple[float, float] | None = None
    """Interval of a score calibration, None without one."""
    points_by_phase: tuple[float, ...] = ()
    """Points that each phase adds to the mean score of the exemplars; empty without exemplars."""

    @property
    def score(self) -> float:
        """Mean of the votes in points; NaN without votes."""
        return float(np.mean(self.votes)) if self.votes else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Calibrated interval, or the ends of the middle 80% of the votes, in points; NaN without votes."""
        if not self.votes:
            return float("nan"), float("nan")
        if self.calibrated_interval is not None:
            return self.calibrated_interval
        return vote_interval(self.votes)


def choose_exemplars(
    queries: Sequence[Card], source: CardSource, *, count: int, seed: int
) -> list[list[ExemplarChoice]]:
    """Up to `count` scored exemplars for each dive.

    None if the source has no other scored dive, or if neither the dive number nor the difficulty of the dive is known.
    The choice depends on the seed and on the position of the dive in `queries` alone.
    """
    scored = {(card.id, card.source) for card in map(source.card, range(len(source))) if card.is_scored}
    if not scored:
        return [[] for _ in queries]
    pool = ExemplarPool(source)
    choices = []
    for position, card in enumerate(queries):
        can_be_compared = card.code is not None or card.difficulty is not None
        has_another = bool(scored - {(card.id, card.source)})
        rng = np.random.default_rng((seed, position))
        choices.append(pool.choose(card, rng, count) if can_be_compared and has_another else [])
    return choices


def predict_scores(
    model: Network,
    queries: EncodedDives,
    exemplars: EncodedDives,
    choices: Sequence[Sequence[ExemplarChoice]],
    calibration: ScoreCalibration | None = None,
) -> list[ScorePrediction]:
    """Predict the score of each dive by the votes of its exemplars, see `fineparser.exemplars.voting`.

    Args:
        model: network that encoded both.
        queries: dives to predict the scores of.
        exemplars: scored dives.
        choices: for each of the queries, exemplars by their indices in `exemplars`.
        calibration: of these exemplars; used for dives of known difficulty.
    """
    pairs = [(position, choice.index) for position, chosen in enumerate(choices) for choice in chosen]
    if not pairs:
        return [ScorePrediction() for _ in choices]
    with evaluation_mode(model):
        votes = vote_on_pairs(model, queries.encodings, queries.difficulty, exemplars, torch.tensor(pairs))
    counts = [len(chosen) for chosen in choices]
    by_phase = votes.contributions.sum(1).split(counts)
    predictions = []
    for position, (chosen, points) in enumerate(zip(choices, votes.scores.split(counts), strict=True)):
        if not chosen:
            predictions.append(ScorePrediction())
            continue
        prediction = ScorePrediction(
            votes=tuple(points.tolist()),
            exemplars=tuple(choice.exemplar for choice in chosen),
            rule=chosen[0].rule,
            points_by_phase=tuple(by_phase[position].mean(0).tolist()),
        )
        difficulty = queries.difficulty[position].item()
        if calibration is not None and np.isfinite(difficulty):
            interval = calibration.interval(prediction.score, difficulty)
            prediction = replace(prediction, calibrated_interval=interval)
        predictions.append(prediction)
    return predictions


def encode_exemplars(
    model: Network,
    source: DiveSource,
    choices: Sequence[Sequence[ExemplarChoice]],
    accelerator: Accelerator,
    settings: EncodeSettings,
) -> tuple[EncodedDives | None, list[list[ExemplarChoice]]]:
    """Encode the chosen dives of a source, each once.

    Returns:
        The encoded dives, None if none was chosen; and the choices with indices into them. A broken dive that is left
        out has no vote.
    """
    indices = sorted({choice.index for chosen in choices for choice in chosen})
    if not indices:
        return None, [[] for _ in choices]
    settings = replace(settings, measures_masks=False)
    encoded = encode_dives(model, source, accelerator, settings, indices=indices)
    positions = {(card.id, card.source): position for position, card in enumerate(encoded.cards)}
    cards = {index: source.card(index) for index in indices}
    moved = [
        [
            replace(choice, index=positions[key])
            for choice in chosen
            if (key := (cards[choice.index].id, cards[choice.index].source)) in positions
        ]
        for chosen in choices
    ]
    return encoded, moved


def measure_predictions(
    queries: EncodedDives,
    predictions: Sequence[ScorePrediction],
    *,
    score_range: tuple[float, float] | None = None,
    resamples: int = 0,
    seed: int = 0,
) -> list[Measurement]:
    """All metrics in a fixed order; those without labels have no value."""
    predicted = np.array([prediction.score for prediction in predictions])
    low, high = np.array([prediction.interval for prediction in predictions]).reshape(-1, 2).T
    true, difficulty = queries.scores.double().numpy(), queries.difficulty.double().numpy()
    scores, execution = Spearman(), ExecutionSpearman()
    error, coverage = RelativeL2(score_range), Coverage(NOMINAL_COVERAGE)
    scores.update(predicted, true)
    execution.update(predicted, true, difficulty)
    # The ceiling is that of the dives with a prediction.
    awards = np.where(np.isfinite(predicted), queries.noise_free_award.double().numpy(), np.nan)
    noise_free_scores = COUNTED_AWARDS * difficulty * awards
    score_ceiling, execution_ceiling = SpearmanCeiling(), ExecutionSpearmanCeiling()
    score_ceiling.update(noise_free_scores, true)
    execution_ceiling.update(noise_free_scores, true, difficulty)
    error.update(predicted, true)
    coverage.update(true, low, high)
    transition_metrics: list[TemporalIoU | TransitionError] = [TemporalIoU(0.5), TemporalIoU(0.75), TransitionError()]
    for transition_metric in transition_metrics:
        transition_metric.update(queries.encodings.transitions.double().numpy(), queries.transitions.double().numpy())
    mask_metrics = [metric() for metric in MASK_METRICS]
    for mask_metric, values in zip(mask_metrics, queries.mask_values.double().numpy().T, strict=True):
        mask_metric.add(values[:, None])
    metrics: list[Metric] = [scores, execution, score_ceiling, execution_ceiling, error, coverage]
    metrics += [*transition_metrics, *mask_metrics]
    return [metric.measure(resamples=resamples, seed=seed) for metric in metrics]
