"""A folder of clips: found, named, analysed one after the other and side by side."""

import csv
import json
import shutil
import zipfile

import pytest

from fineparser.cli.clip_batch import assignments, is_clip_folder
from fineparser.cli.command_line import main
from fineparser.video.picture_file import PICTURE_SUFFIXES


@pytest.fixture
def folder(clip, tmp_path):
    """Two good clips, a broken one, and a table with a row for each and one for a clip that is not there."""
    root = tmp_path / "clips"
    root.mkdir()
    for name in ("one.mp4", "two.mp4"):
        shutil.copy(clip, root / name)
    (root / "broken.mp4").write_text("not a video")
    (root / "notes.txt").write_text("the table is from the meet")
    (root / "dives.csv").write_text(
        "clip,dive_code,height,start_frame,end_frame\none.mp4,103B,3,5,44\nabsent.mp4,103B,3,,\nbroken.mp4,103B,3,,\n"
    )
    return root


def summary(out):
    with (out / "summary.csv").open(newline="") as file:
        return {row["clip"]: row for row in csv.DictReader(file)}


def arguments(folder, checkpoint, out):
    bank = str(checkpoint / "bank.safetensors")
    return ["analyse", str(folder), "--out", str(out), "--checkpoint", str(checkpoint), "--bank", bank]


def test_a_broken_clip_gets_a_row_and_the_others_their_results(folder, checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(arguments(folder, checkpoint, out)) == 1
    told = capsys.readouterr()
    assert "2 of 4 clips analysed" in told.out
    assert "absent.mp4: dives.csv, line 3" in told.err
    rows = summary(out)
    assert list(rows) == ["one.mp4", "absent.mp4", "broken.mp4", "two.mp4"]
    one = rows["one.mp4"]
    assert (one["dive_code"], one["height"], one["first_frame"], one["last_frame"]) == ("103B", "3", "5", "44")
    report = json.loads((out / one["folder"] / "report.json").read_text())
    assert float(one["total"]) == report["total"]["value"]
    assert int(one["entry_frame"]) == report["transitions"]["entry"]["frame"]
    assert rows["two.mp4"]["total"] == ""
    assert "no score" in rows["two.mp4"]["warnings"]
    assert (out / "two" / "overlay.mp4").is_file()
    assert "does not exist" in rows["absent.mp4"]["problem"]
    assert "broken.mp4" in rows["broken.mp4"]["problem"]
    assert not (out / "broken").exists()


def test_two_at_once_give_the_same_and_all_in_one_zip(folder, checkpoint, tmp_path):
    (folder / "broken.mp4").unlink()
    (folder / "dives.csv").unlink()
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert main([*arguments(folder, checkpoint, alone)]) == 0
    assert main([*arguments(folder, checkpoint, together), "--jobs", "2", "--zip"]) == 0
    assert summary(alone) == summary(together)
    with zipfile.ZipFile(together / "results.zip") as archive:
        names = set(archive.namelist())
        assert archive.testzip() is None
    assert {"summary.csv", "one/report.json", "one/overlay.mp4", "two/masks.npz"} <= names


def test_a_table_elsewhere_names_the_clips(folder, tmp_path):
    table = tmp_path / "meet.csv"
    table.write_text("clip,dive_code,height\ntwo.mp4,207C,10\n../one.mp4,207C,10\ntwo.mp4,103B,3\n")
    found = assignments(folder, table)
    assert [one.name for one in found] == ["two", "one", "two-2", "broken", "one-2"]
    assert (found[0].code, found[0].height) == ("207C", "10")
    assert "leads out of the folder" in found[1].problem
    assert (found[2].code, found[2].problem) == ("103B", "")
    assert found[4].code is None


def test_a_row_that_is_no_dive_is_told_and_its_line(folder):
    (folder / "dives.csv").write_text("clip,start_frame\none.mp4,soon\n,7\n")
    found = assignments(folder)
    assert "dives.csv, line 2" in found[0].problem
    assert "names no clip" in found[1].problem


def test_frames_of_one_clip_are_no_folder_of_clips(folder, tmp_path):
    assert is_clip_folder(folder)
    frames = tmp_path / "frames"
    frames.mkdir()
    (frames / f"0001{PICTURE_SUFFIXES[0]}").touch()
    assert not is_clip_folder(frames)
    assert not is_clip_folder(folder / "one.mp4")


@pytest.mark.parametrize(
    ("more", "reason"),
    [(["--code", "103B"], "name it in a table"), (["--jobs", "0"], "--jobs is 0"), (["--table", "no.csv"], "no.csv")],
)
def test_what_does_not_go_with_a_folder_is_told(folder, checkpoint, tmp_path, capsys, more, reason):
    assert main([*arguments(folder, checkpoint, tmp_path / "out"), *more]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
