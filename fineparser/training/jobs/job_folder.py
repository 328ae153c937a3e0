"""Fine-tuning jobs of the Train tab: options and status of each, in a folder that any process can read.

JOBS/
  turn                  locked by the job that trains
  <id>/
    job.json            options
    status.json         status, replaced atomically
    alive               locked by the process of the job for its whole life
    request             "pause" or "stop", until it is fulfilled
    process.log         output of the process
    <id>/               training run

Locks are those of the operating system (flock, POSIX only): they end with the process that holds them, so that a killed
process does not seem alive.
"""

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fineparser.atomic import atomic_write_text
from fineparser.plain_values import excerpt, from_plain, read_json
from fineparser.training.options import OptionsError, TrainOptions
from fineparser.training.run_folder import RUN_FILE, Run
from fineparser.training.train_checkpoints import RunError

JOB_FILE, STATUS_FILE, ALIVE_FILE, REQUEST_FILE, LOG_FILE, TURN_FILE = (
    "job.json",
    "status.json",
    "alive",
    "request",
    "process.log",
    "turn",
)
WAITING, PREPARING, TRAINING = "waiting", "preparing", "training"
PAUSED, STOPPED, FINISHED, FAILED, INTERRUPTED = "paused", "stopped", "finished", "failed", "interrupted"
ACTIVE = (WAITING, PREPARING, TRAINING)
RESUMABLE = (PAUSED, INTERRUPTED, FAILED)
STATES = (*ACTIVE, PAUSED, STOPPED, FINISHED, FAILED, INTERRUPTED)
REQUESTS = ("pause", "stop")
MAX_WAITING = 5


class JobError(ValueError):
    """A job cannot be started, changed or removed; the message has the reason."""


@dataclass(frozen=True)
class Status:
    """Status of a job."""

    state: str = WAITING
    done: int = 0
    """Dives encoded, or steps trained, out of `total`."""
    total: int = 0
    text: str = ""
    """Error message of a failed job."""
    updated: float = 0.0
    """Time of writing, seconds since 1970."""


