"""Frames and masks of dives on disk: videos, folders of numbered images, and masks as images or .npz files.

`FileFrames` reads a video or folder with masks in one .npz file (clip folders, MTL-AQA); `FolderFrames` reads a folder
of images with a folder of mask images (FineDiving, FineDiving-HM, MTL-AQA).
"""

import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from fineparser.data.dives import DataError
from fineparser.video.folder_reader import IMAGE_SUFFIXES, read_image
from fineparser.video.reader import open_source

MASK_KEY = "mask"
"""Name of the array in an .npz file of masks."""

MASK_BRIGHTNESS = 127
"""A pixel of a mask image belongs to the diver where any of its channels is brighter: JPEG blurs the black and
white."""


@dataclass(frozen=True)
class FileFrames:
    """Video or folder of frames, with masks of a part of it in an .npz file."""

    clip: Path
    mask: Path | None
    mask_start: int
    """Frame number of the first mask."""

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the frames `numbers`, RGB uint8 [n, H, W, 3]; VideoError where the clip is broken."""
        with open_source(self.clip) as source:
            return source.read(numbers)

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the masks of the frames `numbers`, bool [n, H, W]; DataError where the file is broken."""
        if self.mask is None:
            raise DataError(f"{self.clip}: there are no masks for this clip.")
        try:
            with zipfile.ZipFile(self.mask) as archive, archive.open(f"{MASK_KEY}.npy") as file:
                return _read_mask_frames(file, np.asarray(numbers) - self.mask_start)
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.mask}: cannot be read ({error}).") from error


@dataclass(frozen=True)
class FolderFrames:
    """Frames, and masks if any, as `<number>.jpg` (or .png) in a folder each; the number may have a prefix.

    Files are looked up by number at reading, so that the object itself is small.
    """

    frames: Path
    masks: Path | None = None

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the frames `numbers`, RGB uint8 [n, H, W, 3]. DataError where one is missing, broken or of another
        size."""
        return _read_images(self.frames, numbers)

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the masks `numbers`, bool [n, H, W], True on the diver. DataError as in `read`."""
        if self.masks is None:
            raise DataError(f"{self.frames}: there are no masks for these frames.")
        black, threshold = (0, 0, 0), (MASK_BRIGHTNESS,) * 3
        return np.stack([cv2.inRange(image, black, threshold) == 0 for image in _read_images(self.masks, numbers)])


def image_files(folder: Path) -> dict[int, str]:
    """Images of a folder: file name by number, in order of the numbers. DataError where there is no folder."""
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder.")
    names = {}
    for file in folder.iterdir():
        number = re.search(r"(\d{1,12})$", file.stem)
        if number and file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith("."):
            names[int(number[1])] = file.name
    return dict(sorted(names.items()))


def missing_numbers(numbers: Sequence[int]) -> list[int]:
    """Numbers missing between the first and the last of `numbers`, which rise.

    >>> missing_numbers([489, 490, 493])
    [491, 492]
    """
    return sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers)) if numbers else []


def check_mask_file(path: Path, shape: tuple[int, int, int]) -> None:
    """Check the header of an .npz file of masks; ValueError unless it holds bool masks [frames, H, W] of `shape`."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{MASK_KEY}.npy") as file:
            actual, is_fortran, dtype = _read_header(file)
    except KeyError:
        raise ValueError(f"mask {path.name} holds no array named {MASK_KEY!r}") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"mask {path.name} is no .npz file ({error})") from error
    if is_fortran:
        raise ValueError(f"mask {path.name} is stored column by column: save np.ascontiguousarray(mask)")
    if dtype != np.bool_ or actual != shape:
        raise ValueError(
            f"mask {path.name} should be bool {list(shape)} (frames from start_frame to end_frame, height, width), "
            f"not {dtype} {list(actual)}"
        )


def _read_images(folder: Path, numbers: Sequence[int]) -> np.ndarray:
    names = image_files(folder)
    images: list[np.ndarray] = []
    for number in numbers:
        if number not in names:
            raise DataError(f"{folder}: there is no frame {number}.")
        file = folder / names[number]
        image = read_image(file)
        if images and image.shape != images[0].shape:
            raise DataError(
                f"{file}: is {image.shape[1]} x {image.shape[0]} pixels, the frames before it "
                f"{images[0].shape[1]} x {images[0].shape[0]}."
            )
        images.append(image)
    return np.stack(images)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype of an array in numpy's format."""
    if np.lib.format.read_magic(file) == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _read_mask_frames(file: IO[bytes], indices: np.ndarray) -> np.ndarray:
    """Read some frames of a bool array [frames, H, W], one at a time: all masks of a large clip would fill the
    memory."""
    shape, is_fortran, dtype = _read_header(file)
    if dtype != np.bool_ or len(shape) != 3 or is_fortran:
        raise ValueError(f"it should be bool [frames, H, W], not {dtype} {list(shape)}")
    if len(indices) and not 0 <= indices.min() <= indices.max() < shape[0]:
        raise IndexError(f"frame {indices.max()} of {shape[0]}")
    requested, frame_bytes = set(indices.tolist()), shape[1] * shape[2]
    masks = {}
    for index in range(max(requested, default=-1) + 1):
        data = file.read(frame_bytes)
        if len(data) < frame_bytes:
            raise EOFError(f"it ends in frame {index} of {shape[0]}")
        if index in requested:
            masks[index] = np.frombuffer(data, np.uint8).astype(bool).reshape(shape[1:])
    return np.stack([masks[index] for index in indices.tolist()])
