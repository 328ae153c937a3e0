"""The command line: python -m fineparser analyse | simulate | train | evaluate | import-checkpoint | bench.

Every command imports what it needs when it runs: training and simulating work where the app's packages are missing.
"""

import argparse
import ast
import inspect
import json
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import get_args, get_origin, get_type_hints


def analyse(options: argparse.Namespace) -> int:
    """Judges one clip and writes what was found."""
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.rendering.results import write_results

    analyser = DiveAnalyser.from_pretrained(options.checkpoint, options.bank, options.device)
    report = analyser.analyse(
        options.clip,
        options.code,
        options.height,
        difficulty=options.difficulty,
        first=options.first,
        last=options.last,
        exemplars=options.exemplars,
        seed=options.seed,
        progress=lambda step, done: print(f"{done:4.0%}  {step}", file=sys.stderr),
    )
    folder = write_results(report, options.out)
    for warning in report.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if report.total is not None:
        print(
            f"{report.dive_code} ({report.dive_name}), {report.height:g} m, difficulty {report.difficulty:g}: "
            f"{report.total.value:.2f} points ({report.total.low:.2f} to {report.total.high:.2f})"
        )
    print(f"flight from frame {report.flight.frame}, entry from frame {report.entry.frame}; results in {folder}")
    return 0


def import_checkpoint(options: argparse.Namespace) -> int:
    """Turns weights of the published code into a checkpoint folder."""
    from fineparser.model.reference_weights import import_checkpoint as read

    source = options.i3d or options.file
    model = read(source, i3d=options.i3d is not None)
    model.save_pretrained(options.out)
    print(f"{source} is now {options.out} ({sum(p.numel() for p in model.parameters()) / 1e6:.1f} million weights)")
    return 0


def simulate(options: argparse.Namespace) -> int:
    """Writes simulated dives in FineDiving's form."""
    from tqdm import tqdm

    from fineparser.data.finediving_writer import SimulationJob, write_finediving
    from fineparser.domain.dive_code import DiveCode

    codes = tuple(DiveCode.parse(code) for code in options.codes)
    job = SimulationJob(options.count, options.seed, options.size, codes)
    with tqdm(total=job.count, unit="dive", desc="simulating") as bar:
        drawn = write_finediving(job, options.out, progress=lambda done: bar.update(done - bar.n))
    print(f"{job.count} dives in {options.out}, {drawn} of them drawn now")
    return 0


