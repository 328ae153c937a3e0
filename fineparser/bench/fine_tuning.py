"""Does fine-tuning pay? Dives judged by a panel of another scale, before and after, on dives that nobody learnt from.

The panel sees the same faults as the simulator's, but its awards are shifted and stretched. Half of the dives are
written as a coach would have them, clips and `dives.csv`, and trained on as the Train tab does; the other half, with
divers and scenes of their own, are judged by the weights as they are with their own exemplars, by the same weights with
the coach's dives as the only exemplars, and with some or all of them beside their own, as in the app, which then tells
scores on the scale of the coach's panel; and by the fine-tuned weights with the coach's dives.
"""

import csv
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.dived import Dived
from fineparser.exemplars.exemplar import OWN, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.simulated_exemplars import simulated_bank
from fineparser.exemplars.voting import Voters, estimate
from fineparser.bench.machine import describe
from fineparser.data.clip_folder import read_clip_folder
from fineparser.data.clip_table import TABLE
from fineparser.data.survey import survey
from fineparser.data.syndive import SynDives
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import total
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import EncodedDives, encode_dives
from fineparser.training.evaluator import evaluate
from fineparser.training.fine_tuning import EXEMPLARS, fine_tuning
from fineparser.training.machine import accelerator_for
from fineparser.training.metrics import Measurement
from fineparser.training.options import EvaluateOptions, TrainOptions
from fineparser.training.predictions import Verdict, measure
from fineparser.training.train import train
from fineparser.video.framing import CUT_SIDES
from fineparser.video.writing import write_video

CODES = ("107B", "205B", "405B", "5253B", "301B", "103B")
METRICS = ("r_l2_x100", "spearman", "spearman_execution", "interval_coverage")
SOME = (5, 10)
"""Of the coach's dives, beside all of them: what a few tell of a panel."""
RESAMPLES = 1000


@dataclass(frozen=True)
class OtherPanel:
    """How another panel turns this one's awards into its own."""

    stretch: float = 1.3
    """About the middle: how much further apart it puts dives."""
    middle: float = 6.5
    shift: float = -1.0
    """How much stricter it is, awards."""

    def award(self, award: float) -> float:
        """An award, 0 to 10 in halves; a failed dive stays failed.

        >>> OtherPanel().award(6.5), OtherPanel().award(8.5), OtherPanel().award(0.0)
        (5.5, 8.0, 0.0)
        """
        if award == 0.0:
            return 0.0
        return float(np.clip(round(2 * float(self.moved(award))) / 2, 0.5, 10.0))

    def moved(self, award: np.ndarray | float) -> np.ndarray:
        """Mean awards, 0 to 10, as it gives them."""
        return np.clip(self.middle + self.stretch * (award - self.middle) + self.shift, 0.0, 10.0)


@dataclass(frozen=True)
class FineTuningBench:
    """What is measured."""

    dives: int = 60
    """To learn from, and as many to judge."""
    epochs: int = 60
    checkpoint: str = "default"
    """The weights to start from."""
    train: str = "regression"
    codes: tuple[str, ...] = CODES
    panel: OtherPanel = OtherPanel()
    seed: int = 7


def bench_fine_tuning(bench: FineTuningBench, told: Callable[[str], None] = lambda line: None) -> dict:
    """The three ways to judge, with intervals, and what fine-tuning took."""
    analyser = DiveAnalyser.from_pretrained(bench.checkpoint)
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        folder = Path(name)
        learn, judge = folder / "learn", folder / "judge"
        for place, split in ((learn, "train"), (judge, "test")):
            told(f"drawing {bench.dives} dives for {place.name}")
            write_dives(place, split, bench)
        start = folder / "start"
        analyser.model.save_pretrained(start)
        spec = f"clips:{learn}"
        found = survey(spec, bench.train, 0.2)
        options = fine_tuning(
            TrainOptions(
                out=folder / "run",
                data=(spec,),
                checkpoint=str(start),
                train=bench.train,
                epochs=bench.epochs,
                validation_share=0.2,
                seed=found.seed,
                device="cpu",
            )
        )
        told("fine-tuning")
        began = time.monotonic()
        result = train(options, on_record=_speaker(told))
        minutes = (time.monotonic() - began) / 60
        how = dict(data=(f"clips:{judge}",), out=folder / "numbers.json", split="test", exemplars=EXEMPLARS)
        how |= dict(device="cpu", progress=False)
        own = dict(how, exemplar_data=(spec,))
        told("judging as installed")
        bank = _bank(analyser, bench)
        found = evaluate(EvaluateOptions(checkpoint=str(start), **how), bank)
        ways = {"installed weights, installed exemplars": found.measurements}
        told("judging with the coach's dives as the only exemplars")
        ways["installed weights, own exemplars"] = evaluate(EvaluateOptions(checkpoint=str(start), **own)).measurements
        told("judging as the app does, with the coach's dives beside the installed exemplars")
        coached, asked = (encoded(analyser.network, place) for place in (learn, judge))
        for count in sorted({*(some for some in SOME if some < bench.dives), bench.dives}):
            some = coached.select(range(count))
            ways[f"installed weights, installed exemplars and {count} own"] = in_the_app(
                analyser.network, bank.join(bank_of(some, bank)), asked
            )
        told("judging with the fine-tuned weights")
        ways["fine-tuned weights, own exemplars"] = evaluate(
            EvaluateOptions(checkpoint=str(result.best), **own)
        ).measurements
    return {
        "weights": analyser.model.provenance.name,
        "trained_on": list(analyser.model.provenance.trained_on),
        "panel": vars(bench.panel),
        "dives_learnt_from": bench.dives,
        "dives_judged": bench.dives,
        "epochs": bench.epochs,
        "train": bench.train,
        "minutes": round(minutes, 2),
        "machine": describe(),
        "load": os.getloadavg()[0],
        "results": {way: _numbers(measurements) for way, measurements in ways.items()},
    }


