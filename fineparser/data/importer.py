"""Import of uploads: clips, tables, masks and zips of them become a labelled clip folder.

Uploads are not trusted: names that lead out of the folder, archives that unpack to a hundred times their size, files of
other kinds and tables that cannot be read are left out with a reason; the rest is imported. Files are written
atomically, and existing ones stay as they are.
"""

import filecmp
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fineparser.atomic import atomic_write
from fineparser.data.dives import DataError, Location, OnBroken, Problem, ProblemLog
from fineparser.data.readers.clip_folder import TABLE, join_rows, make_row, read_rows, write_rows
from fineparser.data.readers.finediving import FRAME_FOLDERS
from fineparser.data.sources import detect_kind
from fineparser.video.container import VIDEO_SUFFIXES
from fineparser.video.folder_reader import IMAGE_SUFFIXES

OTHER_SUFFIXES = (".csv", ".npz")
"""Tables and masks."""
PICKLE = ".pkl"
"""FineDiving's annotations, which are read without running code in them; imported with its frames only."""
MAX_COMPRESSION = 100
"""Size of an archive's contents over its own from which on it is rejected: videos hardly compress."""
MAX_BYTES = 20 * 2**30
"""Size of all files of an archive together, at most."""
MAX_FILES = 500_000
"""Files of an archive, at most; FineDiving has 313,000 frames."""
RESERVED_BYTES = 2**30
"""Space that stays free on the disk."""
ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError, ValueError)
"""Exceptions of reading a damaged or unknown archive."""
_CHUNK = 2**20


@dataclass
class DatasetImporter:
    """Importer of uploads into a folder."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    """Uploads that are left out, with the reasons."""
    added: int = 0
    """Number of new files in the folder."""
    max_bytes: int = MAX_BYTES
    """An archive that would unpack to more is rejected."""

    def add(self, files: Iterable[Path]) -> None:
        """Import uploaded files; archives are unpacked. Clips without a row in a table get an empty one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tables = []
        with tempfile.TemporaryDirectory(prefix=".import-", dir=self.folder) as name:
            for number, file in enumerate(files):
                suffix = file.suffix.lower()
                if suffix == ".zip":
                    tables += self._unpack(file, Path(name) / str(number))
                elif suffix == ".csv":
                    tables.append(file)
                elif suffix in VIDEO_SUFFIXES + OTHER_SUFFIXES:
                    self._copy(file, PurePosixPath(file.name), file.name)
                else:
                    self._reject(file.name, f"is no clip, table, mask or zip: its name ends in {file.suffix!r}")
            self._join(tables)

    def _unpack(self, archive: Path, scratch: Path) -> list[Path]:
        """Import the files of a zip; return its tables."""
        try:
            with zipfile.ZipFile(archive) as opened:
                members = self._members(archive, opened)
                root = _common_root([path for path, _ in members])
                tables = []
                for number, (path, member) in enumerate(members):
                    inside = path.relative_to(root) if path.is_relative_to(root) else path
                    origin = f"{archive.name}: {path}"
                    # The member's own name is part of the message about a table.
                    unpacked = scratch / str(number) / path.name
                    unpacked.parent.mkdir(parents=True)
                    try:
                        with opened.open(member) as source, unpacked.open("wb") as target:
                            shutil.copyfileobj(source, target, _CHUNK)
                    except ARCHIVE_ERRORS as error:
                        self._reject(origin, f"cannot be unpacked: {error}")
                        continue
                    if path.suffix.lower() == ".csv":
                        tables.append(unpacked)
                    else:
                        self._move(unpacked, inside, origin)
                return tables
        except ARCHIVE_ERRORS as error:
            self._reject(archive.name, f"cannot be unpacked: {error}")
            return []

    def _members(self, archive: Path, opened: zipfile.ZipFile) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
        """Members that can be unpacked, with their paths; ValueError where the whole archive is rejected."""
        files = [info for info in opened.infolist() if not info.is_dir()]
        total = sum(info.file_size for info in files)
        if len(files) > MAX_FILES:
            raise ValueError(f"it holds {len(files):,} files, more than {MAX_FILES:,}")
        if total >= MAX_COMPRESSION * max(1, archive.stat().st_size):
            raise ValueError(
                f"it would unpack to {total / max(1, archive.stat().st_size):.0f} times its size; "
                f"{MAX_COMPRESSION} times or more counts as an attack"
            )
        room = max(0, min(self.max_bytes, shutil.disk_usage(self.folder).free - RESERVED_BYTES))
        if total > room:
            raise ValueError(f"it would unpack to {total / 2**30:.1f} GB, and there is room for {room / 2**30:.1f}")
        has_pickles = any(f"/{name}/" in f"/{info.filename}" for info in files for name in FRAME_FOLDERS)
        members = []
        for info in files:
            path = PurePosixPath(info.filename.replace("\\", "/"))
            if path.name.startswith(".") or "__MACOSX" in path.parts:
                continue  # files that operating systems add
            if reason := _rejection(path, info, has_pickles):
                self._reject(f"{archive.name}: {info.filename}", reason)
            else:
                members.append((path, info))
        return members

    def _copy(self, file: Path, inside: PurePosixPath, origin: str) -> None:
        """Copy a file to its place in the folder; an existing one with other content stays."""
        self._place(inside, origin, file, lambda target: atomic_write(target, lambda part: shutil.copyfile(file, part)))

    def _move(self, file: Path, inside: PurePosixPath, origin: str) -> None:
        """Move an unpacked file to its place in the folder; an existing one with other content stays."""
        self._place(inside, origin, file, lambda target: os.replace(file, target))

    def _place(self, inside: PurePosixPath, origin: str, file: Path, put: Callable[[Path], object]) -> None:
        target = self.folder / inside
        if not target.resolve().is_relative_to(self.folder.resolve()):
            self._reject(origin, "leads out of the folder")
            return
        if target.exists():
            if not (target.is_file() and filecmp.cmp(file, target, shallow=False)):
                self._reject(origin, f"there is another {inside} in the collection already: rename the new one")
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            put(target)
            self.added += 1
        except OSError as error:
            self._reject(origin, f"cannot be written: {error.strerror or error}")

    def _join(self, tables: Sequence[Path]) -> None:
        """Join the tables to that of the folder, and add a row for every clip without one."""
        path = self.folder / TABLE
        rows = self._read(path) if path.exists() else []
        if rows is None:
            return
        changed = not path.exists()
        for table in tables:
            joined = join_rows(rows, self._read(table) or [])
            changed |= joined != rows
            rows = joined
        listed = {row["clip"].rstrip("/") for row in rows}
        is_dataset = detect_kind(self.folder) not in (None, "clips")
        new = [] if is_dataset else [clip for clip in list_clips(self.folder) if clip not in listed]
        if (new or rows) and (changed or new):
            write_rows(path, [*rows, *map(make_row, new)])

    def _read(self, table: Path) -> list[dict[str, str]] | None:
        log = ProblemLog(OnBroken.SKIP)
        try:
            rows = [row for _, row in read_rows(table, log)]
        except DataError as error:
            self._reject(table.name, str(error).removeprefix(f"{table}").lstrip(",: "))
            return None
        self.problems += [
            Problem(Location(Path(table.name), problem.location.line), problem.reason) for problem in log.problems
        ]
        return rows

    def _reject(self, origin: str, reason: str) -> None:
        self.problems.append(Problem(Location(Path(origin)), reason))


