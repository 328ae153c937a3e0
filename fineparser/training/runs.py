"""A run folder: everything one needs to know about a training run, and to go on with it.

RUN/
  run.json            configuration, code version, machine
  log.jsonl           one JSON object a line, each with its "step" and "kind"
  checkpoints/        step-<number>/ and the links last, best
"""

import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from fineparser.training.checkpoints import CheckpointFolder, RunError

RUN_FILE, LOG_FILE, CHECKPOINTS = "run.json", "log.jsonl", "checkpoints"


def code_version() -> dict[str, str | bool | None]:
    """The package's version and, in a checkout, its git commit and whether files differ from it."""
    try:
        package = version("fineparser")
    except PackageNotFoundError:
        package = None
    root = Path(__file__).parents[2]
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else None
    changed = bool(_git(root, "status", "--porcelain", "--untracked-files=no")) if commit else None
    return {"version": package, "commit": commit, "changed": changed}


class Run:
    """One run folder. Make it with `Run.start` or `Run.resume`."""

    def __init__(self, folder: Path, configuration: dict) -> None:
        self.folder = folder
        self.configuration = configuration
        self.checkpoints = CheckpointFolder(folder / CHECKPOINTS)

    @classmethod
    def start(cls, folder: Path, configuration: dict) -> "Run":
        """A new run in an empty or new folder; RunError where there is a run already.

        configuration: plain values, kept as JSON: whatever is needed to do the same again.
        """
        if (folder / RUN_FILE).exists():
            raise RunError(f"{folder} holds a run already: go on with it by --resume, or name another folder")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"{folder} exists and is no run: name a new or an empty folder")
        run = cls(folder, configuration)
        facts = {
            "configuration": configuration,
            "code": code_version(),
            "machine": {"python": platform.python_version(), "torch": torch.__version__, "host": platform.machine()},
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / RUN_FILE, json.dumps(facts, indent=2, allow_nan=False) + "\n")
        run.checkpoints.open()
        return run

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """The run in `folder` as it is; RunError where there is none."""
        try:
            facts = json.loads((folder / RUN_FILE).read_text())
        except FileNotFoundError:
            raise RunError(f"{folder} holds no run to resume: there is no {RUN_FILE} in it") from None
        except ValueError as error:
            raise RunError(f"{folder / RUN_FILE} is not readable: {error}") from error
        return cls(folder, facts["configuration"])

    @classmethod
    def resume(cls, folder: Path) -> "Run":
        """The run in `folder`, cleared of what a kill left half done; RunError where there is none."""
        run = cls.read(folder)
        for leftover in folder.glob(f".{LOG_FILE}-*"):
            leftover.unlink()
        run.checkpoints.open()
        return run

    def log(self, kind: str, step: int, **values: object) -> None:
        """Adds one line to the log; RunError where the disk does not take it."""
        line = json.dumps({"kind": kind, "step": step, **values}, allow_nan=False) + "\n"
        try:
            with (self.folder / LOG_FILE).open("a") as file:
                file.write(line)
        except OSError as error:
            raise RunError(
                f"the log of {self.folder} could not be written: {error}. The last checkpoint is kept: "
                "make room or mend the cause, then go on with --resume"
            ) from error

    def records(self) -> list[dict]:
        """The log; a last line that a kill cut short is left out."""
        path = self.folder / LOG_FILE
        if not path.exists():
            return []
        lines = path.read_text().split("\n")
        return [json.loads(line) for line in lines[:-1]]  # what follows the last line's end is unfinished

    def rewind(self, step: int) -> None:
        """Takes out of the log what happened after `step`, before that is done again."""
        kept = [record for record in self.records() if record["step"] <= step]
        write_whole(self.folder / LOG_FILE, "".join(json.dumps(record) + "\n" for record in kept))

    def save(self, step: int, state: dict, write: Callable[[Path], None], *, best: bool = False) -> Path:
        """Writes a checkpoint, see `CheckpointFolder.save`."""
        return self.checkpoints.save(step, state, write, best=best)


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that at any moment either the old or the new one is there in full."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints, None where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
