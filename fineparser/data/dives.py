"""One labelled dive, wherever it comes from, and a list of them.

Frame numbers are those of the source: FineDiving's file names, a video's 0-based frames, a simulated dive's
0-95. `Dive` turns them into indices of a sampled clip, so that labels follow whatever frames were taken.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import highest_score
from fineparser.domain.phases import CLIP_FRAMES, Transitions
from fineparser.video.sampling import sample_frames

SPLITS = ("train", "validation", "test")
HIGHEST_SCORE = 120.0
"""More points than dives of competitions are given: perfect awards for a difficulty of 3.9 make 117."""


@dataclass(frozen=True)
class Place:
    """Where an item is written down, for messages.

    >>> str(Place(Path("dives.csv"), line=3))
    'dives.csv, line 3'
    """

    file: Path
    """The file or folder."""

    line: int | None = None
    """The line, counted from 1, of a text file."""

    item: str | None = None
    """The key, of a file that has keys instead of lines."""

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.file}{line}" + ("" if self.item is None else f", item {self.item}")


class Problem(str):
    """Why an item is left out, in a sentence that begins with where it stands.

    >>> Problem(Place(Path("dives.csv"), line=3), "names no clip")
    'dives.csv, line 3: names no clip'
    """

    place: Place
    reason: str

    def __new__(cls, place: Place, reason: str) -> "Problem":
        problem = super().__new__(cls, f"{place}: {reason}")
        problem.place, problem.reason = place, reason
        return problem

    def __getnewargs__(self) -> tuple[Place, str]:
        return self.place, self.reason


class DataError(ValueError):
    """An item of a data source cannot be used; the message names where it stands and why."""


class Footage(Protocol):
    """The pictures of one dive, read when they are asked for."""

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """The frames with these source numbers, RGB uint8 [n, H, W, 3]; DataError where one is broken."""
        ...

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """The masks of these frames, bool [n, H, W], True on the diver; DataError where one is broken."""
        ...

    def read_layers(self, numbers: Sequence[int]) -> np.ndarray:
        """How much bodies, flying water and foam take of each pixel of these frames, uint8 [n, H, W, 3]; asked only of
        a dive that has them."""
        ...

    def read_postures(self, numbers: Sequence[int]) -> np.ndarray:
        """The diver's postures in these frames, float32 [n, 28]; asked only of a dive that has them."""
        ...


@dataclass(frozen=True)
class Card:
    """What has to be known of a dive to choose an exemplar for it, without making or reading the dive."""

    id: str
    code: DiveCode | None = None
    height: float | None = None
    difficulty: float | None = None
    is_scored: bool = False
    source: str = ""
    """Dives are compared within their source where that can be done."""


