"""The masks as polygons, for a player that draws them over the running video and can switch them."""

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.rendering.mask_track import MaskTrack
from fineparser.video.framing import REPORT_SIDE

DETAIL = 0.0015
"""Share of the picture's longer side by which a polygon may leave the outline: a pixel of a 720p picture's masks."""

SMALLEST = 1e-5
"""Share of the picture below which a speck is left out."""


def outlines(report: DiveReport) -> list[list[list[list[float]]]]:
    """For each source frame of the analysed part, from its first to its last, its polygons, each a list of [x, y] in
    source pixels: between the samples as `MaskTrack` carries masks along.

    Holes are polygons, too: fill by the even-odd rule.
    """
    track, size = MaskTrack(report), (report.info.width, report.info.height)
    return [
        polygons(track.at(number, REPORT_SIDE), size) for number in range(report.first_frame, report.last_frame + 1)
    ]


def polygons(mask: np.ndarray, size: tuple[int, int]) -> list[list[list[float]]]:
    """The polygons of a mask, bool [H, W], in pixels of a picture of `size`, (width, height), that it lies over."""
    height, width = mask.shape
    scale, tolerance = np.array([size[0] / width, size[1] / height]), max(0.5, DETAIL * max(width, height))
    # Twice the size, so that a polygon runs along the pixels' edges rather than through their centres.
    doubled = cv2.resize(mask.astype(np.uint8), (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    found = []
    for contour in contours:
        if cv2.contourArea(contour) < max(4.0, SMALLEST * doubled.size):
            continue
        points = cv2.approxPolyDP(contour, 2 * tolerance, closed=True)[:, 0]
        if len(points) >= 3:
            found.append(np.round((points + 0.5) / 2 * scale, 1).tolist())
    return found
