"""Input and outputs of a network, and the interface that both networks implement.

clip: ClipInput -- encode --> Encoding -- compare (with an exemplar's Encoding) --> Comparison
                        \\--> Diagnostics
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from fineparser.model.chunks import ChunkSizes
from fineparser.model.config import NetworkConfig
from fineparser.model.temporal_action_parser import decode_transitions

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_SD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's red, green and blue, as shares of full brightness."""


def normalise(frames: np.ndarray) -> Tensor:
    """Frames uint8 [T, H, W, 3] as a network takes them: float32 [3, T, H, W]."""
    tensor = torch.from_numpy(np.ascontiguousarray(frames.transpose(3, 0, 1, 2))).float()
    mean = torch.tensor(IMAGE_MEAN).view(3, 1, 1, 1) * 255
    sd = torch.tensor(IMAGE_SD).view(3, 1, 1, 1) * 255
    return tensor.sub_(mean).div_(sd)


def denormalise(frames: Tensor) -> Tensor:
    """Normalised frames [..., 3, H, W] as shares of full brightness, 0 to 1."""
    mean, sd = (torch.tensor(values, device=frames.device).view(3, 1, 1) for values in (IMAGE_MEAN, IMAGE_SD))
    return frames * sd + mean


def pixel_values(frames: Tensor) -> Tensor:
    """Normalised frames [..., 3, H, W] as pixel values: whole numbers from 0 to 255, as float32, without gradient.

    Exact for frames that `normalise` was given; resized or augmented frames are rounded, as a camera rounds.
    """
    return denormalise(frames.detach().float()).mul_(255).round_().clamp_(0, 255)


CONFIDENCE_FRAMES = 2
"""Frames off that still count as the place of a transition: labels are no more exact, and networks spread theirs."""
MIN_PROBABILITY = 1e-4
"""Probabilities nearer to 0 or 1 count as this far off, where they become logits."""


@dataclass(frozen=True)
class ClipInput:
    """B clips as a network takes them."""

    frames: Tensor
    """[B, 3, 96, H, W], RGB, normalised by ImageNet's statistics, see `fineparser.model.protocol`."""
    camera_motion: Tensor | None = None
    """float64 [B, 96, 3, 3]: pixels (x, y, 1) of the first frame of a shot to those of frame t; None: not estimated."""
    shots: Tensor | None = None
    """int64 [B, 96]: frames of one number belong to one shot; given wherever the camera motion is."""

    def __len__(self) -> int:
        return len(self.frames)

    def to(self, target: torch.device | torch.dtype | str, *, non_blocking: bool = False) -> Self:
        """On another device, or with frames of another dtype; the camera motion stays in 64 bits."""
        frames = self.frames.to(target, non_blocking=non_blocking)
        return replace(
            self,
            frames=frames,
            camera_motion=None if self.camera_motion is None else self.camera_motion.to(frames.device),
            shots=None if self.shots is None else self.shots.to(frames.device),
        )

    def select(self, index: Tensor | slice | list[int]) -> Self:
        """Some of the clips, in the order of the index."""
        return replace(
            self,
            frames=self.frames[index],
            camera_motion=None if self.camera_motion is None else self.camera_motion[index],
            shots=None if self.shots is None else self.shots[index],
        )

    def __iter__(self) -> Iterator[Self]:
        """Each clip, as a batch of one."""
        return (self.select(slice(number, number + 1)) for number in range(len(self)))

    @staticmethod
    def concatenate(clips: Sequence["ClipInput"]) -> "ClipInput":
        """Several batches as one; the camera motion only where each has it."""
        motions, shots = [clip.camera_motion for clip in clips], [clip.shots for clip in clips]
        return ClipInput(
            torch.cat([clip.frames for clip in clips]),
            None if any(motion is None for motion in motions) else torch.cat([m for m in motions if m is not None]),
            None if any(shot is None for shot in shots) else torch.cat([shot for shot in shots if shot is not None]),
        )

    def check(self, config: NetworkConfig, transitions: "Tensor | TransitionDecoder | None" = None) -> None:
        """Refuse frames or given transitions of a shape that a network cannot take.

        Raises:
            ValueError: with the shape that is needed.
        """
        expected = (3, config.clip_frames, config.input_size, config.input_size)
        if self.frames.ndim != 5 or tuple(self.frames.shape[1:]) != expected:
            raise ValueError(f"frames must be [B, {', '.join(map(str, expected))}], got {list(self.frames.shape)}")
        if isinstance(transitions, Tensor):
            check_transitions(transitions, len(self))

    def require_camera_motion(self) -> tuple[Tensor, Tensor]:
        """Camera motion and shots.

        Raises:
            ValueError: where they are missing, with the remedy.
        """
        if self.camera_motion is None or self.shots is None:
            raise ValueError(
                "this network needs the camera motion of the clip: build its input with "
                "fineparser.data.clip_input.clip_input"
            )
        return self.camera_motion, self.shots


