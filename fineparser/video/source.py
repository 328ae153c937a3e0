"""The one interface over everything that frames come from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from fineparser.video.error import VideoError
from fineparser.video.info import VideoInfo


class FrameSource(ABC):
    """Frames by number, from a video file or a folder of pictures.

    A context manager that holds at most one decoded frame of its own, however long the clip:

        with open_source("dive.mp4") as source:
            first, last = source.read([0, source.info.last_number])  # uint8 RGB [2, H, W, 3]

    Frames are RGB as a person sees them (upright, square pixels), numbered as in `info.frame_numbers`. One
    thread at a time may use a source.
    """

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        self._held: tuple[int, np.ndarray] | None = None
        self._closed = False

    @property
    def info(self) -> VideoInfo:
        """The facts about the clip."""
        return self._info

    @property
    def frame_numbers(self) -> range:
        """The numbers of all frames, in order."""
        return self._info.frame_numbers

    def seconds(self, number: int) -> float:
        """When frame `number` is shown, seconds after the first frame. ValueError if there is no such frame."""
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
        if self._held is None or self._held[0] != number:
            picture = self._decode(int(number))
            if picture.shape != (self._info.height, self._info.width, 3):
                raise VideoError(
                    self._info.path,
                    f"changes its picture size to {picture.shape[1]}x{picture.shape[0]} at frame {number} "
                    f"(before: {self._info.width}x{self._info.height}). Export it at one size.",
                )
            picture.setflags(write=False)  # it may be handed out again
            self._held = (int(number), picture)
        return self._held[1]

    def read(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """The frames `numbers` [n], in that order (any order, repeats allowed), uint8 RGB [n, H, W, 3]."""
        wanted = np.asarray(numbers)
        if wanted.ndim != 1 or (wanted.size and not np.issubdtype(wanted.dtype, np.integer)):
            raise ValueError(f"Frame numbers must be a list of integers, not {numbers!r}.")
        frames = np.empty((len(wanted), self._info.height, self._info.width, 3), np.uint8)
        for number in np.unique(wanted):  # each is decoded once, in the order of the file
            frames[wanted == number] = self.frame(int(number))
        return frames

    def stream(self, start: int | None = None, stop: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Number and frame (uint8 RGB [H, W, 3], read-only) of every frame from `start` up to, not including,
        `stop`; all frames without them. Holds one frame at a time."""
        numbers = self.frame_numbers
        for number in range(numbers.start if start is None else start, numbers.stop if stop is None else stop):
            yield number, self.frame(number)

    def close(self) -> None:
        """Let go of the file. Closing twice does no harm."""
        self._closed = True
        self._held = None

    def __enter__(self) -> "FrameSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _decode(self, number: int) -> np.ndarray:
        """Frame `number`, which exists, freshly decoded as uint8 RGB [H, W, 3]."""
