"""python -m fineparser bank: build exemplar banks, and manage user exemplars."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fineparser.cli.arguments import print_progress
from fineparser.domain.judging import format_awards
from fineparser.domain.standards import Standard
from fineparser.model.precision import PRECISIONS

if TYPE_CHECKING:
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.domain.dive_code import DiveCode
    from fineparser.exemplars.exemplar import Exemplar

SUMMARY = "build and manage the exemplars that dives are compared with"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    actions = commands.add_parser("bank", help=SUMMARY, description=SUMMARY).add_subparsers(
        required=True, metavar="ACTION"
    )

    def add_action(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        grammar = actions.add_parser(name, help=text, description=text)
        grammar.set_defaults(run=run)
        return grammar

    build = add_action("build", build_bank, "simulate and encode exemplars of graded quality")
    build.add_argument("--out", type=Path, required=True, help="bank file to write, .safetensors")
    build.add_argument("--count", type=int, default=10, help="exemplars of each dive (default: 10)")
    build.add_argument(
        "--candidates",
        type=int,
        default=2,
        help="dives simulated for each exemplar, of which the best predicted ones are chosen (default: 2)",
    )
    build.add_argument("--seed", type=int, default=0, help="the same seed gives the same dives (default: 0)")
    build.add_argument(
        "--dives", nargs="+", default=[], metavar="NUMBER@HEIGHT", help="such as 207C@10 (default: common dives)"
    )
    build.add_argument("--workers", type=int, default=2, help="processes that simulate (default: 2)")
    build.add_argument(
        "--reuse-clips", action="store_true", help="reuse clips of the bank at --out that show the same dives"
    )
    add = add_action("add", add_exemplar, "add a user exemplar: a clip of a dive with a known score, or known awards")
    add.add_argument("clip", type=Path, help="a video file, or a folder of numbered frames")
    add.add_argument("--code", required=True, help="dive number, such as 207C")
    add.add_argument("--height", required=True, help="height of the board or platform in metres: 1, 3, 5, 7.5 or 10")
    add.add_argument("--score", type=float, help="total score of the dive, points (default: that of --awards)")
    add.add_argument("--awards", nargs="+", metavar="AWARD", help="the 5 or 7 awards of the judges, instead of --score")
    add.add_argument("--difficulty", type=float, help="degree of difficulty (default: from the table)")
    add.add_argument("--first", type=int, help="first frame of the dive (default: proposed)")
    add.add_argument("--last", type=int, help="last frame of the dive (default: proposed)")
    add.add_argument("--name", help="name of the exemplar (default: name of the clip)")
    calibrate = add_action("calibrate", calibrate_bank, "measure the errors of scores by a bank, and store them in it")
    calibrate.add_argument("--bank", type=Path, help="bank file to measure (default: the bundled bank)")
    calibrate.add_argument("--out", type=Path, required=True, help="bank file to write; may be that of --bank")
    calibrate.add_argument("--dives", type=int, default=300, help="simulated dives to measure on (default: 300)")
    calibrate.add_argument("--seed", type=int, default=77, help="seed of these dives (default: 77)")
    calibrate.add_argument("--workers", type=int, default=1, help="processes that simulate (default: 1)")
    judges = add_action("judges", compare_judges, "compare the awards of your judges with predicted ones")
    judges.add_argument("--bank", type=Path, help="file of exemplars beside yours (default: the bundled bank)")
    for grammar, dives in ((add, "the dive"), (judges, "dives that were added without one")):
        grammar.add_argument(
            "--standard",
            choices=[one.value for one in Standard],
            help=f"standard of competition of {dives} (default: not known)",
        )
    for grammar in (build, add, calibrate, judges):
        grammar.add_argument("--checkpoint", default="default", help="folder or Hugging Face id of the weights")
        grammar.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: cpu)")
        grammar.add_argument(
            "--precision", choices=PRECISIONS, default="auto", help="precision of the network (default: auto)"
        )
    listing = add_action("list", list_exemplars, "list the user exemplars, or those of a bank file")
    listing.add_argument("--bank", type=Path, help="a bank file instead of the user exemplars")
    remove = add_action("remove", remove_exemplar, "remove a user exemplar")
    remove.add_argument("id", help="id of the exemplar, see `bank list`")
    for grammar in (add, listing, judges, remove):
        grammar.add_argument("--folder", type=Path, help="of user exemplars (default: $FINEPARSER_HOME/exemplars)")


def build_bank(options: argparse.Namespace) -> int:
    """Build a bank, or continue one that was interrupted."""
    from tqdm import tqdm

    from fineparser.analysis.analyser import BUNDLED_BANK
    from fineparser.exemplars.bank_building import BankJob, bank_dives
    from fineparser.exemplars.bank_building import build_bank as build
    from fineparser.exemplars.exemplar_bank import ExemplarBank
    from fineparser.rendering.messages import plural

    dives = tuple(map(parse_dive, options.dives)) or bank_dives()
    job = BankJob(dives, options.count, options.seed, options.candidates)
    earlier = ExemplarBank.load(options.out) if options.reuse_clips else None
    analyser = analyser_without_bank(options)
    if options.out.resolve() == BUNDLED_BANK.resolve() and not analyser.model.provenance.trained:
        raise ValueError("the bundled bank needs trained weights: give --checkpoint, or another --out")
    with tqdm(total=len(job), unit="dive", desc="building") as bar:

        def show(done: int, total: int) -> None:
            bar.update(done - bar.n)

        bank = build(
            analyser.network,
            job,
            options.out,
            workers=options.workers,
            earlier=earlier,
            progress=show,
        )
    clips = sum(exemplar.clip is not None for exemplar in bank.exemplars)
    print(
        f"{plural(len(bank), 'exemplar')} of {plural(len(dives), 'dive')} in {options.out}, {clips} with a clip, "
        f"encoded by {bank.fingerprint}"
    )
    return 0


def add_exemplar(options: argparse.Namespace) -> int:
    """Add a user exemplar."""
    from fineparser.exemplars.exemplar import ScoredDive
    from fineparser.exemplars.user_exemplars import UserExemplars
    from fineparser.rendering.messages import message

    exemplar, warnings = UserExemplars(options.folder).add(
        analyser_without_bank(options),
        options.clip,
        ScoredDive.from_input(
            options.code,
            options.height,
            options.score,
            options.difficulty,
            awards=" ".join(options.awards or ()),
            standard=options.standard,
        ),
        first=options.first,
        last=options.last,
        name=options.name,
        progress=print_progress,
    )
    for warning in warnings:
        print(f"warning: {message(warning)}", file=sys.stderr)
    print(f"{exemplar.id}: {exemplar_line(exemplar)}")
    return 0


def calibrate_bank(options: argparse.Namespace) -> int:
    """Measure the errors of a bank on simulated dives of the validation split, and write the bank with them."""
    import tempfile

    from fineparser.analysis.analyser import BUNDLED_BANK, DiveAnalyser
    from fineparser.domain.phases import Phase
    from fineparser.exemplars.bank_building import with_score_calibration
    from fineparser.exemplars.exemplar_bank import BankError
    from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
    from fineparser.training.evaluator import evaluate
    from fineparser.training.options import EvaluateOptions

    path = options.bank or BUNDLED_BANK
    analyser = DiveAnalyser.from_pretrained(options.checkpoint, path, options.device, precision=options.precision)
    if analyser.bank is None:
        raise BankError(f"there is no exemplar bank {path}")
    with tempfile.TemporaryDirectory() as folder:
        evaluation = evaluate(
            EvaluateOptions(
                data=(f"syndive:{10 * options.dives}:{options.seed}",),  # a tenth of them is for validation
                checkpoint=str(options.checkpoint),
                out=Path(folder) / "numbers.json",
                split="validation",
                limit=options.dives,
                resamples=0,
                device=options.device,
                workers=options.workers,
            ),
            analyser.bank,
            analyser.network,
        )
    bank = with_score_calibration(analyser.bank, evaluation.rows)
    bank.save(options.out)
    calibration = bank.calibration
    assert calibration is not None
    print(
        f"{NOMINAL_COVERAGE:.0%} of {calibration.dives} simulated dives have errors between {calibration.low:+.2f} and "
        f"{calibration.high:+.2f} of the execution (0 to 30)"
    )
    for phase, (low, high) in zip(Phase, calibration.phases, strict=False):
        print(f"contribution of the {phase.label}: errors between {low:+.2f} and {high:+.2f}")
    print(f"stored in {options.out}")
    return 0


def list_exemplars(options: argparse.Namespace) -> int:
    """List exemplars."""
    from fineparser.exemplars.exemplar_bank import ExemplarBank
    from fineparser.exemplars.user_exemplars import UserExemplars
    from fineparser.rendering.messages import plural

    if options.bank is not None:
        bank = ExemplarBank.load(options.bank)
        exemplars, source = bank.exemplars, f"{options.bank}, encoded by {bank.fingerprint}"
    else:
        user_exemplars = UserExemplars(options.folder)
        exemplars, source = user_exemplars.dives(), str(user_exemplars.folder)
    width = max((len(exemplar.id) for exemplar in exemplars), default=0)
    for exemplar in exemplars:
        print(f"{exemplar.id:{width}}  {exemplar_line(exemplar)}")
    print(f"{plural(len(exemplars), 'exemplar')} in {source}")
    return 0


def compare_judges(options: argparse.Namespace) -> int:
    """Print judged dives with their predicted awards, and the difference of their judges from simulated ones."""
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.exemplars.selection import SOURCES, ExemplarSelection
    from fineparser.exemplars.user_exemplars import UserExemplars
    from fineparser.rendering.messages import judge_comparison_message, message
    from fineparser.scoring.judge_calibration import JudgeComparison

    analyser = DiveAnalyser.from_pretrained(
        options.checkpoint, options.bank, options.device, precision=options.precision
    )
    if not analyser.judges_measurements:
        raise ValueError("these weights score dives by their exemplars: scores are not calibrated to your judges")
    selection = ExemplarSelection.from_sources(
        SOURCES, analyser.bank, UserExemplars(options.folder), analyser, progress=print_progress
    )
    for warning in selection.warnings:
        print(f"warning: {message(warning)}", file=sys.stderr)
    comparison = JudgeComparison()
    if selection.bank is not None:
        standard = None if options.standard is None else Standard(options.standard)
        comparison = JudgeComparison.from_bank(selection.bank, standard)
    for index, (exemplar, award) in enumerate(zip(comparison.dives, comparison.predicted, strict=True)):
        line = f"{exemplar.id}  {exemplar_line(exemplar)}  mean award {exemplar.mean_award:.2f}"
        calibrated = f", calibrated by the others {comparison.calibrated[index]:.2f}" if comparison.calibrated else ""
        print(f"{line}, predicted {award:.2f}{calibrated}")
    print(judge_comparison_message(comparison))
    return 0


def remove_exemplar(options: argparse.Namespace) -> int:
    """Remove a user exemplar."""
    from fineparser.exemplars.user_exemplars import UserExemplars

    UserExemplars(options.folder).remove(options.id)
    print(f"{options.id} is removed")
    return 0


def analyser_without_bank(options: argparse.Namespace) -> "DiveAnalyser":
    """The analyser with the chosen weights and no bank, since a bank of other weights would be refused."""
    from fineparser.analysis.analyser import BUNDLED_WEIGHTS, DiveAnalyser

    # By their folder the bundled weights come without the bundled bank.
    checkpoint = BUNDLED_WEIGHTS if options.checkpoint == "default" else options.checkpoint
    return DiveAnalyser.from_pretrained(checkpoint, device=options.device, precision=options.precision)


def parse_dive(text: str) -> "tuple[DiveCode, float]":
    """Dive number and height from text such as "207C@10"."""
    from fineparser.domain.difficulty import difficulty, parse_height
    from fineparser.domain.dive_code import DiveCode

    number, _, metres = text.partition("@")
    if not metres:
        raise ValueError(f"{text!r} names no height: write it as 207C@10")
    code, height = DiveCode.parse(number), parse_height(metres)
    difficulty(code, height)  # raises for a dive that does not exist from this height
    return code, height


def exemplar_line(exemplar: "Exemplar") -> str:
    """Description of an exemplar in one line, with the awards of its judges, dropped ones in parentheses."""
    texts = [
        f"{exemplar.code} {exemplar.height:g} m",
        f"{exemplar.score:6.2f} (difficulty {exemplar.difficulty:g})",
        "" if exemplar.awards is None else f"awards {format_awards(exemplar.awards)}",
        exemplar.source,
        exemplar.standard or "",
        "" if exemplar.clip is None else "clip",
        exemplar.name,
    ]
    return "  ".join(text for text in texts if text)
