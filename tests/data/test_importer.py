"""What is handed over: taken in where it can be, named with the reason where it cannot, and never harmful."""

import os
import pickle
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest

from fineparser.data.dataset_summary import summarise_dataset
from fineparser.data.dive_tables import TABLE, make_row, write_rows
from fineparser.data.dives import ProblemLog
from fineparser.data.importer import DatasetImporter, list_clips
from tests.builders import write_workbook
from tests.data.readers.test_clip_folder import write_video


@pytest.fixture
def clips(tmp_path) -> Path:
    """Two clips and a table, as they lie on somebody's disk."""
    root = tmp_path / "disk"
    root.mkdir()
    write_video(root / "a.avi")
    write_video(root / "b.avi", shade=5)
    write_rows(root / TABLE, [make_row("a.avi", score="50"), make_row("b.avi", score="60")])
    return root


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "collections" / "club"


def packed(path: Path, members: dict[str, Path | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, bytes) else content.read_bytes())
    return path


def take(folder: Path, *files: Path) -> DatasetImporter:
    intake = DatasetImporter(folder)
    intake.add(files)
    return intake


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def everything_below(path: Path) -> set[str]:
    return {one.relative_to(path).as_posix() for one in path.rglob("*")}


def table_of(folder: Path) -> list[tuple[str, str]]:
    from fineparser.data.dive_tables import read_rows

    return [(row["clip"], row["score"]) for _, row in read_rows(folder / TABLE, ProblemLog())]


def test_a_zip_with_a_folder_in_it_becomes_the_collection(clips, folder, tmp_path):
    archive = packed(
        tmp_path / "club.zip",
        {
            "Club 2026/a.avi": clips / "a.avi",
            "Club 2026/sub/b.avi": clips / "b.avi",
            "Club 2026/dives.csv": b"clip,score\na.avi,50\nsub/b.avi,60\n",
            "__MACOSX/Club 2026/._a.avi": b"what a Mac adds",
            "Club 2026/.DS_Store": b"the same",
        },
    )
    intake = take(folder, archive)
    assert intake.problems == []
    assert files_of(folder) == {"a.avi", "sub/b.avi", "dives.csv"}
    assert table_of(folder) == [("a.avi", "50"), ("sub/b.avi", "60")]
    assert (folder / "a.avi").read_bytes() == (clips / "a.avi").read_bytes()


def test_clips_without_a_table_get_rows_to_fill_in(clips, folder):
    assert take(folder, clips / "a.avi", clips / "b.avi").problems == []
    assert table_of(folder) == [("a.avi", ""), ("b.avi", "")]


def test_later_uploads_add_to_the_table(clips, folder, tmp_path):
    take(folder, clips / "a.avi")
    later = tmp_path / "scores.csv"
    later.write_text("clip,score\nb.avi,61\na.avi,51\n")
    take(folder, later, clips / "b.avi")
    assert table_of(folder) == [("a.avi", "51"), ("b.avi", "61")]
    assert take(folder, clips / "a.avi").problems == []  # the same file once more


def test_frames_in_folders_are_clips(clips, folder, tmp_path):
    from tests.video.clips import numbered_frames, write_folder

    write_folder(tmp_path / "dive1", numbered_frames(10))
    members = {f"dive1/{path.name}": path for path in (tmp_path / "dive1").iterdir()}
    assert take(folder, packed(tmp_path / "one.zip", members)).problems == []
    assert list_clips(folder) == ["dive1"]
    assert table_of(folder) == [("dive1", "")]


@pytest.mark.parametrize(
    "name", ["../evil.avi", "club/../../evil.avi", "/etc/evil.avi", "C:/evil.avi", "..\\..\\evil.avi"]
)
def test_a_zip_that_climbs_out_stays_inside(clips, folder, tmp_path, name):
    before = everything_below(tmp_path)
    archive = packed(tmp_path / "climbs.zip", {name: b"evil", "good.avi": clips / "a.avi"})
    intake = take(folder, archive)
    (problem,) = intake.problems
    assert "leads out of the folder" in problem.reason
    assert files_of(folder) == {"good.avi", "dives.csv"}
    added = {path for path in everything_below(tmp_path) - before if not path.startswith("collections")}
    assert added == {"climbs.zip"}
    assert not Path("/etc/evil.avi").exists()


def test_a_zip_that_unpacks_to_a_hundred_times_its_size_is_rejected(folder, tmp_path):
    archive = packed(tmp_path / "bomb.zip", {"bomb.avi": bytes(10_000_000)})
    assert archive.stat().st_size * 100 < 10_000_000
    (problem,) = take(folder, archive).problems
    assert "times its size" in problem.reason
    assert files_of(folder) == set()


