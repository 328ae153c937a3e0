"""python -m fineparser bank, on real files, in the same process."""

import json

import pytest

from fineparser.analysis.analyser import BUNDLED_BANK, DiveAnalyser
from fineparser.cli.command_line import main
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars import score_calibration as calibration
from fineparser.exemplars.exemplar import USER_DIVES, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank, clips_folder
from fineparser.scoring.judge_calibration import JudgeComparison
from tests.builders import falling_block_clip

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "own"


def test_user_exemplars_are_added_listed_and_removed(clip, checkpoint, folder, capsys):
    tend = ["--folder", str(folder)]
    dive = ["--code", "103b", "--height", "3", "--score", "38.4"]
    assert main(["bank", "add", str(clip), *dive, "--checkpoint", str(checkpoint), "--name", "Ann", *tend]) == 0
    output = capsys.readouterr().out
    name = output.split(":")[0]
    assert "103B 3 m   38.40 (difficulty 1.6)" in output
    assert main(["bank", "list", *tend]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[0].split() == f"{name} 103B 3 m 38.40 (difficulty 1.6) own dives clip Ann".split()
    assert "1 exemplar in" in output
    assert main(["bank", "remove", name, *tend]) == 0
    capsys.readouterr()
    assert main(["bank", "list", *tend]) == 0
    assert capsys.readouterr().out.startswith("0 exemplars in")
    assert main(["bank", "remove", name, *tend]) == 2
    assert f"no user exemplar '{name}'" in capsys.readouterr().err


def test_the_awards_of_the_judges_are_listed(clip, checkpoint, folder, capsys):
    tend = ["--checkpoint", str(checkpoint), "--folder", str(folder)]
    dive = ["--code", "103B", "--height", "3", "--standard", "club"]
    assert main(["bank", "add", str(clip), *dive, "--awards", "7,5", "8", "7", "7.5", "8", *tend]) == 0
    assert "36.80 (difficulty 1.6)  awards 7.5 8 (7) 7.5 (8)  own dives  club  clip" in capsys.readouterr().out
    assert main(["bank", "add", str(clip), *dive, "--awards", "7.5", "8", "--score", "30", *tend]) == 2
    assert "5 or 7 awards, not 2" in capsys.readouterr().err
    assert main(["bank", "add", str(clip), *dive, *tend]) == 2
    assert "total in points, or the judges' awards" in capsys.readouterr().err


def test_user_exemplars_vote_if_their_source_is_chosen(clip, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("FINEPARSER_HOME", str(tmp_path / "home"))
    weights = ["--checkpoint", str(checkpoint)]
    dive = ["--code", "103B", "--height", "3"]
    other = falling_block_clip(tmp_path / "other.mp4", frames=55)  # no dive votes on itself
    assert main(["bank", "add", str(other), *dive, "--score", "38.4", *weights]) == 0
    bank = ["--bank", str(checkpoint / "bank.safetensors")]

    def sources(name, *more):
        assert main(["analyse", str(clip), *dive, *weights, "--out", str(tmp_path / name), *more]) == 0
        return [vote["source"] for vote in json.loads((tmp_path / name / "report.json").read_text())["votes"]]

    assert sources("user", "--sources", "user") == ["own dives"]
    assert (tmp_path / "user" / "comparison.mp4").is_file()
    assert sources("both", "--sources", "simulated", "user", *bank) == ["own dives", "SynDive", "SynDive"]
    assert sources("bank", *bank) == ["SynDive", "SynDive"]


def test_judges_are_compared_where_weights_judge_measurements(clip, checkpoint, folder, capsys, monkeypatch):
    arguments = ["--checkpoint", str(checkpoint), "--folder", str(folder)]
    judges = ["bank", "judges", *arguments, "--bank", str(checkpoint / "bank.safetensors"), "--standard", "club"]
    assert main(judges) == 2
    assert "score dives by their exemplars" in capsys.readouterr().err
    monkeypatch.setattr(DiveAnalyser, "judges_measurements", True)
    exemplar = Exemplar("own-1", DiveCode.parse("103B"), 3.0, 1.6, 38.4, USER_DIVES)
    comparison = JudgeComparison((exemplar,) * 5, (6.5,) * 5, (7.75,) * 5)
    calls = []
    monkeypatch.setattr(JudgeComparison, "from_bank", lambda bank, standard: calls.append(standard) or comparison)
    assert main(judges) == 0
    assert calls == ["club"]
    *rows, _ = capsys.readouterr().out.splitlines()
    assert len(rows) == 5
    assert rows[0].endswith("own dives  mean award 8.00, predicted 6.50, calibrated by the others 7.75")


def test_build_and_list(checkpoint, tmp_path, capsys):
    path = tmp_path / "small.safetensors"
    job = ["--dives", "101C@1", "--count", "1", "--workers", "1", "--checkpoint", str(checkpoint)]
    assert main(["bank", "build", "--out", str(path), *job]) == 0
    assert "1 exemplar of 1 dive" in capsys.readouterr().out
    assert len(ExemplarBank.load(path)) == len(list(clips_folder(path).iterdir())) == 1
    assert main(["bank", "list", "--bank", str(path)]) == 0
    assert "101C-1m-01  101C 1 m" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["build", "--out", "x.safetensors", "--dives", "207C"], "names no height"),
        (["build", "--out", "x.safetensors", "--dives", "109C@1.5"], "1.5"),
        (["build", "--reuse-clips", "--out", "nowhere.safetensors"], "there is no exemplar bank nowhere.safetensors"),
        (["list", "--bank", "nowhere.safetensors"], "there is no exemplar bank"),
        (["add", "clip.mp4", "--code", "103B", "--height", "3", "--score", "200"], "0 to 48 points, not 200"),
    ],
)
def test_unusable_input_ends_in_a_sentence(checkpoint, folder, capsys, arguments, reason):
    if arguments[0] != "list":
        arguments = [*arguments, "--checkpoint", str(checkpoint)]
    assert main(["bank", *arguments]) == 2
    output = capsys.readouterr().err
    assert "error: " in output
    assert reason in output
    assert not folder.exists()


