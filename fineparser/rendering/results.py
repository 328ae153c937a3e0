"""Result files of an analysis: the folder, report.json, the table of frames, and the zip."""

import csv
import io
import json
import zipfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.atomic import atomic_write, atomic_write_text
from fineparser.exemplars.voting_result import ScoreEstimate
from fineparser.kinematics import Kinematics
from fineparser.quality_warning import QualityWarning
from fineparser.rendering.comparison_video import ComparisonSide, write_comparison
from fineparser.rendering.judgement_text import fault_frame, fault_text, phase_text, plain, score_decimals
from fineparser.rendering.key_frames import as_jpeg
from fineparser.rendering.measurement_charts import path_chart, rotation_chart, svg_file
from fineparser.rendering.measurement_pictures import entry_picture, splash_picture
from fineparser.rendering.measurements import MOTION_COLUMNS, measurements_json, motion_rows, trajectory_csv
from fineparser.rendering.messages import (
    calibration_message,
    little_message,
    message,
    no_score_message,
    scale_message,
    score_notes,
    vote_reason,
)
from fineparser.rendering.overlay import DEFAULT_OVERLAY, OverlayOptions, write_overlay
from fineparser.rendering.report_page import report_html
from fineparser.rendering.stroboscope import stroboscope
from fineparser.scoring import Judgement
from fineparser.video.reader import reopen

REPORT, PAGE, OVERLAY, COMPARISON, MASKS, FRAMES, TRAJECTORY, ZIP = (
    "report.json",
    "report.html",
    "overlay.mp4",
    "comparison.mp4",
    "masks.npz",
    "frames.csv",
    "trajectory.csv",
    "results.zip",
)
RESULTS = (REPORT, PAGE, OVERLAY, COMPARISON, MASKS, FRAMES, TRAJECTORY)
"""Files of an analysis, in their order in the zip."""

MEASUREMENTS, PATH_CHART, ROTATION_CHART, STROBOSCOPE, ENTRY, SPLASH = (
    "measurements.json",
    "path.svg",
    "rotation.svg",
    "stroboscope.jpg",
    "entry.jpg",
    "splash.jpg",
)
"""Files of measurements, beside frames.csv and trajectory.csv."""

COLUMNS = (
    "index",
    "frame",
    "seconds",
    "phase",
    "flight_probability",
    "entry_probability",
    "mask_area",
    "mask_left",
    "mask_top",
    "mask_right",
    "mask_bottom",
    "mask_x",
    "mask_y",
    *MOTION_COLUMNS,
)
"""Columns of frames.csv.

index: among the 96 sampled frames; frame: source frame number; seconds: from the source's first frame; probabilities:
that the phase begins there; mask: area in square pixels, edges of its bounding box and its centroid in source pixels
(x to the right, y down, pixel centres at integers + 0.5), empty without a mask; then `MOTION_COLUMNS`, empty where
nothing was measured.
"""


