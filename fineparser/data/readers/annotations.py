"""Annotation files of FineDiving and MTL-AQA: pickles read safely, tables by key, splits, and heights they leave out.

A pickle is a program: the usual loader calls any function that the file names. Annotation files need containers,
strings, numbers and numpy's scalars and arrays, so nothing else is available here. Even numpy's own constructors are
not exposed to the file (a forged dtype lets bytes stand for object pointers); arrays are rebuilt from checked parts by
the classes below. `check_pickle` bounds the work first.
"""

import io
import math
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from fineparser.data.dives import DataError
from fineparser.domain.difficulty import ERAS, difficulty, has_difficulty, parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.pickle_check import UnboundedPickle, check_pickle
from fineparser.plain_values import MAX_EXCERPT, excerpt

Key = TypeVar("Key", bound=tuple[Any, int])
"""Key of an annotation: (video, number of the dive in it)."""

COMPETITION_HEIGHTS = (3, 10)
"""Heights of the Olympic events, metres: the datasets show no others."""

MAX_FILE_BYTES = 512 * 2**20
"""Size of a pickle above which it is not read."""
MAX_KEY_NUMBER = 10**9
"""Numbers of videos and dives are below this one."""
MAX_NAME_BYTES = 255
"""Length of a file name."""
MAX_DIMENSIONS = 8
"""Axes of an array."""

_PLAIN_DTYPE = re.compile(r"[<>=|]?(?:[?biufcSU]\d*|O8?)")


