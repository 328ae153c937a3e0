"""The exemplar bank: judged dives as encodings with scores, in one file."""

import json
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fineparser.exemplars.exemplar import SIMULATED, Exemplar
from fineparser.data.dives import Card
from fineparser.data.exemplars import ExemplarChoice, ExemplarPool
from fineparser.exemplars.calibration import Calibration
from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.model.encoding import ClipEncoding

STORED = ("dynamic", "transition_probabilities", "transitions", "static", "entry")


class BankError(ValueError):
    """A bank is missing, broken, or was made by other weights."""


@dataclass(frozen=True)
class ExemplarBank:
    """Exemplars with the encodings that one set of weights made of them.

    On disk: one safetensors file with the encodings' arrays in 16 bits, the first axis running over the exemplars, and
    the index as JSON in its metadata; beside it the folder `clips_folder(file)` with the H.264 clips that the index
    names (`Exemplar.clip`). The bundled bank is assets/exemplar_bank.safetensors with assets/exemplar_bank_clips/.
    Not every exemplar has a clip of its own: `shown` tells which one stands in.
    """

    exemplars: tuple[Exemplar, ...]
    encodings: ClipEncoding
    """Of all exemplars in order, without masks."""
    fingerprint: str
    """Of the weights that made the encodings."""
    name: str = "exemplar bank"
    calibration: Calibration | None = None
    """How far off scores by these exemplars may be, where that was measured."""

    def __len__(self) -> int:
        return len(self.exemplars)

    def card(self, index: int) -> Card:
        """What choosing an exemplar has to know of one."""
        exemplar = self.exemplars[index]
        return Card(exemplar.id, exemplar.code, exemplar.height, exemplar.difficulty, is_scored=True)

    def choose(self, query: Card, count: int, seed: int = 0) -> list[ExemplarChoice]:
        """Up to `count` exemplars for a dive, the same for the same seed: same dive number first, else the nearest.

        Of those from the dive's own height, recorded dives come before simulated ones: they were judged by people.
        """
        ranked = ExemplarPool(self).choose(query, np.random.default_rng(seed), len(self))

        def rank(choice: ExemplarChoice) -> tuple[bool, bool]:
            exemplar = self.exemplars[choice.index]
            return exemplar.height != query.height, exemplar.source == SIMULATED

        return sorted(ranked, key=rank)[:count]

    def shown(self, index: int) -> Exemplar | None:
        """The exemplar whose clip shows exemplar `index`: itself, else the nearest in quality of its number.

        One of the same source and kind of board; None where there is none.
        """
        wanted = self.exemplars[index]
        if wanted.clip is not None:
            return wanted

        def kind(one: Exemplar) -> tuple:
            return one.code, one.source, one.height in SPRINGBOARDS

        alike = [one for one in self.exemplars if one.clip is not None and kind(one) == kind(wanted)]
        return min(alike, key=lambda one: abs(one.execution - wanted.execution), default=None)

    def of_sources(self, sources: Collection[str]) -> "ExemplarBank":
        """The exemplars of some sources alone; there may be none."""
        return self._select([index for index, one in enumerate(self.exemplars) if one.source in sources])

    def without(self, exemplar: str) -> "ExemplarBank":
        """The bank without one exemplar.

        Raises:
            BankError: where there is none of this id.
        """
        kept = [index for index, one in enumerate(self.exemplars) if one.id != exemplar]
        if len(kept) == len(self):
            raise BankError(f"the bank has no exemplar {exemplar!r}")
        return self._select(kept)

    def _select(self, kept: list[int]) -> "ExemplarBank":
        exemplars = tuple(self.exemplars[index] for index in kept)
        return replace(self, exemplars=exemplars, encodings=self.encodings.select(kept))

    def join(self, other: "ExemplarBank") -> "ExemplarBank":
        """Both banks as one; the name and the calibration are this one's.

        Raises:
            BankError: where other weights made it, or an id is in both.
        """
        if other.fingerprint != self.fingerprint:
            raise BankError(f"{other.name} and {self.name} were encoded by different weights and cannot be mixed")
        known = {one.id for one in self.exemplars}
        if taken := sorted(known & {one.id for one in other.exemplars}):
            raise BankError(f"the bank already has an exemplar {taken[0]!r}; remove it first or choose another id")
        encodings = ClipEncoding.concatenate([self.encodings.without_masks(), other.encodings.without_masks()])
        return replace(self, exemplars=(*self.exemplars, *other.exemplars), encodings=encodings)

    def save(self, path: str | Path) -> None:
        """Writes the bank, and copies clips that lie elsewhere beside it; the file is whole or not there."""
        path = Path(path)
        for clip in (one.clip for one in self.exemplars if one.clip is not None):
            target = clips_folder(path) / clip.path.name
            if target != clip.path and clip.path.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(clip.path, target)
        arrays = {name: getattr(self.encodings, name) for name in STORED}
        arrays = {
            name: (array.half() if array.is_floating_point() else array).contiguous()
            for name, array in arrays.items()
            if array is not None
        }
        index = {
            "exemplars": [exemplar.to_json() for exemplar in self.exemplars],
            "window_starts": self.encodings.window_starts,
            "fingerprint": self.fingerprint,
            "calibration": None if self.calibration is None else self.calibration.to_json(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            save_file(arrays, part, metadata={"index": json.dumps(index)})
            part.chmod(0o644)  # safetensors makes files that only their owner reads
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | Path, fingerprint: str | None = None) -> "ExemplarBank":
        """The bank in a file.

        Args:
            path: of the file.
            fingerprint: of the weights that will compare with it; another one is refused.

        Raises:
            BankError: where the file is missing, broken or made by other weights.
        """
        path = Path(path)
        try:
            with safe_open(path, framework="pt") as file:
                index = json.loads(file.metadata()["index"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            exemplars = tuple(Exemplar.from_json(values, clips_folder(path)) for values in index["exemplars"])
            arrays = {n: a.float() if a.is_floating_point() else a for n, a in arrays.items()}
            encodings = ClipEncoding(**arrays, window_starts=tuple(index["window_starts"]))
            made_by = index["fingerprint"]
            calibration = None if index["calibration"] is None else Calibration(**index["calibration"])
        except FileNotFoundError as error:
            raise BankError(f"there is no exemplar bank {path}") from error
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise BankError(f"{path} is not an exemplar bank: {error}") from error
        if len(exemplars) != len(encodings):
            raise BankError(f"{path} names {len(exemplars)} exemplars but holds {len(encodings)} encodings")
        if fingerprint not in (None, made_by):
            raise BankError(f"{path} was encoded by other weights ({made_by}, not {fingerprint}); build it anew")
        return cls(exemplars, encodings, made_by, path.name, calibration)


def clips_folder(bank: str | Path) -> Path:
    """Where the clips of a bank file are."""
    bank = Path(bank)
    return bank.with_name(f"{bank.stem}_clips")
