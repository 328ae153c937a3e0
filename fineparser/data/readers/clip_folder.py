"""Reader of a clip folder: labelled videos (or folders of frames) beside a table, `dives.csv`.

    clip          file or folder of frames, relative to the table; the only required column
    dive_code     such as 5253B
    height        metres
    difficulty    degree of difficulty; by default that of the current table for code and height
    score         points
    start_frame, end_frame      first and last frame of the dive; the whole clip where empty
    flight_frame, entry_frame   first frames of these phases
    mask          .npz with `mask`, bool [frames from start_frame to end_frame, height, width] of the clip

Frame numbers are those of the clip, from 0 in a video. An empty field is an unknown label; a clip may have several
rows, for several dives. A folder has no test split: a tenth of the dives are "validation" and the others "train", and
an evaluation on a folder uses all of them.
"""

import csv
import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from fineparser.atomic import atomic_write_text
from fineparser.data.clip_files import FileFrames, check_mask_file
from fineparser.data.dives import (
    DEFAULT_READ_OPTIONS,
    DataError,
    Dive,
    DiveList,
    Location,
    ProblemLog,
    ReadOptions,
    validation_keys,
)
from fineparser.domain.difficulty import UndefinedDifficulty, difficulty, parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.video.info import VideoInfo
from fineparser.video.reader import probe

TABLE = "dives.csv"
COLUMNS = (
    "clip", "dive_code", "height", "difficulty", "score", "start_frame", "end_frame", "flight_frame", "entry_frame",
    "mask",
)  # fmt: skip


def read_clip_folder(root: str | Path, options: ReadOptions = DEFAULT_READ_OPTIONS) -> DiveList:
    """Read the dives of the clip folder `root`, in the order of its table.

    Every clip is opened once to count its frames. DataError names file, line and reason of a row that cannot be used;
    with `OnBroken.SKIP` the row is left out and is one of the list's problems.
    """
    root = Path(root)
    table = root / TABLE
    reader = _Reader(root, ProblemLog(options.on_broken))
    rows = read_rows(table, reader.problems)
    held_out = validation_keys((dive_name(row) for _, row in rows), options)
    dives = []
    for line, row in rows:
        split = "validation" if dive_name(row) in held_out else "train"
        dive = reader.read(Location(table, line), row, split)
        dives += [] if dive is None else [dive]
    return DiveList(f"clips:{root}", tuple(dives), tuple(reader.problems.problems), options.on_broken)


def read_rows(table: Path, problems: ProblemLog) -> list[tuple[int, dict[str, str]]]:
    """Read line number and fields (stripped) of each row that has a clip. DataError for a table without that column."""
    try:
        # utf-8-sig: spreadsheets put a mark before the first column's name.
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            names = [name.strip() for name in reader.fieldnames or ()]
            _check_columns(table, names)
            reader.fieldnames = names
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise DataError(f"{table}: there is no such table. A clip folder needs one, with a column 'clip'.") from None
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DataError(f"{table}: cannot be read as a table in UTF-8 ({error}).") from error
    result = []
    for line, row in rows:
        if row.pop("", None):
            problems.add(Location(table, line), f"has more fields than the {len(names)} columns")
            continue
        fields = dict.fromkeys(COLUMNS, "") | {name: value.strip() for name, value in row.items()}
        if fields["clip"]:
            result.append((line, fields))
        elif any(fields.values()):
            problems.add(Location(table, line), "names no clip")
    return result


def _check_columns(table: Path, names: list[str]) -> None:
    place = Location(table, 1)
    if "clip" not in names:
        raise DataError(f"{place}: there is no column 'clip'. The columns are {', '.join(COLUMNS)}.")
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise DataError(f"{place}: unknown column {unknown[0]!r}. The columns are {', '.join(COLUMNS)}.")
    if len(set(names)) < len(names):
        raise DataError(f"{place}: a column is there twice.")


def dive_name(row: dict[str, str]) -> str:
    """Id of a dive: its clip, and its first frame where one is given, since a clip may hold several dives."""
    return row["clip"] if not row["start_frame"] else f"{row['clip']}#{row['start_frame']}"