def write_results(
    report: DiveReport,
    folder: str | Path,
    overlay: OverlayOptions = DEFAULT_OVERLAY,
    exemplar: Kinematics | None = None,
) -> Path:
    """Write all results of a clip; each file is written atomically.

    report.json; report.html, a page to keep; overlay.mp4; frames.csv, one row a sampled frame; trajectory.csv, the
    path of the centre of mass, if it was measured; masks.npz with `frame_number` [96] and `mask` bool [96, H, W], the
    longer side at most 640 pixels; and comparison.mp4 if the chosen exemplar has a clip. Comparison, trajectory and
    zip of an earlier analysis in the folder are removed.

    Args:
        report: of the clip.
        folder: created if it does not exist.
        overlay: drawings in overlay.mp4.
        exemplar: measurements that stand beside those of the dive on the page.

    Raises:
        VideoError: if the clip cannot be read any more or a video cannot be written.
        OSError: if the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (COMPARISON, TRAJECTORY, ZIP):
        (folder / name).unlink(missing_ok=True)
    write_overlay(report, folder / OVERLAY, overlay)
    if (other := ComparisonSide.from_exemplar(report)) is not None:
        write_comparison(ComparisonSide.from_report(report), other, folder / COMPARISON)
    masks = report.source_masks()
    atomic_write(folder / MASKS, lambda part: _write_masks(part, report, masks))
    atomic_write_text(folder / FRAMES, frames_csv(report, masks))
    if report.kinematics is not None:
        atomic_write_text(folder / TRAJECTORY, trajectory_csv(report.kinematics.series))
    atomic_write_text(folder / PAGE, report_html(report, exemplar))
    # Last, so that a folder with a report.json is complete.
    atomic_write_text(folder / REPORT, _json_text(report_json(report)))
    return folder


def write_measurements(report: DiveReport, folder: str | Path, exemplar: Kinematics | None = None) -> Path:
    """Write the measurements of a clip, each file atomically.

    measurements.json, frames.csv, trajectory.csv; and the pictures of what was measured: path.svg, rotation.svg,
    stroboscope.jpg, entry.jpg and splash.jpg. Those of an earlier clip in the folder are removed.

    Args:
        report: of the clip.
        folder: created if it does not exist.
        exemplar: measurements of another dive, whose curves are drawn as well, dashed.

    Raises:
        ValueError: for a report without measurements.
        VideoError: if the clip cannot be read any more.
        OSError: if the folder cannot be written.
    """
    kinematics = report.kinematics
    if kinematics is None:
        raise ValueError(f"{report.info.path.name} was not measured: use trained weights")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw_chart in ((PATH_CHART, path_chart), (ROTATION_CHART, rotation_chart)):
        chart = draw_chart(kinematics, exemplar)
        (folder / name).unlink(missing_ok=True)
        if chart:
            atomic_write_text(folder / name, svg_file(chart))
    with reopen(report.info) as source:
        for name, draw in ((STROBOSCOPE, stroboscope), (ENTRY, entry_picture), (SPLASH, splash_picture)):
            (folder / name).unlink(missing_ok=True)
            if (image := draw(report, source)) is not None:
                atomic_write(folder / name, partial(Path.write_bytes, data=as_jpeg(image)))
    atomic_write_text(folder / FRAMES, frames_csv(report))
    atomic_write_text(folder / TRAJECTORY, trajectory_csv(kinematics.series))
    atomic_write_text(folder / MEASUREMENTS, _json_text(measurements_json(kinematics)))
    return folder


def _json_text(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def report_json(report: DiveReport) -> dict[str, Any]:
    """The report as plain values with its sentences.

    Each warning and each reason against a score has its message, each measurement its name and text;
    `no_score_message` is the one that the page shows. The meaning of the intervals, the calibration of the score and
    the reason of each vote are given in words. Contributions lack the phases that the clip does not show.

    The points of a judgement are rounded as they are shown, and None where the clip says little about the score. Its
    faults and phases have texts; `notes` and `caution` are the sentences beside the score.
    """
    values = report.to_json()
    missing = {phase.label for phase in report.missing_phases}
    values["breakdown"] = _without_phases(values["breakdown"], missing)
    values["no_score"] = [_warning_json(warning) for warning in report.no_score]
    values["no_score_message"] = no_score_message(report)
    values["interval_basis"] = "" if report.interval_basis is None else message(report.interval_basis)
    values["weights"]["calibrated_on"] = scale_message(report)
    for vote, vote_values in zip(report.votes, values["votes"], strict=True):
        vote_values["contributions"] = _without_phases(vote_values["contributions"], missing)
        vote_values["reason"] = vote_reason(vote, report)
    values["exemplar"] = next((vote for vote in values["votes"] if vote["exemplar"] == report.exemplar), None)
    values["warnings"] = [_warning_json(warning) for warning in report.warnings]
    values["kinematics"] = None if report.kinematics is None else measurements_json(report.kinematics)
    if report.judgement is not None:
        values |= _judgement_json(report, report.judgement, values["judgement"])
    return values


def _judgement_json(report: DiveReport, judgement: Judgement, values: dict[str, Any]) -> dict[str, Any]:
    """Entries of the JSON of a report that its judgement changes; `values` are the plain values of the judgement."""
    phases = [
        mark_values
        | {
            "text": plain(phase_text(mark, report.dive_code)),
            "faults": [
                fault_values | {"text": plain(fault_text(fault, report.dive_code)), "frame": fault_frame(fault)}
                for fault, fault_values in zip(mark.faults, mark_values["faults"], strict=True)
            ],
        }
        for mark, mark_values in zip(judgement.phases, values["phases"], strict=True)
    ]
    little, (decimals, award_decimals) = little_message(report), score_decimals(judgement)
    caution = little or ("" if judgement.is_calibrated else calibration_message(judgement))
    return {
        "total": None if little else _rounded(report.total, decimals),
        "execution": None if little else _rounded(report.execution, award_decimals),
        "interval_basis": score_notes(report),
        "judgement": values | {"phases": phases, "notes": score_notes(report), "caution": caution},
    }


def _rounded(score: ScoreEstimate | None, decimals: int) -> dict[str, float] | None:
    if score is None:
        return None
    return {name: round(value, decimals) for name, value in asdict(score).items()}


def _without_phases(values: Any, phases: set[str]) -> Any:
    """Nested plain values without the entries of some phases."""
    if not isinstance(values, dict):
        return values
    return {name: _without_phases(value, phases) for name, value in values.items() if name not in phases}


def _warning_json(warning: QualityWarning) -> dict[str, Any]:
    return warning.to_json() | {"message": message(warning)}


def zip_results(folder: str | Path, path: str | Path | None = None) -> Path:
    """Write one zip of the files of an analysis, atomically.

    Args:
        folder: of the analysis.
        path: of the zip; None: results.zip in the folder.

    Raises:
        FileNotFoundError: if the folder has no results.
    """
    folder = Path(folder)
    files = [folder / name for name in RESULTS if (folder / name).is_file()]
    if not files:
        raise FileNotFoundError(f"{folder} has no results to zip; write them first")

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w") as archive:
            for file in files:
                is_compressed = file.suffix in (".mp4", ".npz")
                archive.write(file, file.name, zipfile.ZIP_STORED if is_compressed else zipfile.ZIP_DEFLATED)

    target = folder / ZIP if path is None else Path(path)
    atomic_write(target, write)
    return target


def frames_csv(report: DiveReport, masks: np.ndarray | None = None) -> str:
    """`frame_rows` as CSV with a header: times to the millisecond, probabilities to 4 decimals, pixels and degrees to
    0.1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for index, number, seconds, phase, flight, entry, *values in frame_rows(report, masks):
        measures = ["" if value is None else f"{value:.1f}" for value in values]
        writer.writerow([index, number, f"{seconds:.3f}", phase, f"{flight:.4f}", f"{entry:.4f}", *measures])
    return text.getvalue()


