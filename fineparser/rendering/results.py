"""The folder that an analysis leaves, and the zip of it."""

import json
import os
import secrets
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.rendering.comparison import Panel, write_comparison
from fineparser.rendering.document import document
from fineparser.rendering.overlay import MaskStyle, write_overlay
from fineparser.rendering.tables import frames_csv

REPORT, PAGE, OVERLAY, COMPARISON, MASKS, FRAMES, ZIP = (
    "report.json",
    "report.html",
    "overlay.mp4",
    "comparison.mp4",
    "masks.npz",
    "frames.csv",
    "results.zip",
)
RESULTS = (REPORT, PAGE, OVERLAY, COMPARISON, MASKS, FRAMES)
"""What an analysis can leave, in this order in the zip."""


def write_results(
    report: DiveReport,
    folder: str | Path,
    *,
    style: MaskStyle | str = MaskStyle.FILL,
) -> Path:
    """Writes everything found about a clip; each file is whole or not there.

    report.json; report.html, a page to keep; overlay.mp4; frames.csv, one row a sampled frame; masks.npz with
    `frame_number` [96] and `mask` bool [96, H, W], the longer side at most 640 pixels; and comparison.mp4 where the
    chosen exemplar has a clip. Of an earlier analysis into the same folder nothing stays: its comparison or zip goes.

    Args:
        report: what was found.
        folder: is made where it is not there.
        style: of the masks in overlay.mp4.

    Raises:
        VideoError: where the clip cannot be read any more or a video not be written.
        OSError: where the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (COMPARISON, ZIP):
        (folder / name).unlink(missing_ok=True)
    write_overlay(report, folder / OVERLAY, style)
    if (exemplar := Panel.of_exemplar(report)) is not None:
        write_comparison(Panel.of(report), exemplar, folder / COMPARISON)
    masks = report.source_masks()
    _write_whole(folder / MASKS, lambda part: _write_masks(part, report, masks))
    _write_whole(folder / FRAMES, lambda part: part.write_text(frames_csv(report, masks), encoding="utf-8"))
    _write_whole(folder / PAGE, lambda part: part.write_text(document(report), encoding="utf-8"))
    # Last, so that a folder with a report.json holds everything.
    text = json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    _write_whole(folder / REPORT, lambda part: part.write_text(text, encoding="utf-8"))
    return folder


def zip_results(folder: str | Path, path: str | Path | None = None) -> Path:
    """One zip of an analysis' files, whole or not there; results.zip in the folder unless `path` says otherwise.

    Raises:
        FileNotFoundError: where the folder holds none of them.
    """
    folder = Path(folder)
    files = [folder / name for name in RESULTS if (folder / name).is_file()]
    if not files:
        raise FileNotFoundError(f"{folder} holds no results to zip; write them first")

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w") as archive:
            for file in files:
                packed = file.suffix in (".mp4", ".npz")
                archive.write(file, file.name, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)

    target = folder / ZIP if path is None else Path(path)
    _write_whole(target, write)
    return target


def _write_masks(path: Path, report: DiveReport, masks: np.ndarray) -> None:
    # Given a name instead of a file, numpy would add an ending to it.
    with path.open("wb") as file:
        np.savez_compressed(file, frame_number=report.frame_numbers, mask=masks)


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write` with another name beside `path` and renames what it wrote."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
