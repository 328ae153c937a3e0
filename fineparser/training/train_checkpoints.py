"""Atomic checkpoints: each is complete or missing, whatever happens while it is written.

A checkpoint is a folder. It is written under a temporary name, flushed to the disk and renamed; `last` and `best` are
links to checkpoints, which are replaced atomically, too. A run that is killed, or that fills the disk, keeps its
earlier checkpoints.
"""

import json
import os
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from fineparser.plain_values import read_json

LAST, BEST = "last", "best"
STATE_FILE = "state.json"
_UNFINISHED = ".unfinished-"
_NAME = re.compile(r"step-(\d{1,18})(?:-[0-9a-f]{8})?")


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

    def recover(self, check: Callable[[Path], None]) -> list[str]:
        """Link `last` to the newest whole checkpoint, and `best`, if its link is lost, to the best one.

        Args:
            check: raises ValueError for a checkpoint that is not whole.

        Returns:
            Remarks on the checkpoints that were passed over, and on links that were lost.

        Raises:
            RunError: if there are checkpoints, or a link to one that is gone, but none is whole.
        """
        remarks = []
        newest_first = sorted(self._checkpoints(), key=_order, reverse=True)
        for checkpoint in newest_first:
            try:
                check(checkpoint)
            except ValueError as error:
                remarks.append(f"{checkpoint.name} was passed over: {error}")
                continue
            if self.last != checkpoint.resolve():
                remarks.append(f"{self.folder / LAST} now points to {checkpoint.name}, the newest whole checkpoint")
                self._link(LAST, checkpoint)
            best = [path for path in newest_first if checkpoint_step(path) == read_state(checkpoint).get("best_step")]
            if self.best is None and best:
                remarks.append(f"{self.folder / BEST} now points to {best[0].name}")
                self._link(BEST, best[0])
            return remarks
        if newest_first or (self.folder / LAST).is_symlink():
            reasons = "; ".join(remarks) or f"{LAST} points to {os.readlink(self.folder / LAST)}, which is gone"
            raise RunError(
                f"{self.folder} holds no whole checkpoint to resume from: {reasons}. "
                "Restore one, or remove this folder to train from the beginning"
            )
        return remarks

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

    def _checkpoints(self) -> list[Path]:
        """Folders of all checkpoints, linked or not."""
        return [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name) and not path.is_symlink()]

    def _clean(self) -> None:
        """Remove incomplete checkpoints, and those before `last` without a link; newer ones may be all that is left."""
        for path in self.folder.glob(f"{_UNFINISHED}*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        last = self.last
        if last is None:
            return
        for path in self._checkpoints():
            if path.resolve() not in (last, self.best) and checkpoint_step(path) <= checkpoint_step(last):
                shutil.rmtree(path)


def read_state(checkpoint: Path) -> dict:
    """Plain values saved with a checkpoint; RunError if they are missing or broken."""
    try:
        return read_json(checkpoint / STATE_FILE)
    except (OSError, ValueError) as error:
        raise RunError(f"{checkpoint} holds no readable {STATE_FILE}: {error}") from error


def checkpoint_step(checkpoint: Path) -> int:
    """Number of the step in the name of a checkpoint, -1 in another name."""
    match = _NAME.fullmatch(checkpoint.name)
    return int(match[1]) if match else -1


def _order(checkpoint: Path) -> tuple[int, float]:
    """Step, and time of writing where a step was written again."""
    return checkpoint_step(checkpoint), checkpoint.stat().st_mtime


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
