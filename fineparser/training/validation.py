"""How a network in training does on the validation split, by the protocol of the evaluation."""

from collections.abc import Callable
from dataclasses import dataclass

from accelerate import Accelerator

from fineparser.data.dives import DiveSource
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import EncodedDives, encode_dives
from fineparser.training.metrics import Measurement
from fineparser.training.options import TrainOptions
from fineparser.training.predictions import Verdict, choose_exemplars, encode_chosen, judge, measure

Validation = Callable[[], list[Measurement]]
"""Measures the network as it now is."""


@dataclass(frozen=True)
class PictureValidation:
    """Encodes the validation dives and the exemplars that they need anew each time."""

    options: TrainOptions
    model: FineParser
    training: DiveSource
    """Where exemplars come from."""
    validation: DiveSource
    accelerator: Accelerator

    def __call__(self) -> list[Measurement]:
        options = self.options
        how = dict(batch_size=options.batch_size, workers=options.workers, skip_broken=options.skip_broken)
        how["progress"] = "validation" if options.progress else None
        indices = range(min(len(self.validation), options.validation_limit or len(self.validation)))
        queries = encode_dives(self.model, self.validation, self.accelerator, indices=indices, **how)
        if options.train in ("parsers", "spatial"):
            return measure(queries, [Verdict((), (), "no comparison")] * len(queries))
        choices = choose_exemplars(queries.cards, self.training, count=options.validation_exemplars, seed=options.seed)
        exemplars, choices = encode_chosen(self.model, self.training, choices, self.accelerator, **how)
        return measure(queries, judge(self.model, queries, exemplars, choices, self.accelerator))


@dataclass(frozen=True)
class EncodedValidation:
    """Compares encodings that were made once: only the regression changes."""

    options: TrainOptions
    model: FineParser
    training: EncodedDives
    validation: EncodedDives
    accelerator: Accelerator

    def __call__(self) -> list[Measurement]:
        options = self.options
        choices = choose_exemplars(
            self.validation.cards, self.training, count=options.validation_exemplars, seed=options.seed
        )
        return measure(self.validation, judge(self.model, self.validation, self.training, choices, self.accelerator))
