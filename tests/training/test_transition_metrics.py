"""Transition metrics by hand."""

import numpy as np
import pytest

from fineparser.training.transition_metrics import (
    TemporalIoU,
    TransitionError,
    temporal_iou,
    transition_error,
)


@pytest.mark.parametrize(
    ("predicted", "true", "expected"),
    [
        ((20, 60), (20, 60), 1.0),
        ((20, 60), (30, 50), 0.5),
        ((10, 30), (20, 40), 1 / 3),
        ((10, 20), (20, 40), 0.0),  # the frame of a transition belongs to the next phase
        ((10, 20), (50, 60), 0.0),
        ((30, 30), (30, 30), 1.0),
        ((30, 30), (31, 31), 0.0),
        ((30, 30), (20, 40), 0.0),
        ((60, 20), (20, 60), 0.0),  # upside down holds no frame
    ],
)
def test_temporal_iou(predicted, true, expected):
    assert float(temporal_iou(np.array(predicted), np.array(true))) == pytest.approx(expected)
    if predicted[0] <= predicted[1]:
        assert float(temporal_iou(np.array(true), np.array(predicted))) == pytest.approx(expected)


def test_temporal_iou_counts_frames():
    """Against the overlap of the sets of frames."""
    rng = np.random.default_rng(0)
    segments = np.sort(rng.integers(96, size=(2, 50, 2)), axis=-1)
    values = temporal_iou(*segments)
    for value, (a, b), (c, d) in zip(values, *segments, strict=True):
        one, other = set(range(a, b)), set(range(c, d))
        if one | other:
            assert value == pytest.approx(len(one & other) / len(one | other))


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
    np.testing.assert_array_equal(transition_error(predicted, true), [[3, 0], [0, 5]])
    metric = TransitionError()
    metric.update(predicted, true)
    assert metric.compute() == pytest.approx(2.0)
