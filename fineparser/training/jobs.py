"""Fine-tuning jobs: what was asked for and how far it is, in a folder each that any process can read.

JOBS/
  turn                  locked by the one job that trains
  <id>/
    job.json            what was asked for
    status.json         how far it is, replaced whole
    alive               locked by the job's process, from its start to its end, however it ends
    wish                "pause" or "stop", while somebody wants that
    process.log         what the process printed
    <id>/               the training run

Locks are the system's own (flock): they go with the process that holds them, so that a kill or a power cut leaves
nothing that looks alive.
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

from fineparser.training.options import TrainOptions
from fineparser.training.runs import RUN_FILE, Run, write_whole

JOB_FILE, STATUS_FILE, ALIVE_FILE, WISH_FILE, LOG_FILE, TURN_FILE = (
    "job.json",
    "status.json",
    "alive",
    "wish",
    "process.log",
    "turn",
)
WAITING, PREPARING, TRAINING = "waiting", "preparing", "training"
PAUSED, STOPPED, FINISHED, FAILED, INTERRUPTED = "paused", "stopped", "finished", "failed", "interrupted"
ACTIVE = (WAITING, PREPARING, TRAINING)
RESUMABLE = (PAUSED, INTERRUPTED, FAILED)
MOST_WAITING = 5


class JobError(ValueError):
    """A job cannot be started, changed or removed; the message says why."""


@dataclass(frozen=True)
class Status:
    """How far a job is."""

    state: str = WAITING
    done: int = 0
    """Dives encoded, or steps trained, out of `total`."""
    total: int = 0
    text: str = ""
    """What went wrong, in a sentence."""
    updated: float = 0.0
    """When this was written, seconds since 1970."""


@dataclass(frozen=True)
class Job:
    """One job's folder."""

    folder: Path
    title: str
    """Name of the data, for people."""
    start: str
    """Name of the weights that it starts from."""
    created: float
    """Seconds since 1970."""
    settings: dict
    """What was asked for, as plain values."""

    @property
    def options(self) -> TrainOptions:
        """What was asked for; OptionsError where another version asked for what this one does not know."""
        # The folder may have been moved since.
        return TrainOptions.from_json(self.settings | {"out": str(self.run_folder)})

    @property
    def id(self) -> str:
        """Name of the folder, and of the weights that come out."""
        return self.folder.name

    @property
    def run_folder(self) -> Path:
        """Of the training run."""
        return self.folder / self.id

    @property
    def run(self) -> Run | None:
        """The training run, None before it begins."""
        return Run.read(self.run_folder) if (self.run_folder / RUN_FILE).is_file() else None

    @property
    def weights(self) -> Path | None:
        """The best checkpoint so far, None before the first."""
        run = self.run
        return None if run is None else run.checkpoints.best or run.checkpoints.last

    @property
    def status(self) -> Status:
        """How far it is; a job whose process is gone without a word is interrupted."""
        found = self._last_word()
        if found.state in ACTIVE and not self.is_alive:
            found = self._last_word()  # it may have come between the two looks
            return replace(found, state=INTERRUPTED) if found.state in ACTIVE else found
        return found

    def _last_word(self) -> Status:
        try:
            return Status(**json.loads((self.folder / STATUS_FILE).read_text()))
        except (OSError, ValueError, TypeError):
            return Status()

    @property
    def is_alive(self) -> bool:
        """Whether the job's process runs."""
        return is_locked(self.folder / ALIVE_FILE)

    @property
    def wish(self) -> str | None:
        """What its process was asked for: "pause", "stop", or None."""
        try:
            return (self.folder / WISH_FILE).read_text() or None
        except FileNotFoundError:
            return None

    def ask(self, wish: str) -> None:
        """Asks the process to pause or to stop after its step; a job without a process is stopped at once."""
        if wish not in ("pause", "stop"):
            raise ValueError(f"a job can pause or stop, not {wish!r}")
        write_whole(self.folder / WISH_FILE, wish)
        if not self.is_alive and self.status.state != FINISHED:
            self.tell(replace(self.status, state=PAUSED if wish == "pause" else STOPPED))

    def forget_wish(self) -> None:
        """Nothing is asked for any more."""
        (self.folder / WISH_FILE).unlink(missing_ok=True)

    def tell(self, status: Status) -> None:
        """Writes the status."""
        write_whole(self.folder / STATUS_FILE, json.dumps(asdict(replace(status, updated=time.time()))) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Job":
        """The job in a folder; JobError where there is none that this version can read."""
        try:
            values = json.loads((folder / JOB_FILE).read_text())
            return cls(folder, values["title"], values["start"], values["created"], dict(values["options"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JobError(f"{folder} holds no job that can be read: {error}") from error


class Jobs:
    """All jobs of one place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __iter__(self) -> Iterator[Job]:
        """The jobs, oldest first; folders that are none are passed over."""
        found = []
        for path in self.folder.glob(f"*/{JOB_FILE}"):
            try:
                found.append(Job.read(path.parent))
            except JobError:
                continue
        return iter(sorted(found, key=lambda job: (job.created, job.id)))

    def __getitem__(self, name: str) -> Job:
        """The job of that id, looked up among those that are there; JobError where it is not."""
        for job in self:
            if job.id == name:
                return job
        raise JobError(f"there is no job {name!r} any more")

    def new(self, title: str, start: str, options: TrainOptions) -> Job:
        """A new job's folder; `options.out` is set to its run. JobError where too many wait already."""
        waiting = sum(job.status.state in ACTIVE for job in self)
        if waiting > MOST_WAITING:
            raise JobError(f"{waiting} runs are under way or waiting already: stop one of them or come back later")
        plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "dives"
        self.folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            name = f"{plain}-{number}"
            try:
                (self.folder / name).mkdir()
                break
            except FileExistsError:
                number += 1
        folder = self.folder / name
        job = Job(folder, title, start, time.time(), replace(options, out=folder / name).to_json())
        job.tell(Status())
        values = {"title": title, "start": start, "created": job.created, "options": job.settings}
        write_whole(folder / JOB_FILE, json.dumps(values, indent=2) + "\n")
        return job

    def remove(self, name: str) -> None:
        """Deletes a job with its weights; JobError while it runs."""
        job = self[name]
        if job.is_alive:
            raise JobError(f"{job.id} is still running: stop it first")
        shutil.rmtree(job.folder)

    def is_next(self, job: Job) -> bool:
        """Whether no older job waits."""
        older = [one for one in self if one.created < job.created and one.id != job.id]
        return not any(one.status.state == WAITING for one in older)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Holds the one turn to train; False where another job has it."""
        with locked(self.folder / TURN_FILE) as got:
            yield got


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Holds the lock of a file; False, without waiting, where another process has it."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two that look at once do not take each other for the job.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
