"""python -m fineparser evaluate."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fineparser.cli.command_line import main, parser
from fineparser.cli.evaluate import run
from fineparser.exemplars.voting_result import ScoreEstimate
from fineparser.model.checkpoint import Provenance
from fineparser.scoring.award_model import AwardModel


def test_missing_default_weights_are_an_error(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fineparser.analysis.analyser.BUNDLED_WEIGHTS", tmp_path / "nothing")
    assert main(["evaluate", "--data", "syndive:4", "--out", str(tmp_path / "numbers.json")]) == 2
    assert "nothing' is neither a folder" in capsys.readouterr().err


def test_the_inference_copy_is_made_for_the_device_that_measures(tmp_path, capsys, monkeypatch):
    """A copy made for the CPU does not run on a GPU."""
    arguments = {}

    def from_pretrained(checkpoint, bank, device, *, precision):
        arguments.update(device=device, precision=precision)
        raise ValueError("reached")

    monkeypatch.setattr("fineparser.training.devices.device_for", lambda device: torch.device("cuda", 1))
    monkeypatch.setattr("fineparser.analysis.analyser.DiveAnalyser.from_pretrained", from_pretrained)
    out = ["--out", str(tmp_path / "numbers.json")]
    assert main(["evaluate", "--data", "syndive:4", "--precision", "auto", *out]) == 2
    assert "reached" in capsys.readouterr().err
    assert arguments == {"device": "cuda:1", "precision": "auto"}


class FakeAnalyser:
    """An analyser for which every dive is worth an award of 6."""

    judges_measurements = True
    bank = None
    award_model = AwardModel(np.zeros((1, 13)), np.eye(1), {}, (0.3, 0.4, 0.3), 100)
    model = SimpleNamespace(provenance=Provenance("fake", ("SynDive 100",)))

    def prepare(self):
        pass

    def fingerprint(self):
        return "fake"

    def propose(self, clip, first=None, last=None):
        assert clip.is_file()

    def analyse(self, clip, code, height, options):
        return SimpleNamespace(judgement=None, execution=ScoreEstimate(18.0, 15.0, 21.0), no_score=())


@pytest.fixture
def loaded(monkeypatch):
    """Arguments with which an analyser was loaded."""
    arguments = {}

    def from_pretrained(checkpoint, bank, device, *, precision):
        arguments.update(checkpoint=checkpoint, bank=bank)
        return FakeAnalyser()

    monkeypatch.setattr("fineparser.analysis.analyser.DiveAnalyser.from_pretrained", from_pretrained)
    return arguments


def test_scored_clips_are_compared_with_the_judges(tmp_path, capsys, clip, loaded):
    copies = [shutil.copy(clip, tmp_path / f"meet_{number}.mp4") for number in (1, 2)]
    Path(copies[1]).write_bytes(Path(copies[1]).read_bytes() + b"\0" * 64)  # the same clip must not count twice
    (tmp_path / "dives.csv").write_text("clip,dive_code,height,score\nmeet_1.mp4,103B,3,24\nmeet_2.mp4,103B,3,30\n")
    out = tmp_path / "numbers.json"
    arguments = ["--data", f"clips:{tmp_path}", "--out", str(out), "--resamples", "0", "--no-votes"]
    assert main(["evaluate", *arguments]) == 0
    printed = capsys.readouterr()
    assert loaded == {"checkpoint": "default", "bank": None}
    assert "2 scored dives, 2 with a prediction: 2 meet" in printed.out
    values = json.loads((tmp_path / "numbers.scores.json").read_text())
    assert values["predictions"][0]["award"] == pytest.approx(24 / (3 * 1.6))
    assert values["statistics"]["prediction"]["bias"]["value"] == pytest.approx(6 - 27 / (3 * 1.6))
    assert (tmp_path / "numbers.scores.csv").is_file()
    assert "meet_1.mp4: judges 5.00, predicted 6.00" in printed.err


def test_simulated_dives_are_rendered_and_analysed(tmp_path, capsys, loaded, monkeypatch):
    monkeypatch.setattr(
        "fineparser.data.simulated_clips.write_simulated_clip", lambda plan, path: path.write_bytes(b"clip") and path
    )
    arguments = ["--data", "syndive:2:5", "--scores", "--resamples", "0", "--no-votes", "--no-progress"]
    assert main(["evaluate", *arguments, "--panel", "-1", "1", "--out", str(tmp_path / "panel.json")]) == 0
    assert main(["evaluate", *arguments, "--out", str(tmp_path / "same.json")]) == 0
    panel, same = (
        json.loads((tmp_path / f"{name}.scores.json").read_text())["predictions"] for name in ("panel", "same")
    )
    assert [one["clip"] for one in panel] == [one["clip"] for one in same]
    assert all(one["is_standard_stated"] for one in same)
    for moved, one in zip(panel, same, strict=True):
        assert moved["award"] == pytest.approx(max(one["award"] - 1, 0.5), abs=1e-6)
    assert len(list((tmp_path / "same").glob("clips-*/*.mp4"))) == 2


def test_weights_whose_exemplars_vote_are_measured_by_the_voting_protocol(tmp_path, loaded, monkeypatch):
    """Also those named by a folder, which evaluate in training's precision."""
    monkeypatch.setattr(FakeAnalyser, "judges_measurements", False)

    def measure(options, bank, model):
        assert (bank, model) == (None, None)
        raise ValueError("reached")

    monkeypatch.setattr("fineparser.training.evaluator.evaluate", measure)
    with pytest.raises(ValueError, match="reached"):
        run(parser("evaluate").parse_args(["evaluate", "--data", f"clips:{tmp_path}", "--checkpoint", "folder"]))


def test_scores_of_other_sources_are_refused(capsys):
    assert main(["evaluate", "--data", "finediving:somewhere", "--scores"]) == 2
    assert "--scores takes clips:FOLDER and syndive:COUNT, not finediving:somewhere" in capsys.readouterr().err
