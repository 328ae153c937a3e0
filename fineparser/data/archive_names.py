"""Names of the files in a zip, whatever program and system wrote it.

A zip without the mark of UTF-8 does not say in which encoding its names are: Finder writes UTF-8, Windows the code page
of the machine.
"""

import posixpath
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence

from fineparser.data.dive_tables import MAX_TABLE_BYTES, TABLE_SUFFIXES, parse_cells
from fineparser.data.text_encodings import NAME_ENCODINGS, best_encoding

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
"""Extra field with the name in UTF-8, as Info-ZIP and 7-Zip write it."""


def member_names(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Names of some members with forward slashes and composed letters, in their order.

    Names that may be in several encodings are decoded so that the most of them are in the archive's tables, and then so
    that they are plausible.
    """
    raw = [b"" if info.flag_bits & _UTF8_FLAG else info.orig_filename.encode("cp437") for info in members]
    unclear = [name for name in raw if not name.isascii()]
    encoding = _encoding(archive, unclear, members) if unclear else None
    names = []
    for info, name in zip(members, raw, strict=True):
        decoded = name.decode(encoding) if encoding and not name.isascii() else info.orig_filename
        decoded = _unicode_path(info, name) or decoded
        names.append(unicodedata.normalize("NFC", decoded.replace("\\", "/")))
    return names


def _encoding(archive: zipfile.ZipFile, names: Sequence[bytes], members: Sequence[zipfile.ZipInfo]) -> str | None:
    """Encoding of all of these names; None where none fits."""
    try:
        for name in names:
            name.decode("utf-8")
    except UnicodeDecodeError:
        in_tables = _names_in_tables(archive, members)
        return best_encoding(names, NAME_ENCODINGS, lambda texts: sum(_last_part(text) in in_tables for text in texts))
    return "utf-8"


def _names_in_tables(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> set[str]:
    """Contents of all cells of the tables in an archive, in the form of `_last_part`."""
    names = set()
    for info in members:
        if info.orig_filename.lower().endswith(TABLE_SUFFIXES) and info.file_size <= MAX_TABLE_BYTES:
            try:
                cells = parse_cells(archive.read(info))
            except (ValueError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError):
                continue  # the import itself names what is wrong with it
            names |= {_last_part(field) for _, fields in cells for field in fields}
    return names


def _last_part(name: str) -> str:
    return unicodedata.normalize("NFC", posixpath.basename(name.replace("\\", "/"))).casefold()


def _unicode_path(info: zipfile.ZipInfo, raw: bytes) -> str | None:
    """The name in the extra field for it; None without one, or where it belongs to another name."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(content) == size > 5 and content[0] == 1:
            if struct.unpack_from("<I", content, 1)[0] != zlib.crc32(raw):
                return None
            try:
                return content[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None
