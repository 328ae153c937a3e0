"""The task "crops": the crop encoder of `CompactFineParser`, on cached crops around the diver.

The cost of a fault is one label a dive; mask and pose are labels of every frame. Most batches are single frames of many
dives; some dives are used whole, so that the features of frames serve what happens over time: transitions and faults.

Cache, `crops/` in the folder of the run; 1,000 dives take 8.2 GB:

  crops.npy      uint8 [N, 96, 5, 120, 120]: red, green, blue, the guide mask, the true mask
  poses.npy      float32 [N, 96, 25]: poses
  keypoints.npy  float32 [N, 96, 7, 2]: keypoints, right and down, -1 to 1 from edge to edge of the crop
  guides.npy     uint8 [N, 96, 112, 112]: the guide masks, of the whole frames
  places.npy     float32 [N, 96, 3]: centre and half side of the crop, see `CropTrack`
  labels.npy     float32 [N, 16]: transitions, award of a judge without noise, cost of each fault

The guide mask is the mask that the crop was placed by. Cached crops are a quarter larger than those of the network: the
augmentation shifts and scales them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from fineparser.data.batches import TensorBatch
from fineparser.data.dives import DiveSource
from fineparser.data.simulated_datasets import PoseBatch, PoseDataset, flip_poses
from fineparser.data.transforms import ClipTransform, jitter_colours
from fineparser.domain.clip_geometry import CLIP_FRAMES, LANDMARKS
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.crop_decoder import CropPrediction
from fineparser.model.crop_track import CropTrack
from fineparser.model.protocol import Network, denormalise, frame_probability, normalise
from fineparser.model.temporal_action_parser import decode_transitions
from fineparser.simulator.athlete.pose import POSE_FIELDS
from fineparser.training.auxiliary_losses import (
    TRACK_FAULT_WEIGHT,
    TRACK_POSE_WEIGHT,
    PoseHead,
    TokenFaultHead,
    keypoint_loss,
    pose_loss,
    token_fault_loss,
)
from fineparser.training.encoded_dives import resize_clips
from fineparser.training.feature_cache import CacheContents, CachedDataset
from fineparser.training.losses import Losses, dice_mask_loss, soft_transition_loss
from fineparser.training.mask_threshold import calibrate_mask_bias
from fineparser.training.options import OptionsError, TrainOptions
from fineparser.training.tasks.base import PartialNetwork, StepContext, TaskContext, TrainingTask

MAX_JITTER = 2
"""Frames by which a labelled transition moves at most, about the error of predicted ones."""


def pooling_transitions(model: CompactFineParser, labelled: Tensor, probabilities: Tensor) -> Tensor:
    """Transitions to pool at, int64 [B, 2].

    Args:
        model: network that decodes the probabilities.
        labelled: [B, 2], NaN if unknown; known ones are used with jitter.
        probabilities: [B, 96, 2] of the transitions, used where there are no labels.
    """
    predicted = decode_transitions(probabilities.detach(), model.config.transition_rule)
    is_known = labelled.isfinite()
    jittered = jitter_transitions(labelled.where(is_known, 0).long(), model.config.clip_frames)
    return jittered.where(is_known, predicted)


def jitter_transitions(transitions: Tensor, frames: int) -> Tensor:
    """Transitions [B, 2] moved by random numbers of frames; the flight stays before the entry, both inside the clip."""
    moved = (transitions + torch.randint_like(transitions, -MAX_JITTER, MAX_JITTER + 1)).clamp(0, frames - 1)
    return torch.stack([moved[:, 0], torch.maximum(moved[:, 1], moved[:, 0] + 1).clamp(max=frames - 1)], dim=1)


CROP_MARGIN = 1.25
"""Side of a cached crop over that of the crop of the network."""
FRAME_STRIDE = 8
"""Frames between two frames of a sample: neighbours are nearly the same."""
DIVES_PER_TRACK = 8
"""Dives with single frames in a batch for each dive that is used whole, so that both have about as many frames."""
SMALLEST_CROP, LARGEST_CROP = 0.8, 1.2
"""Range of the sizes of augmented crops, over that of the crop of the network."""
GUIDE_MASK_DROPOUT = 0.2
"""Share of the samples without a guide mask: the diver has to be found even if it misses them."""
CHANNELS = 5
"""Channels of a cached crop."""


@dataclass(frozen=True)
class CropBatch(TensorBatch):
    """F crops each of B clips."""

    crops: Tensor
    """float32 [B, F, 10, 96, 96]: the frame, normalised as clips are, the guide mask, 0 to 1, and the frames before and
    after."""
    truth: Tensor
    """bool [B, F, 96, 96]: true mask."""
    poses: Tensor
    """float32 [B, F, 25] poses, see `fineparser.simulator.athlete.pose.POSE_FIELDS`; NaN if unknown."""
    keypoints: Tensor
    """float32 [B, F, 7, 2] keypoints: right and down, -1 to 1 from edge to edge; NaN if unknown or outside."""

    def __len__(self) -> int:
        return len(self.crops)


@dataclass(frozen=True)
class TrackBatch(CropBatch):
    """All 96 crops of B clips, with the labels of the dives."""

    guides: Tensor
    """float32 [B, 96, 112, 112]: guide masks of the whole frames, 0 to 1."""
    places: Tensor
    """float32 [B, 96, 3]: centre and half side of the crops, see `CropTrack`."""
    labels: Tensor
    """float32 [B, 16]: transitions, award of a judge without noise, cost of each fault; NaN if unknown."""

    @property
    def transitions(self) -> Tensor:
        """[B, 2]"""
        return self.labels[:, :2]

    @property
    def award(self) -> Tensor:
        """[B]"""
        return self.labels[:, 2]

    @property
    def deductions(self) -> Tensor:
        """[B, 13]"""
        return self.labels[:, 3:]


class CachedCrops(CachedDataset):
    """Augmented crops of cached clips. Base of `SingleCrops` and `CropTracks`."""

    def _augment(
        self, index: int, frames: np.ndarray, rng: np.random.Generator
    ) -> tuple[CropBatch, "CropAugmentation"]:
        """Crops of some frames of a clip, and their augmentation."""
        crops, poses, keypoints = (self._row(name, index) for name in ("crops", "poses", "keypoints"))
        poses, keypoints = poses[frames], keypoints[frames]
        neighbours = [crops[np.clip(frames + step, 0, len(crops) - 1), :3] for step in (-1, 1)]
        crops = np.concatenate([crops[frames], *neighbours], axis=1)
        augmentation = CropAugmentation.random(crops.shape[-1], rng)
        crops = augmentation.apply(crops, self._size)
        keypoints = augmentation.apply_to_keypoints(keypoints)
        if augmentation.is_mirrored:
            flip_poses(poses, keypoints)
        colours = (0, *range(CHANNELS, crops.shape[-1], 3))  # first channels of the frame and of its neighbours
        pictures = np.concatenate([crops[..., first : first + 3] for first in colours])
        if self._colour_jitter:
            pictures = jitter_colours(pictures, rng, self._colour_jitter)
        current, before, after = normalise(pictures).split(len(frames), dim=1)
        guide, truth = torch.from_numpy(crops[..., 3:CHANNELS].transpose(3, 0, 1, 2) / np.float32(255))
        if rng.random() < GUIDE_MASK_DROPOUT:
            guide = torch.zeros_like(guide)
        batch = CropBatch(
            torch.cat([current, guide[None], before, after]).transpose(0, 1)[None],
            (truth >= 0.5)[None],
            torch.from_numpy(poses)[None],
            torch.from_numpy(keypoints)[None],
        )
        return batch, augmentation


class SingleCrops(CachedCrops):
    """Every eighth frame of each clip, from a random one on."""

    def __getitem__(self, index: int) -> CropBatch:
        """IndexError if there is no such clip."""
        rng = self._random(index)
        return self._augment(index, np.arange(int(rng.integers(FRAME_STRIDE)), CLIP_FRAMES, FRAME_STRIDE), rng)[0]


class CropTracks(CachedCrops):
    """All frames of each clip."""

    def __getitem__(self, index: int) -> TrackBatch:
        """IndexError if there is no such clip."""
        # Another stream of random numbers than that of `SingleCrops`.
        batch, augmentation = self._augment(index, np.arange(CLIP_FRAMES), self._random(index, 1))
        guides, places, labels = (self._row(name, index) for name in ("guides", "places", "labels"))
        guides, places = guides / np.float32(255), augmentation.apply_to_places(places)
        if augmentation.is_mirrored:
            guides = guides[..., ::-1]
        return TrackBatch(
            **vars(batch),
            guides=torch.from_numpy(np.ascontiguousarray(guides))[None],
            places=torch.from_numpy(places)[None],
            labels=torch.from_numpy(labels.copy())[None],
        )


@dataclass(frozen=True)
class CropAugmentation:
    """A square part of cached crops, in their pixels, mirrored or not."""

    cached_side: int
    left: int
    top: int
    side: int
    is_mirrored: bool

    @classmethod
    def random(cls, cached_side: int, rng: np.random.Generator) -> "CropAugmentation":
        """A random part of crops with `cached_side` pixels a side."""
        size = cached_side / CROP_MARGIN * rng.uniform(SMALLEST_CROP, LARGEST_CROP)
        side = int(np.clip(round(size), 8, cached_side))
        left, top = rng.integers(0, cached_side - side + 1, 2)
        return cls(cached_side, int(left), int(top), side, bool(rng.random() < 0.5))

    def apply(self, crops: np.ndarray, size: int) -> np.ndarray:
        """Cached crops [F, C, K, K] -> augmented crops [F, size, size, C]."""
        part = np.s_[..., self.top : self.top + self.side, self.left : self.left + self.side]
        crops = crops[part].transpose(0, 2, 3, 1)
        crops = np.stack([cv2.resize(np.ascontiguousarray(crop), (size, size)) for crop in crops])
        return crops[:, :, ::-1] if self.is_mirrored else crops

    def apply_to_keypoints(self, keypoints: np.ndarray) -> np.ndarray:
        """Keypoints [..., 2] in the coordinates of the augmented crop, not mirrored; NaN if they are outside."""
        corner = np.array([self.left, self.top])
        pixels = (keypoints / CROP_MARGIN + 1) / 2 * self.cached_side
        moved = ((pixels - corner) / self.side * 2 - 1).astype(np.float32)
        moved[(np.abs(moved) > 1).any(-1)] = np.nan
        return moved

    def apply_to_places(self, places: np.ndarray) -> np.ndarray:
        """Centre and half side [F, 3] of the augmented crop from those of the crop of the network."""
        centre, half_side = places[:, :2], places[:, 2:] * CROP_MARGIN
        middle = (np.array([self.left, self.top]) + self.side / 2) / self.cached_side * 2 - 1
        centre = (centre + half_side * middle) * ((-1, 1) if self.is_mirrored else (1, 1))
        return np.concatenate([centre, half_side * self.side / self.cached_side], axis=1).astype(np.float32)


class CropOutputs(TypedDict):
    """Outputs of `CropNetwork` for single crops of B clips and all crops of W clips."""

    prediction: CropPrediction
    """Masks and keypoints of all B * 12 + W * 96 crops."""
    poses: Tensor
    """[B, 12, 25] of the single crops."""
    track_poses: Tensor
    """[W, 96, 25]"""
    probabilities: Tensor
    """[W, 96, 2] of the transitions."""
    faults: tuple[Tensor, Tensor]
    """Outputs of the `TokenFaultHead`."""


class CropNetwork(PartialNetwork):
    """Masks, keypoints and poses of crops, and transitions and faults of tracks; the parts that predict them learn.

    Args:
        model: the network; OptionsError for the published one, which has no crops.
    """

    model: CompactFineParser

    def __init__(self, model: Network) -> None:
        if not isinstance(model, CompactFineParser):
            raise OptionsError("train='crops' trains the crop encoder of CompactFineParser: this is another network")
        pooling = [model.static_pooling, model.dynamic_pooling]
        super().__init__(model, [model.crop_encoder, *pooling, model.crop_decoder, model.temporal_action_parser])
        self.pose_head = PoseHead(model.config.frame_features)
        self.track_pose_head, self.fault_head = PoseHead(model.config.track_width), TokenFaultHead(model.config)

    def forward(self, crops: Tensor, track: TrackBatch) -> CropOutputs:
        """Predict from crops [B, 12, 10, 96, 96] of single frames and from W whole clips."""
        all_crops = torch.cat([crops.flatten(0, 1), track.crops.flatten(0, 1)])
        features, prediction = self.model.decode_crops(all_crops, 1)
        shapes = crops.shape[:2], track.crops.shape[:2]
        single, along = (
            values.unflatten(0, shape)
            for values, shape in zip(features[0].split([shape.numel() for shape in shapes]), shapes, strict=True)
        )
        masks = prediction.mask[shapes[0].numel() :].detach().float().sigmoid().unflatten(0, shapes[1])
        tracks, probabilities = self.model.temporal_parse(along, mask_measures(masks, track))
        transitions = pooling_transitions(self.model, track.transitions, probabilities)
        _, temporal, _ = tracks.split(self.model.config.track_parts, dim=-1)
        return {
            "prediction": prediction,
            "poses": self.pose_head(single),
            "track_poses": self.track_pose_head(temporal),
            "probabilities": probabilities,
            "faults": self.fault_head(**self.model.phase_tokens(tracks[:, None], transitions)),
        }


def mask_measures(masks: Tensor, track: TrackBatch) -> Tensor:
    """Measures [W, 96, 9] of masks predicted in crops [W, 96, 96, 96], see `CropTrack.measures`."""
    crop_track = CropTrack(track.places[..., :2], track.places[..., 2])
    return crop_track.measures(crop_track.paste(masks, track.guides))


class CropsTask(TrainingTask):
    """Training of the crop encoder, the crop decoder and the encoding of tracks."""

    name: ClassVar[str] = "crops"
    trained_part: ClassVar[str] = "the crop encoder alone"
    cache_name: ClassVar[str | None] = "crops"
    calibrates_mask_threshold: ClassVar[bool] = True
    network: CropNetwork

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        self.network = CropNetwork(self.model)
        config, options = self.network.model.config, self.options
        self._clips = posed_clips(context.training, config, options)
        self.write_cache(context.inference_copy(), self._clips, crop_cache(config))
        folder, size = self.cache_folder, config.crop_size
        self._crops = SingleCrops(folder, size, options.colour_jitter, seed=options.seed)
        self._tracks = CropTracks(folder, size, options.colour_jitter, seed=options.seed)

    def __len__(self) -> int:
        return len(self._crops)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[tuple[CropBatch, TrackBatch]]:
        crops = self.read_batches(self._crops, epoch, indices)
        tracks = self.read_batches(self._tracks, epoch, [batch[::DIVES_PER_TRACK] for batch in indices])
        yield from zip(crops, tracks, strict=True)

    def losses(self, network: nn.Module, batch: tuple[CropBatch, TrackBatch], step: StepContext) -> Losses:
        crops = batch[0].to(self.device, non_blocking=True)
        track = batch[1].to(self.device, non_blocking=True)
        outputs: CropOutputs = network(crops.crops, track)
        weight, track_weight = (step.weights(len(part), self.device) for part in (crops, track))
        parts = ((crops, weight), (track, track_weight))
        crop_weight = torch.cat([w.repeat_interleave(part.crops.shape[1]) for part, w in parts])
        # Each crop as a window of one frame.
        truth = torch.cat([part.truth.flatten(0, 1) for part, _ in parts])[:, None, None]
        logits = outputs["prediction"].mask[:, None, None]
        keypoints = torch.cat([part.keypoints.flatten(0, 1) for part, _ in parts])
        auxiliary = pose_loss(outputs["poses"], crops.poses, weight)
        auxiliary = auxiliary + keypoint_loss(outputs["prediction"], keypoints, crop_weight)
        auxiliary = auxiliary + TRACK_POSE_WEIGHT * pose_loss(outputs["track_poses"], track.poses, track_weight)
        faults = token_fault_loss(outputs["faults"], track.deductions, track.award, track_weight)
        auxiliary = auxiliary + TRACK_FAULT_WEIGHT * faults
        labelled = track_weight * track.transitions.isfinite().all(1)
        return Losses(
            transition=soft_transition_loss(
                outputs["probabilities"], track.transitions, labelled, step.normaliser(labelled)
            ),
            mask=dice_mask_loss([logits], truth, crop_weight, step.normaliser(crop_weight)),
            auxiliary=auxiliary,
            transition_weight=self.options.transition_weight,
            mask_weight=self.options.mask_weight,
        )

    def calibrate_mask_threshold(self) -> float:
        return calibrate_mask_bias(self.network.model, self._clips, self.network.model.crop_decoder.mask)


def posed_clips(training: DiveSource, config: CompactConfig, options: TrainOptions) -> PoseDataset:
    """Whole training clips with masks and poses, without augmentation: that is part of the cached datasets."""
    transform = ClipTransform.for_centre_training(scale=config.input_scale)
    transform = replace(transform, flip_probability=0.0, mask_scale=config.input_scale)
    return PoseDataset(training, transform, seed=options.seed)


def crop_cache(config: CompactConfig) -> CacheContents:
    """Contents of the cache."""
    side, mask_side, frames = round(config.crop_size * CROP_MARGIN), config.image_size, config.clip_frames
    return CacheContents(
        arrays={
            "crops": ((frames, CHANNELS, side, side), np.uint8),
            "poses": ((frames, len(POSE_FIELDS)), np.float32),
            "keypoints": ((frames, len(LANDMARKS), 2), np.float32),
            "guides": ((frames, mask_side, mask_side), np.uint8),
            "places": ((frames, 3), np.float32),
            "labels": ((3 + len(DEDUCTION_CURVES),), np.float32),
        },
        compute=compute_crops,
    )


def compute_crops(model: CompactFineParser, batch: PoseBatch) -> tuple[np.ndarray, ...]:
    """Rows of the cache for B clips, with crops placed by the masks of the spatial parser."""
    clips = resize_clips(batch.clips.clips, model.config.input_size)
    guides = frame_probability(model.predict_masks(clips), model.config.window_starts)
    track = CropTrack.from_masks(guides)
    labels = batch.clips
    transitions = labels.transitions.float().where(labels.has_transitions[:, None], torch.nan)
    places = torch.cat([track.centre, track.half_side[..., None]], dim=-1)
    dive_labels = torch.cat([transitions, labels.noise_free_award[:, None].float(), labels.deductions], dim=-1)
    crops = cut_crops(track, guides, clips, batch, model.config.crop_size)
    return *crops, *(values.cpu().numpy() for values in ((guides * 255).round().byte(), places, dive_labels))


def cut_crops(
    track: CropTrack, guides: Tensor, clips: Tensor, batch: PoseBatch, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crops [B, 96, 5, 120, 120], poses [B, 96, 25] and keypoints [B, 96, 7, 2] as they are cached.

    Args:
        track: where the crops are.
        guides: [B, 96, 112, 112], guide masks.
        clips: [B, 3, 96, H, W].
        batch: true masks, poses and keypoints.
        size: height and width of the crops of the network.
    """
    large = track.enlarge(CROP_MARGIN)
    assert batch.clips.masks is not None  # PoseDataset refuses dives without masks
    # Each is cut from its own resolution: the guide masks are coarser than the frames and the true masks.
    layers = (clips.float(), guides[:, None].float(), batch.clips.masks.float())
    crops = torch.cat([large.crop(layer, round(size * CROP_MARGIN)) for layer in layers], dim=1)
    crops = crops.unflatten(0, guides.shape[:2])
    crops[:, :, :3] = denormalise(crops[:, :, :3])
    values = (crops * 255).round().clamp(0, 255).byte()
    keypoints = (batch.landmarks - track.centre[:, :, None]) / track.half_side[:, :, None, None]
    return values.cpu().numpy(), batch.poses.cpu().numpy(), keypoints.cpu().numpy()
