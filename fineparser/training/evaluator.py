"""`evaluate`: the voting protocol on any source, every metric that it has labels for, with intervals.

Each dive is compared with exemplars of its number out of the training split (or of a bank): the mean of their votes
is the predicted score. Exemplars are drawn by the seed; clips are cut at predicted transitions, as in the paper.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from accelerate import Accelerator, PartialState

from fineparser.data.dives import SPLITS, DataError, DiveSource
from fineparser.data.sources import JoinedDives, open_data
from fineparser.exemplars.calibration import INTERVAL
from fineparser.domain.phases import Phase
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import Bank, EncodedDives, encode_dives
from fineparser.training.machine import accelerator_for
from fineparser.training.mask_metrics import MASK_METRICS
from fineparser.training.metrics import Measurement
from fineparser.training.options import EvaluateOptions
from fineparser.training.predictions import Verdict, choose_exemplars, encode_chosen, judge, measure
from fineparser.training.runs import code_version, write_whole


@dataclass(frozen=True)
class Evaluation:
    """A network measured on dives."""

    options: EvaluateOptions
    network: dict
    """Name of the weights, what they learnt from, and the configuration."""
    code: dict
    """Version of the package and commit."""
    dives: int
    """How many were evaluated."""
    exemplars: str
    """Where the exemplars came from."""
    measurements: tuple[Measurement, ...]
    rows: tuple[dict, ...]
    """One a dive, the columns of the CSV."""
    problems: tuple[str, ...] = ()
    """What was left out of the data as broken."""

    def __getitem__(self, name: str) -> Measurement:
        """The measurement of that name."""
        return next(measurement for measurement in self.measurements if measurement.name == name)

    def to_json(self) -> dict:
        """Plain values: what was done, with which code and weights, and what came out."""
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
        """The metrics for a terminal: value, 95% interval, number of dives, remarks."""
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
        """Writes the JSON file and the CSV beside it, each whole and by the first process alone; returns both paths."""
        path, table = self.options.out, self.options.out.with_suffix(".csv")
        if not PartialState().is_main_process:
            return path, table
        path.parent.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_whole(table, text.getvalue())
        write_whole(path, json.dumps(self.to_json(), indent=2, allow_nan=False) + "\n")
        return path, table


def evaluate(options: EvaluateOptions, bank: Bank | None = None, model: FineParser | None = None) -> Evaluation:
    """Measures a network on the data that the options name; `Evaluation.save` writes the results.

    Args:
        bank: exemplars to compare with, encoded by the same weights; None: the training split.
        model: the network itself, in the precision that it has, instead of the one in `options.checkpoint`.

    Raises:
        ValueError: for options, data or weights that cannot be used.
    """
    accelerator = accelerator_for(options.device, "float32" if model is not None else options.precision)
    model = (model or FineParser.from_pretrained(options.checkpoint)).to(accelerator.device)
    detail = model.config.focus_detail
    source = _dives(options, detail)
    how = dict(batch_size=options.batch_size, workers=options.workers, skip_broken=options.skip_broken)
    indices = range(min(len(source), options.limit or len(source)))
    title = "dives" if options.progress else None
    queries = encode_dives(model, source, accelerator, indices=indices, progress=title, **how)
    verdicts, exemplars = _verdicts(options, model, queries, bank, accelerator, how)
    measurements = measure(
        queries, verdicts, score_range=options.score_range, resamples=options.resamples, seed=options.seed
    )
    return Evaluation(
        options=options,
        network={**asdict(model.provenance), "architecture": model.config.to_json()},
        code=code_version(),
        dives=len(queries),
        exemplars=exemplars,
        measurements=tuple(measurements),
        rows=tuple(_rows(queries, verdicts)),
        problems=tuple(getattr(source, "problems", ())),
    )


def _dives(options: EvaluateOptions, detail: int) -> DiveSource:
    """The dives to evaluate on, simulated ones drawn as detailed as the network sees."""
    splits = SPLITS if options.split == "all" else (options.split,)
    found = []
    for split in splits:
        try:
            found.append(
                open_data(options.data, split, seed=options.seed, skip_broken=options.skip_broken, detail=detail)
            )
        except DataError:
            if options.split != "all":
                raise
    if not found:
        raise DataError(f"{' '.join(options.data)}: there are no dives in it.")
    return found[0] if len(found) == 1 else JoinedDives(tuple(found))


def _verdicts(
    options: EvaluateOptions,
    model: FineParser,
    queries: EncodedDives,
    bank: Bank | None,
    accelerator: Accelerator,
    how: dict,
) -> tuple[list[Verdict], str]:
    """What the exemplars say, and where they came from."""
    if bank is not None:
        source = EncodedDives.of_bank(bank)
        choices = choose_exemplars(queries.cards, source, count=options.exemplars, seed=options.seed)
        return judge(model, queries, source, choices, accelerator, bank.calibration), f"bank of {len(source)}"
    names = options.exemplar_data or options.data
    try:
        detail = model.config.focus_detail
        training = open_data(names, "train", seed=options.seed, skip_broken=options.skip_broken, detail=detail)
    except DataError:
        if options.exemplar_data:
            raise
        return judge(model, queries, queries, [[]] * len(queries), accelerator), "none: there is no training split"
    choices = choose_exemplars(queries.cards, training, count=options.exemplars, seed=options.seed)
    title = "exemplars" if options.progress else None
    exemplars, choices = encode_chosen(model, training, choices, accelerator, progress=title, **how)
    where = f"training split of {training.name}"
    if exemplars is None:
        where = f"none: the {where} has no other scored dive"
    return judge(model, queries, exemplars, choices, accelerator), where


def _rows(queries: EncodedDives, verdicts: Sequence[Verdict]) -> Iterable[dict]:
    """The predictions for each dive; what is not known is empty."""
    predicted = queries.encodings.transitions.tolist()
    lost = queries.lost_by_phase().tolist()
    for place, (card, verdict) in enumerate(zip(queries.cards, verdicts, strict=True)):
        low, high = verdict.interval
        true = queries.transitions[place].tolist()
        frames = queries.frame_numbers[place].tolist()
        masks = queries.mask_values[place].tolist()
        # A network that cuts no phases tells a single part, which is no phase's.
        parts = verdict.parts if len(verdict.parts) == len(Phase) else (math.nan,) * len(Phase)
        yield {
            "dive": card.id,
            "source": card.source,
            "code": "" if card.code is None else str(card.code),
            "height": "" if card.height is None else f"{card.height:g}",
            "difficulty": _number(queries.difficulty[place].item(), 2),
            "score": _number(queries.scores[place].item(), 2),
            "predicted_score": _number(verdict.score, 2),
            f"low_{INTERVAL:.0%}": _number(low, 2),
            f"high_{INTERVAL:.0%}": _number(high, 2),
            "exemplars": " ".join(verdict.exemplars),
            "exemplar_rule": verdict.rule,
            # Points that a phase adds to the exemplars' mean, and awards that its faults truly cost.
            **{f"{phase.name.lower()}_points": _number(parts[phase], 3) for phase in Phase},
            **{f"{phase.name.lower()}_lost": _number(lost[place][phase], 3) for phase in Phase},
            "flight": "" if math.isnan(true[0]) else str(int(true[0])),
            "predicted_flight": str(predicted[place][0]),
            "predicted_flight_frame": str(frames[predicted[place][0]]),
            "entry": "" if math.isnan(true[1]) else str(int(true[1])),
            "predicted_entry": str(predicted[place][1]),
            "predicted_entry_frame": str(frames[predicted[place][1]]),
            **{metric.name: _number(value, 4) for metric, value in zip(MASK_METRICS, masks, strict=True)},
        }


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else ""
