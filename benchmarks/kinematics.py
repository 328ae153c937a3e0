"""Errors of the measurements of a dive: on simulated dives, whose truth is known, and on labelled real clips.

Simulated dives are written as video files and analysed like any clip, with automatic trim. What was rendered and
measured is cached in the output folder, so that a run continues where it was stopped; delete its `simulated` and `real`
folders to measure again with other weights or code.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.kinematics_aims import (
    BOARD_AIMS,
    REAL_AIMS,
    SIMULATED_AIMS,
    Aim,
    AimValue,
    ClipResult,
    QuantityErrors,
    evaluate,
    quantity_errors,
)
from benchmarks.kinematics_truth import Truth, truth_of_plan, truths_of_labels
from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.report import DiveReport
from fineparser.atomic import atomic_write_text
from fineparser.data.simulated_clips import CLIP_LINES, write_simulated_clip
from fineparser.domain.difficulty import HEIGHTS, SPRINGBOARDS
from fineparser.simulator.filming.camera import CAMERA_KINDS
from fineparser.simulator.plan import DivePlan, DiveRequest, plan_dive
from fineparser.video.info import VideoError

FIRST_SEED = 8_000_000
"""Seed of the first simulated dive, in the test split."""

UNRELATED_WARNINGS = ("no_dive_number", "untrained_weights", "bank_unusable")
"""Codes of warnings that do not concern the clip."""

SLOW_FROM = 1.5
"""Factor from which a clip counts as slow motion."""


@dataclass(frozen=True, kw_only=True)
class KinematicsBenchmark:
    """Clips, weights and output folder of the measurement."""

    count: int = 500
    """Simulated dives: the five heights and the three kinds of camera in turn."""
    real: Path | None = Path("../shared/real")
    """Folder of labelled real clips (labels.csv, dives.csv); skipped where it does not exist."""
    out: Path = Path("runs/kinematics")
    """Folder of the cached clips and measurements."""
    checkpoint: str = "default"
    """Folder or Hugging Face id of the weights."""

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"the number of simulated dives is 0 or more, not {self.count}")


OPTIONS = KinematicsBenchmark


def measure(options: KinematicsBenchmark, report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Values of all aims with intervals, and errors of all quantities.

    Args:
        options: clips, weights and folder.
        report: called with lines of progress, and with the tables at the end.

    Raises:
        CheckpointError: for weights that cannot be used.
        OSError: for a folder that cannot be written, or labels that cannot be read.
    """
    analyser = DiveAnalyser.from_pretrained(options.checkpoint)
    analyser.prepare()
    simulated = simulated_results(analyser, options, report)
    real = real_results(analyser, options, report)
    tables = {
        "simulated": _table(SIMULATED_AIMS, simulated),
        "real": _table(REAL_AIMS, real),
        "real, springboards": _table(BOARD_AIMS, [result for result in real if result.group["board"] == "springboard"]),
        "real, platforms": _table(BOARD_AIMS, [result for result in real if result.group["board"] == "platform"]),
    }
    quantities = {"simulated": quantity_errors(simulated), "real": quantity_errors(real)}
    for name, rows in tables.items():
        report(f"\n{name}\n{aims_table(rows)}")
    for name, errors in quantities.items():
        report(f"\n{name}\n{quantities_table(errors)}")
    return {
        "weights": analyser.model.provenance.name,
        "fingerprint": analyser.fingerprint(),
        "clips": {"simulated": len(simulated), "real": len(real)},
        "aims": {name: [asdict(row) for row in rows] for name, rows in tables.items()},
        "quantities": {name: [asdict(row) for row in rows] for name, rows in quantities.items()},
        "simulated_by_group": _by_group(SIMULATED_AIMS, simulated),
    }


def _table(aims: Sequence[Aim], results: Sequence[ClipResult]) -> list[AimValue]:
    return [evaluate(aim, results) for aim in aims] if results else []


