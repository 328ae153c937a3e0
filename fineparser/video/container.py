"""Container format of a video file, recognised by its first bytes.

FFmpeg is told which demuxer to use and never guesses one: among its guesses are playlists of other files and
addresses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fineparser.video.info import VideoError

READABLE = "MP4, MOV, 3GP, AVI, WebM, MKV, MPEG-TS (.ts, .mts, .m2ts), MPEG, WMV, FLV, OGV, MXF or GIF"

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
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x80\x04", "a Python pickle"),
)

MAGICS = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (b"FLV\x01", "flv"),
    (b"OggS", "ogg"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpegvideo"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", "mxf"),
)
"""First bytes of a file and FFmpeg's name of the demuxer."""

MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx", b"uuid"}

TRANSPORT_PACKETS = ((188, 0), (192, 4), (204, 0))
"""Length of a packet of an MPEG transport stream and place of its sync byte: plain, with the time stamps of a
camcorder (.mts, .m2ts), with error correction."""

TRANSPORT_SYNC = 0x47
HEAD_BYTES = 4096
MAX_BOXES = 100_000  # a file of empty boxes must not take forever
MAX_EDITS_BYTES = 2**16


@dataclass(frozen=True)
class Container:
    """Container format of a file."""

    kind: str
    """"mp4" (also MOV, M4V and 3GP), "matroska" (also WebM), "avi", "gif", "mpegts", "mpeg", "mpegvideo", "asf",
    "flv", "ogg" or "mxf"."""

    @property
    def demuxer(self) -> str:
        """FFmpeg's name of the demuxer."""
        return "mov" if self.kind == "mp4" else self.kind


def recognise_container(path: Path) -> Container:
    """Recognise the container of the file `path`; VideoError unless it is a supported one."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise VideoError(path, "is empty (0 bytes). Record, export or copy it again.")
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return Container("avi")
    if head[4:8] in MP4_BOXES:
        return Container("mp4")
    for magic, kind in MAGICS:
        if head.startswith(magic):
            return Container(kind)
    if _is_transport_stream(head):
        return Container("mpegts")
    raise VideoError(path, f"is {_name_other(head)}, not a video. Give {READABLE}.")


def has_gif_trailer(path: Path) -> bool:
    """True if a GIF file ends as it must; nothing else in it announces where its end is."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return file.read().rstrip(b"\0").endswith(b"\x3b")


def changes_speed(path: Path) -> bool:
    """True if an MP4 or MOV file has an edit list that plays a stretch faster or slower than it was taken."""
    with path.open("rb") as file:
        for start, end in _find_boxes(file, 0, path.stat().st_size, (b"moov", b"trak", b"edts", b"elst")):
            file.seek(start)
            edits = file.read(min(end - start, MAX_EDITS_BYTES))
            length = 20 if edits[:1] == b"\x01" else 12
            rates = [edits[at + length - 4 : at + length] for at in range(8, len(edits) - length + 1, length)]
            # A rate of 0 is a still; the media itself goes on at its own speed.
            if any(int.from_bytes(rate, "big", signed=True) / 2**16 not in (0, 1) for rate in rates):
                return True
    return False


def _find_boxes(file: BinaryIO, start: int, end: int, names: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    """Start and end of the contents of every MP4 box at the path `names` between two places of a file."""
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16)
        size, contents = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:  # the length stands in the eight bytes after the type
            size, contents = int.from_bytes(header[8:16], "big"), start + 16
        stop = end if size == 0 else min(start + size, end)
        if stop < contents:
            return
        if header[4:8] == names[0]:
            if len(names) == 1:
                yield contents, stop
            else:
                yield from _find_boxes(file, contents, stop, names[1:])
        start = stop


def _is_transport_stream(head: bytes) -> bool:
    if b"\0" not in head:  # a text
        return False
    # A recording may start in the middle of a packet.
    return any(
        len(head) > start + 4 * length and all(head[start + n * length] == TRANSPORT_SYNC for n in range(5))
        for length, offset in TRANSPORT_PACKETS
        for start in (range(length) if offset == 0 else range(offset, length + offset))
    )


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
