"""Command-line arguments from the fields of a dataclass, and the dataclass from the arguments."""

import argparse
import ast
import inspect
import sys
from dataclasses import MISSING, fields, is_dataclass
from itertools import pairwise
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from fineparser.model.precision import PRECISIONS

Options = TypeVar("Options")


def add_options(grammar: argparse._ActionsContainer, kind: type, **defaults: object) -> None:
    """Add one argument for each field of a dataclass, with the field's docstring as its help.

    The fields of a nested dataclass become a group of arguments, with its docstring as the title.

    Args:
        grammar: parser or group.
        kind: the dataclass.
        defaults: defaults that override those of the dataclass.
    """
    texts = field_docstrings(kind)
    types = get_type_hints(kind)
    for field in fields(kind):
        field_type = types[field.name]
        if is_dataclass(field_type):
            title = inspect.getdoc(field_type) or field.name
            add_options(grammar.add_argument_group(title), types[field.name], **defaults)
            continue
        value = next((part for part in get_args(field_type) if part is not NoneType), field_type)
        default = defaults.get(field.name, field.default)
        settings: dict[str, Any] = {"help": texts[field.name].replace("%", "%%")}
        settings |= {"required": True} if default is MISSING else {"default": default}
        if value is bool:
            settings["action"] = argparse.BooleanOptionalAction
        elif get_origin(field_type) is tuple:
            settings |= {"nargs": "+", "type": value}
        elif get_origin(value) is tuple:
            settings |= {"nargs": len(get_args(value)), "type": get_args(value)[0]}
        else:
            settings["type"] = value
        grammar.add_argument(f"--{field.name.replace('_', '-')}", **settings)


def field_docstrings(kind: type) -> dict[str, str]:
    """The string below each field of a dataclass, on one line."""
    definition = ast.parse(inspect.cleandoc(inspect.getsource(kind))).body[0]
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def from_arguments(kind: type[Options], options: argparse.Namespace) -> Options:
    """The dataclass from the arguments that `add_options` added."""
    types = get_type_hints(kind)
    values = {
        field.name: from_arguments(types[field.name], options)
        if is_dataclass(types[field.name])
        else getattr(options, field.name)
        for field in fields(kind)  # type: ignore[arg-type]  # a dataclass, which type[Options] cannot say
    }
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def add_network_options(grammar: argparse.ArgumentParser) -> None:
    """Add the arguments that say where, and how exactly, a network runs."""
    grammar.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: cpu)")
    grammar.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="precision of the network; auto: bf16 where it is fast (default: float32)",
    )


def print_progress(stage: str, done: float) -> None:
    """Print a stage of a long operation and the share of the work before it, on stderr."""
    print(f"{done:4.0%}  {stage}", file=sys.stderr)
