"""Evaluation, from a source on disk to the table on the terminal."""

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
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.score_calibration import ScoreCalibration
from fineparser.model.compact import CompactFineParser
from fineparser.model.protocol import ClipInput
from fineparser.training.devices import accelerator_for
from fineparser.training.evaluator import evaluate
from fineparser.training.options import EvaluateOptions

pytestmark = pytest.mark.slow

REAL = Path(__file__).parents[2].parent / "shared" / "real"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, smallest) -> str:
    folder = tmp_path_factory.mktemp("network") / "untrained"
    torch.manual_seed(1)
    CompactFineParser(smallest).save_pretrained(folder)
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


def test_metrics_of_data_in_the_format_of_finediving(finediving, options):
    """The metrics are computed again from the table of predictions and the annotations."""
    options = replace(options, data=(f"finediving:{finediving}",))
    evaluation = evaluate(options)
    evaluation.save()
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
        assert evaluation["spearman"].value == pytest.approx(spearmanr(predicted, true).statistic)
    errors = [abs(int(row[f"predicted_{name}"]) - int(row[name])) for row in rows for name in ("flight", "entry")]
    assert evaluation["transition_error_frames"].value == pytest.approx(np.mean(errors))
    assert evaluation["mask_iou"].value == pytest.approx(np.mean([float(row["mask_iou"]) for row in rows]), abs=1e-3)
    assert evaluation["mask_iou"].count == 3
    frames = [int(row["predicted_flight_frame"]) for row in rows]
    assert all(dive.first_frame <= frame <= dive.last_frame for frame, dive in zip(frames, test, strict=True))


def test_the_result_file_documents_the_evaluation(options):
    evaluation = evaluate(options)
    path, table = evaluation.save()
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


def test_the_table_has_one_line_for_each_metric(options):
    lines = evaluate(options).table().splitlines()
    names = "spearman spearman_execution spearman_ceiling spearman_execution_ceiling r_l2_x100 interval_coverage "
    names += "tiou@0.5 tiou@0.75 transition_error_frames "
    names += "mask_iou mask_f1 mask_mae mask_f_beta mask_s_measure"
    assert [line.split()[0] for line in lines] == ["metric", *names.split()]
    assert lines[5].endswith("lower is better; range 27 to 81, of the evaluated true scores")
    assert lines[11].endswith("higher is better; probability 0.5, by clip")


def test_the_same_seed_gives_the_same_evaluation(options):
    assert evaluate(options).measurements == evaluate(options).measurements


@pytest.mark.parametrize("calibration", [None, ScoreCalibration(-2.0, 1.0, 60, "here")])
def test_a_bank_replaces_the_training_split(options, dives, calibration):
    """Two exemplars encoded here, their scores far above the dives': votes and intervals follow the bank."""
    model = CompactFineParser.from_pretrained(options.checkpoint)
    source = open_data(f"clips:{dives}", "test")
    with torch.no_grad():
        encodings = model.encode(ClipInput(torch.randn(2, 3, 96, 32, 32)))
    entries = [SimpleNamespace(score=1000.0, difficulty=source[0].difficulty)] * 2
    cards = [replace(source[0].card, id=f"bank{index}", source="bank") for index in range(2)]
    bank = SimpleNamespace(
        exemplars=entries, encodings=encodings, card=lambda index: cards[index], calibration=calibration
    )
    evaluation = evaluate(replace(options, limit=1), bank=bank)
    assert evaluation.exemplars == "bank of 2"
    (row,) = evaluation.rows
    assert set(row["exemplars"].split()) == {"bank0", "bank1"}
    assert float(row["predicted_score"]) > 900
    if calibration is not None:
        assert (float(row["low_80%"]), float(row["high_80%"])) == pytest.approx((30 * source[0].difficulty,) * 2)


def test_exemplars_from_another_source(options, relabelled):
    unscored = relabelled(lambda row: {"score": ""}, keep=2)
    evaluation = evaluate(replace(options, data=(f"clips:{unscored}",), exemplar_data=options.data))
    assert evaluation["spearman"].value is None
    assert evaluation["spearman"].count == 0
    assert all(row["predicted_score"] and row["entry_points"] for row in evaluation.rows)
    assert [row["entry_lost"] for row in evaluation.rows] == ["", ""]  # known of simulated dives only
    alone = evaluate(replace(options, data=(f"clips:{unscored}",)))
    assert alone.exemplars.startswith("none: the training split")
    assert [row["predicted_score"] + row["take_off_points"] for row in alone.rows] == ["", ""]
    assert alone["mask_iou"].value is not None


def test_the_range_of_r_l2_can_be_given(options):
    evaluation = evaluate(replace(options, score_range=(0.0, 104.4)))
    errors = np.array([float(row["predicted_score"]) - float(row["score"]) for row in evaluation.rows])
    assert evaluation["r_l2_x100"].value == pytest.approx(100 * np.mean((errors / 104.4) ** 2), rel=1e-3)
    assert evaluation["r_l2_x100"].note == "range 0 to 104.4, given"


def test_a_given_network_keeps_its_precision(options, monkeypatch):
    requested = []
    monkeypatch.setattr(
        "fineparser.training.evaluator.accelerator_for",
        lambda device, precision: requested.append(precision) or accelerator_for(device, precision),
    )
    options = replace(options, limit=1, precision="bf16")
    evaluation = evaluate(options, model=CompactFineParser.from_pretrained(options.checkpoint))
    assert requested == ["float32"]
    assert evaluation.to_json()["options"]["precision"] == "bf16"


def test_splits(options, finediving):
    options = replace(options, data=(f"finediving:{finediving}",), resamples=0)
    whole = evaluate(replace(options, split="all"))
    assert whole.dives == 6
    assert len({row["dive"] for row in whole.rows}) == 6
    with pytest.raises(DataError, match="is no source of dives"):
        evaluate(replace(options, data=("finedivng:x",)))


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings here")
def test_real_recordings(options):
    """Amateur and broadcast clips: metrics of the labels in their table, and a vote for each dive that can have one.

    Clips that end in the air have only one of the two transitions.
    """
    evaluation = evaluate(replace(options, data=(f"clips:{REAL}",), resamples=0))
    with (REAL / "dives.csv").open() as file:
        labels = list(csv.DictReader(file))
    counts = {m.name: m.count for m in evaluation.measurements}
    assert evaluation.dives == len(labels)
    assert counts["transition_error_frames"] == sum(bool(row["flight_frame"] and row["entry_frame"]) for row in labels)
    assert counts["mask_iou"] == sum(bool(row["mask"]) for row in labels)
    assert counts["spearman"] == sum(bool(row["score"]) for row in labels)
    for label, row in zip(labels, evaluation.rows, strict=True):
        assert row["dive"].startswith(label["clip"])
        can_be_compared = label["dive_code"] or label["difficulty"]
        assert bool(row["predicted_score"]) == bool(can_be_compared)
        first, last = int(label["start_frame"] or 0), int(label["end_frame"] or 10**6)
        assert first <= int(row["predicted_flight_frame"]) <= last
