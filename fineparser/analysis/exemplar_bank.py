"""The exemplar bank: judged dives as encodings with scores, in one file."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fineparser.data.dives import Card
from fineparser.data.exemplars import ExemplarChoice, ExemplarPool
from fineparser.domain.calibration import Calibration
from fineparser.domain.dive_code import DiveCode
from fineparser.model.encoding import ClipEncoding

STORED = ("dynamic", "transition_probabilities", "transitions", "static")


class BankError(ValueError):
    """A bank is missing, broken, or was made by other weights."""


@dataclass(frozen=True)
class Exemplar:
    """A judged dive of the bank, apart from its encoding."""

    id: str
    code: DiveCode
    height: float
    difficulty: float
    score: float
    source: str
    """"SynDive", or whose collection it belongs to."""

    def to_json(self) -> dict:
        """Plain values."""
        return self.__dict__ | {"code": str(self.code)}

    @classmethod
    def from_json(cls, values: dict) -> "Exemplar":
        """Back from plain values."""
        return cls(**values | {"code": DiveCode.parse(values["code"])})


@dataclass(frozen=True)
class ExemplarBank:
    """Exemplars with the encodings that one set of weights made of them.

    On disk: one safetensors file with the encodings' arrays, the first axis running over the exemplars, and the
    index as JSON in its metadata.
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
        """Up to `count` exemplars for a dive, the same for the same seed: same dive number first, else the nearest."""
        return ExemplarPool(self).choose(query, np.random.default_rng(seed), count)

    def add(self, exemplar: Exemplar, encoding: ClipEncoding) -> "ExemplarBank":
        """The bank with one more exemplar.

        Raises:
            BankError: where its id is taken.
        """
        if any(known.id == exemplar.id for known in self.exemplars):
            raise BankError(f"the bank already has an exemplar {exemplar.id!r}; remove it first or choose another id")
        joined = ClipEncoding.concatenate([self.encodings, encoding.without_masks()]) if len(self) else encoding
        return replace(self, exemplars=(*self.exemplars, exemplar), encodings=joined.without_masks())

    def save(self, path: str | Path) -> None:
        """Writes the bank; the file is whole or not there."""
        path = Path(path)
        arrays = {name: getattr(self.encodings, name) for name in STORED}
        arrays = {name: array.contiguous() for name, array in arrays.items() if array is not None}
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
            exemplars = tuple(Exemplar.from_json(values) for values in index["exemplars"])
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