@dataclass(frozen=True)
class Encoding:
    """Everything about B clips that a comparison needs: an exemplar is its encoding and its score."""

    dynamic: Tensor
    """`FineParser`: [B, 9, 1024], the gated feature of each window. `CompactFineParser`: [B, 3, 4, 32], tokens of the
    motion by phase."""
    transition_probabilities: Tensor
    """[B, 96, 2]: column 0 the first flight frame, column 1 the first entry frame."""
    transitions: Tensor
    """int64 [B, 2]: where the phases were divided; given ones, or decoded from the probabilities."""
    static: Tensor | None = None
    """[B, 3, 4, 64]: tokens of single frames by phase; None without the static branch."""
    entry: Tensor | None = None
    """[B, 14]: outputs of `FaultHead`; None without the entry branch."""
    evidence: Tensor | None = None
    """float32 [B, E, 2]: size and precision (1 / error^2) of the faults of `fineparser.scoring.evidence`, zeros where
    not measured; None where nothing was. It comes from measurements, not from a network, and no network compares it."""

    def __len__(self) -> int:
        return len(self.dynamic)

    @property
    def transition_confidence(self) -> Tensor:
        """[B, 2]: see `transition_confidence`."""
        return transition_confidence(self.transition_probabilities, self.transitions)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays by the names of the fields, floating point ones in 32 bits: what a bank stores."""
        return {
            name: (tensor.float() if tensor.is_floating_point() else tensor).cpu().numpy()
            for name, tensor in self._tensors().items()
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """Encoding from the arrays of `to_arrays`."""
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def select(self, index: Tensor | slice | list[int]) -> Self:
        """Some of the clips, in the order of the index; an index may repeat."""
        return self._map(lambda tensor: tensor[index])

    def expand(self, count: int) -> Self:
        """One clip as a batch of `count`, sharing its memory.

        Raises:
            ValueError: for a batch of another size than 1.
        """
        if len(self) != 1:
            raise ValueError(f"only a single clip can stand for {count}, this encoding has {len(self)}")
        return self._map(lambda tensor: tensor.expand(count, *tensor.shape[1:]))

    def to(self, *targets: torch.device | torch.dtype | str) -> Self:
        """On another device, or with floating point tensors of another dtype.

        The transitions stay whole numbers, and the evidence in 32 bits: 16 would be too few for its precision.
        """
        moved = self
        for target in targets:
            moved = moved._map(lambda tensor, target=target: tensor.to(target))  # type: ignore[misc]
        evidence = None if self.evidence is None else self.evidence.to(moved.dynamic.device)
        return replace(moved, transitions=moved.transitions.long(), evidence=evidence)

    def detach(self) -> Self:
        """Without the graph of its gradients."""
        return self._map(Tensor.detach)

    @staticmethod
    def concatenate(encodings: Sequence["Encoding"]) -> "Encoding":
        """Several batches as one; a field that one of them lacks is None, but missing evidence is zero."""
        values: dict[str, Tensor] = {}
        measured = next((encoding.evidence for encoding in encodings if encoding.evidence is not None), None)
        for field in fields(Encoding):
            parts = [getattr(encoding, field.name) for encoding in encodings]
            if field.name == "evidence" and measured is not None:
                nothing = [measured.new_zeros(len(encoding), *measured.shape[1:]) for encoding in encodings]
                parts = [zeros if part is None else part for part, zeros in zip(parts, nothing, strict=True)]
            if all(part is not None for part in parts):
                values[field.name] = torch.cat(parts)
        return Encoding(**values)

    def _tensors(self) -> dict[str, Tensor]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def _map(self, change: Callable[[Tensor], Tensor]) -> Self:
        return replace(self, **{name: change(tensor) for name, tensor in self._tensors().items()})


class DiagnosticsLevel(IntEnum):
    """Extent of the output of `encode_with_diagnostics`; each level includes those before it."""

    FEATURES = 0
    """Frame features: no mask that the encoding does not need is computed."""
    MASKS = 1
    """Masks, refined where the network has a mask refiner; crops and layers of the entry."""
    SIDE_OUTPUTS = 2
    """The masks of the spatial parser's four depths."""


