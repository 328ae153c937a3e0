"""Sources of dives as they are named on the command line.

syndive:COUNT[:SEED]    simulated dives, the same in every epoch
syndive:endless[:SEED]  simulated dives, fresh in every epoch
finediving:FOLDER       FineDiving, with masks if FineDiving-HM is beside it
mtl-aqa:FOLDER          MTL-AQA
clips:FOLDER            a labelled clip folder
kept:FOLDER             simulated dives that `keep_dives` has drawn
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fineparser.data import finediving, mtl_aqa
from fineparser.data.annotation_files import find_file, find_folder
from fineparser.data.clip_folder import read_clip_folder
from fineparser.data.clip_table import TABLE
from fineparser.data.dives import SPLITS, Card, DataError, Dive, DiveList, DiveSource, Problem
from fineparser.data.kept_dives import read_kept
from fineparser.data.syndive import ENDLESS_EPOCH, SynDives
from fineparser.data.transforms import PICTURE_HEIGHT

READERS = {
    "finediving": finediving.read_finediving,
    "mtl-aqa": mtl_aqa.read_mtl_aqa,
    "clips": read_clip_folder,
    "kept": read_kept,
}
KINDS = ("syndive", *READERS)
LEAST_VALIDATION = 16
"""Simulated dives of a validation split at least."""


@dataclass(frozen=True)
class JoinedDives:
    """Several sources one after the other, as one."""

    parts: tuple[DiveSource, ...]

    @property
    def name(self) -> str:
        """The names of the parts."""
        return " ".join(part.name for part in self.parts)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was left out of the parts."""
        return tuple(problem for part in self.parts for problem in getattr(part, "problems", ()))

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, index: int) -> Dive:
        part, place = self._find(index)
        return part[place]

    def card(self, index: int) -> Card:
        """The card of dive `index`."""
        part, place = self._find(index)
        return part.card(place)

    def at_epoch(self, epoch: int) -> "JoinedDives":
        """The parts at that epoch."""
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
    """The first so many dives of a source."""

    source: DiveSource
    count: int

    @property
    def name(self) -> str:
        """The source's."""
        return self.source.name

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was left out of the source."""
        return tuple(getattr(self.source, "problems", ()))

    def __len__(self) -> int:
        return min(self.count, len(self.source))

    def __getitem__(self, index: int) -> Dive:
        return self.source[self._inside(index)]

    def card(self, index: int) -> Card:
        """The card of dive `index`."""
        return self.source.card(self._inside(index))

    def at_epoch(self, epoch: int) -> "FirstDives":
        """The first dives of that epoch."""
        return FirstDives(self.source.at_epoch(epoch), self.count)

    def _inside(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"dive {index} of {len(self)}")
        return index


def kind_of(folder: Path) -> str | None:
    """The kind of source that a folder is, None where it is none.

    What a dataset's reader needs is looked for, datasets first: a table beside their frames does not make them clips.
    """
    annotations = (finediving.SCORES_FILE, finediving.DETAILS_FILE)
    if find_folder(folder, finediving.FRAME_FOLDERS) and find_file(folder, annotations, finediving.ANNOTATION_FOLDERS):
        return "finediving"
    if find_file(folder, mtl_aqa.ANNOTATION_FILES, mtl_aqa.ANNOTATION_FOLDERS):
        return "mtl-aqa"
    return "clips" if (folder / TABLE).is_file() else None


def open_data(
    specs: str | Sequence[str],
    split: str,
    *,
    seed: int = 0,
    validation: float = 0.1,
    skip_broken: bool = False,
    detail: int = 1,
) -> DiveSource:
    """The dives of one split ("train", "validation" or "test") of a source or of several joined.

    `specs` are as in the head of this module. `validation` is the share of a training split that `seed` draws for
    validation (of a finite simulated source, so many more dives are made). Simulated pictures are drawn `detail` times
    as large as 112 x 112. A clip folder has no test split of its own: asked for it, all of its dives come, so keep
    folders to test on apart from those to train on. DataError for a source that is not known, is broken, or has no dive
    in the split.
    """
    if split not in SPLITS:
        raise ValueError(f"The split is one of {', '.join(SPLITS)}, not {split!r}.")
    specs = [specs] if isinstance(specs, str) else list(specs)
    if not specs:
        raise DataError(f"No source of dives was given. Sources are {_forms()}.")
    parts = []
    for spec in specs:
        kind, _, rest = spec.partition(":")
        if kind not in KINDS or not rest:
            raise DataError(f"{spec!r} is no source of dives. Sources are {_forms()}.")
        if kind == "syndive":
            parts.append(_syndive(spec, rest, split, validation, PICTURE_HEIGHT * detail))
        else:
            dives = READERS[kind](Path(rest).expanduser(), seed=seed, validation=validation, skip_broken=skip_broken)
            # Nobody says which of his own clips are for testing.
            parts.append(dives if kind == "clips" and split == "test" else dives.of(split))
    joined = parts[0] if len(parts) == 1 else JoinedDives(tuple(parts))
    if len(joined) == 0:
        raise DataError(f"{joined.name}: there is no dive in its {split} split.{_left_out(parts)}")
    return joined


def _syndive(spec: str, rest: str, split: str, validation: float, lines: int) -> SynDives:
    count, _, seed = rest.partition(":")
    if not (count == "endless" or count.isdecimal()) or (seed and not seed.isdecimal()):
        raise DataError(f"{spec!r}: a simulated source is syndive:COUNT, syndive:endless, or one of them and :SEED.")
    is_endless = count == "endless"
    size = ENDLESS_EPOCH if is_endless else int(count)
    if split == "validation":
        size = max(LEAST_VALIDATION, round(size * validation))
    try:
        # A validation split that changed with the epochs could not tell a better checkpoint from an easier draw.
        return SynDives(size, int(seed or 0), split, is_endless=is_endless and split == "train", lines=lines)
    except ValueError as error:
        raise DataError(f"{spec!r}: {error}") from error


def _forms() -> str:
    return "syndive:COUNT, syndive:endless, " + ", ".join(f"{kind}:FOLDER" for kind in READERS)


def _left_out(parts: Sequence[DiveSource]) -> str:
    problems = [problem for part in parts if isinstance(part, DiveList) for problem in part.problems]
    return f" {len(problems)} dives were left out as broken, such as {problems[0]}" if problems else ""