@dataclass(frozen=True)
class Dive:
    """A dive with the labels that its source has; a label is None where it is not known.

    ValueError where labels contradict each other or cannot be.
    """

    id: str
    """Unlike any other id of the same source."""

    source: str
    """Name of the dataset or folder."""

    split: str
    """"train", "validation" or "test"."""

    footage: Footage = field(repr=False, compare=False)
    """Gives the pictures."""

    place: Place
    """Where the dive is written down."""

    first_frame: int
    """Source number of the clip's first frame."""

    last_frame: int
    """Source number of the clip's last frame, which belongs to the clip."""

    code: DiveCode | None = None
    height: float | None = None
    """Metres."""

    difficulty: float | None = None
    score: float | None = None
    """The total, points."""

    awards: tuple[float, ...] | None = None
    """What each judge gave, 0-10."""

    flight_frame: int | None = None
    """Source number of the first frame of the flight."""

    entry_frame: int | None = None
    """Source number of the first frame of the entry."""

    sub_actions: tuple[int, ...] | None = field(default=None, repr=False)
    """FineDiving's sub-action id of each frame from `first_frame` to `last_frame`."""

    has_masks: bool = False

    has_layers: bool = False
    """Whether pictures can be told apart into body, flying water and foam: of simulated dives."""

    has_postures: bool = False
    """Whether the posture in each frame is known, see `fineparser.simulator.posture.POSTURE`: of simulated dives."""

    deductions: tuple[float, ...] | None = field(default=None, repr=False)
    """Awards that each fault of `fineparser.simulator.judges.PRICES` cost, of a pair on average; only simulated dives
    tell."""

    deserved: float | None = None
    """Award, 0-10, that a judge without leaning or noise would give; only simulated dives tell."""

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"The split is one of {', '.join(SPLITS)}, not {self.split!r}.")
        if not 0 <= self.first_frame <= self.last_frame:
            raise ValueError(f"A clip from frame {self.first_frame} to {self.last_frame} has no frames.")
        if (self.flight_frame is None) != (self.entry_frame is None):
            raise ValueError("The flight's and the entry's first frame are given together or not at all.")
        if self.flight_frame is not None and not (
            self.first_frame <= self.flight_frame <= self.entry_frame <= self.last_frame
        ):
            raise ValueError(
                f"The flight (from frame {self.flight_frame}) and the entry (from frame {self.entry_frame}) "
                f"must follow each other inside the clip, frames {self.first_frame} to {self.last_frame}."
            )
        most = max(HIGHEST_SCORE, highest_score(self.difficulty or 0))  # the rarest dives are worth more
        if self.score is not None and not 0 <= self.score <= most:
            raise ValueError(f"A score lies in 0 to {most:g} points, not {self.score:g}.")
        if self.difficulty is not None and not 0 < self.difficulty < 10:
            raise ValueError(f"A degree of difficulty lies between 0 and 10, not at {self.difficulty:g}.")
        if self.awards is not None and not all(0 <= award <= 10 for award in self.awards):
            raise ValueError(f"Awards lie in 0 to 10, not {', '.join(f'{award:g}' for award in self.awards)}.")
        if self.sub_actions is not None and len(self.sub_actions) != self.frame_count:
            raise ValueError(
                f"{len(self.sub_actions)} sub-action labels for the {self.frame_count} frames of the clip."
            )

    @property
    def frame_count(self) -> int:
        """Frames of the clip in its source, before sampling."""
        return self.last_frame - self.first_frame + 1

    @property
    def card(self) -> Card:
        """What the choice of exemplars looks at."""
        return Card(self.id, self.code, self.height, self.difficulty, self.score is not None, self.source)

    @property
    def execution(self) -> float | None:
        """Score divided by difficulty; None where either is unknown."""
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
        """The transitions as indices of the sampled frames `numbers` [96], None where they are not known.

        A phase starts at the first sampled frame that is not before it, and at the last frame of the clip
        where the sampling ends too early for it.
        """
        if self.flight_frame is None:
            return None
        found = np.searchsorted(numbers, [self.flight_frame, self.entry_frame], side="left")
        flight, entry = np.minimum(found, len(numbers) - 1).tolist()
        return Transitions(flight=flight, entry=entry)

    def sub_action_labels(self, numbers: np.ndarray) -> np.ndarray | None:
        """FineDiving's sub-action ids of the frames `numbers`, int64 like them; None where not known."""
        if self.sub_actions is None:
            return None
        return np.asarray(self.sub_actions, dtype=np.int64)[np.asarray(numbers) - self.first_frame]

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """The frames `numbers`, RGB uint8 [n, H, W, 3]; DataError names the dive whose picture is broken."""
        return self._read(self.footage.read, numbers)

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray | None:
        """The masks of the frames `numbers`, bool [n, H, W], or None for a dive without masks."""
        return self._read(self.footage.read_masks, numbers) if self.has_masks else None

    def read_layers(self, numbers: Sequence[int]) -> np.ndarray | None:
        """What the frames `numbers` are made of, uint8 [n, H, W, 3], or None where that is not known."""
        return self._read(self.footage.read_layers, numbers) if self.has_layers else None

    def read_postures(self, numbers: Sequence[int]) -> np.ndarray | None:
        """The postures in the frames `numbers`, float32 [n, 28], or None where they are not known."""
        return self._read(self.footage.read_postures, numbers) if self.has_postures else None

    def _read(self, read: Callable[[Sequence[int]], np.ndarray], numbers: Sequence[int]) -> np.ndarray:
        try:
            return read(numbers)
        except DataError:
            raise
        except (ValueError, OSError, RuntimeError) as error:
            raise DataError(f"{self.place}: {error}") from error


class DiveSource(Protocol):
    """Dives by index. They may be made only when asked for, so that a card is cheaper than its dive."""

    name: str

    def __len__(self) -> int:
        """How many dives there are, in an epoch where they never end."""
        ...

    def __getitem__(self, index: int) -> Dive: ...

    def card(self, index: int) -> Card:
        """The card of dive `index`."""
        ...

    def at_epoch(self, epoch: int) -> "DiveSource":
        """The dives of this epoch: the same ones each time, or fresh ones from an endless source."""
        ...


@dataclass(frozen=True)
class DiveList(Sequence):
    """The dives of a source (or of one split of it), in the source's order, and what was left out of it."""

    name: str
    """The source as it was asked for, such as "clips:../real"."""

    dives: tuple[Dive, ...]
    problems: tuple[Problem, ...] = ()
    """The broken items that reading went on without: file, line and reason of each."""

    def __len__(self) -> int:
        return len(self.dives)

    def __getitem__(self, index):
        return self.dives[index]

    def card(self, index: int) -> Card:
        """The card of dive `index`."""
        return self.dives[index].card

    def at_epoch(self, epoch: int) -> "DiveList":
        """Itself: the dives are the same in every epoch."""
        return self

    def of(self, split: str) -> "DiveList":
        """The dives of one split; the problems stay."""
        if split not in SPLITS:
            raise ValueError(f"The split is one of {', '.join(SPLITS)}, not {split!r}.")
        return DiveList(self.name, tuple(dive for dive in self.dives if dive.split == split), self.problems)


class Problems:
    """Collects broken items, or stops at the first one.

    The readers of this package share it: `skip_broken=False` raises the problem at once, `True` keeps it.
    """

    def __init__(self, *, skip_broken: bool):
        self._skip_broken = skip_broken
        self.found: list[Problem] = []

    def add(self, place: Place, reason: str, cause: Exception | None = None) -> None:
        """Notes that the item at `place` cannot be used; raises DataError unless broken items are skipped."""
        if not self._skip_broken:
            raise DataError(f"{place}: {reason} (--skip-broken goes on without it)") from cause
        self.found.append(Problem(place, reason))


def validation_share(keys: Iterable[str], *, seed: int = 0, share: float = 0.1) -> set[str]:
    """Those of `keys` that belong to the validation split: a fixed lot for each key, about `share` of them.

    A key's lot depends on the key and `seed` alone, so that adding or losing dives moves no other dive.
    """
    edge = share * 2**64
    return {
        key for key in keys if int.from_bytes(blake2b(f"{seed}/{key}".encode(), digest_size=8).digest(), "big") < edge
    }
