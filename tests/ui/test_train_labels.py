"""Predicted labels: which of them are still valid."""

from types import SimpleNamespace

import numpy as np

from fineparser.training.jobs.pseudo_labels import PseudoLabels
from fineparser.ui.train_labels import current_predictions


def labels(first: int, last: int) -> PseudoLabels:
    numbers = np.linspace(first, last, 96).round().astype(int)
    return PseudoLabels(first + 3, last - 3, (0.9, 0.8), numbers, np.zeros((96, 4, 4), bool))


def test_predictions_are_kept_while_dive_and_trim_are_the_same():
    dives = {name: SimpleNamespace(first_frame=4, last_frame=80) for name in ("same", "trimmed", "other")}
    predictions = {"same": labels(4, 80), "trimmed": labels(0, 80), "gone": labels(4, 80)}
    assert list(current_predictions(predictions, dives)) == ["same"]
