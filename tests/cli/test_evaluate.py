"""python -m fineparser evaluate."""

from fineparser.cli.command_line import main


def test_default_weights_that_are_not_there_are_missed_for_measuring(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fineparser.analysis.analyser.BUNDLED_WEIGHTS", tmp_path / "nothing")
    assert main(["evaluate", "--data", "syndive:4", "--out", str(tmp_path / "numbers.json")]) == 2
    assert "no trained weights" in capsys.readouterr().err.lower()