def test_a_zip_beyond_the_limit_is_rejected(clips, folder, tmp_path):
    archive = packed(tmp_path / "large.zip", {"noise.npz": os.urandom(5000), "dives.csv": b"clip\n"})
    intake = DatasetImporter(folder, max_bytes=4000)
    intake.add([archive])
    assert "would unpack to" in str(intake.problems[0])
    assert not folder.exists() or files_of(folder) == set()
    allowed = DatasetImporter(folder, max_bytes=6000)
    allowed.add([archive])
    assert "noise.npz" in files_of(folder)


def test_links_locked_files_pickles_and_strangers_are_left_out(clips, folder, tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "harmed",))

    archive = packed(
        tmp_path / "mixed.zip", {"a.avi": clips / "a.avi", "evil.pkl": pickle.dumps(Evil()), "notes.txt": b"hello"}
    )
    with zipfile.ZipFile(archive, "a") as opened:
        link = zipfile.ZipInfo("link.avi")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, "/etc/passwd")
    intake = take(folder, archive)
    reasons = {problem.location.file.name: problem.reason for problem in intake.problems}
    assert "pickle" in reasons["mixed.zip: evil.pkl"]
    assert "is a link" in reasons["mixed.zip: link.avi"]
    assert "'.txt'" in reasons["mixed.zip: notes.txt"]
    assert files_of(folder) == {"a.avi", "dives.csv"}
    assert not (tmp_path / "harmed").exists()


def packed_with_raw_names(path: Path, members: dict[bytes, Path | bytes]) -> Path:
    """A zip whose names are these bytes, without the mark of UTF-8, as most archivers write it."""
    stand_ins = {f"{number:03}".ljust(len(name), "x"): name for number, name in enumerate(members)}
    packed(path, dict(zip(stand_ins, members.values(), strict=True)))
    data = path.read_bytes()
    for stand_in, name in stand_ins.items():
        data = data.replace(stand_in.encode(), name)
    path.write_bytes(data)
    return path


NAMES = {
    "utf-8": ["Müller.mp4", "张三.mp4"],
    "cp437": ["Müller.mp4", "café.mp4"],
    "cp850": ["Øre Ågård.mp4", "São.mp4"],
    "cp1252": ["Málaga.mp4", "François.mp4", "Händel.mp4"],
    "gbk": ["跳水训练.mp4", "李娜.mp4"],
    "cp932": ["飛込の表.mp4", "さくら.mp4"],
    "cp866": ["Прыжок.mp4"],
}


@pytest.mark.parametrize("encoding", NAMES)
def test_names_without_the_mark_of_utf8_are_decoded(clips, folder, tmp_path, encoding):
    members = {name.encode(encoding): clips / "a.avi" for name in NAMES[encoding]}
    assert take(folder, packed_with_raw_names(tmp_path / "club.zip", members)).problems == []
    assert files_of(folder) == {*NAMES[encoding], "dives.csv"}


@pytest.mark.parametrize("encoding", ["cp437", "cp850", "cp1252"])
def test_the_names_in_the_table_decide_where_several_encodings_are_plausible(clips, folder, tmp_path, encoding):
    """E1 is ß in the command line's code pages and á in Windows', here in place of the other after a vowel."""
    name = b"Ba\xe1e.mp4"
    table = f"clip,score\n{name.decode(encoding)},60\n".encode()
    members = {name: clips / "a.avi", b"table.csv": table}
    assert take(folder, packed_with_raw_names(tmp_path / "club.zip", members)).problems == []
    assert table_of(folder) == [(name.decode(encoding), "60")]


def test_a_name_in_the_extra_field_comes_before_a_guess(clips, folder, tmp_path):
    raw = b"?????.avi"
    with zipfile.ZipFile(tmp_path / "club.zip", "w") as archive:
        info = zipfile.ZipInfo(raw.decode())
        content = b"\1" + zlib.crc32(raw).to_bytes(4, "little") + "Żółć.avi".encode()
        info.extra = (0x7075).to_bytes(2, "little") + len(content).to_bytes(2, "little") + content
        archive.writestr(info, (clips / "a.avi").read_bytes())
    assert take(folder, tmp_path / "club.zip").problems == []
    assert files_of(folder) == {"Żółć.avi", "dives.csv"}


def test_finders_decomposed_names_and_resource_forks_do_no_harm(clips, folder, tmp_path):
    name = unicodedata.normalize("NFD", "Müller.avi").encode()
    members = {
        b"Clips/" + name: clips / "a.avi",
        b"Clips/dives.csv": "clip,score\nMüller.avi,60\n".encode(),
        b"__MACOSX/Clips/._" + name: b"fork",
        b"Clips/.DS_Store": b"x",
        b"Clips/Thumbs.db": b"x",
    }
    assert take(folder, packed_with_raw_names(tmp_path / "club.zip", members)).problems == []
    assert files_of(folder) == {"Müller.avi", "dives.csv"}
    assert table_of(folder) == [("Müller.avi", "60")]


