"""python -m fineparser simulate."""

import pytest

from fineparser.cli.command_line import main
from fineparser.data.readers.finediving import read_finediving

pytestmark = pytest.mark.slow


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
