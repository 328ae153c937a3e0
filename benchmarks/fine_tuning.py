"""Scores before and after fine-tuning on dives of another judging panel.

The panel sees the same faults as the simulated one, but its awards have another scale. Half of the dives are written as
a coach would have them, clips and `dives.csv`, and trained on like in the Train tab. The other half, with other divers
and scenes, are scored by: the initial weights with their own exemplars; the same with the coach's dives as the only
exemplars; the same with some or all of them beside the bank, calibrated to their judges as in the app; and the
fine-tuned weights with the coach's dives.
"""

import csv
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.score_evaluation import JudgingPanel
from fineparser.data.dataset_summary import summarise_dataset
from fineparser.data.dive_tables import TABLE
from fineparser.data.dives import ReadOptions
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.data.readers.syndive import SynDives
from fineparser.domain.clip_geometry import CROPPED_SIDES
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import total_score
from fineparser.exemplars.exemplar import USER_DIVES, DiveSpec, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.selection import ExemplarSelection
from fineparser.exemplars.simulated_exemplars import simulate_exemplars
from fineparser.exemplars.voting_result import vote_on_dive
from fineparser.model.protocol import Network
from fineparser.training.devices import accelerator_for
from fineparser.training.encoded_dives import EncodedDives, EncodeSettings, encode_dives
from fineparser.training.evaluator import evaluate
from fineparser.training.launch import train
from fineparser.training.metrics.metric import Measurement
from fineparser.training.options import EvaluateOptions, TrainOptions
from fineparser.training.predictions import ScorePrediction, measure_predictions
from fineparser.ui.train_settings import EXEMPLARS, fine_tuning_options
from fineparser.video.writer import write_video

CODES = ("107B", "205B", "405B", "5253B", "301B", "103B")
METRICS = ("r_l2_x100", "spearman", "spearman_execution", "interval_coverage")
FEW_DIVES = (5, 10)
"""Numbers of the coach's dives to calibrate with, besides all of them."""
RESAMPLES = 1000
VALIDATION_SHARE = 0.2
PANEL = JudgingPanel()


@dataclass(frozen=True, kw_only=True)
class FineTuningBenchmark:
    """Data and length of the fine-tuning."""

    dives: int = 60
    """Dives to train on, and as many to score."""
    epochs: int = 60
    """Epochs of the fine-tuning."""
    checkpoint: str = "default"
    """Weights to start from."""
    train: str = "regression"
    """Training task, see `TrainOptions.train`."""
    codes: tuple[str, ...] = CODES
    """Dive numbers."""
    seed: int = 7
    """Seed of the dives."""


OPTIONS = FineTuningBenchmark


