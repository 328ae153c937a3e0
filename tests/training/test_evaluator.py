"""Evaluation from a source on disk to the table on the terminal."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from fineparser.data.dives import DataError
from fineparser.data.finediving_writer import SimulationJob, write_finediving
from fineparser.data.sources import open_data
from fineparser.exemplars.calibration import Calibration
from fineparser.domain.dive_code import DiveCode
from fineparser.model.fineparser import FineParser
from fineparser.training.evaluator import evaluate
from fineparser.training.machine import accelerator_for
from fineparser.training.options import EvaluateOptions

REAL = Path(__file__).parents[2].parent / "shared" / "real"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, smallest) -> str:
    folder = tmp_path_factory.mktemp("network") / "untrained"
    torch.manual_seed(1)
    FineParser(smallest).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def options(dives, checkpoint, tmp_path) -> EvaluateOptions:
    return EvaluateOptions(
        data=(f"clips:{dives}",),
        checkpoint=checkpoint,
        out=tmp_path / "results" / "test.json",
        exemplars=2,
        resamples=50,
        device="cpu",
        progress=False,
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.with_suffix(".csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finediving(tmp_path_factory) -> Path:
    """Six simulated dives of one number in FineDiving's format, three of them the test split."""
    root = tmp_path_factory.mktemp("finediving")
    write_finediving(SimulationJob(6, seed=3, codes=(DiveCode.parse("405B"),), test_share=0.5), root)
    return root


def test_data_in_finedivings_format_to_metrics(finediving, options):
    """The metrics are worked out again from the table of predictions and the annotations."""
    options = replace(options, data=(f"finediving:{finediving}",))
    found = evaluate(options)
    found.save()
    rows = rows_of(options.out)
    test = open_data(options.data, "test")
    assert [row["dive"] for row in rows] == [dive.id for dive in test]
    assert [float(row["score"]) for row in rows] == [dive.score for dive in test]
    training = {dive.id for dive in open_data(options.data, "train")}
    for row, dive in zip(rows, test, strict=True):
        assert set(row["exemplars"].split()) <= training
        assert len(set(row["exemplars"].split())) == 2
        assert row["exemplar_rule"] == "same dive number"
        transitions = dive.transitions(dive.sample())
        assert (int(row["flight"]), int(row["entry"])) == (transitions.flight, transitions.entry)
    predicted = np.array([float(row["predicted_score"]) for row in rows])
    true = np.array([float(row["score"]) for row in rows])
    if len(set(true)) > 1:
        assert found["spearman"].value == pytest.approx(spearmanr(predicted, true).statistic)
    errors = [abs(int(row[f"predicted_{name}"]) - int(row[name])) for row in rows for name in ("flight", "entry")]
    assert found["transition_error_frames"].value == pytest.approx(np.mean(errors))
    assert found["mask_iou"].value == pytest.approx(np.mean([float(row["mask_iou"]) for row in rows]), abs=1e-3)
    assert found["mask_iou"].count == 3
    frames = [int(row["predicted_flight_frame"]) for row in rows]
    assert all(dive.first_frame <= frame <= dive.last_frame for frame, dive in zip(frames, test, strict=True))


def test_the_result_file_says_what_was_measured(options):
    found = evaluate(options)
    path, table = found.save()
    saved = json.loads(path.read_text())
    assert saved["options"]["data"] == list(options.data)
    assert saved["network"]["name"] == "untrained"
    assert saved["network"]["architecture"]["window_stride"] == 16
    assert saved["dives"] == 4
    assert saved["exemplars"] == f"training split of {options.data[0]}"
    assert set(saved["code"]) == {"version", "commit", "changed"}
    metric = saved["metrics"]["mask_mae"]
    assert metric["low"] <= metric["value"] <= metric["high"]
    assert (metric["count"], metric["higher_is_better"]) == (4, False)
    assert "of the evaluated true scores" in saved["metrics"]["r_l2_x100"]["note"]
    assert [line["dive"] for line in rows_of(path)] == ["dive0#0", "dive1#0", "dive2#0", "dive3#0"]
    assert table.name == "test.csv"


def test_the_table_has_a_line_a_metric(options):
    lines = evaluate(options).table().splitlines()
    names = "spearman spearman_execution spearman_ceiling spearman_execution_ceiling r_l2_x100 interval_coverage "
    names += "tiou@0.5 tiou@0.75 transition_error_frames "
    names += "mask_iou mask_f1 mask_mae mask_f_beta mask_s_measure"
    assert [line.split()[0] for line in lines] == ["metric", *names.split()]
    assert lines[5].endswith("lower is better; range 27 to 81, of the evaluated true scores")
    assert lines[11].endswith("higher is better; probability 0.5, by clip")


