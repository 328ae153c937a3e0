"""Labelled dives of any dataset: `Dive`, lists of dives, and the policy for broken items.

Frame numbers are those of the source: FineDiving's file names, a video's 0-based frames, a simulated dive's
0-95. `Dive` turns them into indices of a sampled clip, so that labels follow the sampling.
"""

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Protocol, cast, overload

import numpy as np

from fineparser.domain.clip_geometry import CLIP_FRAMES, sample_frames
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import highest_score
from fineparser.domain.phases import Transitions
from fineparser.domain.standards import Standard

SPLITS = ("train", "validation", "test")
MAX_SCORE = 120.0
"""Upper bound of the scores of competition dives: perfect awards for a difficulty of 3.9 make 117."""


@dataclass(frozen=True)
class Location:
    """Location of an item in its dataset, for messages.

    >>> str(Location(Path("dives.csv"), line=3))
    'dives.csv, line 3'
    """

    file: Path
    """File or folder."""

    line: int | None = None
    """Line, counted from 1, of a text file."""

    item: str | None = None
    """Key, of a file that has keys instead of lines."""

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.file}{line}" + ("" if self.item is None else f", item {self.item}")


@dataclass(frozen=True)
class Problem:
    """Reason why an item is left out of a dataset, or a remark on it.

    >>> str(Problem(Location(Path("dives.csv"), line=3), "names no clip"))
    'dives.csv, line 3: names no clip'
    """

    location: Location
    reason: str
    is_remark: bool = False
    """True where nothing is left out, such as for a column that no label is read from."""

    def __str__(self) -> str:
        return f"{self.location}: {self.reason}"


class DataError(ValueError):
    """Error of an item that cannot be used; the message names its location and the reason."""


class OnBroken(enum.Enum):
    """Policy for items of a dataset that are broken."""

    RAISE = "raise"
    """Raise `DataError` at the first one."""
    SKIP = "skip"
    """Record a `Problem` and continue without the item."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Options of the readers of all datasets."""

    seed: int = 0
    """Seed of the random validation split."""
    validation: float = 0.1
    """Share of the training dives that become the validation split."""
    on_broken: OnBroken = OnBroken.RAISE
    """Policy for broken dives; the source carries it on to the datasets made of it."""


DEFAULT_READ_OPTIONS = ReadOptions()


class DiveFrames(Protocol):
    """Frames, masks, layers and poses of one dive, read on demand."""

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the frames with these source numbers, RGB uint8 [n, H, W, 3]; DataError where one is broken."""
        ...

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the masks of these frames, bool [n, H, W], True on the diver; DataError where one is broken."""
        ...


