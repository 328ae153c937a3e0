"""A dataclass's fields as arguments of a command, and back."""

import argparse
import ast
import inspect
from dataclasses import MISSING, fields
from itertools import pairwise
from types import NoneType
from typing import get_args, get_origin, get_type_hints


def add_options(grammar: argparse.ArgumentParser, kind: type, **defaults: object) -> None:
    """One argument a field of a dataclass, with the text below the field as its help; `defaults` overrule its own."""
    texts = field_texts(kind)
    hints = get_type_hints(kind)
    for field in fields(kind):
        value = next((one for one in get_args(hints[field.name]) if one is not NoneType), hints[field.name])
        default = defaults.get(field.name, field.default)
        settings: dict = {"help": texts[field.name].replace("%", "%%")}
        settings |= {"required": True} if default is MISSING else {"default": default}
        if value is bool:
            settings["action"] = argparse.BooleanOptionalAction
        elif get_origin(hints[field.name]) is tuple:
            settings |= {"nargs": "+", "type": value}
        elif get_origin(value) is tuple:
            settings |= {"nargs": len(get_args(value)), "type": get_args(value)[0]}
        else:
            settings["type"] = value
        grammar.add_argument(f"--{field.name.replace('_', '-')}", **settings)


def field_texts(kind: type) -> dict[str, str]:
    """The string below each field of a dataclass, on one line."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(kind))).body[0].body
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def from_arguments(kind: type, options: argparse.Namespace) -> object:
    """The dataclass that the arguments of `add_options` fill in."""
    given = {field.name: getattr(options, field.name) for field in fields(kind)}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
