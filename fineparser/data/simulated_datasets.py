"""Datasets of labels that only simulated dives have: poses, and the crops and layers of entries.

Of an entry, frames far from it are neither rendered nor read, and no network has to locate it: a simulated entry takes
a core 0.4 seconds, where rendering and encoding a whole dive takes 2.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from fineparser.data.batches import ClipBatch, TensorBatch, deductions_tensor, noise_free_award_tensor
from fineparser.data.clip_input import sparse_camera_motion
from fineparser.data.datasets import DiveDataset, read_distinct_frames
from fineparser.data.dives import DataError, Dive, DiveSource
from fineparser.data.transforms import ClipTransform, centre_crop, resize_frames
from fineparser.domain.clip_geometry import CLIP_FRAMES, CLIP_SIDE, LANDMARKS, LOADER_WIDTH, is_cropped
from fineparser.model.crop_track import CropTrack
from fineparser.model.entry import EntryCrops, required_frames
from fineparser.simulator.athlete.pose import MIRRORED_FIELDS, POSE_FIELDS, pose_landmarks

MIN_VISIBLE_PIXELS = 6
"""Pixels of the mask, in frames of height 112, below which the pose counts as unknown."""


@dataclass(frozen=True)
class PoseBatch(TensorBatch):
    """B clips with masks, poses and landmarks."""

    clips: ClipBatch

    poses: torch.Tensor
    """float32 [B, 96, 25], see `fineparser.simulator.athlete.pose.POSE_FIELDS`; NaN where unknown."""

    landmarks: torch.Tensor
    """float32 [B, 96, 7, 2]: positions of `LANDMARKS`, in shares of the clip's side from its centre, right and down;
    NaN where unknown."""

    def __len__(self) -> int:
        return len(self.clips)

    @classmethod
    def stack(cls, batches: Sequence["PoseBatch"]) -> "PoseBatch":
        """Concatenate batches."""
        return cls(
            ClipBatch.stack([batch.clips for batch in batches]),
            torch.cat([batch.poses for batch in batches]),
            torch.cat([batch.landmarks for batch in batches]),
        )


class PoseDataset(DiveDataset[PoseBatch]):
    """Each dive of a source, centre crop, by default trimmed and flipped at random. Join samples with
    `PoseBatch.stack`.

    Dives without masks raise `DataError` unless `needs_masks` is False; unknown poses are NaN.
    """

    def __init__(
        self,
        source: DiveSource,
        transform: ClipTransform | None = None,
        *,
        needs_masks: bool = True,
        seed: int = 0,
    ) -> None:
        transform = ClipTransform.for_centre_training() if transform is None else transform
        if transform.random_crop:
            raise ValueError("landmarks are positions in the centre crop: use a transform without a random crop")
        # Poses have to be flipped, too, so the flip is done here.
        super().__init__(source, replace(transform, flip_probability=0.0), seed=seed)
        self._flip_probability, self._needs_masks = transform.flip_probability, needs_masks

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> PoseBatch:
        dive = self._source.at_epoch(epoch)[index]
        numbers = self._transform.numbers(dive, rng)
        frames, masks, places = read_distinct_frames(dive, numbers)
        if masks is None and self._needs_masks:
            raise DataError(f"{dive.location}: it has no masks, which this dataset needs.")
        clip, mask = self._transform(frames, masks, rng)
        clip, mask = clip[:, places], None if mask is None else mask[:, places]
        labels = dive.read_poses(numbers.tolist())
        if labels is None:
            poses = np.full((CLIP_FRAMES, len(POSE_FIELDS)), np.nan, np.float32)
            points = np.full((CLIP_FRAMES, len(LANDMARKS), 2), np.nan, np.float32)
        else:
            poses = labels[:, : len(POSE_FIELDS)]
            points = clip_positions(pose_landmarks(labels), *frames.shape[1:3])
            if mask is not None:
                hidden = mask[0].sum((1, 2)).numpy() < MIN_VISIBLE_PIXELS * self._transform.mask_scale**2
                poses[hidden], points[hidden] = np.nan, np.nan
        if rng.random() < self._flip_probability:
            clip, mask = clip.flip(-1), None if mask is None else mask.flip(-1)
            flip_poses(poses, points)
        return PoseBatch(
            ClipBatch.from_dive(dive, numbers, clip, mask),
            torch.from_numpy(poses)[None],
            torch.from_numpy(points)[None],
        )


def flip_poses(poses: np.ndarray, points: np.ndarray) -> None:
    """Flip poses [F, 25], and points [..., 2] relative to the centre, horizontally, in place."""
    poses[:, MIRRORED_FIELDS] *= -1
    points[..., 0] *= -1


def clip_positions(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Convert points [..., 2] of a frame, in heights from its upper left corner, to sides of the centre crop from its
    centre; float32."""
    x = points[..., 0] * height / width  # share of the width
    if not is_cropped(width, height):
        x = (x - 0.5) * LOADER_WIDTH / CLIP_SIDE + 0.5
    return np.stack([x - 0.5, points[..., 1] - 0.5], -1).astype(np.float32)


