"""Tables of dives as people have them: text from any spreadsheet program, or an Excel workbook.

    clip          file or folder of frames, relative to the table; the only required column
    dive_code     such as 5253B
    height        metres
    difficulty    degree of difficulty; by default that of the current table for code and height
    score         points
    start_frame, end_frame      first and last frame of the dive; the whole clip where empty
    flight_frame, entry_frame   first frames of these phases
    standard      standard of competition: international, national or club
    source        recording or event that the clip is from; by default the letters at the start of the clip's name
    mask          .npz with `mask`, bool [frames from start_frame to end_frame, height, width] of the clip

The kind of file, its encoding and its separator are decided by its content. Columns are found by their names whatever
their case and separators, or by other usual names where only one column can be meant; others are passed over.
"""

import csv
import datetime
import io
import math
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from fineparser.atomic import atomic_write_text
from fineparser.data.dives import DataError, Location, ProblemLog
from fineparser.data.file_names import portable_name
from fineparser.data.text_encodings import decode_text
from fineparser.domain.difficulty import UndefinedDifficulty, difficulty, parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.standards import Standard
from fineparser.plain_values import MAX_EXCERPT, excerpt

TABLE = "dives.csv"
"""Name of the table that the app writes."""
TABLE_SUFFIXES = (".csv", ".tsv", ".xlsx")
COLUMNS = (
    "clip", "dive_code", "height", "difficulty", "score", "start_frame", "end_frame", "flight_frame", "entry_frame",
    "mask", "standard", "source",
)  # fmt: skip
OTHER_NAMES = {
    "clip": ("file", "filename", "clipname", "clipfile", "video", "videofile", "videoname", "path"),
    "dive_code": ("dive", "divenumber", "diveno", "code", "number"),
    "height": ("board", "platform", "boardheight", "heightm"),
    "difficulty": ("dd", "degreeofdifficulty", "tariff"),
    "score": ("points", "totalscore"),
    "start_frame": ("firstframe",),
    "end_frame": ("lastframe",),
}
"""Other names of columns, without case and separators."""
AMBIGUOUS_NAMES = ("dive", "code", "number", "board", "platform")
"""Those of a column that is taken for one of ours only if a value in it can be: a round is a number, too."""
FRAME_COLUMNS = ("start_frame", "end_frame", "flight_frame", "entry_frame")
SEPARATORS = ",;\t|"
MAX_TABLE_BYTES = 16 * 2**20
MAX_UNPACKED_BYTES = 128 * 2**20
"""Size of the contents of an Excel workbook, at most."""
MAX_CELLS = 4_000_000
MAX_FIELDS = 500
"""Fields of a line, at most."""
_MAX_FRAME = 2**53
_FRAME_REMEDY = "write a whole number, 0 or above"
_LONGEST_HEADER = 100_000
_TITLE_LINES = 10
"""Lines, empty ones aside, among which the names of the columns are looked for: a title may be above them."""
_OLD_EXCEL = bytes.fromhex("D0CF11E0A1B11AE1")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t|]*', re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
_OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)")
_SOURCE_IN_NAME = re.compile(r"[^\d_]*")

Value = TypeVar("Value")
Cells = list[tuple[int, list[str]]]
"""Line and fields of each row, without blanks around the fields and empty fields at the end."""


def find_tables(folder: Path) -> list[Path]:
    """Tables of a clip folder, `dives` with one of `TABLE_SUFFIXES` in any case; the first is the one that is read."""
    stem = Path(TABLE).stem
    tables = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.suffix.lower() in TABLE_SUFFIXES and path.stem.lower() == stem and path.is_file()
    ]
    return sorted(tables, key=lambda path: (TABLE_SUFFIXES.index(path.suffix.lower()), path.name != TABLE, path.name))


def read_folder_rows(
    folder: Path, problems: ProblemLog, more: Sequence[str] = ()
) -> tuple[Path, list[tuple[int, dict[str, str]]]]:
    """Find and read the table of a clip folder, see `read_rows`; DataError where there is none."""
    tables = find_tables(folder)
    if not tables:
        others = sorted(path.name for path in folder.glob("*") if path.suffix.lower() in TABLE_SUFFIXES)
        hint = f" Rename {excerpt(others[0])} to it, if that is the table." if len(others) == 1 else ""
        raise DataError(
            f"{folder / TABLE}: there is no such table. A clip folder needs one, with a column 'clip'.{hint}"
        )
    for other in tables[1:]:
        problems.remark(Location(other), f"was not read, since {tables[0].name} is beside it")
    return tables[0], read_rows(tables[0], problems, more)


