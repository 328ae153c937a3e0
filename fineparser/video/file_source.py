"""Frames from a video file."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from fineparser.video.container import Container, read_container
from fineparser.video.decoder_log import quiet_decoder
from fineparser.video.error import VideoError
from fineparser.video.info import FrameIndex, VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.source import FrameSource
from fineparser.video.timing import constant_timing, measure_timing

MISSING_FRAMES = 2
MISSING_SHARE = 0.02
"""A clip may lack as many frames at its end as the larger of the two allows: recorders often lose the last."""

SQUARE = 0.01
"""Pixels within this of square are taken as square: rescaling by a hair would only blur."""

FURTHEST_ASPECT = 4.0
"""Pixels wider or taller than this are a broken header, not a picture format."""

STAMP_TOLERANCE = 1e-4
"""Seconds by which the stamp of a frame may differ between two passes over a file (floating point only)."""


@dataclass(frozen=True)
class _Scan:
    """What one pass over all frames found."""

    stamps: np.ndarray  # [n] seconds as the decoder gives them
    intra: list[int]  # frames that need no other frame
    announced: int  # frames that the header promises, 0 if it says nothing usable
    header_fps: float
    width: int  # of the decoded picture, turned upright
    height: int
    rotation: int
    aspect: float  # of a pixel of the decoded picture


class FileSource(FrameSource):
    """A video file, decoded by OpenCV.

    Opening it decodes the file once from end to end (without converting pictures: 370 frames of 720p a second
    on one core), because what headers say of frame counts and rates is wrong for some files. With the `known` facts
    of an earlier look it is opened at once, unless the file has changed since.
    """

    def __init__(self, path: Path, limits: Limits, known: VideoInfo | None = None) -> None:
        self._path = path
        self._next = 0
        if known is not None and known.index is not None and known.index.file_state == _file_state(path):
            self._capture, info = self._open(), known
        else:
            info = self._look(limits)
        super().__init__(info)
        self._stamps, self._intra = info.index.stamps, info.index.intra

    def _look(self, limits: Limits) -> VideoInfo:
        """Look through the whole file for its facts, and leave the decoder at its start."""
        path, state = self._path, _file_state(self._path)
        container = read_container(path)
        if not container.has_pictures:
            raise VideoError(path, "has no picture track: it holds sound alone, or nothing. Give the video itself.")
        if container.size is not None:
            limits.check_size(path, *container.size)
        self._capture = self._open()
        try:
            scan = _look_through(path, self._capture, limits)
            missing = _count_missing(path, container, scan)
            limits.check_enough(path, len(scan.stamps))
            rising = bool(np.all(np.diff(scan.stamps) > 2 * STAMP_TOLERANCE))
            index = FrameIndex(tuple(scan.stamps.tolist()) if rising else None, tuple(scan.intra), state)
            self._rewind()
            return replace(_describe(path, container, scan, missing, limits), index=index)
        except BaseException:
            self._capture.release()
            raise

    def close(self) -> None:
        """Let go of the file and the decoder."""
        super().close()
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        with quiet_decoder():
            # An absolute path never looks like one of FFmpeg's protocols ("concat:...").
            capture = cv2.VideoCapture(str(self._path.resolve()), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise VideoError(
                self._path,
                "cannot be decoded: its picture track is damaged or in a format that is not known here. "
                "Convert it to H.264 in an MP4 file.",
            )
        return capture

    def _rewind(self) -> None:
        self._capture.release()
        self._capture = self._open()
        self._next = 0

    def _decode(self, number: int) -> np.ndarray:
        self._go_to(number)
        with quiet_decoder():
            while self._next <= number:
                if not self._capture.grab():
                    raise VideoError(self._path, f"could not be decoded at frame {number} the second time.")
                self._next += 1
            ok, picture = self._capture.retrieve()
        if not ok:
            raise VideoError(self._path, f"could not be decoded at frame {number}.")
        if picture.shape[1] != self._info.width or picture.shape[0] != self._info.height:
            size = (self._info.width, self._info.height)
            if picture.shape[1::-1] == self._turned_size():
                picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def _turned_size(self) -> tuple[int, int]:
        size = (self._info.coded_width, self._info.coded_height)
        return size[::-1] if self._info.rotation in (90, 270) else size

    def _go_to(self, number: int) -> None:
        """Place the decoder at or before frame `number`, whichever way reaches it soonest.

        A jump starts one group of pictures earlier than needed, since the first frames after a jump may refer
        to what was skipped, and counts only if the stamp of the frame it lands on is one from the first pass.
        """
        behind = bisect_right(self._intra, number) - 2
        start = self._intra[behind] if behind > 0 and self._stamps is not None else 0
        if self._next <= number and start <= self._next:
            return
        if start > 0 and self._jump(start, number):
            return
        self._rewind()

    def _jump(self, start: int, number: int) -> bool:
        with quiet_decoder():
            self._capture.set(cv2.CAP_PROP_POS_MSEC, self._stamps[start] * 1000)
            if not self._capture.grab():
                return False
            landed = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        index = bisect_left(self._stamps, landed - STAMP_TOLERANCE)
        if index > number or index == len(self._stamps):
            return False
        if abs(self._stamps[index] - landed) > STAMP_TOLERANCE:
            return False
        self._next = index + 1
        return True


def _file_state(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def _look_through(path: Path, capture: cv2.VideoCapture, limits: Limits) -> _Scan:
    """Decode every frame once; stops at the limits, whatever the header said."""
    width, height = (int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    limits.check_size(path, width, height)
    fps = capture.get(cv2.CAP_PROP_FPS)
    check_clock = limits.stopwatch(path)
    stamps, intra = [], []
    with quiet_decoder():
        while capture.grab():
            stamps.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            if chr(int(capture.get(cv2.CAP_PROP_FRAME_TYPE))) == "I":
                intra.append(len(stamps) - 1)
            limits.check_length(path, len(stamps), stamps[-1] - stamps[0])
            check_clock()
    announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    rotation = int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
    aspect = _pixel_aspect(path, capture)
    return _Scan(
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
    if not 1 / FURTHEST_ASPECT <= aspect <= FURTHEST_ASPECT:
        raise VideoError(
            path, f"says that its pixels are {aspect:.3g} times as wide as high. Export it with square pixels."
        )
    return 1.0 if abs(aspect - 1) <= SQUARE else aspect


def _count_missing(path: Path, container: Container, scan: _Scan) -> int:
    """Frames announced but not there; VideoError when they are more than the few that are let pass."""
    held = len(scan.stamps)
    if container.kind == "gif":
        if container.cut_short:
            raise VideoError(path, f"is truncated: it ends in or after frame {held}. Copy or export it again.")
        return 0
    missing = max(0, scan.announced - held)
    if container.kind == "matroska" and not container.cut_short:
        # Its count is worked out from the length of the whole file, in which the sound may be longer.
        return 0
    if container.seconds is not None and missing:
        # A trimmed MP4 keeps frames that it does not show; its track says how long it is shown.
        fps = measure_timing(scan.stamps, scan.header_fps).fps
        missing = min(missing, max(0, int(container.seconds * fps + 0.01) - held))
    if missing > max(MISSING_FRAMES, MISSING_SHARE * (held + missing)):
        what = "truncated" if container.cut_short else "damaged"
        raise VideoError(
            path,
            f"is {what}: it announces {held + missing} frames, but only {held} can be decoded. "
            "Copy or export it again.",
        )
    return missing


def _describe(path: Path, container: Container, scan: _Scan, missing: int, limits: Limits) -> VideoInfo:
    width, height = scan.width, scan.height
    # As browsers do: stretch the shorter way, so that no detail is lost.
    if scan.aspect > 1:
        width = round(width * scan.aspect)
    else:
        height = round(height / scan.aspect)
    limits.check_size(path, width, height)
    if container.kind == "avi":  # an AVI file has one rate by construction, and no stamps worth the name
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
