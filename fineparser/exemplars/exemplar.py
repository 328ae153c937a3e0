"""Exemplars: dives with a known score, and how each can be shown and encoded again."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from fineparser.domain.difficulty import difficulty as table_difficulty
from fineparser.domain.difficulty import parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import COUNTED_AWARDS, highest_score, parse_awards, total_score
from fineparser.domain.standards import Standard
from fineparser.plain_values import excerpt, from_plain

SIMULATED = "SynDive"
"""Source of exemplars that the simulator made."""
USER_DIVES = "own dives"
"""Source of exemplars that a user added."""
SIMULATOR_VERSION = 2
"""To be raised when the simulator plans other dives of the same seeds."""
MAX_CODE_LENGTH = 20
"""Characters of a dive number, blanks included."""
DIFFICULTY_RANGE = (0.5, 6.0)
"""Lowest and highest degree of difficulty that a user may give."""
SCORE_TOLERANCE = 0.005 + 1e-9
"""Points by which a total may differ from that of the judges' awards, as far as totals are rounded."""


def non_simulated_sources(trained_on: Sequence[str]) -> list[str]:
    """The training datasets of some weights that are not simulated."""
    return [source for source in trained_on if not source.startswith(SIMULATED)]


@dataclass(frozen=True)
class DiveSpec:
    """Dive number, height and degree of difficulty."""

    code: DiveCode
    height: float
    """Metres."""
    difficulty: float
    difficulty_source: str
    """"table" or "given"."""

    @classmethod
    def from_input(
        cls, code: DiveCode | str | None, height: float | str | None, difficulty: float | None = None
    ) -> "DiveSpec | None":
        """The dive that a user describes; None if its number or height is missing.

        Args:
            code: dive number.
            height: metres.
            difficulty: degree of difficulty; None: from the table.

        Raises:
            ValueError: for an invalid number, height or difficulty; the message names the nearest valid ones.
        """
        # Each value is checked, also where another one is missing.
        code = DiveCode.parse(code) if isinstance(code, str) else code
        height = None if height is None else parse_height(height)
        lowest, highest = DIFFICULTY_RANGE
        if difficulty is not None and not lowest <= difficulty <= highest:
            raise ValueError(f"the degree of difficulty must be between {lowest:g} and {highest:g}, not {difficulty:g}")
        if code is None or height is None:
            return None
        if difficulty is None:
            return cls(code, height, table_difficulty(code, height), "table")
        return cls(code, height, float(difficulty), "given")


@dataclass(frozen=True)
class ScoredDive:
    """A dive and its score."""

    spec: DiveSpec
    score: float
    """Points."""
    awards: tuple[float, ...] | None = None
    """Awards of the judges, 5 or 7; None: only the total is known."""
    standard: Standard | None = None
    """Standard of the competition; None: not known."""

    @classmethod
    def from_input(
        cls,
        code: str | None,
        height: float | str | None,
        score: float | None = None,
        difficulty: float | None = None,
        *,
        awards: str | Sequence[float] | None = None,
        standard: Standard | str | None = None,
    ) -> "ScoredDive":
        """The dive that a user describes, with its total, the judges' awards, or both.

        Args:
            code: dive number.
            height: metres.
            score: total, points; None: that of the awards.
            difficulty: degree of difficulty; None: from the table.
            awards: 5 or 7, see `fineparser.domain.judging.parse_awards`; None or empty: not known.
            standard: of the competition.

        Raises:
            ValueError: for a missing or invalid value, and for awards that give another total than `score`.
        """
        spec = DiveSpec.from_input(code or None, height or None, difficulty)
        if spec is None:
            raise ValueError("An exemplar needs a dive number and a height: give both.")
        standard = None if standard is None else named_standard(standard)
        if awards:
            sheet = parse_awards(awards)
            total = total_score(sheet, spec.difficulty)
            if score is not None and not abs(score - total) <= SCORE_TOLERANCE:
                raise ValueError(
                    f"The awards make {total:.2f} points at difficulty {spec.difficulty:g}, not {score:.2f}: correct "
                    "one of them, or give the awards alone."
                )
            return cls(spec, total, sheet, standard)
        if score is None:
            raise ValueError("An exemplar needs its score: give the total in points, or the judges' awards.")
        highest = highest_score(spec.difficulty)
        if not 0 <= score <= highest:
            raise ValueError(
                f"A {spec.code} from {spec.height:g} m (difficulty {spec.difficulty:g}) scores 0 to {highest:g} "
                f"points, not {score:g}: give the total of the dive, or its own difficulty."
            )
        return cls(spec, float(score), standard=standard)


