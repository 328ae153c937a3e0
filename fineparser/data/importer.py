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
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from fineparser.atomic import atomic_write
from fineparser.data.archive_names import member_names
from fineparser.data.dive_tables import TABLE, TABLE_SUFFIXES, join_rows, make_row, read_rows, write_rows
from fineparser.data.dives import DataError, Location, OnBroken, Problem, ProblemLog
from fineparser.data.file_names import NameIndex
from fineparser.data.readers.clip_folder import MASK_SUFFIXES, with_existing_files
from fineparser.data.readers.finediving import FRAME_FOLDERS
from fineparser.data.sources import detect_kind
from fineparser.plain_values import excerpt
from fineparser.video.folder_reader import IMAGE_SUFFIXES
from fineparser.video.limits import VIDEO_SUFFIXES

SYSTEM_FILES = ("thumbs.db", "desktop.ini")
"""Files that Windows adds, in lower case; those of other systems and programs start with a mark."""
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
class _Upload:
    """Files that were uploaded together: those of an archive, or all loose ones."""

    places: dict[PurePosixPath, PurePosixPath | None] = field(default_factory=dict)
    """Place in the folder by path in the upload; None where a file was left out."""
    tables: dict[PurePosixPath, Path] = field(default_factory=dict)
    """File of each table by path in the upload."""

    def place(self, path: PurePosixPath) -> str:
        """Place of a file, or of a folder of frames, in the folder; ValueError where it was left out."""
        if path in self.places:
            places = {self.places[path]}
        else:
            below = {inside: place for inside, place in self.places.items() if place and path in inside.parents}
            places = {place.parents[len(inside.relative_to(path).parts) - 1] for inside, place in below.items()}
        place = next(iter(places), None)
        if place is None:
            raise ValueError(f"{excerpt(str(path))} was left out of the import, and this row with it")
        return str(place)


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
        loose = _Upload()
        uploads = [loose]
        with tempfile.TemporaryDirectory(prefix=".import-", dir=self.folder) as name:
            for number, file in enumerate(files):
                suffix = file.suffix.lower()
                path = PurePosixPath(unicodedata.normalize("NFC", file.name))
                if suffix == ".zip":
                    uploads.append(self._unpack(file, Path(name) / str(number)))
                elif suffix in TABLE_SUFFIXES:
                    loose.tables[path] = file
                elif suffix in VIDEO_SUFFIXES + MASK_SUFFIXES:
                    loose.places[path] = self._copy(file, path, file.name)
                else:
                    self._reject(file.name, f"is no clip, table, mask or zip: its name ends in {file.suffix!r}")
            self._join(uploads)

    def _unpack(self, archive: Path, scratch: Path) -> "_Upload":
        """Import the files of a zip but its tables, which are unpacked into the folder `scratch`."""
        upload = _Upload()
        try:
            with zipfile.ZipFile(archive) as opened:
                members = self._members(archive, opened, upload)
                root = _common_root([path for path, _ in members])
                for number, (path, member) in enumerate(members):
                    origin = f"{archive.name}: {path}"
                    # The member's own name is part of the message about a table.
                    unpacked = scratch / str(number) / path.name
                    unpacked.parent.mkdir(parents=True)
                    try:
                        with opened.open(member) as source, unpacked.open("wb") as target:
                            shutil.copyfileobj(source, target, _CHUNK)
                    except ARCHIVE_ERRORS as error:
                        self._reject(origin, f"cannot be unpacked: {error}")
                        upload.places[path] = None
                        continue
                    if path.suffix.lower() in TABLE_SUFFIXES:
                        upload.tables[path] = unpacked
                    else:
                        upload.places[path] = self._move(unpacked, path.relative_to(root), origin)
        except ARCHIVE_ERRORS as error:
            self._reject(archive.name, f"cannot be unpacked: {error}")
        return upload

    def _members(
        self, archive: Path, opened: zipfile.ZipFile, upload: "_Upload"
    ) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
        """Members that can be unpacked, with their paths; ValueError where the whole archive is rejected.

        Others are put into the upload as left out.
        """
        files = [info for info in opened.infolist() if not info.orig_filename.endswith(("/", "\\"))]
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
        for info, name in zip(files, member_names(opened, files), strict=True):
            path = PurePosixPath(name)
            if path.name.startswith((".", "~$")) or path.name.lower() in SYSTEM_FILES or "__MACOSX" in path.parts:
                continue
            if reason := _rejection(path, info, has_pickles):
                self._reject(f"{archive.name}: {path}", reason)
                upload.places[path] = None
            else:
                members.append((path, info))
        # A file and a folder of one name cannot both be placed: the file comes first.
        return sorted(members, key=lambda member: len(member[0].parts))

    def _copy(self, file: Path, inside: PurePosixPath, origin: str) -> PurePosixPath | None:
        """Copy a file to its place in the folder, see `_place`."""
        return self._place(
            inside, origin, file, lambda target: atomic_write(target, lambda part: shutil.copyfile(file, part))
        )

    def _move(self, file: Path, inside: PurePosixPath, origin: str) -> PurePosixPath | None:
        """Move an unpacked file to its place in the folder, see `_place`."""
        return self._place(inside, origin, file, lambda target: os.replace(file, target))

    def _place(
        self, inside: PurePosixPath, origin: str, file: Path, put: Callable[[Path], object]
    ) -> PurePosixPath | None:
        """Put a file to its place in the folder and return that; None where another one is there, which stays."""
        target = self.folder / inside
        if not target.resolve().is_relative_to(self.folder.resolve()):
            self._reject(origin, "leads out of the folder")
            return None
        if target.exists():
            if not (target.is_file() and filecmp.cmp(file, target, shallow=False)):
                self._reject(origin, f"there is another {inside} in the collection already: rename the new one")
                return None
            return inside
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            put(target)
            self.added += 1
        except (FileExistsError, NotADirectoryError):
            self._reject(origin, "lies in a folder with the name of another file: rename one of them")
            return None
        except OSError as error:
            self._reject(origin, f"cannot be written: {error.strerror or error}")
            return None
        return inside

    def _join(self, uploads: Sequence["_Upload"]) -> None:
        """Join the tables to that of the folder, and add a row for every clip without one."""
        path = self.folder / TABLE
        rows = self._read(path) if path.exists() else []
        if rows is None:
            return
        joined = [row for _, row in rows]
        for upload in uploads:
            index = NameIndex(map(str, upload.places))
            for inside, table in upload.tables.items():
                imported = [self._imported(upload, index, inside, line, row) for line, row in self._read(table) or []]
                joined = join_rows(
                    joined, with_existing_files(self.folder, [row for row in imported if row is not None])
                )
        listed = {row["clip"] for row in joined}
        is_dataset = detect_kind(self.folder) not in (None, "clips")
        new = [] if is_dataset else [clip for clip in list_clips(self.folder) if clip not in listed]
        if (new or joined) and (not path.exists() or new or joined != [row for _, row in rows]):
            write_rows(path, [*joined, *map(make_row, new)])

    def _imported(
        self, upload: "_Upload", index: NameIndex, table: PurePosixPath, line: int, row: dict[str, str]
    ) -> dict[str, str] | None:
        """A row with its files named as in the folder; None where one of them was left out.

        A file that is not in the upload is in the folder already, or the reader of the folder names it.

        Args:
            upload: that the table came with.
            index: of its files.
            table: path in the upload.
            line: of the row.
            row: of the table.
        """
        places = {}
        for column, suffixes in (("clip", VIDEO_SUFFIXES), ("mask", MASK_SUFFIXES)):
            try:
                path = index.find(row[column], str(table.parent), suffixes) if row[column] else None
                if path is not None:
                    places[column] = upload.place(PurePosixPath(path))
            except ValueError as error:
                self.problems.append(Problem(Location(Path(table.name), line), f"{column} {error}"))
                return None
        return row | places

    def _read(self, table: Path) -> list[tuple[int, dict[str, str]]] | None:
        log = ProblemLog(OnBroken.SKIP)
        try:
            rows = read_rows(table, log)
        except DataError as error:
            self._reject(table.name, str(error).removeprefix(f"{table}").lstrip(",: "))
            return None
        self.problems += [
            replace(problem, location=replace(problem.location, file=Path(table.name))) for problem in log.problems
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
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in info.orig_filename:
        return "leads out of the folder; it was not unpacked"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link, not a file; it was not unpacked"
    if info.flag_bits & 1:
        return "is locked with a password; it was not unpacked"
    suffix = path.suffix.lower()
    if suffix == PICKLE and not has_pickles:
        return "is a pickle, which can hold a program; no clip needs one, and it was not unpacked"
    if suffix not in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, *TABLE_SUFFIXES, *MASK_SUFFIXES, PICKLE):
        return f"is no clip, image, table or mask: its name ends in {path.suffix!r}"
    return None


def _common_root(paths: Sequence[PurePosixPath]) -> PurePosixPath:
    """Folder in an archive that becomes the clip folder: the deepest one with all files, but no folder of frames."""
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
