"""The task "motion": the motion head of `CompactFineParser`, on cached tracks of simulated dives.

Cache, `motion/` in the folder of the run; 1,000 dives take 0.2 GB:

  tracks.npy  float16 [N, 2, 96, 445]: tracks of the clip and of its mirror image
  camera.npy  float32 [N, 96, 6]: camera motion between places, see `share_motion`, its first two rows
  shots.npy   int16 [N, 96]: number of the shot of each frame
  motion.npy  float32 [N, 96, 13]: `MOTION_FIELDS`
  dives.npy   float32 [N, 10]: `DIVE_FIELDS`

The motion is known of dives that are simulated for the run (syndive:1000), not of those in a store. A network without a
motion head gets one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.data.batches import TensorBatch
from fineparser.data.clip_input import clip_input
from fineparser.data.motion_dataset import DIVE_FIELDS, MOTION_FIELDS, MotionBatch, MotionDataset
from fineparser.data.readers.syndive import SynDives
from fineparser.domain.clip_geometry import sample_frames
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.motion_head import (
    CHOICES,
    FRAME_STATISTICS,
    MotionHead,
    MotionLogits,
    half_sides,
    inputs_of,
    share_motion,
)
from fineparser.model.protocol import frame_probability
from fineparser.training.encoded_dives import resize_clips
from fineparser.training.feature_cache import CacheContents, CachedDataset
from fineparser.training.losses import Losses, soft_transition_loss
from fineparser.training.options import OptionsError
from fineparser.training.tasks.base import PartialNetwork, StepContext, TaskContext, TrainingTask

TRAINING_HEIGHTS = (1, 1, 3, 3, 5, 7.5, 10, 10)
"""Heights of the simulated dives, as often as they are listed: competitions from 1 m are rare, recordings are not."""
MOTION_WIDTH = 128
"""Channels of the motion head that a network without one gets."""
RESAMPLE_PROBABILITY = 0.7
"""Share of the samples that are another part of the clip, at another speed."""
MIN_MARGIN = 3
"""Frames that stay before the flight and after the first of the entry in such a part."""
FRAME_NOISE, CLIP_NOISE = 0.2, 0.3
"""Standard deviations of the noise of the inputs, in those of the inputs: of each frame, and of all frames of a sample
alike, as another kind of recording has."""
FEATURE_DROPOUT = 0.1
"""Share of the inputs that are their mean throughout a sample."""
LABEL_SMOOTHING = 0.05
FRAME_WEIGHTS = {
    "somersault_cos": 2.0,
    "somersault_sin": 2.0,
    "twist_cos": 1.0,
    "twist_sin": 1.0,
    "somersault_rate": 2.0,
    "twist_rate": 1.0,
}
"""Weights of the outputs of a frame in the loss; the others have `OTHER_FRAME_WEIGHT`."""
OTHER_FRAME_WEIGHT = 0.5
CHOICE_WEIGHT = 0.3
"""Weight of the mean cross-entropy of the choices beside the loss of the frames."""
MIN_DEVIATION = 1e-3
"""Least standard deviation of an input: some features are always 0."""
STATISTICS_CLIPS = 256
"""Clips that the mean and the standard deviation of the inputs are measured on."""


@dataclass(frozen=True)
class MotionTrackBatch(TensorBatch):
    """One pass over each of B clips, with the labels of the motion head."""

    inputs: Tensor
    """float32 [B, 96, 451], see `inputs_of`."""
    frames: Tensor
    """float32 [B, 96, 13]: true `FRAME_STATISTICS`; NaN if unknown."""
    transitions: Tensor
    """float32 [B, 2]: frames; NaN if the transition is outside the clip."""
    choices: Tensor
    """float32 [B, 6]: index of each of `CHOICES`; NaN if unknown."""

    def __len__(self) -> int:
        return len(self.inputs)


class MotionTracks(CachedDataset):
    """Cached tracks; in training a random pass over a random part of each clip.

    Args:
        folder: of a complete cache.
        config: of the network.
        augments: False for the first pass over the whole clip.
        seed: of the augmentation.
    """

    def __init__(self, folder: Path, config: CompactConfig, *, augments: bool = True, seed: int = 0) -> None:
        super().__init__(folder, config.crop_size, seed=seed)
        self._config, self._augments = config, augments

    def __getitem__(self, index: int) -> MotionTrackBatch:
        """IndexError if there is no such clip."""
        rng = self._random(index)
        rows = (np.array(self._row(name, index)) for name in ("tracks", "camera", "shots", "motion", "dives"))
        tracks, camera, shots, motion, dive = map(torch.from_numpy, rows)
        labels = MotionLabels(motion, dive)
        frames, number = torch.arange(len(motion)), 0
        if self._augments:
            number = int(rng.integers(len(tracks)))
            if rng.random() < RESAMPLE_PROBABILITY:
                frames = random_part(labels.transitions, len(motion), rng)
        camera = functional.pad(camera.unflatten(-1, (2, 3)), (0, 0, 0, 1))
        camera[:, 2, 2] = 1
        tracks = tracks[:, frames].float()
        inputs = inputs_of(tracks[None], camera[None, frames], shots[None, frames], self._config)[0, number]
        labels = labels.select(frames)
        return MotionTrackBatch(
            inputs[None],
            labels.frame_outputs(half_sides(tracks[number], self._config))[None],
            labels.transitions[None],
            labels.choices[None],
        )


def random_part(transitions: Tensor, frames: int, rng: np.random.Generator) -> Tensor:
    """Indices of the frames of a random part of a clip with these transitions, int64 [frames]."""
    flight, entry = transitions.nan_to_num(nan=frames - 1).tolist()
    first = round(rng.random() * max(0, flight - MIN_MARGIN))
    last = frames - 1 - round(rng.random() * max(0, frames - 1 - entry - MIN_MARGIN))
    return torch.from_numpy(sample_frames(first, last, frames))


@dataclass(frozen=True)
class MotionLabels:
    """Labels of one clip."""

    motion: Tensor
    """[T, 13], see `MOTION_FIELDS`."""
    dive: Tensor
    """[10], see `DIVE_FIELDS`."""

    def select(self, frames: Tensor) -> "MotionLabels":
        """Labels of some of the frames, as a clip of its own."""
        return MotionLabels(self.motion[frames], self.dive)

    @property
    def transitions(self) -> Tensor:
        """[2]: first frame of the flight and of the entry; NaN if it is outside the clip."""
        seconds = self.motion[:, MOTION_FIELDS.index("seconds")].contiguous()
        starts = self.dive[[DIVE_FIELDS.index("flight"), DIVE_FIELDS.index("entry")]]
        frames = torch.searchsorted(seconds, starts)
        return frames.float().where((frames > 0) & (frames < len(seconds)), torch.nan)

    @property
    def choices(self) -> Tensor:
        """[6]: index of each of `CHOICES`; NaN if unknown."""
        return self.dive[[DIVE_FIELDS.index(name) for name in CHOICES]]

    def frame_outputs(self, half_side: Tensor) -> Tensor:
        """[T, 13]: true `FRAME_STATISTICS` in crops with these half sides [T]; NaN if unknown."""
        labels = dict(zip(MOTION_FIELDS, self.motion.unbind(-1), strict=True))
        seconds = (labels["seconds"][-1] - labels["seconds"][0]) / (len(self.motion) - 1)
        somersault, twist = 2 * torch.pi * labels["somersault"], 2 * torch.pi * labels["twist"]
        labels |= {
            "somersault_cos": somersault.cos(),
            "somersault_sin": somersault.sin(),
            "twist_cos": twist.cos(),
            "twist_sin": twist.sin(),
            "somersault_rate": labels["somersault_speed"] * seconds,
            "twist_rate": labels["twist_speed"] * seconds,
            "log_metre": (labels["metre"] / (2 * half_side)).log(),
        }
        return torch.stack([labels[name] for name in FRAME_STATISTICS], dim=-1)


class MotionNetwork(PartialNetwork):
    """Outputs of the motion head, which alone is trained.

    Args:
        model: a network with a motion head.
    """

    model: CompactFineParser

    def __init__(self, model: CompactFineParser) -> None:
        super().__init__(model, [motion_head(model)])

    def forward(self, inputs: Tensor) -> MotionLogits:
        """Outputs for inputs [B, 96, 451], see `inputs_of`."""
        logits: MotionLogits = motion_head(self.model)(inputs)
        return logits


class MotionTask(TrainingTask):
    """Training of the motion head."""

    name: ClassVar[str] = "motion"
    trained_part: ClassVar[str] = "the motion head alone"
    cache_name: ClassVar[str | None] = "motion"
    network: MotionNetwork

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        model, options = self.model, self.options
        if not isinstance(model, CompactFineParser):
            raise OptionsError("train='motion' trains the motion head of CompactFineParser: this is another network")
        training = context.training
        if isinstance(training, SynDives):
            training = replace(training, heights=TRAINING_HEIGHTS)
        clips = MotionDataset(
            training,
            scale=model.config.input_scale,
            colour_jitter=options.colour_jitter,
            seed=options.seed,
        )
        # Before the network gets its head: the tracks do not depend on it.
        self.write_cache(context.inference_copy(), clips, motion_cache(model.config))
        if model.motion_head is None:
            model.add_motion_head(MOTION_WIDTH)
            tracks = MotionTracks(self.cache_folder, model.config, augments=False)
            motion_head(model).standardise(*input_statistics(tracks))
        self.network = MotionNetwork(model)
        self._tracks = MotionTracks(self.cache_folder, model.config, seed=options.seed)

    def __len__(self) -> int:
        return len(self._tracks)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[MotionTrackBatch]:
        yield from self.read_batches(self._tracks, epoch, indices)

    def losses(self, network: nn.Module, batch: MotionTrackBatch, step: StepContext) -> Losses:
        batch = batch.to(self.device, non_blocking=True)
        logits: MotionLogits = network(perturb(batch.inputs, motion_head(self.network.model)))
        weight = step.weights(len(batch), self.device)
        labelled = weight * batch.transitions.isfinite().all(1)
        return Losses(
            transition=soft_transition_loss(
                logits.transitions.softmax(dim=1), batch.transitions, labelled, step.normaliser(labelled)
            ),
            auxiliary=frame_loss(logits.frames, batch.frames, weight)
            + CHOICE_WEIGHT * choice_loss(logits.choices, batch.choices, weight),
            transition_weight=self.options.transition_weight,
        )


def motion_head(model: CompactFineParser) -> MotionHead:
    """Motion head of a network; ValueError if it has none."""
    if model.motion_head is None:
        raise ValueError("this network has no motion head: give it one with add_motion_head")
    return model.motion_head


def perturb(inputs: Tensor, head: MotionHead) -> Tensor:
    """Inputs [B, 96, 451] with noise, and some of them replaced by their mean."""
    clip = inputs[:, :1]
    noise = FRAME_NOISE * torch.randn_like(inputs) + CLIP_NOISE * torch.randn_like(clip)
    dropped = torch.rand_like(clip) < FEATURE_DROPOUT
    return torch.where(dropped, head.mean, inputs + noise * head.deviation)


def input_statistics(tracks: MotionTracks) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation [451] of the inputs over the first clips."""
    inputs = torch.cat([tracks[index].inputs[0] for index in range(min(len(tracks), STATISTICS_CLIPS))])
    return inputs.mean(0), inputs.std(0).clamp_min(MIN_DEVIATION)


