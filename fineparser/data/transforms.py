"""Transforms from a dive's frames to the network's input: the published geometry, and the augmentation of training.

Every frame is scaled to 200 x 112, and 112 x 112 of it are cropped: the centre, or anywhere along the width in
training, where it may also be flipped (the loader of FineDiving and FineParser). Frames and masks get the same crop and
flip. A square frame of 112 or 224 pixels a side is cropped already and used in full. Networks with a larger input take
a multiple of all sizes, the `scale`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from fineparser.data.dives import Dive
from fineparser.domain.clip_geometry import CLIP_SIDE, LOADER_WIDTH, is_cropped, sample_frames
from fineparser.model.protocol import normalise

MAX_END_SHIFT = 3
"""Frames by which the end of a clip moves forward in training, at most."""
TRIM_PROBABILITY = 0.5
"""Probability that a part of the frames before the flight, or after the entry, is left out: people trim clips
differently."""
MIN_MARGIN = 5
"""Frames that stay before the flight and after the first of the entry in a trimmed clip."""

_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class _CropBox:
    """Square crop, in pixels of frames of height 112."""

    left: int
    top: int
    side: int

    def crop(self, frames: np.ndarray) -> np.ndarray:
        """Crop frames or masks [T, H, W, ...] and scale the crop to H x H."""
        height = frames.shape[1]
        scale = height // CLIP_SIDE
        left, top, side = (value * scale for value in (self.left, self.top, self.side))
        cropped = frames[:, top : top + side, left : left + side]
        if self.side == CLIP_SIDE:
            return cropped
        if cropped.dtype == np.bool_:
            return np.stack([_resize(mask.astype(np.uint8) * 255, height) >= 128 for mask in cropped])
        return np.stack([_resize(frame, height) for frame in cropped])


def _resize(image: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)


@dataclass(frozen=True)
class ClipTransform:
    """Transform of the frames and masks of a clip to the network's tensors, the same for all frames.

    `ClipTransform()` is the one for evaluation; `ClipTransform.for_training()` is the published one.
    """

    random_crop: bool = False
    """Crop anywhere along the width instead of the centre."""

    flip_probability: float = 0.0
    """Probability of a horizontal flip. The labels stay: the score does not depend on the side."""

    max_end_shift: int = 0
    """Source frames by which the clip may end early, at most."""

    colour_jitter: float = 0.0
    """Strength of random changes of brightness, contrast, saturation and colour balance, as a share."""

    zoom_jitter: float = 0.0
    """Half of the random crops are smaller by up to this share of the frame's height, and enlarged."""

    crop_attempts: int = 1
    """Random crops to draw; the one with the largest part of the diver is used, where there are masks."""

    trim_probability: float = 0.0
    """Probability that a part of the frames before the flight, or after the entry, is left out, where these are
    known."""

    scale: int = 1
    """Frames are this multiple of 112 x 112."""

    mask_scale: int = 1
    """Masks are this multiple of 112 x 112."""

    def __post_init__(self) -> None:
        if self.scale < 1 or self.mask_scale < 1:
            raise ValueError(f"scale and mask_scale are at least 1, not {self.scale} and {self.mask_scale}.")
        if not 0 <= self.flip_probability <= 1:
            raise ValueError(f"flip_probability is a probability, not {self.flip_probability:g}.")
        if not 0 <= self.colour_jitter < 1:
            raise ValueError(f"colour_jitter is a share from 0 to below 1, not {self.colour_jitter:g}.")
        if not 0 <= self.zoom_jitter < 1:
            raise ValueError(f"zoom_jitter is a share from 0 to below 1, not {self.zoom_jitter:g}.")
        if self.crop_attempts < 1:
            raise ValueError(f"crop_attempts is at least 1, not {self.crop_attempts}.")
        if self.max_end_shift < 0:
            raise ValueError(f"max_end_shift counts frames cut off at the end, not {self.max_end_shift}.")

    @classmethod
    def for_training(
        cls, colour_jitter: float = 0.0, zoom_jitter: float = 0.0, crop_attempts: int = 1, scale: int = 1
    ) -> "ClipTransform":
        """Random crop, flipped half of the time, the end up to 3 frames early."""
        return cls(
            random_crop=True,
            flip_probability=0.5,
            max_end_shift=MAX_END_SHIFT,
            colour_jitter=colour_jitter,
            zoom_jitter=zoom_jitter,
            crop_attempts=crop_attempts,
            scale=scale,
        )

    @classmethod
    def for_centre_training(cls, colour_jitter: float = 0.0, scale: int = 1) -> "ClipTransform":
        """Centre crop as in evaluation, but flipped, and trimmed at both ends, half of the time."""
        return cls(
            flip_probability=0.5,
            max_end_shift=MAX_END_SHIFT,
            colour_jitter=colour_jitter,
            trim_probability=TRIM_PROBABILITY,
            scale=scale,
        )

    def end_shift(self, rng: np.random.Generator) -> int:
        """Draw the shift of the clip's end in source frames, 0 or less."""
        return -int(rng.integers(0, self.max_end_shift + 1))

    def numbers(self, dive: Dive, rng: np.random.Generator) -> np.ndarray:
        """Draw the source numbers of the 96 frames of a dive, int64 [96]."""
        shift = self.end_shift(rng)
        if not self.trim_probability or dive.flight_frame is None or dive.entry_frame is None:
            return dive.sample(shift)
        lead, tail, *draws = rng.random(4)
        first, last = dive.first_frame, dive.last_frame + shift
        spare = max(0, dive.flight_frame - MIN_MARGIN - first), max(0, last - dive.entry_frame - MIN_MARGIN)
        first += round(lead * spare[0]) if draws[0] < self.trim_probability else 0
        last -= round(tail * spare[1]) if draws[1] < self.trim_probability else 0
        return sample_frames(first, max(first, last))

    def __call__(
        self, frames: np.ndarray, masks: np.ndarray | None, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Transform frames uint8 [T, H, W, 3] to float32 [3, T, 112, 112], masks bool [S, H, W] to [1, S, 112, 112];
        with `scale` and `mask_scale` multiples of 112.

        S may differ from T. ValueError where the masks are not of the frames' size.
        """
        if masks is not None and masks.shape[1:] != frames.shape[1:3]:
            raise ValueError(
                f"The masks have the shape {masks.shape}, the frames {frames.shape[:3]}: one of them is "
                "of another clip or size."
            )
        # Drawn in any case, so that the random numbers of a clip do not depend on its shape.
        position, flip = rng.random(2)
        frames = resize_frames(frames, self.scale)
        masks = None if masks is None else resize_frames(masks, self.mask_scale)
        if self.random_crop:
            box = self._draw_crop(position, frames.shape[2] // self.scale, masks, rng)
            frames = box.crop(frames)
            masks = None if masks is None else box.crop(masks)
        else:
            frames, masks = centre_crop(frames), None if masks is None else centre_crop(masks)
        if flip < self.flip_probability:
            frames = frames[:, :, ::-1]
            masks = None if masks is None else masks[:, :, ::-1]
        if self.colour_jitter:
            frames = jitter_colours(frames, rng, self.colour_jitter)
        mask_tensor = None if masks is None else torch.from_numpy(np.ascontiguousarray(masks))[None]
        return normalise(frames), mask_tensor

    def _draw_crop(self, position: float, width: int, masks: np.ndarray | None, rng: np.random.Generator) -> _CropBox:
        """Draw a crop, at `position` (0-1) of the width in the first attempt; `masks` are those of `resize_frames`."""
        boxes = []
        for _ in range(self.crop_attempts if masks is not None else 1):
            side = CLIP_SIDE
            if self.zoom_jitter and rng.random() < 0.5:
                side = round(CLIP_SIDE * (1 - self.zoom_jitter * rng.random()))
            top = int(rng.integers(CLIP_SIDE - side + 1)) if side < CLIP_SIDE else 0
            boxes.append(_CropBox(round(position * (width - side)), top, side))
            position = rng.random()
        if masks is None or len(boxes) == 1:
            return boxes[0]
        sample = masks[:: max(1, len(masks) // 16)]

        def diver_share(box: _CropBox) -> float:
            left, top, side = (value * self.mask_scale for value in (box.left, box.top, box.side))
            return sample[:, top : top + side, left : left + side].sum() / side**2

        return max(boxes, key=diver_share)


def resize_frames(frames: np.ndarray, scale: int = 1) -> np.ndarray:
    """Scale frames to `scale` times 200 x 112, or, where they are cropped already, times 112 x 112.

    uint8 [T, H, W, 3] to [T, 112, 200, 3]; bool [T, H, W] to [T, 112, 200], where a pixel belongs to the mask
    if at least half of it is covered.
    """
    height, width = frames.shape[1:3]
    target_width = (CLIP_SIDE if is_cropped(width, height) else LOADER_WIDTH) * scale
    target_height = CLIP_SIDE * scale
    if (height, width) == (target_height, target_width):
        return frames
    # Averaging over the covered area preserves thin limbs when shrinking; it would leave blocks when enlarging.
    shrinks = height >= target_height and width >= target_width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if frames.dtype == np.bool_:
        cover = [
            cv2.resize(mask.view(np.uint8) * 255, (target_width, target_height), interpolation=method)
            for mask in np.ascontiguousarray(frames)
        ]
        return np.stack(cover) >= 128
    return np.stack([cv2.resize(frame, (target_width, target_height), interpolation=method) for frame in frames])


def centre_crop(frames: np.ndarray) -> np.ndarray:
    """Crop the square in the centre of frames [T, H, W, ...]: the middle 112 columns at height 112."""
    side = frames.shape[1]
    left = (frames.shape[2] - side) // 2
    return frames[:, :, left : left + side]


def jitter_colours(frames: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Change the colours of a clip, uint8 [T, H, W, 3], the same for all frames, as by another camera.

    Brightness, contrast and saturation each change by up to `strength` as a share, the balance between the channels by
    a third of that.
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