@dataclass(frozen=True, kw_only=True)
class MotionOutput:
    """Motion of the diver in T frames of B clips, see `fineparser.model.motion_head`. The somersault and the twist are
    counted in the dive's own sense."""

    somersault: Tensor
    """[B, T, 2]: cosine and sine of the somersault angle, 0 upright, for an armstand upside down; shorter than 1 where
    it is uncertain."""
    twist: Tensor
    """[B, T, 2]: cosine and sine of the twist angle since the take-off."""
    somersault_rate: Tensor
    """[B, T]: turns a frame of the clip."""
    twist_rate: Tensor
    """[B, T]: turns a frame of the clip."""
    hip_angle: Tensor
    """[B, T]: degrees between trunk and thighs, 180 straight."""
    knee_angle: Tensor
    """[B, T]: degrees, 180 straight."""
    foot_angle: Tensor
    """[B, T]: degrees between shanks and feet, 180 pointed."""
    knees_apart: Tensor
    """[B, T]: metres."""
    ankles_apart: Tensor
    """[B, T]: metres."""
    metre: Tensor
    """[B, T]: length of a metre at the diver's distance, in sides of the frame."""
    height: Tensor
    """[B, T]: metres of the centre of mass above the water."""
    choices: dict[str, Tensor]
    """[B, n] each, probabilities that add up to 1: "half_somersaults" (0 to 11), "half_twists" (0 to 9), "direction"
    (forward, back, reverse, inward), "start" (feet, hands), "position" (A, B, C, D), "height" (of
    `fineparser.domain.difficulty.HEIGHTS`)."""


@dataclass(frozen=True, kw_only=True)
class EntryPlaces:
    """Where and when the entry crops of B clips were cut."""

    frames: Tensor
    """int64 [B, 16]: indices of the frames; beyond the clip its last one."""
    inside: Tensor
    """bool [B, 16]: False for frames after the end of the clip."""
    crops: Tensor
    """[B, 16, 3]: centre, right and down from the middle of the frame, and half side, in sides of the frame."""