def read_rows(table: Path, problems: ProblemLog, more: Sequence[str] = ()) -> list[tuple[int, dict[str, str]]]:
    """Read line number and fields of each row that has a clip.

    Values that can be read are in one form (a point for the decimals, metres, whole frame numbers, forward slashes);
    others stay as they are, for the reason why they cannot.

    Args:
        table: a file.
        problems: of its rows.
        more: columns that are read besides `COLUMNS`, as they are.

    Raises:
        DataError: for a file that is no table with that column.
    """
    cells = [(line, fields) for line, fields in read_cells(table) if fields]
    top = [(line, fields) for line, fields in cells[:_TITLE_LINES] if "clip" in _column_names(fields)]
    if not top:
        given = ", ".join(excerpt(name) for name in (cells[0][1] if cells else ()) if name)[:MAX_EXCERPT]
        there = f" This line has {given}." if given else ""
        raise DataError(
            f"{Location(table, cells[0][0] if cells else 1)}: there is no column 'clip'. The columns are "
            f"{', '.join(COLUMNS)}.{there}"
        )
    first_line, names = top[0]
    body = [(line, fields) for line, fields in cells if line > first_line]
    columns = _columns(Location(table, first_line), names, [fields for _, fields in body], problems, more)
    rows = []
    for line, fields in body:
        if len(fields) > len(names):
            problems.add(
                Location(table, line),
                f"has more fields than the {len(names)} columns: put a field with a comma or another separator in it "
                'into quotes, such as "2,4"',
            )
            continue
        row = dict.fromkeys((*COLUMNS, *more), "")
        row |= {column: _unified(column, fields[index]) for index, column in columns.items() if index < len(fields)}
        if row["clip"]:
            rows.append((line, row))
        elif any(row.values()):
            problems.add(Location(table, line), "names no clip: write its file name into the column 'clip'")
    return rows


def dive_name(row: dict[str, str]) -> str:
    """Id of a dive: its clip, and its first frame where one is given, since a clip may hold several dives."""
    return row["clip"] if not row["start_frame"] else f"{row['clip']}#{row['start_frame']}"


