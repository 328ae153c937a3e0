"""Mask metrics over clips; the arithmetic of one clip is tested with `fineparser.domain.mask_agreement`."""

import numpy as np
import pytest

from fineparser.training.metrics.masks import MaskFBeta, MaskIoU


def test_a_clip_without_the_label_does_not_count():
    metric = MaskFBeta()
    metric.update(np.ones((2, 3, 3)), np.zeros((2, 3, 3), bool))
    assert metric.measure().count == 0


def test_clips_count_alike_whatever_the_size_of_the_diver():
    metric = MaskIoU()
    large, small = np.ones((1, 4, 4), bool), np.zeros((1, 4, 4), bool)
    small[0, 0, 0] = True
    metric.update(large.astype(float), large)
    metric.update(np.zeros((1, 4, 4)), small)
    assert metric.compute() == pytest.approx(0.5)
