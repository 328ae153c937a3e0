"""Decoding beside the work on what was decoded."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")
AHEAD = 4
"""Frames that wait: enough to even out slow ones, little enough memory for the largest pictures."""
LOOK_SECONDS = 0.1
"""How often the reader looks whether anybody still wants what it reads."""


def read_ahead(items: Iterator[Item], most: int = AHEAD) -> Iterator[Item]:
    """The same items in the same order, read in a thread of its own while the last one is worked on.

    At most `most` of them wait. What reading raises is raised here, in its turn. Nobody else may read from the same
    source meanwhile, nor close it: close this iterator first (`contextlib.closing`), which waits for the thread.
    """
    ready: queue.Queue = queue.Queue(most)
    unwanted = threading.Event()

    def hand_over(thing: object) -> bool:
        while not unwanted.is_set():
            try:
                ready.put(thing, timeout=LOOK_SECONDS)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for item in items:
                if not hand_over((item,)):
                    return
            hand_over(None)
        except BaseException as error:  # raised where the items are wanted
            hand_over(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while (thing := ready.get()) is not None:
            if isinstance(thing, BaseException):
                raise thing
            yield thing[0]
    finally:
        unwanted.set()
        reader.join()
