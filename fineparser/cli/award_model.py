"""python -m fineparser award-model: fit the award model."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fineparser.cli.arguments import add_network_options, print_progress

if TYPE_CHECKING:
    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.training.award_model_fit import MeasuredClip

SUMMARY = "fit the model that judges dives by their measurements, to simulated dives and to the step to real clips"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    grammar = commands.add_parser("award-model", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("--out", type=Path, required=True, help="file of the model to write, .json")
    grammar.add_argument("--dives", type=int, default=3000, help="dives to simulate (default: 3000)")
    grammar.add_argument(
        "--real", type=Path, help="folder of real clips with dives.csv, for the step to real recordings (default: none)"
    )
    grammar.add_argument(
        "--recorded", type=int, default=40, help="simulated dives to render and measure as well (default: 40)"
    )
    grammar.add_argument("--workers", type=int, default=2, help="processes that simulate (default: 2)")
    grammar.add_argument("--checkpoint", default="default", help="folder or Hugging Face id of the weights")
    add_network_options(grammar)


def run(options: argparse.Namespace) -> int:
    """Fit the model, write it atomically, and print the errors on judged real clips."""
    from dataclasses import replace

    from fineparser.analysis.analyser import DiveAnalyser
    from fineparser.atomic import atomic_write_text
    from fineparser.scoring.award_model import write_model
    from fineparser.training.award_model_fit import fit_award_model, fit_step, simulate_sizes

    analyser = DiveAnalyser.from_pretrained(options.checkpoint, device=options.device, precision=options.precision)
    real = [] if options.real is None else read_real_clips(analyser, options.real)
    simulated = measure_simulated_clips(analyser, options.recorded)
    model = fit_award_model(simulate_sizes(options.dives, workers=options.workers, progress=print_progress))
    model = replace(model, step=fit_step(model, real), simulated_step=fit_step(model, simulated))
    atomic_write_text(options.out, write_model(model))
    for name, (error, spread) in model.step.errors.items():
        print(f"{name}: true minus predicted award {error:+.2f}, standard deviation {spread:.2f}")
    print(f"written: {options.out}")
    return 0


def read_real_clips(analyser: "DiveAnalyser", folder: Path) -> "list[MeasuredClip]":
    """The clips of a folder with a dive number and a height, measured with automatic trim; those without a dive are
    left out.

    Raises:
        DataError: for a folder without a table, or a row that cannot be used.
    """
    from fineparser.data.dive_tables import RowLabels, read_folder_rows
    from fineparser.data.dives import OnBroken, ProblemLog
    from fineparser.domain.judging import COUNTED_AWARDS
    from fineparser.scoring.evidence import evidence_of
    from fineparser.training.award_model_fit import MeasuredClip

    _, rows = read_folder_rows(folder, ProblemLog(OnBroken.RAISE))
    clips = []
    for number, (_, row) in enumerate(rows):
        print_progress(f"Measuring {row['clip']}", number / len(rows))
        labels = RowLabels.from_row(row)
        if labels.code is None or labels.height is None:
            continue
        report = analyser.analyse(folder / row["clip"], labels.code, labels.height)
        if report.no_score or report.kinematics is None:
            continue
        award, difficulty = None, labels.known_difficulty()
        if labels.score is not None and difficulty is not None:
            award = labels.score / (COUNTED_AWARDS * difficulty)
        evidence = evidence_of(report.kinematics)
        clips.append(MeasuredClip(row["clip"], labels.code, labels.height, evidence, labels.standard, award))
    return clips


def measure_simulated_clips(analyser: "DiveAnalyser", count: int) -> "list[MeasuredClip]":
    """Simulated dives of the validation split, rendered to files and measured like real ones; those without a dive are
    left out."""
    from tempfile import TemporaryDirectory

    from fineparser.data.simulated_clips import write_simulated_clip
    from fineparser.scoring.evidence import evidence_of
    from fineparser.simulator.plan import DiveRequest, plan_dive
    from fineparser.training.award_model_fit import MeasuredClip

    clips = []
    for seed in range(count):
        print_progress(f"Measuring simulated dive {seed + 1}", seed / count)
        plan = plan_dive(seed, DiveRequest(synchro=False, opening=False), split="validation")
        with TemporaryDirectory() as folder:
            clip = write_simulated_clip(plan, Path(folder) / "clip.mp4")
            report = analyser.analyse(clip, plan.code, plan.height)
        if report.no_score or report.kinematics is None or report.missing_phases:
            continue
        evidence, award = evidence_of(report.kinematics), plan.noise_free_award
        clips.append(MeasuredClip(f"validation-{seed}", plan.code, plan.height, evidence, plan.standard, award))
    return clips
