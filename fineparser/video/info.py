"""The facts about a clip."""

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FrameIndex:
    """What looking through a file found of its frames: with it the file is opened again at once."""

    stamps: tuple[float, ...] | None
    """Seconds of each frame as the decoder gives them, None where they are no times."""

    intra: tuple[int, ...]
    """Frames that need no other frame."""

    file_state: tuple[int, int]
    """Size and time of change of the file: another file has other frames."""


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a clip once it has been looked through.

    Sizes in pixels, times in seconds. Frame numbers are those of the source: a video file counts from 0, a
    folder keeps the numbers of its files.
    """

    path: Path
    """The file or folder."""

    kind: str
    """"mp4" (also MOV and M4V), "matroska" (also WebM), "avi", "gif" or "folder"."""

    frame_count: int
    """Frames that really decode."""

    fps: float
    """Frames a second, never rounded to a whole number; the mean where the rate varies."""

    width: int
    """Width of the picture as a person sees it: turned upright, with square pixels."""

    height: int
    """Height of the picture as a person sees it."""

    coded_width: int
    """Width as stored, before `rotation` and `pixel_aspect`."""

    coded_height: int
    """Height as stored."""

    rotation: int = 0
    """Degrees clockwise by which the stored picture is turned to be upright: 0, 90, 180 or 270."""

    pixel_aspect: float = 1.0
    """Width over height of a stored pixel; 1.0 is square."""

    timestamps: tuple[float, ...] | None = None
    """Seconds of each frame from the first one on, or None where the rate is constant."""

    first_number: int = 0
    """Number of the first frame."""

    missing_frames: int = 0
    """Frames that the file announces at its end but does not hold (a few are let pass)."""

    index: FrameIndex | None = field(default=None, repr=False, compare=False)
    """Of a video file that was looked through; see `reopen`."""

    @property
    def variable_frame_rate(self) -> bool:
        """Whether the time between frames varies, as phones and screen recorders make it."""
        return self.timestamps is not None

    @property
    def last_number(self) -> int:
        """Number of the last frame."""
        return self.first_number + self.frame_count - 1

    @property
    def frame_numbers(self) -> range:
        """The numbers of all frames, in order."""
        return range(self.first_number, self.first_number + self.frame_count)

    @property
    def duration(self) -> float:
        """Seconds from the first frame's start to the last frame's end."""
        return self.frame_count / self.fps

    def seconds(self, number: int) -> float:
        """When frame `number` is shown, seconds after the first frame. ValueError if there is no such frame."""
        if number not in self.frame_numbers:
            raise ValueError(
                f"Frame {number} does not exist: the frames are {self.first_number} to {self.last_number}."
            )
        index = number - self.first_number
        return index / self.fps if self.timestamps is None else self.timestamps[index]

    def number_at(self, seconds: float) -> int:
        """The frame that is on the screen `seconds` after the first one; before the clip its first frame,
        after it its last."""
        # A time worked out from a frame number must give that frame back, whatever the last digit.
        slack = 1e-6
        if self.timestamps is None:
            index = int((seconds + slack) * self.fps)
        else:
            index = bisect_right(self.timestamps, seconds + slack) - 1
        return self.first_number + min(max(index, 0), self.frame_count - 1)
