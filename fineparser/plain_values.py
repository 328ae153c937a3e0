"""Plain values from files that anyone may have written or damaged: JSON objects, typed fields, short quotations."""

import json
import math
from collections.abc import Iterable, Mapping, Sized
from dataclasses import MISSING, Field, fields
from numbers import Number
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

Plain = TypeVar("Plain")

MAX_EXCERPT = 80
"""Characters of a value that an error message quotes."""
MAX_JSON_BYTES = 64 * 2**20
"""Size of a JSON file above which it is not read."""
MAX_WHOLE_NUMBER = 2**53
"""Whole numbers up to here are exact in every reader of JSON."""
_DESCRIPTIONS = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "text",
    Path: "a path",
    dict: "an object",
    NoneType: "null",
}


def excerpt(value: object) -> str:
    """A value in at most `MAX_EXCERPT` characters; neither long nor nested values are expanded.

    >>> excerpt(("dive", 3)), excerpt([[1], [2]]), excerpt(10**100)
    ("('dive', 3)", 'a list of 2 items', 'a whole number of 333 bits')
    """
    if isinstance(value, str | bytes):
        text = repr(value[:MAX_EXCERPT])
    elif isinstance(value, int) and value.bit_length() > 128:
        text = f"a whole number of {value.bit_length()} bits"
    elif value is None or isinstance(value, Number):
        text = repr(value)
    elif isinstance(value, list | tuple) and len(value) <= 4 and all(_is_single(item) for item in value):
        text = ", ".join(map(excerpt, value))
        text = f"[{text}]" if isinstance(value, list) else f"({text})"
    elif isinstance(value, list | tuple | Mapping | set | frozenset):
        text = f"a {type(value).__name__} of {len(value)} items"
    else:
        text = f"a value of the type {type(value).__name__}"
    return text if len(text) <= MAX_EXCERPT else f"{text[: MAX_EXCERPT - 3]}..."


def _is_single(value: object) -> bool:
    return isinstance(value, str | bytes) or not isinstance(value, Sized)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        FileNotFoundError: without the file.
        ValueError: for contents that are no JSON object, or cannot be read; the reason, without the name of the file.
    """
    try:
        size = path.stat().st_size
        if size > MAX_JSON_BYTES:
            raise ValueError(f"it has {size / 2**20:.0f} MiB, and at most {MAX_JSON_BYTES / 2**20:.0f} are read")
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from error
    return parse_json(data)


def parse_json(text: str | bytes) -> dict[str, Any]:
    """The JSON object in a text; ValueError with the reason where it is none."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"it should be a JSON object, not {excerpt(value)}")
    return value


def from_plain(kind: type[Plain], values: object) -> Plain:
    """A dataclass with the values of a JSON object.

    Raises:
        ValueError: for another value than an object, unknown or missing names, and values of another type; with the
            name of the field.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"the values should be an object, not {excerpt(values)}")
    expected = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]  # any dataclass
    check_names(values, expected, kind.__name__)
    for name, item in expected.items():
        if name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise ValueError(f"{name} is missing")
    check_types(values, expected)
    return kind(**{name: _with_tuples(value) for name, value in values.items()})


def check_names(values: Mapping[str, Any], expected: Iterable[str], owner: str) -> None:
    """Refuse names that are none of the expected ones; ValueError with the first few of either."""
    if unknown := sorted(set(values) - set(expected)):
        listed = ", ".join(name[:MAX_EXCERPT] for name in unknown[:3])
        raise ValueError(f"unknown {listed}; {owner} has {', '.join(sorted(expected))}")


def check_types(values: Mapping[str, Any], expected: Mapping[str, Field]) -> None:
    """Refuse values that do not fit the types of their fields: ValueError with the name, the type and the value.

    Numbers have to be finite. A list stands for a tuple, text for a path.
    """
    for name, value in values.items():
        if not _fits(value, expected[name].type):
            raise ValueError(f"{name} should be {_describe(expected[name].type)}, not {excerpt(value)}")


def _fits(value: object, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        if arguments[-1] is Ellipsis:
            return all(_fits(item, arguments[0]) for item in value)
        return len(value) == len(arguments) and all(map(_fits, value, arguments))
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_WHOLE_NUMBER
    if hint is float:
        return _fits(value, int) or (isinstance(value, float) and math.isfinite(value))
    if hint is str:
        return isinstance(value, str) and _is_unicode(value)
    if hint is Path:
        return isinstance(value, Path) or (_fits(value, str) and "\0" not in str(value))
    return isinstance(value, hint)


def _is_unicode(text: str) -> bool:
    """False for text with half a surrogate pair, which JSON can write and no file or terminal takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _describe(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_describe, arguments))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"a list, each {_describe(arguments[0])}"
        return f"a list of {len(arguments)}, each {_describe(arguments[0])}"
    return _DESCRIPTIONS.get(hint, f"a {getattr(hint, '__name__', hint)}")


def _with_tuples(value: Any) -> Any:
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
