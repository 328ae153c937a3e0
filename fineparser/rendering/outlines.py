"""The masks as polygons, for a player that draws them over the running video and can switch them."""

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport

DETAIL = 0.0015
"""Share of the picture's longer side by which a polygon may leave the outline: a pixel of a 720p picture's masks."""

SMALLEST = 1e-5
"""Share of the picture below which a speck is left out."""


def outlines(report: DiveReport, masks: np.ndarray | None = None) -> list[list[list[list[float]]]]:
    """For each of the 96 samples its polygons, each a list of [x, y] in source pixels.

    Holes are polygons, too: fill by the even-odd rule. A player shows the polygons of the sample whose frame number
    (`report.frame_numbers`) is nearest to the frame on the screen.

    Args:
        report: what was found.
        masks: `report.source_masks()`, where the caller has them already.
    """
    masks = report.source_masks() if masks is None else masks
    height, width = masks.shape[1:]
    scale = np.array([report.info.width / width, report.info.height / height])
    tolerance = max(0.5, DETAIL * max(width, height))
    samples = []
    for mask in masks:
        # Twice the size, so that a polygon runs along the pixels' edges rather than through their centres.
        doubled = cv2.resize(mask.astype(np.uint8), (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
        contours, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        polygons = []
        for contour in contours:
            if cv2.contourArea(contour) < max(4.0, SMALLEST * doubled.size):
                continue
            points = cv2.approxPolyDP(contour, 2 * tolerance, closed=True)[:, 0]
            if len(points) >= 3:
                polygons.append(np.round((points + 0.5) / 2 * scale, 1).tolist())
        samples.append(polygons)
    return samples
