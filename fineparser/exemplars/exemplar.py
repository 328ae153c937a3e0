"""One judged dive of a bank: what was dived, what it was given, and how it can be shown and encoded again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from fineparser.domain.dive_code import DiveCode

SIMULATED = "SynDive"
"""Source of exemplars that the simulator made."""
OWN = "own dives"
"""Source of exemplars that a person added."""


def recorded_sources(trained_on: Sequence[str]) -> list[str]:
    """Of what weights have learnt from, all that was not simulated."""
    return [source for source in trained_on if not source.startswith(SIMULATED)]


@dataclass(frozen=True)
class ExemplarClip:
    """A small H.264 clip that shows an exemplar; ValueError unless its frames are in order.

    Frames are counted from 0, the clip's first.
    """

    path: Path
    first: int
    """First frame of the dive."""
    flight: int
    """First frame of the flight."""
    entry: int
    """First frame of the entry."""
    last: int
    """Last frame of the dive."""

    def __post_init__(self) -> None:
        marks = (0, self.first, self.flight, self.entry, self.last)
        if list(marks) != sorted(marks):
            raise ValueError(f"{self.path.name}: the phases at frames {marks[1:]} are not in order")

    def to_json(self) -> dict:
        """Plain values; of the path the name alone, for the folder goes with the bank."""
        return asdict(self) | {"path": self.path.name}

    @classmethod
    def from_json(cls, values: dict, folder: Path) -> "ExemplarClip":
        """Back from plain values; ValueError where the name leads out of the folder."""
        name = values["path"]
        if Path(name).name != name or name in ("", ".", ".."):
            raise ValueError(f"{name!r} is no name of a clip in {folder}")
        return cls(**values | {"path": folder / name})


@dataclass(frozen=True)
class Recipe:
    """How the simulator makes an exemplar's dive again: with the exemplar's number and height, and these."""

    seed: int
    level: float
    """Of the diver, 0 (beginner) to 1 (medallist)."""


@dataclass(frozen=True)
class Exemplar:
    """A judged dive, apart from its encoding."""

    id: str
    code: DiveCode
    height: float
    difficulty: float
    score: float
    source: str
    """`SIMULATED`, `OWN`, or the name of a collection."""
    clip: ExemplarClip | None = None
    """What shows it, where there is a clip of itself."""
    recipe: Recipe | None = None
    """How it is simulated again; None for a recording, which is encoded again from its clip."""
    name: str = ""
    """What its owner calls it."""

    def __post_init__(self) -> None:
        if self.difficulty <= 0 or self.score < 0:
            raise ValueError(f"{self.id}: score {self.score:g} and difficulty {self.difficulty:g} make no judged dive")

    @property
    def execution(self) -> float:
        """Points over difficulty: the sum of three awards, 0 to 30."""
        return self.score / self.difficulty

    def to_json(self) -> dict:
        """Plain values; what is not there is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {
            "code": str(self.code),
            "clip": self.clip and self.clip.to_json(),
            "recipe": self.recipe and asdict(self.recipe),
        }
        return {name: value for name, value in values.items() if value not in (None, "")}

    @classmethod
    def from_json(cls, values: dict, clips: Path) -> "Exemplar":
        """Back from plain values, with the clip in the folder `clips`.

        Raises:
            ValueError, KeyError, TypeError: where they describe no exemplar.
        """
        clip, recipe = values.get("clip"), values.get("recipe")
        return cls(
            **values
            | {
                "code": DiveCode.parse(values["code"]),
                "clip": None if clip is None else ExemplarClip.from_json(clip, clips),
                "recipe": None if recipe is None else Recipe(**recipe),
            }
        )
