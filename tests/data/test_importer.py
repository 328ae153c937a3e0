"""What is handed over: taken in where it can be, named with the reason where it cannot, and never harmful."""

import os
import pickle
import stat
import zipfile
from pathlib import Path

import pytest

from fineparser.data.dataset_summary import summarise_dataset
from fineparser.data.dives import ProblemLog
from fineparser.data.importer import DatasetImporter, list_clips
from fineparser.data.readers.clip_folder import TABLE, make_row, write_rows
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
    from fineparser.data.readers.clip_folder import read_rows

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
    for number, text in enumerate(("name,points\na,1\n", "clip,score\na.avi,1,2,3\n", "\xff\xfe")):
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
