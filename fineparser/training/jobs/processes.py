"""Processes of fine-tuning jobs: `start_job` starts `python -m fineparser.training.jobs.processes FOLDER`.

The process outlives its parent, trains when it is its turn, and reports its status by files alone.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from fineparser.training.jobs.job_folder import (
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

POLL_SECONDS = 0.5
"""Time between two checks whether it is the job's turn."""
REPORT_SECONDS = 0.5
"""Least time between two reports of the status."""
LOCK_ATTEMPTS = 20
"""Attempts to take a lock within POLL_SECONDS."""
NICENESS = 5
"""Lower priority than the user interface."""
PACKAGE_PARENT = Path(__file__).parents[3]
"""Folder with the package, so that the process finds it in a clone that is not installed."""


class StopRequested(Exception):
    """Pause or stop was requested before the training started."""


def start_job(job: Job) -> None:
    """Start the process of a new or a paused job; JobError if it runs already."""
    with (job.folder / ALIVE_FILE).open("a") as alive, (job.folder / LOG_FILE).open("a") as log:
        _lock(alive, job)
        job.clear_request()
        job.write_status(replace(job.status, state=WAITING, text=""))
        # The process inherits the lock and holds it from its first moment to its last.
        process = subprocess.Popen(
            [sys.executable, "-m", "fineparser.training.jobs.processes", str(job.folder.resolve())],
            cwd=PACKAGE_PARENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[alive.fileno()],
            start_new_session=True,
        )
    # A parent has to wait for its child, or the ended process stays in the system's list.
    threading.Thread(target=process.wait, daemon=True).start()


def _lock(alive: IO[str], job: Job) -> None:
    """Take the lock of a job, which `Job.is_alive` holds for a moment, too."""
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(POLL_SECONDS / LOCK_ATTEMPTS)
    raise JobError(f"{job.id} is running already")


def run_job(job: Job) -> Status:
    """Wait for the turn of a job and train until its end or until a request; return the final status."""
    jobs = Jobs(job.folder.parent)
    try:
        while True:
            if job.request is not None:
                raise StopRequested
            if jobs.is_next(job):
                with jobs.turn() as has_turn:
                    if has_turn:
                        return _train(job)
            time.sleep(POLL_SECONDS)
    except StopRequested:
        return _finish(job, Status(state=_requested_state(job)))


def _train(job: Job) -> Status:
    job.write_status(Status(state=PREPARING))
    from fineparser.training.launch import train  # takes seconds, which a waiting job does not need

    status = Status(state=PREPARING)
    reported_at = 0.0

    def on_record(record: dict[str, Any]) -> None:
        nonlocal status, reported_at
        if record["kind"] == "encoding":
            status = Status(PREPARING, record["done"], record["of"])
            if job.request is not None:
                raise StopRequested
        else:
            status = Status(TRAINING, record["step"], record["steps"])
        if time.monotonic() - reported_at > REPORT_SECONDS:
            job.write_status(status)
            reported_at = time.monotonic()

    try:
        options = job.options
        if job.run is not None:
            options = TrainOptions(out=options.out, resume=True, progress=False)
        result = train(options, on_record=on_record, should_stop=lambda: job.request is not None)
    except StopRequested:
        raise
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        return _finish(job, replace(status, state=FAILED, text=str(error) or type(error).__name__))
    state = _requested_state(job) if result.stopped else FINISHED
    return _finish(job, Status(state, result.step, max(status.total, result.step)))


def _requested_state(job: Job) -> str:
    return STOPPED if job.request == "stop" else PAUSED


def _finish(job: Job, status: Status) -> Status:
    job.write_status(status)
    job.clear_request()
    return status


if __name__ == "__main__":
    os.nice(NICENESS)
    run_job(Job.read(Path(sys.argv[1])))
