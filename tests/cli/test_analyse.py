"""python -m fineparser analyse, on real files, in the same process."""

import csv
import json
import shutil
import zipfile

import cv2
import numpy as np
import pytest

from fineparser.cli.analyse import is_clip_folder, list_clips
from fineparser.cli.command_line import main
from fineparser.video.folder_reader import IMAGE_SUFFIXES
from fineparser.video.reader import open_source, probe

pytestmark = pytest.mark.slow


def test_analyse_writes_report_overlay_and_masks(clip, checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    exemplars = str(checkpoint / "bank.safetensors")
    dive = ["--code", "103b", "--height", "3", "--checkpoint", str(checkpoint), "--bank", exemplars]
    code = main(["analyse", str(clip), "--out", str(out), *dive])
    output = capsys.readouterr()
    assert code == 0, output.err
    assert "103B (forward 1 1/2 somersaults, pike), 3 m, difficulty 1.6" in output.out
    assert {"masks.npz", "overlay.mp4", "report.json", "report.html"} <= {path.name for path in out.iterdir()}
    report = json.loads((out / "report.json").read_text())
    assert report["total"]["low"] <= report["total"]["value"] <= report["total"]["high"]
    assert len(report["votes"]) == 2
    overlay, source = probe(out / "overlay.mp4"), probe(clip)
    assert (overlay.width, overlay.height, overlay.frame_count) == (source.width, source.height, source.frame_count)
    assert overlay.fps == pytest.approx(source.fps)
    with np.load(out / "masks.npz") as masks:
        assert masks["frame_number"].shape == (96,)
        assert masks["mask"].shape == (96, 90, 120)
        assert masks["mask"].dtype == bool


def test_the_overlay_shows_the_mask_over_the_source(clip, checkpoint, tmp_path):
    arguments = ["analyse", str(clip), "--out", str(tmp_path), "--checkpoint", str(checkpoint)]
    assert main(arguments) == 0
    with np.load(tmp_path / "masks.npz") as masks:
        mask = masks["mask"][48]
        number = int(masks["frame_number"][48])
    with open_source(clip) as before, open_source(tmp_path / "overlay.mp4") as after:
        change = np.abs(after.read([number])[0].astype(int) - before.read([number])[0]).max(-1)
    far = ~cv2.dilate(mask.astype(np.uint8), np.ones((13, 13))).astype(bool)  # clear of the outline
    assert 100 < far.sum() < mask.size - 100
    assert np.median(change[far]) <= 6  # what encoding changes
    assert change[mask].mean() > np.median(change[far]) + 10


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--code", "107A", "--height", "3"], "Nearest"),
        (["--code", "103B", "--height", "4"], "4"),
        (["--first", "9", "--last", "3"], "9 to 3"),
        (["--checkpoint", "no/such/folder/here"], "neither a folder here"),
        (["--bank", "nowhere.safetensors"], "there is no exemplar bank nowhere.safetensors"),
    ],
)
def test_unusable_input_ends_in_a_sentence(clip, checkpoint, tmp_path, capsys, arguments, reason):
    base = ["analyse", str(clip), "--out", str(tmp_path / "out")]
    if "--checkpoint" not in arguments:
        base += ["--checkpoint", str(checkpoint)]
    assert main(base + arguments) == 2
    output = capsys.readouterr().err
    assert "error: " in output
    assert reason in output
    assert not (tmp_path / "out").exists()


def test_a_broken_clip_ends_in_a_sentence(checkpoint, tmp_path, capsys):
    (tmp_path / "dive.mp4").write_text("not a video")
    arguments = ["analyse", str(tmp_path / "dive.mp4"), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--checkpoint", str(checkpoint)]) == 2
    assert "dive.mp4" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_middle_of_the_picture_and_everything_in_one_zip(clip, checkpoint, tmp_path):
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(checkpoint), "--crop", "centre", "--first", "3", "--last", "45", "--zip"]
    assert main(["analyse", str(clip), "--out", str(out), *arguments]) == 0
    with zipfile.ZipFile(out / "results.zip") as archive:
        report = json.loads(archive.read("report.json"))
    assert (report["clip"]["first_frame"], report["clip"]["last_frame"]) == (3, 45)
    with np.load(out / "masks.npz") as masks:
        assert not masks["mask"][:, :, :26].any()  # the middle 56% of 120 columns begin at the 27th


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
    output = capsys.readouterr()
    assert "2 of 4 clips analysed" in output.out
    assert "absent.mp4: dives.csv, line 3" in output.err
    rows = summary(out)
    assert list(rows) == ["one.mp4", "absent.mp4", "broken.mp4", "two.mp4"]
    one = rows["one.mp4"]
    assert (one["dive_code"], one["height"], one["first_frame"], one["last_frame"]) == ("103B", "3", "5", "44")
    report = json.loads((out / one["folder"] / "report.json").read_text())
    assert float(one["total"]) == report["total"]["value"]
    assert int(one["entry_frame"]) == report["transitions"]["entry"]["frame"]
    assert rows["two.mp4"]["total"] == ""
    assert "No score without" in rows["two.mp4"]["warnings"]
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
    clips = list_clips(folder, table)
    assert [one.name for one in clips] == ["two", "one", "two-2", "broken", "one-2"]
    assert (clips[0].code, clips[0].height) == ("207C", "10")
    assert "leads out of the folder" in clips[1].problem
    assert (clips[2].code, clips[2].problem) == ("103B", "")
    assert clips[4].code is None


def test_an_unusable_row_is_reported_with_its_line(folder):
    (folder / "dives.csv").write_text("clip,start_frame\none.mp4,soon\n,7\n")
    clips = list_clips(folder)
    assert "dives.csv, line 2" in clips[0].problem
    assert "names no clip" in clips[1].problem


def test_frames_of_one_clip_are_no_folder_of_clips(folder, tmp_path):
    assert is_clip_folder(folder)
    frames = tmp_path / "frames"
    frames.mkdir()
    (frames / f"0001{IMAGE_SUFFIXES[0]}").touch()
    assert not is_clip_folder(frames)
    assert not is_clip_folder(folder / "one.mp4")


@pytest.mark.parametrize(
    ("more", "reason"),
    [(["--code", "103B"], "put it in a table"), (["--jobs", "0"], "--jobs is 0"), (["--table", "no.csv"], "no.csv")],
)
def test_options_of_single_clips_are_refused(folder, checkpoint, tmp_path, capsys, more, reason):
    assert main([*arguments(folder, checkpoint, tmp_path / "out"), *more]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