def list_clips(folder: Path) -> list[str]:
    """List the clips of a folder, videos and folders of images, as named in `dives.csv`."""
    clips = []
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(path)
        if any(name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".") for name in files):
            if here != folder:
                clips.append(here.relative_to(folder).as_posix())
            continue
        clips += [
            (here / name).relative_to(folder).as_posix()
            for name in sorted(files)
            if name.lower().endswith(VIDEO_SUFFIXES) and not name.startswith(".")
        ]
    return clips


def _rejection(path: PurePosixPath, info: zipfile.ZipInfo, has_pickles: bool) -> str | None:
    """Reason why a member is not unpacked; None where it is."""
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in info.filename:
        return "leads out of the folder; it was not unpacked"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link, not a file; it was not unpacked"
    if info.flag_bits & 1:
        return "is locked with a password; it was not unpacked"
    suffix = path.suffix.lower()
    if suffix == PICKLE and not has_pickles:
        return "is a pickle, which can hold a program; no clip needs one, and it was not unpacked"
    if suffix not in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, *OTHER_SUFFIXES, PICKLE):
        return f"is no clip, image, table or mask: its name ends in {path.suffix!r}"
    return None


def _common_root(paths: Sequence[PurePosixPath]) -> PurePosixPath:
    """Folder in an archive that becomes the clip folder: that of its table, or the common root of all paths."""
    tables = sorted((path for path in paths if path.suffix.lower() == ".csv"), key=lambda path: len(path.parts))
    if tables:
        return next((path for path in tables if path.name == TABLE), tables[0]).parent
    root = PurePosixPath()
    while paths:
        firsts = {path.relative_to(root).parts[0] for path in paths}
        deeper = root / next(iter(firsts))
        if len(firsts) > 1 or any(
            path == deeper or (path.parent == deeper and path.suffix.lower() in IMAGE_SUFFIXES) for path in paths
        ):
            break
        root = deeper
    return root
