"""Reading a clip: a video file, decoded by OpenCV, or a folder of frames, behind one interface."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from fineparser.video.container import VIDEO_SUFFIXES, Container, read_container
from fineparser.video.folder_reader import FOLDER_FPS, IMAGE_SUFFIXES, FolderReader, silence_decoder
from fineparser.video.info import FrameIndex, VideoError, VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.source import FrameSource

MISSING_FRAMES = 2
MISSING_SHARE = 0.02
"""Frames that a clip may lack at its end, as a number and as a share; the larger one counts. Recorders often lose the
last frames."""

PIXEL_ASPECT_TOLERANCE = 0.01
"""Pixel aspects this close to 1 count as square: rescaling by so little would only blur."""

MAX_PIXEL_ASPECT = 4.0
"""A header with wider or taller pixels than this is broken."""

STAMP_TOLERANCE = 1e-4
"""Seconds by which the stamp of a frame may differ between two passes over a file (floating point only)."""

JITTER = 0.5
"""Share of the median interval by which an interval may differ at a constant rate. Containers round to milliseconds,
GIF to hundredths of a second; a dropped frame is a whole interval."""

DRIFT = 1.0
"""Frames by which a constant rate may run ahead of or behind a straight line."""

RATE_TOLERANCE = 0.005
"""Relative difference up to which the rate in the header is preferred to the measured one."""


def open_source(
    path: str | Path,
    limits: Limits | None = None,
    folder_fps: float = FOLDER_FPS,
    cached_info: VideoInfo | None = None,
) -> FrameSource:
    """Open the clip at `path`: a video file (MP4, MOV, AVI, WebM, MKV, GIF) or a folder of numbered images.

    Everything is checked here, and nothing is written to disk.

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
    except VideoError:
        raise
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


@dataclass(frozen=True)
class _ScanResult:
    """Result of one pass over all frames."""

    stamps: np.ndarray  # [n] seconds as the decoder gives them
    intra: list[int]  # frames that need no other frame
    announced: int  # frames that the header announces, 0 if it has no usable number
    header_fps: float
    width: int  # of a decoded frame, turned upright
    height: int
    rotation: int
    aspect: float  # of a pixel of a decoded frame


class VideoReader(FrameSource):
    """Reader of a video file, decoded by OpenCV.

    Opening it decodes the file once from end to end (without conversion to RGB: 370 frames of 720p a second on one
    core), because frame counts and rates in headers are wrong for some files. With the `cached_info` of an earlier scan
    it is opened at once, unless the file has changed since.
    """

    def __init__(self, path: Path, limits: Limits, cached_info: VideoInfo | None = None) -> None:
        self._path = path
        self._next = 0
        if (
            cached_info is not None
            and cached_info.index is not None
            and cached_info.index.file_state == _file_state(path)
        ):
            self._capture = self._open()
            info, index = cached_info, cached_info.index
        else:
            info, index = self._scan(limits)
        super().__init__(info)
        self._stamps, self._intra = index.stamps, index.intra

    def _scan(self, limits: Limits) -> tuple[VideoInfo, FrameIndex]:
        """Scan the whole file for its facts and leave the decoder at its start."""
        path, state = self._path, _file_state(self._path)
        container = read_container(path)
        if not container.has_video:
            raise VideoError(path, "has no video track: it holds sound alone, or nothing. Give the video itself.")
        if container.size is not None:
            limits.check_size(path, *container.size)
        self._capture = self._open()
        try:
            scan = _scan_file(path, self._capture, limits)
            missing = _count_missing(path, container, scan)
            limits.check_enough(path, len(scan.stamps))
            rising = bool(np.all(np.diff(scan.stamps) > 2 * STAMP_TOLERANCE))
            index = FrameIndex(tuple(scan.stamps.tolist()) if rising else None, tuple(scan.intra), state)
            self._rewind()
            return replace(_describe(path, container, scan, missing, limits), index=index), index
        except BaseException:
            self._capture.release()
            raise

    def close(self) -> None:
        """Close the file and the decoder."""
        super().close()
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        with silence_decoder():
            # An absolute path never looks like one of FFmpeg's protocols ("concat:...").
            capture = cv2.VideoCapture(str(self._path.resolve()), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise VideoError(
                self._path,
                "cannot be decoded: its video track is damaged or in an unsupported format. "
                "Convert it to H.264 in an MP4 file.",
            )
        return capture

    def _rewind(self) -> None:
        self._capture.release()
        self._capture = self._open()
        self._next = 0

    def _decode(self, number: int) -> np.ndarray:
        self._seek(number)
        with silence_decoder():
            while self._next <= number:
                if not self._capture.grab():
                    raise VideoError(self._path, f"could not be decoded at frame {number} the second time.")
                self._next += 1
            ok, frame = self._capture.retrieve()
        if not ok:
            raise VideoError(self._path, f"could not be decoded at frame {number}.")
        if frame.shape[1] != self._info.width or frame.shape[0] != self._info.height:
            size = (self._info.width, self._info.height)
            if frame.shape[1::-1] == self._upright_coded_size():
                frame = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)

    def _upright_coded_size(self) -> tuple[int, int]:
        size = (self._info.coded_width, self._info.coded_height)
        return size[::-1] if self._info.rotation in (90, 270) else size

    def _seek(self, number: int) -> None:
        """Place the decoder at or before frame `number`, by the shortest way.

        A jump starts one group of pictures earlier than needed, since the first frames after a jump may refer
        to skipped ones, and is valid only if the stamp of the frame it lands on is one from the scan.
        """
        group = bisect_right(self._intra, number) - 2
        start = self._intra[group] if group > 0 and self._stamps is not None else 0
        if self._next <= number and start <= self._next:
            return
        if start > 0 and self._stamps is not None and self._jump(self._stamps, start, number):
            return
        self._rewind()

    def _jump(self, stamps: tuple[float, ...], start: int, number: int) -> bool:
        with silence_decoder():
            self._capture.set(cv2.CAP_PROP_POS_MSEC, stamps[start] * 1000)
            if not self._capture.grab():
                return False
            landed = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        index = bisect_left(stamps, landed - STAMP_TOLERANCE)
        if index > number or index == len(stamps):
            return False
        if abs(stamps[index] - landed) > STAMP_TOLERANCE:
            return False
        self._next = index + 1
        return True