def write_dives(folder: Path, split: str, bench: FineTuningBench) -> None:
    """Clips of simulated dives with what the other panel gives them, as a labelled clip folder without switches."""
    folder.mkdir()
    codes = tuple(DiveCode.parse(code) for code in bench.codes)
    source = SynDives(bench.dives, bench.seed, split, codes=codes)
    rows = []
    for index in range(bench.dives):
        plan = source.plan(index)
        frames, _ = plan.film(CUT_SIDES[-1], None, np.arange(len(plan.times)))
        write_video(folder / f"dive{index:03d}.mp4", frames, min(plan.fps, 60.0), quality=16)
        awards = [bench.panel.award(award) for award in plan.awards]
        rows.append(
            {
                "clip": f"dive{index:03d}.mp4",
                "dive_code": str(plan.code),
                "height": f"{plan.height:g}",
                "score": f"{total(awards, plan.difficulty):.2f}",
            }
        )
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _bank(analyser: DiveAnalyser, bench: FineTuningBench) -> ExemplarBank:
    """The exemplars that come with the weights, or what the app simulates where there are none."""
    if analyser.bank is not None:
        return analyser.bank
    source = SynDives(bench.dives, bench.seed, "test", codes=tuple(map(DiveCode.parse, bench.codes)))
    wanted = dict.fromkeys((card.code, card.height) for card in map(source.card, range(len(source))))
    return simulated_bank(analyser.network, wanted, EXEMPLARS)


def encoded(network: FineParser, folder: Path) -> EncodedDives:
    """All dives of a clip folder, without masks."""
    return encode_dives(
        network, read_clip_folder(folder, validation=0), accelerator_for("cpu", "float32"), with_masks=False
    )


def bank_of(dives: EncodedDives, beside: ExemplarBank) -> ExemplarBank:
    """Judged dives as own exemplars, to stand beside a bank of the same weights."""
    exemplars = tuple(
        Exemplar(f"own-{card.id}", card.code, card.height, float(worth), float(score), OWN)
        for card, worth, score in zip(dives.cards, dives.difficulty, dives.scores, strict=True)
    )
    return ExemplarBank(exemplars, dives.encodings, beside.fingerprint, OWN)


def in_the_app(network: FineParser, bank: ExemplarBank, asked: EncodedDives) -> list[Measurement]:
    """What dives are told by a bank, as an analysis does it, against their scores."""
    voters, verdicts = Voters(bank), []
    for place, card in enumerate(asked.cards):
        dived = Dived.of(card.code, card.height, None)
        ballot = voters.vote(network, asked.encodings.select([place]), dived, EXEMPLARS, 0)
        points = estimate(ballot, dived)[0]
        # One vote: what the app says in the end, clipped and on the panel's scale.
        names = tuple(vote.exemplar for vote in ballot.votes)
        verdicts.append(Verdict((points.value,), names, ballot.votes[0].reason, (points.low, points.high)))
    return measure(asked, verdicts, resamples=RESAMPLES)


def _numbers(measurements: Sequence[Measurement]) -> dict:
    return {
        m.name: {"value": m.value, "low": m.low, "high": m.high, "dives": m.count, "note": m.note}
        for m in measurements
        if m.name in METRICS
    }


def _speaker(told: Callable[[str], None]) -> Callable[[dict], None]:
    """Passes on what is worth a line of a terminal."""

    def speak(record: dict) -> None:
        if record["kind"] == "encoding" and record["done"] % 10 == 0:
            told(f"encoded {record['done']} of {record['of']}")
        elif record["kind"] == "validation":
            error = record.get("r_l2_x100", float("nan"))
            told(f"step {record['step']} of {record['steps']}: R-l2 {error:.3f}{', the best' * record['best']}")

    return speak
