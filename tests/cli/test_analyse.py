"""python -m fineparser analyse, on real files, in the same process."""

import csv
import json
import re
import shutil
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.dive_segments import DiveSegment
from fineparser.cli.analyse import dive_at, is_clip_folder, list_clips
from fineparser.cli.command_line import main
from fineparser.data.dataset_summary import summarise_dataset
from fineparser.data.dives import DataError
from fineparser.data.importer import DatasetImporter
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.domain.phases import Phase
from fineparser.quality_warning import QualityWarning
from fineparser.rendering import results
from fineparser.video.folder_reader import IMAGE_SUFFIXES
from fineparser.video.reader import open_source, probe
from tests.builders import write_workbook
from tests.data.readers.test_clip_folder import write_video
from tests.judgements import with_judgement

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


BAD_ROWS = {
    "a.avi,107X,3,2.4,50,": "'107X' is no dive number",
    "a.avi,105B,4 m,2.4,50,": "'4 m' is no diving height",
    "a.avi,105B,3,hard,50,": "difficulty 'hard' is no number",
    "a.avi,105B,3,2.4,50,1.5": "start_frame '1.5' is no frame number",
    "a.avi,612B,3,,50,": "612B has no degree of difficulty at 3 m",
    "gone.avi,105B,3,2.4,50,": "clip 'gone.avi' does not exist",
    "../a.avi,105B,3,2.4,50,": "leads out of the folder",
    ",105B,3,2.4,50,": "names no clip",
    "a.avi,105B,3,2,4,50,0,": "has more fields than the 6 columns",
}


@pytest.mark.parametrize("row", BAD_ROWS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_bad_row_gets_the_same_sentence_in_an_analysis_a_training_and_the_train_tab(tmp_path, row, encoding):
    folder = tmp_path / "clips"
    folder.mkdir()
    write_video(folder / "a.avi")
    (folder / "dives.csv").write_text(f"Clip,Dive Code,Height,DD,Score,Start Frame\n{row}\n", encoding=encoding)
    with pytest.raises(DataError) as caught:
        read_clip_folder(folder)
    sentence = str(caught.value).removeprefix(f"{folder}/").removesuffix(" (--skip-broken goes on without it)")
    assert sentence.startswith("dives.csv, line 2: ")
    assert BAD_ROWS[row] in sentence
    problems = [clip.problem.removeprefix(f"{folder}/") for clip in list_clips(folder) if clip.problem]
    assert problems == [sentence]
    collection = tmp_path / "collection"
    intake = DatasetImporter(collection)
    intake.add(sorted(folder.iterdir()))
    left_out = summarise_dataset(f"clips:{collection}", "everything", 0.0).left_out
    found = {str(problem) for problem in intake.problems} | {f"{one.name}: {one.reason}" for one in left_out}
    assert sentence in found


def test_a_workbook_names_the_clips_and_unknown_columns_are_noted(tmp_path, capsys):
    folder = tmp_path / "clips"
    folder.mkdir()
    write_video(folder / "a.avi")
    table = write_workbook(
        folder / "dives.xlsx", [["Clip", "Dive", "Board", "Coach", "Start Frame"], ["A.AVI", "105B", "3m", "Jo", 2.0]]
    )
    assert is_clip_folder(folder)
    for given in (None, table):
        (clip,) = list_clips(folder, given)
        assert (clip.clip, clip.code, clip.height, clip.first) == (folder / "a.avi", "105B", "3", 2)
        assert clip.problem == ""
        assert "note: " in (noted := capsys.readouterr().err)
        assert "dives.xlsx, line 1: the column 'Coach' was passed over" in noted


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


@pytest.fixture
def judgements(monkeypatch):
    """Analyses that end in `make_judgement` of the standard that was asked for; the weights here are untrained."""
    analyse = DiveAnalyser.analyse

    def judge(analyser, clip, code=None, height=None, options=None, **more):
        report = analyse(analyser, clip, code, height, options, **more)
        return report if report.total is None else with_judgement(report, standard=options.standard, **fields)

    fields = {}
    monkeypatch.setattr(DiveAnalyser, "analyse", judge)
    return fields


def test_a_judgement_is_printed_with_its_faults_line_by_line(clip, checkpoint, tmp_path, judgements, capsys):
    dive = [*arguments(clip, checkpoint, tmp_path), "--code", "103B", "--height", "3", "--standard", "club"]
    assert main(dive) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:9] == [
        "103B (forward 1 1/2 somersaults, pike), 3 m, difficulty 1.6: 39 points (33 to 45 in 8 of 10), "
        "mean award 8.1 (6.8 to 9.4)",
        "  Take-off 8.5 (+0.2 against a typical dive)",
        "    low take-off, 1.2 m above the board \u22120.2 (frame 26)",
        "  Flight 8.8 (+0.6 against a typical dive)",
        "    loose pike, 62\u00b0 at the hips \u22120.2 (frame 30)",
        "  Entry 7.5 (\u22120.1 against a typical dive)",
        "    8\u00b0 over \u22120.6 (frame 41)",
        "    splash 0.6 m high \u22120.4 (frame 47)",
        "    hips bent 14\u00b0 at the entry \u22120.1 (frame 41)",
    ]
    assert lines[9].startswith("Not calibrated to real judges: on 9 real dives")
    assert lines[10].startswith("Judged as: club.")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["total"]["value"], report["judgement"]["standard"]) == (39, "club")


