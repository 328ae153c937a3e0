"""Clips with what is known of the diver in each frame: the mask, the posture, and where points of the body are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from fineparser.data.batches import ClipBatch, TensorBatch
from fineparser.data.dives import DataError, DiveSource
from fineparser.data.pairs import DiveDataset, read_pictures
from fineparser.data.transforms import CROP_SIZE, PICTURE_WIDTH, ClipTransform
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.simulator.posture import LANDMARKS, POSTURE, SIDEWAYS, landmarks
from fineparser.video.framing import is_cut

LEAST_SEEN = 6
"""Pixels of the diver, in pictures of 112 lines, without which a frame shows no posture."""


@dataclass(frozen=True)
class PosedBatch(TensorBatch):
    """B clips with masks, and what is known of the bodies in them."""

    clips: ClipBatch

    postures: torch.Tensor
    """float32 [B, 96, 25], see `fineparser.simulator.posture.POSTURE`; NaN where a number is not known."""

    landmarks: torch.Tensor
    """float32 [B, 96, 7, 2]: where the points of `LANDMARKS` are, shares of the clip's side from its middle, right and
    down; NaN where they are not known."""

    def __len__(self) -> int:
        return len(self.clips)

    @classmethod
    def stack(cls, batches: Sequence["PosedBatch"]) -> "PosedBatch":
        """Joins batches into one, in their order."""
        return cls(
            ClipBatch.stack([batch.clips for batch in batches]),
            torch.cat([batch.postures for batch in batches]),
            torch.cat([batch.landmarks for batch in batches]),
        )


class PosedClips(DiveDataset):
    """Each dive of a source, cut in the middle, as a transform says: by default trimmed and mirrored at random.

    Join samples with `PosedBatch.stack`. Dives without masks are refused with `DataError`, unless `needs_masks` is off;
    where postures are not known, they are NaN.
    """

    def __init__(
        self,
        source: DiveSource,
        transform: ClipTransform | None = None,
        *,
        needs_masks: bool = True,
        seed: int = 0,
        skip_broken: bool = False,
    ):
        transform = ClipTransform.for_reading() if transform is None else transform
        if transform.random_crop:
            raise ValueError("postures are placed in the middle of the picture: a random crop would lose them")
        # Postures have to be mirrored, too, so that is done here.
        super().__init__(source, replace(transform, mirror_chance=0.0), seed=seed, skip_broken=skip_broken)
        self._mirror_chance, self._needs_masks = transform.mirror_chance, needs_masks

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> PosedBatch:
        dive = self._source.at_epoch(epoch)[index]
        numbers = self._transform.numbers(dive, rng)
        frames, masks, places = read_pictures(dive, numbers)
        if masks is None and self._needs_masks:
            raise DataError(f"{dive.place}: it has no masks, from which outlines are learnt.")
        clip, mask = self._transform(frames, masks, rng)
        clip, mask = clip[:, places], None if mask is None else mask[:, places]
        known = dive.read_postures(numbers.tolist())
        if known is None:
            postures = np.full((CLIP_FRAMES, len(POSTURE)), np.nan, np.float32)
            points = np.full((CLIP_FRAMES, len(LANDMARKS), 2), np.nan, np.float32)
        else:
            postures, points = known[:, : len(POSTURE)], in_clip(landmarks(known), *frames.shape[1:3])
            if mask is not None:
                hidden = mask[0].sum((1, 2)).numpy() < LEAST_SEEN * self._transform.mask_detail**2
                postures[hidden], points[hidden] = np.nan, np.nan
        if rng.random() < self._mirror_chance:
            clip, mask = clip.flip(-1), None if mask is None else mask.flip(-1)
            mirror(postures, points)
        return PosedBatch(
            ClipBatch.of_dive(dive, numbers, clip, mask),
            torch.from_numpy(postures)[None],
            torch.from_numpy(points)[None],
        )


def mirror(postures: np.ndarray, points: np.ndarray) -> None:
    """Turns postures [F, 25], and points [..., 2] that are counted from the middle, as a mirror does, in place."""
    postures[:, SIDEWAYS] *= -1
    points[..., 0] *= -1


def in_clip(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Points [..., 2] of a picture, in its heights from its upper left corner, in sides of the middle that is shown,
    from the middle of that; float32."""
    shown = points[..., 0] * height / width  # shares of the picture's width
    if not is_cut(width, height):
        shown = (shown - 0.5) * PICTURE_WIDTH / CROP_SIZE + 0.5
    return np.stack([shown - 0.5, points[..., 1] - 0.5], -1).astype(np.float32)
