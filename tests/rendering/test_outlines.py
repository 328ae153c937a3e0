from dataclasses import replace

import cv2
import numpy as np
import pytest

from fineparser.rendering.outlines import outlines, polygons


def test_a_block_is_its_four_corners(report):
    frames = outlines(report)
    assert len(frames) == 54  # 2 to 55
    for number, (polygon,) in enumerate(frames, start=2):
        corners = np.array(polygon)
        assert corners.min(axis=0) == pytest.approx([70, number + 5], abs=1.5)
        assert corners.max(axis=0) == pytest.approx([90, number + 25], abs=1.5)


def test_holes_and_scale():
    """A ring on a picture of half the size: filled by the even-odd rule it is the ring again."""
    ring = np.zeros((48, 80), np.uint8)
    cv2.circle(ring, (40, 24), 20, 1, -1)
    cv2.circle(ring, (40, 24), 10, 0, -1)
    found = polygons(ring.astype(bool), (160, 96))
    assert len(found) == 2
    filled = np.zeros((96, 160), np.uint8)
    cv2.fillPoly(filled, [np.round(np.array(polygon)).astype(int) for polygon in found], 1)  # even-odd
    truth = cv2.resize(ring, (160, 96), interpolation=cv2.INTER_NEAREST)
    assert (filled & truth).sum() / (filled | truth).sum() > 0.9


def test_no_diver_no_polygon(report):
    lost = replace(report, mask_probability=np.zeros_like(report.mask_probability))
    assert outlines(lost) == [[]] * 54


def test_between_samples_outlines_are_carried_along(report):
    """Every third sample of the 96 alone, the others as they were before: the block falls by a pixel a frame."""
    numbers = np.arange(2, 56, 3)
    kept = [int(np.argmin(np.abs(report.frame_numbers - number))) for number in numbers]
    sparse = replace(
        report, frame_numbers=report.frame_numbers[kept], mask_probability=report.mask_probability[kept], last_frame=53
    )
    for number, (polygon,) in enumerate(outlines(sparse), start=2):
        assert np.array(polygon).min(axis=0) == pytest.approx([70, number + 5], abs=1.6)
