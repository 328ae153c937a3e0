"""Checkpoints that are whole or not there, whatever happens while they are written.

A checkpoint is a folder. It is written under a temporary name next to its place, flushed to the disk and then
renamed in one step; `last` and `best` are links to checkpoints that are replaced in one step too. A run that is
killed, or meets a full disk, in the middle of this still has the checkpoints it had before.
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
    """A run cannot be started, continued or saved; the message says why and what to do."""


class CheckpointFolder:
    """The checkpoints of one run: folders `step-<number>` and the links `last` and `best` to two of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Makes the folder, or clears away what an interrupted writer left in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._tidy()

    @property
    def last(self) -> Path | None:
        """The checkpoint written last, None before the first."""
        return self._target(LAST)

    @property
    def best(self) -> Path | None:
        """The checkpoint that did best on the validation split, None before the first validation."""
        return self._target(BEST)

    def save(self, step: int, state: dict, write: Callable[[Path], None], *, best: bool = False) -> Path:
        """Writes the checkpoint of `step` and lets `last`, and `best` if so, point to it.

        state: plain values, kept as JSON. write: writes everything else into the folder it is given.
        RunError where that fails (a full disk, say); `last` and `best` are then as they were.
        """
        place = self.folder / f"step-{step:08d}"
        unfinished = self.folder / f"{_UNFINISHED}{uuid.uuid4().hex}"
        try:
            unfinished.mkdir(parents=True)
            write(unfinished)
            (unfinished / STATE_FILE).write_text(json.dumps(state, indent=2, allow_nan=False))
            _flush_to_disk(unfinished)
            if place.exists():  # The same step again: its links move to the new one before the old one goes.
                place = self.folder / f"{place.name}-{uuid.uuid4().hex[:8]}"
            os.rename(unfinished, place)
            if best:
                self._point(BEST, place)
            self._point(LAST, place)
        except BaseException as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not isinstance(error, Exception):  # Ctrl-C
                raise
            kept = f"the last good one, {self.last.name}, is kept" if self.last else "there is none before it"
            raise RunError(
                f"the checkpoint of step {step} could not be written to {self.folder}: {error}; {kept}. "
                "Make room or mend the cause, then go on with --resume"
            ) from error
        self._tidy()
        return place

    def _target(self, link: str) -> Path | None:
        path = self.folder / link
        return path.resolve() if path.is_dir() else None

    def _point(self, link: str, place: Path) -> None:
        """Replaces a link in one step; it is relative, so that a run folder can be moved."""
        temporary = self.folder / f"{_UNFINISHED}{uuid.uuid4().hex}"
        temporary.symlink_to(place.name, target_is_directory=True)
        os.replace(temporary, self.folder / link)
        _flush_folder(self.folder)

    def _tidy(self) -> None:
        """Removes unfinished work and checkpoints that neither link points to."""
        wanted = {self.last, self.best}
        for path in self.folder.iterdir():
            if path.name.startswith(_UNFINISHED) and not path.is_dir():
                path.unlink()
            elif path.is_symlink():
                continue
            elif path.name.startswith(_UNFINISHED) or (path.name.startswith("step-") and path.resolve() not in wanted):
                shutil.rmtree(path)


def read_state(checkpoint: Path) -> dict:
    """The plain values saved with a checkpoint; RunError where they are missing or broken."""
    try:
        return json.loads((checkpoint / STATE_FILE).read_text())
    except (OSError, ValueError) as error:
        raise RunError(f"{checkpoint} holds no readable {STATE_FILE}: {error}") from error


def _flush_to_disk(folder: Path) -> None:
    """Waits until every file of the folder is on the disk: a rename may otherwise overtake the contents."""
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
