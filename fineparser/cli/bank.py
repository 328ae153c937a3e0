"""python -m fineparser bank: makes and tends exemplars."""

import argparse
import sys
from pathlib import Path

from fineparser.model.precision import PRECISIONS

SUMMARY = "make and tend the exemplars that dives are compared with"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Adds the command's grammar."""
    grammar = commands.add_parser("bank", help=SUMMARY, description=SUMMARY)
    actions = grammar.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run, text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    build_grammar = action("build", build, "simulate and encode a bank of graded dives, with a clip for each third")
    build_grammar.add_argument("--out", type=Path, help="file to write (default: the bundled bank)")
    build_grammar.add_argument("--count", type=int, default=10, help="exemplars of each dive (default: 10)")
    build_grammar.add_argument(
        "--candidates",
        type=int,
        default=2,
        help="dives made for each exemplar, of which those stay that the network reads right (default: 2)",
    )
    build_grammar.add_argument("--seed", type=int, default=0, help="the same seed gives the same dives")
    build_grammar.add_argument(
        "--dives", nargs="+", default=[], metavar="NUMBER@HEIGHT", help="such as 207C@10 (default: the usual ones)"
    )
    build_grammar.add_argument("--workers", type=int, default=2, help="processes that simulate (default: 2)")
    build_grammar.add_argument(
        "--keep-clips",
        action="store_true",
        help="keep clips of the file that is there where they show the same dives",
    )
    add = action("add", add_dive, "make an own exemplar of a judged dive")
    add.add_argument("clip", type=Path, help="a video file, or a folder of numbered frames")
    add.add_argument("--code", required=True, help="dive number, such as 207C")
    add.add_argument("--height", required=True, help="of the board or platform in metres: 1, 3, 5, 7.5 or 10")
    add.add_argument("--score", type=float, required=True, help="the total that the dive was given, points")
    add.add_argument("--difficulty", type=float, help="your own degree of difficulty instead of the table's")
    add.add_argument("--first", type=int, help="first frame of the dive (default: as proposed)")
    add.add_argument("--last", type=int, help="last frame of the dive (default: as proposed)")
    add.add_argument("--name", help="what to call it (default: the clip's name)")
    calibrating = action("calibrate", calibrate, "measure how far off scores by a bank may be, and keep it in the bank")
    calibrating.add_argument("--bank", type=Path, help="file to measure and to write (default: the bundled bank)")
    calibrating.add_argument("--dives", type=int, default=300, help="simulated dives to measure on (default: 300)")
    calibrating.add_argument("--seed", type=int, default=77, help="of these dives (default: 77)")
    calibrating.add_argument("--workers", type=int, default=1, help="processes that simulate (default: 1)")
    judging = action("judges", show_judges, "compare what own dives were given with what simulated exemplars say")
    judging.add_argument("--bank", type=Path, help="file of simulated exemplars (default: the bundled bank)")
    for one in (build_grammar, add, calibrating, judging):
        one.add_argument("--checkpoint", default="default", help="folder or Hugging Face id of the weights")
        one.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: cpu)")
        one.add_argument("--precision", choices=PRECISIONS, default="auto", help="of the network (default: auto)")
    listing = action("list", list_bank, "list the own exemplars, or those of a bank file")
    listing.add_argument("--bank", type=Path, help="a bank file instead of the own exemplars")
    remove = action("remove", remove_dive, "remove an own exemplar")
    remove.add_argument("id", help="as `bank list` names it")
    for one in (add, listing, judging, remove):
        one.add_argument("--folder", type=Path, help="of own exemplars (default: $FINEPARSER_HOME/exemplars)")


def build(options: argparse.Namespace) -> int:
    """Builds a bank, or goes on with one that was interrupted."""
    from tqdm import tqdm

    from fineparser.analysis.analyser import BUNDLED_BANK
    from fineparser.exemplars.bank_building import BankJob, build_bank
    from fineparser.exemplars.exemplar_bank import ExemplarBank
    from fineparser.exemplars.usual_dives import usual_dives

    out = options.out or BUNDLED_BANK
    dives = tuple(map(dive_of, options.dives)) or usual_dives()
    job = BankJob(dives, options.count, options.seed, options.candidates)
    earlier = ExemplarBank.load(out) if options.keep_clips else None
    analyser = analyser_without_bank(options)
    if options.out is None and not analyser.model.provenance.trained:
        raise ValueError("the bundled bank is made by trained weights: give --checkpoint, or another --out")
    with tqdm(total=len(job), unit="dive", desc="building") as bar:
        bank = build_bank(
            analyser.network,
            job,
            out,
            workers=options.workers,
            earlier=earlier,
            progress=lambda done, whole: bar.update(done - bar.n),
        )
    clips = sum(one.clip is not None for one in bank.exemplars)
    print(
        f"{counted(len(bank), 'exemplar')} of {counted(len(dives), 'dive')} in {out}, {clips} with a clip, "
        f"encoded by {bank.fingerprint}"
    )
    return 0


def add_dive(options: argparse.Namespace) -> int:
    """Makes an own exemplar of a judged dive."""
    from fineparser.exemplars.judged import Judged
    from fineparser.exemplars.own_exemplars import OwnExemplars

    judged = Judged.of(options.code, options.height, options.score, options.difficulty)
    exemplar, remarks = OwnExemplars(options.folder).add(
        analyser_without_bank(options),
        options.clip,
        judged,
        first=options.first,
        last=options.last,
        name=options.name,
        progress=lambda step, done: print(f"{done:4.0%}  {step}", file=sys.stderr),
    )
    for remark in remarks:
        print(f"warning: {remark}", file=sys.stderr)
    print(f"{exemplar.id}: {line(exemplar)}")
    return 0


