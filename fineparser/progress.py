"""Progress of a long operation, reported to whoever shows it."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of a stage and the share of the work that is done before it, 0 to 1."""


def no_progress(stage: str, done: float) -> None:
    """Ignore the progress."""
