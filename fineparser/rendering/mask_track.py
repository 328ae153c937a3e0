"""The diver's mask on any source frame: laid back over the picture and carried along between the samples."""

from functools import cache

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.video.framing import Framing

IN_MASK = 0.5
"""Probability from which a pixel counts as the diver."""

ALIKE = 2.0
"""Two neighbouring masks show the same thing if neither is larger than the other by more than this factor."""

FARTHEST, COARSE, FINE = 80, 10, 2
"""Degrees by which a diver turns between two samples at most, and the steps in which that is looked for."""

GAIN = 0.02
"""By how much intersection over union has to be better for a mask to be turned: a ball looks alike from any side."""


class MaskTrack:
    """Masks of a report by source frame number.

    The network sees 96 frames; a source may have more. A frame between two samples gets the mask of the nearer
    one, moved along the line between the two masks' centres of mass and turned on the way from one to the other, since
    a falling diver covers a dozen pixels in the time between samples, and turns by some forty degrees. Where the two
    masks are not alike (one is lost, or holds something else), the nearer one stays as it is.
    """

    def __init__(self, report: DiveReport) -> None:
        self._report = report
        masks = report.mask_probability >= IN_MASK
        self._areas = masks.sum(axis=(1, 2))
        self._centres = np.array([self._centre(mask, index) for index, mask in enumerate(masks)])
        self._turn = cache(self._turned_between)

    def at(self, number: int, longest_side: int | None = None) -> np.ndarray | None:
        """The mask on source frame `number`, bool [H, W]; None outside the analysed part.

        longest_side: pixels that the longer side is scaled down to at most; None: the source's own size.
        """
        report = self._report
        if not report.first_frame <= number <= report.last_frame:
            return None
        before, after, share = self._around(number)
        index = before if share <= 0.5 else after
        height, width = report.info.height, report.info.width
        probability, shift = report.mask_probability[index], np.zeros(2)
        if before != after and self._are_alike(before, after):
            way = share if index == before else share - 1
            shift = way * (self._centres[after] - self._centres[before])
            if turn := way * self._turn(before, after):
                there = self._in_source(index)
                motion = np.linalg.inv(there) @ _turned(turn, self._centres[index], self._centres[index]) @ there
                probability = _warp(probability, motion)
        box = Framing.box(*(report.framing.box_at(index) + np.tile(shift, 2)))
        return box.mask_to_source(probability, 0, width, height, longest_side) >= IN_MASK

    def _around(self, number: int) -> tuple[int, int, float]:
        """The samples before and after a frame, and how far it is on the way from one to the other, 0 to 1."""
        numbers = self._report.frame_numbers
        after = min(int(np.searchsorted(numbers, number)), len(numbers) - 1)
        before = after if numbers[after] == number else max(after - 1, 0)
        gap = int(numbers[after] - numbers[before])
        return (before, after, (number - numbers[before]) / gap) if gap else (after, after, 0.0)

    def _are_alike(self, before: int, after: int) -> bool:
        small, large = sorted((self._areas[before], self._areas[after]))
        return small > 0 and large <= ALIKE * small

    def _turned_between(self, before: int, after: int) -> float:
        """Degrees, clockwise as seen, by which the mask of a sample has to be turned to lie best on a later one."""
        masks = self._report.mask_probability
        target = masks[after] >= IN_MASK
        there, back = self._in_source(before), np.linalg.inv(self._in_source(after))

        def fits(degrees: float) -> float:
            motion = back @ _turned(degrees, self._centres[before], self._centres[after]) @ there
            mask = _warp(masks[before], motion) >= IN_MASK
            return float((mask & target).sum() / max((mask | target).sum(), 1))

        best = max(range(-FARTHEST, FARTHEST + 1, COARSE), key=fits)
        best = max(range(best - COARSE + FINE, best + COARSE, FINE), key=fits)
        return float(best) if fits(best) > fits(0) + GAIN else 0.0

    def _in_source(self, index: int) -> np.ndarray:
        """float64 [3, 3]: pixels of a sample's mask to those of the source, each counted by its middle."""
        x0, y0, x1, y1 = self._report.framing.box_at(index)
        size = self._report.mask_probability.shape[-1]
        across, down = (x1 - x0) / size, (y1 - y0) / size
        return np.array([[across, 0, x0 + across / 2], [0, down, y0 + down / 2], [0, 0, 1]])

    def _centre(self, mask: np.ndarray, index: int) -> np.ndarray:
        if not mask.any():
            return np.full(2, np.nan)
        rows, columns = np.nonzero(mask)
        middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
        return self._report.framing.to_source(middle, index, size=mask.shape[0])


def _turned(degrees: float, about: np.ndarray, to: np.ndarray) -> np.ndarray:
    """float64 [3, 3]: a turn, clockwise as seen, of places (x, y, 1) about a point, which goes to another one."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    motion = np.eye(3)
    motion[:2, :2], motion[:2, 2] = turn, to - turn @ about
    return motion


def _warp(mask: np.ndarray, motion: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(mask, motion[:2], mask.shape[::-1], flags=cv2.INTER_LINEAR)
