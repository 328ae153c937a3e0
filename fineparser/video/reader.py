"""Reading a clip: a video file, decoded by FFmpeg, or a folder of frames, behind one interface."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fineparser.video.container import has_gif_trailer
from fineparser.video.decoder import MAX_THREADS, DecodedFrame, Decoder, PacketLog
from fineparser.video.display import Orientation, RgbConverter
from fineparser.video.folder_reader import FOLDER_FPS, FolderReader
from fineparser.video.info import FrameIndex, VideoError, VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.source import FrameSource
from fineparser.video.timing import Timing, measure_capture, measure_timing

MISSING_FRAMES = 2
MISSING_SHARE = 0.02
"""Frames that a clip may lack at its end, as a number and as a share; the larger one counts. Recorders often lose the
last frames."""

PIXEL_ASPECT_TOLERANCE = 0.01
"""Pixel aspects this close to 1 count as square: rescaling by so little would only blur."""

MAX_PIXEL_ASPECT = 4.0
"""A header with wider or taller pixels than this is broken."""

MAX_REORDERED = 16
"""Most frames that come out of a decoder before a frame to which they refer and which may be damaged."""

Visitor = Callable[[int, np.ndarray], None]
"""Receives the number of a frame and the frame, uint8 RGB [H, W, 3]."""


def open_source(
    path: str | Path,
    limits: Limits | None = None,
    folder_fps: float = FOLDER_FPS,
    cached_info: VideoInfo | None = None,
) -> FrameSource:
    """Open the clip at `path`: a video file or a folder of numbered images.

    Everything is checked here, and nothing is written to disk. What a file holds decides, not the ending of its name.

    Args:
        path: file or folder.
        limits: bounds of the clip, `Limits()` by default.
        folder_fps: frame rate of a folder, which has none of its own.
        cached_info: facts from an earlier scan of the same file, which is then not scanned again.

    Raises:
        VideoError: for a file that is missing, no video, truncated, without frames, shorter than `limits.min_frames` or
            beyond another of the `limits`, or a folder with gaps.
    """
    path = Path(path)
    limits = limits or Limits()
    try:
        if path.is_dir():
            return FolderReader(path, limits, folder_fps)
        _check_file(path)
        return VideoReader(path, limits, cached_info)
    except PermissionError as error:
        raise VideoError(path, "may not be read: permission denied. Change its access rights.") from error
    except OSError as error:
        raise VideoError(path, f"cannot be read: {error.strerror or error}.") from error


def reopen(info: VideoInfo) -> FrameSource:
    """Open a clip again without another scan; VideoError where it no longer exists."""
    return open_source(info.path, folder_fps=info.fps, cached_info=info)


def probe(path: str | Path, limits: Limits | None = None, folder_fps: float = FOLDER_FPS) -> VideoInfo:
    """Facts about the clip at `path`; VideoError as from `open_source`."""
    with open_source(path, limits, folder_fps) as source:
        return source.info


def scan_frames(
    path: str | Path,
    visit: Visitor,
    *,
    longest_side: int,
    limits: Limits | None = None,
    folder_fps: float = FOLDER_FPS,
) -> VideoInfo:
    """Decode a clip once from end to end and show each frame to `visit`.

    Args:
        path: file or folder.
        visit: is called with the number of each frame and the frame as displayed, uint8 RGB [H, W, 3], read-only.
        longest_side: frames are reduced so that their longer side is at most this, pixels.
        limits: bounds of the clip, `Limits()` by default.
        folder_fps: frame rate of a folder.

    Returns:
        Facts about the clip, with which it is reopened without another pass.

    Raises:
        VideoError: as from `open_source`; frames before the fault have been shown by then.
    """
    path = Path(path)
    limits = limits or Limits()
    try:
        if not path.is_dir():
            _check_file(path)
            return _scan_file(path, limits, visit, longest_side)
        with FolderReader(path, limits, folder_fps) as source:
            for number, frame in source.stream():
                size = _reduced_size(source.info.width, source.info.height, longest_side)
                reduced = frame if size == frame.shape[1::-1] else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
                visit(number, reduced)
            return source.info
    except PermissionError as error:
        raise VideoError(path, "may not be read: permission denied. Change its access rights.") from error
    except OSError as error:
        raise VideoError(path, f"cannot be read: {error.strerror or error}.") from error


class VideoReader(FrameSource):
    """Reader of a video file, decoded by FFmpeg.

    Opening it decodes the file once from end to end (without conversion to RGB), because frame counts and rates in
    headers are wrong for some files. With the `cached_info` of an earlier scan it is opened at once, unless the file
    has changed since.

    Frames are verified against a checksum from the scan, so that a frame after a jump is the one that decoding from the
    start gives.
    """

    def __init__(self, path: Path, limits: Limits, cached_info: VideoInfo | None = None) -> None:
        if cached_info is None or cached_info.index is None or cached_info.index.file_state != _file_state(path):
            cached_info = _scan_file(path, limits)
        super().__init__(cached_info)
        assert cached_info.index is not None
        self._path = path
        self._index: FrameIndex = cached_info.index
        self._max_pixels = max(limits.max_pixels, cached_info.coded_width * cached_info.coded_height)
        self._converter = RgbConverter(
            cached_info.width, cached_info.height, Orientation(cached_info.rotation, cached_info.mirrored)
        )
        self._decoder: Decoder | None = None
        self._frames: Iterator[DecodedFrame] = iter(())
        self._next: int | None = None

    def close(self) -> None:
        """Close the file and the decoder."""
        super().close()
        self._release()

    def _release(self) -> None:
        self._frames = iter(())
        self._next = None
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def _decode(self, number: int) -> np.ndarray:
        for group in self._starts(number):
            if (group is None or self._place(group)) and (frame := self._advance(number)) is not None:
                return self._converter.convert(frame.picture)
        self._release()
        raise VideoError(
            self._path, f"could not be decoded at frame {number} the second time. Was the file changed meanwhile?"
        )

    @property
    def _margin(self) -> int:
        """Frames needed before the requested one."""
        return 1 if self._index.is_interlaced else 0

    def _starts(self, number: int) -> Iterator[int | None]:
        """Groups of pictures to start from, best first: None to go on from the present place, -1 for the start."""
        keys = self._index.keys
        group = bisect_right(keys, number - self._margin) - 1
        if self._next is not None and self._next <= number and (group < 0 or keys[group] <= self._next):
            yield None
        yield from range(group, max(0, group - 2), -1)
        yield -1

    def _place(self, group: int) -> bool:
        """Place the decoder at the start of a group; False if that fails."""
        if group < 0:
            self._release()
        if self._decoder is None:
            self._decoder = Decoder(
                self._path,
                self._max_pixels,
                deinterlace=self._index.is_interlaced,
                threads=1 if self._index.is_damaged else MAX_THREADS,
            )
        if group >= 0 and not self._decoder.seek(self._index.seek_stamps[group]):
            return False
        self._frames = self._decoder.frames()
        self._next = 0 if group < 0 else None
        return True

    def _advance(self, number: int) -> DecodedFrame | None:
        """Decode up to frame `number`; None if it is not found or differs from the one of the scan."""
        stamps, checksums = self._index.stamps, self._index.checksums
        for frame in self._frames:
            if stamps is None:
                place = self._next
            else:
                place = _find(stamps, frame.pts)
                if self._next is None:  # a jump may end anywhere
                    if place is not None and place > number - self._margin:
                        break
                elif place != self._next:
                    break
            if place is None:
                continue
            self._next = place + 1
            if place >= number - self._margin and checksums[place] != frame.checksum:
                break
            if place == number:
                if frame.next_checksum is not None and frame.next_checksum not in checksums[place + 1 : place + 2]:
                    break
                return frame
        self._next = None
        self._frames = iter(())
        return None


@dataclass(frozen=True)
class _Shape:
    """Shape and position of the frames of a file."""

    coded_width: int
    coded_height: int
    width: int
    height: int
    pixel_aspect: float
    orientation: Orientation

    @classmethod
    def from_first_frame(cls, path: Path, decoder: Decoder, frame: DecodedFrame) -> "_Shape":
        coded_width, coded_height = frame.picture.width, frame.picture.height
        width, height, aspect = coded_width, coded_height, _pixel_aspect(path, decoder)
        # Stretch the shorter side, as browsers do, so that no detail is lost.
        if aspect > 1:
            width = round(width * aspect)
        else:
            height = round(height / aspect)
        orientation = Orientation.from_frame(frame.picture)
        if orientation.is_sideways:
            width, height = height, width
        return cls(coded_width, coded_height, width, height, aspect, orientation)


class _Scan:
    """Facts about the frames of a file, collected while they are decoded."""

    def __init__(self, path: Path, limits: Limits, visit: Visitor | None, longest_side: int) -> None:
        self._path, self._limits = path, limits
        self._visit, self._longest_side = visit, longest_side
        self._visited = 0
        self._seconds = 0.0  # decoded so far
        self._check_clock = limits.stopwatch(path)

    def run(self) -> VideoInfo:
        """Decode every frame once; stop at the limits, whatever the header announces."""
        state = _file_state(self._path)
        for threads in (MAX_THREADS, 1):
            self._packets = PacketLog(lambda: self._check_clock(self._seconds))
            with closing(
                Decoder(self._path, self._limits.max_pixels, packets=self._packets, threads=threads)
            ) as decoder:
                self._check_header(decoder)
                if self._decode(decoder, stop_at_damage=threads > 1):
                    return self._describe(decoder, state)
        raise AssertionError("the second pass goes on after damage")

    def _check_header(self, decoder: Decoder) -> None:
        if all(decoder.size):
            self._limits.check_size(self._path, *decoder.size)
        if decoder.announced_seconds is not None:
            self._limits.check_length(self._path, 0, decoder.announced_seconds)

    def _decode(self, decoder: Decoder, stop_at_damage: bool) -> bool:
        """Decode all frames; False if that was stopped because of damage."""
        self._shape: _Shape | None = None
        self._stamps: list[int | None] = []
        self._checksums: list[int] = []
        self._keys: list[int] = []
        converter: RgbConverter | None = None
        waiting: deque[tuple[int, np.ndarray]] = deque()
        time_base = float(decoder.time_base)
        for number, frame in enumerate(decoder.frames()):
            if stop_at_damage and decoder.is_damaged:
                return False
            if frame.follows_failure:
                raise VideoError(
                    self._path,
                    f"is damaged: frame {number} cannot be decoded. Copy or export it again, or cut out the dive.",
                )
            if self._shape is None:
                self._shape = _Shape.from_first_frame(self._path, decoder, frame)
                self._limits.check_size(self._path, self._shape.coded_width, self._shape.coded_height)
                self._limits.check_size(self._path, self._shape.width, self._shape.height)
                size = _reduced_size(self._shape.width, self._shape.height, self._longest_side)
                converter = RgbConverter(*size, self._shape.orientation)
            self._stamps.append(frame.pts)
            self._checksums.append(frame.checksum)
            if frame.is_key:
                self._keys.append(number)
            first = self._stamps[0]
            self._seconds = 0.0 if frame.pts is None or first is None else (frame.pts - first) * time_base
            self._limits.check_length(self._path, len(self._stamps), self._seconds)
            if self._visit is not None and converter is not None and number >= self._visited:
                waiting.append((number, converter.convert(frame.picture)))
                self._show(waiting, MAX_REORDERED)
        if stop_at_damage and decoder.is_damaged:
            return False
        self._show(waiting, 0)
        return True

    def _show(self, waiting: deque[tuple[int, np.ndarray]], left: int) -> None:
        """Show the frames to the visitor, all but the last `left`."""
        while len(waiting) > left and self._visit is not None:
            number, image = waiting.popleft()
            image.setflags(write=False)
            self._visit(number, image)
            self._visited = number + 1

    def _describe(self, decoder: Decoder, state: tuple[int, int]) -> VideoInfo:
        missing = _count_missing(self._path, decoder, self._packets, self._stamps)
        self._limits.check_enough(self._path, len(self._stamps))
        assert self._shape is not None
        timing = _measure(decoder, self._stamps)
        info = VideoInfo(
            path=self._path,
            kind=decoder.container.kind,
            frame_count=len(self._stamps),
            fps=timing.fps,
            width=self._shape.width,
            height=self._shape.height,
            coded_width=self._shape.coded_width,
            coded_height=self._shape.coded_height,
            rotation=self._shape.orientation.rotation,
            mirrored=self._shape.orientation.mirrored,
            pixel_aspect=self._shape.pixel_aspect,
            timestamps=timing.timestamps,
            capture_times=measure_capture(timing, len(self._stamps), decoder.metadata),
            missing_frames=missing,
            index=self._build_index(decoder, state),
        )
        self._limits.check_length(self._path, info.frame_count, info.duration)
        return info

    def _build_index(self, decoder: Decoder, state: tuple[int, int]) -> FrameIndex:
        known = [stamp for stamp in self._stamps if stamp is not None]
        stamps = np.array(known, np.int64) if len(known) == len(self._stamps) else None
        if stamps is not None and not np.all(np.diff(stamps) > 0):
            stamps = None
        # MPEG streams are searched by decoding time, the others by presentation time.
        by_decoding = decoder.container.kind in ("mpegts", "mpeg")
        key_stamps = self._packets.key_stamps
        keys = [] if stamps is None else [key for key in self._keys if known[key] in key_stamps]
        # Damage is concealed from the frames before it, which are others after a jump to the same group or the next.
        for damaged in decoder.damaged_frames:
            unsafe = slice(max(0, bisect_right(keys, damaged) - 1), bisect_right(keys, damaged + MAX_REORDERED) + 1)
            del keys[unsafe]
        groups = [(key, key_stamps[known[key]] if by_decoding else known[key]) for key in keys]
        return FrameIndex(
            stamps=stamps,
            checksums=np.array(self._checksums, np.uint32),
            keys=tuple(key for key, _ in groups),
            seek_stamps=tuple(stamp for _, stamp in groups),
            start_seconds=float(known[0] * decoder.time_base) if known else 0.0,
            is_interlaced=decoder.is_interlaced,
            is_damaged=decoder.is_damaged,
            file_state=state,
        )


def _scan_file(path: Path, limits: Limits, visit: Visitor | None = None, longest_side: int = 1) -> VideoInfo:
    """Facts about a file from one pass over its frames, each of which is shown to `visit` if there is one."""
    return _Scan(path, limits, visit, longest_side).run()


def _measure(decoder: Decoder, stamps: list[int | None]) -> Timing:
    known = [stamp for stamp in stamps if stamp is not None]
    seconds = np.array(known if len(known) == len(stamps) else [], np.float64) * float(decoder.time_base)
    return measure_timing(seconds, decoder.header_fps)


def _find(stamps: np.ndarray, stamp: int | None) -> int | None:
    """Place of a stamp in a rising array, None if it is not there."""
    if stamp is None:
        return None
    place = int(np.searchsorted(stamps, stamp))
    return place if place < len(stamps) and stamps[place] == stamp else None


def _reduced_size(width: int, height: int, longest_side: int) -> tuple[int, int]:
    scale = min(1.0, longest_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _pixel_aspect(path: Path, decoder: Decoder) -> float:
    aspect = float(decoder.pixel_aspect or 1)
    if not 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
        raise VideoError(
            path, f"has pixels {aspect:.3g} times as wide as high by its header. Export it with square pixels."
        )
    return 1.0 if abs(aspect - 1) <= PIXEL_ASPECT_TOLERANCE else aspect


def _count_missing(path: Path, decoder: Decoder, packets: PacketLog, stamps: list[int | None]) -> int:
    """Number of frames announced but absent at the end; VideoError when they are more than the few tolerated."""
    decoded = len(stamps)
    if decoder.container.kind == "gif":
        if not has_gif_trailer(path):
            raise VideoError(path, f"is truncated: it ends in or after frame {decoded}. Copy or export it again.")
        return 0
    unread = decoder.count_unread(packets)
    last = max((stamp for stamp in stamps if stamp is not None), default=None)
    undecoded = 0 if last is None and decoded else sum(last is None or stamp > last for stamp in packets.stamps)
    missing = unread + undecoded
    if missing > max(MISSING_FRAMES, MISSING_SHARE * (decoded + missing)):
        state = "truncated" if unread else "damaged"
        raise VideoError(
            path,
            f"is {state}: it announces {decoded + missing} frames, but only {decoded} can be decoded. "
            "Copy or export it again.",
        )
    return missing


def _check_file(path: Path) -> None:
    if not path.exists():
        if path.is_symlink():
            raise VideoError(path, f"is a link to {path.readlink()}, which does not exist.")
        raise VideoError(path, "does not exist. Check the path.")
    if not path.is_file():
        raise VideoError(path, "is neither a file nor a folder.")


def _file_state(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns
