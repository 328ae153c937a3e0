"""Files named in tables: other separators, forms of letters and folders than those on the disk.

A table may come from another machine than its clips: with Windows' separators or a whole Windows path, with letters
composed where the disk has them decomposed, in other case, or with its place above or below the clips.
"""

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from fineparser.plain_values import excerpt
from fineparser.video.folder_reader import IMAGE_SUFFIXES


def portable_name(name: str) -> str:
    r"""A relative or absolute path with forward slashes and composed letters.

    >>> portable_name("day 1\\.\\a.mp4"), portable_name("C:\\clips\\a.mp4")
    ('day 1/a.mp4', 'C:/clips/a.mp4')
    """
    return posixpath.normpath(unicodedata.normalize("NFC", name.strip().replace("\\", "/")))


class NameIndex:
    """Relative paths, found by the names that people write for them."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Index some paths, and the folders that they lie in."""
        self._composed: dict[str, set[str]] = defaultdict(set)
        self._loose: dict[str, set[str]] = defaultdict(set)
        self._by_last_part: dict[str, set[str]] = defaultdict(set)
        self._by_stem: dict[str, set[str]] = defaultdict(set)
        self._by_letters: dict[str, set[str]] = defaultdict(set)
        for path in paths:
            while path and path not in self._composed[composed := portable_name(path)]:
                self._composed[composed].add(path)
                self._loose[loose := _loose(composed)].add(path)
                self._by_last_part[posixpath.basename(loose)].add(path)
                self._by_stem[posixpath.splitext(loose)[0]].add(path)
                self._by_letters[_letters(loose)].add(path)
                path = posixpath.dirname(path)

    def find(self, name: str, base: str = "", suffixes: Sequence[str] = ()) -> str | None:
        """The path that a name stands for; None if there is none.

        The name may differ in case, separators and forms of letters; it may lack folders above the path or have more of
        them, may lack the suffix, and may have marks that uploading a file removes from its name.

        Args:
            name: relative to `base`, or absolute on another machine.
            base: folder with the table.
            suffixes: that files of this kind have.

        Raises:
            ValueError: if it stands for several paths.
        """
        name = portable_name(name)
        here = posixpath.normpath(posixpath.join(base, name))
        loose, loose_here = _loose(name), _loose(here)
        deeper = self._by_last_part.get(posixpath.basename(loose), set())
        is_outside = name == ".." or name.startswith("../")
        for paths in (
            {here} & self._composed.get(here, set()),
            self._composed.get(here, set()),
            self._loose.get(loose_here, set()),
            # Folders above the clips that the table does not name, then folders of the table's machine.
            set() if is_outside else {path for path in deeper if _loose(path).endswith(f"/{loose}")},
            set() if is_outside else _longest({path for path in deeper if loose.endswith(f"/{_loose(path)}")}),
            {path for path in self._by_stem.get(loose_here, set()) if path.lower().endswith(tuple(suffixes))},
            self._by_letters.get(_letters(loose_here), set()),
        ):
            if len(paths) == 1:
                return next(iter(paths))
            if paths:
                names = " or ".join(map(excerpt, sorted(paths)[:2]))
                raise ValueError(f"{excerpt(name)} could be {names}: write the name as it is on the disk")
        return None


class FolderFiles:
    """Clips and masks in a folder, found by their names in a table."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, name: str, column: str, suffixes: Sequence[str] = ()) -> Path:
        """Path of the existing file or folder that a row names; ValueError with the reason where there is none.

        Args:
            name: as in the table.
            column: its column, for the reason.
            suffixes: that files of this kind have.
        """
        try:
            path = name if not is_absolute(name) and self._exists(name) else self._index.find(name, "", suffixes)
        except ValueError as error:
            raise ValueError(f"{column} {error}") from None
        if path is None and not is_absolute(name) and self._is_inside(name):
            raise ValueError(
                f"{column} {excerpt(name)} does not exist: correct the name, or put the file into the folder"
            )
        if path is None or not self._is_inside(path):
            raise ValueError(f"{column} {excerpt(name)} leads out of the folder; put the file into it")
        return self._root / path

    def _exists(self, name: str) -> bool:
        try:
            return (self._root / name).exists()
        except (OSError, ValueError):  # a name that no file can have
            return False

    def _is_inside(self, name: str) -> bool:
        try:
            return (self._root / name).resolve().is_relative_to(self._root.resolve())
        except (OSError, ValueError):
            return True

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(_files_below(self._root))


def is_absolute(name: str) -> bool:
    """True for a path from the root of a disk, of this machine or of one with Windows."""
    return re.match(r"[/\\]|[A-Za-z]:[/\\]", name) is not None


def _files_below(root: Path) -> Iterator[str]:
    """Relative paths of what a row may name; images count as their folder."""
    for path, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(path).relative_to(root)
        for name in [*folders, *(name for name in files if not name.lower().endswith(IMAGE_SUFFIXES))]:
            yield (here / name).as_posix()


def _longest(paths: set[str]) -> set[str]:
    return {max(paths, key=len)} if paths else set()


def _loose(name: str) -> str:
    """A name without differences of case and of the forms of letters and digits."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


def _letters(loose: str) -> str:
    return re.sub(r"[^\w./]+", "", loose)
