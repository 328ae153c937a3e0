"""Footage kept as folders of numbered pictures: FineDiving, FineDiving-HM and MTL-AQA."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fineparser.data.dives import DataError
from fineparser.video.picture_file import PICTURE_SUFFIXES, read_picture

MASK_THRESHOLD = 127
"""A mask picture belongs to the diver where any of its channels is brighter: JPEG blurs the black and white."""


@dataclass(frozen=True)
class FrameFolder:
    """Frames, and masks if any, as `<number>.jpg` (or .png) in a folder each; the number may have a name before it.

    Pictures are found by their numbers when they are read, so that the footage itself is small.
    """

    frames: Path
    masks: Path | None = None

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """The frames `numbers`, RGB uint8 [n, H, W, 3]. DataError where one is missing, broken or of another size."""
        return _read(self.frames, numbers)

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """The masks `numbers`, bool [n, H, W], True on the diver. DataError as in `read`."""
        if self.masks is None:
            raise DataError(f"{self.frames}: there are no masks for these frames.")
        dark = (0, 0, 0), (MASK_THRESHOLD,) * 3
        return np.stack([cv2.inRange(picture, *dark) == 0 for picture in _read(self.masks, numbers)])


def picture_numbers(folder: Path) -> dict[int, str]:
    """The pictures of a folder: file name by number, in order of the numbers. DataError where there is no folder."""
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder.")
    found = {}
    for file in folder.iterdir():
        number = re.search(r"(\d{1,12})$", file.stem)
        if number and file.suffix.lower() in PICTURE_SUFFIXES and not file.name.startswith("."):
            found[int(number[1])] = file.name
    return dict(sorted(found.items()))


def missing_numbers(numbers: Sequence[int]) -> list[int]:
    """The numbers left out between the first and the last of `numbers`, which rise.

    >>> missing_numbers([489, 490, 493])
    [491, 492]
    """
    return sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers)) if numbers else []


def _read(folder: Path, numbers: Sequence[int]) -> np.ndarray:
    names = picture_numbers(folder)
    pictures: list[np.ndarray] = []
    for number in numbers:
        if number not in names:
            raise DataError(f"{folder}: there is no frame {number}.")
        file = folder / names[number]
        picture = read_picture(file)
        if pictures and picture.shape != pictures[0].shape:
            raise DataError(
                f"{file}: is {picture.shape[1]} x {picture.shape[0]} pixels, the frames before it "
                f"{pictures[0].shape[1]} x {pictures[0].shape[0]}."
            )
        pictures.append(picture)
    return np.stack(pictures)
