"""The shell around every metric: rows, missing labels, measurements."""

import numpy as np
import pytest

from fineparser.training.mask_metrics import MaskF1, MaskFBeta, MaskIoU, MaskMAE, MaskSMeasure
from fineparser.training.metrics import Measurement
from fineparser.training.score_metrics import Coverage, ExecutionSpearman, RelativeL2, Spearman
from fineparser.training.transition_metrics import TemporalIoU, TransitionError


def test_updates_in_parts_are_one_update():
    rng = np.random.default_rng(0)
    predicted, true = rng.normal(size=(2, 40))
    whole, parts = Spearman(), Spearman()
    whole.update(predicted, true)
    for part in np.array_split(np.arange(40), 7):
        parts.update(predicted[part], true[part])
    assert parts.measure(seed=3) == whole.measure(seed=3)
    assert parts.measure().count == 40


def test_a_measurement_says_what_it_is():
    metric = TransitionError()
    metric.update(np.array([[10.0, 30.0], [12.0, 33.0]]), np.array([[10.0, 31.0], [10.0, 30.0]]))
    assert metric.measure(resamples=0) == Measurement(
        name="transition_error_frames", value=1.5, low=None, high=None, count=2, higher_is_better=False
    )
    measured = metric.measure()
    assert (measured.low, measured.high) == (0.5, 2.5)


def test_a_metric_without_dives_has_no_value():
    measured = RelativeL2().measure()
    assert measured.value is None
    assert measured.count == 0
    assert "0 dives" in measured.note


def test_dives_without_the_label_are_left_out():
    metric = Spearman()
    metric.update(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, np.nan, 3.0, 2.0]))
    assert metric.measure(resamples=0).count == 3
    assert metric.compute() == pytest.approx(0.5)


def test_rows_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"not of shape \(3,\)"):
        Spearman().add(np.zeros(3))


@pytest.mark.parametrize(
    ("metric", "higher"),
    [
        (Spearman(), True),
        (ExecutionSpearman(), True),
        (RelativeL2(), False),
        (Coverage(), True),
        (TemporalIoU(0.5), True),
        (TransitionError(), False),
        (MaskIoU(), True),
        (MaskF1(), True),
        (MaskMAE(), False),
        (MaskFBeta(), True),
        (MaskSMeasure(), True),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_a_metric_knows_which_way_is_better(metric, higher):
    assert metric.measure().higher_is_better is higher
