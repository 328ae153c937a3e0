"""Decoded frames of the video stream of a file, by FFmpeg."""

import os
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition

from fineparser.video.container import Container, changes_speed, recognise_container
from fineparser.video.info import VideoError

DECODERS = frozenset({
    "av1", "libdav1d", "cfhd", "cinepak", "dnxhd", "dvvideo", "flv", "gif", "h261", "h263", "h263i", "h264", "hevc",
    "indeo5", "jpeg2000", "mjpeg", "mjpegb", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4", "msmpeg4v1", "msmpeg4v2",
    "msrle", "msvideo1", "png", "prores", "qtrle", "rawvideo", "rpza", "rv30", "rv40", "svq1", "svq3", "theora",
    "v210", "vc1", "vp3", "vp6", "vp6a", "vp6f", "vp8", "vp9", "wmv1", "wmv2", "wmv3",
})  # fmt: skip
"""Decoders that files are given to: what cameras, phones, screen recorders and editors write. FFmpeg has hundreds
more, many old and little tested. Lossless formats of editors are not among them: a damaged slice shows what was in
memory before, and nothing tells it."""

CONCEALING_DECODERS = frozenset({
    "h264", "mpeg1video", "mpeg2video", "mpeg4", "h263", "h263i", "flv", "msmpeg4", "msmpeg4v1", "msmpeg4v2",
    "wmv1", "wmv2", "wmv3", "vc1",
})  # fmt: skip
"""Decoders that fill a damaged part of a frame from its surroundings and the frames before, as players show it. A
damaged frame of any other decoder may hold leftovers of earlier frames and is not used."""

NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image | Disposition.dependent
"""Streams that show covers, previews and stills."""

MAX_THREADS = 4
"""Threads of a decoder, each of which holds frames."""

MAX_FLUSHES = 64
"""Attempts to get the last frames out of a decoder, each of which may fail for one frame."""

READ_SECONDS = 10.0
"""Time limit for opening a file and for reading one packet."""

CHECK_ROWS = 64
"""Rows of a frame that its checksum covers."""


MAX_PADDING = 2**20
"""Pixels by which a coded frame may be larger than the picture in it, since it consists of whole blocks."""


def open_container(path: Path, decoders: Collection[str], max_pixels: int) -> InputContainer:
    """Open a local file with FFmpeg, without letting it guess the format or open other files.

    Args:
        path: video file.
        decoders: FFmpeg's names of the decoders that it may use.
        max_pixels: largest width times height of a frame.

    Raises:
        VideoError: if it is no video file or cannot be opened.
    """
    container = recognise_container(path)
    # FFmpeg does not know speed in an edit list and would show frames twice; without the list each comes once, at the
    # time when it was taken.
    speed = {"ignore_editlist": "1"} if container.kind == "mp4" and changes_speed(path) else {}
    try:
        return av.open(
            # An absolute path with its protocol never looks like one of the others ("concat:...").
            f"file:{path.absolute()}",
            format=container.demuxer,
            options={
                "protocol_whitelist": "file",
                "codec_whitelist": ",".join(sorted(decoders)),
                "max_pixels": str(max_pixels + MAX_PADDING),
                **speed,
            },
            metadata_errors="replace",
            timeout=READ_SECONDS,
        )
    except (av.FFmpegError, ValueError) as error:
        if container.kind == "mp4":
            reason = (
                "is truncated: its index (the moov box) is missing or damaged, as when a recording was cut off "
                "or a copy did not finish. Copy or export it again."
            )
        else:
            reason = "cannot be decoded: it is damaged at its start. Copy or export it again."
        raise VideoError(path, reason) from error


