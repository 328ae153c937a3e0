"""python -m fineparser evaluate."""

import torch

from fineparser.cli.command_line import main


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
