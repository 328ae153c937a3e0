"""Encodings of tables and of file names in archives, decided by their content.

Spreadsheets and archivers write text in the code page of the machine and do not say in which one. A wrong decoding
shows in the letters: capitals within a word, two scripts in one word, symbols and lines among letters, characters that
nobody uses. UTF-8 needs no guess: text of another encoding is hardly ever valid in it.
"""

import codecs
import unicodedata
from collections.abc import Callable, Sequence

TABLE_ENCODINGS = ("cp1252", "gbk", "cp932", "cp1251", "mac_roman")
"""Encodings of tables that are not in Unicode, the most frequent first."""
NAME_ENCODINGS = ("cp850", "cp437", "cp1252", "gbk", "cp932", "cp866")
"""Encodings of file names in archives, the same way; Windows uses the code pages of its command line."""
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # starts with the mark of UTF-16
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_UTF16_SAMPLE = 4096
_UTF16_NULS = 0.25
"""Share of zeros among the higher bytes from which on text without a mark is in UTF-16: separators, digits and line
ends have them even in a table of Chinese names."""
_MIN_PLAUSIBILITY = 0.0
_FIRST_LEVEL = {"gbk": ("gb2312", range(0xB0, 0xD8)), "cp932": ("shift_jis", range(0x88, 0x98))}
"""Characters in daily use, of each of the encodings for Chinese and Japanese: a codec, and the first bytes in it."""
_RARE_LETTERS = "þðýÿõÏ"
_PUNCTUATION = "’‘“”–—…€°«»§"


def decode_text(data: bytes) -> str:
    """Decode the text of a table: Unicode with or without a mark, or the most plausible of `TABLE_ENCODINGS`.

    ValueError for contents that are no text.
    """
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    encoding = encoding or _utf16_without_mark(data)
    if encoding is None:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            encoding = best_encoding(data.splitlines(), TABLE_ENCODINGS)
            if encoding is None:
                raise ValueError("it is no text, or text in an unknown encoding") from None
            text = data.decode(encoding)
    else:
        # The last bytes of a file that was cut off while it was written are no reason to lose the others.
        text = data.decode(encoding, errors="replace").lstrip("\ufeff")
    return text


def best_encoding(
    samples: Sequence[bytes], encodings: Sequence[str], evidence: Callable[[list[str]], float] = lambda texts: 0.0
) -> str | None:
    """The most plausible of some encodings; None where none fits.

    Args:
        samples: texts in the same encoding.
        encodings: candidates; the first of equals is taken.
        evidence: how far the decoded texts agree with what is known of them; it decides before plausibility.
    """
    ranked = []
    for encoding in encodings:
        try:
            texts = [sample.decode(encoding) for sample in samples]
        except UnicodeDecodeError:
            continue
        ranked.append(((evidence(texts), plausibility("\n".join(texts), encoding)), encoding))
    best = max(ranked, key=lambda item: item[0], default=None)
    if best is None or best[0] < (0.0, _MIN_PLAUSIBILITY):
        return None
    return best[1]


def plausibility(text: str, encoding: str = "utf-8") -> float:
    """Plausibility of a text as the decoding of bytes, -1 to 1: the mean over its characters beyond ASCII.

    >>> plausibility("Müller"), plausibility("M³ller"), plausibility("MŸller")
    (1.0, -1.0, -1.0)
    """
    padded = f"\n{text}\n"
    scores = [
        _plausibility(before, character, after, encoding)
        for before, character, after in zip(padded, padded[1:], padded[2:], strict=False)
        if not character.isascii()
    ]
    return sum(scores) / len(scores) if scores else 1.0


def _plausibility(before: str, character: str, after: str, encoding: str) -> float:
    """Plausibility of a character between two others."""
    category = unicodedata.category(character)
    code = ord(character)
    if category[0] == "C":
        return -1.0
    if 0xFF01 <= code <= 0xFF5E or 0x3000 <= code <= 0x30FF:  # full-width forms, Japanese syllables and punctuation
        return 1.0
    if 0x4E00 <= code <= 0x9FFF:
        latin = [one for one in (before, after) if _is_latin(one)]
        if any(one.islower() for one in latin):
            return 0.2 if len(latin) == 1 else -1.0
        return _use_of_ideograph(character, encoding)
    if category[0] == "L" and 0x400 <= code <= 0x45F:
        return _letter(before, character, after, _is_cyrillic)
    if category[0] == "L" and 0xC0 <= code <= 0x24F:
        return _letter(before, character, after, _is_latin)
    if character in _PUNCTUATION or (character == "½" and before.isdecimal()):
        return 0.5
    return -1.0


def _letter(before: str, letter: str, after: str, is_same_script: Callable[[str], bool]) -> float:
    """Plausibility of a letter of an alphabet between two characters."""
    neighbours = [one for one in (before, after) if one.isalpha()]
    if not all(map(is_same_script, neighbours)):
        return -1.0
    if letter.isupper() and before.isalpha() and any(one.islower() for one in neighbours):
        return -1.0
    if letter.islower() and after.isupper():
        return -1.0
    if not neighbours:
        return 0.4
    if is_same_script is _is_cyrillic:
        return 1.0 if 0x410 <= ord(letter) <= 0x44F else 0.5
    if ord(letter) > 0xFF or not any(one.isascii() for one in neighbours):
        return 0.5
    if letter == "ß":
        return 1.0 if before.lower() in "aeiouyäöü" else 0.3
    return 0.8 if letter in _RARE_LETTERS or (letter == "á" and before in "aeiou") else 1.0


def _use_of_ideograph(character: str, encoding: str) -> float:
    """Plausibility of a Chinese character by how frequent it is in the encoding's language."""
    if encoding not in _FIRST_LEVEL:
        return 1.0
    codec, first_level = _FIRST_LEVEL[encoding]
    data = character.encode(codec, errors="ignore")
    return 0.1 if not data else 1.0 if data[0] in first_level else 0.4


def _is_latin(character: str) -> bool:
    return character.isalpha() and ord(character) <= 0x24F


def _is_cyrillic(character: str) -> bool:
    return 0x400 <= ord(character) <= 0x45F


def _utf16_without_mark(data: bytes) -> str | None:
    """UTF-16 with the low or the high byte first, by where the zeros are; None for other text."""
    sample = data[:_UTF16_SAMPLE]
    if len(data) % 2 or not sample:
        return None
    first, second = sample[::2].count(0), sample[1::2].count(0)
    if max(first, second) < _UTF16_NULS * len(sample) / 2 or min(first, second) > 0:
        return None
    return "utf-16-le" if second else "utf-16-be"