class SimulatedDiveFrames(DiveFrames, Protocol):
    """Frames of a simulated dive, of which layers and poses are known, too."""

    def read_layers(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the share of `LAYERS` (body, flying water, foam) in each pixel, uint8 [n, H, W, 3]."""
        ...

    def read_poses(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the diver's poses, float32 [n, 28], see `fineparser.simulator.athlete.pose.POSE_FIELDS`."""
        ...


@dataclass(frozen=True)
class Card:
    """Labels of a dive that the choice of an exemplar depends on, available without reading the dive."""

    id: str
    code: DiveCode | None = None
    height: float | None = None
    difficulty: float | None = None
    is_scored: bool = False
    source: str = ""
    """Name of the dataset; dives are compared within theirs where possible."""


@dataclass(frozen=True)
class Dive:
    """One dive with its labels; a label is None where it is unknown.

    ValueError where labels contradict each other or are out of range.
    """

    id: str
    """Unique within the source."""

    source: str
    """Name of the dataset or folder."""

    split: str
    """"train", "validation" or "test"."""

    frames: DiveFrames = field(repr=False, compare=False)
    """Reads frames and masks."""

    location: Location
    """Location of the dive in its dataset."""

    first_frame: int
    """Source number of the clip's first frame."""

    last_frame: int
    """Source number of the clip's last frame, which belongs to the clip."""

    code: DiveCode | None = None
    height: float | None = None
    """Metres."""

    difficulty: float | None = None
    score: float | None = None
    """Total score, points."""

    awards: tuple[float, ...] | None = None
    """Awards of the judges, 0-10."""

    flight_frame: int | None = None
    """Source number of the first frame of the flight."""

    entry_frame: int | None = None
    """Source number of the first frame of the entry."""

    standard: Standard | None = None
    """Standard of competition."""

    origin: str = ""
    """Recording or event that the clip is from: the column `source` of a clip folder's table."""

    sub_actions: tuple[int, ...] | None = field(default=None, repr=False)
    """FineDiving's sub-action id of each frame from `first_frame` to `last_frame`."""

    has_masks: bool = False

    has_layers: bool = False
    """True if the shares of body, flying water and foam are known: of simulated dives."""

    has_poses: bool = False
    """True if the pose in each frame is known: of simulated dives."""

    deductions: tuple[float, ...] | None = field(default=None, repr=False)
    """Deduction of each fault of `fineparser.simulator.judges`, in awards, mean over the divers; simulated dives
    only."""

    noise_free_award: float | None = None
    """Award, 0-10, of a judge without bias and noise; simulated dives only."""

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"The split is one of {', '.join(SPLITS)}, not {self.split!r}.")
        if not 0 <= self.first_frame <= self.last_frame:
            raise ValueError(f"A clip from frame {self.first_frame} to {self.last_frame} has no frames.")
        self._check_transitions()
        highest = max(MAX_SCORE, highest_score(self.difficulty or 0))  # the rarest dives have a larger difficulty
        if self.score is not None and not 0 <= self.score <= highest:
            raise ValueError(f"A score lies in 0 to {highest:g} points, not {self.score:g}.")
        if self.difficulty is not None and not 0 < self.difficulty < 10:
            raise ValueError(f"A degree of difficulty lies between 0 and 10, not at {self.difficulty:g}.")
        if self.awards is not None and not all(0 <= award <= 10 for award in self.awards):
            raise ValueError(f"Awards lie in 0 to 10, not {', '.join(f'{award:g}' for award in self.awards)}.")
        if self.sub_actions is not None and len(self.sub_actions) != self.frame_count:
            raise ValueError(
                f"{len(self.sub_actions)} sub-action labels for the {self.frame_count} frames of the clip."
            )

    def _check_transitions(self) -> None:
        """ValueError for transitions outside the clip or in the wrong order."""
        known = {"flight": self.flight_frame, "entry": self.entry_frame}
        frames_of = {phase: frame for phase, frame in known.items() if frame is not None}
        frames = list(frames_of.values())
        if frames != sorted(frames) or not all(self.first_frame <= frame <= self.last_frame for frame in frames):
            named = " and ".join(f"the {phase} (from frame {frame})" for phase, frame in frames_of.items())
            order = "must follow each other" if len(frames_of) > 1 else "must be"
            raise ValueError(
                f"{named[0].upper()}{named[1:]} {order} inside the clip, frames {self.first_frame} to "
                f"{self.last_frame}."
            )

    @property
    def has_transitions(self) -> bool:
        """True if both transitions are known. One alone is that of a clip which ends in the air or begins there."""
        return self.flight_frame is not None and self.entry_frame is not None

    @property
    def frame_count(self) -> int:
        """Frames of the clip in its source, before sampling."""
        return self.last_frame - self.first_frame + 1

    @property
    def card(self) -> Card:
        """Labels that the choice of exemplars depends on."""
        return Card(self.id, self.code, self.height, self.difficulty, self.score is not None, self.source)

    @property
    def execution(self) -> float | None:
        """Score divided by difficulty, 0-30; None where either is unknown."""
        if self.score is None or self.difficulty is None:
            return None
        return self.score / self.difficulty

    def sample(self, end_shift: int = 0, count: int = CLIP_FRAMES) -> np.ndarray:
        """Source numbers of `count` frames spread evenly from the first to the last, int64 [count].

        `end_shift` moves the last frame, -3 to 0 in the published training; a clip too short for it ends
        where it starts.
        """
        last = max(self.first_frame, self.last_frame + min(0, end_shift))
        return sample_frames(self.first_frame, last, count)

    def transitions(self, numbers: np.ndarray) -> Transitions | None:
        """Transitions as indices of the sampled frames `numbers` [96]; None where one or both are unknown.

        A phase starts at the first sampled frame that is not before it, and at the last frame of the clip
        where the sampling ends too early for it.
        """
        if self.flight_frame is None or self.entry_frame is None:
            return None
        indices = np.searchsorted(numbers, [self.flight_frame, self.entry_frame], side="left")
        flight, entry = np.minimum(indices, len(numbers) - 1).tolist()
        return Transitions(flight=flight, entry=entry)

    def sub_action_labels(self, numbers: np.ndarray) -> np.ndarray | None:
        """FineDiving's sub-action ids of the frames `numbers`, int64 like them; None where they are unknown."""
        if self.sub_actions is None:
            return None
        return np.asarray(self.sub_actions, dtype=np.int64)[np.asarray(numbers) - self.first_frame]

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the frames `numbers`, RGB uint8 [n, H, W, 3]; DataError names the dive whose frames are broken."""
        return self._read(self.frames.read, numbers)

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray | None:
        """Read the masks of the frames `numbers`, bool [n, H, W]; None for a dive without masks."""
        return self._read(self.frames.read_masks, numbers) if self.has_masks else None

    def read_layers(self, numbers: Sequence[int]) -> np.ndarray | None:
        """Read the layers of the frames `numbers`, uint8 [n, H, W, 3]; None where they are unknown."""
        return self._read(self._simulated.read_layers, numbers) if self.has_layers else None

    def read_poses(self, numbers: Sequence[int]) -> np.ndarray | None:
        """Read the poses in the frames `numbers`, float32 [n, 28]; None where they are unknown."""
        return self._read(self._simulated.read_poses, numbers) if self.has_poses else None

    @property
    def _simulated(self) -> SimulatedDiveFrames:
        return cast(SimulatedDiveFrames, self.frames)

    def _read(self, read: Callable[[Sequence[int]], np.ndarray], numbers: Sequence[int]) -> np.ndarray:
        try:
            return read(numbers)
        except DataError:
            raise
        except (ValueError, OSError, RuntimeError) as error:
            raise DataError(f"{self.location}: {error}") from error


class DiveSource(Protocol):
    """Dives by index. A source may make a dive on demand only, so that a card is cheaper than its dive."""

    @property
    def name(self) -> str:
        """Source as named on the command line, such as "clips:../real"."""
        ...

    @property
    def on_broken(self) -> OnBroken:
        """Policy for dives whose frames are broken."""
        ...

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Broken items that are left out."""
        ...

    def __len__(self) -> int:
        """Number of dives, in one epoch of an endless source."""
        ...

    def __getitem__(self, index: int) -> Dive: ...

    def card(self, index: int) -> Card:
        """Card of dive `index`."""
        ...

    def at_epoch(self, epoch: int) -> "DiveSource":
        """Dives of this epoch: the same ones each time, or fresh ones from an endless source."""
        ...


