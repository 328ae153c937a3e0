"""The 96 frames of a clip as the network takes them, and where they come from."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.phases import CLIP_FRAMES
from fineparser.video.error import VideoError
from fineparser.video.framing import CLIP_SIDE, Framing
from fineparser.video.info import VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.sampling import sample_frames
from fineparser.video.source import FrameSource


@dataclass(frozen=True, eq=False)
class Clip:
    """A dive cut down to what the network sees."""

    frames: np.ndarray
    """uint8 RGB [3, 96, 112, 112], or larger."""

    frame_numbers: np.ndarray
    """int64 [96], numbers of the source frames, never decreasing; short dives repeat some."""

    framing: Framing
    """The part of the source picture that is shown; leads back to source pixels."""

    info: VideoInfo
    """The facts about the source."""

    @property
    def seconds(self) -> np.ndarray:
        """When the frames are shown, seconds after the source's first frame: float64 [96]."""
        return np.array([self.info.seconds(int(number)) for number in self.frame_numbers])


def check_stretch(info: VideoInfo, first: int, last: int) -> None:
    """VideoError unless frames `first` to `last` are in a source, and enough for a dive."""
    if not info.first_number <= first <= last <= info.last_number:
        raise VideoError(
            info.path,
            f"cannot be trimmed to frames {first} to {last}: it has frames {info.first_number} to "
            f"{info.last_number}, and the first must come before the last.",
        )
    if last - first + 1 < Limits.min_frames:
        raise VideoError(
            info.path,
            f"is trimmed to {last - first + 1} frames ({first} to {last}); a dive takes at least "
            f"{Limits.min_frames}. Trim less.",
        )


def read_clip(
    source: FrameSource,
    first: int | None = None,
    last: int | None = None,
    framing: Framing | None = None,
    side: int = CLIP_SIDE,
) -> Clip:
    """The clip from frame `first` to `last` of a source, both included (the whole source without them).

    `framing` is the published loader's centre crop unless given; a moving one has a box for each of the 96 frames.
    `side` is the pictures', in pixels.
    Frames are read one at a time, so memory does not grow with the source. VideoError when the stretch is not in
    the source or shorter than `Limits.min_frames`.
    """
    info = source.info
    first = info.first_number if first is None else first
    last = info.last_number if last is None else last
    check_stretch(info, first, last)
    framing = framing or Framing.centre(info.width, info.height)
    if framing.is_moving and len(framing.boxes) != CLIP_FRAMES:
        raise ValueError(
            f"A moving framing needs a box for each of the {CLIP_FRAMES} frames, not {len(framing.boxes)}."
        )
    numbers = sample_frames(first, last)
    frames = np.empty((3, CLIP_FRAMES, side, side), np.uint8)
    for index, number in enumerate(numbers.tolist()):
        # A source holds its last frame, so one that repeats is decoded once.
        frames[:, index] = framing.crop(source.frame(number), index, side).transpose(2, 0, 1)
    return Clip(frames=frames, frame_numbers=numbers, framing=framing, info=info)