def frame_rows(report: DiveReport, masks: np.ndarray | None = None) -> list[tuple[Any, ...]]:
    """One row a sampled frame, values in the order of `COLUMNS`; None where there is no mask, or no measurement.

    Args:
        report: of the clip.
        masks: `report.source_masks()`, if the caller has them already.
    """
    masks = report.source_masks() if masks is None else masks
    pixel_width, pixel_height = report.info.width / masks.shape[2], report.info.height / masks.shape[1]
    nothing = [(None,) * len(MOTION_COLUMNS)] * len(report.frame_numbers)
    motion = nothing if report.kinematics is None else motion_rows(report.kinematics.series)
    rows = []
    for index, number in enumerate(report.frame_numbers.tolist()):
        phase = report.phase_of_sample(index)
        flight, entry = map(float, report.transition_probabilities[index])
        measures = mask_measures(masks[index], pixel_width, pixel_height)
        rows.append((index, number, report.info.seconds(number), phase.label, flight, entry, *measures, *motion[index]))
    return rows


def mask_measures(mask: np.ndarray, pixel_width: float = 1.0, pixel_height: float = 1.0) -> tuple[float | None, ...]:
    """Area, left, top, right and bottom edge, x and y of the centroid of a mask, bool [H, W].

    A pixel of the mask is `pixel_width` x `pixel_height` source pixels. Without a mask the area is 0, the rest None.

    >>> mask_measures(np.array([[False, True, True], [False, False, False]]), 2, 2)
    (8.0, 2.0, 0.0, 6.0, 2.0, 4.0, 1.0)
    """
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return (0.0, *[None] * 6)
    return (
        float(len(rows) * pixel_width * pixel_height),
        float(columns.min() * pixel_width),
        float(rows.min() * pixel_height),
        float((columns.max() + 1) * pixel_width),
        float((rows.max() + 1) * pixel_height),
        float((columns.mean() + 0.5) * pixel_width),
        float((rows.mean() + 0.5) * pixel_height),
    )


def _write_masks(path: Path, report: DiveReport, masks: np.ndarray) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, frame_number=report.frame_numbers, mask=masks)