@dataclass(frozen=True)
class DecodedFrame:
    """A frame as decoded, before its conversion to RGB."""

    picture: av.VideoFrame
    """The frame, deinterlaced where it was interlaced."""

    pts: int | None
    """Presentation time in units of `Decoder.time_base`."""

    checksum: int
    """Checksum of some of its rows before deinterlacing."""

    is_key: bool
    """True for a frame from which decoding may start."""

    follows_failure: bool
    """True if at least one frame before this one could not be decoded."""

    next_checksum: int | None = None
    """Checksum of the next frame where deinterlacing made use of it."""


class Decoder:
    """Decoder of the main video stream of a file: the largest picture times the longest duration.

    Frames come in order of presentation. Those outside an edit list are left out by FFmpeg. No frame reaches the
    caller unless the decoder filled it.

    Args:
        path: video file.
        max_pixels: largest width times height of a coded frame; larger ones are not decoded.
        deinterlace: True where an earlier pass has found interlaced frames.
        packets: log of what is read.
        threads: most threads; 1 for a file with damaged frames, since they differ from run to run with more.

    Raises:
        VideoError: if there is no video in the file that can be decoded.
    """

    def __init__(
        self,
        path: Path,
        max_pixels: int,
        *,
        deinterlace: bool = False,
        packets: "PacketLog | None" = None,
        threads: int = MAX_THREADS,
    ) -> None:
        self.container: Container = recognise_container(path)
        self._file = open_container(path, DECODERS, max_pixels)
        try:
            self._stream = _choose_stream(path, self._file)
            context = self._stream.codec_context
            context.thread_type = "AUTO"
            context.thread_count = min(threads, os.cpu_count() or 1)
            context.options = {"max_pixels": str(max_pixels + MAX_PADDING)}
        except BaseException:
            self._file.close()
            raise
        self._deinterlacer: _Deinterlacer | None = _Deinterlacer() if deinterlace else None
        self._packets = packets
        self._count = 0
        self.damaged_frames: list[int] = []
        """Number of frames that had come out before each sign of damage, counted from the last jump."""

    @property
    def time_base(self) -> Fraction:
        """Unit of time stamps, seconds."""
        return self._stream.time_base or Fraction(1, 1000)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in the header, 0 where they are not stated."""
        return self._stream.codec_context.width, self._stream.codec_context.height

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width over height of a pixel, None where it is not stated."""
        return self._stream.sample_aspect_ratio

    @property
    def header_fps(self) -> float:
        """Frame rate in the header, 0 where it is not stated."""
        return float(self._stream.guessed_rate or 0)

    @property
    def announced_seconds(self) -> float | None:
        """Duration in the header."""
        if self._stream.duration is not None:
            return float(self._stream.duration * self.time_base)
        return None if self._file.duration is None else self._file.duration / av.time_base

    def count_unread(self, packets: "PacketLog") -> int:
        """Number of frames at the end that the header announces and that are not in the file.

        Args:
            packets: log of a pass over the whole file.
        """
        if self.container.kind == "mp4":
            entries = self._stream.index_entries
            return max(0, sum(entry.size > 0 and not entry.is_discard for entry in entries) - packets.count)
        if self.container.kind == "avi":
            seconds = float((self._stream.frames - (packets.video_end or 0)) * self.time_base)
        elif self.container.kind in ("matroska", "asf", "flv") and self._file.duration is not None:
            # The duration of the whole file, in which the sound may be longer.
            seconds = self._file.duration / av.time_base - max(0.0, packets.end_seconds)
        else:
            return 0
        return max(0, int(seconds * self.header_fps + 0.01))

    @property
    def is_damaged(self) -> bool:
        """True once a frame was damaged or could not be decoded, or a part of the file was missing."""
        return bool(self.damaged_frames)

    @property
    def is_interlaced(self) -> bool:
        """True once an interlaced frame was decoded."""
        return self._deinterlacer is not None

    @property
    def metadata(self) -> dict[str, str]:
        """Metadata of the file and of the stream."""
        return {**self._file.metadata, **self._stream.metadata}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def seek(self, stamp: int) -> bool:
        """Move to a key frame at or before `stamp`, in units of `time_base`; False if the file cannot be moved in."""
        if self._deinterlacer is not None:
            self._deinterlacer = _Deinterlacer()
        try:
            self._file.seek(stamp, stream=self._stream)
        except av.FFmpegError:
            return False
        return True

    def frames(self) -> Iterator[DecodedFrame]:
        """Every frame from the present position to the end."""
        waiting: deque[DecodedFrame] = deque()
        before: av.VideoFrame | None = None
        for picture, failed in self._pictures():
            frame = DecodedFrame(picture, picture.pts, _checksum(picture), picture.key_frame, failed)
            if self._deinterlacer is None:
                if not picture.interlaced_frame:
                    before = picture
                    yield frame
                    continue
                self._deinterlacer = _Deinterlacer()
                if before is not None:  # was given out as it is, and is needed as a neighbour
                    self._deinterlacer.discard_first(before)
            waiting.append(frame)
            for result in self._deinterlacer.push(picture):
                yield _deinterlaced(waiting.popleft(), result, waiting[0].checksum if waiting else None)
        if self._deinterlacer is not None:
            for result in self._deinterlacer.finish():
                yield _deinterlaced(waiting.popleft(), result, None)

    def _pictures(self) -> Iterator[tuple[av.VideoFrame, bool]]:
        """Frames as decoded, and whether a frame before each could not be decoded."""
        context = self._stream.codec_context
        conceals = context.codec.name in CONCEALING_DECODERS
        failed = False
        self._count = 0
        for packet in self._read_packets():
            try:
                pictures = context.decode(packet)
            except EOFError:
                break
            except (av.FFmpegError, ValueError):
                failed = self._note_damage()
                continue
            for picture in pictures:
                if picture.is_corrupt and not conceals:
                    failed = self._note_damage()
                    continue
                self._count += 1
                if picture.is_corrupt:
                    self._note_damage()
                yield picture, failed
                failed = False

    def _note_damage(self) -> bool:
        """Note a sign of damage; False before the first frame, since a recording may start between two key frames."""
        if self._count:
            self.damaged_frames.append(self._count)
        return self._count > 0

    def _read_packets(self) -> Iterator["av.Packet | None"]:
        """Packets of the stream, then None until the decoder is empty."""
        packets = self._file.demux()
        is_cut = False
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, ValueError):  # the rest cannot be read
                break
            if packet is None:
                break
            is_video = packet.stream_index == self._stream.index
            if self._packets is not None:
                self._packets.add(packet, is_video)
            # A packet without data would end the decoding; AVI files have them where a frame is repeated.
            if not is_video or not packet.size:
                continue
            if is_cut:  # and not the last one, which recorders leave incomplete
                self._note_damage()
            is_cut = packet.is_corrupt
            yield packet
        for _ in range(MAX_FLUSHES):
            yield None


