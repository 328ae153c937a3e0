"""Fine-tuning jobs: in processes of their own, one at a time, taken up again whatever ended them."""

import os
import signal
import time
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from fineparser.model.compact import CompactFineParser
from fineparser.training.jobs.job_folder import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    MAX_WAITING,
    PAUSED,
    STOPPED,
    TRAINING,
    WAITING,
    JobError,
    Jobs,
    is_locked,
    locked,
)
from fineparser.training.jobs.processes import start_job
from fineparser.training.launch import train
from fineparser.training.options import TrainOptions

pytestmark = pytest.mark.slow

PATIENCE = 300
"""Seconds; the machine may be busy."""


@pytest.fixture(autouse=True)
def one_thread_there(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def checkpoint(tmp_path, smallest):
    torch.manual_seed(0)
    CompactFineParser(smallest).save_pretrained(tmp_path / "start")
    return str(tmp_path / "start")


@pytest.fixture
def wanted(dives, checkpoint, tmp_path) -> TrainOptions:
    """The regression alone on four dives, one of them held out."""
    return TrainOptions(
        out=tmp_path / "unused",
        data=(f"clips:{dives}",),
        checkpoint=checkpoint,
        train="regression",
        epochs=60,
        batch_size=2,
        validation_share=0.25,
        seed=next(seed for seed in range(100) if held_out(dives, seed) == 1),
        device="cpu",
        progress=False,
    )


def held_out(dives, seed: int) -> int:
    from fineparser.data.dives import ReadOptions
    from fineparser.data.readers.clip_folder import read_clip_folder

    return len(read_clip_folder(dives, ReadOptions(seed=seed, validation=0.25)).select_split("validation"))


@pytest.fixture
def jobs(tmp_path):
    """A place for jobs; whatever still runs at the end is killed."""
    found = Jobs(tmp_path / "jobs")
    yield found
    for job in found:
        kill(job)


def pids(job) -> list[int]:
    """The processes that work in the job's folder."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if str(job.folder.resolve()).encode() in words:
                found.append(int(entry))
    return found


def kill(job) -> None:
    for pid in pids(job):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not job.is_alive)


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def kinds(job) -> list[str]:
    return [] if job.run is None else [record["kind"] for record in job.run.records()]


def test_a_killed_job_goes_on_to_the_weights_of_one_that_was_not(jobs, wanted, tmp_path):
    whole = replace(wanted, out=tmp_path / "whole")
    train(whole)
    job = jobs.new("Our Club 2026!", "start", wanted)
    assert job.id == "our-club-2026-1"
    start_job(job)
    with pytest.raises(JobError, match="running already"):
        start_job(job)
    with pytest.raises(JobError, match="still running"):
        jobs.remove(job.id)
    until(lambda: job.run is not None and job.run.checkpoints.last is not None)
    kill(job)
    assert job.status.state == INTERRUPTED
    step = job.run.records()[-1]["step"]
    assert 0 < step < 120
    # What is left on the disk is all that the next one knows.
    again = Jobs(jobs.folder)[job.id]
    start_job(again)
    until(lambda: not again.is_alive)
    assert (again.status.state, again.status.done) == (FINISHED, 120)
    here, there = (
        load_file(folder / "model.safetensors")
        for folder in (again.run.checkpoints.last, tmp_path / "whole/checkpoints/last")
    )
    assert [name for name in here if not torch.equal(here[name], there[name])] == []
    assert CompactFineParser.from_pretrained(again.weights).provenance.name == job.id
    jobs.remove(job.id)
    assert not job.folder.exists()


def test_one_trains_and_the_rest_wait(jobs, wanted):
    first = jobs.new("first", "start", replace(wanted, epochs=5000, checkpoint_seconds=60.0))
    second = jobs.new("second", "start", replace(wanted, epochs=1))
    third = jobs.new("third", "start", replace(wanted, epochs=1))
    start_job(first)
    until(lambda: first.status.state == TRAINING)
    start_job(second)
    start_job(third)
    until(lambda: second.is_alive and third.is_alive)
    assert (second.status.state, third.status.state) == (WAITING, WAITING)
    third.send_request("stop")
    until(lambda: not third.is_alive)
    assert third.status.state == STOPPED
    first.send_request("pause")
    until(lambda: not first.is_alive)
    assert first.status.state == PAUSED
    assert first.run.checkpoints.last is not None
    assert first.request is None
    until(lambda: not second.is_alive)
    assert second.status.state == FINISHED
    assert kinds(second).count("validation") == 2  # before, and after its only epoch


def test_errors_are_reported_and_jobs_can_be_retried(jobs, wanted, relabelled):
    folder = relabelled(lambda row: {"score": ""})
    job = jobs.new("unscored", "start", replace(wanted, data=(f"clips:{folder}",)))
    start_job(job)
    until(lambda: not job.is_alive)
    assert job.status.state == FAILED
    assert "at least two scored dives" in job.status.text


def test_a_job_without_a_process_stops_at_once(jobs, wanted):
    job = jobs.new("idle", "start", wanted)
    assert job.status.state == INTERRUPTED
    job.send_request("stop")
    assert job.status.state == STOPPED
    with pytest.raises(ValueError, match="pause or stop"):
        job.send_request("dance")


def test_only_so_many_wait(jobs, wanted):
    made = [jobs.new("many", "start", wanted) for _ in range(MAX_WAITING + 1)]
    assert [job.id for job in jobs] == [f"many-{number}" for number in range(1, MAX_WAITING + 2)]
    from contextlib import ExitStack

    with ExitStack() as stack:
        for job in made:
            assert stack.enter_context(locked(job.folder / "alive"))
        with pytest.raises(JobError, match="stop one of them"):
            jobs.new("one more", "start", wanted)
    assert jobs.new("one more", "start", wanted).id == "one-more-1"


def test_a_name_from_outside_opens_nothing(jobs, wanted, tmp_path):
    jobs.new("mine", "start", wanted)
    for name in ("../start", "mine-1/../mine-1", "", str(tmp_path)):
        with pytest.raises(JobError, match="no job"):
            jobs[name]
    (jobs.folder / "broken").mkdir()
    (jobs.folder / "broken" / "job.json").write_text("{")
    assert [job.id for job in jobs] == ["mine-1"]


def test_a_job_of_another_version_stays_in_the_list_and_says_why_it_cannot_go_on(jobs, wanted):
    job = jobs.new("old", "start", wanted)
    path = job.folder / "job.json"
    path.write_text(path.read_text().replace('"epochs"', '"eras"'))
    assert [one.id for one in jobs] == ["old-1"]
    start_job(jobs["old-1"])
    until(lambda: not job.is_alive)
    assert job.status.state == FAILED
    assert "unknown options eras" in job.status.text


def test_a_lock_is_seen_by_others_and_goes_with_its_holder(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    with locked(path) as got:
        assert got
        assert is_locked(path)
        with locked(path) as twice:
            assert not twice
    assert not is_locked(path)
