"""Before against after, with references by hand."""

import json

import pytest

from fineparser.training.outcome import FEW_DIVES, outcome_of
from fineparser.training.runs import Run


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


def test_without_a_look_before_and_after_there_is_no_outcome(tmp_path):
    run = run_with(tmp_path, record(0, False, dives(4, 9.0), r_l2_x100=3.0))
    assert outcome_of(run) is None


def test_the_best_checkpoint_is_compared_with_the_start(tmp_path):
    run = run_with(
        tmp_path,
        record(0, False, dives(30, 9.0), r_l2_x100=9.6, spearman=0.8, mask_iou=0.7),
        record(2, True, dives(30, 1.0), r_l2_x100=0.12, spearman=0.99, mask_iou=0.7),
        record(4, False, dives(30, 5.0), r_l2_x100=3.0, spearman=0.9, mask_iou=0.7),
    )
    outcome = outcome_of(run)
    assert outcome.step == 2
    changes = {change.name: change for change in outcome.changes}
    assert list(changes) == ["Rank correlation", "Squared error (R-l2 x 100)"]  # masks were not trained
    error = changes["Squared error (R-l2 x 100)"]
    assert (error.before, error.after) == (9.6, 0.12)
    # Every dive's squared error falls from 81 to 1 over a range of 29: whichever are drawn, so does their mean.
    low, high = error.difference
    assert low == pytest.approx(100 * (1 - 81) / 29**2)
    assert high == pytest.approx(100 * (1 - 81) / 29**2)
    assert error.told == "better"
    assert outcome.dives[1] == ("dive1", 41.0, 32.0, 40.0)
    assert all("too few" not in warning for warning in outcome.warnings)


def test_a_worse_result_is_called_worse(tmp_path):
    run = run_with(
        tmp_path,
        record(0, False, dives(30, 1.0), r_l2_x100=0.12, spearman=0.99),
        record(2, True, dives(30, 9.0), r_l2_x100=9.6, spearman=0.8),
    )
    (error,) = [change for change in outcome_of(run).changes if change.name.startswith("Squared")]
    assert error.told == "worse"


def test_a_run_that_only_got_worse_gives_what_it_began_with(tmp_path):
    run = run_with(
        tmp_path,
        record(0, True, dives(30, 1.0), r_l2_x100=0.12, spearman=0.99),
        record(2, False, dives(30, 5.0), r_l2_x100=3.0, spearman=0.9),
        record(4, False, dives(30, 9.0), r_l2_x100=9.6, spearman=0.8),
    )
    outcome = outcome_of(run)
    assert (outcome.kept_start, outcome.step) == (True, 4)
    assert not any("flatters" in warning for warning in outcome.warnings)  # nothing was chosen


def test_few_dives_and_no_difference_are_said(tmp_path):
    same = dives(4, 3.0)
    run = run_with(
        tmp_path,
        record(0, False, same, r_l2_x100=3.0, spearman=0.8),
        record(2, True, same, r_l2_x100=3.0, spearman=0.8),
    )
    outcome = outcome_of(run)
    assert {change.told for change in outcome.changes} == {"cannot be told"}
    warnings = " ".join(outcome.warnings)
    assert "Only 4 scored validation dives: too few to tell. Add dives" in warnings
    assert str(FEW_DIVES) in warnings
    assert "No difference is larger than chance" in warnings
    assert "chosen on these same dives" in warnings
