"""Simulated dives kept on disk: drawn once, read as often as a training wants them.

FOLDER/
  <seed>.json         labels
  <seed>.npy          the 96 sampled frames, RGB uint8 [96, 112, 200, 3]: the whole picture at the loader's size
  <seed>.masks.npy    the masks, packed bits, uint8 [96, 112, 25]
  <seed>.postures.npy the postures and their places, float32 [96, 28]

Drawing a clip takes a processor's core a third of a second, reading it a few milliseconds. 1,000 dives take 6.7 GB.
"""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from fineparser.data.dives import DataError, Dive, DiveList, Place, Problems, validation_share
from fineparser.data.syndive import SOURCE, SynDives
from fineparser.data.transforms import PICTURE_HEIGHT, PICTURE_WIDTH
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.simulator.posture import PLACE, POSTURE

_SHAPE = (CLIP_FRAMES, PICTURE_HEIGHT, PICTURE_WIDTH)


@dataclass(frozen=True)
class KeptFootage:
    """The frames and masks of one kept dive, numbered from 0 to 95."""

    stem: Path
    """The files' path without what the names end with."""

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """The frames `numbers`, RGB uint8 [n, 112, 200, 3]; DataError where the file is broken."""
        return self._open(".npy", (*_SHAPE, 3))[list(numbers)]

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """The masks of the frames `numbers`, bool [n, 112, 200]; DataError where the file is broken."""
        packed = self._open(".masks.npy", (*_SHAPE[:2], PICTURE_WIDTH // 8))
        return np.unpackbits(packed[list(numbers)], axis=-1).view(np.bool_)

    def read_postures(self, numbers: Sequence[int]) -> np.ndarray:
        """The postures in the frames `numbers`, float32 [n, 28]; DataError where the file is broken."""
        return self._open(".postures.npy", (CLIP_FRAMES, len(POSTURE) + len(PLACE)), np.float32)[list(numbers)]

    def _open(self, ending: str, shape: tuple[int, ...], kind: type[np.generic] = np.uint8) -> np.ndarray:
        path = self.stem.with_name(self.stem.name + ending)
        try:
            found = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}") from error
        if found.shape != shape or found.dtype != kind:
            raise DataError(f"{path} holds {found.dtype} {list(found.shape)}, not {np.dtype(kind)} {list(shape)}")
        return found


def keep_dives(
    source: SynDives,
    folder: Path,
    *,
    workers: int = 1,
    on_done: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Draws the dives of a source that are not in the folder yet.

    Args:
        source: whole pictures of 112 lines.
        workers: processes that draw.
        on_done: is told how many of how many dives are there; what it raises ends the work.

    Raises:
        ValueError: for a source of other pictures.
        OSError: where the disk takes no more.
    """
    if (source.lines, source.width) != (PICTURE_HEIGHT, "full"):
        raise ValueError(f"dives are kept as whole pictures of {PICTURE_HEIGHT} lines; ask the source for them")
    folder.mkdir(parents=True, exist_ok=True)
    absent = [index for index in range(len(source)) if not _labels(folder, source, index).is_file()]
    done = len(source) - len(absent)
    on_done(done, len(source))
    keep = partial(_keep, source, folder)
    # Started afresh: a fork of a process whose torch has threads may wait for one that is not there.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) if workers > 1 else nullcontext() as pool:
        for _ in map(keep, absent) if pool is None else pool.map(keep, absent):
            done += 1
            on_done(done, len(source))


def read_kept(folder: Path, *, seed: int = 0, validation: float = 0.1, skip_broken: bool = False) -> DiveList:
    """The dives kept in a folder, by their numbers; `seed` draws the share for validation.

    DataError where the folder holds none, or for broken labels, which `skip_broken` leaves out.
    """
    problems = Problems(skip_broken=skip_broken)
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DataError(f"{folder} holds no kept dives: there is no .json in it.")
    held_out = validation_share((file.stem for file in files), seed=seed, share=validation)
    dives = []
    for file in files:
        try:
            labels = json.loads(file.read_text())
            dives.append(_dive(file, labels, "validation" if file.stem in held_out else "train"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.add(Place(file), f"cannot be used: {error!r}", error)
    return DiveList(f"kept:{folder}", tuple(dives), tuple(problems.found))


def _labels(folder: Path, source: SynDives, index: int) -> Path:
    return folder / f"{source.dive_seed(index):06d}.json"


def _keep(source: SynDives, folder: Path, index: int) -> None:
    dive = source[index]
    numbers = dive.sample()
    wanted, places = np.unique(numbers, return_inverse=True)
    frames, masks = dive.read(wanted.tolist()), dive.read_masks(wanted.tolist())
    file = _labels(folder, source, index)
    np.save(file.with_suffix(".postures.npy"), dive.read_postures(numbers))
    np.save(file.with_suffix(".npy"), frames[places])
    np.save(file.with_suffix(".masks.npy"), np.packbits(masks[places], axis=-1))
    moments = dive.transitions(numbers)
    labels = {
        "id": dive.id,
        "code": str(dive.code),
        "height": dive.height,
        "difficulty": dive.difficulty,
        "score": dive.score,
        "awards": dive.awards,
        "transitions": [moments.flight, moments.entry],
        "deductions": dive.deductions,
        "deserved": dive.deserved,
    }
    part = file.with_suffix(".part")  # the labels come last: where they are, the pictures are
    part.write_text(json.dumps(labels))
    os.replace(part, file)


def _dive(file: Path, labels: dict, split: str) -> Dive:
    flight, entry = labels["transitions"]
    return Dive(
        id=labels["id"],
        source=SOURCE,
        split=split,
        footage=KeptFootage(file.with_suffix("")),
        place=Place(file),
        first_frame=0,
        last_frame=CLIP_FRAMES - 1,
        code=DiveCode.parse(labels["code"]),
        height=labels["height"],
        difficulty=labels["difficulty"],
        score=labels["score"],
        awards=tuple(labels["awards"]),
        flight_frame=flight,
        entry_frame=entry,
        has_masks=True,
        has_postures=True,
        deductions=tuple(labels["deductions"]),
        deserved=labels["deserved"],
    )