@dataclass(frozen=True)
class Diagnostics:
    """Intermediate results of B clips: for losses, for caches of features, and for people who inspect a network."""

    window_starts: tuple[int, ...]
    """First frame of each window."""
    frame_features: Tensor | None = None
    """`FineParser`: [B, 96, 512], features of whole frames, None without the static branch. `CompactFineParser`:
    [B, 2, 96, 445], tracks of the clip and of its mirror image, see `CompactFineParser.track_features`."""
    mask_logits: Tensor | None = None
    """[B, 9, 16, 112, 112]: the fused mask of each window."""
    crop_masks: Tensor | None = None
    """[B, 96, 112, 112]: probabilities of the masks decoded in crops around the diver, refined where the network has a
    mask refiner; None for `FineParser`."""
    side_logits: Tensor | None = None
    """[B, 9, 4, 16, 112, 112]: the mask of each depth, the finest first."""
    entry_crops: Tensor | None = None
    """[B, 16, 3, 96, 96], 0 to 1: stabilised crops over the water, at `fineparser.model.entry.FRAME_OFFSETS`."""
    entry_layers: Tensor | None = None
    """[B, 16, 3, 48, 48], 0 to 1: body, flying water and foam as segmented in the entry crops."""
    entry_places: EntryPlaces | None = None
    """Frames and places of the entry crops."""
    motion: MotionOutput | None = None
    """Of every level; None for a network without a motion head."""
    parser_probabilities: Tensor | None = None
    """[B, 96, 2]: probabilities of the transitions by the temporal parser, where those of the encoding are the motion
    head's; None otherwise."""

    @property
    def masks(self) -> Tensor:
        """[B, 96, 112, 112]: probability that a pixel shows the diver.

        Raises:
            ValueError: at a level without masks.
        """
        if self.crop_masks is not None:
            return self.crop_masks
        if self.mask_logits is None:
            raise ValueError("there are no masks at this level: use DiagnosticsLevel.MASKS or above")
        return frame_probability(self.mask_logits, self.window_starts)

    @property
    def side_masks(self) -> Tensor:
        """[B, 4, 96, 112, 112]: the same of each side output.

        Raises:
            ValueError: at a level without side outputs.
        """
        sides = self._side_logits().unbind(2)
        return torch.stack([frame_probability(side, self.window_starts) for side in sides], dim=1)

    @property
    def crop_mask_logits(self) -> Tensor:
        """[B, 96, 112, 112]: logits of `crop_masks`.

        Raises:
            ValueError: for a network that decodes no masks in crops, or at a level without masks.
        """
        if self.crop_masks is None:
            raise ValueError("no masks were decoded in crops: use a CompactFineParser and DiagnosticsLevel.MASKS")
        return self.crop_masks.clamp(MIN_PROBABILITY, 1 - MIN_PROBABILITY).logit()

    @property
    def mask_outputs(self) -> list[Tensor]:
        """Tensors [B * 9, 1, 16, 112, 112] that the mask loss sums over: four side outputs, the fused mask and, for
        `CompactFineParser`, the logits of the masks decoded in crops.

        Raises:
            ValueError: at a level without side outputs.
        """
        sides = self._side_logits()
        assert self.mask_logits is not None  # given wherever the side outputs are
        outputs = [*sides.flatten(0, 1).split(1, dim=1), self.mask_logits.flatten(0, 1)[:, None]]
        if self.crop_masks is not None:
            outputs.append(cut_windows(self.crop_mask_logits[:, None], self.window_starts))
        return outputs

    def _side_logits(self) -> Tensor:
        if self.side_logits is None:
            raise ValueError("there are no side outputs at this level: use DiagnosticsLevel.SIDE_OUTPUTS")
        return self.side_logits


TransitionDecoder = Callable[[Tensor, Diagnostics], Tensor]
"""Transitions [B, 2] from their probabilities [B, 96, 2] and from diagnostics; of these, `CompactFineParser` gives the
frame features, the masks without refinement and the motion, `FineParser` the frame features and the mask logits."""


@dataclass(frozen=True)
class TransitionPrediction:
    """Transitions and unrefined masks of B clips, by the temporal parser alone: what a search for dives needs."""

    transitions: Tensor
    """[B, 2] int64: first frame of the flight and of the entry."""
    probabilities: Tensor
    """[B, 96, 2]: that each transition is at each frame."""
    masks: Tensor
    """[B, 96, 112, 112]: probability that a pixel shows the diver."""

    @property
    def confidence(self) -> Tensor:
        """[B, 2]: probability that a transition is within two frames of the predicted one."""
        return transition_confidence(self.probabilities, self.transitions)


