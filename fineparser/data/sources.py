"""Sources of dives as named on the command line.

syndive:COUNT[:SEED]    simulated dives, the same in every epoch
syndive:endless[:SEED]  simulated dives, fresh in every epoch
finediving:FOLDER       FineDiving, with masks if FineDiving-HM is beside it
mtl-aqa:FOLDER          MTL-AQA
clips:FOLDER            a labelled clip folder
store:FOLDER            simulated dives rendered by `dive_store.store_dives`
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fineparser.data.dive_tables import find_tables
from fineparser.data.dives import (
    DEFAULT_READ_OPTIONS,
    SPLITS,
    Card,
    DataError,
    Dive,
    DiveList,
    DiveSource,
    OnBroken,
    Problem,
    ReadOptions,
)
from fineparser.data.readers import finediving, mtl_aqa
from fineparser.data.readers.annotations import find_file, find_folder
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.domain.clip_geometry import CLIP_SIDE

DATASET_KINDS = ("finediving", "mtl-aqa", "clips", "store")
"""Kinds of sources that are folders."""

KINDS = ("syndive", *DATASET_KINDS)

MIN_VALIDATION_DIVES = 16
"""Least number of simulated dives in a validation split."""


class EmptySplitError(DataError):
    """Error of a source without dives in the requested split."""


@dataclass(frozen=True)
class JoinedDives:
    """Concatenation of several sources."""

    parts: tuple[DiveSource, ...]

    @property
    def name(self) -> str:
        """Names of the parts."""
        return " ".join(part.name for part in self.parts)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Broken items that are left out of the parts."""
        return tuple(problem for part in self.parts for problem in part.problems)

    @property
    def on_broken(self) -> OnBroken:
        """Policy of the first part."""
        return self.parts[0].on_broken

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, index: int) -> Dive:
        part, offset = self._find(index)
        return part[offset]

    def card(self, index: int) -> Card:
        """Card of dive `index`."""
        part, offset = self._find(index)
        return part.card(offset)

    def at_epoch(self, epoch: int) -> "JoinedDives":
        """Parts at that epoch."""
        return JoinedDives(tuple(part.at_epoch(epoch) for part in self.parts))

    def _find(self, index: int) -> tuple[DiveSource, int]:
        if index >= 0:
            for part in self.parts:
                if index < len(part):
                    return part, index
                index -= len(part)
        raise IndexError(f"there is no such dive among {len(self)}")


@dataclass(frozen=True)
class FirstDives:
    """First `count` dives of a source."""

    source: DiveSource
    count: int

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Broken items that are left out of the source."""
        return self.source.problems

    @property
    def on_broken(self) -> OnBroken:
        """Policy of the source."""
        return self.source.on_broken

    def __len__(self) -> int:
        return min(self.count, len(self.source))

    def __getitem__(self, index: int) -> Dive:
        return self.source[self._checked(index)]

    def card(self, index: int) -> Card:
        """Card of dive `index`."""
        return self.source.card(self._checked(index))

    def at_epoch(self, epoch: int) -> "FirstDives":
        """First dives of that epoch."""
        return FirstDives(self.source.at_epoch(epoch), self.count)

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"dive {index} of {len(self)}")
        return index


def detect_kind(folder: Path) -> str | None:
    """Detect the kind of dataset in a folder, None where there is none.

    Published datasets are detected first: a table beside their frames does not make them a clip folder.
    """
    annotations = (finediving.SCORES_FILE, finediving.DETAILS_FILE)
    if find_folder(folder, finediving.FRAME_FOLDERS) and find_file(folder, annotations, finediving.ANNOTATION_FOLDERS):
        return "finediving"
    if find_file(folder, mtl_aqa.ANNOTATION_FILES, mtl_aqa.ANNOTATION_FOLDERS):
        return "mtl-aqa"
    return "clips" if find_tables(folder) else None


def read_dataset(kind: str, folder: Path, options: ReadOptions = DEFAULT_READ_OPTIONS) -> DiveList:
    """Read a dataset of one of `DATASET_KINDS`, all splits of it. DataError for another kind or a broken dataset."""
    match kind:
        case "finediving":
            return finediving.read_finediving(folder, options)
        case "mtl-aqa":
            return mtl_aqa.read_mtl_aqa(folder, options)
        case "clips":
            return read_clip_folder(folder, options)
        case "store":
            from fineparser.data.dive_store import read_store  # imports the simulator

            return read_store(folder, options)
    raise DataError(f"{kind!r} is no kind of dataset; the kinds are {', '.join(DATASET_KINDS)}.")


def open_data(
    specs: str | Sequence[str], split: str, options: ReadOptions = DEFAULT_READ_OPTIONS, *, scale: int = 1
) -> DiveSource:
    """Open the dives of one split of a source or of several joined.

    Args:
        specs: sources as in the docstring of this module.
        split: "train", "validation" or "test". A clip folder has no test split of its own: all of its dives are used,
            so keep folders for tests apart from those for training.
        options: of a finite simulated source, `validation` is the share of additional dives for validation.
        scale: simulated frames are rendered at this multiple of 112 x 112.

    Raises:
        DataError: for a source that is unknown, broken or without dives in the split.
    """
    if split not in SPLITS:
        raise ValueError(f"The split is one of {', '.join(SPLITS)}, not {split!r}.")
    specs = [specs] if isinstance(specs, str) else list(specs)
    if not specs:
        raise DataError(f"No source of dives was given. Sources are {_forms()}.")
    parts: list[DiveSource] = []
    for spec in specs:
        kind, _, rest = spec.partition(":")
        if kind not in KINDS or not rest:
            raise DataError(f"{spec!r} is no source of dives. Sources are {_forms()}.")
        if kind == "syndive":
            parts.append(_open_syndive(spec, split, options, CLIP_SIDE * scale))
        else:
            dives = read_dataset(kind, Path(rest).expanduser(), options)
            parts.append(dives if kind == "clips" and split == "test" else dives.select_split(split))
    joined = parts[0] if len(parts) == 1 else JoinedDives(tuple(parts))
    if len(joined) == 0:
        raise EmptySplitError(f"{joined.name}: there is no dive in its {split} split.{_problem_note(joined.problems)}")
    return joined


def _open_syndive(spec: str, split: str, options: ReadOptions, lines: int) -> DiveSource:
    from fineparser.data.readers.syndive import ENDLESS_EPOCH, SynDives  # imports the simulator

    count, _, seed = spec.partition(":")[2].partition(":")
    if not (count == "endless" or count.isdecimal()) or (seed and not seed.isdecimal()):
        raise DataError(f"{spec!r}: a simulated source is syndive:COUNT, syndive:endless, or one of them and :SEED.")
    is_endless = count == "endless"
    size = ENDLESS_EPOCH if is_endless else int(count)
    if split == "validation":
        size = max(MIN_VALIDATION_DIVES, round(size * options.validation))
    try:
        # A validation split that changed with the epochs could not tell a better checkpoint from easier dives.
        dives = SynDives(size, int(seed or 0), split, is_endless=is_endless and split == "train", lines=lines)
        return replace(dives, on_broken=options.on_broken)
    except ValueError as error:
        raise DataError(f"{spec!r}: {error}") from error


def _forms() -> str:
    return "syndive:COUNT, syndive:endless, " + ", ".join(f"{kind}:FOLDER" for kind in DATASET_KINDS)


def _problem_note(problems: Sequence[Problem]) -> str:
    broken = [problem for problem in problems if not problem.is_remark]
    return f" {len(broken)} dives were left out as broken, such as {broken[0]}" if broken else ""
