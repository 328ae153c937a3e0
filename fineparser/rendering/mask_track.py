"""The diver's mask on every source frame: mapped back to the frame, and interpolated between the sampled frames."""

from functools import cache

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.video.framing import REPORT_SIDE, Framing

THRESHOLD = 0.5
"""Probability from which a pixel belongs to the diver."""

MAX_AREA_RATIO = 2.0
"""Neighbouring masks whose areas differ by more than this factor are not interpolated."""

MAX_TURN, COARSE_STEP, FINE_STEP = 80, 10, 2
"""Largest turn of a diver between two samples in degrees, and the steps of its search."""

MIN_IOU_GAIN = 0.02
"""Gain of IoU below which a mask is not turned: a ball is alike from all sides."""

POLYGON_TOLERANCE = 0.0015
"""Largest distance of a polygon from the mask's edge as a share of the frame's longer side: a pixel of the masks of a
720p clip."""

MIN_POLYGON_AREA = 1e-5
"""Share of the frame below which a component is left out."""

Polygon = list[list[float]]
"""Points [x, y] in source pixels."""


class MaskTrack:
    """Masks of a report by source frame number.

    The network takes 96 frames; a source may have more. A frame between two samples gets the mask of the nearer one,
    moved along the line between the centroids of the two masks and turned on the way, since a falling diver moves by
    a dozen pixels and turns by some forty degrees between samples. Where the two masks differ too much (one misses
    the diver or covers something else), the nearer one is used as it is.
    """

    def __init__(self, report: DiveReport) -> None:
        self._report = report
        masks = report.mask_probability >= THRESHOLD
        self._areas = masks.sum(axis=(1, 2))
        self._centroids = np.array([self._centroid(mask, index) for index, mask in enumerate(masks)])
        self._turn = cache(self._turn_between)

    def at(self, number: int, longest_side: int | None = None) -> np.ndarray | None:
        """Mask on source frame `number`, bool [H, W]; None outside the analysed part.

        Args:
            number: source frame number.
            longest_side: pixels to which the longer side is scaled down at most; None: the source's size.
        """
        report = self._report
        if not report.first_frame <= number <= report.last_frame:
            return None
        before, after, share = self._neighbours(number)
        index = before if share <= 0.5 else after
        height, width = report.info.height, report.info.width
        probability, shift = report.mask_probability[index], np.zeros(2)
        if before != after and self._are_similar(before, after):
            way = share if index == before else share - 1
            shift = way * (self._centroids[after] - self._centroids[before])
            if turn := way * self._turn(before, after):
                to_source = self._to_source(index)
                rotation = _rotation(turn, self._centroids[index], self._centroids[index])
                probability = _warp(probability, np.linalg.inv(to_source) @ rotation @ to_source)
        box = Framing.from_box(*(report.framing.box_at(index) + np.tile(shift, 2)))
        return box.mask_to_source(probability, 0, width, height, longest_side) >= THRESHOLD

    def _neighbours(self, number: int) -> tuple[int, int, float]:
        """Samples before and after a frame, and its position between them, 0 to 1."""
        numbers = self._report.frame_numbers
        after = min(int(np.searchsorted(numbers, number)), len(numbers) - 1)
        before = after if numbers[after] == number else max(after - 1, 0)
        gap = int(numbers[after] - numbers[before])
        return (before, after, (number - numbers[before]) / gap) if gap else (after, after, 0.0)

    def _are_similar(self, before: int, after: int) -> bool:
        small, large = sorted((self._areas[before], self._areas[after]))
        return small > 0 and large <= MAX_AREA_RATIO * small

    def _turn_between(self, before: int, after: int) -> float:
        """Degrees, clockwise on the image, by which the mask of a sample turns until a later one."""
        masks = self._report.mask_probability
        target = masks[after] >= THRESHOLD
        to_source, from_source = self._to_source(before), np.linalg.inv(self._to_source(after))

        def iou(degrees: float) -> float:
            rotation = _rotation(degrees, self._centroids[before], self._centroids[after])
            mask = _warp(masks[before], from_source @ rotation @ to_source) >= THRESHOLD
            return float((mask & target).sum() / max((mask | target).sum(), 1))

        best = max(range(-MAX_TURN, MAX_TURN + 1, COARSE_STEP), key=iou)
        best = max(range(best - COARSE_STEP + FINE_STEP, best + COARSE_STEP, FINE_STEP), key=iou)
        return float(best) if iou(best) > iou(0) + MIN_IOU_GAIN else 0.0

    def _to_source(self, index: int) -> np.ndarray:
        """float64 [3, 3]: pixels of a sample's mask, by their centres, to those of the source."""
        x0, y0, x1, y1 = self._report.framing.box_at(index)
        size = self._report.mask_probability.shape[-1]
        width, height = (x1 - x0) / size, (y1 - y0) / size
        return np.array([[width, 0, x0 + width / 2], [0, height, y0 + height / 2], [0, 0, 1]])

    def _centroid(self, mask: np.ndarray, index: int) -> np.ndarray:
        if not mask.any():
            return np.full(2, np.nan)
        rows, columns = np.nonzero(mask)
        centroid = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
        return self._report.framing.to_source(centroid, index, size=mask.shape[0])


def mask_polygons(report: DiveReport) -> list[list[Polygon]]:
    """Polygons of the masks of every analysed source frame, see `MaskTrack`, for a player that draws them itself.

    Holes are polygons, too: fill by the even-odd rule.
    """
    track, size = MaskTrack(report), (report.info.width, report.info.height)
    masks = (track.at(number, REPORT_SIDE) for number in range(report.first_frame, report.last_frame + 1))
    return [polygons_from_mask(mask, size) for mask in masks if mask is not None]


def polygons_from_mask(mask: np.ndarray, size: tuple[int, int]) -> list[Polygon]:
    """Polygons of a mask, bool [H, W], in pixels of a frame of `size` (width, height) that it covers."""
    height, width = mask.shape
    scale, tolerance = np.array([size[0] / width, size[1] / height]), max(0.5, POLYGON_TOLERANCE * max(width, height))
    # Twice the size, so that a polygon follows the pixels' edges rather than their centres.
    doubled = cv2.resize(mask.astype(np.uint8), (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    polygons = []
    for contour in contours:
        if cv2.contourArea(contour) < max(4.0, MIN_POLYGON_AREA * doubled.size):
            continue
        points = cv2.approxPolyDP(contour, 2 * tolerance, closed=True)[:, 0]
        if len(points) >= 3:
            polygons.append(np.round((points + 0.5) / 2 * scale, 1).tolist())
    return polygons


def _rotation(degrees: float, centre: np.ndarray, target: np.ndarray) -> np.ndarray:
    """float64 [3, 3]: rotation, clockwise on the image, of points (x, y, 1) about `centre`, which goes to `target`."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    motion = np.eye(3)
    motion[:2, :2], motion[:2, 2] = rotation, target - rotation @ centre
    return motion


def _warp(mask: np.ndarray, motion: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(mask, motion[:2], mask.shape[::-1], flags=cv2.INTER_LINEAR)