@dataclass(frozen=True)
class Comparison:
    """The difference between B queries and their B exemplars, in points of score."""

    tokens: tuple[Tensor, ...]
    """The difference by token, a tensor a branch: dynamic [B, 36] (`CompactFineParser`: [B, 12]) and static [B, 12]."""
    deltas: Tensor
    """[B, 2, 3] by branch (dynamic, static) and phase: the mean of the phase's tokens."""
    contributions: Tensor
    """[B, 2, 3]: each delta times its phase weight and its branch's share; they add up to `delta`."""

    @property
    def delta(self) -> Tensor:
        """[B]: score of the query minus score of the exemplar."""
        return self.contributions.flatten(1).sum(1)

    @property
    def by_phase(self) -> Tensor:
        """[B, 3]: contribution of each phase to `delta`."""
        return self.contributions.sum(1)

    def scale(self, factor: Tensor) -> Self:
        """Every difference of each pair times a factor [B]."""
        return replace(
            self,
            tokens=tuple(tokens * factor[:, None] for tokens in self.tokens),
            deltas=self.deltas * factor[:, None, None],
            contributions=self.contributions * factor[:, None, None],
        )


@dataclass(frozen=True)
class Provenance:
    """Origin of weights: reports name it, so that nobody mistakes a score for more than it is."""

    name: str = "untrained"
    """Name of the weights."""
    trained_on: tuple[str, ...] = ()
    """Datasets that they were trained on, such as "SynDive"; empty for untrained weights."""

    @property
    def trained(self) -> bool:
        """True for weights that were trained on anything."""
        return bool(self.trained_on)


class Network(nn.Module):
    """The interface of `FineParser` and `CompactFineParser`: all that training, evaluation and analysis call."""

    config: NetworkConfig
    provenance: Provenance
    chunk_sizes: ChunkSizes
    """Samples that are computed at once."""

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Type in which the backbones compute: autocast's choice, or that of their weights."""

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device

    @property
    def uses_camera_motion(self) -> bool:
        """Whether clips need their camera motion, see `ClipInput`."""
        return False

    @abstractmethod
    def encode(self, clip: ClipInput, transitions: Tensor | TransitionDecoder | None = None) -> Encoding:
        """Encode clips, without anything that only diagnostics need.

        Args:
            clip: B clips.
            transitions: [B, 2] first flight and first entry frame at which the phases are divided (teacher forcing),
                or how they are decoded; None: by the rule of the configuration.

        Raises:
            ValueError: for clips or transitions of another shape, or without a camera motion that is needed.
        """

    @abstractmethod
    def encode_with_diagnostics(
        self,
        clip: ClipInput,
        transitions: Tensor | TransitionDecoder | None = None,
        level: DiagnosticsLevel = DiagnosticsLevel.MASKS,
    ) -> tuple[Encoding, Diagnostics]:
        """`encode`, with the intermediate results of a level."""

    @abstractmethod
    def predict_transitions(self, clip: ClipInput) -> "TransitionPrediction":
        """The transitions by the temporal parser alone, and unrefined masks, in less time than `encode`.

        Needs no camera motion.
        """

    @abstractmethod
    def predict_masks(self, frames: Tensor) -> Tensor:
        """Logits [B, 9, 16, h, w] of the spatial parser's masks of the windows of frames [B, 3, 96, H, W]."""

    @abstractmethod
    def compare(self, query: Encoding, exemplar: Encoding, difficulty: Tensor | float | None = None) -> Comparison:
        """Difference of each query and its exemplar; a single query may meet many exemplars.

        Args:
            query, exemplar: as encoded by this network.
            difficulty: degree of difficulty of the queries, [B] or one number; NaN, 0 or None where it is unknown.

        Raises:
            ValueError: for batches of different sizes, unless one of them is 1.
        """

    @abstractmethod
    def trainable_parts(self) -> dict[str, list[nn.Module]]:
        """Modules that can be trained by themselves: "parsers" find the diver and the phases, "branches" make tokens
        for the comparison, "regression" compares."""

    @abstractmethod
    def mask_modules(self) -> list[nn.Module]:
        """Modules that the masks depend on."""

    @abstractmethod
    def mask_biases(self) -> list[Tensor]:
        """Biases of the layers that output mask logits."""

    @abstractmethod
    def backbones(self) -> list[nn.Module]:
        """The large modules, which may compute in 16 bits."""

    @abstractmethod
    def i3d_parameters(self) -> list[nn.Parameter]:
        """Parameters of the I3D backbones, which the paper trains at a tenth of the learning rate."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Twelve hex digits of these weights; an inference copy keeps its original's."""

    @abstractmethod
    def save_pretrained(self, folder: str | Path, half: bool = False) -> None:
        """Write model.safetensors and config.json."""

    decode_transitions = staticmethod(decode_transitions)

    def parameter_groups(self, i3d_rate: float = 0.1) -> list[dict]:
        """Groups for an optimiser, with `name` and `lr_factor`."""
        backbone = self.i3d_parameters()
        in_backbone = {id(parameter) for parameter in backbone}
        others = [parameter for parameter in self.parameters() if id(parameter) not in in_backbone]
        return [
            {"name": "i3d", "params": backbone, "lr_factor": i3d_rate},
            {"name": "others", "params": others, "lr_factor": 1.0},
        ]


