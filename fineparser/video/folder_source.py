"""Frames from a folder of numbered pictures, the form in which FineDiving is handed out."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np

from fineparser.video.error import VideoError
from fineparser.video.info import VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.picture_file import PICTURE_SUFFIXES, picture_size, read_picture
from fineparser.video.source import FrameSource

FOLDER_FPS = 25.0
"""Frames a second of a folder unless said otherwise: the rate of FineDiving's broadcasts."""


class FolderSource(FrameSource):
    """A folder of `<number>.jpg` or `.png`, with a common name before the number if any ("frame_0001.png").

    The numbers of the files are kept as frame numbers; they need not start at 0 but may not leave gaps. Files of
    other kinds and hidden files are passed over. Opening it reads headers only.
    """

    def __init__(self, path: Path, limits: Limits, fps: float = FOLDER_FPS) -> None:
        if not fps > 0:
            raise ValueError(f"The frame rate of a folder must be above 0, not {fps!r}.")
        self._files = _numbered_files(path)
        first, count = min(self._files), len(self._files)
        limits.check_length(path, count, count / fps)
        limits.check_enough(path, count)
        _refuse_gaps(path, sorted(self._files))
        check_clock = limits.stopwatch(path)
        width, height = picture_size(self._files[first])
        limits.check_size(path, width, height)
        for file in self._files.values():
            size = picture_size(file)
            if size != (width, height):
                raise VideoError(
                    path,
                    f"has pictures of differing sizes: {self._files[first].name} is {width}x{height}, "
                    f"{file.name} is {size[0]}x{size[1]}. Extract the frames again at one size.",
                )
            check_clock()
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
        return read_picture(self._files[number])


def _numbered_files(path: Path) -> dict[int, Path]:
    """The pictures of a folder by their numbers, in order."""
    pictures = sorted(
        file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES and not file.name.startswith(".")
    )
    if not pictures:
        raise VideoError(path, "is a folder without frames: it needs numbered .jpg or .png pictures such as 00001.jpg.")
    files: dict[int, Path] = {}
    stems = set()
    for file in pictures:
        match = re.fullmatch(r"(.*?)(\d{1,12})", file.stem)
        if match is None:
            raise VideoError(
                path, f"has a picture without a number in its name: {file.name}. Take it out of the folder."
            )
        stems.add(match[1])
        number = int(match[2])
        if number in files:
            raise VideoError(path, f"has frame {number} twice: {files[number].name} and {file.name}. Keep one of them.")
        files[number] = file
    if len(stems) > 1:
        one, other = sorted(stems)[:2]
        raise VideoError(
            path,
            f"mixes the pictures of several clips: names start with {one!r} and with {other!r}. "
            "Give each clip a folder of its own.",
        )
    return dict(sorted(files.items()))


def _refuse_gaps(path: Path, numbers: list[int]) -> None:
    gaps = [(before + 1, after - 1) for before, after in pairwise(numbers) if after != before + 1]
    if gaps:
        shown = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in gaps[:5])
        more = f" and {len(gaps) - 5} more" if len(gaps) > 5 else ""
        raise VideoError(
            path,
            f"has gaps between frames {numbers[0]} and {numbers[-1]}: missing {shown}{more}. Extract the frames again.",
        )