def train(options: argparse.Namespace) -> int:
    """Trains a network, or goes on with a run."""
    from accelerate import PartialState

    from fineparser.training.options import TrainOptions
    from fineparser.training.train import train as run

    result = run(from_arguments(TrainOptions, options))
    if not PartialState().is_main_process:
        return 0
    if result.best_value is not None:
        print(f"best checkpoint: {result.best} ({result.chosen_by} {result.best_value:.4f} on the validation split)")
    print(f"last checkpoint: {result.last}, after {result.step} steps{'; stopped early' if result.stopped else ''}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Measures a network by the voting protocol."""
    from accelerate import PartialState

    from fineparser.training.evaluator import evaluate as measure
    from fineparser.training.options import EvaluateOptions

    model = bank = None
    if options.checkpoint == "default" or options.bank is not None:
        from fineparser.analysis.analyser import DiveAnalyser

        analyser = DiveAnalyser.from_pretrained(options.checkpoint, options.bank)
        if options.checkpoint == "default" and not analyser.model.provenance.trained:
            raise ValueError("no trained weights come with the project yet: name a checkpoint folder")
        model, bank = analyser.model, analyser.bank
    evaluation = measure(from_arguments(EvaluateOptions, options), bank, model)
    written = evaluation.save()
    if PartialState().is_main_process:
        print(evaluation.table())
        print("written:", *written)
    return 0


def bench(options: argparse.Namespace) -> int:
    """Measures one thing on this machine."""
    from fineparser.bench import BENCHES

    result = BENCHES[options.what](options)
    text = json.dumps(result, indent=2, default=str)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n")
    return 0


def add_options(sub: argparse.ArgumentParser, kind: type, **defaults: object) -> None:
    """One argument a field of a dataclass, with the text below the field as its help; `defaults` overrule its own."""
    texts = field_texts(kind)
    hints = get_type_hints(kind)
    for field in fields(kind):
        value = next((one for one in get_args(hints[field.name]) if one is not NoneType), hints[field.name])
        default = defaults.get(field.name, field.default)
        settings: dict = {"help": texts[field.name].replace("%", "%%")}
        settings |= {"required": True} if default is MISSING else {"default": default}
        if value is bool:
            settings["action"] = argparse.BooleanOptionalAction
        elif get_origin(hints[field.name]) is tuple:
            settings |= {"nargs": "+", "type": value}
        elif get_origin(value) is tuple:
            settings |= {"nargs": len(get_args(value)), "type": get_args(value)[0]}
        else:
            settings["type"] = value
        sub.add_argument(f"--{field.name.replace('_', '-')}", **settings)


def field_texts(kind: type) -> dict[str, str]:
    """The string below each field of a dataclass, on one line."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(kind))).body[0].body
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def from_arguments(kind: type, options: argparse.Namespace) -> object:
    """The dataclass that the arguments of `add_options` fill in."""
    given = {field.name: getattr(options, field.name) for field in fields(kind)}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def parser() -> argparse.ArgumentParser:
    """The whole grammar of the command line."""
    from fineparser.bench import BENCHES
    from fineparser.training.options import EvaluateOptions, TrainOptions

    top = argparse.ArgumentParser(
        prog="fineparser", description="Watches competitive dives and tells how good they are."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(run, name: str, summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=run)
        return sub

    sub = command(analyse, "analyse", "judge a clip: report.json, overlay.mp4 and masks.npz")
    sub.add_argument("clip", type=Path, help="a video file, or a folder of numbered frames")
    sub.add_argument("--code", help="dive number, such as 207C; without it there is no score")
    sub.add_argument("--height", help="of the board or platform in metres: 1, 3, 5, 7.5 or 10")
    sub.add_argument("--difficulty", type=float, help="your own degree of difficulty instead of the table's")
    sub.add_argument("--first", type=int, help="first frame of the dive (default: the clip's)")
    sub.add_argument("--last", type=int, help="last frame of the dive (default: the clip's)")
    sub.add_argument("--out", type=Path, required=True, help="folder for the results")
    sub.add_argument("--checkpoint", default="default", help="folder or Hugging Face id of the weights")
    sub.add_argument("--bank", type=Path, help="file of exemplars (default: the bundled one)")
    sub.add_argument("--exemplars", type=int, default=10, help="how many exemplars vote (default: 10)")
    sub.add_argument("--seed", type=int, default=0, help="of the choice of exemplars")
    sub.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: cpu)")

    sub = command(simulate, "simulate", "write simulated dives with every label, in FineDiving's folders and pickles")
    sub.add_argument("--count", type=int, required=True, help="how many dives")
    sub.add_argument("--out", type=Path, required=True, help="a new folder, or an unfinished one of the same job")
    sub.add_argument("--seed", type=int, default=0, help="the same seed gives the same dives")
    sub.add_argument("--size", type=int, default=112, help="lines of the pictures, 112 to 720 (default: 112)")
    sub.add_argument(
        "--codes", nargs="+", default=[], metavar="CODE", help="dive numbers (default: as in competitions)"
    )

    add_options(command(train, "train", "train a network on dives"), TrainOptions)
    sub = command(evaluate, "evaluate", "measure a network by the voting protocol")
    add_options(sub, EvaluateOptions, checkpoint="default")
    sub.add_argument("--bank", type=Path, help="file of exemplars to compare with, instead of the training split")

    sub = command(import_checkpoint, "import-checkpoint", "take over weights of the published code")
    sub.add_argument("file", type=Path, nargs="?", help="a checkpoint of the published training script (.pth)")
    sub.add_argument("--i3d", type=Path, metavar="FILE", help="instead: Kinetics I3D weights, for both I3Ds")
    sub.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")

    sub = command(bench, "bench", "measure this machine with the project")
    sub.add_argument("what", choices=sorted(BENCHES), help="what to measure")
    sub.add_argument("--json", type=Path, help="also write the numbers to this file")
    sub.add_argument("--minutes", type=float, default=30.0, help="of training, for transfer (default: 30)")
    sub.add_argument("--real", type=Path, default=Path("../shared/real"), help="labelled clip folder, for transfer")
    sub.add_argument("--clips", type=int, default=40, help="how many clips, for simulate (default: 40)")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; what can go wrong ends in a sentence, not in a traceback.

    Returns:
        0 when all went well, 2 for input that cannot be used, 130 when interrupted.
    """
    grammar = parser()
    options = grammar.parse_args(arguments)
    if options.run is import_checkpoint and (options.file is None) == (options.i3d is None):
        grammar.error("import-checkpoint takes a FILE or --i3d FILE, one of them")
    try:
        return options.run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
