"""Square crops of a clip, the way back to source pixels, and antialiased resampling of a box of a frame."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import csr_array

from fineparser.domain.clip_geometry import CLIP_SIDE, LOADER_WIDTH, is_cropped

REPORT_SIDE = 640
"""Longest side of the masks in a report, pixels."""


@dataclass(frozen=True, eq=False)
class Framing:
    """Boxes of the source frames that become the square frames of a clip: one for all, or one for each frame.

    `boxes` is float64 [n, 4] or [1, 4]: left, top, right, bottom edge (x0, y0, x1, y1) in pixels of the frame as
    displayed, x to the right, y down, pixel centres at integers + 0.5. A box may be of any shape (it is
    stretched to the square) and may reach beyond the frame, where the border is replicated: black would be an
    edge that does not occur in training. ValueError for boxes that are empty or not numbers.
    """

    boxes: np.ndarray
    """float64 [n, 4] or [1, 4], read-only."""

    def __post_init__(self) -> None:
        boxes = np.array(self.boxes, np.float64, ndmin=2)
        if boxes.ndim != 2 or boxes.shape[1] != 4 or len(boxes) == 0:
            raise ValueError(f"Boxes must be [n, 4] (x0, y0, x1, y1), not of shape {boxes.shape}.")
        wrong = ~(np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
        if wrong.any():
            index = int(wrong.argmax())
            raise ValueError(f"Box {index} is empty or not a number: {boxes[index].tolist()} (x0, y0, x1, y1).")
        boxes.setflags(write=False)
        object.__setattr__(self, "boxes", boxes)

    @classmethod
    def centre_crop(cls, width: int, height: int) -> "Framing":
        """Centre crop of the published loader from frames of `width` x `height`: it scales a frame to 200x112,
        whatever its shape, and takes the middle 112x112, so the middle 56% of the width at full height.

        >>> Framing.centre_crop(200, 112).boxes.tolist()
        [[44.0, 0.0, 156.0, 112.0]]
        """
        margin = width * (LOADER_WIDTH - CLIP_SIDE) / 2 / LOADER_WIDTH
        return cls(np.array([[margin, 0, width - margin, height]]))

    @classmethod
    def default(cls, width: int, height: int) -> "Framing":
        """Full frame where frames are cropped already, else the centre crop."""
        return cls.full_frame(width, height) if is_cropped(width, height) else cls.centre_crop(width, height)

    @classmethod
    def full_frame(cls, width: int, height: int) -> "Framing":
        """Full frame, scaled to a square."""
        return cls(np.array([[0, 0, width, height]]))

    @classmethod
    def from_box(cls, x0: float, y0: float, x1: float, y1: float) -> "Framing":
        """Same box in every frame."""
        return cls(np.array([[x0, y0, x1, y1]]))

    @classmethod
    def from_boxes(cls, boxes: np.ndarray) -> "Framing":
        """One box for every frame of a clip, float [n, 4]."""
        return cls(boxes)

    @property
    def is_moving(self) -> bool:
        """True if every frame has a box of its own."""
        return len(self.boxes) > 1

    def box_at(self, index: int) -> np.ndarray:
        """Box (x0, y0, x1, y1) of the clip's frame `index` (0-based index in the clip)."""
        if not self.is_moving:
            return self.boxes[0]
        if not 0 <= index < len(self.boxes):
            raise ValueError(f"The framing has {len(self.boxes)} boxes; there is none for frame {index}.")
        return self.boxes[index]

    def crop(self, frame: np.ndarray, index: int = 0, size: int = CLIP_SIDE) -> np.ndarray:
        """Crop the clip's frame `index` from its source frame, uint8 [H, W, 3] -> [size, size, 3] (or [H, W] ->
        [size, size])."""
        return np.rint(resample_box(frame, self.box_at(index), size)).astype(np.uint8, order="C")

    def crop_masks(self, masks: np.ndarray, size: int = CLIP_SIDE) -> np.ndarray:
        """Crop masks as the frames are cropped: bool [n, H, W] -> bool [n, size, size], true where at least half of a
        pixel is covered. Beyond the source frame all is false."""
        self._check_count(len(masks))
        cropped = np.zeros((len(masks), size, size), bool)
        for index, mask in enumerate(masks):
            inside = resample_box(mask.astype(np.uint8), self.box_at(index), size) >= 0.5
            x, y = self._clip_centres(index, size)
            within_x, within_y = (x >= 0) & (x < mask.shape[1]), (y >= 0) & (y < mask.shape[0])
            cropped[index] = inside & within_y[:, None] & within_x
        return cropped

    def to_source(self, points: np.ndarray, index: int | np.ndarray = 0, size: int = CLIP_SIDE) -> np.ndarray:
        """Convert points of the clip's frames to source pixels: float [..., 2] (x, y) -> float64 [..., 2].

        `index` is the clip's frame, or an array of frames that broadcasts against the points' leading shape.
        """
        box = self._boxes_at(index)
        return box[..., :2] + np.asarray(points, np.float64) * (box[..., 2:] - box[..., :2]) / size

    def mask_to_source(
        self, mask: np.ndarray, index: int, width: int, height: int, longest_side: int | None = REPORT_SIDE
    ) -> np.ndarray:
        """Map the clip's mask of frame `index` back onto the source frame of `width` x `height` pixels.

        `mask` [h, w] bool gives bool (true where at least half), any other type float32 probabilities. The result
        is [H, W], the source frame scaled down so that its longer side is at most `longest_side` (None: not scaled).
        Outside the box it is 0.
        """
        scale = 1.0 if longest_side is None else min(1.0, longest_side / max(width, height))
        columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
        x0, y0, x1, y1 = self.box_at(index)
        down = _inverse_weights(y0, y1, height, mask.shape[0], rows)
        across = _inverse_weights(x0, x1, width, mask.shape[1], columns)
        mapped = apply_weights(down, cv2.transpose(apply_weights(across, cv2.transpose(mask.astype(np.float32)))))
        return mapped >= 0.5 if mask.dtype == bool else mapped

    def _check_count(self, count: int) -> None:
        if self.is_moving and count != len(self.boxes):
            raise ValueError(f"The framing has {len(self.boxes)} boxes for {count} frames; give one for each.")

    def _boxes_at(self, index: int | np.ndarray) -> np.ndarray:
        if np.ndim(index) == 0:
            return self.box_at(int(index))
        if not self.is_moving:
            return self.boxes[0]
        outside = (np.asarray(index) < 0) | (np.asarray(index) >= len(self.boxes))
        if np.any(outside):
            raise ValueError(f"The framing has {len(self.boxes)} boxes; frames {index} are not all among them.")
        return self.boxes[np.asarray(index)]

    def _clip_centres(self, index: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Centres of the clip's columns and rows in source pixels: x [size], y [size]."""
        x0, y0, x1, y1 = self.box_at(index)
        steps = (np.arange(size) + 0.5) / size
        return x0 + steps * (x1 - x0), y0 + steps * (y1 - y0)


def resample_weights(start: float, stop: float, length: int, count: int) -> csr_array:
    """Resampling weights from `length` pixels in a row to `count` pixels spread from `start` to `stop`.

    `start` and `stop` are edges in pixels of the row and may lie beyond it. The result is float32 [count, length],
    sparse, with as many numbers in each row; every row sums to 1. The kernel is a triangle as wide as the larger of the
    two pixels: linear interpolation when enlarging, an antialiased mean when reducing, which is what the published
    loader's bilinear scaling does. It is truncated and renormalised at the ends; a pixel wholly beyond an end takes the
    last one.
    """
    step = (stop - start) / count
    reach = max(step, 1.0)
    centres = start + (np.arange(count) + 0.5) * step
    # Further out than this no pixel is within reach; here only the last one is.
    centres = np.clip(centres, 1 - reach, length - 1 + reach)
    taps = min(length, math.floor(2 * reach) + 1)  # as many centres of pixels may lie within reach
    first = np.clip(np.ceil(centres - reach - 0.5), 0, length - taps).astype(int)
    pixels = first[:, None] + np.arange(taps)
    weights = np.maximum(0, 1 - np.abs(pixels + 0.5 - centres[:, None]) / reach)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return csr_array((weights.ravel(), pixels.ravel(), np.arange(count + 1) * taps), shape=(count, length))


def resample_box(frame: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """Resample the box (x0, y0, x1, y1: edges, pixels) of uint8 [H, W, 3] or [H, W] to float32 [size, size, 3] or
    [size, size]; the border is replicated beyond the frame."""
    x0, y0, x1, y1 = (float(edge) for edge in box)
    left, right, by_x = _source_range(x0, x1, frame.shape[1], size)
    top, bottom, by_y = _source_range(y0, y1, frame.shape[0], size)
    part = frame[top:bottom, left:right]
    part = _decimate(part, by_x, by_y).astype(np.float32)
    rows, columns = part.shape[:2]
    down = resample_weights((y0 - top) / by_y, (y1 - top) / by_y, rows, size)
    across = resample_weights((x0 - left) / by_x, (x1 - left) / by_x, columns, size)
    narrow = apply_weights(down, part)  # [size, columns, C]
    return cv2.transpose(apply_weights(across, cv2.transpose(narrow)))


def apply_weights(weights: csr_array, rows: np.ndarray) -> np.ndarray:
    """Product of weights [count, length] with float32 rows [length, ...]: [count, ...].

    It runs on one core: products as small as these would wait for other threads where several clips are read at once.
    """
    return (weights @ rows.reshape(len(rows), -1)).reshape(-1, *rows.shape[1:])


def _source_range(low: float, high: float, length: int, size: int) -> tuple[int, int, int]:
    """First and last + 1 pixel that contribute between the edges `low` and `high`, and the factor by which to decimate
    them first: to no fewer than three pixels for each one of the result, so that the exact step dominates."""
    step = (high - low) / size
    reach = max(step, 1.0)
    start = min(max(math.floor(low - reach), 0), length - 1)
    stop = max(min(math.ceil(high + reach), length), start + 1)
    return start, stop, max(1, int(step / 3))


def _decimate(part: np.ndarray, by_x: int, by_y: int) -> np.ndarray:
    """Means of blocks of `by_y` x `by_x` pixels (fast); a block beyond the end repeats the last pixel."""
    if by_x == by_y == 1:
        return part
    rows, columns = part.shape[:2]
    more_rows, more_columns = -rows % by_y, -columns % by_x
    if more_rows or more_columns:
        part = cv2.copyMakeBorder(part, 0, more_rows, 0, more_columns, cv2.BORDER_REPLICATE)
    size = (part.shape[1] // by_x, part.shape[0] // by_y)
    return cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_AREA)


def _inverse_weights(low: float, high: float, source: int, size: int, count: int) -> csr_array:
    """Weights [count, size] that spread `size` clip pixels between the source edges `low` and `high` over
    `count` pixels of a frame that is `source` wide; zero outside the box."""
    per_pixel = size / (high - low)
    start, stop = -low * per_pixel, (source - low) * per_pixel
    weights = resample_weights(start, stop, size, count)
    centres = start + (np.arange(count) + 0.5) * (stop - start) / count
    inside = (centres >= 0) & (centres < size)
    weights.data *= np.repeat(inside, np.diff(weights.indptr))
    return weights
