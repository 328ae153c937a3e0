"""From a dive's pictures to what the network reads: the published geometry, and the changes made in training.

Every picture is squeezed to 200 x 112 and 112 x 112 of it are cut out: in the middle, or anywhere along the
width while training, when it may also be mirrored (the loader of FineDiving and FineParser). Frames and masks
go through the same crop and mirror. A square picture of 112 or 224 pixels a side has been cut and is taken whole.
For networks that see details everything is so many times as large.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from fineparser.data.dives import Dive
from fineparser.model.pictures import normalise
from fineparser.video.framing import is_cut
from fineparser.video.sampling import sample_frames

PICTURE_WIDTH, PICTURE_HEIGHT = 200, 112
CROP_SIZE = 112
LONGEST_END_SHIFT = 3
"""Frames by which the end of a clip moves forward at most while training."""
CUT_SHORT = 0.5
"""How often, for those who read tracks, a part of the waiting before, and of the water after, is left out: people trim
their clips differently."""
LEAST_LEAD = 5
"""Frames that stay before the flight and after the first of the entry when a clip is cut short."""

_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class _Square:
    """A square cut out of pictures, in pixels of pictures 112 high."""

    left: int
    top: int
    side: int

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """What it shows of pictures [T, H, W, ...], H x H."""
        height = pictures.shape[1]
        detail = height // PICTURE_HEIGHT
        left, top, side = (value * detail for value in (self.left, self.top, self.side))
        seen = pictures[:, top : top + side, left : left + side]
        if self.side == CROP_SIZE:
            return seen
        if seen.dtype == np.bool_:
            return np.stack([_scaled(mask.astype(np.uint8) * 255, height) >= 128 for mask in seen])
        return np.stack([_scaled(frame, height) for frame in seen])


def _scaled(picture: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR)


@dataclass(frozen=True)
class ClipTransform:
    """Turns the frames and masks of a clip into the network's tensors, all of them in the same way.

    `ClipTransform()` is the one for evaluation; `ClipTransform.for_training()` is the published one.
    """

    random_crop: bool = False
    """Cut anywhere along the width instead of in the middle."""

    mirror_chance: float = 0.0
    """How often left and right change places. The labels stay: a dive is as good seen from the other side."""

    longest_end_shift: int = 0
    """The clip may end up to so many source frames early."""

    colour_jitter: float = 0.0
    """How far brightness, contrast, saturation and colour balance move, as a share; 0 leaves the colours."""

    closer: float = 0.0
    """Half of the crops show up to so much less than the picture's height, as a share, and are enlarged."""

    looks: int = 1
    """Of so many crops drawn, the one that shows most of the diver is taken, where there are masks."""

    cut_short: float = 0.0
    """How often a part of what is before the flight, and of what is after the entry, is left out, where these are
    known."""

    detail: int = 1
    """Pictures come so many times as large as 112 x 112."""

    mask_detail: int = 1
    """Masks do."""

    def __post_init__(self) -> None:
        if self.detail < 1 or self.mask_detail < 1:
            raise ValueError(f"detail counts how many times 112: not {self.detail}, of masks {self.mask_detail}.")
        if not 0 <= self.mirror_chance <= 1:
            raise ValueError(f"mirror_chance is a probability, not {self.mirror_chance:g}.")
        if not 0 <= self.colour_jitter < 1:
            raise ValueError(f"colour_jitter is a share from 0 to below 1, not {self.colour_jitter:g}.")
        if not 0 <= self.closer < 1 or self.looks < 1:
            raise ValueError(
                f"closer is a share from 0 to below 1, looks at least 1: not {self.closer:g}, {self.looks}."
            )
        if self.longest_end_shift < 0:
            raise ValueError(f"longest_end_shift counts frames cut off at the end, not {self.longest_end_shift}.")

    @classmethod
    def for_training(
        cls, colour_jitter: float = 0.0, closer: float = 0.0, looks: int = 1, detail: int = 1
    ) -> "ClipTransform":
        """Random crop, mirrored half of the time, the end up to 3 frames early."""
        return cls(
            random_crop=True,
            mirror_chance=0.5,
            longest_end_shift=LONGEST_END_SHIFT,
            colour_jitter=colour_jitter,
            closer=closer,
            looks=looks,
            detail=detail,
        )

    @classmethod
    def for_reading(cls, colour_jitter: float = 0.0, detail: int = 1) -> "ClipTransform":
        """The middle of the picture, as in evaluation, but mirrored, and trimmed at both ends, half of the time."""
        return cls(
            mirror_chance=0.5,
            longest_end_shift=LONGEST_END_SHIFT,
            colour_jitter=colour_jitter,
            cut_short=CUT_SHORT,
            detail=detail,
        )

    def end_shift(self, rng: np.random.Generator) -> int:
        """By how many source frames the clip's end moves, 0 or less."""
        return -int(rng.integers(0, self.longest_end_shift + 1))

    def numbers(self, dive: Dive, rng: np.random.Generator) -> np.ndarray:
        """Source numbers of the 96 frames to take of a dive, int64 [96]."""
        shift = self.end_shift(rng)
        if not self.cut_short or dive.flight_frame is None:
            return dive.sample(shift)
        before, after, *lots = rng.random(4)
        first, last = dive.first_frame, dive.last_frame + shift
        spare = max(0, dive.flight_frame - LEAST_LEAD - first), max(0, last - dive.entry_frame - LEAST_LEAD)
        first += round(before * spare[0]) if lots[0] < self.cut_short else 0
        last -= round(after * spare[1]) if lots[1] < self.cut_short else 0
        return sample_frames(first, max(first, last))

    def __call__(
        self, frames: np.ndarray, masks: np.ndarray | None, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Frames uint8 [T, H, W, 3] to float32 [3, T, 112, 112], masks bool [S, H, W] to [1, S, 112, 112]; with
        `detail` and `mask_detail` so many times as large.

        There may be masks of more moments than frames. ValueError where the masks are not the frames' size.
        """
        if masks is not None and masks.shape[1:] != frames.shape[1:3]:
            raise ValueError(
                f"The masks have the shape {masks.shape}, the frames {frames.shape[:3]}: one of them is "
                "of another clip or size."
            )
        # Drawn whether used or not, so that one clip's draws never depend on another's shape.
        place, mirror = rng.random(2)
        frames = resize(frames, self.detail)
        masks = None if masks is None else resize(masks, self.mask_detail)
        if self.random_crop:
            square = self._square(place, frames.shape[2] // self.detail, masks, rng)
            frames = square.of(frames)
            masks = None if masks is None else square.of(masks)
        else:
            frames, masks = crop(frames), None if masks is None else crop(masks)
        if mirror < self.mirror_chance:
            frames = frames[:, :, ::-1]
            masks = None if masks is None else masks[:, :, ::-1]
        if self.colour_jitter:
            frames = jitter_colours(frames, rng, self.colour_jitter)
        mask_tensor = None if masks is None else torch.from_numpy(np.ascontiguousarray(masks))[None]
        return normalise(frames), mask_tensor

    def _square(self, place: float, width: int, masks: np.ndarray | None, rng: np.random.Generator) -> _Square:
        """Where to cut, at `place` (0-1) of the width in the first try; `masks` are as `resize` gives them."""
        tries = []
        for _ in range(self.looks if masks is not None else 1):
            side = CROP_SIZE
            if self.closer and rng.random() < 0.5:
                side = round(CROP_SIZE * (1 - self.closer * rng.random()))
            top = int(rng.integers(PICTURE_HEIGHT - side + 1)) if side < CROP_SIZE else 0
            tries.append(_Square(round(place * (width - side)), top, side))
            place = rng.random()
        if len(tries) == 1:
            return tries[0]

        def shown(square: _Square) -> float:
            some = masks[:: max(1, len(masks) // 16)]
            left, top, side = (value * self.mask_detail for value in (square.left, square.top, square.side))
            return some[:, top : top + side, left : left + side].sum() / side**2

        return max(tries, key=shown)


def resize(pictures: np.ndarray, detail: int = 1) -> np.ndarray:
    """Squeezes pictures to `detail` times 200 x 112, or, where they are cut already, times 112 x 112.

    uint8 [T, H, W, 3] to [T, 112, 200, 3]; bool [T, H, W] to [T, 112, 200], where a pixel belongs to the mask
    if at least half of it was covered.
    """
    height, width = pictures.shape[1:3]
    wide, high = (CROP_SIZE if is_cut(width, height) else PICTURE_WIDTH) * detail, PICTURE_HEIGHT * detail
    if (height, width) == (high, wide):
        return pictures
    # Averaging over the covered area keeps thin limbs when shrinking; it would leave blocks when enlarging.
    shrinks = height >= high and width >= wide
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if pictures.dtype == np.bool_:
        cover = [
            cv2.resize(mask.view(np.uint8) * 255, (wide, high), interpolation=method)
            for mask in np.ascontiguousarray(pictures)
        ]
        return np.stack(cover) >= 128
    return np.stack([cv2.resize(frame, (wide, high), interpolation=method) for frame in pictures])


def crop(pictures: np.ndarray) -> np.ndarray:
    """Cuts the square in the middle out of pictures [T, H, W, ...]: the middle 112 columns of ones 112 high."""
    side = pictures.shape[1]
    left = (pictures.shape[2] - side) // 2
    return pictures[:, :, left : left + side]


def jitter_colours(frames: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Moves the colours of a clip, uint8 [T, H, W, 3]: one draw for all frames, as by another camera.

    Brightness, contrast and saturation each move by up to `strength` as a share, the balance between the
    channels by a third of that.
    """
    brightness, contrast, saturation = 1 + strength * rng.uniform(-1, 1, 3)
    balance = 1 + strength / 3 * rng.uniform(-1, 1, 3)
    grey = np.tile(_LUMA, (3, 1))
    matrix = contrast * brightness * np.diag(balance) @ (saturation * np.eye(3) + (1 - saturation) * grey)
    middle = float((frames[:: max(1, len(frames) // 8)] @ _LUMA).mean())
    affine = np.column_stack([matrix, (1 - contrast) * brightness * balance * middle])
    shape = frames.shape
    rows = np.ascontiguousarray(frames).reshape(shape[0] * shape[1], shape[2], 3)
    return cv2.transform(rows, affine).reshape(shape)  # rounds, and stays within 0..255
