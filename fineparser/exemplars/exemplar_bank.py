"""The exemplar bank: scored dives with their encodings, in one file."""

import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fineparser.atomic import atomic_write
from fineparser.data.clip_input import network_input
from fineparser.data.dives import Card
from fineparser.data.exemplar_pool import ExemplarChoice, ExemplarPool
from fineparser.domain.clip_geometry import CLIP_FRAMES
from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.domain.phases import Transitions
from fineparser.exemplars.exemplar import SIMULATED, Exemplar, FileFrames, exemplars_from_json
from fineparser.exemplars.score_calibration import ScoreCalibration
from fineparser.model.config import ENTRY_SCORES, TOKENS_PER_PHASE, NetworkConfig
from fineparser.model.protocol import Encoding, Network, normalise
from fineparser.plain_values import excerpt, parse_json

EVIDENCE = "evidence"
"""Field that does not come from a network, so that any encoding may have it."""
STORED_FIELDS = ("dynamic", "transition_probabilities", "transitions", "static", "entry", EVIDENCE)
"""Fields of an encoding that a bank file contains."""
REQUIRED_FIELDS = STORED_FIELDS[:3]
"""Fields that every encoding has."""
MAX_EVIDENCE = 32
"""Faults of which an encoding may have evidence."""
STORED_SHAPES: dict[str, tuple[tuple[int | None, ...], ...]] = {
    "dynamic": ((None, None), (None, TOKENS_PER_PHASE, None)),
    "transition_probabilities": ((CLIP_FRAMES, 2),),
    "transitions": ((2,),),
    "static": ((None, TOKENS_PER_PHASE, None),),
    "entry": ((ENTRY_SCORES,),),
    EVIDENCE: tuple((faults, 2) for faults in range(1, MAX_EVIDENCE + 1)),
}
"""Shapes that each field has for some network; None: any length."""


class BankError(ValueError):
    """A bank is missing, broken, or was encoded by other weights."""


