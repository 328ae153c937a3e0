"""Reads a folder of one's own labelled clips: videos (or folders of frames) beside a table, `dives.csv`.

    clip          file or folder of frames, relative to the table; the only column that must be there
    dive_code     such as 5253B
    height        metres
    difficulty    degree of difficulty; by the current table where code and height are known
    score         points
    start_frame, end_frame      first and last frame of the dive; the whole clip where empty
    flight_frame, entry_frame   first frames of these phases
    mask          .npz with `mask`, bool [frames from start_frame to end_frame, height, width] of the clip

Frame numbers are those of the clip, from 0 in a video. An empty field is a label that is not known; a clip may have
several rows, for several dives. A folder has no test split: `DiveList` calls a tenth of the dives "validation" and the
others "train", and whoever evaluates on a folder takes all of them.
"""

import hashlib
import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from fineparser.data.clip_table import TABLE, dive_name, read_rows
from fineparser.data.dives import DataError, Dive, DiveList, Place, Problems, validation_share
from fineparser.domain.difficulty import UndefinedDifficulty, difficulty, parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.video.info import VideoInfo
from fineparser.video.reading import open_source, probe

MASK_KEY = "mask"


def read_clip_folder(
    root: str | Path, *, seed: int = 0, validation: float = 0.1, skip_broken: bool = False
) -> DiveList:
    """The dives of the clip folder `root`, in the order of its table.

    Every clip is opened once to count its frames. DataError names file, line and reason of a row that cannot be
    used; with `skip_broken` the list's problems do, and the row is left out. `validation` is the share of dives
    that `seed` draws for the validation split.
    """
    root = Path(root)
    table = root / TABLE
    reader = _Reader(root, Problems(skip_broken=skip_broken))
    rows = read_rows(table, reader.problems)
    held_out = validation_share((dive_name(row) for _, row in rows), seed=seed, share=validation)
    dives = []
    for line, row in rows:
        split = "validation" if dive_name(row) in held_out else "train"
        dive = reader.read(Place(table, line), row, split)
        dives += [] if dive is None else [dive]
    return DiveList(f"clips:{root}", tuple(dives), tuple(reader.problems.found))


@dataclass(frozen=True)
class ClipFile:
    """The footage of one row: a video or a folder of frames, and the masks of a part of it."""

    clip: Path
    mask: Path | None
    mask_start: int
    """Frame number of the first mask."""

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """The frames `numbers`, RGB uint8 [n, H, W, 3]; VideoError where the clip is broken."""
        with open_source(self.clip) as source:
            return source.read(numbers)

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """The masks of the frames `numbers`, bool [n, H, W]; DataError where the file is broken."""
        if self.mask is None:
            raise DataError(f"{self.clip}: there are no masks for this clip.")
        try:
            with zipfile.ZipFile(self.mask) as archive, archive.open(f"{MASK_KEY}.npy") as file:
                return _read_frames(file, np.asarray(numbers) - self.mask_start)
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.mask}: cannot be read ({error}).") from error


