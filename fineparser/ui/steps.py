"""Long work beside the page: its steps come out one by one, and it ends at its next step when nobody wants it."""

import contextvars
import importlib.util
import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

LOOK_SECONDS = 0.2
"""How often somebody is asked whether the work is still wanted."""


class Stopped(Exception):
    """Raised inside the work, at its next step, once nobody waits for it any more."""


@dataclass(frozen=True)
class Step:
    """What is being done."""

    name: str
    done: float
    """Share of the work that lies behind, 0 to 1."""


@dataclass(frozen=True)
class Outcome:
    """What the work returned; always the last thing that comes out."""

    value: Any


class Workbench:
    """One piece of work at a time, however many ask: a stopped one must have left before the next begins."""

    def __init__(self) -> None:
        self._free = threading.Lock()

    def steps(self, work: Callable[[Callable[[str, float], None]], Any]) -> Iterator[Step | Outcome | None]:
        """Does `work(progress)` in a thread; yields each step, None while nothing is new, and the outcome last.

        Closing the iterator makes the next call of `progress` raise `Stopped` in the work. What the work raises is
        raised here.
        """
        told: queue.SimpleQueue = queue.SimpleQueue()
        unwanted = threading.Event()

        def progress(name: str, done: float) -> None:
            if unwanted.is_set():
                raise Stopped
            told.put(Step(name, done))

        def labour() -> None:
            try:
                with self._free:
                    progress("Starting", 0.0)
                    told.put(Outcome(work(progress)))
            except BaseException as error:
                told.put(error)

        # The context tells libraries whose request this is; a ZeroGPU Space needs it.
        thread = threading.Thread(target=contextvars.copy_context().run, args=(labour,), daemon=True)
        thread.start()
        try:
            while True:
                try:
                    news = told.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(news, BaseException):
                    raise news
                yield news
                if isinstance(news, Outcome):
                    return
        finally:
            unwanted.set()


def on_zero_gpu() -> bool:
    """Whether this is a Space that lends its GPU by the call."""
    return bool(os.environ.get("SPACES_ZERO_GPU")) and importlib.util.find_spec("spaces") is not None


def with_gpu(function: Callable, seconds: int = 60) -> Callable:
    """The function as a ZeroGPU Space wants it; elsewhere the function itself."""
    if not on_zero_gpu():
        return function
    import spaces

    return spaces.GPU(duration=seconds)(function)
