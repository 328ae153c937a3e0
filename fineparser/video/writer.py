"""Writing frames to a video that browsers play: H.264 in an MP4 file."""

import math
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import cv2
import numpy as np

from fineparser.atomic import atomic_path
from fineparser.video.info import VideoError

OUTPUT_SUFFIXES = (".mp4", ".m4v")
"""Endings of the files that are written."""

MAX_RATE_DENOMINATOR = 1001 * 1000
"""Largest denominator of a frame rate, enough for 30000/1001 and for rates measured from time stamps."""


@dataclass(frozen=True)
class _Encoder:
    """A running ffmpeg process."""

    process: subprocess.Popen[bytes]
    stdin: IO[bytes]
    log: IO[bytes]

    def close_pipe(self) -> None:
        with suppress(OSError):  # closing flushes; the exit status tells if the encoder has gone
            self.stdin.close()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.close_pipe()
        self.process.wait()

    def failure(self, path: Path) -> VideoError:
        """Error with the last line of the log."""
        self.close_pipe()
        self.process.wait()
        self.log.seek(0)
        lines = self.log.read().decode("utf-8", errors="replace").strip().splitlines()
        return VideoError(path, f"could not be encoded: {lines[-1] if lines else 'the encoder stopped'}.")


class VideoSink:
    """Writer that takes frames one by one and encodes them as H.264 (libx264, yuv420p, BT.709, index in front).

        with VideoSink("overlay.mp4", fps=info.fps, width=info.width, height=info.height) as sink:
            for number, frame in source.stream():
                sink.write(frame)

    The video is written to a temporary file that takes the place of its target when the block ends well; after an
    exception nothing is left, and an existing file stays as it was. H.264 needs even sides: an
    odd one is made even by repeating the last column or row, never by dropping one.

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
        if self._path.suffix.lower() not in OUTPUT_SUFFIXES:
            raise VideoError(self._path, f"is no name for an H.264 video. Use one of {', '.join(OUTPUT_SUFFIXES)}.")
        if not (math.isfinite(fps) and 0 < fps <= 1000):
            raise ValueError(f"The frame rate must be above 0 and at most 1000, not {fps!r}.")
        if width < 1 or height < 1:
            raise ValueError(f"A frame must have at least one pixel, not {width}x{height}.")
        if keyframe_every is not None and keyframe_every < 1:
            raise ValueError(f"keyframe_every must be 1 or more, not {keyframe_every}.")
        if not 0 <= quality <= 51:
            raise ValueError(f"quality must lie between 0 and 51, not {quality}.")
        self._fps = float(fps)
        self._width, self._height = width, height
        self._keyframe_every = keyframe_every
        self._quality = quality
        self._cleanup = ExitStack()
        self._encoder: _Encoder | None = None
        self._frame_count = 0
        self._start = 0.0
        self._pending: tuple[float, np.ndarray] | None = None

    def write(self, frame: np.ndarray, seconds: float | None = None) -> None:
        """Append a frame.

        Args:
            frame: uint8 RGB [height, width, 3].
            seconds: presentation time in a source of variable rate, rising from frame to frame. Frames are repeated or
                dropped so that each is shown at its time to within half a frame of `fps`. Give it for all frames or
                for none.
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
            if self._frame_count:
                raise ValueError("Earlier frames came without their time; this one must, too.")
            self._start = seconds
        elif not seconds > self._pending[0]:
            raise ValueError(f"Times must rise: {seconds} s does not come after {self._pending[0]} s.")
        else:
            self._encode_pending_until(seconds)
        self._pending = (seconds, frame.copy())

    def _encode_pending_until(self, seconds: float) -> None:
        # Comparing the middle of each frame's time tolerates stamps rounded to milliseconds.
        if self._pending is None:
            return
        while (self._frame_count + 0.5) / self._fps < seconds - self._start:
            self._encode(self._pending[1])

    def _encode(self, frame: np.ndarray) -> None:
        if self._encoder is None:
            raise ValueError("A VideoSink is written to inside its with block.")
        if self._height % 2 or self._width % 2:
            frame = cv2.copyMakeBorder(frame, 0, self._height % 2, 0, self._width % 2, cv2.BORDER_REPLICATE)
        try:
            self._encoder.stdin.write(np.ascontiguousarray(frame).data)
        except OSError as error:  # the encoder has exited; its log has the reason
            raise self._encoder.failure(self._path) from error
        self._frame_count += 1

    def __enter__(self) -> Self:
        if not self._path.parent.is_dir():
            raise VideoError(self._path, f"cannot be written: there is no folder {self._path.parent}.")
        program = _encoder_program(self._path)
        try:
            with ExitStack() as stack:
                part = stack.enter_context(atomic_path(self._path))
                log = stack.enter_context(tempfile.TemporaryFile())
                process = subprocess.Popen(
                    [program, *self._arguments(part)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log
                )
                assert process.stdin is not None
                self._encoder = _Encoder(process, process.stdin, log)
                self._cleanup = stack.pop_all()
        except OSError as error:
            raise VideoError(self._path, f"cannot be written: {error.strerror or error}.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        except BaseException as failure:
            kind, error, trace = type(failure), failure, failure.__traceback__
            raise
        finally:
            if self._encoder is not None:
                self._encoder.stop()
            self._encoder = None
            try:
                self._cleanup.__exit__(kind, error, trace)  # puts the video in its place unless there was an error
            except OSError as failure:
                if failure is not error:
                    raise VideoError(self._path, f"cannot be written: {failure.strerror or failure}.") from failure
                raise

    def _finish(self) -> None:
        if self._pending is not None:  # the last frame lasts as long as one frame
            self._encode_pending_until(self._pending[0] + 1 / self._fps)
        if self._frame_count == 0 or self._encoder is None:
            raise VideoError(self._path, "was not written: there were no frames.")
        self._encoder.close_pipe()
        if self._encoder.process.wait() != 0:
            raise self._encoder.failure(self._path)

    def _arguments(self, part: Path) -> list[str]:
        rate = Fraction(self._fps).limit_denominator(MAX_RATE_DENOMINATOR)
        width, height = self._width + self._width % 2, self._height + self._height % 2
        keyframes = [] if self._keyframe_every is None else ["-g", str(self._keyframe_every), "-sc_threshold", "0"]
        return [
            *("-y", "-nostdin", "-loglevel", "error"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}"),
            *("-framerate", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0", "-an"),
            # Tagged and converted as BT.709: browsers assume it for large frames; colours shift if only one is true.
            *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
            *("-c:v", "libx264", "-preset", "veryfast", "-crf", str(self._quality), *keyframes),
            *("-movflags", "+faststart", "-f", "mp4", f"file:{part.absolute()}"),
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

    `seconds` gives the presentation time of each frame of a source of variable rate; the rest is as in `VideoSink`.
    """
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise VideoError(path, "was not written: there were no frames.")
    sink = VideoSink(path, fps, first.shape[1], first.shape[0], keyframe_every=keyframe_every, quality=quality)
    times = repeat(None) if seconds is None else seconds
    with sink:
        for frame, time in zip(chain([first], iterator), times, strict=seconds is not None):
            sink.write(frame, time)
    return Path(path)


def _encoder_program(path: Path) -> str:
    """Path of the ffmpeg program in the package imageio-ffmpeg."""
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise VideoError(
            path, "cannot be written: there is no H.264 encoder. Install the package imageio-ffmpeg."
        ) from error
