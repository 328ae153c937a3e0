"""Simulated dives kept on disk: drawn once, read as often as a training wants them.

FOLDER/
  <seed>.json         labels, which of the pictures each of the 96 sampled frames is, and where each picture ends
  <seed>.pictures.npy those that differ, one JPEG after the other, uint8: whole pictures of 224 lines
  <seed>.layers.npy   of those about the entry what they are made of, as JPEGs: body, flying water, foam
  <seed>.masks.npy    their masks, packed bits, uint8 [P, 224, 50]
  <seed>.postures.npy the postures of the frames and their places, float32 [96, 28]

Drawing a clip takes a core two thirds of a second, reading it a quarter. 1,000 dives take 3.6 GB; as they are,
pictures would take 26.
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

import cv2
import numpy as np

from fineparser.data.dives import DataError, Dive, DiveList, Place, Problems, validation_share
from fineparser.data.syndive import SOURCE, SynDives
from fineparser.data.transforms import PICTURE_HEIGHT
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.simulator.posture import PLACE, POSTURE

KEPT_LINES = 2 * PICTURE_HEIGHT
"""Lines of kept pictures: as many as the networks see that see details."""
DIVIDED = (-9, 28)
"""Of the frames from so many before the entry's first to so many after it, it is kept what they are made of: those in
which an `EntryScene` looks at it, even where its first is mistaken by some."""
QUALITY = 95
"""Of the JPEGs, without thinned out colours: what is lost is less than the noise of the recordings."""


@dataclass(frozen=True)
class KeptFootage:
    """The frames and masks of one kept dive, numbered from 0 to 95."""

    stem: Path
    """The files' path without what the names end with."""

    ends: tuple[int, ...]
    """Where each of the P pictures ends in the file of them."""

    places: tuple[int, ...]
    """[96]: which of the pictures each frame is."""

    divided: int
    """The first of the pictures of which it is known what they are made of."""

    layer_ends: tuple[int, ...]
    """Where in their file the layers of each of these end."""

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """The frames `numbers`, RGB uint8 [n, 224, W, 3]; DataError where the file is broken."""
        wanted, order = self._pictures(numbers)
        return np.stack(self._jpegs(".pictures.npy", self.ends, wanted))[order]

    def read_layers(self, numbers: Sequence[int]) -> np.ndarray:
        """What the frames `numbers` are made of, uint8 [n, 224, W, 3]: nothing, of those far from the entry; DataError
        where the file is broken."""
        wanted, order = self._pictures(numbers)
        places = wanted - self.divided
        known = (places >= 0) & (places < len(self.layer_ends))
        some = self._jpegs(".layers.npy", self.layer_ends, places[known] if known.any() else [0])
        layers = np.zeros((len(wanted), *some[0].shape), np.uint8)
        if known.any():
            layers[known] = some
        return layers[order]

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """The masks of the frames `numbers`, bool [n, 224, W]; DataError where the file is broken."""
        packed = self._open(".masks.npy", (len(self.ends), KEPT_LINES, None))
        wanted, order = self._pictures(numbers)
        return np.unpackbits(packed[wanted], axis=-1).view(np.bool_)[order]

    def read_postures(self, numbers: Sequence[int]) -> np.ndarray:
        """The postures in the frames `numbers`, float32 [n, 28]; DataError where the file is broken."""
        return self._open(".postures.npy", (CLIP_FRAMES, len(POSTURE) + len(PLACE)), np.float32)[list(numbers)]

    def _jpegs(self, ending: str, ends: tuple[int, ...], wanted: Sequence[int]) -> list[np.ndarray]:
        """Some of the pictures in a file of JPEGs that end there, RGB uint8 [224, W, 3] each."""
        data, starts = self._open(ending, (ends[-1],)), (0, *ends)
        pictures = [cv2.imdecode(data[starts[place] : ends[place]], cv2.IMREAD_COLOR_RGB) for place in wanted]
        if any(picture is None for picture in pictures):
            raise DataError(f"{self.stem}{ending} cannot be read: a picture in it is no JPEG.")
        return pictures

    def _pictures(self, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The pictures that the frames `numbers` are, each once, and the way back."""
        return np.unique(np.asarray(self.places)[list(numbers)], return_inverse=True)

    def _open(self, ending: str, shape: tuple[int | None, ...], kind: type[np.generic] = np.uint8) -> np.ndarray:
        """What the file holds; any length will do where the shape says None."""
        path = self.stem.with_name(self.stem.name + ending)
        try:
            found = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}") from error
        fits = found.ndim == len(shape) and all(
            want in (None, is_) for want, is_ in zip(shape, found.shape, strict=True)
        )
        if not fits or found.dtype != kind:
            asked = ", ".join("any" if length is None else str(length) for length in shape)
            raise DataError(f"{path} holds {found.dtype} {list(found.shape)}, not {np.dtype(kind)} [{asked}]")
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
        source: whole pictures of `KEPT_LINES` lines.
        workers: processes that draw.
        on_done: is told how many of how many dives are there; what it raises ends the work.

    Raises:
        ValueError: for a source of other pictures.
        OSError: where the disk takes no more.
    """
    if (source.lines, source.width) != (KEPT_LINES, "full"):
        raise ValueError(f"dives are kept as whole pictures of {KEPT_LINES} lines; ask the source for them")
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
    pictures = [_jpeg(frame) for frame in frames]
    np.save(file.with_suffix(".pictures.npy"), np.concatenate(pictures))
    touch = dive.transitions(numbers).entry
    first, last = (int(places[np.clip(touch + shift, 0, len(numbers) - 1)]) for shift in DIVIDED)
    layers = [_jpeg(layer) for layer in dive.read_layers(wanted[first : last + 1].tolist())]
    np.save(file.with_suffix(".layers.npy"), np.concatenate(layers))
    np.save(file.with_suffix(".masks.npy"), np.packbits(masks, axis=-1))
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
        "divided": first,
        "layer_ends": np.cumsum([len(layer) for layer in layers]).tolist(),
        "ends": np.cumsum([len(picture) for picture in pictures]).tolist(),
        "places": places.tolist(),
    }
    part = file.with_suffix(".part")  # the labels come last: where they are, the pictures are
    part.write_text(json.dumps(labels))
    os.replace(part, file)


def _jpeg(frame: np.ndarray) -> np.ndarray:
    how = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    how += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), how)[1]


def _dive(file: Path, labels: dict, split: str) -> Dive:
    flight, entry = labels["transitions"]
    return Dive(
        id=labels["id"],
        source=SOURCE,
        split=split,
        footage=KeptFootage(
            file.with_suffix(""),
            ends=tuple(labels["ends"]),
            places=tuple(labels["places"]),
            divided=labels["divided"],
            layer_ends=tuple(labels["layer_ends"]),
        ),
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
        has_layers=True,
        has_postures=True,
        deductions=tuple(labels["deductions"]),
        deserved=labels["deserved"],
    )
