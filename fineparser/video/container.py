"""Container format of a video file, from its bytes, and completeness of the file.

The decoder accepts many formats (playlists of other files and addresses among them), so only files that start like one
of the containers below are passed on to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fineparser.video.info import VideoError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv", ".gif")
"""Endings of the files that are read as video."""

READABLE = "MP4, MOV, AVI, WebM, MKV or GIF"

OTHER_FORMATS = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"ID3", "an MP3 sound file"),
    (b"\xff\xfb", "an MP3 sound file"),
    (b"fLaC", "a FLAC sound file"),
    (b"OggS", "an Ogg file"),
    (b"FLV", "a Flash video"),
    (b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x80\x04", "a Python pickle"),
)
MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}
MAX_INDEX_BYTES = 64 * 2**20  # bytes; the index of an hour at 240 frames a second has about 20 MB
MAX_BOXES = 100_000  # fragmented files have two a fragment; a file of empty boxes must not take forever


@dataclass(frozen=True)
class Container:
    """Facts about a video file from its structure, before any frame is decoded."""

    kind: str
    """"mp4" (also MOV and M4V), "matroska" (also WebM), "avi" or "gif"."""

    cut_short: bool
    """True if the file ends before the end that its own structure announces."""

    has_video: bool
    """True if there is a video track, as opposed to sound alone."""

    seconds: float | None = None
    """Duration of the video track by its header (MP4 and MOV), or None."""

    size: tuple[int, int] | None = None
    """Width and height in the header (GIF), or None."""


def read_container(path: Path) -> Container:
    """Read the structure of the file `path`; VideoError unless it is one of the supported containers."""
    length = path.stat().st_size
    if length == 0:
        raise VideoError(path, "is empty (0 bytes). Record, export or copy it again.")
    with path.open("rb") as file:
        head = file.read(4096)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return Container("avi", _riff_end(file, length) > length, b"vids" in head)
        if head[:4] == b"\x1aE\xdf\xa3":
            # A track's codec id starts with V_ for video, A_ for sound; the tracks come first.
            file.seek(0)
            return Container("matroska", _segment_end(head + bytes(16)) > length, b"V_" in file.read(2**20))
        if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
            size = (int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"))
            return Container("gif", not _has_gif_trailer(file, length), True, size=size)
        if head[4:8] in MP4_BOXES:
            return _read_mp4(path, file, length)
    raise VideoError(path, f"is {_name_other(head)}, not a video. Give {READABLE}.")


def _name_other(head: bytes) -> str:
    if head[:4] == b"RIFF":
        return {b"WAVE": "a WAV sound file", b"WEBP": "a WebP image"}.get(head[8:12], "a RIFF file")
    for magic, name in OTHER_FORMATS:
        if head.startswith(magic):
            return name
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A letter of several bytes may be cut in two where the head ends.
        text = "\0" if error.start < len(head) - 3 else ""
    return "of an unsupported kind" if "\0" in text else "a text file"


def _riff_end(file: BinaryIO, length: int) -> int:
    """End of the last RIFF list of an AVI file (files above 1 GB consist of several)."""
    end = 0
    while end + 12 <= length:
        file.seek(end)
        header = file.read(8)
        if header[:4] != b"RIFF":  # padding after the last list
            break
        end += 8 + int.from_bytes(header[4:8], "little")
    return end


def _segment_end(head: bytes) -> int:
    """End of the segment of a Matroska file; 0 where its length is left open, as live recorders do."""

    def number_at(at: int) -> tuple[int, int, bool]:
        width = 9 - head[at].bit_length()
        value = int.from_bytes(head[at : at + width], "big") & ((1 << 7 * width) - 1)
        return value, at + width, value == (1 << 7 * width) - 1

    header_size, at, _ = number_at(4)
    at += header_size
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return 0
    size, at, is_open = number_at(at + 4)
    return 0 if is_open else at + size


def _has_gif_trailer(file: BinaryIO, length: int) -> bool:
    file.seek(max(0, length - 64))
    return file.read().rstrip(b"\0").endswith(b"\x3b")


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, start of the contents and announced end of every MP4 box between two places of a file."""
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16)
        size, contents = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:  # the length stands in the eight bytes after the type
            size, contents = int.from_bytes(header[8:16], "big"), start + 16
        if size == 0:  # the box goes on to the end of the file
            size = end - start
        if size < contents - start:
            return
        yield header[4:8], contents, start + size
        start += size


def _read_mp4(path: Path, file: BinaryIO, length: int) -> Container:
    index, cut_short = None, False
    for kind, start, end in _boxes(file, 0, length):
        cut_short |= end > length
        if kind == b"moov":
            index = (start, end)
    if index is None or index[1] > length:
        raise VideoError(
            path,
            "is truncated: its index (the moov box) is missing, as when a recording was cut off or a copy did "
            "not finish. Copy or export it again.",
        )
    if index[1] - index[0] > MAX_INDEX_BYTES:
        raise VideoError(path, f"has an index of {(index[1] - index[0]) >> 20} MB. Cut out the dive.")
    ticks_per_second, seconds, has_video = 0, None, False
    for kind, start, end in _boxes(file, *index):
        if kind == b"mvhd":
            ticks_per_second = _time_field(file, start, 12, 20)
        elif kind == b"trak" and not has_video and _is_video_track(file, start, end):
            has_video = True
            for part, at, _ in _boxes(file, start, end):
                if part == b"tkhd" and ticks_per_second:
                    seconds = _duration_field(file, at) / ticks_per_second or None
    return Container("mp4", cut_short, has_video, seconds)


def _is_video_track(file: BinaryIO, start: int, end: int) -> bool:
    for kind, at, stop in _boxes(file, start, end):
        if kind == b"mdia":
            for part, handler, _ in _boxes(file, at, stop):
                if part == b"hdlr":
                    file.seek(handler + 8)
                    return file.read(4) == b"vide"
    return False


def _time_field(file: BinaryIO, start: int, narrow: int, wide: int) -> int:
    """32-bit number of a box at offset `narrow` in its version 0, `wide` in version 1 (64-bit times)."""
    file.seek(start)
    contents = file.read(wide + 4)
    at = wide if contents[:1] == b"\x01" else narrow
    return int.from_bytes(contents[at : at + 4], "big")


def _duration_field(file: BinaryIO, start: int) -> int:
    """Duration of a track header; 0 where it is unknown (fragmented files, all ones)."""
    file.seek(start)
    contents = file.read(36)
    ticks = contents[28:36] if contents[:1] == b"\x01" else contents[20:24]
    return 0 if ticks == b"\xff" * len(ticks) else int.from_bytes(ticks, "big")