class PacketLog:
    """Log of what is read from a file: to find key frames, and to notice what is missing at the end.

    Args:
        check_clock: is called with each packet; what it raises ends the reading.
    """

    def __init__(self, check_clock: Callable[[], None]) -> None:
        self._check_clock = check_clock
        self.key_stamps: dict[int, int] = {}
        """Decoding time of each key frame by its presentation time."""

        self.stamps: list[int] = []
        """Presentation time of every packet that has one and is shown."""

        self.count = 0
        """Packets of the stream that are shown."""

        self.video_end: int | None = None
        """End of the last packet of the stream."""

        self.end_seconds = float("-inf")
        """End of the last packet of any stream."""

    def add(self, packet: "av.Packet", is_video: bool) -> None:
        """Add a packet of the video stream or of another one."""
        self._check_clock()
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None and packet.time_base:
            self.end_seconds = max(self.end_seconds, float((stamp + (packet.duration or 0)) * packet.time_base))
        if not is_video:
            return
        if packet.dts is not None:
            self.video_end = max(self.video_end or 0, packet.dts + (packet.duration or 0))
        if not packet.size or packet.is_discard:
            return
        self.count += 1
        if packet.pts is None:
            return
        self.stamps.append(packet.pts)
        if packet.is_keyframe:
            self.key_stamps[packet.pts] = packet.pts if packet.dts is None else packet.dts


