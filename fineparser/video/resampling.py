"""Scaling a box of a picture, with edges between pixels, without aliasing."""

import math

import cv2
import numpy as np
from scipy.sparse import csr_array


def resample_weights(start: float, stop: float, length: int, count: int) -> csr_array:
    """How much each of `length` pixels in a row adds to each of `count` pixels spread from `start` to `stop`.

    `start` and `stop` are edges in pixels of the row and may lie beyond it. The result is float32 [count, length],
    sparse, with as many numbers in each row; every row sums to 1. The kernel is a triangle as wide as the larger of the
    two pixels: linear interpolation when enlarging, an antialiased mean when reducing, which is what the published
    loader's bilinear scaling does. It is cut off and evened out at the ends; what lies wholly beyond an end takes the
    last pixel.
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


def resample_box(picture: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """The part `box` (x0, y0, x1, y1: edges, pixels) of uint8 [H, W, 3] or [H, W], as float32 [size, size, 3] or
    [size, size]; the picture's edge is carried on beyond it."""
    x0, y0, x1, y1 = (float(edge) for edge in box)
    left, right, by_x = _part(x0, x1, picture.shape[1], size)
    top, bottom, by_y = _part(y0, y1, picture.shape[0], size)
    part = picture[top:bottom, left:right]
    part = _thin_out(part, by_x, by_y).astype(np.float32)
    rows, columns = part.shape[:2]
    down = resample_weights((y0 - top) / by_y, (y1 - top) / by_y, rows, size)
    across = resample_weights((x0 - left) / by_x, (x1 - left) / by_x, columns, size)
    narrow = weigh(down, part)  # [size, columns, C]
    return cv2.transpose(weigh(across, cv2.transpose(narrow)))


def weigh(weights: csr_array, rows: np.ndarray) -> np.ndarray:
    """The product of weights [count, length] with float32 rows [length, ...]: [count, ...].

    It stays on one core: products as small as these wait long for other threads where several clips are read at once.
    """
    return (weights @ rows.reshape(len(rows), -1)).reshape(-1, *rows.shape[1:])


def _part(low: float, high: float, length: int, size: int) -> tuple[int, int, int]:
    """First and last + 1 pixel that can matter for the edges `low` to `high`, and by how much to thin them out
    first: to no fewer than three pixels for each one of the result, so that the exact step still decides."""
    step = (high - low) / size
    reach = max(step, 1.0)
    start = min(max(math.floor(low - reach), 0), length - 1)
    stop = max(min(math.ceil(high + reach), length), start + 1)
    return start, stop, max(1, int(step / 3))


def _thin_out(part: np.ndarray, by_x: int, by_y: int) -> np.ndarray:
    """Means of blocks of `by_y` x `by_x` pixels (fast); a block that reaches over the end repeats the last pixel."""
    if by_x == by_y == 1:
        return part
    rows, columns = part.shape[:2]
    more_rows, more_columns = -rows % by_y, -columns % by_x
    if more_rows or more_columns:
        part = cv2.copyMakeBorder(part, 0, more_rows, 0, more_columns, cv2.BORDER_REPLICATE)
    size = (part.shape[1] // by_x, part.shape[0] // by_y)
    return cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_AREA)
