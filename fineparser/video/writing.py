"""Frames to a video that browsers play: H.264 in an MP4 file."""

import math
import secrets
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from fineparser.video.error import VideoError

WRITTEN_SUFFIXES = (".mp4", ".m4v")
"""Endings of the files that are written."""

FINEST_RATE = 1001 * 1000
"""Largest denominator of a frame rate, enough for 30000/1001 and for rates measured from time stamps."""


class VideoSink:
    """Takes frames one by one and writes them as H.264 (libx264, yuv420p, BT.709, index in front).

        with VideoSink("overlay.mp4", fps=info.fps, width=info.width, height=info.height) as sink:
            for number, frame in source.stream():
                sink.write(frame)

    The video is written beside its target under another name and takes its place when the block ends well; after
    an exception nothing is left behind, and a file that was there before is untouched. H.264 needs even sides: an
    odd one is made even by repeating the last column or row, never by cutting one off.

    `keyframe_every` n lets a player step exactly: every n-th frame is a keyframe (1: all of them), None
    leaves it to the encoder. `quality` is x264's constant rate factor, 0 lossless to 51 worst.
    VideoError when the target cannot be written or the encoder is missing or fails.
    """

    def __init__(
        self,
        path: str | Path,
        fps: float,
        width: int,
        height: int,
        *,
        keyframe_every: int | None = None,
        quality: int = 18,
    ) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() not in WRITTEN_SUFFIXES:
            raise VideoError(self._path, f"is no name for an H.264 video. Use one of {', '.join(WRITTEN_SUFFIXES)}.")
        if not (math.isfinite(fps) and 0 < fps <= 1000):
            raise ValueError(f"The frame rate must be above 0 and at most 1000, not {fps!r}.")
        if width < 1 or height < 1:
            raise ValueError(f"The picture must have at least one pixel, not {width}x{height}.")
        if keyframe_every is not None and keyframe_every < 1:
            raise ValueError(f"keyframe_every must be 1 or more, not {keyframe_every}.")
        if not 0 <= quality <= 51:
            raise ValueError(f"quality must lie between 0 and 51, not {quality}.")
        self._fps = float(fps)
        self._width, self._height = width, height
        self._keyframe_every = keyframe_every
        self._quality = quality
        self._unfinished = self._path.with_name(f".{self._path.stem}-{secrets.token_hex(6)}.part.mp4")
        self._encoder: subprocess.Popen | None = None
        self._complaints: IO[bytes] | None = None
        self._written = 0
        self._start = 0.0
        self._pending: tuple[float, np.ndarray] | None = None

    def write(self, frame: np.ndarray, seconds: float | None = None) -> None:
        """Append a frame, uint8 RGB [height, width, 3].

        With `seconds`, the time at which a source of variable rate shows it (rising, the first frame's is the
        start), frames are repeated or left out so that each is shown at its time to within half a frame of `fps`.
        Give it for all frames or for none.
        """
        if frame.dtype != np.uint8 or frame.shape != (self._height, self._width, 3):
            raise ValueError(
                f"A frame must be uint8 [{self._height}, {self._width}, 3], not {frame.dtype} {list(frame.shape)}."
            )
        if seconds is None:
            if self._pending is not None:
                raise ValueError("Earlier frames came with their time; this one must, too.")
            self._encode(frame)
            return
        if self._pending is None:
            if self._written:
                raise ValueError("Earlier frames came without their time; this one must, too.")
            self._start = seconds
        elif not seconds > self._pending[0]:
            raise ValueError(f"Times must rise: {seconds} s does not come after {self._pending[0]} s.")
        else:
            self._show_pending_until(seconds)
        self._pending = (seconds, frame.copy())

    def _show_pending_until(self, seconds: float) -> None:
        # Looking at the middle of each frame's time is proof against stamps rounded to milliseconds.
        while (self._written + 0.5) / self._fps < seconds - self._start:
            self._encode(self._pending[1])

    def _encode(self, frame: np.ndarray) -> None:
        if self._encoder is None:
            raise ValueError("A VideoSink is written to inside its with block.")
        if self._height % 2 or self._width % 2:
            frame = cv2.copyMakeBorder(frame, 0, self._height % 2, 0, self._width % 2, cv2.BORDER_REPLICATE)
        try:
            self._encoder.stdin.write(np.ascontiguousarray(frame).data)
        except OSError as error:  # it has gone; what it said on leaving is the reason
            raise self._failure() from error
        self._written += 1

    def __enter__(self) -> "VideoSink":
        if not self._path.parent.is_dir():
            raise VideoError(self._path, f"cannot be written: there is no folder {self._path.parent}.")
        command = self._command()
        self._complaints = tempfile.TemporaryFile()
        try:
            self._encoder = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._complaints
            )
        except OSError as error:
            self._complaints.close()
            raise VideoError(self._path, f"cannot be written: the encoder does not start ({error}).") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            if self._encoder.poll() is None:
                self._encoder.kill()
            self._drop_pipe()
            self._encoder.wait()
            self._encoder = None
            self._complaints.close()
            self._unfinished.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._pending is not None:  # the last frame stays for as long as one frame lasts
            self._show_pending_until(self._pending[0] + 1 / self._fps)
        if self._written == 0:
            raise VideoError(self._path, "was not written: there were no frames.")
        self._drop_pipe()
        if self._encoder.wait() != 0:
            raise self._failure()
        try:
            self._unfinished.replace(self._path)
        except OSError as error:
            raise VideoError(self._path, f"cannot be written: {error.strerror or error}.") from error

    def _drop_pipe(self) -> None:
        with suppress(OSError):  # closing flushes; an encoder that has gone is told by its exit status
            self._encoder.stdin.close()

    def _failure(self) -> VideoError:
        self._drop_pipe()
        self._encoder.wait()
        self._complaints.seek(0)
        said = self._complaints.read().decode("utf-8", errors="replace").strip().splitlines()
        return VideoError(self._path, f"could not be encoded: {said[-1] if said else 'the encoder stopped'}.")

    def _command(self) -> list[str]:
        rate = Fraction(self._fps).limit_denominator(FINEST_RATE)
        width, height = self._width + self._width % 2, self._height + self._height % 2
        keyframes = [] if self._keyframe_every is None else ["-g", str(self._keyframe_every), "-sc_threshold", "0"]
        return [
            *(_encoder_program(self._path), "-nostdin", "-loglevel", "error"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}"),
            *("-framerate", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0", "-an"),
            # Said and done in BT.709: browsers take large pictures for it, and colours shift if only one is true.
            *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
            *("-c:v", "libx264", "-preset", "veryfast", "-crf", str(self._quality), *keyframes),
            *("-movflags", "+faststart", "-f", "mp4", f"file:{self._unfinished.absolute()}"),
        ]


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    fps: float,
    *,
    seconds: Iterable[float] | None = None,
    keyframe_every: int | None = None,
    quality: int = 18,
) -> Path:
    """Write `frames` (uint8 RGB [H, W, 3] each, all of one size) to `path` and return it.

    `seconds` gives the time of each frame of a source of variable rate; the rest is as in `VideoSink`.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise VideoError(path, "was not written: there were no frames.")
    sink = VideoSink(path, fps, first.shape[1], first.shape[0], keyframe_every=keyframe_every, quality=quality)
    times = repeat(None) if seconds is None else seconds
    with sink:
        for frame, when in zip(chain([first], pictures), times, strict=seconds is not None):
            sink.write(frame, when)
    return Path(path)


def _encoder_program(path: Path) -> str:
    """The ffmpeg program that the package imageio-ffmpeg brings along."""
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise VideoError(
            path, "cannot be written: there is no H.264 encoder. Install the package imageio-ffmpeg."
        ) from error
