"""Run folders: contents, refusals, and what survives a kill."""

import json
import subprocess

import pytest

from fineparser.training.run_folder import Run, code_version
from fineparser.training.train_checkpoints import RunError


def accept(checkpoint):
    """Take every checkpoint for a whole one."""


def test_a_run_saves_its_configuration(tmp_path):
    Run.start(tmp_path / "run", {"data": ["syndive:8"], "learning_rate": 1e-3})
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["configuration"] == {"data": ["syndive:8"], "learning_rate": 1e-3}
    assert facts["code"] == code_version()
    assert set(facts["machine"]) >= {"python", "torch"}
    assert Run.resume(tmp_path / "run", accept)[0].configuration == facts["configuration"]


def test_the_code_version_is_the_checkouts_commit():
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=__file__.rsplit("/", 1)[0], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    assert code_version()["commit"] == done.stdout.strip()
    assert code_version()["version"]


def test_a_folder_with_a_run_or_other_things_is_not_written_over(tmp_path):
    Run.start(tmp_path / "run", {})
    with pytest.raises(RunError, match="holds a run already: resume it with --resume"):
        Run.start(tmp_path / "run", {})
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("")
    with pytest.raises(RunError, match="is no run: name a new or an empty folder"):
        Run.start(tmp_path / "thesis", {})
    Run.start(tmp_path / "new" / "nested", {})


def test_only_a_run_can_be_resumed(tmp_path):
    with pytest.raises(RunError, match="no run to resume"):
        Run.resume(tmp_path, accept)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RunError, match="not readable"):
        Run.resume(tmp_path, accept)


def test_the_log_survives_a_line_cut_short(tmp_path):
    run = Run.start(tmp_path / "run", {})
    assert run.records() == []
    run.log("train", 1, total=3.5)
    run.log("validation", 1, spearman=0.5)
    run.log("train", 2, total=2.5)
    with (run.folder / "log.jsonl").open("a") as file:
        file.write('{"kind": "train", "st')
    resumed, remarks = Run.resume(run.folder, accept)
    assert remarks == []
    assert [record["step"] for record in resumed.records()] == [1, 1, 2]
    resumed.rewind(1)
    resumed.log("train", 2, total=2.4)
    assert [(r["kind"], r["step"], r.get("total")) for r in resumed.records()] == [
        ("train", 1, 3.5),
        ("validation", 1, None),
        ("train", 2, 2.4),
    ]


def test_a_log_that_cannot_be_written_is_explained(tmp_path):
    run = Run.start(tmp_path / "run", {})
    (run.folder / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"No space left on device.*--resume"):
        run.log("train", 1, total=1.0)


def test_incomplete_files_of_a_kill_are_removed_at_the_next_start(tmp_path):
    run = Run.start(tmp_path / "run", {})
    (run.folder / ".log-abc.jsonl").write_text("half")
    (run.folder / "checkpoints" / ".unfinished-abc").mkdir()
    Run.resume(run.folder, accept)
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoints", "run.json"]
    assert list((run.folder / "checkpoints").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "should be a JSON object, not \\[\\]"),
        ("{}", "configuration is missing"),
        ('{"configuration": []}', "configuration should be an object"),
        ('{"configuration": {}, "code": 3}', "code should be an object, not 3"),
        ("[" * 100_000, "nested too deeply"),
        ("\xff", "is not JSON"),
    ],
)
def test_a_description_of_another_shape_is_named(tmp_path, text, reason):
    run = Run.start(tmp_path / "run", {})
    (run.folder / "run.json").write_text(text)
    with pytest.raises(RunError, match=rf"run\.json is not readable: .*{reason}"):
        Run.read(run.folder)


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"kind": "train"}', b'{"kind": 3, "step": 1}', b"\xff\xfe", b"[" * 9999]
)
def test_a_broken_line_of_the_log_is_named_and_a_broken_last_one_passed_over(tmp_path, line):
    run = Run.start(tmp_path / "run", {})
    run.log("train", 1, total=3.5)
    log = run.folder / "log.jsonl"
    with log.open("ab") as file:
        file.write(line + b"\n")
    assert [record["step"] for record in run.records()] == [1]
    run.log("train", 2, total=2.5)
    with pytest.raises(RunError, match=r"log\.jsonl, line 2: .*Repair or remove this line"):
        run.records()