class _Deinterlacer:
    """FFmpeg's bwdif: one frame out for each frame in; frames that are not flagged as interlaced stay as they are.

    A frame comes out when the next one has gone in, since both its neighbours are needed.
    """

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._shape: tuple[int, int, str] = (0, 0, "")
        self._discard = 0

    def discard_first(self, picture: av.VideoFrame) -> None:
        """Give the frame before the first one."""
        self._discard = 1
        self.push(picture)

    def push(self, picture: av.VideoFrame) -> list[av.VideoFrame]:
        """Add a frame; the frames that are ready."""
        if self._graph is None:
            self._shape = (picture.width, picture.height, picture.format.name)
            self._graph = self._build(*self._shape)
        width, height, name = self._shape
        if (picture.width, picture.height, picture.format.name) != self._shape:
            picture = picture.reformat(width, height, name, threads=1)
        self._graph.push(picture)
        return self._pull()

    def finish(self) -> list[av.VideoFrame]:
        """The frames that are left at the end."""
        if self._graph is None:
            return []
        self._graph.push(None)
        return self._pull()

    @staticmethod
    def _build(width: int, height: int, name: str) -> av.filter.Graph:
        graph = av.filter.Graph()
        graph.threads = min(MAX_THREADS, os.cpu_count() or 1)
        source = graph.add_buffer(width=width, height=height, format=av.VideoFormat(name), time_base=Fraction(1, 1000))
        graph.link_nodes(source, graph.add("bwdif", mode="send_frame", deint="interlaced"), graph.add("buffersink"))
        graph.configure()
        return graph

    def _pull(self) -> list[av.VideoFrame]:
        assert self._graph is not None
        ready: list[av.VideoFrame] = []
        while True:
            try:
                picture = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return ready
            if self._discard:
                self._discard -= 1
            else:
                ready.append(picture)


def _deinterlaced(frame: DecodedFrame, picture: av.VideoFrame, next_checksum: int | None) -> DecodedFrame:
    source = frame.picture
    picture.colorspace, picture.color_range = source.colorspace, source.color_range
    picture.color_trc, picture.color_primaries = source.color_trc, source.color_primaries
    return replace(frame, picture=picture, next_checksum=next_checksum)


def _choose_stream(path: Path, file: InputContainer) -> "av.VideoStream":
    streams = [stream for stream in file.streams.video if not stream.disposition & NO_VIDEO]
    if not streams:
        raise VideoError(path, "has no video track: it holds sound alone, or nothing. Give the video itself.")
    decodable = [stream for stream in streams if stream.codec_context is not None and stream.name in DECODERS]
    if not decodable:
        names = ", ".join(sorted({_codec_name(stream) for stream in streams}))
        raise VideoError(
            path,
            f"cannot be decoded: its video track is damaged or in an unsupported format ({names}). "
            "Convert it to H.264 in an MP4 file.",
        )
    length = file.duration or 0

    def weight(stream: "av.VideoStream") -> tuple[bool, float]:
        duration = stream.duration * (stream.time_base or 0) * av.time_base if stream.duration else length
        return stream.frames != 1, stream.width * stream.height * max(1.0, float(duration))

    return max(decodable, key=weight)


def _codec_name(stream: "av.VideoStream") -> str:
    return "unknown" if stream.codec_context is None else stream.codec_context.name


def _checksum(picture: av.VideoFrame) -> int:
    """Checksum of rows all over the first plane of a frame."""
    plane = picture.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, abs(plane.line_size))
    return zlib.crc32(rows[:: max(1, plane.height // CHECK_ROWS), : plane.width].tobytes())
