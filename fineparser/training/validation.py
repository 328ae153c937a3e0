"""How a network in training does on the validation split, by the protocol of the evaluation."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accelerate import Accelerator

from fineparser.data.dives import DiveSource
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import EncodedDives, encode_dives
from fineparser.training.intervals import RESAMPLES
from fineparser.training.metrics import Measurement
from fineparser.training.options import TrainOptions
from fineparser.training.predictions import Verdict, choose_exemplars, encode_chosen, judge, measure


@dataclass(frozen=True)
class Validated:
    """The network measured as it now is."""

    measurements: list[Measurement]
    """With intervals."""
    dives: tuple[tuple[str, float, float], ...] = ()
    """Id, true and predicted score of each dive that has both."""

    @classmethod
    def of(cls, queries: EncodedDives, verdicts: Sequence[Verdict]) -> "Validated":
        """What the votes on the validation dives are worth."""
        pairs = zip(queries.cards, queries.scores.tolist(), verdicts, strict=True)
        rows = [(card.id, round(true, 2), round(verdict.score, 3)) for card, true, verdict in pairs]
        return cls(
            measure(queries, verdicts, resamples=RESAMPLES),
            tuple(row for row in rows if math.isfinite(row[1]) and math.isfinite(row[2])),
        )


Validation = Callable[[], Validated]
"""Measures the network."""


@dataclass(frozen=True)
class PictureValidation:
    """Encodes the validation dives and the exemplars that they need anew each time."""

    options: TrainOptions
    model: FineParser
    training: DiveSource
    """Where exemplars come from."""
    validation: DiveSource
    accelerator: Accelerator

    def __call__(self) -> Validated:
        options = self.options
        how = dict(batch_size=options.batch_size, workers=options.workers, skip_broken=options.skip_broken)
        how["progress"] = "validation" if options.progress else None
        indices = range(min(len(self.validation), options.validation_limit or len(self.validation)))
        queries = encode_dives(self.model, self.validation, self.accelerator, indices=indices, **how)
        if not options.compares:
            return Validated.of(queries, [Verdict((), (), "no comparison")] * len(queries))
        choices = choose_exemplars(queries.cards, self.training, count=options.validation_exemplars, seed=options.seed)
        exemplars, choices = encode_chosen(self.model, self.training, choices, self.accelerator, **how)
        return Validated.of(queries, judge(self.model, queries, exemplars, choices, self.accelerator))


@dataclass(frozen=True)
class EncodedValidation:
    """Compares encodings that were made once: only the regression changes."""

    options: TrainOptions
    model: FineParser
    training: EncodedDives
    validation: EncodedDives
    accelerator: Accelerator

    def __call__(self) -> Validated:
        options = self.options
        choices = choose_exemplars(
            self.validation.cards, self.training, count=options.validation_exemplars, seed=options.seed
        )
        queries, exemplars = (dives.reread_by(self.model) for dives in (self.validation, self.training))
        return Validated.of(queries, judge(self.model, queries, exemplars, choices, self.accelerator))