def test_the_same_seed_gives_the_same_evaluation(options):
    assert evaluate(options).measurements == evaluate(options).measurements


@pytest.mark.parametrize("calibration", [None, Calibration(-2.0, 1.0, 60, "here")])
def test_a_bank_stands_in_for_the_training_split(options, dives, calibration):
    """Two exemplars encoded here, their scores far above the dives': votes and intervals follow the bank."""
    model = FineParser.from_pretrained(options.checkpoint)
    source = open_data(f"clips:{dives}", "test")
    with torch.no_grad():
        encodings = model.encode(torch.randn(2, 3, 96, 32, 32)).without_masks()
    entries = [SimpleNamespace(score=1000.0, difficulty=source[0].difficulty)] * 2
    cards = [replace(source[0].card, id=f"bank{index}", source="bank") for index in range(2)]
    bank = SimpleNamespace(
        exemplars=entries, encodings=encodings, card=lambda index: cards[index], calibration=calibration
    )
    found = evaluate(replace(options, limit=1), bank=bank)
    assert found.exemplars == "bank of 2"
    (row,) = found.rows
    assert set(row["exemplars"].split()) == {"bank0", "bank1"}
    assert float(row["predicted_score"]) > 900
    if calibration is not None:
        assert (float(row["low_80%"]), float(row["high_80%"])) == pytest.approx((30 * source[0].difficulty,) * 2)


def test_exemplars_from_another_source(options, relabelled):
    unscored = relabelled(lambda row: {"score": ""}, keep=2)
    found = evaluate(replace(options, data=(f"clips:{unscored}",), exemplar_data=options.data))
    assert found["spearman"].value is None
    assert found["spearman"].count == 0
    assert all(row["predicted_score"] and row["entry_points"] for row in found.rows)
    assert [row["entry_lost"] for row in found.rows] == ["", ""]  # which only simulated dives tell
    alone = evaluate(replace(options, data=(f"clips:{unscored}",)))
    assert alone.exemplars.startswith("none: the training split")
    assert [row["predicted_score"] + row["take_off_points"] for row in alone.rows] == ["", ""]
    assert alone["mask_iou"].value is not None


def test_the_range_of_r_l2_can_be_given(options):
    found = evaluate(replace(options, score_range=(0.0, 104.4)))
    errors = np.array([float(row["predicted_score"]) - float(row["score"]) for row in found.rows])
    assert found["r_l2_x100"].value == pytest.approx(100 * np.mean((errors / 104.4) ** 2), rel=1e-3)
    assert found["r_l2_x100"].note == "range 0 to 104.4, given"


def test_a_network_that_is_handed_over_keeps_its_precision(options, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "fineparser.training.evaluator.accelerator_for",
        lambda device, precision: asked.append(precision) or accelerator_for(device, precision),
    )
    options = replace(options, limit=1, precision="bf16")
    found = evaluate(options, model=FineParser.from_pretrained(options.checkpoint))
    assert asked == ["float32"]
    assert found.to_json()["options"]["precision"] == "bf16"


def test_splits(options, finediving):
    options = replace(options, data=(f"finediving:{finediving}",), resamples=0)
    whole = evaluate(replace(options, split="all"))
    assert whole.dives == 6
    assert len({row["dive"] for row in whole.rows}) == 6
    with pytest.raises(DataError, match="is no source of dives"):
        evaluate(replace(options, data=("finedivng:x",)))


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings here")
def test_real_recordings(options):
    """Two clips with labelled transitions, two with silhouettes, one score and nothing to compare it with."""
    found = evaluate(replace(options, data=(f"clips:{REAL}",)))
    assert found.dives == 4
    counts = {m.name: m.count for m in found.measurements}
    assert counts["transition_error_frames"] == counts["mask_iou"] == 2
    assert counts["spearman"] == 0
    rows = {row["dive"].split("#")[0]: row for row in found.rows}
    assert rows["london2012_10m_207C.avi"]["predicted_score"] == ""
    assert rows["college_springboard_inward.mp4"]["predicted_score"] == ""  # neither number nor difficulty known
    flight = int(rows["college_springboard_inward.mp4"]["predicted_flight_frame"])
    assert 150 <= flight <= 258
