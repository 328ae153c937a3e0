"""What a line under a button says: how far the work is, or a sentence about it."""

from html import escape

import gradio as gr

from fineparser.ui.steps import Step


def told(news: Step | None) -> object:
    """A step for the status line; nothing new leaves it as it is."""
    return gr.skip() if news is None else progress_bar(news.name, news.done)


def progress_bar(step: str, done: float) -> str:
    """The name of a step with how much of the work is done, as HTML."""
    return (
        f'<div class="fp-step" role="status"><span>{escape(step)}</span>'
        f'<progress max="1" value="{done:.2f}"></progress></div>'
    )


def warning(text: str) -> str:
    """A line of text to think about, as HTML."""
    return f'<div class="fp-note warning">{escape(text)}</div>'


def note(text: str) -> str:
    """A line of text as HTML."""
    return f'<div class="fp-note" role="status">{escape(text)}</div>'
