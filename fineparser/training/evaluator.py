"""Evaluation of a network by the voting protocol: all metrics that the data have labels for, with intervals.

Each dive is compared with exemplars of its dive number from the training split or from a bank; the mean of their votes
is the predicted score. The seed chooses the exemplars. Phases are divided at predicted transitions, as in the paper.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from accelerate import Accelerator, PartialState

from fineparser.atomic import atomic_write_text
from fineparser.data.dives import SPLITS, DataError, DiveSource, OnBroken, ReadOptions
from fineparser.data.sources import EmptySplitError, JoinedDives, open_data
from fineparser.domain.phases import Phase
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.model.checkpoint import load_network
from fineparser.model.protocol import Network
from fineparser.training.devices import accelerator_for
from fineparser.training.encoded_dives import Bank, EncodedDives, EncodeSettings, encode_dives
from fineparser.training.metrics.masks import MASK_METRICS
from fineparser.training.metrics.metric import Measurement
from fineparser.training.options import EvaluateOptions
from fineparser.training.predictions import (
    ScorePrediction,
    choose_exemplars,
    encode_exemplars,
    measure_predictions,
    predict_scores,
)
from fineparser.training.run_folder import code_version


@dataclass(frozen=True)
class Evaluation:
    """Metrics and predictions of a network on a set of dives."""

    options: EvaluateOptions
    network: dict
    """Name of the weights, the data they were trained on, and the configuration."""
    code: dict
    """Version of the package and commit."""
    dives: int
    """Number of evaluated dives."""
    exemplars: str
    """Source of the exemplars."""
    measurements: tuple[Measurement, ...]
    rows: tuple[dict, ...]
    """Columns of the CSV for each dive."""
    problems: tuple[str, ...] = ()
    """Broken dives that were left out."""

    def __getitem__(self, name: str) -> Measurement:
        """Measurement of a metric by its name."""
        return next(measurement for measurement in self.measurements if measurement.name == name)

    def to_json(self) -> dict:
        """Plain values: options, code, weights and metrics."""
        return {
            "options": self.options.to_json(),
            "network": self.network,
            "code": self.code,
            "dives": self.dives,
            "exemplars": self.exemplars,
            "metrics": {m.name: {k: v for k, v in asdict(m).items() if k != "name"} for m in self.measurements},
            "problems": list(self.problems),
        }

    def table(self) -> str:
        """Metrics as a table for a terminal: value, 95% interval, number of dives, remarks."""
        lines = [("metric", "value", "95% interval", "dives", "")]
        for m in self.measurements:
            better = "higher is better" if m.higher_is_better else "lower is better"
            ends = "" if m.low is None else f"{m.low:.4f} to {m.high:.4f}"
            value = "-" if m.value is None else f"{m.value:.4f}"
            lines.append((m.name, value, ends, str(m.count), f"{better}{'; ' * bool(m.note)}{m.note}"))
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        return "\n".join(
            f"{line[0]:<{widths[0]}}  {line[1]:>{widths[1]}}  {line[2]:<{widths[2]}}  {line[3]:>{widths[3]}}  {line[4]}"
            .rstrip()
            for line in lines
        )  # fmt: skip

    def save(self) -> tuple[Path, Path]:
        """Write the JSON file and the CSV beside it, in the main process alone; return both paths."""
        path, table = self.options.out, self.options.out.with_suffix(".csv")
        if not PartialState().is_main_process:
            return path, table
        path.parent.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        atomic_write_text(table, text.getvalue())
        atomic_write_text(path, json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n")
        return path, table


def evaluate(options: EvaluateOptions, bank: Bank | None = None, model: Network | None = None) -> Evaluation:
    """Evaluate a network; `Evaluation.save` writes the results.

    Args:
        options: data, weights and protocol.
        bank: exemplars encoded by the same weights; None: the training split.
        model: network in its own precision, instead of `options.checkpoint`.

    Raises:
        ValueError: for options, data or weights that cannot be used.
    """
    accelerator = accelerator_for(options.device, "float32" if model is not None else options.precision)
    model = model or load_network(options.checkpoint)
    model.to(accelerator.device)
    source = _dives(options, model.config.input_scale)
    settings = EncodeSettings(
        batch_size=options.batch_size,
        workers=options.workers,
        progress="dives" if options.progress else None,
    )
    count = min(len(source), options.limit or len(source))
    queries = encode_dives(model, source, accelerator, settings, indices=range(count))
    predictions, exemplars = _predict(options, model, queries, bank, accelerator, settings)
    measurements = measure_predictions(
        queries, predictions, score_range=options.score_range, resamples=options.resamples, seed=options.seed
    )
    return Evaluation(
        options=options,
        network={**asdict(model.provenance), "architecture": model.config.to_json()},
        code=code_version(),
        dives=len(queries),
        exemplars=exemplars,
        measurements=tuple(measurements),
        rows=tuple(_rows(queries, predictions)),
        problems=tuple(map(str, source.problems)),
    )


def _dives(options: EvaluateOptions, scale: int) -> DiveSource:
    """Dives to evaluate on, simulated ones in the input size of the network."""
    splits = SPLITS if options.split == "all" else (options.split,)
    parts = []
    for split in splits:
        try:
            parts.append(open_data(options.data, split, _reading(options), scale=scale))
        except EmptySplitError:
            if options.split != "all":
                raise
    if not parts:
        raise DataError(f"{' '.join(options.data)}: there are no dives in it.")
    return parts[0] if len(parts) == 1 else JoinedDives(tuple(parts))


def _reading(options: EvaluateOptions) -> ReadOptions:
    return ReadOptions(seed=options.seed, on_broken=OnBroken.SKIP if options.skip_broken else OnBroken.RAISE)


def _predict(
    options: EvaluateOptions,
    model: Network,
    queries: EncodedDives,
    bank: Bank | None,
    accelerator: Accelerator,
    settings: EncodeSettings,
) -> tuple[list[ScorePrediction], str]:
    """Predicted scores, and the source of their exemplars."""
    if bank is not None:
        exemplars = EncodedDives.from_bank(bank)
        choices = choose_exemplars(queries.cards, exemplars, count=options.exemplars, seed=options.seed)
        return predict_scores(model, queries, exemplars, choices, bank.calibration), f"bank of {len(exemplars)}"
    try:
        training = open_data(
            options.exemplar_data or options.data, "train", _reading(options), scale=model.config.input_scale
        )
    except EmptySplitError:
        if options.exemplar_data:
            raise
        return [ScorePrediction()] * len(queries), "none: there is no training split"
    choices = choose_exemplars(queries.cards, training, count=options.exemplars, seed=options.seed)
    settings = replace(settings, progress="exemplars" if options.progress else None)
    encoded, choices = encode_exemplars(model, training, choices, accelerator, settings)
    if encoded is None:
        return [ScorePrediction()] * len(
            queries
        ), f"none: the training split of {training.name} has no other scored dive"
    return predict_scores(model, queries, encoded, choices), f"training split of {training.name}"


def _rows(queries: EncodedDives, predictions: Sequence[ScorePrediction]) -> Iterable[dict]:
    """Columns of the CSV for each dive; unknown values are empty."""
    predicted = queries.encodings.transitions.tolist()
    deductions = queries.deductions_by_phase().tolist()
    for row, (card, prediction) in enumerate(zip(queries.cards, predictions, strict=True)):
        low, high = prediction.interval
        true = queries.transitions[row].tolist()
        frames = queries.frame_numbers[row].tolist()
        masks = queries.mask_values[row].tolist()
        # A network without temporal parsing has a single phase.
        points = prediction.points_by_phase
        points = points if len(points) == len(Phase) else (math.nan,) * len(Phase)
        yield {
            "dive": card.id,
            "source": card.source,
            "code": "" if card.code is None else str(card.code),
            "height": "" if card.height is None else f"{card.height:g}",
            "difficulty": _number(queries.difficulty[row].item(), 2),
            "score": _number(queries.scores[row].item(), 2),
            "predicted_score": _number(prediction.score, 2),
            f"low_{NOMINAL_COVERAGE:.0%}": _number(low, 2),
            f"high_{NOMINAL_COVERAGE:.0%}": _number(high, 2),
            "exemplars": " ".join(prediction.exemplars),
            "exemplar_rule": prediction.rule,
            # Points that a phase adds to the mean of the exemplars, and awards that its faults cost in truth.
            **{f"{phase.name.lower()}_points": _number(points[phase], 3) for phase in Phase},
            **{f"{phase.name.lower()}_lost": _number(deductions[row][phase], 3) for phase in Phase},
            "flight": "" if math.isnan(true[0]) else str(int(true[0])),
            "predicted_flight": str(predicted[row][0]),
            "predicted_flight_frame": str(frames[predicted[row][0]]),
            "entry": "" if math.isnan(true[1]) else str(int(true[1])),
            "predicted_entry": str(predicted[row][1]),
            "predicted_entry_frame": str(frames[predicted[row][1]]),
            **{metric.name: _number(value, 4) for metric, value in zip(MASK_METRICS, masks, strict=True)},
        }


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else ""
