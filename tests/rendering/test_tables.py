import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from fineparser.rendering.tables import COLUMNS, frame_rows, frames_csv, mask_measures


def test_measures_of_a_mask_by_hand():
    mask = np.zeros((10, 20), bool)
    mask[2:4, 5:9] = True
    assert mask_measures(mask) == (8, 5, 2, 9, 4, 7, 3)
    # One of the mask's pixels is 3 source pixels wide and 2 high.
    assert mask_measures(mask, across=3, down=2) == (48, 15, 4, 27, 8, 21, 6)
    assert mask_measures(np.zeros((4, 4), bool)) == (0, None, None, None, None, None, None)


def test_a_row_a_sample(report):
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in frame_rows(report)]
    assert len(rows) == 96
    assert (rows[0]["frame"], rows[0]["seconds"], rows[0]["phase"]) == (2, 0.08, "take-off")
    assert [rows[index]["phase"] for index in (29, 30, 69, 70, 95)] == [
        "take-off",
        "flight",
        "flight",
        "entry",
        "entry",
    ]
    assert (rows[30]["flight_probability"], rows[70]["entry_probability"]) == pytest.approx((0.9, 0.6))


def test_masks_are_measured_in_source_pixels(report):
    """The block of 20x20 lies in columns 70 to 90, its top 5 rows below the frame number; a pixel of the crop is 0.8
    by 0.86 source pixels."""
    for row in (dict(zip(COLUMNS, row, strict=True)) for row in frame_rows(report)):
        assert row["mask_area"] == pytest.approx(400, rel=0.1)
        assert (row["mask_left"], row["mask_right"]) == pytest.approx((70, 90), abs=1)
        assert (row["mask_top"], row["mask_bottom"]) == pytest.approx((row["frame"] + 5, row["frame"] + 25), abs=1)
        assert (row["mask_x"], row["mask_y"]) == pytest.approx((80, row["frame"] + 15), abs=0.6)


def test_masks_that_were_scaled_down_are_measured_all_the_same(report):
    full, half = frame_rows(report), frame_rows(report, report.source_masks(longest_side=80))
    for one, other in zip(full, half, strict=True):
        assert other[6:] == pytest.approx(one[6:], rel=0.12, abs=2)


def test_csv_reads_back(report):
    lost = replace(report, mask_probability=np.zeros_like(report.mask_probability))
    for one in (report, lost):
        rows = list(csv.DictReader(io.StringIO(frames_csv(one))))
        assert list(rows[0]) == list(COLUMNS)
        assert [int(row["frame"]) for row in rows] == report.frame_numbers.tolist()
    assert rows[0]["mask_x"] == ""
    assert float(rows[0]["mask_area"]) == 0
