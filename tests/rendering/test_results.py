import csv
import io
import json
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.exemplars.exemplar import ExemplarClip
from fineparser.quality_warning import QualityWarning
from fineparser.rendering.measurements import MOTION_COLUMNS
from fineparser.rendering.results import (
    COLUMNS,
    RESULTS,
    frame_rows,
    frames_csv,
    mask_measures,
    report_json,
    write_measurements,
    write_results,
    zip_results,
)
from fineparser.video.info import VideoError
from fineparser.video.reader import probe
from tests.judgements import with_judgement


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    return write_results(report, tmp_path_factory.mktemp("results") / "deep" / "er")


def test_all_results_are_written_and_nothing_else(folder):
    assert sorted(file.name for file in folder.iterdir()) == sorted(RESULTS)
    assert probe(folder / "overlay.mp4").frame_count == 60
    assert probe(folder / "comparison.mp4").frame_count == 54
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert len((folder / "frames.csv").read_text().splitlines()) == 97
    # Frames 2 to 55, each once.
    assert len((folder / "trajectory.csv").read_text().splitlines()) == 55


def test_the_json_is_that_of_the_report(folder, report):
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == json.loads(
        json.dumps(report_json(report))
    )


def test_the_json_of_a_judgement_is_as_coarse_as_its_page(report):
    values = report_json(with_judgement(report))
    assert values["total"] == {"value": 80.0, "low": 67.0, "high": 93.0}
    assert values["execution"] == {"value": 24.3, "low": 20.4, "high": 28.2}
    judgement = values["judgement"]
    assert judgement["caution"].startswith("Not calibrated to real judges")
    assert judgement["notes"] == values["interval_basis"]
    assert values["weights"]["calibrated_on"] == judgement["caution"]
    take_off, flight, entry = judgement["phases"]
    assert take_off["text"] == "Take-off 8.5: low take-off, 1.2 m above the board \u22120.2"
    assert (entry["faults"][0]["text"], entry["faults"][0]["frame"]) == ("8\u00b0 over \u22120.6", 41)
    # Every measured fault is there, also one that costs nothing.
    assert [fault["name"] for fault in flight["faults"]] == ["loose", "bent_knees"]
    assert json.loads(json.dumps(values)) == values


def test_a_calibrated_judgement_has_a_decimal_and_no_caution(report):
    values = report_json(with_judgement(report, is_calibrated=True, calibration_dives=7))
    assert values["total"]["value"] == 80.2
    assert values["judgement"]["caution"] == ""
    assert values["weights"]["calibrated_on"] == "Calibrated on 7 dives that your judges scored."


def test_the_json_has_no_score_where_the_clip_tells_little(report):
    values = report_json(with_judgement(report, is_uninformative=True))
    assert (values["total"], values["execution"]) == (None, None)
    assert values["judgement"]["caution"].startswith("This clip tells little")


def test_exemplars_that_do_not_vote_are_in_the_json(report):
    votes = tuple(replace(vote, score=None, contributions=None) for vote in report.votes)
    values = report_json(replace(with_judgement(report, phases=()), votes=votes, exemplar="middling"))
    assert [vote["score"] for vote in values["votes"]] == [None] * 3
    assert values["exemplar"]["exemplar"] == "middling"
    assert values["exemplar"]["contributions"] is None


