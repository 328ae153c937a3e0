"""Encoded dives with their labels: encoded once, compared many times."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from tqdm import tqdm

from fineparser.data.batches import ClipBatch, TensorBatch
from fineparser.data.clip_input import network_input
from fineparser.data.datasets import ClipDataset
from fineparser.data.dives import Card, DataError, DiveSource
from fineparser.data.simulated_datasets import PoseBatch, PoseDataset
from fineparser.data.transforms import ClipTransform
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.exemplars.score_calibration import ScoreCalibration
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import NetworkConfig
from fineparser.model.protocol import DiagnosticsLevel, Encoding, Network
from fineparser.model.temporal_action_parser import decode_transitions
from fineparser.simulator.judges import deductions_by_phase
from fineparser.training.devices import reserve_cores
from fineparser.training.metrics.masks import MASK_METRICS

Batch = TypeVar("Batch", bound=TensorBatch)

TRACK_BATCH = 256
"""Dives whose track features are encoded together."""


class BankExemplar(Protocol):
    """An exemplar of a bank."""

    @property
    def score(self) -> float: ...

    @property
    def difficulty(self) -> float: ...


class Bank(Protocol):
    """Encoded exemplars, such as `fineparser.exemplars.exemplar_bank.ExemplarBank`."""

    @property
    def exemplars(self) -> Sequence[BankExemplar]: ...

    @property
    def encodings(self) -> Encoding:
        """Encodings of all exemplars, in their order."""
        ...

    @property
    def calibration(self) -> ScoreCalibration | None:
        """Errors of scores by these exemplars, None if they were not measured."""
        ...

    def card(self, index: int) -> Card: ...


@dataclass(frozen=True)
class EncodedDives:
    """N encoded dives with their labels, on the processor; labels are NaN if unknown."""

    name: str
    """Name of the source."""
    cards: tuple[Card, ...]
    encodings: Encoding
    scores: Tensor
    """[N] points."""
    difficulty: Tensor
    """[N]"""
    transitions: Tensor
    """[N, 2] labelled transitions, frames of the clip."""
    frame_numbers: Tensor
    """[N, 96] int64: numbers of the frames of the clip in the source."""
    mask_values: Tensor
    """[N, 5] values of `MASK_METRICS`."""
    noise_free_award: Tensor
    """[N] award of a judge without noise, known of simulated dives."""
    deductions: Tensor
    """[N, 14] awards that each fault cost, known of simulated dives."""
    poses: Tensor | None = None
    """[N, 96, 25] poses, see `fineparser.simulator.athlete.pose.POSE_FIELDS`; None unless tracks were requested."""
    tracks: Tensor | None = None
    """[N, L, 96, 649] track features of `CompactFineParser`; None unless requested."""

    def __len__(self) -> int:
        return len(self.cards)

    def card(self, index: int) -> Card:
        """Card of dive `index`."""
        return self.cards[index]

    def select(self, indices: Sequence[int]) -> "EncodedDives":
        """Some of the dives, in the order of the indices; an index may repeat."""
        indices = list(indices)
        tensors: dict[str, Any] = {
            name: None if value is None else value[indices] for name, value in self._tensors().items()
        }
        cards = tuple(self.cards[index] for index in indices)
        return replace(self, cards=cards, encodings=self.encodings.select(indices), **tensors)

    def deductions_by_phase(self) -> Tensor:
        """Awards [N, 3] that the faults of each phase cost, NaN if unknown."""
        return torch.from_numpy(deductions_by_phase(self.deductions.numpy(), self.noise_free_award.numpy()))

    def scores_at_difficulty(self, difficulty: Tensor) -> Tensor:
        """Scores [N] of the same executions in dives of another difficulty ([N] or [1]), if both are known."""
        ratio = difficulty / self.difficulty
        return self.scores * ratio.where(ratio.isfinite(), 1.0)

    @torch.no_grad()
    def encode_tracks(self, model: CompactFineParser) -> "EncodedDives":
        """The same dives with tokens that a network computes from their track features, and with transitions unless it
        has a motion head.

        ValueError without track features.
        """
        if self.tracks is None:
            raise ValueError("these dives were encoded without track features")
        device = model.device
        parts = []
        with evaluation_mode(model):
            for tracks, predicted in zip(
                self.tracks.split(TRACK_BATCH), self.encodings.transitions.split(TRACK_BATCH), strict=True
            ):
                tracks, probabilities = model.temporal_from_cache(tracks.to(device))
                if model.motion_head is not None:  # it needs the camera motion, and is not trained with the tracks
                    parts.append(model.phase_tokens(tracks, predicted.to(device)))
                    continue
                transitions = decode_transitions(probabilities, model.config.transition_rule).long()
                labels = {"transition_probabilities": probabilities, "transitions": transitions}
                parts.append(labels | model.phase_tokens(tracks, transitions))
        changed = {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}
        return replace(self, encodings=replace(self.encodings, **changed))

    @classmethod
    def concatenate(cls, name: str, parts: Sequence["EncodedDives"]) -> "EncodedDives":
        """Several collections as one; tensors that one of them lacks are dropped."""
        tensors: dict[str, Any] = {}
        for field in parts[0]._tensors():
            values = [getattr(part, field) for part in parts]
            tensors[field] = None if any(value is None for value in values) else torch.cat(values)
        return cls(
            name,
            tuple(card for part in parts for card in part.cards),
            Encoding.concatenate([part.encodings for part in parts]),
            **tensors,
        )

    @classmethod
    def from_bank(cls, bank: Bank) -> "EncodedDives":
        """Exemplars of a bank."""
        count = len(bank.exemplars)
        frames = bank.encodings.transition_probabilities.shape[1]
        return cls(
            name="the bank",
            cards=tuple(bank.card(index) for index in range(count)),
            encodings=bank.encodings.to("cpu"),
            scores=torch.tensor([float(exemplar.score) for exemplar in bank.exemplars]),
            difficulty=torch.tensor([float(exemplar.difficulty) for exemplar in bank.exemplars]),
            transitions=torch.full((count, 2), torch.nan),
            frame_numbers=torch.arange(frames).expand(count, -1),
            mask_values=torch.full((count, len(MASK_METRICS)), torch.nan),
            noise_free_award=torch.full((count,), torch.nan),
            deductions=torch.full((count, len(DEDUCTION_CURVES)), torch.nan),
        )

    def _tensors(self) -> dict[str, Tensor | None]:
        names = [item.name for item in fields(self) if item.name not in ("name", "cards", "encodings")]
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class EncodeSettings:
    """Settings of `encode_dives`."""

    batch_size: int = 4
    workers: int = 0
    """Processes that read clips."""
    pools_at_labels: bool = False
    """Pool at labelled transitions where they are known."""
    measures_masks: bool = True
    """Compute `MASK_METRICS` of dives with masks."""
    with_tracks: bool = False
    """Keep the track features of `CompactFineParser`, and the poses of dives that have them."""
    transform: ClipTransform | None = None
    """Trim, crop and augmentation; None: those of the evaluation, in the input size of the network."""
    epoch: int = 0
    """Epoch of the random numbers of the transform."""
    progress: str | None = None
    """Title of a progress bar; None: no bar."""


def encode_dives(
    model: Network,
    source: DiveSource,
    accelerator: Accelerator,
    settings: EncodeSettings,
    *,
    indices: Sequence[int] | None = None,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> EncodedDives:
    """Encode dives of a source, divided among the processes; every process gets all of them.

    Args:
        model: in evaluation mode meanwhile.
        source: dives.
        accelerator: processes and device.
        settings: see there.
        indices: dives to encode; None: all.
        on_done: called with the number of encoded dives and all dives of this process; an exception ends the work.

    Raises:
        DataError: for dives that cannot be read, or if none can be used.
    """
    indices = list(range(len(source)) if indices is None else indices)
    own = indices[accelerator.process_index :: accelerator.num_processes]
    batches = [own[start : start + settings.batch_size] for start in range(0, len(own), settings.batch_size)]
    transform = settings.transform or ClipTransform(scale=model.config.input_scale)
    dataset: PoseDataset | ClipDataset
    if settings.with_tracks:
        dataset = PoseDataset(source, transform, needs_masks=False)
    else:
        dataset = ClipDataset(source, transform)
    dataset.set_epoch(settings.epoch)
    loader = DataLoader(dataset, batch_sampler=batches, collate_fn=stack_samples, num_workers=settings.workers)
    is_hidden = settings.progress is None or not accelerator.is_main_process
    bar = tqdm(total=len(own), desc=settings.progress, unit="clip", disable=is_hidden, leave=False)
    encoded: list[tuple[int, EncodedDives]] = []
    done = 0
    with evaluation_mode(model), reserve_cores(settings.workers), bar:
        for requested, batch in zip(batches, loader, strict=True):
            cards = [source.card(index) for index in requested]
            clips = batch.clips if isinstance(batch, PoseBatch) else batch
            for index, card, name, dive in zip(
                requested,
                cards,
                clips.ids,
                _encode(model, batch, cards, source.name, accelerator, settings),
                strict=True,
            ):
                # With OnBroken.SKIP, a broken dive is replaced by another one, which is encoded in its own place.
                if card.id == name:
                    encoded.append((index, dive))
            bar.update(len(batch))
            done += len(batch)
            on_done(done, len(own))
    gathered = dict(gather_object(encoded))
    if not gathered:
        raise DataError(f"{source.name}: none of its {len(indices)} dives can be used")
    return EncodedDives.concatenate(source.name, [gathered[index] for index in indices if index in gathered])


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Context in which a network is in evaluation mode; afterwards each module has its own mode again."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@torch.no_grad()
def _encode(
    model: Network,
    batch: ClipBatch | PoseBatch,
    cards: Sequence[Card],
    name: str,
    accelerator: Accelerator,
    settings: EncodeSettings,
) -> list[EncodedDives]:
    """One `EncodedDives` a clip of the batch."""
    poses = batch.poses if isinstance(batch, PoseBatch) else None
    clips = resize_batch((batch.clips if isinstance(batch, PoseBatch) else batch).to(accelerator.device), model.config)
    measures_masks = settings.measures_masks and clips.masks is not None
    with accelerator.autocast():
        clip = network_input(model, clips.clips)
        level = DiagnosticsLevel.MASKS if measures_masks else DiagnosticsLevel.FEATURES
        encoding, diagnostics = model.encode_with_diagnostics(clip, level=level)
        if settings.pools_at_labels and clips.has_transitions.any():
            labelled = clips.transitions.where(clips.has_transitions[:, None], encoding.transitions)
            encoding, diagnostics = model.encode_with_diagnostics(clip, labelled, level)
    mask_values = torch.full((len(clips), len(MASK_METRICS)), torch.nan)
    if measures_masks and clips.masks is not None:
        probabilities, truths = diagnostics.masks.float().cpu().numpy(), clips.masks[:, 0].cpu().numpy()
        for row in np.flatnonzero(clips.has_masks.cpu().numpy()):
            values = [metric.of_clip(probabilities[row], truths[row]) for metric in MASK_METRICS]
            mask_values[row] = torch.tensor(values)
    # In bf16 some tensors are halves; encodings are compared in any precision later.
    clips, encoding = clips.to("cpu"), encoding.to("cpu", torch.float32)
    tracks = None
    if settings.with_tracks and diagnostics.frame_features is not None:
        tracks = diagnostics.frame_features.float().cpu()
    return [
        EncodedDives(
            name=name,
            cards=(cards[row],),
            encodings=encoding.select([row]),
            scores=clips.scores[row : row + 1].where(clips.has_scores[row : row + 1], torch.nan),
            difficulty=clips.difficulty[row : row + 1].where(clips.has_difficulty[row : row + 1], torch.nan),
            transitions=clips.transitions[row : row + 1].float().where(clips.has_transitions[row], torch.nan),
            frame_numbers=clips.frame_numbers[row : row + 1],
            mask_values=mask_values[row : row + 1],
            noise_free_award=clips.noise_free_award[row : row + 1],
            deductions=clips.deductions[row : row + 1],
            poses=None if poses is None else poses[row : row + 1],
            tracks=None if tracks is None else tracks[row : row + 1],
        )
        for row in range(len(clips))
    ]


def stack_samples(samples: Sequence[Batch]) -> Batch:
    """Join samples into a batch by the method of their class."""
    return type(samples[0]).stack(samples)


def resize_batch(batch: ClipBatch, config: NetworkConfig) -> ClipBatch:
    """The batch with frames in the input size of a network, and masks in the size of its masks.

    Data come with 112 pixels a side, or a multiple. A pixel of a smaller mask is set if at least half of it was.
    """
    masks = None if batch.masks is None else resize_masks(batch.masks, config.image_size)
    return replace(batch, clips=resize_clips(batch.clips, config.input_size), masks=masks)


def resize_clips(clips: Tensor, size: int) -> Tensor:
    """Clips [B, 3, T, H, W] as [B, 3, T, size, size]."""
    if clips.shape[-1] == size:
        return clips
    return functional.interpolate(clips, (clips.shape[2], size, size), mode="area")


def resize_masks(masks: Tensor, size: int) -> Tensor:
    """Masks, bool [B, 1, T, H, W], as [B, 1, T, size, size]."""
    return masks if masks.shape[-1] == size else resize_clips(masks.float(), size) >= 0.5
