"""Interface of everything that frames are read from, and prefetching in a thread."""

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from fineparser.video.info import VideoError, VideoInfo

Item = TypeVar("Item")

PREFETCH_DEPTH = 4
"""Frames in the queue: enough to even out slow ones, little enough memory for the largest frames."""

POLL_SECONDS = 0.1
"""Interval at which the prefetching thread checks that its items are still needed."""


class FrameSource(ABC):
    """Frames by number, from a video file or a folder of images.

    A context manager that holds at most one decoded frame of its own, however long the clip:

        with open_source("dive.mp4") as source:
            first, last = source.read([0, source.info.last_number])  # uint8 RGB [2, H, W, 3]

    Frames are RGB as displayed (upright, square pixels), numbered as in `info.frame_numbers`. One
    thread at a time may use a source.
    """

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        self._last: tuple[int, np.ndarray] | None = None
        self._closed = False

    @property
    def info(self) -> VideoInfo:
        """Facts about the clip."""
        return self._info

    @property
    def frame_numbers(self) -> range:
        """Numbers of all frames, in order."""
        return self._info.frame_numbers

    def seconds(self, number: int) -> float:
        """Presentation time of frame `number`, seconds after the first frame. ValueError if there is no such frame."""
        return self._info.seconds(number)

    def frame(self, number: int) -> np.ndarray:
        """Frame `number`, uint8 RGB [H, W, 3]. VideoError if it does not exist or cannot be decoded.

        Going forward costs one decoded frame each; going back may decode from an earlier place again.
        """
        if self._closed:
            raise VideoError(self._info.path, "was closed before this frame was read. Open it again.")
        if number not in self.frame_numbers:
            raise VideoError(
                self._info.path,
                f"has no frame {number}; its frames are {self._info.first_number} to {self._info.last_number}.",
            )
        if self._last is None or self._last[0] != number:
            frame = self._decode(int(number))
            if frame.shape != (self._info.height, self._info.width, 3):
                raise VideoError(
                    self._info.path,
                    f"changes its frame size to {frame.shape[1]}x{frame.shape[0]} at frame {number} "
                    f"(before: {self._info.width}x{self._info.height}). Export it at one size.",
                )
            frame.setflags(write=False)  # the same array may be returned again
            self._last = (int(number), frame)
        return self._last[1]

    def read(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """Read the frames `numbers` [n], in that order (any order, repeats allowed), uint8 RGB [n, H, W, 3]."""
        requested = np.asarray(numbers)
        if requested.ndim != 1 or (requested.size and not np.issubdtype(requested.dtype, np.integer)):
            raise ValueError(f"Frame numbers must be a list of integers, not {numbers!r}.")
        frames = np.empty((len(requested), self._info.height, self._info.width, 3), np.uint8)
        for number in np.unique(requested):  # each is decoded once, in the order of the file
            frames[requested == number] = self.frame(int(number))
        return frames

    def stream(self, start: int | None = None, stop: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Number and frame (uint8 RGB [H, W, 3], read-only) of every frame from `start` up to, not including,
        `stop`; all frames without them. Holds one frame at a time."""
        numbers = self.frame_numbers
        for number in range(numbers.start if start is None else start, numbers.stop if stop is None else stop):
            yield number, self.frame(number)

    def close(self) -> None:
        """Close the file. Closing twice does no harm."""
        self._closed = True
        self._last = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _decode(self, number: int) -> np.ndarray:
        """Frame `number`, which exists, freshly decoded as uint8 RGB [H, W, 3]."""


def prefetch(items: Iterator[Item], depth: int = PREFETCH_DEPTH) -> Generator[Item, None, None]:
    """Yield the same items in the same order, read ahead in a thread.

    An exception of the reading is raised here, in its turn. Nothing else may read from the same source meanwhile, nor
    close it: close this iterator first (`contextlib.closing`), which waits for the thread.

    Args:
        items: frames, or anything else that is slow to read.
        depth: most items that wait in the queue.
    """
    ready: queue.Queue[tuple[Item] | BaseException | None] = queue.Queue(depth)
    closed = threading.Event()

    def put(entry: tuple[Item] | BaseException | None) -> bool:
        while not closed.is_set():
            try:
                ready.put(entry, timeout=POLL_SECONDS)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for item in items:
                if not put((item,)):
                    return
            put(None)
        except BaseException as error:  # raised where the items are used
            put(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while (entry := ready.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry[0]
    finally:
        closed.set()
        thread.join()