@dataclass(frozen=True)
class Timing:
    """Frame rate of a clip."""

    fps: float
    """Frames a second, the mean where the rate varies."""

    timestamps: tuple[float, ...] | None
    """Seconds of each frame from the first on, or None where the rate is constant."""


def constant_timing(fps: float, fallback: float) -> Timing:
    """Timing at the rate in the header, or at `fallback` where that is no rate (0, infinite, NaN)."""
    return Timing(fps if np.isfinite(fps) and 0 < fps <= 1000 else fallback, None)


def measure_timing(seconds: np.ndarray, header_fps: float, fallback: float = 25.0) -> Timing:
    """Timing of frames from their presentation times.

    Args:
        seconds: float64 [n], in presentation order.
        header_fps: frame rate in the header.
        fallback: frame rate where neither the stamps nor the header give one.

    Where the stamps are no times (not increasing throughout, which AVI files with B-frames give), the rate in
    the header is taken, and `fallback` where there is none.
    """
    seconds = np.asarray(seconds, np.float64)
    if len(seconds) < 2 or not np.all(np.diff(seconds) > 0):
        return constant_timing(header_fps, fallback)
    seconds = seconds - seconds[0]
    intervals = np.diff(seconds)
    median = float(np.median(intervals))
    mean = seconds[-1] / len(intervals)
    drift = np.abs(seconds - mean * np.arange(len(seconds))).max() / mean
    if np.abs(intervals - median).max() <= JITTER * median + 1e-9 and drift <= DRIFT:
        measured = 1 / mean
        agrees = abs(header_fps - measured) <= RATE_TOLERANCE * measured + _rounding_error(seconds)
        return Timing(header_fps if agrees else measured, None)
    # The last frame lasts as long as frames usually do.
    return Timing(len(seconds) / float(seconds[-1] + median), tuple(seconds.tolist()))


def _rounding_error(seconds: np.ndarray) -> float:
    """Largest error of the mean rate of a short clip with stamps rounded to hundredths of a second."""
    span = float(seconds[-1])
    return (len(seconds) - 1) * 0.01 / span**2


