"""python -m benchmarks."""

import json

import pytest

from benchmarks.__main__ import main


def test_numbers_are_printed_and_written(tmp_path, capsys):
    assert main(["simulator", "--clips", "1", "--json", str(tmp_path / "speed.json")]) == 0
    numbers = json.loads((tmp_path / "speed.json").read_text())
    assert numbers["clips_per_second"] == pytest.approx(1 / numbers["seconds"])
    assert json.loads(capsys.readouterr().out) == numbers