def calibrate(options: argparse.Namespace) -> int:
    """Lets a bank's exemplars judge simulated dives of the validation split, and keeps the errors in the bank."""
    import tempfile
    from dataclasses import replace

    import numpy as np

    from fineparser.analysis.analyser import BUNDLED_BANK, DiveAnalyser
    from fineparser.exemplars.exemplar import SIMULATED
    from fineparser.exemplars.phase_parts import phase_parts
    from fineparser.exemplars.calibration import INTERVAL, Calibration
    from fineparser.domain.phases import Phase
    from fineparser.training.evaluator import evaluate
    from fineparser.training.options import EvaluateOptions

    path = options.bank or BUNDLED_BANK
    analyser = DiveAnalyser.from_pretrained(options.checkpoint, path, options.device, precision=options.precision)
    with tempfile.TemporaryDirectory() as folder:
        measured = evaluate(
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
    columns = ("predicted_score", "score", "difficulty")
    predicted, true, difficulty = (np.array([float(row[name]) for row in measured.rows]) for name in columns)
    parts = phase_parts(measured.rows, analyser.bank.exemplars)
    calibration = Calibration.of(predicted, true, difficulty, SIMULATED, parts)
    replace(analyser.bank, calibration=calibration).save(path)
    print(
        f"{INTERVAL:.0%} of {calibration.dives} simulated dives were judged between {calibration.low:+.2f} and "
        f"{calibration.high:+.2f} of their execution (0 to 30)"
        + "".join(
            f", the part of the {phase.label} between {low:+.2f} and {high:+.2f}"
            for phase, (low, high) in zip(Phase, calibration.parts, strict=False)
        )
        + f"; {path} says so from now on"
    )
    return 0


def list_bank(options: argparse.Namespace) -> int:
    """Lists exemplars."""
    from fineparser.exemplars.exemplar_bank import ExemplarBank
    from fineparser.exemplars.own_exemplars import OwnExemplars

    if options.bank is not None:
        bank = ExemplarBank.load(options.bank)
        exemplars, place = bank.exemplars, f"{options.bank}, encoded by {bank.fingerprint}"
    else:
        own = OwnExemplars(options.folder)
        exemplars, place = own.dives(), str(own.folder)
    width = max((len(one.id) for one in exemplars), default=0)
    for one in exemplars:
        print(f"{one.id:{width}}  {line(one)}")
    print(f"{counted(len(exemplars), 'exemplar')} in {place}")
    return 0


def show_judges(options: argparse.Namespace) -> int:
    """Prints own dives with what is told of them, and how their judges differ from simulated ones."""
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.exemplars.electorate import own_judges_of
    from fineparser.exemplars.own_exemplars import OwnExemplars

    analyser = DiveAnalyser.from_pretrained(
        options.checkpoint, options.bank, options.device, precision=options.precision
    )
    found, remarks = own_judges_of(
        analyser,
        OwnExemplars(options.folder),
        progress=lambda step, done: print(f"{done:4.0%}  {step}", file=sys.stderr),
    )
    for remark in remarks:
        print(f"warning: {remark}", file=sys.stderr)
    for one, points in zip(found.dives, found.told, strict=True):
        print(f"{one.id}  {line(one)}  told {points:.2f}")
    print(found.sentence)
    return 0


def remove_dive(options: argparse.Namespace) -> int:
    """Removes an own exemplar."""
    from fineparser.exemplars.own_exemplars import OwnExemplars

    OwnExemplars(options.folder).remove(options.id)
    print(f"{options.id} is removed")
    return 0


def analyser_without_bank(options: argparse.Namespace):
    """The analyser with the wanted weights alone: a bank of other weights must not keep them from a new one."""
    from fineparser.analysis.analyser import BUNDLED_WEIGHTS, DiveAnalyser

    known = options.checkpoint != "default" or not BUNDLED_WEIGHTS.is_dir()
    checkpoint = options.checkpoint if known else BUNDLED_WEIGHTS
    return DiveAnalyser.from_pretrained(checkpoint, device=options.device, precision=options.precision)


def dive_of(text: str):
    """A dive number and height out of "207C@10"."""
    from fineparser.domain.difficulty import difficulty, parse_height
    from fineparser.domain.dive_code import DiveCode

    number, _, metres = text.partition("@")
    if not metres:
        raise ValueError(f"{text!r} names no height: write it as 207C@10")
    code, height = DiveCode.parse(number), parse_height(metres)
    difficulty(code, height)  # refuses what is not dived, and says why
    return code, height


def line(exemplar) -> str:
    """An exemplar in a line."""
    shown = "" if exemplar.clip is None else "  clip"
    text = f"{exemplar.code} {exemplar.height:g} m  {exemplar.score:6.2f} (difficulty {exemplar.difficulty:g})"
    return f"{text}  {exemplar.source}{shown}{f'  {exemplar.name}' if exemplar.name else ''}"


def counted(count: int, noun: str) -> str:
    """So many of something, in words."""
    return f"{count} {noun}{'s' * (count != 1)}"
