"""Conversion of decoded frames to RGB as they are displayed: upright, with square pixels."""

import math
from dataclasses import dataclass
from typing import Self

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace, ColorTrc, Interpolation, VideoReformatter

from fineparser.video.tone_mapping import HDR_TRANSFERS, ToneMapper

ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

PACKED_FORMATS: dict[str, tuple[int, np.dtype[np.generic]]] = {
    "rgb24": (3, np.dtype(np.uint8)),
    "rgba": (4, np.dtype(np.uint8)),
    "rgb48le": (3, np.dtype("<u2")),
}
"""Channels and type of the values of FFmpeg's pixel formats."""

UNSPECIFIED = 2
"""Colour matrix that a stream does not state (AVCOL_SPC_UNSPECIFIED)."""


@dataclass(frozen=True)
class Orientation:
    """Orientation in which stored frames are displayed: mirrored left to right first if so, then rotated."""

    rotation: int = 0
    """Degrees clockwise: 0, 90, 180 or 270."""

    mirrored: bool = False

    @classmethod
    def from_frame(cls, picture: av.VideoFrame) -> Self:
        """Orientation by the display matrix of a frame."""
        try:
            matrix = picture.side_data.get("DISPLAYMATRIX")
        except (KeyError, ValueError):  # PyAV fails on side data of kinds that it does not list
            return cls(-round(picture.rotation / 90) * 90 % 360)
        if matrix is None:
            return cls()
        return cls.from_matrix(np.frombuffer(memoryview(matrix), np.int32))  # type: ignore[arg-type]

    @classmethod
    def from_matrix(cls, matrix: np.ndarray) -> Self:
        """Orientation by a display matrix, int32 [9]: a point (x, y) is shown at (a x + c y, b x + d y) with
        a, b, c, d in places 0, 1, 3, 4. Angles are rounded to a multiple of 90 degrees."""
        a, b, c, d = (float(matrix[place]) for place in (0, 1, 3, 4))
        determinant = a * d - b * c
        if determinant == 0:
            return cls()
        mirrored = determinant < 0
        angle = math.atan2(-b, -a) if mirrored else math.atan2(b, a)
        return cls(round(math.degrees(angle) / 90) * 90 % 360, mirrored)

    @property
    def is_sideways(self) -> bool:
        """True if width and height are exchanged."""
        return self.rotation in (90, 270)

    def apply(self, frame: np.ndarray) -> np.ndarray:
        """Turn a stored frame [H, W, 3] upright."""
        if self.mirrored:
            frame = cv2.flip(frame, 1)
        return cv2.rotate(frame, ROTATIONS[self.rotation]) if self.rotation else frame


class RgbConverter:
    """Conversion of decoded frames to uint8 RGB.

    The colour matrix and range are those of the stream; where it states none, they are FFmpeg's defaults.
    HDR is tone-mapped. Transparent parts are shown over black.

    Args:
        width, height: size of the result.
        orientation: orientation of the stored frames.
    """

    def __init__(self, width: int, height: int, orientation: Orientation) -> None:
        self._size = (height, width) if orientation.is_sideways else (width, height)
        self._orientation = orientation
        self._reformatter = VideoReformatter()
        self._tone_mappers: dict[int, ToneMapper] = {}

    def convert(self, picture: av.VideoFrame) -> np.ndarray:
        """Convert a frame, uint8 RGB [height, width, 3]."""
        if picture.color_trc in HDR_TRANSFERS:
            frame = self._map_tones(picture)
        elif _has_alpha(picture.format):
            rgba = self._scale(picture, "rgba")
            frame = cv2.multiply(rgba[..., :3], cv2.merge([rgba[..., 3]] * 3), scale=1 / 255)
        else:
            frame = self._scale(picture, "rgb24")
        return self._orientation.apply(frame)

    def _map_tones(self, picture: av.VideoFrame) -> np.ndarray:
        if picture.color_trc not in self._tone_mappers:
            self._tone_mappers[picture.color_trc] = ToneMapper(ColorTrc(picture.color_trc))
        if picture.colorspace == UNSPECIFIED:
            picture.colorspace = Colorspace.BT2020
        return self._tone_mappers[picture.color_trc].map(self._scale(picture, "rgb48le"))

    def _scale(self, picture: av.VideoFrame, name: str) -> np.ndarray:
        width, height = self._size
        is_reduced = width <= picture.width and height <= picture.height
        scaling = Interpolation.AREA if is_reduced else Interpolation.BILINEAR
        result = self._reformatter.reformat(picture, width, height, name, interpolation=scaling, threads=1)
        plane = result.planes[0]
        channels, values = PACKED_FORMATS[name]
        # Rows end with padding; copied as rows they are copied much faster than as pixels.
        shape, strides = (height, width * channels), (plane.line_size, values.itemsize)
        rows = np.ndarray(shape, values, memoryview(plane), 0, strides)
        return np.ascontiguousarray(rows).reshape(height, width, channels)


def _has_alpha(pixels: "av.VideoFormat") -> bool:
    return pixels.has_palette or any(component.is_alpha for component in pixels.components)
