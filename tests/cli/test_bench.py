"""python -m fineparser bench."""

import json

import pytest

from fineparser.cli.command_line import main


def test_bench_prints_numbers_and_keeps_them(tmp_path, capsys):
    assert main(["bench", "simulate", "--clips", "1", "--json", str(tmp_path / "speed.json")]) == 0
    kept = json.loads((tmp_path / "speed.json").read_text())
    assert kept["clips_a_second"] == pytest.approx(1 / kept["seconds"])
    assert json.loads(capsys.readouterr().out) == kept
