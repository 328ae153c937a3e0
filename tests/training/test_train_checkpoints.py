"""Checkpoints are whole or not there: killed writers, full disks, interrupted links."""

import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from fineparser.training.train_checkpoints import CheckpointFolder, RunError, read_state


def writer(value, files=3):
    """Writes files that all hold `value`."""

    def write(folder: Path) -> None:
        for number in range(files):
            (folder / f"part-{number}.txt").write_text(str(value) * 1000)

    return write


def saved(folder, step, value, best=False):
    return folder.save(step, {"step": step}, writer(value), best=best)


@pytest.fixture
def checkpoints(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    folder.open()
    return folder


def test_last_and_best(checkpoints):
    assert checkpoints.last is None
    assert checkpoints.best is None
    saved(checkpoints, 1, "a", best=True)
    saved(checkpoints, 2, "b")
    saved(checkpoints, 3, "c")
    assert (checkpoints.last.name, checkpoints.best.name) == ("step-00000003", "step-00000001")
    assert read_state(checkpoints.last) == {"step": 3}
    names = sorted(path.name for path in checkpoints.folder.iterdir())
    assert names == ["best", "last", "step-00000001", "step-00000003"]  # step 2 is no longer needed


def test_the_same_step_again_replaces_it(checkpoints):
    saved(checkpoints, 5, "a", best=True)
    saved(checkpoints, 5, "b", best=True)
    assert (checkpoints.last / "part-0.txt").read_text() == "b" * 1000
    assert checkpoints.best == checkpoints.last
    assert len(list(checkpoints.folder.glob("step-*"))) == 1


def test_a_run_folder_can_be_moved(checkpoints, tmp_path):
    saved(checkpoints, 1, "a", best=True)
    checkpoints.folder.rename(tmp_path / "elsewhere")
    moved = CheckpointFolder(tmp_path / "elsewhere")
    moved.open()
    assert read_state(moved.last) == {"step": 1}


def test_a_full_disk_keeps_the_last_good_checkpoint(checkpoints):
    """/dev/full refuses every byte with the system's own "No space left on device"."""
    saved(checkpoints, 1, "a", best=True)

    def write(folder: Path) -> None:
        (folder / "part-0.txt").write_text("fits")
        (folder / "weights").symlink_to("/dev/full")
        (folder / "weights").write_text("b" * 10_000)

    with pytest.raises(RunError, match=r"step 2 .*No space left.*step-00000001, is kept.*--resume"):
        checkpoints.save(2, {"step": 2}, write, best=True)
    assert checkpoints.last.name == checkpoints.best.name == "step-00000001"
    assert (checkpoints.last / "part-2.txt").read_text() == "a" * 1000
    assert not list(checkpoints.folder.glob(".unfinished-*"))


def whole(checkpoint: Path) -> None:
    """Refuse a checkpoint that lacks a part."""
    if not (checkpoint / "part-2.txt").is_file():
        raise RunError(f"{checkpoint.name} lacks part-2.txt")


def names(checkpoints: CheckpointFolder) -> list[str]:
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_without_its_link_the_newest_whole_checkpoint_is_last(checkpoints):
    saved(checkpoints, 10, "a", best=True)
    saved(checkpoints, 20, "b")
    (checkpoints.folder / "last").unlink()
    checkpoints.open()
    assert names(checkpoints) == ["best", "step-00000010", "step-00000020"]
    (remark,) = checkpoints.recover(whole)
    assert "last now points to step-00000020" in remark
    assert (checkpoints.last.name, checkpoints.best.name) == ("step-00000020", "step-00000010")
    assert checkpoints.recover(whole) == []


def test_a_cut_checkpoint_is_passed_over_and_kept_until_the_run_is_past_it(checkpoints):
    saved(checkpoints, 10, "a", best=True)
    saved(checkpoints, 20, "b")
    (checkpoints.last / "part-2.txt").unlink()
    remarks = checkpoints.recover(whole)
    assert "step-00000020 was passed over: step-00000020 lacks part-2.txt" in remarks
    assert checkpoints.last.name == "step-00000010"
    saved(checkpoints, 15, "c")
    assert names(checkpoints) == ["best", "last", "step-00000010", "step-00000015", "step-00000020"]
    saved(checkpoints, 20, "d")
    assert (checkpoints.last / "part-0.txt").read_text() == "d" * 1000
    assert len(list(checkpoints.folder.glob("step-00000020*"))) == 1


def test_without_a_whole_checkpoint_nothing_is_resumed_and_nothing_removed(checkpoints):
    saved(checkpoints, 10, "a")
    (checkpoints.last / "part-2.txt").unlink()
    with pytest.raises(RunError, match=r"no whole checkpoint to resume from: step-00000010 was passed over.*part-2"):
        checkpoints.recover(whole)
    assert names(checkpoints) == ["last", "step-00000010"]
    (checkpoints.folder / "step-00000010").rename(checkpoints.folder.parent / "elsewhere")
    with pytest.raises(RunError, match="last points to step-00000010, which is gone"):
        checkpoints.recover(whole)


def test_a_lost_link_to_the_best_checkpoint_is_made_again(checkpoints):
    saved(checkpoints, 10, "a", best=True)
    checkpoints.save(20, {"step": 20, "best_step": 10}, writer("b"))
    (checkpoints.folder / "best").unlink()
    (remark,) = checkpoints.recover(whole)
    assert "best now points to step-00000010" in remark
    assert checkpoints.best.name == "step-00000010"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["torch.save(tensors, place / 'w')", "save_file(tensors, place / 'w')"])
