"""Pieces that several tabs share: status lines, notes, warnings and progress as HTML; components by name."""

from dataclasses import fields, is_dataclass
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

import gradio as gr
from gradio.blocks import Block

from fineparser.plain_values import MAX_EXCERPT
from fineparser.ui.background_tasks import TaskProgress
from fineparser.video.info import VideoError


def progress_html(stage: str, done: float, digits: int = 2) -> str:
    """The name of a stage with a bar for the share that is done."""
    return (
        f'<div class="fp-step" role="status"><span>{escape(stage)}</span>'
        f'<progress max="1" value="{done:.{digits}f}"></progress></div>'
    )


def progress_update(event: TaskProgress | None) -> object:
    """Update of a status line by an event of a task; without news the line stays as it is."""
    return gr.skip() if event is None else progress_html(event.stage, event.done)


def note_html(text: str) -> str:
    """A line of text."""
    return f'<div class="fp-note" role="status">{escape(text)}</div>'


def warning_html(text: str) -> str:
    """A line of text that asks for attention."""
    return f'<div class="fp-note warning">{escape(text)}</div>'


def error_html(text: str) -> str:
    """An error message that screen readers read out."""
    return f'<div class="fp-note problem" role="alert">{escape(text)}</div>'


def error_text(error: Exception) -> str:
    """The message of an error, with the name of a visitor's file instead of its path on this machine."""
    if isinstance(error, VideoError):
        return f"{error.path.name[:MAX_EXCERPT]} {error.reason}"
    return str(error)


if TYPE_CHECKING:
    from _typeshed import DataclassInstance

EventValues = dict[Block, Any]
"""Values by component, as an event passes them to its handler."""

Updates = dict[Block, Any]
"""New values, or changed properties, by component, as a handler returns them."""


Values = TypeVar("Values", bound="DataclassInstance")


def value_components(values: "type[DataclassInstance]", panel: "DataclassInstance") -> set[Block]:
    """Components of a panel that have the names of the fields of `values`: the inputs of an event."""
    return {getattr(panel, field.name) for field in fields(values)}


def read_values(values: type[Values], panel: "DataclassInstance", event: EventValues) -> Values:
    """Make a dataclass of values out of an event, each from the component of the same name."""
    return values(**{field.name: event[getattr(panel, field.name)] for field in fields(values)})


def all_components(panel: "DataclassInstance") -> list[Block]:
    """Every component of a panel: the outputs of an event that may change all of them.

    Tuples, dicts and panels within the panel count with the components that they hold.
    """
    blocks: list[Block] = []
    for field in fields(panel):
        blocks += _blocks(getattr(panel, field.name))
    return blocks


def _blocks(value: object) -> list[Block]:
    if isinstance(value, Block):
        return [value]
    if is_dataclass(value) and not isinstance(value, type):
        return all_components(value)
    if isinstance(value, dict):
        return [block for one in value.values() for block in _blocks(one)]
    if isinstance(value, tuple):
        return [block for one in value for block in _blocks(one)]
    return []