def test_windows_paths_in_archive_and_table(clips, folder, tmp_path):
    members = {
        b"session\\one\\": b"",
        b"session\\one\\a.avi": clips / "a.avi",
        b"session\\B.AVI": clips / "b.avi",
        b"dives.csv": b"clip;score\nsession\\one\\a.avi;60,5\nC:\\Users\\jo\\session\\b.avi;61\n",
    }
    assert take(folder, packed_with_raw_names(tmp_path / "club.zip", members)).problems == []
    assert table_of(folder) == [("session/one/a.avi", "60.5"), ("session/B.AVI", "61")]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("top/dives.csv", "a.avi"),  # above its clips
        ("top/dives.csv", "x/a.avi"),
        ("top/labels/dives.csv", "a.avi"),  # beside their folder
        ("top/labels/dives.csv", "../deep/x/a.avi"),
        ("top/deep/x/y/dives.csv", "a.avi"),  # below them
        ("top/deep/x/dives.csv", "A"),
        ("dives.csv", "top/deep/x/a.avi"),
    ],
)
def test_a_table_above_or_below_its_clips_names_them(clips, folder, tmp_path, table, row):
    members = {"top/deep/x/a.avi": clips / "a.avi", "top/b.avi": clips / "b.avi"}
    archive = packed(tmp_path / "club.zip", members | {table: f"clip,score\n{row},60\n".encode()})
    assert take(folder, archive).problems == []
    labels = dict(table_of(folder))
    assert [score for clip, score in labels.items() if clip.endswith("a.avi")] == ["60"]
    assert sorted(labels.values()) == ["", "60"]


def test_a_table_in_each_folder_names_the_clips_beside_it(clips, folder, tmp_path):
    archive = packed(
        tmp_path / "club.zip",
        {
            "may/a.avi": clips / "a.avi",
            "may/dives.csv": b"clip,score\na.avi,50\n",
            "june/a.avi": clips / "b.avi",
            "june/dives.csv": b"clip,score\na.avi,60\n",
        },
    )
    assert take(folder, archive).problems == []
    assert sorted(table_of(folder)) == [("june/a.avi", "60"), ("may/a.avi", "50")]


def test_a_name_of_several_files_is_an_error_of_its_row(clips, folder, tmp_path):
    members = {"x/a.avi": clips / "a.avi", "y/a.avi": clips / "b.avi", "dives.csv": b"clip,score\na.avi,50\n"}
    (problem,) = map(str, take(folder, packed(tmp_path / "club.zip", members)).problems)
    assert problem.startswith("dives.csv, line 2: clip 'a.avi' could be 'x/a.avi' or 'y/a.avi'")
    assert sorted(table_of(folder)) == [("x/a.avi", ""), ("y/a.avi", "")]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_file_and_a_folder_of_one_name_lose_nothing_else(clips, folder, tmp_path, reverse):
    write_video(clips / "c.avi", shade=9)
    members = {
        "a.avi": clips / "a.avi",
        "a.avi/b.avi": clips / "b.avi",
        "c.avi": clips / "c.avi",
        "dives.csv": b"clip,score\na.avi,50\nc.avi,60\n",
    }
    members = dict(reversed(members.items())) if reverse else members
    (problem,) = map(str, take(folder, packed(tmp_path / "club.zip", members)).problems)
    assert "a.avi/b.avi: lies in a folder with the name of another file" in problem
    assert files_of(folder) == {"a.avi", "c.avi", "dives.csv"}
    assert sorted(table_of(folder)) == [("a.avi", "50"), ("c.avi", "60")]


def test_the_labels_of_a_clip_that_is_left_out_do_not_go_to_another(clips, folder, tmp_path):
    take(folder, clips / "a.avi", clips / TABLE)
    members = {"a.avi": clips / "b.avi", "dives.csv": b"clip,score\na.avi,99\n"}
    problems = [str(problem) for problem in take(folder, packed(tmp_path / "second.zip", members)).problems]
    assert "rename the new one" in problems[0]
    assert "dives.csv, line 2: clip 'a.avi' was left out of the import, and this row with it" in problems[1]
    assert table_of(folder)[0] == ("a.avi", "50")