def write_rows(table: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the table atomically. OSError where it cannot be written."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: row.get(name, "") for name in COLUMNS} for row in rows)
    atomic_write_text(table, text.getvalue())


def join_rows(old: Sequence[dict[str, str]], new: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Join the rows of two tables: a new row replaces the old one of the same dive.

    >>> [row["score"] for row in join_rows([make_row("a", score="1"), make_row("b")], [make_row("a", score="2")])]
    ['2', '']
    """
    # Several rows of one dive are an error that the reader reports; joining must not hide it.
    replaced = {dive_name(row) for row in new}
    unchanged = [row for row in old if dive_name(row) not in replaced]
    order = [dive_name(row) for row in old]
    later = len(order)
    return sorted([*unchanged, *new], key=lambda row: order.index(dive_name(row)) if dive_name(row) in order else later)


def make_row(clip: str, **fields: str) -> dict[str, str]:
    """Make a row with the given fields and empty others."""
    return dict.fromkeys(COLUMNS, "") | {"clip": clip} | fields


@dataclass
class _Reader:
    """Converts rows to dives; records the clips so far to detect duplicates."""

    root: Path
    problems: ProblemLog
    _clips: dict[Path, VideoInfo] = field(default_factory=dict)
    _used: list[tuple[Path, range, int | None]] = field(default_factory=list)
    _digests: dict[Path, bytes] = field(default_factory=dict)

    def read(self, location: Location, row: dict[str, str], split: str) -> Dive | None:
        try:
            return self._dive(location, row, split)
        except (ValueError, OSError) as error:
            self.problems.add(location, str(error), error)
            return None

    def _dive(self, location: Location, row: dict[str, str], split: str) -> Dive:
        clip = self._inside(row["clip"], "clip")
        if clip not in self._clips:
            stat = clip.stat()
            self._clips[clip] = _probed(clip, stat.st_mtime_ns, stat.st_size)
        info = self._clips[clip]
        first, last = _whole(row, "start_frame"), _whole(row, "end_frame")
        first = info.first_number if first is None else first
        last = info.last_number if last is None else last
        if not info.first_number <= first <= last <= info.last_number:
            raise ValueError(
                f"start_frame {first} and end_frame {last} must follow each other within the clip's frames, "
                f"{info.first_number} to {info.last_number}"
            )
        mask = self._inside(row["mask"], "mask") if row["mask"] else None
        if mask is not None:
            check_mask_file(mask, (last - first + 1, info.height, info.width))
        code = DiveCode.parse(row["dive_code"]) if row["dive_code"] else None
        height = parse_height(row["height"]) if row["height"] else None
        dive = Dive(
            id=dive_name(row),
            source=self.root.resolve().name,
            split=split,
            frames=FileFrames(clip, mask, first),
            location=location,
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
        self._check_duplicate(clip, range(first, last + 1), location.line)
        return dive

    def _inside(self, name: str, column: str) -> Path:
        """Path of an existing file in the folder that a row names."""
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

    def _check_duplicate(self, clip: Path, frames: range, line: int | None) -> None:
        for other, used, other_line in self._used:
            overlap = frames.start < used.stop and used.start < frames.stop
            if overlap and (clip == other or self._same_content(clip, other)):
                raise ValueError(f"shows the same frames as line {other_line}; one dive must not count twice")
        self._used.append((clip, frames, line))

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
    """Facts about a clip, cached until it changes: the app reads the same folder again and again."""
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


def _whole(row: dict[str, str], column: str) -> int | None:
    value = _number(row, column)
    if value is None:
        return None
    if value != int(value) or value < 0:
        raise ValueError(f"{column} {row[column]!r} is no frame number (0 or above)")
    return int(value)


def _difficulty(row: dict[str, str], code: DiveCode | None, height: float | None) -> float | None:
    value = _number(row, "difficulty")
    if value is not None or code is None or height is None:
        return value
    try:
        return difficulty(code, height)
    except UndefinedDifficulty as error:
        raise ValueError(f"{error} Check dive_code and height, or give the difficulty.") from error
