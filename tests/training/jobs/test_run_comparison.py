"""Comparison of a run with its starting weights, with references by hand."""

import json

import pytest

from fineparser.training.jobs.run_comparison import FEW_DIVES, compare_run
from fineparser.training.run_folder import Run


def record(step, best, dives, **values):
    return {
        "kind": "validation",
        "step": step,
        "epoch": step - 1,
        "best": best,
        "dives": dives,
        "intervals": {},
    } | values


def run_with(tmp_path, *records) -> Run:
    run = Run.start(tmp_path / "run", {})
    (run.folder / "log.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    return run


def dives(count, error):
    return [[f"dive{number}", 40.0 + number, 40.0 + number + error * (-1) ** number] for number in range(count)]


def test_without_validation_before_and_after_there_is_no_comparison(tmp_path):
    run = run_with(tmp_path, record(0, False, dives(4, 9.0), r_l2_x100=3.0))
    assert compare_run(run) is None


def test_the_best_checkpoint_is_compared_with_the_start(tmp_path):
    run = run_with(
        tmp_path,
        record(0, False, dives(30, 9.0), r_l2_x100=9.6, spearman=0.8, mask_iou=0.7),
        record(2, True, dives(30, 1.0), r_l2_x100=0.12, spearman=0.99, mask_iou=0.7),
        record(4, False, dives(30, 5.0), r_l2_x100=3.0, spearman=0.9, mask_iou=0.7),
    )
    comparison = compare_run(run)
    assert comparison.step == 2
    changes = {change.name: change for change in comparison.changes}
    assert list(changes) == ["Rank correlation", "Squared error (R-l2 x 100)"]  # masks were not trained
    error = changes["Squared error (R-l2 x 100)"]
    assert (error.before, error.after) == (9.6, 0.12)
    # Every dive's squared error falls from 81 to 1 over a range of 29: in every resample, so does their mean.
    low, high = error.difference
    assert low == pytest.approx(100 * (1 - 81) / 29**2)
    assert high == pytest.approx(100 * (1 - 81) / 29**2)
    assert error.verdict == "better"
    assert comparison.dives[1] == ("dive1", 41.0, 32.0, 40.0)
    assert all("too few" not in warning for warning in comparison.warnings)


def test_a_worse_result_is_called_worse(tmp_path):
    run = run_with(
        tmp_path,
        record(0, False, dives(30, 1.0), r_l2_x100=0.12, spearman=0.99),
        record(2, True, dives(30, 9.0), r_l2_x100=9.6, spearman=0.8),
    )
    (error,) = [change for change in compare_run(run).changes if change.name.startswith("Squared")]
    assert error.verdict == "worse"


def test_a_run_that_only_got_worse_has_its_starting_weights_as_the_best(tmp_path):
    run = run_with(
        tmp_path,
        record(0, True, dives(30, 1.0), r_l2_x100=0.12, spearman=0.99),
        record(2, False, dives(30, 5.0), r_l2_x100=3.0, spearman=0.9),
        record(4, False, dives(30, 9.0), r_l2_x100=9.6, spearman=0.8),
    )
    comparison = compare_run(run)
    assert (comparison.start_is_best, comparison.step) == (True, 4)
    assert not any("chosen on" in warning for warning in comparison.warnings)  # nothing was chosen


def test_warnings_of_few_dives_and_no_difference(tmp_path):
    same = dives(4, 3.0)
    run = run_with(
        tmp_path,
        record(0, False, same, r_l2_x100=3.0, spearman=0.8),
        record(2, True, same, r_l2_x100=3.0, spearman=0.8),
    )
    comparison = compare_run(run)
    assert {change.verdict for change in comparison.changes} == {"not significant"}
    warnings = " ".join(comparison.warnings)
    assert "Only 4 scored validation dives: too few to tell. Add dives" in warnings
    assert str(FEW_DIVES) in warnings
    assert "No difference is larger than chance" in warnings
    assert "chosen on these same dives" in warnings
