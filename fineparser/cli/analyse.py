"""python -m fineparser analyse: judges a clip, or every clip of a folder."""

import argparse
import sys
from pathlib import Path

from fineparser.cli.clip_batch import Settings, analyse_all, assignments, electorate, is_clip_folder, zip_all
from fineparser.model.precision import PRECISIONS

SUMMARY = "judge a clip, or every clip of a folder: report.json, report.html, overlay.mp4, masks.npz and more"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Adds the command's grammar."""
    grammar = commands.add_parser("analyse", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("clip", type=Path, help="a video file, a folder of numbered frames, or a folder of clips")
    grammar.add_argument("--code", help="dive number, such as 207C; without it there is no score")
    grammar.add_argument("--height", help="of the board or platform in metres: 1, 3, 5, 7.5 or 10")
    grammar.add_argument("--difficulty", type=float, help="your own degree of difficulty instead of the table's")
    grammar.add_argument("--first", type=int, help="first frame of the dive (default: proposed)")
    grammar.add_argument("--last", type=int, help="last frame of the dive (default: proposed)")
    grammar.add_argument(
        "--window",
        choices=["diver", "centre"],
        default="diver",
        help="follow the diver, or take the middle of the picture as the published protocol does (default: diver)",
    )
    grammar.add_argument(
        "--table", type=Path, help="of a folder: number, height and more of each clip (default: its dives.csv)"
    )
    grammar.add_argument("--jobs", type=int, default=1, help="of a folder: clips analysed at once (default: 1)")
    grammar.add_argument("--out", type=Path, required=True, help="folder for the results")
    grammar.add_argument("--zip", action="store_true", help="also pack everything into results.zip")
    grammar.add_argument("--checkpoint", default="default", help="folder or Hugging Face id of the weights")
    grammar.add_argument("--bank", type=Path, help="file of exemplars (default: the bundled one)")
    grammar.add_argument(
        "--sources",
        nargs="+",
        choices=["simulated", "mine"],
        help="whose exemplars vote; mine are those of `bank add` (default: both, and with --bank that file alone)",
    )
    grammar.add_argument("--exemplars", type=int, default=10, help="how many exemplars vote (default: 10)")
    grammar.add_argument("--seed", type=int, default=0, help="of the choice of exemplars")
    grammar.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: cpu)")
    grammar.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="of the network; auto takes bf16 where it is fast (default: float32)",
    )


def run(options: argparse.Namespace) -> int:
    """Judges one clip, or all of a folder."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}: give 1 or more")
    return analyse_folder(options) if is_clip_folder(options.clip) else analyse_clip(options)


def analyse_clip(options: argparse.Namespace) -> int:
    """Judges one clip and writes what was found."""
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.rendering.results import write_results, zip_results

    if options.table is not None:
        raise ValueError(f"--table names the clips of a folder, and {options.clip} is a single clip")
    analyser = DiveAnalyser.from_pretrained(
        options.checkpoint, options.bank, options.device, precision=options.precision
    )
    report = analyser.analyse(
        options.clip,
        options.code,
        options.height,
        difficulty=options.difficulty,
        first=options.first,
        last=options.last,
        framing=framing(options),
        voters=electorate(analyser, options.sources, options.bank),
        exemplars=options.exemplars,
        seed=options.seed,
        progress=lambda step, done: print(f"{done:4.0%}  {step}", file=sys.stderr),
    )
    folder = write_results(report, options.out)
    if options.zip:
        zip_results(folder)
    for warning in report.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if report.total is not None:
        print(
            f"{report.dive_code} ({report.dive_name}), {report.height:g} m, difficulty {report.difficulty:g}: "
            f"{report.total.value:.2f} points ({report.total.low:.2f} to {report.total.high:.2f})"
        )
    print(
        f"frames {report.first_frame} to {report.last_frame}, flight from frame {report.flight.frame}, "
        f"entry from frame {report.entry.frame}; results in {folder}"
    )
    return 0


def analyse_folder(options: argparse.Namespace) -> int:
    """Judges every clip of a folder; 1 where some could not be used, which summary.csv explains."""
    given = [name for name in ("code", "height", "difficulty", "first", "last") if getattr(options, name) is not None]
    if given:
        raise ValueError(f"--{given[0]} is for a single clip; for a folder name it in a table (--table)")
    settings = Settings(
        options.out,
        options.checkpoint,
        options.bank,
        options.device,
        options.precision,
        framing(options),
        options.exemplars,
        options.seed,
        None if options.sources is None else tuple(options.sources),
    )
    work = assignments(options.clip, options.table)

    def told(row) -> None:
        found = f"{row.dive_code} {row.total or 'no score'}".strip()
        print(f"{row.clip}: {row.problem or found}", file=sys.stderr if row.problem else sys.stdout)

    rows = analyse_all(work, settings, options.jobs, told)
    if options.zip:
        zip_all(rows, options.out)
    failed = sum(bool(row.problem) for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} clips analysed; summary.csv and results in {options.out}")
    return 1 if failed else 0


def framing(options: argparse.Namespace) -> str | None:
    """The window as the analyser takes it."""
    return "centre" if options.window == "centre" else None
