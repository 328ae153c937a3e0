"""Which part of the picture a clip shows, and the way back to the source picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import csr_array

from fineparser.video.resampling import resample_box, resample_weights, weigh

CLIP_SIDE = 112
"""Side of the square picture that the network sees, pixels."""

LOADER_WIDTH = 200
"""Width to which the published loader scales every picture (height `CLIP_SIDE`) before it crops the middle."""

CUT_SIDES = (CLIP_SIDE, 2 * CLIP_SIDE)
"""Sides of square pictures that are taken for cut already: the published loader's, and that of networks which see
details."""

REPORT_SIDE = 640
"""Longest side of the masks in a report, pixels."""


def is_cut(width: int, height: int) -> bool:
    """Whether a picture of this size shows what a clip shows, and nothing besides."""
    return width == height and width in CUT_SIDES


@dataclass(frozen=True, eq=False)
class Framing:
    """A box of the source picture for every frame, or one for all, shown as a square picture.

    `boxes` is float64 [n, 4] or [1, 4]: left, top, right, bottom edge (x0, y0, x1, y1) in pixels of the picture as
    a person sees it, x to the right, y down, pixel centres at integers + 0.5. A box may be of any shape (it is
    stretched to the square) and may reach beyond the picture, where the picture's edge is carried on: black would
    be an edge that the network has never seen. ValueError for boxes that are empty or not numbers.
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
    def centre(cls, width: int, height: int) -> "Framing":
        """What the published loader shows of a `width` x `height` picture: it scales the picture to 200x112,
        whatever its shape, and takes the middle 112x112, so the middle 56% of the width at full height.

        >>> Framing.centre(200, 112).boxes.tolist()
        [[44.0, 0.0, 156.0, 112.0]]
        """
        margin = width * (LOADER_WIDTH - CLIP_SIDE) / 2 / LOADER_WIDTH
        return cls(np.array([[margin, 0, width - margin, height]]))

    @classmethod
    def middle(cls, width: int, height: int) -> "Framing":
        """All of a picture that is cut already, else what the published loader shows of it."""
        return cls.whole(width, height) if is_cut(width, height) else cls.centre(width, height)

    @classmethod
    def whole(cls, width: int, height: int) -> "Framing":
        """The whole picture, squeezed to a square."""
        return cls(np.array([[0, 0, width, height]]))

    @classmethod
    def box(cls, x0: float, y0: float, x1: float, y1: float) -> "Framing":
        """The same box in every frame."""
        return cls(np.array([[x0, y0, x1, y1]]))

    @classmethod
    def moving(cls, boxes: np.ndarray) -> "Framing":
        """A box for every frame of a clip, float [n, 4]."""
        return cls(boxes)

    @property
    def is_moving(self) -> bool:
        """Whether every frame has a box of its own."""
        return len(self.boxes) > 1

    def box_at(self, index: int) -> np.ndarray:
        """The box (x0, y0, x1, y1) of the clip's frame `index` (0-based place in the clip)."""
        if not self.is_moving:
            return self.boxes[0]
        if not 0 <= index < len(self.boxes):
            raise ValueError(f"The framing has {len(self.boxes)} boxes; there is none for frame {index}.")
        return self.boxes[index]

    def crop(self, picture: np.ndarray, index: int = 0, size: int = CLIP_SIDE) -> np.ndarray:
        """The clip's frame `index` cut from its source picture, uint8 [H, W, 3] -> [size, size, 3] (or [H, W] ->
        [size, size])."""
        return np.rint(resample_box(picture, self.box_at(index), size)).astype(np.uint8, order="C")

    def apply(self, frames: np.ndarray, size: int = CLIP_SIDE) -> np.ndarray:
        """Cut every frame: uint8 [n, H, W, 3] -> [n, size, size, 3] (or without the channels)."""
        self._check_count(len(frames))
        return np.stack([self.crop(frame, index, size) for index, frame in enumerate(frames)])

    def apply_to_masks(self, masks: np.ndarray, size: int = CLIP_SIDE) -> np.ndarray:
        """Cut masks as the frames are cut: bool [n, H, W] -> bool [n, size, size], true where at least half of
        what a pixel sees is. Beyond the picture there is nothing, so false."""
        self._check_count(len(masks))
        cut = np.zeros((len(masks), size, size), bool)
        for index, mask in enumerate(masks):
            inside = resample_box(mask.astype(np.uint8), self.box_at(index), size) >= 0.5
            x, y = self._clip_centres(index, size)
            within_x, within_y = (x >= 0) & (x < mask.shape[1]), (y >= 0) & (y < mask.shape[0])
            cut[index] = inside & within_y[:, None] & within_x
        return cut

    def to_source(self, points: np.ndarray, index: int | np.ndarray = 0, size: int = CLIP_SIDE) -> np.ndarray:
        """Points of the clip's picture in source pixels: float [..., 2] (x, y) -> float64 [..., 2].

        `index` is the clip's frame, or an array of frames that broadcasts against the points' leading shape.
        """
        box = self._boxes_at(index)
        return box[..., :2] + np.asarray(points, np.float64) * (box[..., 2:] - box[..., :2]) / size

    def to_clip(self, points: np.ndarray, index: int | np.ndarray = 0, size: int = CLIP_SIDE) -> np.ndarray:
        """Points of the source picture in pixels of the clip's picture, the inverse of `to_source`."""
        box = self._boxes_at(index)
        return (np.asarray(points, np.float64) - box[..., :2]) * size / (box[..., 2:] - box[..., :2])

    def mask_to_source(
        self, mask: np.ndarray, index: int, width: int, height: int, longest_side: int | None = REPORT_SIDE
    ) -> np.ndarray:
        """Lay the clip's mask of frame `index` back over the source picture of `width` x `height` pixels.

        `mask` [h, w] bool gives bool (true where at least half), any other type float32 probabilities. The result
        is [H, W], the picture scaled down so that its longer side is at most `longest_side` (None: not scaled).
        Outside the box it is 0.
        """
        scale = 1.0 if longest_side is None else min(1.0, longest_side / max(width, height))
        columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
        x0, y0, x1, y1 = self.box_at(index)
        down = _weights_back(y0, y1, height, mask.shape[0], rows)
        across = _weights_back(x0, x1, width, mask.shape[1], columns)
        laid = weigh(down, cv2.transpose(weigh(across, cv2.transpose(mask.astype(np.float32)))))
        return laid >= 0.5 if mask.dtype == bool else laid

    def masks_to_source(
        self, masks: np.ndarray, width: int, height: int, longest_side: int | None = REPORT_SIDE
    ) -> np.ndarray:
        """`mask_to_source` for all frames of a clip: [n, h, w] -> [n, H, W], bool or float32."""
        self._check_count(len(masks))
        return np.stack(
            [self.mask_to_source(mask, index, width, height, longest_side) for index, mask in enumerate(masks)]
        )

    def _check_count(self, count: int) -> None:
        if self.is_moving and count != len(self.boxes):
            raise ValueError(f"The framing has {len(self.boxes)} boxes for {count} frames; give one for each.")

    def _boxes_at(self, index: int | np.ndarray) -> np.ndarray:
        if np.ndim(index) == 0:
            return self.box_at(int(index))
        if not self.is_moving:
            return self.boxes[0]
        wrong = (np.asarray(index) < 0) | (np.asarray(index) >= len(self.boxes))
        if np.any(wrong):
            raise ValueError(f"The framing has {len(self.boxes)} boxes; frames {index} are not all among them.")
        return self.boxes[np.asarray(index)]

    def _clip_centres(self, index: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Where the centres of the clip's columns and rows lie in the source picture: x [size], y [size]."""
        x0, y0, x1, y1 = self.box_at(index)
        steps = (np.arange(size) + 0.5) / size
        return x0 + steps * (x1 - x0), y0 + steps * (y1 - y0)


def _weights_back(low: float, high: float, source: int, size: int, count: int) -> csr_array:
    """Weights [count, size] that spread `size` clip pixels between the source edges `low` and `high` over
    `count` pixels of a picture that is `source` wide; zero outside the box."""
    per_pixel = size / (high - low)
    start, stop = -low * per_pixel, (source - low) * per_pixel
    weights = resample_weights(start, stop, size, count)
    centres = start + (np.arange(count) + 0.5) * (stop - start) / count
    inside = (centres >= 0) & (centres < size)
    weights.data *= np.repeat(inside, np.diff(weights.indptr))
    return weights
