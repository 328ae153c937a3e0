"""Transition metrics by hand."""

import numpy as np
import pytest

from fineparser.training.metrics.transitions import TemporalIoU, TransitionError


def test_share_of_clips_over_the_threshold():
    predicted = np.array([[20, 60], [20, 60], [10, 30], [np.nan, np.nan]])
    true = np.array([[20, 60], [30, 50], [20, 40], [20, 40]])
    half, three_quarters = TemporalIoU(0.5), TemporalIoU(0.75)
    for metric in (half, three_quarters):
        metric.update(predicted, true)
        assert metric.measure().count == 3
    assert half.compute() == pytest.approx(2 / 3)  # exactly one half counts
    assert three_quarters.compute() == pytest.approx(1 / 3)
    assert (half.name, three_quarters.name) == ("tiou@0.5", "tiou@0.75")


def test_a_threshold_is_a_share():
    with pytest.raises(ValueError, match="cannot be 50"):
        TemporalIoU(50)


def test_transition_error_in_frames():
    predicted, true = np.array([[20, 60], [22, 61]]), np.array([[23, 60], [22, 66]])
    metric = TransitionError()
    metric.update(predicted, true)
    assert metric.compute() == pytest.approx(2.0)
