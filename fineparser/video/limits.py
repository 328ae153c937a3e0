"""Limits on the length, frame size and frame count of a clip."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fineparser.video.info import VideoError

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".avi", ".webm", ".mkv", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg"),
    *(".vob", ".wmv", ".asf", ".flv", ".ogv", ".mxf", ".gif"),
)
"""Endings by which videos are found in a folder or an archive; a file given by name may have any."""

PROBE_FACTOR = 4.0
"""Seconds on the clock for the scan of each second of a clip: 4K recordings take longer than they last on two cores."""

PROBE_BYTES = 20_000
"""Bytes of a file for each further second of its scan: recordings have more in a second of video."""


@dataclass(frozen=True)
class Limits:
    """Bounds of a clip; `probe` and `open_source` reject clips outside them.

    Visitors upload arbitrary files, so the bounds are checked during the scan of a file, not after it: a file that
    holds more than its header announces is stopped on the way.
    """

    max_seconds: float = 3600.0
    """Longest clip, seconds: a training session."""

    max_frames: int = 432_000
    """Most frames (an hour at 120 a second)."""

    max_pixels: int = 9_000_000
    """Largest frame, width times height as displayed and as coded (4K cinema has 8.8 million)."""

    min_frames: int = 8
    """Fewest frames that can hold a dive."""

    min_side: int = 16
    """Smallest width or height, pixels."""

    max_probe_seconds: float = 15.0
    """Longest time for the scan of a short clip, seconds on the clock; a long one may take longer, see `stopwatch`."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"Limits.{name} must be above 0, not {value!r}.")
        if self.min_frames > self.max_frames:
            raise ValueError(f"Limits.min_frames ({self.min_frames}) must not exceed max_frames ({self.max_frames}).")

    def check_size(self, path: Path, width: int, height: int) -> None:
        """Raise VideoError unless a frame of `width` x `height` pixels is allowed."""
        if width * height > self.max_pixels:
            raise VideoError(
                path,
                f"has frames of {width}x{height} pixels, more than the limit of {self.max_pixels:,} pixels. "
                "Scale it down, to 1920x1080 say.",
            )
        if min(width, height) < self.min_side:
            raise VideoError(
                path,
                f"has frames of {width}x{height} pixels, too small for a diver to be visible "
                f"(at least {self.min_side} pixels a side).",
            )

    def check_length(self, path: Path, frames: int, seconds: float) -> None:
        """Raise VideoError when `frames` or `seconds` is more than allowed."""
        if frames > self.max_frames:
            raise VideoError(
                path, f"has {frames:,} frames or more; the limit is {self.max_frames:,}. Cut out the dive."
            )
        if seconds > self.max_seconds:
            raise VideoError(
                path,
                f"is {seconds:.1f} s long or longer; the limit is {self.max_seconds:g} s. Cut out the dive.",
            )

    def check_enough(self, path: Path, frames: int) -> None:
        """Raise VideoError when `frames` are too few."""
        if frames == 0:
            raise VideoError(path, "has no frames: no frame in it can be decoded. Export it again.")
        if frames < self.min_frames:
            count = "1 frame" if frames == 1 else f"{frames} frames"
            raise VideoError(path, f"has only {count}; a dive takes at least {self.min_frames}. Give a longer clip.")

    def stopwatch(self, path: Path) -> Callable[[float], None]:
        """Start the clock for the scan of the file or folder `path`.

        The function returned takes the duration scanned so far, seconds, and raises VideoError when the scan takes too
        long: longer than `max_probe_seconds` and `PROBE_FACTOR` times that duration, but no more than the size of the
        file allows, since a small file may announce any duration.
        """
        start = time.monotonic()
        most = path.stat().st_size / PROBE_BYTES

        def check(seconds: float) -> None:
            allowed = self.max_probe_seconds + min(PROBE_FACTOR * seconds, most)
            if time.monotonic() - start > allowed:
                raise VideoError(
                    path,
                    f"takes more than {allowed:.3g} s to scan. Cut out the dive, or convert it to H.264 in MP4.",
                )

        return check
