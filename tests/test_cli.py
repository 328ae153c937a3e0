"""The command line on real files, in the same process."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from fineparser.analysis.simulated_exemplars import simulated_bank
from fineparser.cli import main
from fineparser.data.finediving import read_finediving
from fineparser.domain.dive_code import DiveCode
from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.model.reference_weights import reference_place
from fineparser.video.reading import open_source, probe
from fineparser.video.writing import write_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    frames = np.full((50, 90, 120, 3), 60, np.uint8)
    for number, frame in enumerate(frames):
        frame[number : number + 30, 50:70] = (220, 180, 150)
    path = tmp_path_factory.mktemp("clip") / "dive.mp4"
    write_video(path, frames, 30000 / 1001)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny network with a bank of two exemplars, on disk."""
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(0)
    model = FineParser(replace(FineParserConfig.tiny(), image_size=112)).eval()
    model.save_pretrained(folder)
    simulated_bank(model, [(DiveCode.parse("103B"), 3.0)], 2).save(folder / "bank.safetensors")
    return folder


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


def test_import_checkpoint(tmp_path, capsys):
    torch.manual_seed(0)
    paper = FineParser(FineParserConfig.paper())
    state: dict = {}
    for name, value in paper.state_dict().items():
        module, parameter = reference_place(name)
        state.setdefault(module, {})[parameter] = value
    torch.save(state, tmp_path / "best.pth")
    assert main(["import-checkpoint", str(tmp_path / "best.pth"), "--out", str(tmp_path / "out")]) == 0
    again = FineParser.from_pretrained(tmp_path / "out")
    assert again.config == FineParserConfig.paper()
    assert again.fingerprint() == paper.fingerprint()
    torch.save({"colour": torch.zeros(1)}, tmp_path / "other.pth")
    assert main(["import-checkpoint", str(tmp_path / "other.pth"), "--out", str(tmp_path / "o")]) == 2
    assert "missing, first base_model/backbone.conv3d_1a_7x7.conv3d.weight" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["import-checkpoint", "--out", str(tmp_path)])


def test_simulate_writes_what_the_reader_reads(tmp_path, capsys):
    out = tmp_path / "dives"
    assert main(["simulate", "--count", "3", "--out", str(out), "--seed", "5", "--codes", "101B", "103C"]) == 0
    dives = read_finediving(out)
    assert len(dives) == 3
    assert {str(dive.code) for dive in dives} <= {"101B", "103C"}
    assert all(dive.has_masks for dive in dives)
    assert "3 dives" in capsys.readouterr().out
    assert main(["simulate", "--count", "3", "--out", str(tmp_path / "no"), "--codes", "107A"]) == 2
    assert "107A" in capsys.readouterr().err


def test_train_then_evaluate(tmp_path, capsys):
    run = tmp_path / "run"
    config = tmp_path / "small.json"
    config.write_text(json.dumps(replace(FineParserConfig.tiny(), image_size=112).to_json()))
    numbers = ["--batch-size", "2", "--max-steps", "1", "--validation-limit", "2", "--no-progress"]
    assert main(["train", "--data", "syndive:4", "--config", str(config), "--out", str(run), *numbers]) == 0
    told = capsys.readouterr().out
    assert "after 1 steps" in told
    checkpoint = next(run.rglob("model.safetensors")).parent
    assert FineParser.from_pretrained(checkpoint).provenance.trained
    out = tmp_path / "numbers.json"
    arguments = ["--checkpoint", str(checkpoint), "--out", str(out), "--exemplars", "1", "--limit", "2"]
    assert main(["evaluate", "--data", "syndive:4", "--resamples", "20", "--no-progress", *arguments]) == 0
    assert out.is_file()
    assert out.with_suffix(".csv").is_file()


def test_bench_prints_numbers_and_keeps_them(tmp_path, capsys):
    assert main(["bench", "simulate", "--clips", "1", "--json", str(tmp_path / "speed.json")]) == 0
    kept = json.loads((tmp_path / "speed.json").read_text())
    assert kept["clips_a_second"] == pytest.approx(1 / kept["seconds"])
    assert json.loads(capsys.readouterr().out) == kept


def test_default_weights_that_are_not_there_are_missed_for_measuring(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fineparser.analysis.analyser.BUNDLED_WEIGHTS", tmp_path / "nothing")
    assert main(["evaluate", "--data", "syndive:4", "--out", str(tmp_path / "numbers.json")]) == 2
    assert "no trained weights" in capsys.readouterr().err.lower()
