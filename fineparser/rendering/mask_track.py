"""The diver's mask on any source frame: laid back over the picture and carried along between the samples."""

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.video.framing import Framing

IN_MASK = 0.5
"""Probability from which a pixel counts as the diver."""

ALIKE = 2.0
"""Two neighbouring masks show the same thing if neither is larger than the other by more than this factor."""


class MaskTrack:
    """Masks of a report by source frame number.

    The network sees 96 frames; a source may have more. A frame between two samples gets the mask of the nearer
    one, moved along the line between the two masks' centres of mass, since a falling diver covers a dozen pixels
    in the time between samples. Where the two masks are not alike (one is lost, or holds something else), the
    nearer one stays where it is.
    """

    def __init__(self, report: DiveReport) -> None:
        self._report = report
        masks = report.mask_probability >= IN_MASK
        self._areas = masks.sum(axis=(1, 2))
        self._centres = np.array([self._centre(mask, index) for index, mask in enumerate(masks)])

    def at(self, number: int) -> np.ndarray | None:
        """The mask on source frame `number`, bool [H, W] at the source's own size; None outside the analysed part."""
        report = self._report
        if not report.first_frame <= number <= report.last_frame:
            return None
        index, shift = self._nearest(number)
        if not self._areas[index]:
            return np.zeros((report.info.height, report.info.width), bool)
        box = Framing.box(*(report.framing.box_at(index) + np.tile(shift, 2)))
        probability = report.mask_probability[index]
        return box.mask_to_source(probability, 0, report.info.width, report.info.height, None) >= IN_MASK

    def _nearest(self, number: int) -> tuple[int, np.ndarray]:
        """The sample nearest to a frame, and by how much its mask is moved: (x, y) in source pixels."""
        numbers = self._report.frame_numbers
        after = min(int(np.searchsorted(numbers, number)), len(numbers) - 1)
        before = after if numbers[after] == number else max(after - 1, 0)
        gap = int(numbers[after] - numbers[before])
        if gap == 0:
            return after, np.zeros(2)
        share = (number - numbers[before]) / gap
        still = before if share <= 0.5 else after
        small, large = sorted((self._areas[before], self._areas[after]))
        if small == 0 or large > ALIKE * small:
            return still, np.zeros(2)
        step = self._centres[after] - self._centres[before]
        return still, step * share if still == before else -step * (1 - share)

    def _centre(self, mask: np.ndarray, index: int) -> np.ndarray:
        if not mask.any():
            return np.full(2, np.nan)
        rows, columns = np.nonzero(mask)
        middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
        return self._report.framing.to_source(middle, index, size=mask.shape[0])
