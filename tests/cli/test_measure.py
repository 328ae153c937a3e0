"""python -m fineparser measure, on real files, in the same process; the measurements are those of a sample."""

import json
from dataclasses import replace

import pytest

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.cli.command_line import main
from tests.builders import sample_kinematics

pytestmark = pytest.mark.slow


@pytest.fixture
def heights(monkeypatch):
    """The heights with which clips were analysed; the untrained network of these tests would measure nothing."""
    analyse, asked = DiveAnalyser.analyse, []

    def measured(analyser, clip, code=None, height=None, options=None, *, progress=None):
        report = analyse(analyser, clip, code, height, options, progress=progress)
        asked.append(height)
        assert report.votes == ()
        kinematics = sample_kinematics(report.frame_numbers, flight=18, entry=41, width=120, height=90)
        return replace(report, kinematics=kinematics)

    monkeypatch.setattr(DiveAnalyser, "analyse", measured)
    return asked


def test_the_measurements_are_printed_and_written(clip, checkpoint, tmp_path, capsys, heights):
    out = tmp_path / "out"
    dive = ["--height", "1", "--code", "103B", "--first", "2", "--last", "48"]
    assert main(["measure", str(clip), *dive, "--out", str(out), "--checkpoint", str(checkpoint)]) == 0
    output = capsys.readouterr()
    assert "Height above the board" in output.out
    assert "1.56 \u00b1 0.09 m" in output.out
    assert "Not measurable: the diver is too small in the picture." in output.out
    assert "No score" not in output.err
    assert heights == ["1"]
    assert json.loads((out / "measurements.json").read_text())["air_time"]["unit"] == "s"
    assert {"frames.csv", "trajectory.csv", "path.svg", "entry.jpg"} <= {path.name for path in out.iterdir()}


def test_an_exemplar_stands_beside_the_dive(clip, checkpoint, capsys, heights):
    more = ["--exemplar", str(clip), "--exemplar-height", "3", "--height", "1"]
    assert main(["measure", str(clip), "--checkpoint", str(checkpoint), *more]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["This", "dive", "Exemplar"]
    assert heights == ["1", "3"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--height", "4"], "4"),
        (["--code", "107A", "--height", "3"], "Nearest"),
        (["--dive", "1", "--first", "3"], "leave out --first and --last, or --dive"),
        ([], "are untrained: choose others to measure a dive"),
    ],
)
def test_unusable_input_ends_in_a_sentence(clip, checkpoint, tmp_path, capsys, more, reason):
    out = tmp_path / "out"
    assert main(["measure", str(clip), "--out", str(out), "--checkpoint", str(checkpoint), *more]) == 2
    assert reason in capsys.readouterr().err
    assert not out.exists()
