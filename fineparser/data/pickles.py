"""Reads the pickles that datasets come in without running what is in them.

A pickle is a program: the usual loader calls whatever function the file names. Annotation files need
containers, strings, numbers and numpy's scalars and arrays, so that is all there is here. Even numpy's own
constructors are not handed to the file (a forged dtype lets bytes stand for object pointers); the arrays are
rebuilt from checked parts by the classes below.
"""

import pickle
import re
from collections import OrderedDict
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from fineparser.data.dives import DataError

_PLAIN_DTYPE = re.compile(r"[<>=|]?(?:[?biufcSU]\d*|O8?)")


def load_pickle(path: str | Path) -> Any:
    """The object in the pickle file `path`: containers, strings, numbers, numpy scalars and arrays.

    DataError where the file is missing or broken, or asks for anything else; it names what was asked for.
    Pickles of Python 2 and of numpy 1 and 2 are read alike.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file, encoding="latin1").load()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except pickle.UnpicklingError as error:
        raise DataError(f"{path}: {error}") from error
    except MemoryError as error:
        raise DataError(f"{path}: the pickle asks for more memory than there is; it is broken.") from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise DataError(f"{path}: not a whole pickle file ({type(error).__name__}: {error}).") from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module.replace("numpy._core", "numpy.core"), name))
        if known is None:
            raise pickle.UnpicklingError(
                f"the pickle asks for {module}.{name}, which no annotation file needs, so it was not loaded. "
                "Pickles can run code: get the file from the dataset's authors."
            )
        return known

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(f"the pickle refers to an object outside the file ({pid!r}).")


def _refuse(reason: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"the pickle holds {reason}, so it was not loaded.")


class _DType:
    """Stands in for `numpy.dtype` while a pickle is read: the plain types only, no fields."""

    def __init__(self, kind: str, align: Any = False, copy: Any = False):
        if not isinstance(kind, str) or not _PLAIN_DTYPE.fullmatch(kind):
            raise _refuse(f"an array of the unusual type {kind!r}")
        self._kind = kind.lstrip("<>=|").replace("O8", "O")
        self._order = "="

    def __setstate__(self, state: tuple) -> None:
        order, *structure = state[1:5]
        if any(part is not None for part in structure) or order not in ("<", ">", "=", "|"):
            raise _refuse("an array with fields")
        self._order = order

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self._order.replace("|", "=") + self._kind)


class _Array(np.ndarray):
    """Stands in for `numpy.ndarray` while a pickle is read, and checks what it is filled with."""

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_fortran, data = state
        if not isinstance(dtype, _DType) or not isinstance(shape, tuple):
            raise _refuse("an array without a type or shape")
        plain = dtype.dtype
        if plain.hasobject:
            if not isinstance(data, list) or len(data) != prod(shape):
                raise _refuse("an array whose items do not fit its shape")
        else:
            data = data.encode("latin1") if isinstance(data, str) else data
            if not isinstance(data, bytes) or len(data) != prod(shape) * plain.itemsize:
                raise _refuse("an array whose bytes do not fit its shape")
        super().__setstate__((1, shape, plain, bool(is_fortran), data))


def _reconstruct(kind: Any, shape: Any, typecode: Any) -> np.ndarray:
    if kind is not _Array:
        raise _refuse("an array of an unusual kind")
    return _Array((0,), np.uint8)


def _scalar(dtype: _DType, data: Any = b"") -> Any:
    data = data.encode("latin1") if isinstance(data, str) else data
    if not isinstance(dtype, _DType) or dtype.dtype.hasobject or len(data) != dtype.dtype.itemsize:
        raise _refuse("a number whose bytes do not fit its type")
    return np.frombuffer(data, dtype=dtype.dtype)[0]


def _from_buffer(buffer: Any, dtype: _DType, shape: Any, order: Any, axes: Any = None) -> np.ndarray:
    if not isinstance(dtype, _DType) or dtype.dtype.hasobject or order not in ("C", "F") or axes is not None:
        raise _refuse("an array of an unusual kind")
    return np.frombuffer(buffer, dtype=dtype.dtype).reshape(shape, order=order).copy(order=order)


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise _refuse(f"text in the unusual encoding {encoding!r}")
    return text.encode(encoding)


def _no_bytes(*contents: Any) -> bytes:
    # Old protocols write b"" as bytes(); bytes(10**12) would fill the memory.
    if contents:
        raise _refuse("bytes made from something else")
    return b""


_KNOWN: dict[tuple[str, str], Any] = {
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
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
}
