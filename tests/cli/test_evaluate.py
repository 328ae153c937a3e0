"""python -m fineparser evaluate."""

import torch

from fineparser.cli.command_line import main


def test_default_weights_that_are_not_there_are_missed_for_measuring(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fineparser.analysis.analyser.BUNDLED_WEIGHTS", tmp_path / "nothing")
    assert main(["evaluate", "--data", "syndive:4", "--out", str(tmp_path / "numbers.json")]) == 2
    assert "no trained weights" in capsys.readouterr().err.lower()


def test_the_inference_copy_is_made_for_the_device_that_measures(tmp_path, capsys, monkeypatch):
    """One that is made for the processor runs nowhere else."""
    asked = {}

    def from_pretrained(checkpoint, bank, device, *, precision):
        asked.update(device=device, precision=precision)
        raise ValueError("seen")

    monkeypatch.setattr("fineparser.training.machine.device_for", lambda device: torch.device("cuda", 1))
    monkeypatch.setattr("fineparser.analysis.analyser.DiveAnalyser.from_pretrained", from_pretrained)
    out = ["--out", str(tmp_path / "numbers.json")]
    assert main(["evaluate", "--data", "syndive:4", "--precision", "auto", *out]) == 2
    assert "seen" in capsys.readouterr().err
    assert asked == {"device": "cuda:1", "precision": "auto"}