TOUCH_ERRORS = {-1: 0.15, 0: 0.7, 1: 0.15}
"""Probability of an error of the touch by a number of frames: predictions are half a frame off on average."""
POSITION_ERROR, LENGTH_ERROR = 0.03, 0.05
"""Standard deviations of the crops' position in each direction, in lengths of the diver, and of the logarithm of that
length."""


@dataclass(frozen=True)
class EntryClipBatch(TensorBatch):
    """Crops of B entries, with their labels."""

    crops: torch.Tensor
    """uint8 [B, 16, 3, S, S], see `EntryCrops`."""
    median: torch.Tensor
    """uint8 [B, 3, S, S]: median of the crops, mostly background."""
    inside: torch.Tensor
    """bool [B, 16]: False for frames after the clip's end."""
    measures: torch.Tensor
    """float32 [B, 3], see `EntryCrops.measures`."""
    deductions: torch.Tensor
    """float32 [B, 14]: deduction of each fault in awards; NaN where unknown."""
    award: torch.Tensor
    """float32 [B]: award of a judge without bias and noise; NaN where unknown."""
    layers: torch.Tensor | None = None
    """uint8 [B, 16, 3, S / 2, S / 2]: shares of `LAYERS` in each pixel; None unless requested."""

    def __len__(self) -> int:
        return len(self.crops)


class EntryDataset(DiveDataset[EntryClipBatch]):
    """Entry of each dive of a source, with errors of a prediction, trimmed at random.

    Join samples with `EntryClipBatch.stack`. Dives without masks or transitions raise `DataError`, and with
    `with_layers` those without layers.

    Args:
        size: side S of the crops, pixels.
        margin: sides of the crops over those of `EntryCrops`.
        scale: frames are read at this multiple of 112 x 112.
        with_layers: read the layers, too.
        seed: seed of the random errors and trims.
    """

    def __init__(
        self,
        source: DiveSource,
        size: int,
        *,
        margin: float = 1.0,
        scale: int = 1,
        with_layers: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(source, ClipTransform.for_centre_training(scale=scale), seed=seed)
        self._size, self._margin, self._with_layers = size, margin, with_layers

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> EntryClipBatch:
        dive = self._source.at_epoch(epoch)[index]
        numbers = self._transform.numbers(dive, rng)
        transitions = dive.transitions(numbers)
        if transitions is None:
            raise DataError(f"{dive.location}: it has no transitions, which locate its entry.")
        last = CLIP_FRAMES - 1
        error = rng.choice(list(TOUCH_ERRORS), p=list(TOUCH_ERRORS.values()))
        touch = int(np.clip(transitions.entry + error, transitions.flight + 1, last))
        frames = np.array(required_frames(touch, last))
        images, masks, places = read_distinct_frames(dive, numbers[frames])
        if masks is None:
            raise DataError(f"{dive.location}: it has no masks, which locate its entry.")
        images = centre_crop(resize_frames(images, self._transform.scale))[places]
        masks = centre_crop(resize_frames(masks))[places]
        all_masks = torch.zeros(1, CLIP_FRAMES, *masks.shape[1:])
        all_masks[0, frames] = torch.from_numpy(masks).float()
        entry = EntryCrops.from_masks(
            all_masks,
            torch.tensor([[transitions.flight, touch]]),
            sparse_camera_motion(images, frames, CLIP_FRAMES),
            images.shape[1],
        )
        entry = _perturbed(entry, rng)
        rows = np.searchsorted(frames, entry.frames[0].numpy())
        pixels = torch.from_numpy(np.ascontiguousarray(images[rows])).permute(0, 3, 1, 2)[None]
        crops, median = entry.crop_pixels(pixels, self._size, self._margin)
        return EntryClipBatch(
            crops.byte(),
            median.byte(),
            entry.inside,
            entry.measures,
            deductions_tensor(dive)[None],
            noise_free_award_tensor(dive)[None],
            self._layers(dive, numbers, entry) if self._with_layers else None,
        )

    def _layers(self, dive: Dive, numbers: np.ndarray, entry: EntryCrops) -> torch.Tensor:
        """Layers of the crops, [1, 16, 3, S / 2, S / 2]."""
        layers = dive.read_layers(numbers[entry.frames[0].numpy()].tolist())
        if layers is None:
            raise DataError(f"{dive.location}: it has no layers, which only simulated dives have.")
        images = torch.from_numpy(np.ascontiguousarray(centre_crop(resize_frames(layers, self._transform.scale))))
        crops = entry.track.enlarge(self._margin).crop(images.permute(3, 0, 1, 2)[None].float(), self._size // 2)
        return crops.round().clamp(0, 255).byte()[None]


def _perturbed(entry: EntryCrops, rng: np.random.Generator) -> EntryCrops:
    """Crops with the position and length errors of a prediction."""
    scale = float(np.float32(np.exp(rng.normal(0, LENGTH_ERROR))))
    shift = torch.from_numpy(rng.normal(0, POSITION_ERROR, 2).astype(np.float32)) * entry.track.half_side[..., None]
    track = CropTrack(entry.track.centre + shift, entry.track.half_side * scale)
    return replace(entry, track=track, length=entry.length * scale)
