"""Metrics of the two transitions of a clip (take-off to flight, flight to entry)."""

from typing import ClassVar

import numpy as np

from fineparser.domain.phases import temporal_iou, transition_error
from fineparser.training.metrics.metric import Metric


class TemporalIoU(Metric):
    """Share of clips whose segment between the transitions overlaps the true one by at least `threshold`."""

    higher_is_better: ClassVar[bool] = True

    def __init__(self, threshold: float) -> None:
        super().__init__()
        if not 0 < threshold <= 1:
            raise ValueError(f"an overlap is a share in (0, 1], so the threshold cannot be {threshold}")
        self.threshold = threshold

    @property
    def name(self) -> str:  # type: ignore[override]  # other metrics have it in the class
        return f"tiou@{self.threshold:g}"

    def update(self, predicted: np.ndarray, true: np.ndarray) -> None:
        """Add clips; both [n, 2], frames of the clip, NaN if unknown."""
        predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
        known = ~np.isnan(np.concatenate([predicted, true], axis=-1)).any(axis=-1)
        hit = temporal_iou(predicted[known], true[known]) >= self.threshold
        self.add(hit.astype(np.float64)[:, None])


class TransitionError(Metric):
    """Mean absolute error of both transitions, in frames of the 96-frame clip."""

    name: ClassVar[str] = "transition_error_frames"
    higher_is_better: ClassVar[bool] = False

    def update(self, predicted: np.ndarray, true: np.ndarray) -> None:
        """Add clips; both [n, 2], frames of the clip, NaN if unknown."""
        self.add(transition_error(predicted, true))

    def statistic(self, rows: np.ndarray) -> np.ndarray:
        return rows.mean(axis=(-2, -1))