@dataclass(frozen=True)
class ExemplarBank:
    """Exemplars with the encodings that one set of weights made of them.

    On disk: one safetensors file with the encodings in 16 bits (the evidence in 32, which its precision needs), first
    axis over the exemplars, and the index as JSON in its metadata; beside it the folder `clips_folder(file)` with the
    H.264 clips that the index names. The bundled bank is assets/exemplar_bank.safetensors with
    assets/exemplar_bank_clips/. Not every exemplar has a clip of its own, see `clip_exemplar`.
    """

    exemplars: tuple[Exemplar, ...]
    encodings: Encoding
    """Of all exemplars, in order."""
    fingerprint: str
    """Of the weights that made the encodings."""
    name: str = "exemplar bank"
    calibration: ScoreCalibration | None = None
    """Errors of the scores that these exemplars predict; None if not measured."""

    def __len__(self) -> int:
        return len(self.exemplars)

    @cached_property
    def scores(self) -> Tensor:
        """[N] float64, points."""
        return torch.tensor([one.score for one in self.exemplars], dtype=torch.float64)

    @cached_property
    def difficulty(self) -> Tensor:
        """[N] float64."""
        return torch.tensor([one.difficulty for one in self.exemplars], dtype=torch.float64)

    def card(self, index: int) -> Card:
        """The properties of an exemplar by which it is chosen."""
        exemplar = self.exemplars[index]
        return Card(exemplar.id, exemplar.code, exemplar.height, exemplar.difficulty, is_scored=True)

    def choose(self, query: Card, count: int, seed: int = 0) -> list[ExemplarChoice]:
        """Up to `count` exemplars for a dive, the same for the same seed: same dive number first, else the nearest.

        Of those from the same height, real dives come before simulated ones: people judged them.
        """
        ranked = ExemplarPool(self).choose(query, np.random.default_rng(seed), len(self))

        def rank(choice: ExemplarChoice) -> tuple[bool, bool]:
            exemplar = self.exemplars[choice.index]
            return exemplar.height != query.height, exemplar.source == SIMULATED

        return sorted(ranked, key=rank)[:count]

    def clip_exemplar(self, index: int) -> Exemplar | None:
        """The exemplar whose clip shows exemplar `index`: itself, else the one of its number nearest in execution.

        That has the same source and kind of board; None if there is none.
        """
        exemplar = self.exemplars[index]
        if exemplar.clip is not None:
            return exemplar

        def kind(one: Exemplar) -> tuple:
            return one.code, one.source, one.height in SPRINGBOARDS

        similar = [one for one in self.exemplars if one.clip is not None and kind(one) == kind(exemplar)]
        return min(similar, key=lambda one: abs(one.execution - exemplar.execution), default=None)

    def with_sources(self, sources: Collection[str]) -> "ExemplarBank":
        """The exemplars of some sources; possibly none."""
        return self.select([index for index, one in enumerate(self.exemplars) if one.source in sources])

    def without(self, exemplar_id: str) -> "ExemplarBank":
        """The bank without one exemplar.

        Raises:
            BankError: if there is none of this id.
        """
        indices = [index for index, one in enumerate(self.exemplars) if one.id != exemplar_id]
        if len(indices) == len(self):
            raise BankError(f"the bank has no exemplar {exemplar_id!r}")
        return self.select(indices)

    def without_clip(self, digest: str | None, first: int, last: int) -> "ExemplarBank":
        """The bank without the exemplars that some frames of a file show, so that no dive votes on itself.

        Args:
            digest: of the file, see `fineparser.exemplars.exemplar.clip_digest`; None: no exemplar is left out.
            first, last: first and last frame.
        """
        if digest is None:
            return self
        clip = FileFrames(digest, first, last)
        shown = [any(frames.overlaps(clip) for frames in one.files) for one in self.exemplars]
        return self.select([index for index, is_shown in enumerate(shown) if not is_shown]) if any(shown) else self

    def select(self, indices: Sequence[int]) -> "ExemplarBank":
        """Some of the exemplars, in this order."""
        exemplars = tuple(self.exemplars[index] for index in indices)
        return replace(self, exemplars=exemplars, encodings=self.encodings.select(list(indices)))

    def join(self, other: "ExemplarBank") -> "ExemplarBank":
        """Both banks as one, with the name and the calibration of this one.

        Raises:
            BankError: if other weights encoded the other, its encodings have other shapes, or both have an exemplar of
                the same id.
        """
        if other.fingerprint != self.fingerprint:
            raise BankError(f"{other.name} and {self.name} were encoded by different weights and cannot be mixed")
        ids = {one.id for one in self.exemplars}
        if duplicates := sorted(ids & {one.id for one in other.exemplars}):
            raise BankError(f"the bank already has an exemplar {duplicates[0]!r}; remove it first or choose another id")
        try:
            encodings = Encoding.concatenate([self.encodings, other.encodings])
        except RuntimeError as error:
            raise BankError(f"{other.name} and {self.name} have encodings of different shapes: {error}") from error
        return replace(self, exemplars=(*self.exemplars, *other.exemplars), encodings=encodings)

    def save(self, path: str | Path) -> None:
        """Write the bank atomically, and copy clips from elsewhere beside it."""
        path = Path(path)
        for clip in (one.clip for one in self.exemplars if one.clip is not None):
            target = clips_folder(path) / clip.path.name
            if target != clip.path and clip.path.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(clip.path, target)
        stored = {name: getattr(self.encodings, name) for name in STORED_FIELDS}
        arrays = {
            name: (array.half() if array.is_floating_point() and name != EVIDENCE else array).contiguous()
            for name, array in stored.items()
            if array is not None
        }
        index = {
            "exemplars": [exemplar.to_json() for exemplar in self.exemplars],
            "fingerprint": self.fingerprint,
            "calibration": None if self.calibration is None else self.calibration.to_json(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, lambda part: save_file(arrays, part, metadata={"index": json.dumps(index)}))

    @classmethod
    def load(
        cls, path: str | Path, fingerprint: str | None = None, config: NetworkConfig | None = None
    ) -> "ExemplarBank":
        """The bank in a file.

        Args:
            path: bank file.
            fingerprint: of the weights that will compare dives with it; None: any.
            config: of these weights, which fixes the shapes of the encodings; None: any that some network has.

        Raises:
            BankError: for a missing or broken file, or encodings of other weights.
        """
        path = Path(path)
        try:
            with safe_open(path, framework="pt") as file:
                index = parse_json((file.metadata() or {}).get("index", ""))
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            exemplars = exemplars_from_json(index.get("exemplars"), clips_folder(path))
            encoded_by, stored = index.get("fingerprint"), index.get("calibration")
            calibration = None if stored is None else ScoreCalibration.from_json(stored)
            if not isinstance(encoded_by, str):
                raise ValueError(f"fingerprint should be text, not {excerpt(encoded_by)}")
            encodings = _encodings(arrays, len(exemplars), config)
        except FileNotFoundError as error:
            raise BankError(f"there is no exemplar bank {path}") from error
        except (SafetensorError, OSError, ValueError, RuntimeError) as error:
            raise BankError(f"{path} is not an exemplar bank: {error}") from error
        if fingerprint not in (None, encoded_by):
            raise BankError(
                f"{path} was encoded by other weights ({excerpt(encoded_by)}, not {fingerprint}); build it again"
            )
        return cls(exemplars, encodings, encoded_by, path.name, calibration)


def _encodings(arrays: dict[str, Tensor], count: int, config: NetworkConfig | None) -> Encoding:
    """Encodings of `count` exemplars from stored arrays; ValueError for arrays that are none."""
    shapes = STORED_SHAPES
    required: Collection[str] = REQUIRED_FIELDS
    if config is not None:
        required = config.encoding_shapes.keys()
        shapes = {name: (shape,) for name, shape in config.encoding_shapes.items()}
        shapes[EVIDENCE] = STORED_SHAPES[EVIDENCE]
    if missing := sorted(set(required) - set(arrays)):
        raise ValueError(f"it lacks the array {missing[0]}")
    tensors = {}
    for name, array in arrays.items():
        if name not in shapes:
            raise ValueError(f"it has an array {excerpt(name)}, which no encoding of these weights has")
        if array.ndim == 0 or len(array) != count:
            raise ValueError(f"it names {count} exemplars but has {len(array) if array.ndim else 0} encodings")
        if not any(_has_shape(array.shape[1:], shape) for shape in shapes[name]):
            raise ValueError(f"{name} has the shape {list(array.shape[1:])}, which no encoding of these weights has")
        is_index = name == "transitions"
        if array.is_complex() or array.is_floating_point() == is_index:
            raise ValueError(f"{name} holds values of the type {array.dtype}")
        tensors[name] = array.long() if is_index else array.float()
        if not tensors[name].isfinite().all():
            raise ValueError(f"{name} has values that are not finite")
    if EVIDENCE in tensors and (tensors[EVIDENCE][..., 1] < 0).any():
        raise ValueError("evidence has a negative precision")
    transitions = tensors["transitions"]
    if ((transitions < 0) | (transitions >= CLIP_FRAMES)).any():
        raise ValueError(f"transitions has frames outside the {CLIP_FRAMES} of a clip")
    return Encoding(**tensors)


def _has_shape(shape: Sequence[int], expected: Sequence[int | None]) -> bool:
    return len(shape) == len(expected) and all(
        wanted in (None, length) for length, wanted in zip(shape, expected, strict=True)
    )


def clips_folder(bank: str | Path) -> Path:
    """Folder of the clips of a bank file."""
    bank = Path(bank)
    return bank.with_name(f"{bank.stem}_clips")


def encode_frames(network: Network, frames: np.ndarray, transitions: Transitions | None = None) -> Encoding:
    """Encoding of one clip, on the CPU.

    Args:
        network: in eval mode.
        frames: uint8 [96, H, W, 3], as large as the input of the network.
        transitions: true ones to pool at; None: predicted.
    """
    device = network.device
    clip = network_input(network, normalise(frames)[None]).to(device)
    forced = None
    if transitions is not None:
        forced = torch.tensor([[transitions.flight, transitions.entry]], device=device)
    with torch.inference_mode():
        return network.encode(clip, forced).to("cpu")
