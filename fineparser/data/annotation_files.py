"""What the pickled annotations of FineDiving and MTL-AQA have in common: tables by key, and lists of keys by split."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from fineparser.data.dives import DataError
from fineparser.data.pickles import load_pickle

Key = tuple
"""(video, number of the dive in it)."""


def find_file(root: Path, names: Iterable[str], folders: Iterable[str]) -> Path | None:
    """The first of `names` that is a file in the first of `folders` (below `root`) that has one, else None."""
    folders = tuple(folders)
    paths = (root / folder / name for name in names for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def find_folder(root: Path, names: Iterable[str]) -> Path | None:
    """The first of `names` that is a folder below `root`, else None."""
    return next((root / name for name in names if (root / name).is_dir()), None)


def load_table(path: Path, to_key: Callable[[Any], Key]) -> dict[Key, Any]:
    """The dictionary in the pickle `path`, its keys read by `to_key`, which raises ValueError for what is none."""
    table = load_pickle(path)
    if not isinstance(table, Mapping):
        raise DataError(f"{path}: should be a dictionary of dives, not {type(table).__name__}.")
    return {_checked(path, key, to_key): value for key, value in table.items()}


def load_splits(train: Path, test: Path, to_key: Callable[[Any], Key]) -> dict[Key, str]:
    """The split of each key: "train" or "test". DataError where a key is in both."""
    splits: dict[Key, str] = {}
    for path, split in ((train, "train"), (test, "test")):
        keys = load_pickle(path)
        if isinstance(keys, str | bytes | Mapping) or not hasattr(keys, "__iter__"):
            raise DataError(f"{path}: should be a list of keys, not {type(keys).__name__}.")
        for key in (_checked(path, key, to_key) for key in keys):
            if splits.get(key, split) != split:
                raise DataError(f"{path}: {key[0]}/{key[1]} is in {train.name} too. A dive belongs to one split.")
            splits[key] = split
    return splits


def named_key(key: Any) -> tuple[str, int]:
    """A key of FineDiving: (video name, clip number). ValueError for a name that could lead to another folder."""
    video, clip = key
    video, clip = str(video), int(clip)
    if not video or video in (".", "..") or re.search(r"[/\\\0]", video) or clip < 0:
        raise ValueError
    return video, clip


def numbered_key(key: Any) -> tuple[int, int]:
    """A key of MTL-AQA: (video number, dive number)."""
    video, dive = key
    video, dive = int(video), int(dive)
    if min(video, dive) < 0:
        raise ValueError
    return video, dive


def _checked(path: Path, key: Any, to_key: Callable[[Any], Key]) -> Key:
    try:
        return to_key(key)
    except (TypeError, ValueError):
        raise DataError(f"{path}: a key should be a video and the number of a dive in it, not {key!r}.") from None