def _check_file(path: Path) -> None:
    if not path.exists():
        if path.is_symlink():
            raise VideoError(path, f"is a link to {path.readlink()}, which does not exist.")
        raise VideoError(path, "does not exist. Check the path.")
    if not path.is_file():
        raise VideoError(path, "is neither a file nor a folder.")
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        raise VideoError(path, "is a single image. Give a video, or a folder of numbered images.")
    if suffix not in VIDEO_SUFFIXES:
        ending = f"ends in {path.suffix!r}" if suffix else "has no ending"
        raise VideoError(path, f"{ending}; a video ends in {', '.join(VIDEO_SUFFIXES)}. Convert or rename it.")


def _file_state(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def _scan_file(path: Path, capture: cv2.VideoCapture, limits: Limits) -> _ScanResult:
    """Decode every frame once; stop at the limits, whatever the header announces."""
    width, height = (int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    limits.check_size(path, width, height)
    fps = capture.get(cv2.CAP_PROP_FPS)
    check_clock = limits.stopwatch(path)
    stamps, intra = [], []
    with silence_decoder():
        while capture.grab():
            stamps.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            if chr(int(capture.get(cv2.CAP_PROP_FRAME_TYPE))) == "I":
                intra.append(len(stamps) - 1)
            limits.check_length(path, len(stamps), stamps[-1] - stamps[0])
            check_clock()
    announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    rotation = int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
    aspect = _pixel_aspect(path, capture)
    return _ScanResult(
        stamps=np.array(stamps),
        intra=intra,
        announced=int(announced) if 0 < announced < 2**31 else 0,
        header_fps=fps,
        width=width,
        height=height,
        rotation=rotation,
        aspect=1 / aspect if rotation in (90, 270) else aspect,
    )


def _pixel_aspect(path: Path, capture: cv2.VideoCapture) -> float:
    across, down = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    if across <= 0 or down <= 0:  # not stated
        return 1.0
    aspect = across / down
    if not 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
        raise VideoError(
            path, f"has pixels {aspect:.3g} times as wide as high by its header. Export it with square pixels."
        )
    return 1.0 if abs(aspect - 1) <= PIXEL_ASPECT_TOLERANCE else aspect


def _count_missing(path: Path, container: Container, scan: _ScanResult) -> int:
    """Number of frames announced but absent; VideoError when they are more than the few that are tolerated."""
    decoded = len(scan.stamps)
    if container.kind == "gif":
        if container.cut_short:
            raise VideoError(path, f"is truncated: it ends in or after frame {decoded}. Copy or export it again.")
        return 0
    missing = max(0, scan.announced - decoded)
    if container.kind == "matroska" and not container.cut_short:
        # Its count is computed from the length of the whole file, in which the sound may be longer.
        return 0
    if container.seconds is not None and missing:
        # A trimmed MP4 holds frames outside its presentation; the track gives the presented duration.
        fps = measure_timing(scan.stamps, scan.header_fps).fps
        missing = min(missing, max(0, int(container.seconds * fps + 0.01) - decoded))
    if missing > max(MISSING_FRAMES, MISSING_SHARE * (decoded + missing)):
        state = "truncated" if container.cut_short else "damaged"
        raise VideoError(
            path,
            f"is {state}: it announces {decoded + missing} frames, but only {decoded} can be decoded. "
            "Copy or export it again.",
        )
    return missing


def _describe(path: Path, container: Container, scan: _ScanResult, missing: int, limits: Limits) -> VideoInfo:
    width, height = scan.width, scan.height
    # Stretch the shorter side, as browsers do, so that no detail is lost.
    if scan.aspect > 1:
        width = round(width * scan.aspect)
    else:
        height = round(height / scan.aspect)
    limits.check_size(path, width, height)
    if container.kind == "avi":  # an AVI file has one rate by construction, and no usable stamps
        timing = constant_timing(scan.header_fps, fallback=25.0)
    else:
        timing = measure_timing(scan.stamps, scan.header_fps)
    sideways = scan.rotation in (90, 270)
    info = VideoInfo(
        path=path,
        kind=container.kind,
        frame_count=len(scan.stamps),
        fps=timing.fps,
        width=width,
        height=height,
        coded_width=scan.height if sideways else scan.width,
        coded_height=scan.width if sideways else scan.height,
        rotation=scan.rotation,
        pixel_aspect=1 / scan.aspect if sideways else scan.aspect,
        timestamps=timing.timestamps,
        missing_frames=missing,
    )
    limits.check_length(path, info.frame_count, info.duration)
    return info
