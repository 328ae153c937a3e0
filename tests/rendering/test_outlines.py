from dataclasses import replace

import cv2
import numpy as np
import pytest

from fineparser.rendering.outlines import outlines


def test_a_block_is_its_four_corners(report):
    samples = outlines(report)
    assert len(samples) == 96
    for number, polygons in zip(report.frame_numbers, samples, strict=True):
        (polygon,) = polygons
        corners = np.array(polygon)
        assert corners.min(axis=0) == pytest.approx([70, number + 5], abs=1.5)
        assert corners.max(axis=0) == pytest.approx([90, number + 25], abs=1.5)


def test_holes_and_scale(report):
    """A ring on a picture of half the size: filled by the even-odd rule it is the ring again."""
    ring = np.zeros((48, 80), np.uint8)
    cv2.circle(ring, (40, 24), 20, 1, -1)
    cv2.circle(ring, (40, 24), 10, 0, -1)
    polygons = outlines(report, ring.astype(bool)[None])[0]
    assert len(polygons) == 2
    filled = np.zeros((96, 160), np.uint8)
    cv2.fillPoly(filled, [np.round(np.array(polygon)).astype(int) for polygon in polygons], 1)  # even-odd
    truth = cv2.resize(ring, (160, 96), interpolation=cv2.INTER_NEAREST)
    assert (filled & truth).sum() / (filled | truth).sum() > 0.9


def test_no_diver_no_polygon(report):
    lost = replace(report, mask_probability=np.zeros_like(report.mask_probability))
    assert outlines(lost) == [[]] * 96
