"""Facts about a clip, and the error of one that cannot be read or written."""

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


class VideoError(ValueError):
    """Error of a clip that cannot be read or written; the message names the file, the reason and the remedy.

    `path` is the file or folder, `reason` a sentence or two that reads on after its name.

    >>> print(VideoError("dive.mp4", "is empty (0 bytes). Record or copy it again."))
    dive.mp4: is empty (0 bytes). Record or copy it again.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = Path(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """Index of the frames of a file from a scan of it; with the index the file is reopened without another scan."""

    stamps: np.ndarray | None
    """int64 [n], presentation time of each frame in the file's unit; None where they do not rise throughout."""

    checksums: np.ndarray
    """uint32 [n], checksum of each frame as decoded."""

    keys: tuple[int, ...]
    """Frames from which decoding may start; none where `stamps` is None, and none
    near damaged frames."""

    seek_stamps: tuple[int, ...]
    """Time to which the file is moved for each of `keys`, in its unit."""

    start_seconds: float
    """Time of the first frame on the file's clock, 0 where it is unknown."""

    is_interlaced: bool
    """True if there are interlaced frames."""

    is_damaged: bool
    """True if there are damaged frames, which are decoded by one thread."""

    file_state: tuple[int, int]
    """Size and time of change of the file: another file has other frames."""


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a clip, from a scan of it.

    Sizes in pixels, times in seconds. Frame numbers are those of the source: a video file counts from 0, a
    folder keeps the numbers of its files.
    """

    path: Path
    """File or folder."""

    kind: str
    """Container of a file, as `Container.kind` names it, or "folder"."""

    frame_count: int
    """Frames that really decode."""

    fps: float
    """Frames a second, never rounded to a whole number; the mean where the rate varies."""

    width: int
    """Width of a frame as displayed: upright, with square pixels."""

    height: int
    """Height of a frame as displayed."""

    coded_width: int
    """Width as stored, before `pixel_aspect`, `mirrored` and `rotation`."""

    coded_height: int
    """Height as stored."""

    rotation: int = 0
    """Degrees clockwise by which a stored frame is turned to be upright: 0, 90, 180 or 270."""

    mirrored: bool = False
    """True if a stored frame is mirrored left to right before it is turned."""

    pixel_aspect: float = 1.0
    """Width over height of a stored pixel; 1.0 is square."""

    timestamps: tuple[float, ...] | None = None
    """Seconds of each frame from the first one on, or None where the rate is constant."""

    capture_times: tuple[float, ...] | None = None
    """Real time of each frame, seconds from the first one, where slow motion was recognised."""

    first_number: int = 0
    """Number of the first frame."""

    missing_frames: int = 0
    """Frames that the file announces at its end but does not hold (a few are tolerated)."""

    index: FrameIndex | None = field(default=None, repr=False, compare=False)
    """Frame index of a video file, see `reopen`."""

    @property
    def variable_frame_rate(self) -> bool:
        """True if the time between frames varies, as phones and screen recorders make it."""
        return self.timestamps is not None

    @property
    def last_number(self) -> int:
        """Number of the last frame."""
        return self.first_number + self.frame_count - 1

    @property
    def frame_numbers(self) -> range:
        """Numbers of all frames, in order."""
        return range(self.first_number, self.first_number + self.frame_count)

    @property
    def duration(self) -> float:
        """Seconds from the first frame's start to the last frame's end."""
        return self.frame_count / self.fps

    def seconds(self, number: int) -> float:
        """Presentation time of frame `number`, seconds after the first frame. ValueError if there is no such frame."""
        if number not in self.frame_numbers:
            raise ValueError(
                f"Frame {number} does not exist: the frames are {self.first_number} to {self.last_number}."
            )
        index = number - self.first_number
        return index / self.fps if self.timestamps is None else self.timestamps[index]

    def capture_seconds(self, number: int) -> float:
        """Real time of frame `number`, seconds after the first frame: `seconds`, unless the clip is a phone's slow
        motion that was recognised (`fineparser.video.timing.measure_capture`)."""
        seconds = self.seconds(number)
        return seconds if self.capture_times is None else self.capture_times[number - self.first_number]

    def number_at(self, seconds: float) -> int:
        """Number of the frame on the screen `seconds` after the first one; the first frame before the clip, the last
        one after it."""
        # A time computed from a frame number must give that frame back despite rounding.
        slack = 1e-6
        if self.timestamps is None:
            index = int((seconds + slack) * self.fps)
        else:
            index = bisect_right(self.timestamps, seconds + slack) - 1
        return self.first_number + min(max(index, 0), self.frame_count - 1)
