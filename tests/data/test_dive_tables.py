"""Tables as spreadsheet programs write them: the same labels from each, or one clear sentence."""

import csv
import io
import itertools
import zipfile
from datetime import datetime

import openpyxl
import pytest

from fineparser.data.dive_tables import (
    COLUMNS,
    MAX_TABLE_BYTES,
    RowLabels,
    dive_name,
    find_tables,
    parse_frame,
    parse_number,
    read_cells,
    read_rows,
)
from fineparser.data.dives import DataError, OnBroken, ProblemLog
from fineparser.domain.standards import Standard
from tests.builders import write_workbook

ROWS = [
    ["Müller.mp4", "105B", "3", "2.4", "60.25", "4", "96"],
    ["b.mp4", "5253B", "7.5", "3.2", "48", "", ""],
]
COLUMNS_OF_ROWS = ("clip", "dive_code", "height", "difficulty", "score", "start_frame", "end_frame")
HEADERS = {
    "ours": COLUMNS_OF_ROWS,
    "capitals": tuple(name.upper() for name in COLUMNS_OF_ROWS),
    "words": tuple(f" {name.replace('_', ' ').title()} " for name in COLUMNS_OF_ROWS),
    "full width": tuple("".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in name) for name in COLUMNS_OF_ROWS),
    "other names": ("Filename", "Dive", "Board", "DD", "Points", "First frame", "Last frame"),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman")
SEPARATORS = (",", ";", "\t", "|")


