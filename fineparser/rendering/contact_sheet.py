"""The frames of a dive in one image, row by row, for a page that leafs through them."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.data.dives import Dive
from fineparser.rendering.palette import ORANGE

MAX_FRAMES = 240
"""Longer dives are sampled."""
TILE_HEIGHT = 180
"""Height of a frame, pixels."""
MAX_COLUMNS = 12
JPEG_QUALITY = 80
BATCH_FRAMES = 32
"""Frames decoded together: whole clips of large frames would not fit into memory."""

MaskReader = Callable[[int, int, int], np.ndarray | None]
"""Mask bool [height, width] for a frame's number, width and height; None without one."""


@dataclass(frozen=True)
class ContactSheet:
    """A JPEG with the frames of a dive, row by row."""

    jpeg: bytes
    numbers: tuple[int, ...]
    """Source frame numbers."""
    width: int
    """Of one frame, pixels."""
    height: int
    columns: int


def contact_sheet(dive: Dive, read_mask: MaskReader | None = None) -> ContactSheet:
    """The frames of a dive, with the outline of the mask where there is one.

    Args:
        dive: source of the frames.
        read_mask: source of the masks; None: the dive's own.

    Raises:
        DataError: if the frames are broken.
    """
    count = min(dive.frame_count, MAX_FRAMES)
    numbers = np.linspace(dive.first_frame, dive.last_frame, count).round().astype(int).tolist()
    tiles = []
    for start in range(0, count, BATCH_FRAMES):
        batch = numbers[start : start + BATCH_FRAMES]
        frames = dive.read(batch)
        masks = dive.read_masks(batch) if read_mask is None else None
        for index, (number, frame) in enumerate(zip(batch, frames, strict=True)):
            mask = None if masks is None else masks[index]
            if read_mask is not None:
                height, width = frame.shape[:2]
                mask = read_mask(number, width, height)
            tiles.append(_tile(frame, mask))
    height, width = tiles[0].shape[:2]
    columns = min(MAX_COLUMNS, count)
    sheet = np.zeros((-(-count // columns) * height, columns * width, 3), np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = tile
    _, data = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return ContactSheet(data.tobytes(), tuple(numbers), width, height, columns)


def _tile(frame: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """One frame, reduced, RGB."""
    height, width = frame.shape[:2]
    size = max(1, round(width * TILE_HEIGHT / height)), TILE_HEIGHT
    tile = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if height > TILE_HEIGHT else cv2.INTER_LINEAR)
    if mask is not None and mask.any():
        small = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) >= 128
        contours, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(tile, contours, -1, ORANGE.rgb, 1, cv2.LINE_AA)
    return tile
