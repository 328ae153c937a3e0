"""Run folder: the configuration, the log and the checkpoints of a training run.

RUN/
  run.json            configuration, code version, machine
  log.jsonl           a JSON object a line, each with its "step" and "kind"
  checkpoints/        step-<number>/ and the links last, best
"""

import json
import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from fineparser.atomic import atomic_write_text
from fineparser.plain_values import excerpt, parse_json, read_json
from fineparser.training.train_checkpoints import CheckpointFolder, RunError

RUN_FILE, LOG_FILE, CHECKPOINTS = "run.json", "log.jsonl", "checkpoints"


def code_version() -> dict[str, str | bool | None]:
    """Version of the package and, in a clone, its git commit, and whether files differ from it."""
    try:
        package = version("fineparser")
    except PackageNotFoundError:
        package = None
    root = Path(__file__).parents[2]
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else None
    changed = bool(_git(root, "status", "--porcelain", "--untracked-files=no")) if commit else None
    return {"version": package, "commit": commit, "changed": changed}


class Run:
    """A run folder. Use `Run.start`, `Run.read` or `Run.resume`.

    Args:
        folder: of the run.
        configuration: plain values, as saved in the folder.
    """

    def __init__(self, folder: Path, configuration: dict) -> None:
        self.folder = folder
        self.configuration = configuration
        self.checkpoints = CheckpointFolder(folder / CHECKPOINTS)

    @classmethod
    def start(cls, folder: Path, configuration: dict) -> "Run":
        """Start a run in an empty or new folder; RunError if the folder is not empty.

        Args:
            folder: of the run.
            configuration: plain values that are saved as JSON, all that the run depends on.
        """
        if (folder / RUN_FILE).exists():
            raise RunError(f"{folder} holds a run already: resume it with --resume, or name another folder")
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
        atomic_write_text(folder / RUN_FILE, json.dumps(facts, indent=2, allow_nan=False) + "\n")
        run.checkpoints.open()
        return run

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """Run in a folder, unchanged; RunError if there is none."""
        return cls(folder, read_facts(folder)["configuration"])

    @classmethod
    def resume(cls, folder: Path, check: Callable[[Path], None]) -> tuple["Run", list[str]]:
        """Run in a folder, without the incomplete files of a killed process, and remarks on what was repaired.

        Args:
            folder: of the run.
            check: raises ValueError for a checkpoint that is not whole, see `CheckpointFolder.recover`.

        Raises:
            RunError: if there is no run, or none of its checkpoints is whole.
        """
        run = cls.read(folder)
        for leftover in folder.glob(f".{Path(LOG_FILE).stem}-*"):
            leftover.unlink()
        run.checkpoints.folder.mkdir(exist_ok=True)
        remarks = run.checkpoints.recover(check)
        run.checkpoints.open()
        return run, remarks

    def log(self, kind: str, step: int, **values: object) -> None:
        """Append a line to the log; RunError if it cannot be written."""
        line = json.dumps({"kind": kind, "step": step, **values}, allow_nan=False) + "\n"
        try:
            with (self.folder / LOG_FILE).open("a") as file:
                file.write(line)
        except OSError as error:
            raise RunError(
                f"the log of {self.folder} could not be written: {error}. The last checkpoint is kept: "
                "free some space or remove the cause, then continue with --resume"
            ) from error

    def records(self) -> list[dict]:
        """Records of the log, without a last line that is incomplete or broken; RunError for an earlier such line."""
        path = self.folder / LOG_FILE
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")[:-1]  # an incomplete line has no line break
        records = []
        for number, line in enumerate(lines, 1):
            try:
                records.append(_record(line))
            except ValueError as error:
                if number < len(lines):
                    raise RunError(f"{path}, line {number}: {error}. Repair or remove this line") from error
        return records

    def rewind(self, step: int) -> None:
        """Remove the records after a step from the log, before these steps are repeated."""
        records = [record for record in self.records() if record["step"] <= step]
        atomic_write_text(self.folder / LOG_FILE, "".join(json.dumps(record) + "\n" for record in records))

    def save(self, step: int, state: dict, write: Callable[[Path], None], *, best: bool = False) -> Path:
        """Write a checkpoint, see `CheckpointFolder.save`."""
        return self.checkpoints.save(step, state, write, best=best)


def read_facts(folder: Path) -> dict:
    """Contents of the file that describes a run: configuration, code, machine; RunError if it is missing or broken."""
    path = folder / RUN_FILE
    try:
        facts = read_json(path)
        for name in ("configuration", "code", "machine"):
            if not isinstance(facts.get(name, {}), dict):
                raise ValueError(f"{name} should be an object, not {excerpt(facts[name])}")
        if "configuration" not in facts:
            raise ValueError("configuration is missing")
    except FileNotFoundError:
        raise RunError(f"{folder} holds no run to resume: there is no {RUN_FILE} in it") from None
    except ValueError as error:
        raise RunError(f"{path} is not readable: {error}") from error
    return facts


def _record(line: bytes) -> dict:
    """Record in a line of the log; ValueError for anything else."""
    record = parse_json(line)
    kind, step = record.get("kind"), record.get("step")
    if not isinstance(kind, str) or not isinstance(step, int):
        raise ValueError(f"a record has a kind and a step, not {excerpt(kind)} and {excerpt(step)}")
    return record


def _git(root: Path, *arguments: str) -> str | None:
    """Output of a git command, None without git or a repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
