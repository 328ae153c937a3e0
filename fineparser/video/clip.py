"""Clips: 96 frames of a clip, sampled and cropped from a source for the network."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.clip_geometry import CLIP_FRAMES, CLIP_SIDE, sample_frames
from fineparser.video.framing import Framing
from fineparser.video.info import VideoError, VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.source import FrameSource


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames of a dive, sampled in time and cropped in space, with their origin."""

    frames: np.ndarray
    """uint8 RGB [3, 96, 112, 112], or larger."""

    frame_numbers: np.ndarray
    """int64 [96], numbers of the source frames, never decreasing; short dives repeat some."""

    framing: Framing
    """Boxes of the source frames; converts positions back to source pixels."""

    info: VideoInfo
    """Facts about the source."""

    @property
    def seconds(self) -> np.ndarray:
        """Presentation times of the frames, seconds after the source's first frame: float64 [96]."""
        return np.array([self.info.seconds(int(number)) for number in self.frame_numbers])


def check_range(info: VideoInfo, first: int, last: int) -> None:
    """Raise VideoError unless frames `first` to `last` are in a source, and enough for a dive."""
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
    """Read a clip from a source.

    Frames are read one at a time, so memory does not grow with the source.

    Args:
        source: opened video or folder.
        first: first frame, by default that of the source.
        last: last frame, which belongs to the clip, by default that of the source.
        framing: crop, by default the published loader's centre crop; a moving one has a box for each of the 96 frames.
        side: side of the clip's frames, pixels.

    Raises:
        VideoError: when the range is not in the source or shorter than `Limits.min_frames`.
    """
    info = source.info
    first = info.first_number if first is None else first
    last = info.last_number if last is None else last
    check_range(info, first, last)
    framing = framing or Framing.centre_crop(info.width, info.height)
    if framing.is_moving and len(framing.boxes) != CLIP_FRAMES:
        raise ValueError(
            f"A moving framing needs a box for each of the {CLIP_FRAMES} frames, not {len(framing.boxes)}."
        )
    numbers = sample_frames(first, last)
    frames = np.empty((3, CLIP_FRAMES, side, side), np.uint8)
    for index, number in enumerate(numbers.tolist()):
        # A source caches its last frame, so a repeated one is decoded once.
        frames[:, index] = framing.crop(source.frame(number), index, side).transpose(2, 0, 1)
    return Clip(frames=frames, frame_numbers=numbers, framing=framing, info=info)