def frame_loss(predicted: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Loss of the numbers of frames [B, 96, 13], in their standard deviations: squared error of cosines and sines,
    smooth L1 of the others; weight [B]. Numbers that are NaN do not count."""
    deviations = predicted.new_tensor([deviation for _, deviation in FRAME_STATISTICS.values()])
    shares = predicted.new_tensor([FRAME_WEIGHTS.get(name, OTHER_FRAME_WEIGHT) for name in FRAME_STATISTICS])
    is_angle = torch.tensor([name.endswith(("_cos", "_sin")) for name in FRAME_STATISTICS], device=predicted.device)
    is_known = truth.isfinite() & (weight[:, None, None] > 0)
    errors = (predicted - truth.where(is_known, 0.0)) / deviations
    smooth = functional.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none", beta=0.5)
    errors = torch.where(is_angle, errors.square(), smooth) * is_known
    return (errors.sum((0, 1)) / is_known.sum((0, 1)).clamp_min(1) * shares).sum() / shares.sum()


def choice_loss(logits: dict[str, Tensor], truth: Tensor, weight: Tensor) -> Tensor:
    """Mean cross-entropy of the choices, with indices [B, 6] in the order of `CHOICES`; weight [B]. Choices that are
    NaN do not count."""
    losses = []
    for (name, values), indices in zip(logits.items(), truth.unbind(-1), strict=True):
        is_known = indices.isfinite() & (weight > 0)
        target = indices.where(is_known, 0.0).long()
        if (target >= CHOICES[name]).any():
            raise ValueError(f"{name} has {CHOICES[name]} possibilities, not index {int(target.max())}")
        errors = functional.cross_entropy(values, target, reduction="none", label_smoothing=LABEL_SMOOTHING)
        losses.append((errors * is_known).sum() / is_known.sum().clamp_min(1))
    return torch.stack(losses).mean()


def motion_cache(config: CompactConfig) -> CacheContents:
    """Contents of the cache."""
    frames = config.clip_frames
    return CacheContents(
        arrays={
            "tracks": ((2, frames, sum(config.track_parts)), np.float16),
            "camera": ((frames, 6), np.float32),
            "shots": ((frames,), np.int16),
            "motion": ((frames, len(MOTION_FIELDS)), np.float32),
            "dives": ((len(DIVE_FIELDS),), np.float32),
        },
        compute=compute_tracks,
    )


def compute_tracks(model: CompactFineParser, batch: MotionBatch) -> tuple[np.ndarray, ...]:
    """Rows of the cache for B clips."""
    clip = clip_input(resize_clips(batch.clips.clips, model.config.input_size))
    motion, shots = clip.require_camera_motion()
    masks = frame_probability(model.predict_masks(clip.frames), model.config.window_starts)
    tracks = model.track_features(clip.frames, masks).tracks
    camera = share_motion(motion, clip.frames.shape[-1])[..., :2, :].flatten(-2)
    rows = (tracks.half(), camera.float(), shots.short(), batch.motion, batch.dives)
    return tuple(values.cpu().numpy() for values in rows)