def divide(
    transitions: Tensor | TransitionDecoder | None, probabilities: Tensor, diagnostics: Diagnostics, rule: str
) -> Tensor:
    """Transitions, int64 [B, 2], at which the phases are divided.

    Args:
        transitions: given ones, how they are decoded, or None: by the rule.
        probabilities: [B, 96, 2] of the transitions.
        diagnostics: for the decoder.
        rule: see `decode_transitions`.

    Raises:
        ValueError: for decoded transitions of another shape.
    """
    if isinstance(transitions, Tensor):
        return transitions.long()
    probabilities = probabilities.detach()
    if transitions is None:
        return decode_transitions(probabilities, rule).long()
    decoded = transitions(probabilities, diagnostics)
    check_transitions(decoded, len(probabilities))
    return decoded.long()


def check_transitions(transitions: Tensor, clips: int) -> None:
    """ValueError for transitions of another shape than [B, 2]."""
    if tuple(transitions.shape) != (clips, 2):
        raise ValueError(f"transitions must be [{clips}, 2] for {clips} clip(s), got {list(transitions.shape)}")


def transition_confidence(probabilities: Tensor, transitions: Tensor) -> Tensor:
    """Sum of the probabilities [B, T, 2] within two frames of transitions [B, 2]: [B, 2], at most 1."""
    frames = torch.arange(probabilities.shape[1], device=transitions.device)
    near = (frames[None, :, None] - transitions[:, None]).abs() <= CONFIDENCE_FRAMES  # [B, T, 2]
    return (probabilities * near).sum(1).clamp(max=1)


def frame_probability(logits: Tensor, window_starts: Sequence[int]) -> Tensor:
    """Logits of windows [B, 9, 16, H, W] to probabilities of frames [B, 96, H, W]: means over the windows of each."""
    batch, _, length, height, width = logits.shape
    frames = window_starts[-1] + length
    total = logits.new_zeros((batch, frames, height, width), dtype=torch.float32)
    count = total.new_zeros(frames)
    for window, start in enumerate(window_starts):
        total[:, start : start + length] += torch.sigmoid(logits[:, window].float())
        count[start : start + length] += 1
    return total / count[:, None, None]


def cut_windows(per_frame: Tensor, window_starts: Sequence[int]) -> Tensor:
    """Windows [B * 9, C, 16, H, W] of a tensor [B, C, 96, H, W], such as true masks."""
    length = per_frame.shape[2] - window_starts[-1]
    windows = [per_frame[:, :, start : start + length] for start in window_starts]
    return torch.stack(windows, dim=1).flatten(0, 1)


def expand_pair(query: Encoding, exemplar: Encoding) -> tuple[Encoding, Encoding]:
    """Both encodings at the size of the larger batch; ValueError unless one has it and the other has it or 1."""
    count = max(len(query), len(exemplar))
    return (
        query if len(query) == count else query.expand(count),
        exemplar if len(exemplar) == count else exemplar.expand(count),
    )


def required(tensor: Tensor | None, name: str) -> Tensor:
    """A field of an encoding that a network compares; ValueError where the encoding lacks it."""
    if tensor is None:
        raise ValueError(
            f"this encoding has no {name!r}, which the network compares: encode the clip with this network"
        )
    return tensor