def _by_group(aims: Sequence[Aim], results: Sequence[ClipResult]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Values of the aims by property and its value, without intervals."""
    groups: dict[str, dict[str, dict[str, float | None]]] = {}
    for name in results[0].group if results else ():
        for value in sorted({result.group[name] for result in results}):
            chosen = [result for result in results if result.group[name] == value]
            rows = [evaluate(aim, chosen, resamples=1) for aim in aims]
            groups.setdefault(name, {})[value] = {f"{row.label}: {row.statistic}": row.value for row in rows}
    return groups


def simulated_results(
    analyser: DiveAnalyser, options: KinematicsBenchmark, report: Callable[[str], None]
) -> list[ClipResult]:
    """Results of the simulated dives; those cached are not measured again."""
    clips, folder = options.out / "clips", options.out / "simulated"
    for path in (clips, folder):
        path.mkdir(parents=True, exist_ok=True)
    results = []
    for number in range(options.count):
        file = folder / f"{number:04d}.json"
        if not file.exists():
            plan = benchmark_plan(number)
            kind = plan.style.camera_kind
            clip = clips / f"{number:04d}.mp4"
            if not clip.exists():
                write_simulated_clip(plan, clip)
            group = {
                "height": f"{plan.height:g}",
                "camera": kind,
                "speed": "slow motion" if plan.slow_motion >= SLOW_FROM else "real time",
                "divers": "pair" if plan.synchro else "single",
            }
            truth = truth_of_plan(plan, CLIP_LINES[kind])
            result = clip_result(analyser, clip, plan.height, truth, group, plan.fps * plan.slow_motion)
            atomic_write_text(file, json.dumps(result.to_json()))
            report(f"simulated dive {number + 1} of {options.count}: {plan.code} from {plan.height:g} m, {kind}")
        results.append(ClipResult(**json.loads(file.read_text())))
    return results


def benchmark_plan(number: int) -> DivePlan:
    """Plan of a simulated dive."""
    height = HEIGHTS[number % len(HEIGHTS)]
    camera = CAMERA_KINDS[number // len(HEIGHTS) % len(CAMERA_KINDS)]
    return plan_dive(FIRST_SEED + number, DiveRequest(height=height, camera=camera), split="test")


def real_results(
    analyser: DiveAnalyser, options: KinematicsBenchmark, report: Callable[[str], None]
) -> list[ClipResult]:
    """Results of the labelled real clips; those cached are not measured again."""
    if options.real is None or not options.real.is_dir():
        report(f"no real clips: {options.real} is no folder")
        return []
    folder = options.out / "real"
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for name, truth in truths_of_labels(options.real).items():
        file = folder / f"{name}.json"
        if not file.exists():
            height = float(truth["height"]) if "height" in truth else None
            board = "unknown" if height is None else "springboard" if height in SPRINGBOARDS else "platform"
            result = clip_result(analyser, options.real / name, height, truth, {"board": board})
            atomic_write_text(file, json.dumps(result.to_json()))
            report(name)
        results.append(ClipResult(**json.loads(file.read_text())))
    return results


def clip_result(
    analyser: DiveAnalyser,
    clip: Path,
    height: float | None,
    truth: Truth,
    group: dict[str, str],
    frame_rate: float | None = None,
) -> ClipResult:
    """Measurements of one clip, whose height is given and whose dive number is not.

    A clip that cannot be analysed has no measurements.

    Args:
        analyser: with a trained network.
        clip: video file.
        height: metres; None where it is not known.
        truth: of the clip.
        group: see `ClipResult`.
        frame_rate: frames a second of the dive; None: of the clip.
    """
    try:
        report = analyser.analyse(clip, height=height)
    except VideoError as error:
        return ClipResult(
            clip=clip.name, group=group, frame_rate=frame_rate or 1.0, truth=truth, measured={}, warnings=(str(error),)
        )
    measured, missing = _measurements(report)
    return ClipResult(
        clip=clip.name,
        group=group,
        frame_rate=frame_rate or report.info.fps,
        truth=truth,
        measured=measured,
        missing=missing,
        warnings=(
            *(one.code for one in (*report.warnings, *report.no_score) if one.code not in UNRELATED_WARNINGS),
            *(f"missing_{phase.name.lower()}" for phase in report.missing_phases),
        ),
    )


def _measurements(report: DiveReport) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Values by name, and reasons by name where there is none."""
    measured: dict[str, dict[str, Any]] = {
        "flight": {"value": int(report.flight.frame)},
        "entry": {"value": int(report.entry.frame)},
    }
    missing: dict[str, str] = {}
    if report.kinematics is None:
        return measured, missing
    for name, value in report.kinematics.to_json().items():
        if value["value"] is None:
            missing[name] = value["reason"]
        else:
            measured[name] = value
    return measured, missing


def aims_table(rows: Sequence[AimValue]) -> str:
    """Aims and values as a Markdown table."""
    lines = ["| quantity | measure | aim | value | 95% interval | measurable |", "|---|---|---|---|---|---|"]
    for row in rows:
        aim = "" if row.target is None else f"{row.target:g}"
        interval = "" if row.low is None or row.high is None else f"{row.low:.3g} to {row.high:.3g}"
        value = "" if row.value is None else f"{row.value:.3g} {row.unit}".strip()
        mark = {True: "", False: " (missed)", None: ""}[row.reached]
        share = "" if row.measurable is None else f"{row.measurable:.0%} of {row.clips}"
        lines.append(f"| {row.label} | {row.statistic} | {aim} | {value}{mark} | {interval} | {share} |")
    return "\n".join(lines)


def quantities_table(rows: Sequence[QuantityErrors]) -> str:
    """Errors of the quantities as a Markdown table."""
    lines = [
        "| quantity | unit | mean absolute error | median error | error / standard error | measurable | else |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        numbers = [
            "" if value is None else f"{value:.3g}" for value in (row.mean_absolute, row.median, row.calibration)
        ]
        robust = "" if row.robust_calibration is None else f" (median {row.robust_calibration:.2g})"
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(row.reasons.items()))
        lines.append(
            f"| {row.name} | {row.unit} | {numbers[0]} | {numbers[1]} | {numbers[2]}{robust} "
            f"| {row.measurable:.0%} of {row.clips} | {reasons} |"
        )
    return "\n".join(lines)
