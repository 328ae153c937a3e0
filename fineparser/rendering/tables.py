"""The report frame by frame, as rows for a CSV file."""

import csv
import io

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase

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
)
"""index: among the 96 sampled frames; frame: source frame number; seconds: from the source's first frame;
probabilities: that the phase begins there; mask: area in square pixels, edges of its box and its centre of mass in
source pixels (x to the right, y down, pixel centres at integers + 0.5), empty without a mask."""


def frame_rows(report: DiveReport, masks: np.ndarray | None = None) -> list[tuple]:
    """One row a sampled frame, values in the order of `COLUMNS`; None where there is no mask.

    Args:
        report: what was found.
        masks: `report.source_masks()`, where the caller has them already.
    """
    masks = report.source_masks() if masks is None else masks
    across, down = report.info.width / masks.shape[2], report.info.height / masks.shape[1]
    rows = []
    for index, number in enumerate(report.frame_numbers.tolist()):
        phase = Phase((index >= report.flight.index) + (index >= report.entry.index))
        flight, entry = (float(one) for one in report.transition_probabilities[index])
        rows.append((index, number, report.info.seconds(number), phase.label, flight, entry))
        rows[-1] += mask_measures(masks[index], across, down)
    return rows


def mask_measures(mask: np.ndarray, across: float = 1.0, down: float = 1.0) -> tuple:
    """Area, left, top, right and bottom edge, x and y of the centre of mass of a mask, bool [H, W].

    `across` and `down` are the source pixels in one of the mask's. Without a mask the area is 0, the rest None.

    >>> mask_measures(np.array([[False, True, True], [False, False, False]]), across=2, down=2)
    (8.0, 2.0, 0.0, 6.0, 2.0, 4.0, 1.0)
    """
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return (0.0, *[None] * 6)
    return (
        float(len(rows) * across * down),
        float(columns.min() * across),
        float(rows.min() * down),
        float((columns.max() + 1) * across),
        float((rows.max() + 1) * down),
        float((columns.mean() + 0.5) * across),
        float((rows.mean() + 0.5) * down),
    )


def frames_csv(report: DiveReport, masks: np.ndarray | None = None) -> str:
    """`frame_rows` as CSV with a header line: times to the millisecond, probabilities to 4 decimals, pixels to 0.1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for index, number, seconds, phase, flight, entry, *mask in frame_rows(report, masks):
        measures = ["" if value is None else f"{value:.1f}" for value in mask]
        writer.writerow([index, number, f"{seconds:.3f}", phase, f"{flight:.4f}", f"{entry:.4f}", *measures])
    return text.getvalue()