def test_a_workbook_is_a_table_too(clips, folder, tmp_path):
    table = write_workbook(tmp_path / "Meet.xlsx", [["File", "Points"], ["a.avi", 50.5], ["b.avi", "60,25"]])
    assert take(folder, clips / "a.avi", clips / "b.avi", table).problems == []
    assert table_of(folder) == [("a.avi", "50.5"), ("b.avi", "60.25")]
    assert files_of(folder) == {"a.avi", "b.avi", "dives.csv"}


def test_an_unknown_column_is_a_remark_of_the_import(clips, folder, tmp_path):
    table = tmp_path / "meet.csv"
    table.write_text("clip,athlete,score\na.avi,Jane,50\n")
    (remark,) = take(folder, clips / "a.avi", table).problems
    assert remark.is_remark
    assert str(remark).startswith("meet.csv, line 1: the column 'athlete' was passed over")
    assert table_of(folder) == [("a.avi", "50")]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"hello"])
def test_a_broken_zip_is_reported(folder, tmp_path, content):
    path = tmp_path / "broken.zip"
    path.write_bytes(content)
    (problem,) = map(str, take(folder, path).problems)
    assert problem.startswith("broken.zip: cannot be unpacked")


def test_a_truncated_zip_leaves_nothing_half_written(clips, folder, tmp_path):
    archive = packed(tmp_path / "whole.zip", {"a.avi": clips / "a.avi"})
    data = bytearray(archive.read_bytes())
    data[100:200] = bytes(100)  # the member's contents no longer match their checksum
    (tmp_path / "damaged.zip").write_bytes(data)
    (problem,) = map(str, take(folder, tmp_path / "damaged.zip").problems)
    assert problem.startswith("damaged.zip: a.avi: cannot be unpacked")
    assert files_of(folder) == set()


def test_another_file_of_the_same_name_does_not_replace_the_first(clips, folder, tmp_path):
    take(folder, clips / "a.avi")
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "a.avi"
    other.write_bytes((clips / "b.avi").read_bytes())
    (problem,) = map(str, take(folder, other).problems)
    assert "rename the new one" in problem
    assert (folder / "a.avi").read_bytes() == (clips / "a.avi").read_bytes()


def test_a_table_that_cannot_be_read_is_named_and_the_known_one_stays(clips, folder, tmp_path):
    take(folder, clips / "a.avi", clips / TABLE)
    for number, text in enumerate(("name,score\na,1\n", "clip,score\na.avi,1,2,3\n", "\xff\xfe")):
        table = tmp_path / f"broken{number}.csv"
        table.write_bytes(text.encode("latin1"))
        (problem,) = map(str, take(folder, table).problems)
        assert problem.startswith(f"broken{number}.csv")
    assert table_of(folder)[0] == ("a.avi", "50")


def test_the_bad_table_of_the_issue_gets_a_row_for_each_reason(clips, folder):
    """An absent file, a score outside 0 to 120, the same clip twice under two names."""
    (clips / "twin.avi").write_bytes((clips / "a.avi").read_bytes())
    write_rows(
        clips / TABLE,
        [
            make_row("a.avi", dive_code="107B", height="3", score="50"),
            make_row("gone.avi", dive_code="107B", height="3", score="50"),
            make_row("b.avi", dive_code="107B", height="3", score="121"),
            make_row("twin.avi", dive_code="107B", height="3", score="55"),
            make_row("../disk/b.avi", dive_code="107B", height="3", score="55"),
        ],
    )
    assert take(folder, *sorted(clips.iterdir())).problems == []
    result = summarise_dataset(f"clips:{folder}", "regression", 0.2)
    reasons = {one.name: one.reason for one in result.left_out}
    assert "'gone.avi' does not exist" in reasons["dives.csv, line 3"]
    assert "0 to 120 points, not 121" in reasons["dives.csv, line 4"]
    assert "shows the same frames as line 2" in reasons["dives.csv, line 5"]
    assert "leads out of the folder" in reasons["dives.csv, line 6"]
    assert [one.name for one in result.used] == ["a.avi"]
    assert result.error.startswith("There is one scored dive for training")
    assert str(folder) not in " ".join([result.error, *reasons.values()])


def test_a_finediving_folder_whose_pickle_holds_a_program_gets_an_error_and_runs_nothing(tmp_path):
    from fineparser.data.finediving_writer import SimulationJob, write_finediving

    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "harmed",))

    root = tmp_path / "FD"
    write_finediving(SimulationJob(2), root)
    assert summarise_dataset(f"finediving:{root}", "regression", 0.0).used
    (root / "Annotations" / "train_split.pkl").write_bytes(pickle.dumps(Evil()))
    result = summarise_dataset(f"finediving:{root}", "regression", 0.2)
    assert "which no annotation file needs" in result.error
    assert result.used == []
    assert not (tmp_path / "harmed").exists()
