"""python -m fineparser measure: metres, degrees and seconds of one dive, without a score."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fineparser.cli.analyse import BatchClip, dive_at
from fineparser.cli.arguments import add_network_options, print_progress
from fineparser.progress import Progress, progress_between

if TYPE_CHECKING:
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.analysis.report import DiveReport

SUMMARY = "measure a dive: height, distance, rotation, shape, entry and splash with their errors, without a score"

ABOUT_THE_SCORE = ("no_dive_number", "no_exemplars")
"""Codes of warnings that say why there is no score."""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    grammar = commands.add_parser("measure", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("clip", type=Path, help="a video file or a folder of numbered frames")
    grammar.add_argument(
        "--height", help="height of the board or platform in metres: 1, 3, 5, 7.5 or 10 (default: estimated)"
    )
    grammar.add_argument(
        "--code", help="dive number, such as 207C: with it and a height, contradictions with the clip are said"
    )
    grammar.add_argument("--first", type=int, help="first frame of the dive (default: proposed)")
    grammar.add_argument("--last", type=int, help="last frame of the dive (default: proposed)")
    grammar.add_argument(
        "--dive", help="which dive of the recording: its number, or a time such as 3:25 (default: the best live one)"
    )
    grammar.add_argument("--exemplar", type=Path, help="clip of another dive, measured beside this one")
    grammar.add_argument("--exemplar-height", help="height of the exemplar's board (default: that of --height)")
    grammar.add_argument(
        "--out",
        type=Path,
        help="folder for measurements.json, frames.csv, trajectory.csv and pictures (default: none are written)",
    )
    grammar.add_argument("--checkpoint", default="default", help="folder or Hugging Face id of the weights")
    add_network_options(grammar)


def run(options: argparse.Namespace) -> int:
    """Measure a dive, print the measurements and write them on request."""
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.exemplars.exemplar import DiveSpec
    from fineparser.rendering.measurements import measurement_table
    from fineparser.rendering.messages import warning_texts
    from fineparser.rendering.results import write_measurements

    DiveSpec.from_input(options.code, options.height)  # an impossible dive ends here
    clip = BatchClip(
        clip=options.clip,
        name=options.clip.stem,
        code=options.code,
        height=options.height,
        first=options.first,
        last=options.last,
        dive=options.dive or "",
    )
    if clip.dive and not (clip.first is None and clip.last is None):
        raise ValueError("--dive chooses the trim of a dive that was found: leave out --first and --last, or --dive")
    analyser = DiveAnalyser.from_pretrained(options.checkpoint, device=options.device, precision=options.precision)
    share = 1.0 if options.exemplar is None else 0.5
    report = _measure(analyser, clip, progress_between(print_progress, 0.0, share))
    if report.kinematics is None:
        raise ValueError(f"the weights {options.checkpoint} are untrained: choose others to measure a dive")
    exemplar = None
    if options.exemplar is not None:
        height = options.exemplar_height or options.height
        other = BatchClip(clip=options.exemplar, name=options.exemplar.stem, height=height)
        exemplar = _measure(analyser, other, progress_between(print_progress, 0.5, 1.0)).kinematics
    shown = tuple(warning for warning in report.warnings if warning.code not in ABOUT_THE_SCORE)
    for text in warning_texts(replace(report, warnings=shown)):
        print(f"warning: {text}", file=sys.stderr)
    print(measurement_table(report.kinematics, exemplar))
    if options.out is not None:
        print(f"files in {write_measurements(report, options.out, exemplar)}")
    return 0


def _measure(analyser: "DiveAnalyser", clip: BatchClip, progress: Progress) -> "DiveReport":
    """Analyse one clip without exemplars."""
    from fineparser.analysis.analyser import AnalysisOptions
    from fineparser.exemplars.selection import ExemplarSelection

    proposal = None
    if clip.dive:
        dives = analyser.find_dives(clip.clip, progress=progress_between(progress, 0.0, 0.35))
        proposal = dive_at(dives, clip.dive).proposal
    selection = ExemplarSelection(bank=None, simulate_missing=False)
    options = AnalysisOptions(first=clip.first, last=clip.last, proposal=proposal, selection=selection)
    return analyser.analyse(clip.clip, clip.code, clip.height, options, progress=progress)
