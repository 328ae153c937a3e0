"""python -m fineparser analyse: judges a clip."""

import argparse
import sys
from pathlib import Path

SUMMARY = "judge a clip: report.json, overlay.mp4 and masks.npz"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Adds the command's grammar."""
    grammar = commands.add_parser("analyse", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("clip", type=Path, help="a video file, or a folder of numbered frames")
    grammar.add_argument("--code", help="dive number, such as 207C; without it there is no score")
    grammar.add_argument("--height", help="of the board or platform in metres: 1, 3, 5, 7.5 or 10")
    grammar.add_argument("--difficulty", type=float, help="your own degree of difficulty instead of the table's")
    grammar.add_argument("--first", type=int, help="first frame of the dive (default: the clip's)")
    grammar.add_argument("--last", type=int, help="last frame of the dive (default: the clip's)")
    grammar.add_argument("--out", type=Path, required=True, help="folder for the results")
    grammar.add_argument("--checkpoint", default="default", help="folder or Hugging Face id of the weights")
    grammar.add_argument("--bank", type=Path, help="file of exemplars (default: the bundled one)")
    grammar.add_argument("--exemplars", type=int, default=10, help="how many exemplars vote (default: 10)")
    grammar.add_argument("--seed", type=int, default=0, help="of the choice of exemplars")
    grammar.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: cpu)")


def run(options: argparse.Namespace) -> int:
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
