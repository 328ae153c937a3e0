"""Validation of a network in training, by the protocol of the evaluation."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from accelerate import Accelerator

from fineparser.data.dives import DiveSource
from fineparser.model.compact import CompactFineParser
from fineparser.model.protocol import Network
from fineparser.training.encoded_dives import EncodedDives, EncodeSettings, encode_dives
from fineparser.training.metrics.metric import RESAMPLES, Measurement
from fineparser.training.options import TrainOptions
from fineparser.training.predictions import (
    NO_COMPARISON,
    ScorePrediction,
    choose_exemplars,
    encode_exemplars,
    measure_predictions,
    predict_scores,
)


@dataclass(frozen=True)
class ValidationResult:
    """Metrics of a network on the validation dives."""

    measurements: list[Measurement]
    """With intervals."""
    dives: tuple[tuple[str, float, float], ...] = ()
    """Id, true and predicted score of each dive that has both."""

    @classmethod
    def from_predictions(cls, queries: EncodedDives, predictions: Sequence[ScorePrediction]) -> "ValidationResult":
        """Result of predictions for encoded dives."""
        pairs = zip(queries.cards, queries.scores.tolist(), predictions, strict=True)
        rows = [(card.id, round(true, 2), round(prediction.score, 3)) for card, true, prediction in pairs]
        return cls(
            measure_predictions(queries, predictions, resamples=RESAMPLES),
            tuple(row for row in rows if math.isfinite(row[1]) and math.isfinite(row[2])),
        )


@dataclass(frozen=True)
class Validation(ABC):
    """A way to measure a network in training."""

    options: TrainOptions
    model: Network

    @abstractmethod
    def measure(self) -> ValidationResult:
        """Measure the network as it is now."""


@dataclass(frozen=True)
class ClipValidation(Validation):
    """Validation that encodes the validation dives and their exemplars each time."""

    training: DiveSource
    """Source of the exemplars."""
    validation: DiveSource
    accelerator: Accelerator
    compares_pairs: bool
    """False leaves out the scores."""

    def measure(self) -> ValidationResult:
        options = self.options
        settings = EncodeSettings(
            batch_size=options.batch_size,
            workers=options.workers,
            progress="validation" if options.progress else None,
        )
        count = min(len(self.validation), options.validation_limit or len(self.validation))
        queries = encode_dives(self.model, self.validation, self.accelerator, settings, indices=range(count))
        if not self.compares_pairs:
            no_predictions = [ScorePrediction(rule=NO_COMPARISON)] * len(queries)
            return ValidationResult.from_predictions(queries, no_predictions)
        choices = choose_exemplars(queries.cards, self.training, count=options.validation_exemplars, seed=options.seed)
        exemplars, choices = encode_exemplars(self.model, self.training, choices, self.accelerator, settings)
        if exemplars is None:
            return ValidationResult.from_predictions(queries, [ScorePrediction()] * len(queries))
        return ValidationResult.from_predictions(queries, predict_scores(self.model, queries, exemplars, choices))


@dataclass(frozen=True)
class EncodedValidation(Validation):
    """Validation on encodings that are computed once: only the comparison, or what is computed from tracks, changes."""

    training: EncodedDives
    validation: EncodedDives

    def measure(self) -> ValidationResult:
        options = self.options
        choices = choose_exemplars(
            self.validation.cards, self.training, count=options.validation_exemplars, seed=options.seed
        )
        queries, exemplars = self._current(self.validation), self._current(self.training)
        return ValidationResult.from_predictions(queries, predict_scores(self.model, queries, exemplars, choices))

    def _current(self, dives: EncodedDives) -> EncodedDives:
        """The dives as the network encodes their tracks now."""
        if dives.tracks is None or not isinstance(self.model, CompactFineParser):
            return dives
        return dives.encode_tracks(self.model)