def test_a_disk_that_fills_up_midway(tmp_path, form):
    """A limit on the size of files stops the writer after a part of its bytes, as a full disk does."""
    program = f"""
        import resource, sys
        from pathlib import Path
        import torch
        from safetensors.torch import save_file
        from fineparser.training.train_checkpoints import RunError, CheckpointFolder
        folder = CheckpointFolder(Path(sys.argv[1])); folder.open()
        def write(place):
            {form}
        tensors = dict(w=torch.zeros(10))
        folder.save(1, dict(), write)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        tensors = dict(w=torch.zeros(1_000_000))
        try:
            folder.save(2, dict(), write)
        except RunError as error:
            print(error)
    """
    done = run_program(program, tmp_path / "checkpoints")
    assert "step 2 could not be written" in done.stdout, done.stderr
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert folder.last.name == "step-00000001"
    assert 40 < (folder.last / "w").stat().st_size < 100_000
    assert [path.name for path in folder.folder.glob(".unfinished-*")] == []


def test_ctrl_c_while_writing_leaves_nothing_behind(checkpoints):
    saved(checkpoints, 1, "a")

    def write(folder: Path) -> None:
        (folder / "part-0.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(2, {}, write)
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["last", "step-00000001"]


def test_a_state_that_is_not_plain_is_refused(checkpoints):
    with pytest.raises(RunError, match="step 1 could not be written"):
        checkpoints.save(1, {"loss": float("nan")}, writer("a"))
    assert checkpoints.last is None


def test_an_unreadable_state_is_named(checkpoints):
    place = saved(checkpoints, 1, "a")
    (place / "state.json").write_text("{")
    with pytest.raises(RunError, match=r"step-00000001 holds no readable state\.json"):
        read_state(place)


def run_program(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)], capture_output=True, text=True
    )


def test_kill_9_in_the_middle_of_writing(tmp_path):
    """A writer that saves without end is killed at seven moments, the last of them certainly amid a write.

    Its checkpoints hold the step's number in every file; a torn one would hold two numbers or lack a file.
    """
    program = """
        import sys, time
        from pathlib import Path
        from fineparser.training.train_checkpoints import CheckpointFolder, read_state
        folder = CheckpointFolder(Path(sys.argv[1])); folder.open()
        step = read_state(folder.last)["step"] if folder.last else 0
        def write(place):
            for number in range(4):
                (place / f"part-{number}.txt").write_text(str(step) * 50_000)
                if number == 1:
                    print("writing", flush=True)
                    time.sleep(60 if sys.argv[2] == "stop" else 0)
        while True:
            step += 1
            folder.save(step, {"step": step}, write, best=step % 3 == 0)
    """
    folder = CheckpointFolder(tmp_path / "checkpoints")
    reached = 0
    for kill in range(7):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(folder.folder), "stop" if kill == 6 else "go"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(1 if kill == 6 else 3 + kill):
            assert process.stdout.readline() == "writing\n"
        time.sleep(0.0007 * kill)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for place in (folder.last, folder.best):
            if place is None:
                continue
            step = read_state(place)["step"]
            for number in range(4):
                assert (place / f"part-{number}.txt").read_text() == str(step) * 50_000
        step = json.loads((folder.last / "state.json").read_text())["step"]
        assert step >= reached if kill == 6 else step > reached
        reached = step
    assert list(folder.folder.glob(".unfinished-*")), "the last kill left no half-written checkpoint"
    folder.open()
    names = {path.name for path in folder.folder.iterdir()}
    assert names == {"last", "best", folder.last.name, folder.best.name}
