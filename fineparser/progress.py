"""Progress of a long operation, reported to whoever shows it.

An operation takes a `Progress` and calls it before each of its stages. An operation that consists of others gives each
of them `progress_between`, so that the shares of all stages rise from 0 to 1.
"""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of a stage and the share of the work that is done before it, 0 to 1."""


def no_progress(stage: str, done: float) -> None:
    """Ignore the progress."""


def progress_between(progress: Progress, start: float, end: float) -> Progress:
    """Progress of a part of an operation.

    Args:
        progress: of the whole operation.
        start, end: shares of the whole at which the part begins and ends.

    >>> shares = []
    >>> part = progress_between(lambda stage, done: shares.append(done), 0.5, 0.75)
    >>> part("Reading", 0.0), part("Writing", 1.0)
    (None, None)
    >>> shares
    [0.5, 0.75]
    """

    def report(stage: str, done: float) -> None:
        progress(stage, start + (end - start) * done)

    return report
