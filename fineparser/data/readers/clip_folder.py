"""Reader of a clip folder: labelled videos (or folders of frames) beside a table, see `fineparser.data.dive_tables`.

Frame numbers are those of the clip, from 0 in a video. An empty field is an unknown label; a clip may have several
rows, for several dives. A folder has no test split: a tenth of the dives are "validation" and the others "train", and
an evaluation on a folder uses all of them.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from fineparser.data.clip_files import FileFrames, check_mask_file
from fineparser.data.dive_tables import RowLabels, dive_name, read_folder_rows
from fineparser.data.dives import (
    DEFAULT_READ_OPTIONS,
    Dive,
    DiveList,
    Location,
    ProblemLog,
    ReadOptions,
    validation_keys,
)
from fineparser.data.file_names import FolderFiles
from fineparser.video.info import VideoInfo
from fineparser.video.limits import VIDEO_SUFFIXES
from fineparser.video.reader import probe

MASK_SUFFIXES = (".npz",)


def read_clip_folder(root: str | Path, options: ReadOptions = DEFAULT_READ_OPTIONS) -> DiveList:
    """Read the dives of the clip folder `root`, in the order of its table.

    Every clip is opened once to count its frames. DataError names file, line and reason of a row that cannot be used;
    with `OnBroken.SKIP` the row is left out and is one of the list's problems.
    """
    root = Path(root)
    reader = _Reader(root, ProblemLog(options.on_broken))
    table, rows = read_folder_rows(root, reader.problems)
    held_out = validation_keys((dive_name(row) for _, row in rows), options)
    dives = []
    for line, row in rows:
        split = "validation" if dive_name(row) in held_out else "train"
        dive = reader.read(Location(table, line), row, split)
        dives += [] if dive is None else [dive]
    return DiveList(f"clips:{root}", tuple(dives), tuple(reader.problems.problems), options.on_broken)


def with_existing_files(root: Path, rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Rows with their clips and masks named as in the folder; a name without a file stays as it is."""
    files, result = FolderFiles(root), []
    for row in rows:
        paths = {}
        for column, suffixes in (("clip", VIDEO_SUFFIXES), ("mask", MASK_SUFFIXES)):
            if row[column]:
                with suppress(ValueError):
                    paths[column] = files.find(row[column], column, suffixes).relative_to(root).as_posix()
        result.append(row | paths)
    return result


@dataclass
class _Reader:
    """Converts rows to dives; records the clips so far to detect duplicates."""

    root: Path
    problems: ProblemLog
    _files: FolderFiles = field(init=False)
    _clips: dict[Path, VideoInfo] = field(default_factory=dict)
    _used: list[tuple[Path, range, int | None]] = field(default_factory=list)
    _digests: dict[Path, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._files = FolderFiles(self.root)

    def read(self, location: Location, row: dict[str, str], split: str) -> Dive | None:
        try:
            return self._dive(location, row, split)
        except (ValueError, OSError) as error:
            self.problems.add(location, str(error), error)
            return None

    def _dive(self, location: Location, row: dict[str, str], split: str) -> Dive:
        clip = self._files.find(row["clip"], "clip", VIDEO_SUFFIXES)
        labels = RowLabels.from_row(row)
        if clip not in self._clips:
            stat = clip.stat()
            self._clips[clip] = _probed(clip, stat.st_mtime_ns, stat.st_size)
        info = self._clips[clip]
        first = info.first_number if labels.start_frame is None else labels.start_frame
        last = info.last_number if labels.end_frame is None else labels.end_frame
        if not info.first_number <= first <= last <= info.last_number:
            raise ValueError(
                f"start_frame {first} and end_frame {last} must follow each other within the clip's frames, "
                f"{info.first_number} to {info.last_number}"
            )
        mask = self._files.find(row["mask"], "mask", MASK_SUFFIXES) if row["mask"] else None
        if mask is not None:
            check_mask_file(mask, (last - first + 1, info.height, info.width))
        dive = Dive(
            id=dive_name(row),
            source=self.root.resolve().name,
            split=split,
            frames=FileFrames(clip, mask, first),
            location=location,
            first_frame=first,
            last_frame=last,
            code=labels.code,
            height=labels.height,
            difficulty=labels.known_difficulty(),
            score=labels.score,
            flight_frame=labels.flight_frame,
            entry_frame=labels.entry_frame,
            standard=labels.standard,
            origin=labels.source,
            has_masks=mask is not None,
        )
        self._check_duplicate(clip, range(first, last + 1), location.line)
        return dive

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
