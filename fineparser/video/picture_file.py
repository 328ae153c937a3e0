"""One still picture of a folder: JPEG or PNG."""

from pathlib import Path

import cv2
import numpy as np

from fineparser.video.decoder_log import quiet_decoder
from fineparser.video.error import VideoError

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")
"""Endings of the files that are read as frames of a folder."""

# Markers that start a JPEG frame header (ITU T.81, table B.1), which holds the picture's size.
FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
STANDALONE = {0x01, *range(0xD0, 0xD9)}


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of the picture file `path`, from its header; VideoError if it is empty, cut short or
    neither JPEG nor PNG. Much faster than decoding it, and safe with pictures too large to decode."""
    data = path.read_bytes()
    if not data:
        raise VideoError(path, "is empty (0 bytes). Extract the frames again.")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        if data[12:16] == b"IHDR" and b"IEND" in data[-64:]:
            return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        raise VideoError(path, "is a truncated PNG picture. Extract the frames again.")
    if data.startswith(b"\xff\xd8"):
        size = _jpeg_size(data)
        if size is not None and b"\xff\xd9" in data[-4096:]:
            return size
        raise VideoError(path, "is a truncated JPEG picture. Extract the frames again.")
    raise VideoError(path, "is neither a JPEG nor a PNG picture, whatever its name. Extract the frames again.")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in FRAME_HEADERS:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        if marker == 0xFF or marker in STANDALONE:  # padding, or a marker without contents
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def read_picture(path: Path) -> np.ndarray:
    """The picture, uint8 RGB [H, W, 3], as stored: an orientation tag does not turn it. VideoError if it
    cannot be decoded."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    picture = None
    if data.size:
        with quiet_decoder():
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        raise VideoError(path, "cannot be decoded: the picture is damaged. Extract the frames again.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
