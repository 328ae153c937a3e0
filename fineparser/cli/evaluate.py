"""python -m fineparser evaluate: measure a network, and the scores of its analyses."""

import argparse
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fineparser.cli.arguments import add_options, from_arguments

if TYPE_CHECKING:
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.analysis.score_evaluation import ScoredClip
    from fineparser.simulator.plan import DivePlan
    from fineparser.training.options import EvaluateOptions

SUMMARY = "measure predicted scores against judges, or a network by the voting protocol"
OUT = Path("runs/evaluation.json")
CLIPS, SIMULATED = "clips:", "syndive:"
"""Sources whose dives can be analysed from their clips."""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    from fineparser.analysis.score_evaluation import ScoreEvaluationOptions
    from fineparser.training.options import EvaluateOptions

    grammar = commands.add_parser("evaluate", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    add_options(grammar, EvaluateOptions, checkpoint="default", out=OUT)
    grammar.add_argument("--bank", type=Path, help="file of exemplars to compare with, instead of the training split")
    scores = grammar.add_argument_group("table of scores: each clip is analysed as in the app")
    scores.add_argument(
        "--scores",
        action=argparse.BooleanOptionalAction,
        help="analyse clips:FOLDER or syndive:COUNT and compare scores with those of the judges and with simple "
        "baselines, instead of the voting protocol (default: for clips:FOLDER if the weights judge measurements)",
    )
    add_options(scores, ScoreEvaluationOptions)


def run(options: argparse.Namespace) -> int:
    """Measure scores from clips, or a network by the voting protocol."""
    from fineparser.training.devices import device_for, shut_down_processes
    from fineparser.training.evaluator import evaluate as measure
    from fineparser.training.options import EvaluateOptions

    evaluate_options = from_arguments(EvaluateOptions, options)
    if options.scores and not all(source.startswith((CLIPS, SIMULATED)) for source in options.data):
        raise ValueError(f"--scores takes clips:FOLDER and syndive:COUNT, not {' '.join(options.data)}")
    may_score = options.scores is None and all(source.startswith(CLIPS) for source in options.data)
    model = bank = None
    if options.checkpoint == "default" or options.bank is not None or options.scores or may_score:
        from fineparser.analysis.analyser import DiveAnalyser

        # The inference copy, as in the app; its bf16 needs no autocast.
        device = str(device_for(evaluate_options.device))
        analyser = DiveAnalyser.from_pretrained(
            options.checkpoint, options.bank, device, precision=evaluate_options.precision
        )
        if options.scores or (may_score and analyser.judges_measurements):
            return _measure_scores(analyser, evaluate_options, options)
        if options.checkpoint == "default" or options.bank is not None:
            model, bank = analyser.network, analyser.bank
    evaluation = measure(evaluate_options, bank, model)
    written = evaluation.save()
    if shut_down_processes():
        print(evaluation.table())
        print("written:", *written)
    return 0


def _measure_scores(analyser: "DiveAnalyser", options: "EvaluateOptions", arguments: argparse.Namespace) -> int:
    """Analyse clips and print the table of their scores."""
    from itertools import islice

    from fineparser.analysis.score_evaluation import ScoreEvaluationOptions, evaluate_scores

    evaluation = evaluate_scores(
        analyser,
        islice(_scored_clips(options), options.limit),
        from_arguments(ScoreEvaluationOptions, arguments),
        options.out.with_suffix(""),
        report=functools.partial(print, file=sys.stderr, flush=True) if options.progress else lambda line: None,
        resamples=options.resamples,
        seed=options.seed,
    )
    written = evaluation.save(options.out)
    print(evaluation.table())
    print("written:", *written)
    return 0


def _scored_clips(options: "EvaluateOptions") -> "Iterator[ScoredClip]":
    """Scored dives of the sources, simulated ones of the test split; DataError for a source that cannot be used."""
    from fineparser.analysis.score_evaluation import ScoredClip, code_digest
    from fineparser.data.dives import OnBroken, ReadOptions
    from fineparser.data.readers.clip_folder import read_clip_folder
    from fineparser.data.readers.syndive import SynDives
    from fineparser.data.sources import open_data

    for source in options.data:
        if source.startswith(CLIPS):
            on_broken = OnBroken.SKIP if options.skip_broken else OnBroken.RAISE
            dives = read_clip_folder(Path(source.removeprefix(CLIPS)).expanduser(), ReadOptions(on_broken=on_broken))
            for problem in dives.problems:
                print(f"warning: {problem}", file=sys.stderr)
            yield from ScoredClip.from_dives(dives)
            continue
        # Clips of another simulator are rendered again.
        folder = f"clips-{code_digest(('domain', 'simulator'))}"
        simulated = open_data(source, "test")
        assert isinstance(simulated, SynDives)
        for index in range(len(simulated)):
            yield _simulated_clip(simulated.card(index).id, simulated.plan(index), folder)


def _simulated_clip(name: str, plan: "DivePlan", folder: str) -> "ScoredClip":
    """A simulated dive, whose clip is rendered when it is analysed."""
    from fineparser.analysis.score_evaluation import ScoredClip
    from fineparser.exemplars.exemplar import SIMULATED as SIMULATED_SOURCE
    from fineparser.exemplars.exemplar import DiveSpec

    return ScoredClip(
        name=name,
        source=SIMULATED_SOURCE,
        spec=DiveSpec(plan.code, plan.height, plan.difficulty, "table"),
        score=plan.score,
        awards=plan.awards,
        standard=plan.standard,
        first=0,
        last=len(plan.times) - 1,
        is_simulated=True,
        file_name=f"{name}.mp4",
        file=lambda parent: _rendered(plan, parent / folder / f"{name}.mp4"),
    )


def _rendered(plan: "DivePlan", path: Path) -> Path:
    from fineparser.data.simulated_clips import write_simulated_clip

    path.parent.mkdir(parents=True, exist_ok=True)
    return path if path.exists() else write_simulated_clip(plan, path)