@dataclass(frozen=True)
class DiveList(Sequence[Dive]):
    """Dives of a source (or of one split of it), in the source's order, and the broken items left out of it."""

    name: str
    """Source as named on the command line, such as "clips:../real"."""

    dives: tuple[Dive, ...]
    problems: tuple[Problem, ...] = ()
    """Broken items that are left out."""
    on_broken: OnBroken = OnBroken.RAISE

    def __len__(self) -> int:
        return len(self.dives)

    @overload
    def __getitem__(self, index: int) -> Dive: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Dive, ...]: ...

    def __getitem__(self, index: int | slice) -> Dive | tuple[Dive, ...]:
        return self.dives[index]

    def card(self, index: int) -> Card:
        """Card of dive `index`."""
        return self.dives[index].card

    def at_epoch(self, epoch: int) -> "DiveList":
        """Return the list itself: the dives are the same in every epoch."""
        return self

    def select_split(self, split: str) -> "DiveList":
        """Dives of one split; the problems stay."""
        if split not in SPLITS:
            raise ValueError(f"The split is one of {', '.join(SPLITS)}, not {split!r}.")
        dives = tuple(dive for dive in self.dives if dive.split == split)
        return DiveList(self.name, dives, self.problems, self.on_broken)


class ProblemLog:
    """List of broken items; with `OnBroken.RAISE` it raises the first one instead."""

    def __init__(self, on_broken: OnBroken = OnBroken.RAISE) -> None:
        self._on_broken = on_broken
        self.problems: list[Problem] = []

    def add(self, location: Location, reason: str, cause: Exception | None = None) -> None:
        """Record that the item at `location` cannot be used; raises DataError unless broken items are skipped."""
        if self._on_broken is OnBroken.RAISE:
            raise DataError(f"{location}: {reason} (--skip-broken goes on without it)") from cause
        self.problems.append(Problem(location, reason))

    def remark(self, location: Location, text: str) -> None:
        """Record a remark on the item at `location`, of which nothing is left out."""
        self.problems.append(Problem(location, text, is_remark=True))


def validation_keys(keys: Iterable[str], options: ReadOptions) -> set[str]:
    """Keys that belong to the validation split: a pseudo-random draw for each key, about `options.validation` of them.

    The draw depends on the key and the seed alone, so that adding or removing dives moves no other dive.
    """
    bound = options.validation * 2**64
    return {key for key in keys if _draw(f"{options.seed}/{key}") < bound}


def _draw(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