@dataclass(frozen=True)
class Job:
    """A job, by its folder."""

    folder: Path
    title: str
    """Name of the data, for the user interface."""
    start_weights: str
    """Name of the weights that the run starts from."""
    created: float
    """Seconds since 1970."""
    settings: dict
    """Options as plain values."""

    @property
    def options(self) -> TrainOptions:
        """Options of the run; OptionsError for those of another version, with the name of the file."""
        try:
            # The folder may have been moved.
            return TrainOptions.from_json(self.settings | {"out": str(self.run_folder)})
        except OptionsError as error:
            raise OptionsError(f"{self.folder / JOB_FILE}: {error}") from error

    @property
    def id(self) -> str:
        """Name of the folder and of the trained weights."""
        return self.folder.name

    @property
    def run_folder(self) -> Path:
        """Folder of the training run."""
        return self.folder / self.id

    @property
    def run(self) -> Run | None:
        """Training run, None before it starts; RunError if it cannot be read."""
        return Run.read(self.run_folder) if (self.run_folder / RUN_FILE).is_file() else None

    @property
    def weights(self) -> Path | None:
        """Best checkpoint so far, None before the first, and for a run that cannot be read."""
        try:
            run = self.run
        except RunError:
            return None
        return None if run is None else run.checkpoints.best or run.checkpoints.last

    @property
    def status(self) -> Status:
        """Status of the job; INTERRUPTED if the process died without writing a final one."""
        status = self._read_status()
        if status.state in ACTIVE and not self.is_alive:
            status = self._read_status()  # the process may have written it before its end
            return replace(status, state=INTERRUPTED) if status.state in ACTIVE else status
        return status

    def _read_status(self) -> Status:
        try:
            status = from_plain(Status, read_json(self.folder / STATUS_FILE))
        except (OSError, ValueError):
            return Status()
        return status if status.state in STATES else Status()

    @property
    def is_alive(self) -> bool:
        """True while the process of the job runs."""
        return is_locked(self.folder / ALIVE_FILE)

    @property
    def request(self) -> str | None:
        """Request to the process: "pause", "stop" or None."""
        try:
            request = (self.folder / REQUEST_FILE).read_text(errors="replace")
        except FileNotFoundError:
            return None
        return request if request in REQUESTS else None

    def send_request(self, request: str) -> None:
        """Request to "pause" or "stop" after the current step; a job without a process gets that state at once."""
        if request not in REQUESTS:
            raise ValueError(f"a job can pause or stop, not {request!r}")
        atomic_write_text(self.folder / REQUEST_FILE, request)
        if not self.is_alive and self.status.state != FINISHED:
            self.write_status(replace(self.status, state=PAUSED if request == "pause" else STOPPED))

    def clear_request(self) -> None:
        """Remove the request."""
        (self.folder / REQUEST_FILE).unlink(missing_ok=True)

    def write_status(self, status: Status) -> None:
        """Write the status, with the time."""
        atomic_write_text(self.folder / STATUS_FILE, json.dumps(asdict(replace(status, updated=time.time()))) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Job":
        """Job in a folder; JobError if there is none that this version can read."""
        path = folder / JOB_FILE
        try:
            values = from_plain(_JobValues, read_json(path))
            data = values.options.get("data")
            if not isinstance(data, list) or not all(isinstance(source, str) for source in data):
                raise ValueError(f"the option data should be a list of sources, not {excerpt(data)}")
        except (OSError, ValueError) as error:
            raise JobError(f"{path} holds no job that can be read: {error}") from error
        return cls(folder, values.title, values.start, values.created, values.options)


@dataclass(frozen=True)
class _JobValues:
    """Contents of job.json."""

    title: str
    start: str
    created: float
    options: dict


class Jobs:
    """All jobs of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __iter__(self) -> Iterator[Job]:
        """Jobs, oldest first, without unreadable ones."""
        return iter(self._read()[0])

    @property
    def problems(self) -> list[str]:
        """Reasons why jobs of the folder cannot be read."""
        return self._read()[1]

    def _read(self) -> tuple[list[Job], list[str]]:
        jobs, problems = [], []
        for path in sorted(self.folder.glob(f"*/{JOB_FILE}")):
            try:
                jobs.append(Job.read(path.parent))
            except JobError as error:
                problems.append(str(error))
        return sorted(jobs, key=lambda job: (job.created, job.id)), problems

    def __getitem__(self, name: str) -> Job:
        """Job by its id; JobError if it does not exist."""
        for job in self:
            if job.id == name:
                return job
        raise JobError(f"there is no job {excerpt(name)} any more")

    def new(self, title: str, start_weights: str, options: TrainOptions) -> Job:
        """Create the folder of a job, with `options.out` set to its run; JobError if too many jobs wait."""
        waiting = sum(job.status.state in ACTIVE for job in self)
        if waiting > MAX_WAITING:
            raise JobError(f"{waiting} runs are active or waiting already: stop one of them or try again later")
        stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "dives"
        self.folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            name = f"{stem}-{number}"
            try:
                (self.folder / name).mkdir()
                break
            except FileExistsError:
                number += 1
        folder = self.folder / name
        job = Job(folder, title, start_weights, time.time(), replace(options, out=folder / name).to_json())
        job.write_status(Status())
        values = {"title": title, "start": start_weights, "created": job.created, "options": job.settings}
        atomic_write_text(folder / JOB_FILE, json.dumps(values, indent=2) + "\n")
        return job

    def remove(self, name: str) -> None:
        """Delete a job with its weights; JobError while it runs."""
        job = self[name]
        if job.is_alive:
            raise JobError(f"{job.id} is still running: stop it first")
        shutil.rmtree(job.folder)

    def is_next(self, job: Job) -> bool:
        """True if no older job waits."""
        older = [other for other in self if other.created < job.created and other.id != job.id]
        return not any(other.status.state == WAITING for other in older)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Context with the exclusive right to train; False if another job has it."""
        with locked(self.folder / TURN_FILE) as has_turn:
            yield has_turn


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Context with the lock of a file; False, without waiting, if another process has it."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def is_locked(path: Path) -> bool:
    """True if a process holds the lock of a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # A shared lock, so that two callers of this function do not mistake each other for the job.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