def write_rows(table: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the table atomically. OSError where it cannot be written."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: row.get(name, "") for name in COLUMNS} for row in rows)
    atomic_write_text(table, text.getvalue())


def join_rows(old: Sequence[dict[str, str]], new: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Join the rows of two tables: a new row replaces the old one of the same dive.

    >>> [row["score"] for row in join_rows([make_row("a", score="1"), make_row("b")], [make_row("a", score="2")])]
    ['2', '']
    """
    # Several rows of one dive are an error that the reader reports; joining must not hide it.
    replaced = {dive_name(row) for row in new}
    unchanged = [row for row in old if dive_name(row) not in replaced]
    order = [dive_name(row) for row in old]
    later = len(order)
    return sorted([*unchanged, *new], key=lambda row: order.index(dive_name(row)) if dive_name(row) in order else later)


def make_row(clip: str, **fields: str) -> dict[str, str]:
    """Make a row with the given fields and empty others."""
    return dict.fromkeys(COLUMNS, "") | {"clip": clip} | fields


@dataclass(frozen=True, kw_only=True)
class RowLabels:
    """Labels in a row of a table; None where they are unknown."""

    code: DiveCode | None
    height: float | None
    difficulty: float | None
    """As given in the row."""
    score: float | None
    start_frame: int | None
    end_frame: int | None
    flight_frame: int | None
    entry_frame: int | None
    standard: Standard | None
    source: str
    """As given in the row, or else `default_source` of the clip."""

    @classmethod
    def from_row(cls, row: dict[str, str]) -> "RowLabels":
        """Labels in the fields of a row; ValueError with the value that cannot be read, and the remedy."""
        labels = cls(
            code=DiveCode.parse(row["dive_code"]) if row["dive_code"] else None,
            height=parse_height(row["height"]) if row["height"] else None,
            difficulty=_parse(row, "difficulty", parse_number),
            score=_parse(row, "score", parse_number),
            start_frame=_parse(row, "start_frame", parse_frame),
            end_frame=_parse(row, "end_frame", parse_frame),
            flight_frame=_parse(row, "flight_frame", parse_frame),
            entry_frame=_parse(row, "entry_frame", parse_frame),
            standard=_parse(row, "standard", parse_standard),
            source=row["source"] or default_source(row["clip"]),
        )
        labels.known_difficulty()
        return labels

    def known_difficulty(self) -> float | None:
        """The difficulty in the row, or else that of the dive at its height; ValueError for a dive without one."""
        if self.difficulty is not None or self.code is None or self.height is None:
            return self.difficulty
        try:
            return difficulty(self.code, self.height)
        except UndefinedDifficulty as error:
            raise ValueError(f"{error} Check dive_code and height, or give the difficulty.") from error


def parse_number(text: str) -> float:
    """A number with a point or a comma before its decimals; ValueError for another text.

    >>> parse_number("2,4"), parse_number("60.25")
    (2.4, 60.25)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if _NUMBER.fullmatch(plain) is None:
        if plain.startswith("="):
            raise ValueError(
                "is a formula without a stored value: open the table in a spreadsheet program and save it again"
            )
        raise ValueError("is no number: write it with a point or a comma before the decimals, such as 2.4")
    value = float(plain.replace(",", "."))
    if not math.isfinite(value):
        raise ValueError("is too large a number")
    return value


def parse_frame(text: str) -> int:
    """A frame number, also with decimals of zero; ValueError for another text.

    >>> parse_frame("96"), parse_frame("4.0")
    (96, 4)
    """
    try:
        value = parse_number(text)
    except ValueError as error:
        reason = str(error)
        raise ValueError(reason if "formula" in reason else f"is no frame number: {_FRAME_REMEDY}") from None
    # A value such as 1,234 is no whole number: it may have been meant as a thousand, or as a time.
    if value != int(value) or not 0 <= value <= _MAX_FRAME:
        raise ValueError(f"is no frame number: {_FRAME_REMEDY}")
    return int(value)


def parse_standard(text: str) -> Standard:
    """A standard of competition; ValueError for another text.

    >>> parse_standard("National")
    <Standard.NATIONAL: 'national'>
    """
    try:
        return Standard(text.strip().lower())
    except ValueError:
        raise ValueError(f"is no standard of competition: write {', '.join(Standard)}, or leave it empty") from None


def default_source(clip: str) -> str:
    """Source of a clip that names none: what its file name has before the first digit or underscore.

    >>> default_source("london2012_10m_207C.avi"), default_source("meets/club_103B_01.mp4"), default_source("7.mp4")
    ('london', 'club', '')
    """
    prefix = _SOURCE_IN_NAME.match(PurePosixPath(clip).stem)
    return "" if prefix is None else prefix[0].strip(" -.")


def read_cells(table: Path) -> Cells:
    """Read the cells of a table: comma-separated and similar text, or the first sheet of an Excel workbook.

    Raises:
        DataError: for a file that cannot be read as one, with the reason and the remedy.
    """
    try:
        size = table.stat().st_size
        if size > MAX_TABLE_BYTES:
            raise ValueError(
                f"it has {size / 2**20:.0f} MiB, and a table of dives has at most {MAX_TABLE_BYTES / 2**20:.0f}"
            )
        return parse_cells(table.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{table}: there is no such table.") from None
    except OSError as error:
        raise DataError(f"{table}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise DataError(f"{table}: cannot be read as a table: {error}.") from error


def parse_cells(data: bytes) -> Cells:
    """Cells of a table from the contents of its file; ValueError with the reason where it is none."""
    if data.startswith(_OLD_EXCEL):
        raise ValueError("it is an old Excel workbook, or one with a password: save it as .xlsx without one")
    cells = _sheet_cells(data) if data.startswith(b"PK\x03\x04") else _text_cells(decode_text(data))
    return [(line, _without_blanks(fields)) for line, fields in cells]


def _text_cells(text: str) -> Cells:
    """Cells of separated text; ValueError where it is no table."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a")
    if (control := _CONTROL.search(text)) is not None:
        name = "a NUL byte" if control[0] == "\0" else f"the control character {control[0]!r}"
        line = text.count("\n", 0, control.start()) + 1
        raise ValueError(f"line {line} holds {name}, so it is no text: save the table as CSV in UTF-8, or as .xlsx")
    first, _, rest = text.partition("\n")
    if (line_of_separator := _SEPARATOR_LINE.fullmatch(first.strip(" "))) is not None:
        separator, text, skipped = line_of_separator[1], rest, 1
    else:
        separator, skipped = _find_separator(text), 0
    lines = text.split("\n")
    width = max(line.count(separator) for line in lines) + 1
    if width > MAX_FIELDS or width * len(lines) > MAX_CELLS:
        raise ValueError(
            f"it has {len(lines):,} lines of up to {width:,} fields, and a table of dives has at most {MAX_FIELDS} "
            f"fields in a line and {MAX_CELLS:,} in all"
        )
    return _separated_cells(text, separator, width, 1 + skipped)


def _separated_cells(text: str, separator: str, width: int, first_line: int) -> Cells:
    """Cells of separated text, at most `width` in a line; ValueError for a quote that is not closed."""
    import pandas  # takes half a second

    def read(count: int | None) -> Cells:
        frame = pandas.read_csv(
            io.StringIO(text),
            sep=separator,
            names=range(width),
            header=None,
            index_col=False,
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            nrows=count,
        )
        cells, line = [], first_line
        for fields in frame.to_numpy().tolist():
            cells.append((line, fields))
            line += 1 + sum(field.count("\n") for field in fields)
        return cells

    try:
        return read(None)
    except pandas.errors.EmptyDataError:
        return []
    except pandas.errors.ParserError as error:
        row = _OPEN_QUOTE.search(str(error))
        if row is None:
            raise ValueError(str(error).strip()) from error
        before = read(int(row[1])) if row[1] != "0" else []
    line = before[-1][0] + 1 + sum(field.count("\n") for field in before[-1][1]) if before else first_line
    raise ValueError(f'the quote (") that line {line} opens is not closed: close it, or remove it')


def _find_separator(text: str) -> str:
    """The separator by which the most columns of a table are found, and then the one with the most fields."""
    lines = [line[:_LONGEST_HEADER] for line in text.split("\n", 100)[:100] if line.strip()][:_TITLE_LINES]

    def names(separator: str) -> tuple[int, int]:
        fields = [next(csv.reader([line], delimiter=separator, skipinitialspace=True), []) for line in lines]
        return max(((len(_column_names(one)), len(one)) for one in fields), default=(0, 0))

    return max(SEPARATORS, key=names)


def _sheet_cells(data: bytes) -> Cells:
    """Cells of the first sheet of a workbook; ValueError where it cannot be read.

    The cell of a formula that was never calculated holds the formula.
    """
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names, unpacked = archive.namelist(), sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is damaged ({error}): save it again") from error
    if "xl/workbook.xml" not in names:
        raise ValueError("it is an archive and no Excel workbook: save the table as .xlsx or CSV")
    if unpacked > MAX_UNPACKED_BYTES:
        raise ValueError(
            f"it would unpack to {unpacked / 2**20:.0f} MiB, and a table of dives has at most "
            f"{MAX_UNPACKED_BYTES / 2**20:.0f}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that play no part in a table of dives
            values, formulas = (
                openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only, keep_links=False)
                for data_only in (True, False)
            )
            cells: Cells = []
            count = 0
            for line, (row, sources) in enumerate(zip(_sheet_rows(values), _sheet_rows(formulas), strict=True), 1):
                count += len(row) + 1
                if count > MAX_CELLS:
                    raise ValueError(f"it has more than {MAX_CELLS:,} cells")
                pairs = zip(row, sources, strict=True)
                cells.append((line, [_cell_text(source if value is None else value) for value, source in pairs]))
    except Exception as error:  # openpyxl raises whatever its parsing of a damaged file runs into
        raise ValueError(f"it is a damaged Excel workbook ({excerpt(str(error))}): save it again, or as CSV") from error
    return cells


def _sheet_rows(book):  # type: ignore[no-untyped-def]  # openpyxl has no types
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # some programs write wrong ones
    return sheet.iter_rows(values_only=True)


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.12g}"  # 2.4 and not 2.4000000000000004, as a formula gives it
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(getattr(value, "text", value))  # the text of an array formula


def _without_blanks(fields: Sequence[str]) -> list[str]:
    # Invisible marks come along with text that was copied from pages.
    stripped = [field.strip().strip("\ufeff\u200b\u200e\u200f").strip() for field in fields]
    while stripped and not stripped[-1]:
        stripped.pop()
    return stripped


def _key(name: str) -> str:
    """A column's name without case, separators and brackets.

    >>> _key("Dive Code"), _key("Ｈｅｉｇｈｔ (m)"), _key("D.D.")
    ('divecode', 'heightm', 'dd')
    """
    return re.sub(r"[\s_\-.()\[\]]+", "", unicodedata.normalize("NFKC", name).casefold())


_KEYS = {_key(column): column for column in COLUMNS}
_OTHER_KEYS = {other: column for column, others in OTHER_NAMES.items() for other in others}


def _column_names(names: Sequence[str]) -> set[str]:
    """Columns that a line of names may have."""
    keys = [_key(name) for name in names]
    return {(_KEYS | _OTHER_KEYS)[key] for key in keys if key in _KEYS or key in _OTHER_KEYS}


def _columns(
    location: Location, names: Sequence[str], rows: Sequence[Sequence[str]], problems: ProblemLog, more: Sequence[str]
) -> dict[int, str]:
    """Column by index of the field. DataError for a name that is there twice; a remark on columns passed over."""
    keys = _KEYS | {_key(column): column for column in more}
    exact: dict[int, str] = {}
    for index, name in enumerate(names):
        column = keys.get(_key(name))
        if column is not None and column in exact.values():
            raise DataError(f"{location}: a column is there twice: {column!r}. Remove or rename one of them.")
        if column is not None:
            exact[index] = column
    candidates: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        column = _OTHER_KEYS.get(_key(name))
        is_meant = _key(name) not in AMBIGUOUS_NAMES or (column is not None and _may_be(column, index, rows))
        if column is not None and column not in exact.values() and is_meant:
            candidates.setdefault(column, []).append(index)
    columns = exact | {indices[0]: column for column, indices in candidates.items() if len(indices) == 1}
    for column, indices in candidates.items():
        if len(indices) > 1:
            several = " and ".join(excerpt(names[index]) for index in indices)
            reason = f"the columns {several} could each be {column!r}: rename one of them to it"
            if column == "clip":
                raise DataError(f"{location}: {reason}.")
            problems.remark(location, reason)
    ambiguous = {index for indices in candidates.values() for index in indices}
    passed = [index for index in range(len(names)) if index not in columns and index not in ambiguous]
    unknown = [excerpt(names[index]) for index in passed if names[index]]
    listed = ", ".join(unknown)
    listed = listed if len(listed) <= MAX_EXCERPT else f"{listed[: MAX_EXCERPT - 3]}..."
    subjects = [f"the column{'s' if len(unknown) > 1 else ''} {listed}"] if unknown else []
    if any(_field(row, index) for row in rows for index in passed if not names[index]):
        subjects.append("a column without a name")
    if subjects:
        verb = "was" if len(subjects) == 1 and len(unknown) <= 1 else "were"
        problems.remark(
            location,
            f"{' and '.join(subjects)} {verb} passed over; those that are used are {', '.join([*COLUMNS, *more])}",
        )
    return columns


def _may_be(column: str, index: int, rows: Sequence[Sequence[str]]) -> bool:
    """True if a value in the field can be one of the column, or if there is none."""
    values = [value for row in rows if (value := _field(row, index))]
    return not values or any(_unified_or_none(column, value) is not None for value in values)


def _field(row: Sequence[str], index: int) -> str:
    return row[index] if index < len(row) else ""


def _plain_number(text: str) -> str:
    parse_number(text)
    return unicodedata.normalize("NFKC", text).strip().replace(",", ".")


_FORMS: dict[str, Callable[[str], str]] = {
    "dive_code": lambda text: str(DiveCode.parse(text)),
    "height": lambda text: f"{parse_height(text):g}",
    "difficulty": _plain_number,
    "score": _plain_number,
    **dict.fromkeys(FRAME_COLUMNS, lambda text: str(parse_frame(text))),
    "standard": lambda text: parse_standard(text).value,
}
"""Functions that bring a value into one form, and raise ValueError where it cannot be read."""


def _unified(column: str, value: str) -> str:
    """A value in one form; the value itself where it cannot be read."""
    if column in ("clip", "mask"):
        return portable_name(value) if value else ""
    if column not in _FORMS:
        return value
    return value if (unified := _unified_or_none(column, value)) is None else unified


def _unified_or_none(column: str, value: str) -> str | None:
    try:
        return _FORMS[column](value)
    except ValueError:
        return None


def _parse(row: dict[str, str], column: str, parse: Callable[[str], Value]) -> Value | None:
    if not row[column]:
        return None
    try:
        return parse(row[column])
    except ValueError as error:
        raise ValueError(f"{column} {excerpt(row[column])} {error}") from None
