"""`dives.csv`, the table of a labelled clip folder, as text: read, written, joined."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from fineparser.data.dives import DataError, Place, Problems

TABLE = "dives.csv"
COLUMNS = (
    "clip", "dive_code", "height", "difficulty", "score", "start_frame", "end_frame", "flight_frame", "entry_frame",
    "mask",
)  # fmt: skip


def read_rows(table: Path, problems: Problems) -> list[tuple[int, dict[str, str]]]:
    """Line number and fields (blanks cut off) of each row that has a clip. DataError for a table without one."""
    try:
        # utf-8-sig: spreadsheets put a mark before the first column's name.
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            names = [name.strip() for name in reader.fieldnames or ()]
            _check_columns(table, names)
            reader.fieldnames = names
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise DataError(f"{table}: there is no such table. A clip folder needs one, with a column 'clip'.") from None
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DataError(f"{table}: cannot be read as a table in UTF-8 ({error}).") from error
    found = []
    for line, row in rows:
        if row.pop("", None):
            problems.add(Place(table, line), f"has more fields than the {len(names)} columns")
            continue
        fields = dict.fromkeys(COLUMNS, "") | {name: value.strip() for name, value in row.items()}
        if fields["clip"]:
            found.append((line, fields))
        elif any(fields.values()):
            problems.add(Place(table, line), "names no clip")
    return found


def _check_columns(table: Path, names: list[str]) -> None:
    place = Place(table, 1)
    if "clip" not in names:
        raise DataError(f"{place}: there is no column 'clip'. The columns are {', '.join(COLUMNS)}.")
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise DataError(f"{place}: unknown column {unknown[0]!r}. The columns are {', '.join(COLUMNS)}.")
    if len(set(names)) < len(names):
        raise DataError(f"{place}: a column is there twice.")


def dive_name(row: dict[str, str]) -> str:
    """A dive's id: its clip, and its first frame where one is given, since a clip may hold several dives."""
    return row["clip"] if not row["start_frame"] else f"{row['clip']}#{row['start_frame']}"


def write_rows(table: Path, rows: Sequence[dict[str, str]]) -> None:
    """Writes the table; at any moment either the old or the new one is there in full. OSError where it cannot be."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: row.get(name, "") for name in COLUMNS} for row in rows)
    part = table.with_name(f".{table.name}.part")
    try:
        part.write_text(text.getvalue(), encoding="utf-8")
        os.replace(part, table)
    finally:
        part.unlink(missing_ok=True)


def join_rows(known: Sequence[dict[str, str]], new: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The rows of two tables: a new row takes the place of the known one of the same dive.

    >>> [row["score"] for row in join_rows([row_of("a", score="1"), row_of("b")], [row_of("a", score="2")])]
    ['2', '']
    """
    # Several rows of one dive are an error that the reader reports; joining must not hide it.
    replaced = {dive_name(row) for row in new}
    kept = [row for row in known if dive_name(row) not in replaced]
    order = [dive_name(row) for row in known]
    later = len(order)
    return sorted([*kept, *new], key=lambda row: order.index(dive_name(row)) if dive_name(row) in order else later)


def row_of(clip: str, **fields: str) -> dict[str, str]:
    """A row with the fields that are known."""
    return dict.fromkeys(COLUMNS, "") | {"clip": clip} | fields
