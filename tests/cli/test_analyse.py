"""python -m fineparser analyse, on real files, in the same process."""

import json
import zipfile

import cv2
import numpy as np
import pytest

from fineparser.cli.command_line import main
from fineparser.video.reading import open_source, probe


def test_analyse_writes_report_overlay_and_masks(clip, checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    exemplars = str(checkpoint / "bank.safetensors")
    dive = ["--code", "103b", "--height", "3", "--checkpoint", str(checkpoint), "--bank", exemplars]
    code = main(["analyse", str(clip), "--out", str(out), *dive])
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "103B (forward 1 1/2 somersaults, pike), 3 m, difficulty 1.6" in told.out
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
def test_what_cannot_be_ends_in_a_sentence(clip, checkpoint, tmp_path, capsys, arguments, reason):
    base = ["analyse", str(clip), "--out", str(tmp_path / "out")]
    if "--checkpoint" not in arguments:
        base += ["--checkpoint", str(checkpoint)]
    assert main(base + arguments) == 2
    told = capsys.readouterr().err
    assert "error: " in told
    assert reason in told
    assert not (tmp_path / "out").exists()


def test_a_broken_clip_ends_in_a_sentence(checkpoint, tmp_path, capsys):
    (tmp_path / "dive.mp4").write_text("not a video")
    arguments = ["analyse", str(tmp_path / "dive.mp4"), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--checkpoint", str(checkpoint)]) == 2
    assert "dive.mp4" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_middle_of_the_picture_and_everything_in_one_zip(clip, checkpoint, tmp_path):
    out = tmp_path / "out"
    arguments = ["--checkpoint", str(checkpoint), "--window", "centre", "--first", "3", "--last", "45", "--zip"]
    assert main(["analyse", str(clip), "--out", str(out), *arguments]) == 0
    with zipfile.ZipFile(out / "results.zip") as archive:
        report = json.loads(archive.read("report.json"))
    assert (report["clip"]["first_frame"], report["clip"]["last_frame"]) == (3, 45)
    with np.load(out / "masks.npz") as masks:
        assert not masks["mask"][:, :, :26].any()  # the middle 56% of 120 columns begin at the 27th