def table_text(header, rows, separator=",", decimals=".", end="\r\n"):
    """A table with the numbers' decimal mark; fields are put into quotes where they need them."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end)
    writer.writerow(header)
    for row in rows:
        writer.writerow([*row[:2], *(field.replace(".", decimals) for field in row[2:])])
    return text.getvalue()


def labels_of(path):
    return [
        (row["clip"], str(labels.code), labels.height, labels.difficulty, labels.score, labels.start_frame)
        for _, row in read_rows(path, ProblemLog())
        for labels in [RowLabels.from_row(row)]
    ]


EXPECTED = [("Müller.mp4", "105B", 3, 2.4, 60.25, 4), ("b.mp4", "5253B", 7.5, 3.2, 48.0, None)]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_same_labels_come_from_every_form_of_a_table(tmp_path, encoding, header):
    table = tmp_path / "dives.csv"
    for separator, decimals, end in itertools.product(SEPARATORS, ".,", ("\r\n", "\n", "\r")):
        text = table_text(HEADERS[header], ROWS, separator, decimals, end)
        try:
            table.write_bytes(text.encode(encoding))
        except UnicodeEncodeError:
            pytest.skip("this encoding has no such header")
        assert labels_of(table) == EXPECTED, (separator, decimals, end)


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;;"])
def test_excels_line_of_the_separator_is_followed(tmp_path, first):
    table = tmp_path / "dives.csv"
    table.write_text(f"{first}\n" + table_text(COLUMNS_OF_ROWS, ROWS, ";"), encoding="utf-8")
    assert labels_of(table) == EXPECTED
    assert [line for line, _ in read_rows(table, ProblemLog())] == [3, 4]


def test_empty_columns_empty_rows_and_a_title_do_no_harm(tmp_path):
    table = tmp_path / "dives.csv"
    table.write_text("Club meet 2026,,,,\n,,,,\nclip,score,,,\na.mp4,60,,,\n,,,,\n\n , \nb.mp4,61\n,,,,\n")
    rows = read_rows(table, ProblemLog())
    assert [(line, row["clip"], row["score"]) for line, row in rows] == [(4, "a.mp4", "60"), (8, "b.mp4", "61")]


def test_the_index_column_of_pandas_is_passed_over_with_a_remark(tmp_path):
    table, log = tmp_path / "dives.csv", ProblemLog()
    table.write_text(",clip,score\n0,a.mp4,60\n1,b.mp4,61\n")
    assert [row["clip"] for _, row in read_rows(table, log)] == ["a.mp4", "b.mp4"]
    (remark,) = log.problems
    assert remark.reason.startswith("a column without a name was passed over; ")


def test_values_are_brought_into_one_form(tmp_path):
    table = tmp_path / "dives.csv"
    row = r"sub\a.mp4,１０５ｂ,10m platform,," + '"60,25",4.0,96.0,"30,0",, m\\a.npz, National ,Nordic Open'
    table.write_text(",".join(COLUMNS) + f"\n{row}\n", encoding="utf-8")
    ((_, fields),) = read_rows(table, ProblemLog())
    assert fields == {
        "clip": "sub/a.mp4", "dive_code": "105B", "height": "10", "difficulty": "", "score": "60.25",
        "start_frame": "4", "end_frame": "96", "flight_frame": "30", "entry_frame": "", "mask": "m/a.npz",
        "standard": "national", "source": "Nordic Open",
    }  # fmt: skip
    assert dive_name(fields) == "sub/a.mp4#4"


def test_quotes_and_line_ends_within_fields_are_those_of_excel(tmp_path):
    table, log = tmp_path / "dives.csv", ProblemLog()
    table.write_text('clip,notes,score\n"a ""best"", 1.mp4","two\nlines",60\n"b.mp4",x,70\nc.mp4,"5"" off",x1\n')
    rows = read_rows(table, log)
    assert [(line, row["clip"]) for line, row in rows] == [(2, 'a "best", 1.mp4'), (4, "b.mp4"), (5, "c.mp4")]
    assert all(problem.is_remark for problem in log.problems)


@pytest.mark.parametrize(
    ("header", "values", "reason"),
    [
        ("clip,score,points", "a.mp4,60,300", "the column 'points' was passed over"),
        ("clip,dive,number", "a.mp4,105B,205B", "the columns 'dive' and 'number' could each be 'dive_code'"),
        ("clip,number", "a.mp4,7", "the column 'number' was passed over"),
        ("clip,board", "a.mp4,left", "the column 'board' was passed over"),
    ],
)
def test_a_column_that_may_mean_something_else_is_passed_over(tmp_path, header, values, reason):
    table, log = tmp_path / "dives.csv", ProblemLog()
    table.write_text(f"{header}\n{values}\n")
    ((_, row),) = read_rows(table, log)
    assert (row["dive_code"], row["height"], row["score"]) in (("", "", "60"), ("", "", ""))
    assert [problem.is_remark for problem in log.problems] == [True]
    assert reason in log.problems[0].reason


def test_a_round_beside_the_dive_number_is_no_dive_number(tmp_path):
    table = tmp_path / "dives.csv"
    table.write_text("number,dive,file\n1,105B,a.mp4\n2,205B,b.mp4\n")
    assert [row["dive_code"] for _, row in read_rows(table, ProblemLog())] == ["105B", "205B"]


def test_a_decimal_comma_without_quotes_is_an_error_and_no_other_label(tmp_path):
    table, log = tmp_path / "dives.csv", ProblemLog(OnBroken.SKIP)
    table.write_text("clip,dive_code,height,difficulty,score,,\na.mp4,105B,3,2,4,60,0\nb.mp4,105B,3,2.4,60,,\n")
    assert [row["clip"] for _, row in read_rows(table, log)] == ["b.mp4"]
    (problem,) = log.problems
    assert "line 2: has more fields than the 5 columns: put a field with a comma" in str(problem)


def test_a_workbook_gives_the_labels_of_its_cells(tmp_path):
    cells = [
        [None, "Meet of May"],
        [],
        ["Clip", "Athlete", "Dive Code", "Height", "Difficulty", "Score", "Start_frame", None],
        ["Müller.mp4", "Jane", "105B", 3, 2.4, 60.25, 4.0, None],
        [],
        ["b.mp4", "Jo", "5253B", "7,5", "3,2", 48, None, None],
    ]
    table, log = write_workbook(tmp_path / "dives.xlsx", cells), ProblemLog()
    assert labels_of(table) == EXPECTED
    assert [line for line, _ in read_rows(table, log)] == [4, 6]
    assert ["'Athlete'" in problem.reason for problem in log.problems] == [True]
    renamed = table.rename(tmp_path / "renamed.csv")  # decided by its content
    assert labels_of(renamed) == EXPECTED


def test_formulas_give_their_values_and_one_without_a_value_is_named(tmp_path):
    table = write_workbook(tmp_path / "dives.xlsx", [["clip", "score"], ["a.mp4", "=1.2*3"]])
    ((_, row),) = read_rows(table, ProblemLog())
    with pytest.raises(ValueError, match=r"score '=1\.2\*3' is a formula without a stored value: open the table"):
        RowLabels.from_row(row)
    # As a spreadsheet program writes it, with the value beside the formula.
    calculated = tmp_path / "calculated.xlsx"
    with zipfile.ZipFile(table) as source, zipfile.ZipFile(calculated, "w") as target:
        for name in source.namelist():
            target.writestr(
                name,
                source.read(name)
                .replace(b"<v></v>", b"<v>3.5999999999999996</v>")
                .replace(b"<v />", b"<v>3.5999999999999996</v>"),
            )
    ((_, row),) = read_rows(calculated, ProblemLog())
    assert row["score"] == "3.6"


def test_a_number_that_excel_made_a_date_is_named(tmp_path):
    table = write_workbook(tmp_path / "dives.xlsx", [["clip", "difficulty"], ["a.mp4", datetime(2026, 2, 3)]])
    ((_, row),) = read_rows(table, ProblemLog())
    with pytest.raises(ValueError, match="difficulty '2026-02-03T00:00:00' is no number"):
        RowLabels.from_row(row)


def archive(name, content):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(name, content)
    return data.getvalue()


def workbook_bytes():
    data = io.BytesIO()
    openpyxl.Workbook().save(data)
    return data.getvalue()


UNREADABLE = {
    "picture": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 9, "no text"),
    "NUL bytes": (b"clip,score\na.mp4,6\0\0\n", "line 2 holds a NUL byte"),
    "control characters": (b"clip,score\na.mp4,\x07\n", "line 2 holds the control character"),
    "open quote": (b'clip,score\n"a\nb.mp4",60\n"b.mp4,70\nc.mp4,1\n', r'the quote \("\) that line 4 opens'),
    "open quote in the first line": (b'"clip,score\na.mp4,60\n', r'the quote \("\) that line 1 opens'),
    "open quote later": (
        b'clip,score\na.mp4,60\n"b.mp4,70\nc.mp4,1\n',
        r'the quote \("\) that line 3 opens is not closed',
    ),
    "old workbook": (bytes.fromhex("D0CF11E0A1B11AE1") + bytes(99), "an old Excel workbook"),
    "another archive": (archive("Index/Document.iwa", b"x"), "an archive and no Excel workbook"),
    "cut archive": (workbook_bytes()[:2000], "damaged"),
    "empty workbook part": (archive("xl/workbook.xml", b"<nothing/>"), "damaged Excel workbook"),
    "bomb": (archive("xl/workbook.xml", bytes(2**28)), "would unpack to 256 MiB"),
    "too many fields": (b"clip" + b"," * 100_000, "lines of up to 100,001 fields"),
    "too many lines": (b"clip,score" + b"," * 400 + b"\n" * 1_000_000, "1,000,001 lines"),
    "too large": (b"clip\n" + b"x" * MAX_TABLE_BYTES, "it has 16 MiB, and a table of dives has at most 16"),
    "one long line": (b"x" * 200_000, "line 1: there is no column 'clip'"),
    "empty": (b"", "line 1: there is no column 'clip'"),
    "one mark": (b"\xff\xfe", "line 1: there is no column 'clip'"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_table_gets_a_sentence(tmp_path, case):
    content, reason = UNREADABLE[case]
    table = tmp_path / "dives.csv"
    table.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read_rows(table, ProblemLog())
    assert str(caught.value).startswith(f"{table}")
    assert len(str(caught.value)) < len(str(table)) + 300


def test_a_folder_in_place_of_the_table_gets_a_sentence(tmp_path):
    (tmp_path / "dives.csv").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        read_cells(tmp_path / "dives.csv")
    assert find_tables(tmp_path) == []


@pytest.mark.parametrize("text", ["", "1_000", "1e3", "nan", "inf", "1.234,5", "1,234.5", "60 pts", "--3", "9" * 400])
def test_other_texts_are_no_numbers(text):
    with pytest.raises(ValueError, match="number"):
        parse_number(text)


@pytest.mark.parametrize("text", ["1,234", "2.5", "-1", "0:12", "9" * 40])
def test_other_numbers_are_no_frames(text):
    with pytest.raises(ValueError, match="is no frame number"):
        parse_frame(text)


def test_a_wrong_standard_is_named_with_those_there_are(tmp_path):
    table = tmp_path / "dives.csv"
    table.write_text("clip,standard\na.mp4,regional\n")
    ((_, row),) = read_rows(table, ProblemLog())
    with pytest.raises(
        ValueError, match="standard 'regional' is no standard of competition: write international, national, club"
    ):
        RowLabels.from_row(row)


@pytest.mark.parametrize(
    ("fields", "standard", "source"),
    [
        ("london2012_10m_207C.avi,,", None, "london"),
        ("meets/club_103B_01.mp4,Club,", Standard.CLUB, "club"),
        ("club_103B_01.mp4,,Lakeside", None, "Lakeside"),
        ("final - 3m.mp4,INTERNATIONAL,", Standard.INTERNATIONAL, "final"),
        ("0001.mp4,,", None, ""),
    ],
)
def test_standard_and_source_of_a_row(tmp_path, fields, standard, source):
    table = tmp_path / "dives.csv"
    table.write_text(f"clip,standard,source\n{fields}\n")
    ((_, row),) = read_rows(table, ProblemLog())
    labels = RowLabels.from_row(row)
    assert (labels.standard, labels.source) == (standard, source)


def test_a_table_without_standard_and_source_leaves_them_open(tmp_path):
    table = tmp_path / "dives.csv"
    table.write_text("clip,score\nmeet_1.mp4,60\n")
    ((_, row),) = read_rows(table, ProblemLog())
    labels = RowLabels.from_row(row)
    assert (labels.standard, labels.source) == (None, "meet")
