"""Writing frames to a video that browsers play: H.264 in an MP4 file."""

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from fineparser.atomic import atomic_path
from fineparser.video.info import VideoError

OUTPUT_SUFFIXES = (".mp4", ".m4v")
"""Endings of the files that are written."""

MAX_RATE_DENOMINATOR = 1001 * 1000
"""Largest denominator of a frame rate, enough for 30000/1001 and for rates measured from time stamps."""

ENCODER = "libx264"
"""H.264 encoder of FFmpeg."""

PIXEL_FORMAT = "yuv420p"
"""The only subsampling of H.264 that all browsers and phones decode."""


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
        self._options = {"preset": "veryfast", "crf": str(quality)}
        if keyframe_every is not None:
            self._options |= {"g": str(keyframe_every), "sc_threshold": "0"}
        self._cleanup = ExitStack()
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._reformatter = VideoReformatter()
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
        if self._stream is None:
            raise ValueError("A VideoSink is written to inside its with block.")
        if self._height % 2 or self._width % 2:
            frame = cv2.copyMakeBorder(frame, 0, self._height % 2, 0, self._width % 2, cv2.BORDER_REPLICATE)
        # Tagged and converted as BT.709: browsers assume it for large frames; colours shift if only one is true.
        picture = self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame)),
            format=PIXEL_FORMAT,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BICUBIC,
            threads=1,
        )
        picture.pts, picture.duration, picture.time_base = self._frame_count, 1, 1 / self._rate()
        self._mux(picture)
        self._frame_count += 1

    def _mux(self, picture: av.VideoFrame | None) -> None:
        """Encode a picture, or with None what the encoder still holds."""
        assert self._stream is not None
        assert self._container is not None
        with self._encoding_errors():
            self._container.mux(self._stream.encode(picture))

    def _rate(self) -> Fraction:
        return Fraction(self._fps).limit_denominator(MAX_RATE_DENOMINATOR)

    @contextmanager
    def _encoding_errors(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            raise VideoError(self._path, f"could not be encoded: {error.strerror}.") from error

    def __enter__(self) -> Self:
        if not self._path.parent.is_dir():
            raise VideoError(self._path, f"cannot be written: there is no folder {self._path.parent}.")
        try:
            with ExitStack() as stack:
                part = stack.enter_context(atomic_path(self._path))
                # With its protocol, a path with a colon does not name another one.
                container = av.open(f"file:{part.absolute()}", "w", format="mp4", options={"movflags": "+faststart"})
                stack.callback(_close_quietly, container)
                self._stream = self._add_stream(container)
                self._container = container
                self._cleanup = stack.pop_all()
        except (OSError, av.FFmpegError) as error:
            raise VideoError(self._path, f"cannot be written: {error.strerror or error}.") from error
        return self

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        try:
            stream = container.add_stream(ENCODER, self._rate(), options=self._options)
        except UnknownCodecError as error:
            raise VideoError(
                self._path,
                f"cannot be written: there is no H.264 encoder ({ENCODER}) in the package av. "
                "Install its wheel: pip install --force-reinstall --only-binary av av.",
            ) from error
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self._width + self._width % 2, self._height + self._height % 2
        stream.pix_fmt = PIXEL_FORMAT
        stream.codec_context.time_base = 1 / self._rate()
        stream.thread_type = "FRAME"  # slices cost quality
        stream.color_range = ColorRange.MPEG
        stream.colorspace = Colorspace.ITU709
        stream.color_primaries = ColorPrimaries.BT709
        stream.color_trc = ColorTrc.BT709
        return stream

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
            self._container = self._stream = None
            try:
                self._cleanup.__exit__(kind, error, trace)  # puts the video in its place unless there was an error
            except OSError as failure:
                if failure is not error:
                    raise VideoError(self._path, f"cannot be written: {failure.strerror or failure}.") from failure
                raise

    def _finish(self) -> None:
        if self._pending is not None:  # the last frame lasts as long as one frame
            self._encode_pending_until(self._pending[0] + 1 / self._fps)
        if self._frame_count == 0 or self._container is None:
            raise VideoError(self._path, "was not written: there were no frames.")
        self._mux(None)
        with self._encoding_errors():
            self._container.close()


def _close_quietly(container: OutputContainer) -> None:
    """Close a container that is not needed any more, or closed already."""
    with suppress(av.FFmpegError):
        container.close()


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