def find_file(root: Path, names: Iterable[str], folders: Iterable[str]) -> Path | None:
    """First of `names` that is a file in the first of `folders` (below `root`) that has one; None without one."""
    folders = tuple(folders)
    paths = (root / folder / name for name in names for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def find_folder(root: Path, names: Iterable[str]) -> Path | None:
    """First of `names` that is a folder below `root`; None without one."""
    return next((root / name for name in names if (root / name).is_dir()), None)


def load_table(path: Path, to_key: Callable[[Any], Key]) -> dict[Key, Any]:
    """Load the dictionary in the pickle `path`; `to_key` converts its keys and raises ValueError for invalid ones."""
    table = load_pickle(path)
    if not isinstance(table, Mapping):
        raise DataError(f"{path}: should be a dictionary of dives, not {type(table).__name__}.")
    return {_parse_key(path, key, to_key): value for key, value in table.items()}


def load_splits(train: Path, test: Path, to_key: Callable[[Any], Key]) -> dict[Key, str]:
    """Load the split of each key, "train" or "test". DataError where a key is in both."""
    splits: dict[Key, str] = {}
    for path, split in ((train, "train"), (test, "test")):
        keys = load_pickle(path)
        if not isinstance(keys, list | tuple | set | frozenset | np.ndarray) or getattr(keys, "ndim", 1) == 0:
            raise DataError(f"{path}: should be a list of keys, not {type(keys).__name__}.")
        for key in (_parse_key(path, key, to_key) for key in keys):
            if splits.get(key, split) != split:
                raise DataError(f"{path}: {key[0]}/{key[1]} is in {train.name} too. A dive belongs to one split.")
            splits[key] = split
    return splits


def named_key(key: Any) -> tuple[str, int]:
    """Parse a key of FineDiving: (video name, clip number). ValueError for a name that could lead to another folder."""
    video, clip = key
    name = str(video) if isinstance(video, str | int | np.integer) else ""
    if not name or name in (".", "..") or re.search(r"[/\\\0]", name) or len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError
    return name, _key_number(clip)


def numbered_key(key: Any) -> tuple[int, int]:
    """Parse a key of MTL-AQA: (video number, dive number)."""
    video, dive = key
    return _key_number(video), _key_number(dive)


def whole_number(value: Any) -> int:
    """Convert a number, of text too, that has no fraction; ValueError for everything else."""
    if isinstance(value, int | float | str | np.number | np.bool_):
        try:
            converted = int(value)
            if isinstance(value, str) or converted == value:
                return converted
        except (ValueError, OverflowError):  # text of something else, NaN, infinity
            pass
    raise ValueError(f"a whole number is needed, not {excerpt(value)}")


def number(value: Any) -> float:
    """Convert a number, of text too; ValueError for everything else and for NaN and infinity."""
    if isinstance(value, int | float | str | np.number):
        try:
            if math.isfinite(converted := float(value)):
                return converted
        except ValueError:
            pass
    raise ValueError(f"a number is needed, not {excerpt(value)}")


def text(value: Any) -> str:
    """Convert a short text or whole number; ValueError for everything else."""
    if isinstance(value, str | int | np.integer) and len(converted := str(value)) <= MAX_EXCERPT:
        return converted
    raise ValueError(f"short text is needed, not {excerpt(value)}")


def flat(values: Any) -> list[Any]:
    """Items of nested lists and arrays, one after the other."""
    if isinstance(values, np.ndarray):
        values = values.reshape(-1).tolist()
    if not isinstance(values, list | tuple):
        return [values]
    return [single for item in values for single in flat(item)]


def _key_number(value: Any) -> int:
    converted = whole_number(value)
    if not 0 <= converted < MAX_KEY_NUMBER:
        raise ValueError
    return converted


def height_in_name(name: str) -> float | None:
    """Height in metres in the name of a video or event; None where there is none or several.

    >>> height_in_name("FINADivingWorldCup2021_Men3m_final_r1"), height_in_name("3mMenSpringboardFinal_2")
    (3, 3)
    >>> height_in_name("FullMenSynchronised10mPlatform_Tokyo2020Replays_2"), height_in_name("Round10men")
    (10, None)
    """
    # "7.5m" and not the 5 in it; "10m" and not "10men".
    heights = set(re.findall(r"(?<![\d.])(1|3|5|7\.5|10)m(?![a-z](?<!p)(?<!s))", name))
    return parse_height(heights.pop()) if len(heights) == 1 else None


def matching_heights(code: DiveCode, value: float) -> tuple[float, ...]:
    """Heights of 3 m and 10 m at which the dive has the degree of difficulty `value`, now or in 2009-13.

    >>> matching_heights(DiveCode.parse("107B"), 3.0), matching_heights(DiveCode.parse("107B"), 9.9)
    ((10,), ())
    """
    return tuple(
        height
        for height in COMPETITION_HEIGHTS
        if has_difficulty(code, height) and any(abs(difficulty(code, height, era) - value) < 1e-6 for era in ERAS)
    )


def unique_height(code: DiveCode, value: float) -> float | None:
    """Height of 3 m and 10 m at which the dive has this difficulty; None where both or neither match."""
    heights = matching_heights(code, value)
    return heights[0] if len(heights) == 1 else None


def _parse_key(path: Path, key: Any, to_key: Callable[[Any], Key]) -> Key:
    try:
        return to_key(key)
    except (TypeError, ValueError):
        raise DataError(
            f"{path}: a key should be a video and the number of a dive in it, not {excerpt(key)}."
        ) from None


def load_pickle(path: str | Path) -> Any:
    """Load a pickle file of containers, strings, numbers, numpy scalars and arrays.

    DataError where the file is missing or broken, or names anything else; the message has the name. Pickles of Python 2
    and of numpy 1 and 2 are supported.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"{path}: is larger than {MAX_FILE_BYTES / 2**20:.0f} MiB, which no annotation file is.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from error
    try:
        check_pickle(io.BytesIO(data))
        return _PlainUnpickler(io.BytesIO(data), encoding="latin1").load()
    except UnboundedPickle as error:
        raise DataError(f"{path}: not a usable pickle file: {error}.") from error
    except pickle.UnpicklingError as error:
        raise DataError(f"{path}: {error}") from error
    except MemoryError as error:
        raise DataError(f"{path}: the pickle needs more memory than there is; it is broken.") from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise DataError(f"{path}: not a whole pickle file ({excerpt(str(error) or type(error).__name__)}).") from error


class _PlainUnpickler(pickle.Unpickler):
    """Unpickler that knows plain containers and arrays only."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = _ALLOWED.get((module.replace("numpy._core", "numpy.core"), name))
        if allowed is None:
            raise pickle.UnpicklingError(
                f"the pickle names {f'{module}.{name}'[:MAX_EXCERPT]}, which no annotation file needs, so it was not "
                "loaded. Pickles can run code: get the file from the dataset's authors."
            )
        return allowed

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f"the pickle refers to an object outside the file ({excerpt(pid)}).")