@dataclass
class _Reader:
    """Turns rows into dives, and remembers the clips so far to find doubles."""

    root: Path
    problems: Problems
    _clips: dict[Path, VideoInfo] = field(default_factory=dict)
    _taken: list[tuple[Path, range, int]] = field(default_factory=list)
    _digests: dict[Path, bytes] = field(default_factory=dict)

    def read(self, place: Place, row: dict[str, str], split: str) -> Dive | None:
        try:
            return self._dive(place, row, split)
        except (ValueError, OSError) as error:
            self.problems.add(place, str(error), error)
            return None

    def _dive(self, place: Place, row: dict[str, str], split: str) -> Dive:
        clip = self._inside(row["clip"], "clip")
        if clip not in self._clips:
            stat = clip.stat()
            self._clips[clip] = _probed(clip, stat.st_mtime_ns, stat.st_size)
        info = self._clips[clip]
        first, last = (
            _whole(row, column, default)
            for column, default in (("start_frame", info.first_number), ("end_frame", info.last_number))
        )
        if not info.first_number <= first <= last <= info.last_number:
            raise ValueError(
                f"start_frame {first} and end_frame {last} must follow each other within the clip's frames, "
                f"{info.first_number} to {info.last_number}"
            )
        mask = self._inside(row["mask"], "mask") if row["mask"] else None
        if mask is not None:
            _check_mask(mask, (last - first + 1, info.height, info.width))
        code = DiveCode.parse(row["dive_code"]) if row["dive_code"] else None
        height = parse_height(row["height"]) if row["height"] else None
        dive = Dive(
            id=dive_name(row),
            source=self.root.resolve().name,
            split=split,
            footage=ClipFile(clip, mask, first),
            place=place,
            first_frame=first,
            last_frame=last,
            code=code,
            height=height,
            difficulty=_difficulty(row, code, height),
            score=_number(row, "score"),
            flight_frame=_whole(row, "flight_frame"),
            entry_frame=_whole(row, "entry_frame"),
            has_masks=mask is not None,
        )
        self._refuse_double(clip, range(first, last + 1), place.line)
        return dive

    def _inside(self, name: str, column: str) -> Path:
        """The path that a row names: an existing one inside the folder."""
        path = self.root / name
        try:
            is_inside = path.resolve().is_relative_to(self.root.resolve())
            exists = path.exists()
        except (OSError, ValueError):  # a name that no file can have
            is_inside = exists = False
        if Path(name).is_absolute() or not is_inside:
            raise ValueError(f"{column} {name!r} leads out of the folder; put the file into it")
        if not exists:
            raise ValueError(f"{column} {name!r} does not exist")
        return path

    def _refuse_double(self, clip: Path, frames: range, line: int) -> None:
        for other, taken, other_line in self._taken:
            overlap = frames.start < taken.stop and taken.start < frames.stop
            if overlap and (clip == other or self._same_content(clip, other)):
                raise ValueError(f"shows the same frames as line {other_line}; one dive must not count twice")
        self._taken.append((clip, frames, line))

    def _same_content(self, one: Path, other: Path) -> bool:
        if not (one.is_file() and other.is_file()) or one.stat().st_size != other.stat().st_size:
            return False
        for path in (one, other):
            if path not in self._digests:
                with path.open("rb") as file:
                    self._digests[path] = hashlib.file_digest(file, "sha256").digest()
        return self._digests[one] == self._digests[other]


@lru_cache(maxsize=4096)
def _probed(clip: Path, changed: int, size: int) -> VideoInfo:
    """The facts about a clip, which is only looked through again when it has changed: a page asks again and again."""
    return probe(clip)


def _number(row: dict[str, str], column: str) -> float | None:
    if not row[column]:
        return None
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{column} {row[column]!r} is no number")
    return value


def _whole(row: dict[str, str], column: str, default: int | None = None) -> int | None:
    value = _number(row, column)
    if value is None:
        return default
    if value != int(value) or value < 0:
        raise ValueError(f"{column} {row[column]!r} is no frame number (0 or above)")
    return int(value)


def _difficulty(row: dict[str, str], code: DiveCode | None, height: float | None) -> float | None:
    given = _number(row, "difficulty")
    if given is not None or code is None or height is None:
        return given
    try:
        return difficulty(code, height)
    except UndefinedDifficulty as error:
        raise ValueError(f"{error} Check dive_code and height, or give the difficulty.") from error


def _read_head(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it is in Fortran's order, and type of an array in numpy's format."""
    if np.lib.format.read_magic(file) == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _read_frames(file: IO[bytes], places: np.ndarray) -> np.ndarray:
    """Some frames of a bool array [frames, H, W], one at a time: whole films of large pictures fill the memory."""
    shape, is_fortran, dtype = _read_head(file)
    if dtype != np.bool_ or len(shape) != 3 or is_fortran:
        raise ValueError(f"it should be bool [frames, H, W], not {dtype} {list(shape)}")
    if len(places) and not 0 <= places.min() <= places.max() < shape[0]:
        raise IndexError(f"frame {places.max()} of {shape[0]}")
    wanted, frame_bytes = set(places.tolist()), shape[1] * shape[2]
    found = {}
    for index in range(max(wanted, default=-1) + 1):
        data = file.read(frame_bytes)
        if len(data) < frame_bytes:
            raise EOFError(f"it ends in frame {index} of {shape[0]}")
        if index in wanted:
            found[index] = np.frombuffer(data, np.uint8).astype(bool).reshape(shape[1:])
    return np.stack([found[index] for index in places.tolist()])


def _check_mask(path: Path, shape: tuple[int, int, int]) -> None:
    """Looks at the head of the mask's array only."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{MASK_KEY}.npy") as file:
            found, is_fortran, dtype = _read_head(file)
    except KeyError:
        raise ValueError(f"mask {path.name} holds no array named {MASK_KEY!r}") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"mask {path.name} is no .npz file ({error})") from error
    if is_fortran:
        raise ValueError(f"mask {path.name} is stored column by column: save np.ascontiguousarray(mask)")
    if dtype != np.bool_ or found != shape:
        raise ValueError(
            f"mask {path.name} should be bool {list(shape)} (frames from start_frame to end_frame, height, width), "
            f"not {dtype} {list(found)}"
        )
