"""Metrics of masks over the clips of a set of dives.

The arithmetic of one clip is in `fineparser.domain.mask_agreement`; every metric is the mean over clips, so that
all clips count the same, whatever the size of the diver.
"""

from typing import ClassVar

import numpy as np

from fineparser.domain.mask_agreement import (
    f1_score,
    f_beta,
    intersection_over_union,
    mean_absolute_error,
    pixel_counts,
    s_measure,
)
from fineparser.training.metrics.metric import Metric


class MaskMetric(Metric):
    """A metric with one value a clip."""

    @staticmethod
    def of_clip(probability: np.ndarray, truth: np.ndarray) -> float:
        """Value of one clip, both [T, H, W]; NaN if undefined."""
        raise NotImplementedError

    def update(self, probability: np.ndarray, truth: np.ndarray) -> None:
        """Add one clip; both [T, H, W]."""
        self.add(np.array([[self.of_clip(probability, truth)]]))


class MaskIoU(MaskMetric):
    """Intersection over union at probability 0.5, pixels pooled within a clip, mean over clips."""

    name: ClassVar[str] = "mask_iou"
    higher_is_better: ClassVar[bool] = True
    remark: ClassVar[str] = "probability 0.5, by clip"

    @staticmethod
    def of_clip(probability: np.ndarray, truth: np.ndarray) -> float:
        return float(intersection_over_union(pixel_counts(probability, truth)))


class MaskF1(MaskMetric):
    """F1 (Dice) at probability 0.5, pixels pooled within a clip, mean over clips."""

    name: ClassVar[str] = "mask_f1"
    higher_is_better: ClassVar[bool] = True
    remark: ClassVar[str] = "probability 0.5, by clip"

    @staticmethod
    def of_clip(probability: np.ndarray, truth: np.ndarray) -> float:
        return float(f1_score(pixel_counts(probability, truth)))


class MaskMAE(MaskMetric):
    """Mean absolute error of the pixel probabilities, mean over clips."""

    name: ClassVar[str] = "mask_mae"
    higher_is_better: ClassVar[bool] = False
    of_clip = staticmethod(mean_absolute_error)


class MaskFBeta(MaskMetric):
    """F-beta (beta^2 = 0.3) at the adaptive threshold, mean over frames, then clips."""

    name: ClassVar[str] = "mask_f_beta"
    higher_is_better: ClassVar[bool] = True
    remark: ClassVar[str] = "beta^2 0.3, adaptive threshold, by frame"
    of_clip = staticmethod(f_beta)


class MaskSMeasure(MaskMetric):
    """Structure measure, mean over frames, then clips."""

    name: ClassVar[str] = "mask_s_measure"
    higher_is_better: ClassVar[bool] = True
    remark: ClassVar[str] = "alpha 0.5, by frame"
    of_clip = staticmethod(s_measure)


MASK_METRICS: tuple[type[MaskMetric], ...] = (MaskIoU, MaskF1, MaskMAE, MaskFBeta, MaskSMeasure)
