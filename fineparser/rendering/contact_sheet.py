"""The frames of a dive in one picture, side by side in rows, for a page that leafs through them."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.data.dives import Dive
from fineparser.rendering.palette import ORANGE

MOST_FRAMES = 240
"""Longer dives show every other frame, or fewer."""
LINES = 180
"""Height of a frame, pixels."""
COLUMNS = 12
QUALITY = 80
AT_ONCE = 32
"""Frames decoded at once: whole films of large pictures would not fit into memory."""


@dataclass(frozen=True)
class ContactSheet:
    """A JPEG with the frames of a dive, row by row."""

    jpeg: bytes
    numbers: tuple[int, ...]
    """Which source frames are shown."""
    width: int
    """Of one frame, pixels."""
    height: int
    columns: int


def contact_sheet(dive: Dive, mask_of: Callable[[int, int, int], np.ndarray] | None = None) -> ContactSheet:
    """The frames of a dive, with the outline of its mask where there is one.

    Args:
        dive: whose frames to show.
        mask_of: a frame's number, width and height to its mask bool [height, width]; None: the dive's own masks.

    Raises:
        DataError: where the pictures are broken.
    """
    count = min(dive.frame_count, MOST_FRAMES)
    numbers = np.linspace(dive.first_frame, dive.last_frame, count).round().astype(int).tolist()
    tiles = []
    for start in range(0, count, AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        frames = dive.read(some)
        masks = dive.read_masks(some) if mask_of is None else None
        for index, (number, frame) in enumerate(zip(some, frames, strict=True)):
            mask = masks[index] if masks is not None else mask_of and mask_of(number, *frame.shape[1::-1])
            tiles.append(_tile(frame, mask))
    height, width = tiles[0].shape[:2]
    columns = min(COLUMNS, count)
    sheet = np.zeros((-(-count // columns) * height, columns * width, 3), np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    _, data = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return ContactSheet(data.tobytes(), tuple(numbers), width, height, columns)


def _tile(frame: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """One frame, small, RGB."""
    height, width = frame.shape[:2]
    size = max(1, round(width * LINES / height)), LINES
    tile = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if height > LINES else cv2.INTER_LINEAR)
    if mask is not None and mask.any():
        small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) >= 128
        contours, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(tile, contours, -1, ORANGE.rgb, 1, cv2.LINE_AA)
    return tile
