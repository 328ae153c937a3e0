"""The process of a fine-tuning job: `start` begins one, `python -m fineparser.training.job_process FOLDER` is one.

It outlives whoever started it, trains when its turn comes, and tells how far it is by files alone.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import IO

from fineparser.training.jobs import (
    ALIVE_FILE,
    FAILED,
    FINISHED,
    LOG_FILE,
    PAUSED,
    PREPARING,
    STOPPED,
    TRAINING,
    WAITING,
    Job,
    JobError,
    Jobs,
    Status,
)
from fineparser.training.options import TrainOptions

LOOK_SECONDS = 0.5
"""Between two looks at whose turn it is."""
TELL_SECONDS = 0.5
"""Between two words on how far it is."""
LOOKS = 20
"""Tries to take a lock, spread over LOOK_SECONDS."""
NICENESS = 5
"""The page goes first."""
ROOT = Path(__file__).parents[2]


class Asked(Exception):
    """Somebody wants the job to pause or stop, and it is not training yet."""


def start(job: Job) -> None:
    """Starts the job's process, for the first time or to go on; JobError where it runs already."""
    with (job.folder / ALIVE_FILE).open("a") as alive, (job.folder / LOG_FILE).open("a") as log:
        _lock(alive, job)
        job.forget_wish()
        job.tell(replace(job.status, state=WAITING, text=""))
        # The lock is handed over: it is the process's from its first moment to its last.
        process = subprocess.Popen(
            [sys.executable, "-m", "fineparser.training.job_process", str(job.folder.resolve())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[alive.fileno()],
            start_new_session=True,
        )
    # Whoever starts a process has to take note of its end, or it stays in the system's list.
    threading.Thread(target=process.wait, daemon=True).start()


def _lock(alive: IO, job: Job) -> None:
    """Takes the lock; who only looks whether the job lives holds it for a moment, too."""
    for _ in range(LOOKS):
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(LOOK_SECONDS / LOOKS)
    raise JobError(f"{job.id} is running already")


def work(job: Job) -> Status:
    """Waits for the job's turn and trains to the end, or until it is asked to pause or stop; returns the last word."""
    jobs = Jobs(job.folder.parent)
    try:
        while True:
            if job.wish is not None:
                raise Asked
            if jobs.is_next(job):
                with jobs.turn() as got:
                    if got:
                        return _train(job)
            time.sleep(LOOK_SECONDS)
    except Asked:
        return _end(job, Status(state=_wished(job)))


def _train(job: Job) -> Status:
    job.tell(Status(state=PREPARING))
    from fineparser.training.train import train  # takes seconds: nobody needs it to wait in line

    told = Status(state=PREPARING)
    spoken = 0.0

    def on_record(record: dict) -> None:
        nonlocal told, spoken
        if record["kind"] == "encoding":
            told = Status(PREPARING, record["done"], record["of"])
            if job.wish is not None:
                raise Asked
        else:
            told = Status(TRAINING, record["step"], record["steps"])
        if time.monotonic() - spoken > TELL_SECONDS:
            job.tell(told)
            spoken = time.monotonic()

    try:
        options = job.options
        if job.run is not None:
            options = TrainOptions(out=options.out, resume=True, progress=False)
        result = train(options, on_record=on_record, should_stop=lambda: job.wish is not None)
    except Asked:
        raise
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        return _end(job, replace(told, state=FAILED, text=str(error) or type(error).__name__))
    state = _wished(job) if result.stopped else FINISHED
    return _end(job, Status(state, result.step, max(told.total, result.step)))


def _wished(job: Job) -> str:
    return STOPPED if job.wish == "stop" else PAUSED


def _end(job: Job, status: Status) -> Status:
    job.tell(status)
    job.forget_wish()
    return status


if __name__ == "__main__":
    os.nice(NICENESS)
    work(Job.read(Path(sys.argv[1])))