def named_standard(text: str) -> Standard:
    """A standard of competition by its name; ValueError with the valid ones for anything else."""
    try:
        return Standard(text)
    except ValueError:
        raise ValueError(f"the standard is one of {', '.join(Standard)}, not {excerpt(text)}") from None


@dataclass(frozen=True)
class FileFrames:
    """Frames of a video file, which is known by its contents.

    Raises:
        ValueError: for a digest or frames that no file has.
    """

    digest: str
    """SHA-256, see `clip_digest`."""
    first: int
    last: int
    """First and last frame, counted from 0."""

    def __post_init__(self) -> None:
        if re.fullmatch("[0-9a-f]{64}", self.digest) is None:
            raise ValueError(f"{excerpt(self.digest)} is no SHA-256 digest")
        if not 0 <= self.first <= self.last:
            raise ValueError(f"there are no frames {self.first} to {self.last}")

    def overlaps(self, other: "FileFrames") -> bool:
        """True if both have frames of one file in common."""
        return self.digest == other.digest and self.first <= other.last and other.first <= self.last


def clip_digest(clip: str | Path) -> str | None:
    """SHA-256 of a video file, hexadecimal; None for a folder of frames."""
    if Path(clip).is_dir():
        return None
    with Path(clip).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class ExemplarClip:
    """Small H.264 clip that shows an exemplar. Frames are counted from 0, the first frame of the clip.

    Raises:
        ValueError: if the frames are not in order.
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
        frames = (0, self.first, self.flight, self.entry, self.last)
        if list(frames) != sorted(frames):
            raise ValueError(f"{self.path.name}: the phases at frames {frames[1:]} are not in order")

    def to_json(self) -> dict[str, Any]:
        """Plain values; the path is reduced to its name, since the folder moves with the bank."""
        return asdict(self) | {"path": self.path.name}

    @classmethod
    def from_json(cls, values: dict[str, Any], folder: Path) -> "ExemplarClip":
        """Clip in `folder` from plain values.

        Raises:
            ValueError: if the name leads out of the folder.
        """
        name = values.get("path")
        if not isinstance(name, str) or Path(name).name != name or name in ("", ".", "..") or "\0" in name:
            raise ValueError(f"{excerpt(name)} is no name of a clip in {folder}")
        return from_plain(cls, values | {"path": folder / name})


@dataclass(frozen=True)
class SimulationRecipe:
    """Settings with which the simulator makes an exemplar again, besides its dive number and height.

    Only the version of the simulator that made it makes the same dive, with the same score.

    Raises:
        ValueError: for a negative seed, or a level outside 0 to 1.
    """

    seed: int
    level: float
    """Skill of the diver, 0 (beginner) to 1 (medallist)."""
    simulator: int = 1
    """Version of the simulator."""

    @property
    def is_current(self) -> bool:
        """True if the simulator still makes the same dive of it."""
        return self.simulator == SIMULATOR_VERSION

    def __post_init__(self) -> None:
        if self.seed < 0 or not 0 <= self.level <= 1:
            raise ValueError(
                f"a recipe has a seed from 0 on and a level from 0 to 1, not {self.seed} and {self.level:g}"
            )


@dataclass(frozen=True)
class Exemplar:
    """A dive with a known score; its encoding is in the bank.

    Raises:
        ValueError: for a score or a difficulty that no dive has.
    """

    id: str
    code: DiveCode
    height: float
    """Metres."""
    difficulty: float
    score: float
    """Points."""
    source: str
    """`SIMULATED`, `USER_DIVES`, or the name of a dataset."""
    clip: ExemplarClip | None = None
    """Clip of this very dive; None if there is none."""
    recipe: SimulationRecipe | None = None
    """None for a real dive, which is encoded again from its clip."""
    name: str = ""
    """Name that the user gave it."""
    awards: tuple[float, ...] | None = None
    """Awards of the judges, 5 or 7; None: only the total is known."""
    standard: Standard | None = None
    """Standard of the competition; None: not known."""
    files: tuple[FileFrames, ...] = ()
    """Frames that show this very dive: of the file that the user added, and of its stored copy."""

    def __post_init__(self) -> None:
        # Both are false for numbers that are none (NaN).
        if not (0 < self.difficulty < 10 and 0 <= self.score <= highest_score(self.difficulty)):
            raise ValueError(
                f"{self.id}: score {self.score:g} and difficulty {self.difficulty:g} are not those of a dive"
            )
        if self.awards is not None:
            total = total_score(parse_awards(self.awards), self.difficulty)
            if abs(self.score - total) > SCORE_TOLERANCE:
                raise ValueError(f"{self.id}: the awards make {total:.2f} points, and the score is {self.score:g}")

    @property
    def execution(self) -> float:
        """Points over difficulty: the sum of the three kept awards, 0 to 30."""
        return self.score / self.difficulty

    @property
    def mean_award(self) -> float:
        """Mean of the counted awards, 0 to 10."""
        return self.execution / COUNTED_AWARDS

    def to_json(self) -> dict[str, Any]:
        """Plain values without empty ones."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {
            "code": str(self.code),
            "clip": self.clip and self.clip.to_json(),
            "recipe": self.recipe and asdict(self.recipe),
            "awards": self.awards and list(self.awards),
            "standard": self.standard and self.standard.value,
            "files": [asdict(frames) for frames in self.files],
        }
        return {name: value for name, value in values.items() if value not in (None, "", [])}

    @classmethod
    def from_json(cls, values: dict[str, Any], clips: Path) -> "Exemplar":
        """Exemplar from plain values, with its clip in the folder `clips`.

        Raises:
            ValueError: for values that describe no exemplar, with the name of the field.
        """
        if not isinstance(values, dict):
            raise ValueError(f"an exemplar should be an object, not {excerpt(values)}")
        code, clip, recipe, standard = (values.get(name) for name in ("code", "clip", "recipe", "standard"))
        files = values.get("files", [])
        if not isinstance(code, str) or len(code) > MAX_CODE_LENGTH:
            raise ValueError(f"code should be a dive number, not {excerpt(code)}")
        if clip is not None and not isinstance(clip, dict):
            raise ValueError(f"clip should be an object, not {excerpt(clip)}")
        if not isinstance(files, list):
            raise ValueError(f"files should be a list, not {excerpt(files)}")
        nested = {
            "code": DiveCode.parse(code),
            "clip": None if clip is None else ExemplarClip.from_json(clip, clips),
            "recipe": None if recipe is None else from_plain(SimulationRecipe, recipe),
            "standard": None if standard is None else named_standard(standard),
            "files": tuple(from_plain(FileFrames, frames) for frames in files),
        }
        exemplar = from_plain(cls, values | nested)
        parse_height(exemplar.height)
        return exemplar


def exemplars_from_json(values: object, clips: Path) -> tuple[Exemplar, ...]:
    """Exemplars from a list of plain values, with their clips in the folder `clips`.

    Raises:
        ValueError: for anything else, with the position of the exemplar and the name of the field.
    """
    if not isinstance(values, list):
        raise ValueError(f"exemplars should be a list, not {excerpt(values)}")
    exemplars: dict[str, Exemplar] = {}
    for number, item in enumerate(values, 1):
        try:
            exemplar = Exemplar.from_json(item, clips)
        except ValueError as error:
            raise ValueError(f"exemplar {number} of {len(values)}: {error}") from error
        if exemplar.id in exemplars:
            raise ValueError(
                f"exemplar {number} of {len(values)}: there is another one of the id {excerpt(exemplar.id)}"
            )
        exemplars[exemplar.id] = exemplar
    return tuple(exemplars.values())