def _error(reason: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"the pickle holds {reason}, so it was not loaded.")


class _DType:
    """Replacement of `numpy.dtype` while a pickle is read: the plain types only, no fields."""

    def __init__(self, kind: str, align: Any = False, copy: Any = False) -> None:
        if not isinstance(kind, str) or not _PLAIN_DTYPE.fullmatch(kind):
            raise _error(f"an array of the unusual type {excerpt(kind)}")
        self._kind = kind.lstrip("<>=|").replace("O8", "O")
        self._order = "="

    def __setstate__(self, state: tuple) -> None:
        order, *structure = state[1:5]
        if any(part is not None for part in structure) or order not in ("<", ">", "=", "|"):
            raise _error("an array with fields")
        self._order = order

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self._order.replace("|", "=") + self._kind)


class _Array(np.ndarray):
    """An array that checks its state while a pickle is read."""

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_fortran, data = state
        if not isinstance(dtype, _DType) or not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS:
            raise _error("an array without a type or shape")
        if not all(isinstance(length, int) and length >= 0 for length in shape):
            raise _error("an array with impossible lengths")
        plain = dtype.dtype
        if plain.hasobject:
            if not isinstance(data, list) or len(data) != prod(shape):
                raise _error("an array whose items do not fit its shape")
        else:
            data = data.encode("latin1") if isinstance(data, str) else data
            if not isinstance(data, bytes) or len(data) != prod(shape) * plain.itemsize:
                raise _error("an array whose bytes do not fit its shape")
        super().__setstate__((1, shape, plain, bool(is_fortran), data))  # type: ignore[arg-type]  # stubs lack bool


class _ArrayKind:
    """Replacement of `numpy.ndarray` while a pickle is read: a name, since its constructor would make an array of any
    size that is filled with whatever the memory held before."""


def _reconstruct(kind: Any, shape: Any, typecode: Any) -> np.ndarray:
    if kind is not _ArrayKind:
        raise _error("an array of an unusual kind")
    return _Array((0,), np.uint8)


def _scalar(dtype: _DType, data: Any = b"") -> Any:
    data = data.encode("latin1") if isinstance(data, str) else data
    if not isinstance(dtype, _DType) or dtype.dtype.hasobject or len(data) != dtype.dtype.itemsize:
        raise _error("a number whose bytes do not fit its type")
    return np.frombuffer(data, dtype=dtype.dtype)[0]


def _from_buffer(buffer: Any, dtype: _DType, shape: Any, order: Any, axes: Any = None) -> np.ndarray:
    if not isinstance(dtype, _DType) or dtype.dtype.hasobject or order not in ("C", "F") or axes is not None:
        raise _error("an array of an unusual kind")
    return np.frombuffer(buffer, dtype=dtype.dtype).reshape(shape, order=order).copy(order=order)


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise _error(f"text in the unusual encoding {excerpt(encoding)}")
    return text.encode(encoding)


def _no_bytes(*contents: Any) -> bytes:
    # Old protocols write b"" as bytes(); bytes(10**12) would fill the memory.
    if contents:
        raise _error("bytes made from something else")
    return b""


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("__builtin__", "frozenset"): frozenset,
    ("builtins", "bytes"): _no_bytes,
    ("__builtin__", "bytes"): _no_bytes,
    ("builtins", "complex"): complex,
    ("__builtin__", "complex"): complex,
    ("_codecs", "encode"): _encode,
    ("numpy", "ndarray"): _ArrayKind,
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
}
