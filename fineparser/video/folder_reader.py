"""Frames from a folder of numbered images, the form in which FineDiving is distributed, and from image files."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from fineparser.video.info import VideoError, VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.source import FrameSource

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
"""Endings of the files that are read as frames of a folder."""

# Markers that start a JPEG frame header (ITU T.81, table B.1), which holds the image's size.
FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
STANDALONE = {0x01, *range(0xD0, 0xD9)}


@contextmanager
def silence_decoder() -> Iterator[None]:
    """Suppress the messages of OpenCV on stderr; a VideoError says why an image cannot be read."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of the image file `path`, from its header; VideoError if it is empty, cut short or
    neither JPEG nor PNG. Much faster than decoding it, and safe with images too large to decode."""
    data = path.read_bytes()
    if not data:
        raise VideoError(path, "is empty (0 bytes). Extract the frames again.")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        if data[12:16] == b"IHDR" and b"IEND" in data[-64:]:
            return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        raise VideoError(path, "is a truncated PNG image. Extract the frames again.")
    if data.startswith(b"\xff\xd8"):
        size = _jpeg_size(data)
        if size is not None and b"\xff\xd9" in data[-4096:]:
            return size
        raise VideoError(path, "is a truncated JPEG image. Extract the frames again.")
    raise VideoError(path, "is neither a JPEG nor a PNG image, whatever its name. Extract the frames again.")


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


def read_image(path: Path) -> np.ndarray:
    """Decode an image, uint8 RGB [H, W, 3], as stored: an orientation tag does not turn it. VideoError if it
    cannot be decoded."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = None
    if data.size:
        with silence_decoder():
            image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise VideoError(path, "cannot be decoded: the image is damaged. Extract the frames again.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


FOLDER_FPS = 25.0
"""Frames a second of a folder by default: the rate of FineDiving's broadcasts."""


class FolderReader(FrameSource):
    """Reader of a folder of `<number>.jpg` or `.png`, with a common name before the number if any ("frame_0001.png").

    The numbers of the files are the frame numbers; they need not start at 0 but may not leave gaps. Files of
    other kinds and hidden files are ignored. Opening it reads headers only.
    """

    def __init__(self, path: Path, limits: Limits, fps: float = FOLDER_FPS) -> None:
        if not fps > 0:
            raise ValueError(f"The frame rate of a folder must be above 0, not {fps!r}.")
        self._files = _numbered_files(path)
        first, count = min(self._files), len(self._files)
        limits.check_length(path, count, count / fps)
        limits.check_enough(path, count)
        _check_gaps(path, sorted(self._files))
        check_clock = limits.stopwatch(path)
        width, height = image_size(self._files[first])
        limits.check_size(path, width, height)
        for file in self._files.values():
            size = image_size(file)
            if size != (width, height):
                raise VideoError(
                    path,
                    f"has images of differing sizes: {self._files[first].name} is {width}x{height}, "
                    f"{file.name} is {size[0]}x{size[1]}. Extract the frames again at one size.",
                )
            check_clock(0.0)
        super().__init__(
            VideoInfo(
                path=path,
                kind="folder",
                frame_count=count,
                fps=float(fps),
                width=width,
                height=height,
                coded_width=width,
                coded_height=height,
                first_number=first,
            )
        )

    def _decode(self, number: int) -> np.ndarray:
        return read_image(self._files[number])


def _numbered_files(path: Path) -> dict[int, Path]:
    """Images of a folder by number, in order."""
    images = sorted(
        file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".")
    )
    if not images:
        raise VideoError(path, "is a folder without frames: it needs numbered .jpg or .png images such as 00001.jpg.")
    files: dict[int, Path] = {}
    stems = set()
    for file in images:
        match = re.fullmatch(r"(.*?)(\d{1,12})", file.stem)
        if match is None:
            raise VideoError(path, f"has a image without a number in its name: {file.name}. Take it out of the folder.")
        stems.add(match[1])
        number = int(match[2])
        if number in files:
            raise VideoError(path, f"has frame {number} twice: {files[number].name} and {file.name}. Keep one of them.")
        files[number] = file
    if len(stems) > 1:
        one, other = sorted(stems)[:2]
        raise VideoError(
            path,
            f"mixes the images of several clips: names start with {one!r} and with {other!r}. "
            "Give each clip a folder of its own.",
        )
    return dict(sorted(files.items()))


def _check_gaps(path: Path, numbers: list[int]) -> None:
    gaps = [(before + 1, after - 1) for before, after in pairwise(numbers) if after != before + 1]
    if gaps:
        listed = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in gaps[:5])
        more = f" and {len(gaps) - 5} more" if len(gaps) > 5 else ""
        raise VideoError(
            path,
            f"has gaps between frames {numbers[0]} and {numbers[-1]}: missing {listed}{more}. "
            "Extract the frames again.",
        )
