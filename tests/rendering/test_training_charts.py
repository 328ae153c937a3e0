"""Figures of a run show its log, and a sentence where it is empty."""

import pytest

from fineparser.rendering.training_charts import MAX_POINTS, loss_figure, prediction_figure, thinned, validation_figure


def step(number, **values):
    return {"kind": "train", "step": number, "total": 3.0, "score": 0.0, "transition": 0.0, "mask": 0.0} | values


def validation(number, best=False, **values):
    return {"kind": "validation", "step": number, "best": best, "dives": [], "intervals": {}} | values


@pytest.mark.parametrize(
    "figure", [loss_figure([]), validation_figure([step(1)], "spearman", "Rank correlation"), prediction_figure([])]
)
def test_without_records_there_is_a_sentence(figure):
    assert len(figure.data) == 0
    assert "appear" in figure.layout.annotations[0].text


def test_losses_that_are_always_zero_are_left_out():
    figure = loss_figure([step(1, total=5.0, score=5.0), step(2, total=4.0, score=4.0)])
    assert [(curve.name, list(curve.y)) for curve in figure.data] == [("score", [5.0, 4.0])]
    figure = loss_figure([step(1, total=5.0, score=2.0, mask=3.0)])
    assert [curve.name for curve in figure.data] == ["sum", "score", "mask"]


def test_a_long_run_is_thinned_and_keeps_its_ends():
    figure = loss_figure([step(number + 1, total=1.0, score=1.0 + number) for number in range(5000)])
    (curve,) = figure.data
    assert len(curve.x) <= MAX_POINTS
    assert (curve.x[0], curve.x[-1]) == (1, 5000)
    assert thinned(2) == [0, 1]


def test_the_best_checkpoint_is_marked_on_the_validation_curve():
    records = [
        validation(0, r_l2_x100=3.0, intervals={"r_l2_x100": [2.0, 4.0]}),
        validation(5, True, r_l2_x100=1.0, intervals={"r_l2_x100": [0.5, 2.0]}),
        validation(9, False, r_l2_x100=2.0, intervals={"r_l2_x100": [1.0, 3.0]}),
    ]
    band, curve, mark = validation_figure(records, "r_l2_x100", "R-l2").data
    assert list(band.y) == [4.0, 2.0, 3.0, 1.0, 0.5, 2.0]
    assert list(curve.y) == [3.0, 1.0, 2.0]
    assert (list(mark.x), list(mark.y)) == ([5], [1.0])


def test_predictions_against_true_scores_now_and_before():
    line, before, now = prediction_figure([("<a>", 50.0, 52.0)], [("<a>", 50.0, 70.0)]).data
    assert (before.name, list(before.y), now.name, list(now.y)) == ("before", [70.0], "now", [52.0])
    assert now.text == ("&lt;a&gt;",)
    assert line.x == line.y
