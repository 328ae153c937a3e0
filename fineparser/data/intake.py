"""Takes in what somebody hands over: clips, tables, masks and zips of them become a labelled clip folder.

Nothing in a file is trusted: names that lead out of the folder, archives that unpack to a hundred times their size,
files of other kinds and tables that cannot be read are named with the reason and left out; the rest is taken in.
Every file is whole or not there, and what was there before stays as it is.
"""

import filecmp
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fineparser.data.clip_table import TABLE, join_rows, read_rows, row_of, write_rows
from fineparser.data.dives import DataError, Place, Problem, Problems
from fineparser.data.finediving import FRAME_FOLDERS
from fineparser.data.sources import kind_of
from fineparser.video.container import VIDEO_SUFFIXES
from fineparser.video.picture_file import PICTURE_SUFFIXES

OTHER_SUFFIXES = (".csv", ".npz")
"""Tables and masks."""
PICKLE = ".pkl"
"""FineDiving's annotations, which are read without running what is in them; taken in with its frames only."""
MOST_TIMES = 100
"""An archive that unpacks to so many times its own size is no collection of videos, which hardly shrink."""
MOST_BYTES = 20 * 2**30
"""Of all files of an archive together."""
MOST_FILES = 500_000
"""In an archive; FineDiving has 313,000 frames."""
SPARE_BYTES = 2**30
"""Left free on the disk."""
BROKEN = (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError, ValueError)
"""What reading an archive that is damaged or of an unknown kind raises."""
_CHUNK = 2**20


@dataclass
class Intake:
    """Fills a folder. `problems` says what was left out and why; `taken` counts the files that are new in it."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    taken: int = 0
    most_bytes: int = MOST_BYTES
    """An archive that would unpack to more is refused."""

    def take(self, files: Iterable[Path]) -> None:
        """Takes in uploaded files; an archive is unpacked. Clips without a row in a table get an empty one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tables = []
        with tempfile.TemporaryDirectory(prefix=".intake-", dir=self.folder) as name:
            for number, file in enumerate(files):
                suffix = file.suffix.lower()
                if suffix == ".zip":
                    tables += self._unpack(file, Path(name) / str(number))
                elif suffix == ".csv":
                    tables.append(file)
                elif suffix in VIDEO_SUFFIXES + OTHER_SUFFIXES:
                    self._put(file, PurePosixPath(file.name), file.name)
                else:
                    self._leave(file.name, f"is no clip, table, mask or zip: its name ends in {file.suffix!r}")
            self._join(tables)

    def _unpack(self, archive: Path, scratch: Path) -> list[Path]:
        """Takes in the files of a zip; returns its tables."""
        try:
            with zipfile.ZipFile(archive) as opened:
                members = self._members(archive, opened)
                root = _common_root([path for path, _ in members])
                tables = []
                for number, (path, member) in enumerate(members):
                    inside = path.relative_to(root) if path.is_relative_to(root) else path
                    where = f"{archive.name}: {path}"
                    # The member's own name ends up in the message about a table.
                    unpacked = scratch / str(number) / path.name
                    unpacked.parent.mkdir(parents=True)
                    try:
                        with opened.open(member) as source, unpacked.open("wb") as target:
                            shutil.copyfileobj(source, target, _CHUNK)
                    except BROKEN as error:
                        self._leave(where, f"cannot be unpacked: {error}")
                        continue
                    if path.suffix.lower() == ".csv":
                        tables.append(unpacked)
                    else:
                        self._put(unpacked, inside, where, move=True)
                return tables
        except BROKEN as error:
            self._leave(archive.name, f"cannot be unpacked: {error}")
            return []

    def _members(self, archive: Path, opened: zipfile.ZipFile) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
        """What can be unpacked, under its path; ValueError where nothing of the archive can be."""
        found = [info for info in opened.infolist() if not info.is_dir()]
        whole = sum(info.file_size for info in found)
        if len(found) > MOST_FILES:
            raise ValueError(f"it holds {len(found):,} files, more than {MOST_FILES:,}")
        if whole >= MOST_TIMES * max(1, archive.stat().st_size):
            raise ValueError(
                f"it would unpack to {whole / max(1, archive.stat().st_size):.0f} times its size; "
                f"{MOST_TIMES} times or more is taken for an attack"
            )
        room = max(0, min(self.most_bytes, shutil.disk_usage(self.folder).free - SPARE_BYTES))
        if whole > room:
            raise ValueError(f"it would unpack to {whole / 2**30:.1f} GB, and there is room for {room / 2**30:.1f}")
        has_pickles = any(f"/{name}/" in f"/{info.filename}" for info in found for name in FRAME_FOLDERS)
        members = []
        for info in found:
            path = PurePosixPath(info.filename.replace("\\", "/"))
            if path.name.startswith(".") or "__MACOSX" in path.parts:
                continue  # what computers add by themselves
            if reason := _refusal(path, info, has_pickles):
                self._leave(f"{archive.name}: {info.filename}", reason)
            else:
                members.append((path, info))
        return members

    def _put(self, file: Path, inside: PurePosixPath, where: str, *, move: bool = False) -> None:
        """Puts a file into its place in the folder; one that is there with other content stays."""
        target = self.folder / inside
        if not target.resolve().is_relative_to(self.folder.resolve()):
            self._leave(where, "leads out of the folder")
            return
        if target.exists():
            if not (target.is_file() and filecmp.cmp(file, target, shallow=False)):
                self._leave(where, f"there is another {inside} in the collection already: rename the new one")
            return
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if move:
                os.replace(file, target)
            else:
                shutil.copyfile(file, part)
                os.replace(part, target)
            self.taken += 1
        except OSError as error:
            self._leave(where, f"cannot be kept: {error.strerror or error}")
        finally:
            part.unlink(missing_ok=True)

    def _join(self, tables: Sequence[Path]) -> None:
        """Joins the tables to the folder's own, and gives every clip a row."""
        place = self.folder / TABLE
        rows = self._read(place) if place.exists() else []
        if rows is None:
            return
        changed = not place.exists()
        for table in tables:
            joined = join_rows(rows, self._read(table) or [])
            changed |= joined != rows
            rows = joined
        named = {row["clip"].rstrip("/") for row in rows}
        is_dataset = kind_of(self.folder) not in (None, "clips")
        new = [] if is_dataset else [clip for clip in clips_in(self.folder) if clip not in named]
        if (new or rows) and (changed or new):
            write_rows(place, [*rows, *map(row_of, new)])

    def _read(self, table: Path) -> list[dict[str, str]] | None:
        problems = Problems(skip_broken=True)
        try:
            rows = [row for _, row in read_rows(table, problems)]
        except DataError as error:
            self._leave(table.name, str(error).removeprefix(f"{table}").lstrip(",: "))
            return None
        self.problems += [
            Problem(Place(Path(table.name), problem.place.line), problem.reason) for problem in problems.found
        ]
        return rows

    def _leave(self, where: str, reason: str) -> None:
        self.problems.append(Problem(Place(Path(where)), reason))