def test_the_masks_are_those_of_the_source(folder, report):
    with np.load(folder / "masks.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["frame_number", "mask"]
        assert (arrays["frame_number"] == report.frame_numbers).all()
        assert arrays["mask"].dtype == bool
        assert (arrays["mask"] == report.source_masks()).all()


def test_one_zip_of_all(folder, tmp_path):
    path = zip_results(folder, tmp_path / "all.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(RESULTS)
        assert archive.read("report.json") == (folder / "report.json").read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["all.zip"]


def test_a_missing_exemplar_clip_leaves_out_the_comparison_only(report, tmp_path):
    gone = replace(report.votes[1].clip_exemplar, clip=ExemplarClip(tmp_path / "gone.mp4", 0, 1, 2, 3))
    votes = (report.votes[0], replace(report.votes[1], clip_exemplar=gone), report.votes[2])
    write_results(replace(report, votes=votes), tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(set(RESULTS) - {"comparison.mp4"})


def test_without_an_exemplars_clip_there_is_no_comparison(unscored, tmp_path):
    """The files of an earlier analysis are removed as well."""
    for name in ("comparison.mp4", "trajectory.csv", "results.zip"):
        (tmp_path / name).write_bytes(b"earlier")
    write_results(replace(unscored, kinematics=None), tmp_path)
    expected = set(RESULTS) - {"comparison.mp4", "trajectory.csv"}
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(expected)
    assert zip_results(tmp_path) == tmp_path / "results.zip"
    with zipfile.ZipFile(tmp_path / "results.zip") as archive:
        assert "comparison.mp4" not in archive.namelist()


def test_a_failure_leaves_no_broken_file(report, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space"):
        write_results(report, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["comparison.mp4", "overlay.mp4"]


def test_a_missing_clip_is_an_error(report, tmp_path):
    gone = replace(report, info=replace(report.info, path=tmp_path / "gone.mp4"))
    with pytest.raises(VideoError, match="does not exist"):
        write_results(gone, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_nothing_to_zip(tmp_path):
    with pytest.raises(FileNotFoundError, match="no results"):
        zip_results(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_measures_of_a_mask_by_hand():
    mask = np.zeros((10, 20), bool)
    mask[2:4, 5:9] = True
    assert mask_measures(mask) == (8, 5, 2, 9, 4, 7, 3)
    # One of the mask's pixels is 3 source pixels wide and 2 high.
    assert mask_measures(mask, pixel_width=3, pixel_height=2) == (48, 15, 4, 27, 8, 21, 6)
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


def test_scaled_masks_have_the_same_measures(report):
    full, half = frame_rows(report), frame_rows(report, report.source_masks(longest_side=80))
    for one, other in zip(full, half, strict=True):
        assert other[6:13] == pytest.approx(one[6:13], rel=0.12, abs=2)


def test_the_csv_has_the_rows(report):
    lost = replace(report, mask_probability=np.zeros_like(report.mask_probability))
    for one in (report, lost):
        rows = list(csv.DictReader(io.StringIO(frames_csv(one))))
        assert list(rows[0]) == list(COLUMNS)
        assert [int(row["frame"]) for row in rows] == report.frame_numbers.tolist()
    assert rows[0]["mask_x"] == ""
    assert float(rows[0]["mask_area"]) == 0


def test_angles_stand_beside_the_masks(report):
    motion = report.kinematics.series
    for row, hip in zip(frame_rows(report), motion.hip_angle, strict=True):
        assert dict(zip(COLUMNS, row, strict=True))["hip_angle"] == hip
    unknown = replace(report.kinematics, series=replace(motion, hip_angle=np.full(96, np.nan)))
    rows = list(csv.DictReader(io.StringIO(frames_csv(replace(report, kinematics=unknown)))))
    assert {row["hip_angle"] for row in rows} == {""}
    assert float(rows[-1]["somersault"]) == 540
    (nothing,) = {frame_rows(replace(report, kinematics=None))[0][-len(MOTION_COLUMNS) :]}
    assert nothing == (None,) * len(MOTION_COLUMNS)


def test_the_json_has_the_measurements_in_numbers_and_words(report):
    measured = json.loads(json.dumps(report_json(report)))["kinematics"]
    angle = measured["entry_angle"]
    assert (angle["value"], angle["error"], angle["unit"], angle["frames"]) == (-6.0, 2.4, "deg", [41])
    assert angle["text"] == "6\u00b0 \u00b1 2\u00b0 short"
    assert measured["legs_apart"]["reason"] == "too_small"
    assert measured["legs_apart"]["text"].startswith("Not measurable")
    assert measured["dive_number"]["probabilities"]["103B"] == 0.72
    assert report_json(replace(report, kinematics=None))["kinematics"] is None


def test_measurements_are_files_of_their_own(report, tmp_path):
    files = {"measurements.json", "frames.csv", "trajectory.csv", "path.svg", "rotation.svg"}
    write_measurements(report, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == files | {"stroboscope.jpg", "entry.jpg", "splash.jpg"}
    ElementTree.parse(tmp_path / "path.svg")
    assert cv2.imread(str(tmp_path / "entry.jpg")) is not None
    # Pictures of an earlier clip are removed.
    blind = replace(report.kinematics, entry_picture=None)
    write_measurements(replace(report, kinematics=blind), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == files | {"stroboscope.jpg"}
    with pytest.raises(ValueError, match="was not measured"):
        write_measurements(replace(report, kinematics=None), tmp_path)


def test_the_json_says_why_there_is_no_score(report):
    reasons = (QualityWarning("no_diver"), QualityWarning("no_fall"))
    values = report_json(replace(report, no_score=reasons))
    assert [reason["code"] for reason in values["no_score"]] == ["no_diver", "no_fall"]
    assert values["no_score_message"] == "No score: no diver was found in the clip."
    assert not values["forced"]
    forced = report_json(replace(report, no_score=reasons, is_forced=True))
    assert forced["forced"]
    assert forced["no_score_message"].startswith("Scored on request")
    assert report_json(report)["no_score_message"] == ""


def test_the_json_leaves_out_phases_that_are_not_in_the_clip(report):
    values = report_json(replace(report, missing_phases=(Phase.TAKE_OFF,)))
    assert values["missing_phases"] == ["take-off"]
    assert list(values["breakdown"]["by_phase"]) == ["flight", "entry"]
    assert list(values["votes"][0]["contributions"]["static"]) == ["flight", "entry"]
    assert list(report_json(report)["breakdown"]["by_phase"]) == ["take-off", "flight", "entry"]