def test_untrained_weights_make_no_bundled_bank(checkpoint, capsys):
    assert main(["bank", "build", "--out", str(BUNDLED_BANK), "--checkpoint", str(checkpoint)]) == 2
    assert "needs trained weights" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["build", "calibrate"])
def test_a_bank_is_written_only_where_out_says(action, capsys):
    with pytest.raises(SystemExit):
        main(["bank", action])
    assert "--out" in capsys.readouterr().err


def test_calibration_stores_the_errors_of_a_bank(checkpoint, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(calibration, "MIN_CALIBRATION_DIVES", 4)
    source, path = checkpoint / "bank.safetensors", tmp_path / "bank.safetensors"
    weights = ["--checkpoint", str(checkpoint)]
    job = ["--bank", str(source), "--out", str(path), "--dives", "10", "--workers", "0", "--precision", "float32"]
    assert main(["bank", "calibrate", *job, *weights]) == 0
    assert ExemplarBank.load(source).calibration is None
    printed = capsys.readouterr().out
    assert "80% of 10 simulated dives" in printed
    assert "contribution of the take-off: errors between" in printed
    calibrated = ExemplarBank.load(path)
    assert calibrated.calibration.dives == 10
    assert calibrated.calibration.low < calibrated.calibration.high
    assert len(calibrated.calibration.phases) == 3
    assert all(low < high for low, high in calibrated.calibration.phases)
    assert len(calibrated) == len(ExemplarBank.load(checkpoint / "bank.safetensors"))
    numbers = tmp_path / "numbers.json"
    evaluated = ["--data", "syndive:100:77", "--split", "validation", "--limit", "10", "--resamples", "0"]
    assert main(["evaluate", *evaluated, "--out", str(numbers), "--no-progress", "--bank", str(path), *weights]) == 0
    covered = json.loads(numbers.read_text())["metrics"]["interval_coverage"]["value"]
    assert covered >= 0.8  # of the very dives that it was measured on


def test_too_few_dives_to_calibrate_are_refused(checkpoint, capsys):
    path = str(checkpoint / "bank.safetensors")
    weights = ["--bank", path, "--out", path, "--checkpoint", str(checkpoint)]
    assert main(["bank", "calibrate", "--dives", "2", "--workers", "0", *weights]) == 2
    assert "use 50" in capsys.readouterr().err