def measure(options: FineTuningBenchmark, report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Metrics with intervals of each way to score, and the time of the fine-tuning."""
    analyser = DiveAnalyser.from_pretrained(options.checkpoint)
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        folder = Path(name)
        training, queries = folder / "train", folder / "test"
        for part, split in ((training, "train"), (queries, "test")):
            report(f"rendering {options.dives} dives of the {split} split")
            write_dives(part, split, options)
        start = folder / "start"
        analyser.model.save_pretrained(start)
        report("fine-tuning")
        began = time.monotonic()
        best = _fine_tune(options, training, start, folder / "run", report)
        minutes = (time.monotonic() - began) / 60

        def evaluate_with(checkpoint: Path, exemplars: Path | None, bank: ExemplarBank | None = None):
            settings = EvaluateOptions(
                data=(f"clips:{queries}",),
                checkpoint=str(checkpoint),
                out=folder / "numbers.json",
                split="test",
                exemplars=EXEMPLARS,
                exemplar_data=() if exemplars is None else (f"clips:{exemplars}",),
                device="cpu",
                progress=False,
            )
            return evaluate(settings, bank).measurements

        bank = _bank(analyser, options)
        report("scoring with the initial weights and their exemplars")
        results = {"initial weights, their exemplars": evaluate_with(start, None, bank)}
        report("scoring with the initial weights and the coach's dives as exemplars")
        results["initial weights, coach's dives"] = evaluate_with(start, training)
        report("scoring like the app, with the coach's dives beside the bank")
        scored, asked = (encode_folder(analyser.network, part) for part in (training, queries))
        for count in sorted({*(few for few in FEW_DIVES if few < options.dives), options.dives}):
            joined = bank.join(user_bank(scored.select(range(count)), bank))
            results[f"initial weights, their exemplars and {count} coach's dives"] = score_like_the_app(
                analyser.network, joined, asked
            )
        report("scoring with the fine-tuned weights")
        results["fine-tuned weights, coach's dives"] = evaluate_with(best, training)
    return {
        "weights": analyser.model.provenance.name,
        "trained_on": list(analyser.model.provenance.trained_on),
        "panel": vars(PANEL),
        "training_dives": options.dives,
        "scored_dives": options.dives,
        "epochs": options.epochs,
        "train": options.train,
        "minutes": round(minutes, 2),
        "machine": describe(),
        "load": os.getloadavg()[0],
        "results": {name: _plain_values(measurements) for name, measurements in results.items()},
    }


def _fine_tune(options: FineTuningBenchmark, data: Path, start: Path, out: Path, report: Callable[[str], None]) -> Path:
    """Fine-tune like the Train tab; return the best checkpoint, the last one if validation could not compare them."""
    spec = f"clips:{data}"
    run = fine_tuning_options(
        TrainOptions(
            out=out,
            data=(spec,),
            checkpoint=str(start),
            train=options.train,
            epochs=options.epochs,
            validation_share=VALIDATION_SHARE,
            seed=summarise_dataset(spec, options.train, VALIDATION_SHARE).seed,
            device="cpu",
        )
    )

    def on_record(record: dict[str, Any]) -> None:
        if record["kind"] == "encoding" and record["done"] % 10 == 0:
            report(f"encoded {record['done']} of {record['of']}")
        elif record["kind"] == "validation":
            error = record.get("r_l2_x100", float("nan"))
            report(f"step {record['step']} of {record['steps']}: R-l2 {error:.3f}{', the best' * record['best']}")

    result = train(run, on_record=on_record)
    return result.best or result.last


def write_dives(folder: Path, split: str, options: FineTuningBenchmark) -> None:
    """Write clips of simulated dives with the panel's scores, as a labelled clip folder without transitions."""
    folder.mkdir()
    source = SynDives(options.dives, options.seed, split, codes=tuple(map(DiveCode.parse, options.codes)))
    rows = []
    for index in range(options.dives):
        plan = source.plan(index)
        frames, _ = plan.render(CROPPED_SIDES[-1], None, np.arange(len(plan.times)))
        write_video(folder / f"dive{index:03d}.mp4", frames, min(plan.fps, 60.0), quality=16)
        awards = [PANEL.award(award) for award in plan.awards]
        rows.append(
            {
                "clip": f"dive{index:03d}.mp4",
                "dive_code": str(plan.code),
                "height": f"{plan.height:g}",
                "score": f"{total_score(awards, plan.difficulty):.2f}",
            }
        )
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _bank(analyser: DiveAnalyser, options: FineTuningBenchmark) -> ExemplarBank:
    """The bank of the weights, or the exemplars that the app simulates without one."""
    if analyser.bank is not None:
        return analyser.bank
    source = SynDives(options.dives, options.seed, "test", codes=tuple(map(DiveCode.parse, options.codes)))
    dives = dict.fromkeys((card.code, card.height) for card in map(source.card, range(len(source))))
    return simulate_exemplars(analyser.network, list(dives), EXEMPLARS)


def encode_folder(network: Network, folder: Path) -> EncodedDives:
    """Encode all dives of a clip folder."""
    dives = read_clip_folder(folder, ReadOptions(validation=0))
    return encode_dives(network, dives, accelerator_for("cpu", "float32"), EncodeSettings(measures_masks=False))


def user_bank(dives: EncodedDives, bank: ExemplarBank) -> ExemplarBank:
    """Scored dives as user exemplars, to be joined to a bank of the same weights."""
    exemplars = tuple(
        Exemplar(f"own-{card.id}", card.code, card.height, float(difficulty), float(score), USER_DIVES)
        for card, difficulty, score in zip(dives.cards, dives.difficulty, dives.scores, strict=True)
    )
    return ExemplarBank(exemplars, dives.encodings, bank.fingerprint, USER_DIVES)


def score_like_the_app(network: Network, bank: ExemplarBank, queries: EncodedDives) -> list[Measurement]:
    """Metrics of scores as an analysis predicts them with a bank, calibrated to the judges of the user exemplars."""
    selection = ExemplarSelection(bank=bank, count=EXEMPLARS)
    predictions = []
    for index, card in enumerate(queries.cards):
        spec = DiveSpec.from_input(card.code, card.height, None)
        voting = vote_on_dive(network, queries.encodings.select([index]), spec, selection)
        if voting.total is None:
            predictions.append(ScorePrediction())
            continue
        # The calibrated total stands for the votes.
        predictions.append(
            ScorePrediction(
                votes=(voting.total.value,),
                exemplars=tuple(vote.exemplar for vote in voting.votes),
                rule=voting.votes[0].rule,
                calibrated_interval=(voting.total.low, voting.total.high),
            )
        )
    return measure_predictions(queries, predictions, resamples=RESAMPLES)


def _plain_values(measurements: Sequence[Measurement]) -> dict[str, dict[str, Any]]:
    return {
        m.name: {"value": m.value, "low": m.low, "high": m.high, "dives": m.count, "note": m.note}
        for m in measurements
        if m.name in METRICS
    }