def clips_in(folder: Path) -> list[str]:
    """The clips of a folder, videos and folders of pictures, as `dives.csv` names them."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(place)
        if any(name.lower().endswith(PICTURE_SUFFIXES) and not name.startswith(".") for name in files):
            if here != folder:
                found.append(here.relative_to(folder).as_posix())
            continue
        found += [
            (here / name).relative_to(folder).as_posix()
            for name in sorted(files)
            if name.lower().endswith(VIDEO_SUFFIXES) and not name.startswith(".")
        ]
    return found


def _refusal(path: PurePosixPath, info: zipfile.ZipInfo, has_pickles: bool) -> str | None:
    """Why a member is not unpacked; None where it is."""
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in info.filename:
        return "leads out of the folder; it was not unpacked"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link, not a file; it was not unpacked"
    if info.flag_bits & 1:
        return "is locked with a password; it was not unpacked"
    suffix = path.suffix.lower()
    if suffix == PICKLE and not has_pickles:
        return "is a pickle, which can hold a program; no clip needs one, and it was not unpacked"
    if suffix not in (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES, *OTHER_SUFFIXES, PICKLE):
        return f"is no clip, picture, table or mask: its name ends in {path.suffix!r}"
    return None


def _common_root(paths: Sequence[PurePosixPath]) -> PurePosixPath:
    """The folder in an archive that becomes the collection: where its table lies, or what all paths share."""
    tables = sorted((path for path in paths if path.suffix.lower() == ".csv"), key=lambda path: len(path.parts))
    if tables:
        return next((path for path in tables if path.name == TABLE), tables[0]).parent
    root = PurePosixPath()
    while paths:
        firsts = {path.relative_to(root).parts[0] for path in paths}
        deeper = root / next(iter(firsts))
        if len(firsts) > 1 or any(
            path == deeper or (path.parent == deeper and path.suffix.lower() in PICTURE_SUFFIXES) for path in paths
        ):
            break
        root = deeper
    return root
