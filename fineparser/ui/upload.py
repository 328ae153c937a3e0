"""A clip that a visitor handed over: looked through at once, thrown away at once when it is none."""

from html import escape
from pathlib import Path

from fineparser.analysis.survey import Survey
from fineparser.video.error import VideoError
from fineparser.video.reading import open_source


def look_through(path: str | Path) -> Survey:
    """Looks through a file; one that cannot be used is deleted, VideoError says why."""
    try:
        with open_source(path) as source:
            return Survey.of(source)
    except VideoError:
        Path(path).unlink(missing_ok=True)
        raise


def plain_sentence(error: Exception) -> str:
    """What an error says, with the name of a visitor's file rather than its place on this machine."""
    if isinstance(error, VideoError):
        return f"{error.path.name} {error.reason}"
    return str(error)


def problem(sentence: str) -> str:
    """A sentence about what went wrong, as HTML that screen readers read out."""
    return f'<div class="fp-note problem" role="alert">{escape(sentence)}</div>'


def facts(clip: Survey) -> str:
    """The clip in a line, and what is the matter with it, as HTML."""
    info = clip.info
    rate = f"{info.fps:.2f}".rstrip("0").rstrip(".")
    lines = [
        f'<div class="fp-note">{info.width} x {info.height}, {info.frame_count} frames, {info.duration:.2f} s, '
        f"{rate} frames a second</div>"
    ]
    if info.variable_frame_rate:
        lines.append('<div class="fp-note warning">The frame rate varies; times are the clip\'s own.</div>')
    return "".join(lines)
