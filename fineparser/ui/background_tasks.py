"""Long work in a thread beside the page: it reports its progress, and is cancelled when its visitor leaves."""

import contextvars
import ctypes
import functools
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from fineparser.progress import Progress

POLL_SECONDS = 0.2
"""Interval at which Gradio gets the chance to cancel the task."""

Value = TypeVar("Value")


class TaskCancelled(Exception):
    """Raised inside the work, at its next report of progress, once nobody waits for it."""


@dataclass(frozen=True)
class TaskProgress:
    """A report of progress."""

    stage: str
    done: float
    """Share of the work that is done, 0 to 1."""


@dataclass(frozen=True)
class TaskResult(Generic[Value]):
    """The value that the work returned; the last event of a task."""

    value: Value


TaskEvent = TaskProgress | TaskResult[Value] | None
"""Progress, the result, or None while there is nothing new."""


class TaskRunner:
    """Runs one task at a time; a cancelled task has ended before the next one begins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def run(self, work: Callable[[Progress], Value]) -> Iterator[TaskEvent[Value]]:
        """Run `work(progress)` in a thread; yield its progress, None while there is nothing new, and its result last.

        Closing the iterator makes the next call of `progress` raise `TaskCancelled` in the work. An exception in the
        work is raised here.
        """
        events: queue.SimpleQueue[TaskProgress | TaskResult[Value] | BaseException] = queue.SimpleQueue()
        cancelled = threading.Event()

        def progress(stage: str, done: float) -> None:
            if cancelled.is_set():
                raise TaskCancelled
            events.put(TaskProgress(stage, done))

        def target() -> None:
            try:
                with self._lock:
                    progress("Starting", 0.0)
                    result = TaskResult(work(progress))
            except BaseException as error:
                release_memory()
                events.put(error)
            else:
                release_memory()
                events.put(result)

        # Libraries read from the context whose request this is; a ZeroGPU Space needs it.
        thread = threading.Thread(target=contextvars.copy_context().run, args=(target,), daemon=True)
        thread.start()
        try:
            while True:
                try:
                    event = events.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(event, BaseException):
                    raise event
                yield event
                if isinstance(event, TaskResult):
                    return
        finally:
            cancelled.set()


def release_memory() -> None:
    """Return freed memory to the operating system; glibc keeps it for each thread that has worked, and it adds up."""
    if trim := _malloc_trim():
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    """glibc's function of this name; None with another C library."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