def test_where_the_clip_tells_little_no_points_are_printed(clip, checkpoint, tmp_path, judgements, capsys):
    judgements["is_uninformative"] = True
    assert main([*arguments(clip, checkpoint, tmp_path), "--code", "103B", "--height", "3"]) == 0
    output = capsys.readouterr().out
    assert "difficulty 1.6: This clip tells little about the score" in output
    assert "points" not in output


def test_the_summary_has_awards_faults_and_the_standard_of_each_row(folder, checkpoint, tmp_path, judgements, capsys):
    (folder / "dives.csv").write_text("clip,dive_code,height,standard\none.mp4,103B,3,national\ntwo.mp4,103B,3,\n")
    (folder / "broken.mp4").unlink()
    out = tmp_path / "out"
    assert main([*arguments(folder, checkpoint, out), "--standard", "club"]) == 0
    assert "one.mp4: 103B 39 (33 to 45)" in capsys.readouterr().out
    rows = summary(out)
    assert [row["standard"] for row in rows.values()] == ["national", "club"]
    row = rows["one.mp4"]
    assert [row[name] for name in ("total", "low", "high", "award", "award_low", "award_high", "execution")] == [
        "39", "33", "45", "8.1", "6.8", "9.4", ""
    ]  # fmt: skip
    assert row["faults"] == "entry -0.6; splash -0.4; low -0.2; loose -0.2; bent_entry -0.1"
    assert row["no_score"] == ""


def test_the_summary_says_where_a_clip_tells_little(folder, checkpoint, tmp_path, judgements):
    judgements["is_uninformative"] = True
    (folder / "broken.mp4").unlink()
    (folder / "two.mp4").unlink()
    (folder / "dives.csv").write_text("clip,dive_code,height\none.mp4,103B,3\n")
    assert main(arguments(folder, checkpoint, tmp_path / "out")) == 0
    row = summary(tmp_path / "out")["one.mp4"]
    assert (row["total"], row["award"]) == ("", "")
    assert "tells little" in row["no_score"]


RANGES = ((0, 20), (15, 40), (30, 49))
"""Frames of the dives in `session`: the third is a replay of the first."""


@pytest.fixture
def session(clip, tmp_path, monkeypatch):
    """A recording of two dives and a replay; the untrained network of these tests would find none."""

    def find_dives(analyser, recording, *, limits=None, progress=None):
        dives = []
        for number, (first, last) in enumerate(RANGES, 1):
            proposal = replace(analyser.propose(recording, first, last), dive=number, dives=3)
            evidence = SimpleNamespace(confidence=0.9, begins_in_air=number == 2, ends_in_air=False)
            replay_of = 1 if number == 3 else None
            dives.append(DiveSegment(number=number, proposal=proposal, evidence=evidence, replay_of=replay_of))
        return tuple(dives)

    monkeypatch.setattr(DiveAnalyser, "find_dives", find_dives)
    return shutil.copy(clip, tmp_path / "session.mp4")


def rows_by_folder(out):
    with (out / "summary.csv").open(newline="") as file:
        return {row["folder"]: row for row in csv.DictReader(file)}


