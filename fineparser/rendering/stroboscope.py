"""Stroboscope picture: the diver at several instants of the flight over one background."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.kinematics import MotionSeries
from fineparser.rendering.measurements import distinct_samples
from fineparser.video.reader import reopen
from fineparser.video.source import FrameSource

INSTANTS = 9
"""Divers in the picture, whose frames give the background as well: more of them overlap at the top of the flight."""

LONGEST_SIDE = 1080
"""Longer side of the picture, pixels."""

MAX_ENLARGEMENT = 2.0
"""Largest factor by which small frames are enlarged."""

BODY_MARGIN = 0.6
"""Margin around the divers, as a share of the longer side of the largest of them."""

MASK_RANGE = (0.3, 0.7)
"""Probabilities of the mask between which a cut-out fades in."""

DIVER_LEVEL = 0.15
"""Probability from which a pixel is no background."""

DIVER_BORDER = 0.006
"""Width around the mask that is no background either, as a share of the picture's longer side: motion blur."""

FILL = (40, 40, 40)
"""Colour where no frame shows the background."""


def stroboscope(report: DiveReport, source: FrameSource | None = None) -> np.ndarray | None:
    """The diver at `INSTANTS` instants from the take-off to the entry, over one background: uint8 [h, w, 3].

    A moving camera is compensated: the background is put together from several frames. None where the flight is not
    known.

    Args:
        report: of the dive.
        source: the frames of its clip, if they are open; None: opened for this picture.

    Raises:
        VideoError: if the clip cannot be read any more.
    """
    if report.kinematics is None:
        return None
    series = report.kinematics.series
    masks = {index: _probability(report, index) for index in _evenly(flight_indices(report, series), INSTANTS)}
    canvas = canvas_matrix(report, series, masks)
    if canvas is None:
        return None
    to_canvas, size = canvas
    images, covered, probabilities = [], [], []
    with frames_of(report, source) as frames:
        for index, mask in masks.items():
            matrix = to_canvas @ series.camera[index]
            frame = frames.frame(int(report.frame_numbers[index]))
            images.append(warp(frame, matrix, size))
            covered.append(warp(np.ones(frame.shape[:2], np.float32), matrix, size) > 0.99)
            probabilities.append(warp(mask, matrix @ _enlargement(frame, mask), size))
    clear = np.stack([~_widened(probability >= DIVER_LEVEL) for probability in probabilities])
    picture = compose_background(np.stack(images), np.stack(covered), clear)
    low, high = MASK_RANGE
    for image, probability in zip(images, probabilities, strict=True):
        opacity = np.clip((probability - low) / (high - low), 0, 1)[..., None]
        picture = np.rint(opacity * image + (1 - opacity) * picture).astype(np.uint8)
    return picture


@contextmanager
def frames_of(report: DiveReport, source: FrameSource | None) -> Iterator[FrameSource]:
    """The frames of a report's clip: `source`, which stays open, or opened for the block if that is None."""
    if source is not None:
        yield source
        return
    with reopen(report.info) as opened:
        yield opened


def flight_indices(report: DiveReport, series: MotionSeries) -> np.ndarray:
    """int64 [n], sampled frames from the take-off to the entry in which the diver and their place are known."""
    known = np.isfinite(series.centre_of_mass).all(axis=1) & np.isfinite(series.camera).all(axis=(1, 2))
    seen = (report.mask_probability >= 0.5).any(axis=(1, 2))
    return np.flatnonzero(
        known
        & distinct_samples(series)
        & seen
        & (series.numbers >= report.flight.frame)
        & (series.numbers <= report.entry.frame)
    )


def _evenly(indices: np.ndarray, count: int) -> list[int]:
    """At most `count` of the indices, evenly spread, with the first and the last."""
    places = np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(int)
    return [int(index) for index in indices[places]]


def _probability(report: DiveReport, index: int) -> np.ndarray:
    """Mask of a sampled frame over the source frame, float32 [h, w], not larger than the picture."""
    info = report.info
    mask = report.mask_probability[index].astype(np.float32)
    return report.framing.mask_to_source(mask, index, info.width, info.height, LONGEST_SIDE)


def _enlargement(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Matrix from pixels of a mask to those of the frame that it covers."""
    return np.diag([frame.shape[1] / mask.shape[1], frame.shape[0] / mask.shape[0], 1.0])


def canvas_matrix(
    report: DiveReport, series: MotionSeries, masks: dict[int, np.ndarray]
) -> tuple[np.ndarray, tuple[int, int]] | None:
    """Matrix from pixels of the first frame to those of the picture, and the picture's width and height.

    The picture is the part of the frames around the divers. None without a diver.
    """
    corners, frames, longest = [], [], 0.0
    width, height = report.info.width, report.info.height
    edges = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    for index, mask in masks.items():
        rows, columns = np.nonzero(mask >= 0.5)
        if len(rows) == 0:
            continue
        box = np.array([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]], float)
        box *= np.array([width, height]) / mask.shape[::-1]
        mapped = _transform(box, series.camera[index])
        corners.append(mapped)
        longest = max(longest, float(np.abs(mapped[1] - mapped[0]).max()))
        frames.append(_transform(edges, series.camera[index]))
    if len(corners) < 2:
        return None
    places, seen = np.concatenate(corners), np.concatenate(frames)
    low = np.maximum(places.min(0) - BODY_MARGIN * longest, seen.min(0))
    high = np.minimum(places.max(0) + BODY_MARGIN * longest, seen.max(0))
    scale = min(LONGEST_SIDE / float((high - low).max()), MAX_ENLARGEMENT)
    size = max(2, round(float(high[0] - low[0]) * scale)), max(2, round(float(high[1] - low[1]) * scale))
    matrix = np.array([[scale, 0, -scale * low[0]], [0, scale, -scale * low[1]], [0, 0, 1]])
    return matrix, size


def _transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image, [H, W] or [H, W, 3], in other pixels, 0 outside.

    Args:
        image: uint8 or float32.
        matrix: float64 [3, 3], its pixels to those of the result; pixel centres are at integers + 0.5.
        size: width and height of the result.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if scale < 1:  # reduced first, since a warp takes four neighbours only
        height, width = image.shape[:2]
        reduced = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(image, reduced, interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([width / reduced[0], height / reduced[1], 1.0])
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    # OpenCV's pixel centres are whole numbers.
    return cv2.warpPerspective(image, np.linalg.inv(centre) @ matrix @ centre, size, flags=cv2.INTER_LINEAR)


def _widened(mask: np.ndarray) -> np.ndarray:
    """A mask, bool [h, w], with a border."""
    radius = max(1, round(DIVER_BORDER * max(mask.shape)))
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)).astype(bool)


def compose_background(images: np.ndarray, covered: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """The median of the images in each pixel, uint8 [h, w, 3], over those in which the background is to be seen.

    Where the diver hides it in all of them, over those that cover the pixel; where none does, it is `FILL`.

    Args:
        images: uint8 [n, h, w, 3].
        covered: bool [n, h, w], pixels inside an image's frame.
        clear: bool [n, h, w], pixels without the diver.
    """
    seen = covered & clear
    seen = np.where(seen.any(0), seen, covered)
    hidden = np.int16(256)  # above every value, so that it is sorted behind them
    ordered = np.sort(np.where(seen[..., None], images.astype(np.int16), hidden), axis=0)
    count = seen.sum(0)
    middle = np.maximum(count - 1, 0) // 2
    median = np.take_along_axis(ordered, middle[None, ..., None], axis=0)[0]
    return np.where(count[..., None] > 0, median, np.array(FILL)).astype(np.uint8)
