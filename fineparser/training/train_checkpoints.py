"""Atomic checkpoints: each is complete or missing, whatever happens while it is written.

A checkpoint is a folder. It is written under a temporary name, flushed to the disk and renamed; `last` and `best` are
links to checkpoints, which are replaced atomically, too. A run that is killed, or that fills the disk, keeps its
earlier checkpoints.
"""

import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

LAST, BEST = "last", "best"
STATE_FILE = "state.json"
_UNFINISHED = ".unfinished-"


class RunError(ValueError):
    """A run cannot be started, resumed or saved; the message has the cause and the remedy."""


class CheckpointFolder:
    """Checkpoints of a run: folders `step-<number>` and the links `last` and `best` to two of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Create the folder, or remove the incomplete files of an interrupted process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._clean()

    @property
    def last(self) -> Path | None:
        """Newest checkpoint, None before the first."""
        return self._target(LAST)

    @property
    def best(self) -> Path | None:
        """Checkpoint with the best validation, None before the first validation."""
        return self._target(BEST)

    def save(self, step: int, state: dict, write: Callable[[Path], None], *, best: bool = False) -> Path:
        """Write the checkpoint of a step and link `last`, and with `best` also `best`, to it.

        Args:
            step: number of the step.
            state: plain values that are saved as JSON.
            write: writes all other files into the folder that it is called with.
            best: True for the best validation so far.

        Returns:
            Folder of the checkpoint.

        Raises:
            RunError: if it cannot be written, for example to a full disk; `last` and `best` are then unchanged.
        """
        target = self.folder / f"step-{step:08d}"
        unfinished = self.folder / f"{_UNFINISHED}{uuid.uuid4().hex}"
        try:
            unfinished.mkdir(parents=True)
            write(unfinished)
            (unfinished / STATE_FILE).write_text(json.dumps(state, indent=2, allow_nan=False))
            _flush_to_disk(unfinished)
            if target.exists():  # The same step again: the links move to the new folder before the old one is removed.
                target = self.folder / f"{target.name}-{uuid.uuid4().hex[:8]}"
            os.rename(unfinished, target)
            if best:
                self._link(BEST, target)
            self._link(LAST, target)
        except BaseException as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not isinstance(error, Exception):  # Ctrl-C
                raise
            last = f"the last good one, {self.last.name}, is kept" if self.last else "there is none before it"
            raise RunError(
                f"the checkpoint of step {step} could not be written to {self.folder}: {error}; {last}. "
                "Free some space or remove the cause, then continue with --resume"
            ) from error
        self._clean()
        return target

    def _target(self, link: str) -> Path | None:
        path = self.folder / link
        return path.resolve() if path.is_dir() else None

    def _link(self, link: str, target: Path) -> None:
        """Replace a link atomically; it is relative, so that a run folder can be moved."""
        temporary = self.folder / f"{_UNFINISHED}{uuid.uuid4().hex}"
        temporary.symlink_to(target.name, target_is_directory=True)
        os.replace(temporary, self.folder / link)
        _flush_folder(self.folder)

    def _clean(self) -> None:
        """Remove incomplete checkpoints, and those without a link."""
        linked = {self.last, self.best}
        for path in self.folder.iterdir():
            if path.name.startswith(_UNFINISHED) and not path.is_dir():
                path.unlink()
            elif path.is_symlink():
                continue
            elif path.name.startswith(_UNFINISHED) or (path.name.startswith("step-") and path.resolve() not in linked):
                shutil.rmtree(path)


def read_state(checkpoint: Path) -> dict:
    """Plain values saved with a checkpoint; RunError if they are missing or broken."""
    try:
        return json.loads((checkpoint / STATE_FILE).read_text())
    except (OSError, ValueError) as error:
        raise RunError(f"{checkpoint} holds no readable {STATE_FILE}: {error}") from error


def _flush_to_disk(folder: Path) -> None:
    """Flush all files of a folder to the disk: the rename must not reach it before the contents."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            _flush_folder(path)
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