def test_the_dives_of_a_recording_are_listed(session, checkpoint, capsys):
    assert main(["analyse", str(session), "--list", "--checkpoint", str(checkpoint)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "session.mp4: 2 dives and 1 replay",
        "  1  0:00.0 to 0:00.7  confidence high (90%)",
        "  2  0:00.5 to 0:01.3  confidence high (90%)  begins in the air",
        "  3  0:01.0 to 0:01.6  confidence high (90%)  replay of dive 1",
    ]


def test_every_live_dive_gets_its_folder_and_a_line(session, checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    more = ["--all", "--code", "103B", "--height", "3", "--zip"]
    assert main([*arguments(session, checkpoint, out), *more]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert re.fullmatch(r"session.mp4, dive 1, 0:00.0 to 0:00.7: 103B [\d.]+ \([\d.]+ to [\d.]+\)", lines[0])
    assert lines[2].startswith("2 of 2 dives analysed")
    rows = rows_by_folder(out)
    assert list(rows) == ["dive-1", "dive-2"]
    assert [(row["dive"], row["time"], row["remarks"]) for row in rows.values()] == [
        ("1", "0:00.0 to 0:00.7", ""),
        ("2", "0:00.5 to 0:01.3", "begins in the air"),
    ]
    report = json.loads((out / "dive-2" / "report.json").read_text())
    assert (report["clip"]["first_frame"], report["clip"]["last_frame"], report["dive"]) == (15, 40, 2)
    with zipfile.ZipFile(out / "results.zip") as archive:
        assert {"dive-1/report.json", "dive-2/report.json", "summary.csv"} <= set(archive.namelist())


@pytest.mark.parametrize(("which", "frames"), [("2", (15, 40)), ("0:00.1", (0, 20)), ("3", (30, 49))])
def test_one_dive_of_a_recording(session, checkpoint, tmp_path, which, frames):
    out = tmp_path / "out"
    assert main([*arguments(session, checkpoint, out), "--dive", which]) == 0
    report = json.loads((out / "report.json").read_text())["clip"]
    assert (report["first_frame"], report["last_frame"]) == frames


def test_a_table_names_dives_by_number_and_time(session, checkpoint, tmp_path):
    table = tmp_path / "meet.csv"
    lines = [
        "clip,session_dive,dive_code,height",
        "session.mp4,2,103B,3",
        "session.mp4,0:01.6,103B,1",
        "session.mp4,9,,",
    ]
    table.write_text("\n".join(lines))
    out = tmp_path / "out"
    assert main([*arguments(session, checkpoint, out), "--table", str(table)]) == 1
    with (out / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["dive"], row["first_frame"], row["height"]) for row in rows] == [
        ("2", "15", "3"),
        ("3", "30", "1"),
        ("9", "", ""),
    ]
    assert "no dive 9" in rows[2]["problem"]


def test_every_dive_of_every_clip_of_a_folder(session, checkpoint, tmp_path):
    folder, out = tmp_path / "training", tmp_path / "out"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(session, folder / name)
    assert main([*arguments(folder, checkpoint, out), "--all"]) == 0
    assert list(rows_by_folder(out)) == ["a-dive-1", "a-dive-2", "b-dive-1", "b-dive-2"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--dive", "4"], "no dive 4"),
        (["--dive", "9:00"], "no dive at 9:00: the clip has 2 dives and 1 replay"),
        (["--dive", "last"], "the dive is 'last': give its number, or a time such as 3:25"),
        (["--dive", "1:x"], "the time is '1:x'"),
        (["--dive", "1", "--all"], "exclude each other"),
        (["--dive", "1", "--first", "3"], "leave out --first and --last, or --dive"),
        (["--all", "--last", "30"], "trim a single dive"),
        (["--all", "--code", "107A", "--height", "3"], "Nearest: 107B"),
    ],
)
def test_impossible_choices_of_dives_end_in_a_sentence(session, checkpoint, tmp_path, capsys, more, reason):
    assert main([*arguments(session, checkpoint, tmp_path / "out"), *more]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_results_need_a_folder(session, capsys):
    assert main(["analyse", str(session)]) == 2
    assert "add --out DIR" in capsys.readouterr().err


def test_a_time_of_a_spreadsheet_means_minutes():
    info = SimpleNamespace(seconds=float, duration=600.0)
    dive = SimpleNamespace(first=200, last=210, proposal=SimpleNamespace(scan=SimpleNamespace(info=info)))
    assert dive_at([dive], "3:25") is dive_at([dive], "03:25:00") is dive


def test_without_a_dive_there_is_no_score_unless_forced(checkpoint, tmp_path, monkeypatch, clip, capsys):
    """The reasons of trained weights, on the tiny network."""
    evidence = SimpleNamespace(no_score=(QualityWarning("no_fall", {"drop": 0.1}),), missing_phases=(Phase.TAKE_OFF,))
    monkeypatch.setattr(DiveAnalyser, "_evidence", lambda *_: evidence)
    dive = [*arguments(clip, checkpoint, tmp_path / "out"), "--code", "103B", "--height", "3"]
    assert main(dive) == 0
    output = capsys.readouterr()
    assert "No score: nobody in the clip falls from a board to the water. --force scores it anyway." in output.out
    assert "The clip begins in the air" in output.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["total"], report["forced"], report["no_score"][0]["code"]) == (None, False, "no_fall")
    assert {"masks.npz", "overlay.mp4", "report.html"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert main([*dive, "--force"]) == 0
    output = capsys.readouterr().out
    assert "points (" in output
    assert "Scored on request: normally there is no score, as nobody" in output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["total"] is not None
    assert report["forced"]
    assert list(report["breakdown"]["by_phase"]) == ["flight", "entry"]


def test_measurements_are_drawn_in_the_overlay_on_request(clip, checkpoint, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(results, "write_overlay", lambda report, path, options: drawn.append(options.markings))
    base = ["analyse", str(clip), "--checkpoint", str(checkpoint), "--out", str(tmp_path)]
    assert main([*base, "--overlay", "skeleton", "angle"]) == 0
    assert main(base) == 0
    assert drawn == [("skeleton", "angle"), ()]
