"""Simulated dives on disk: rendered once, read as often as training needs them.

FOLDER/
  <seed>.json         labels, the index of the image of each of the 96 sampled frames, and the end of each image
  <seed>.pictures.npy the P different images, one JPEG after the other, uint8: full frames of 224 lines
  <seed>.layers.npy   layers of the images around the entry, as JPEGs: body, flying water, foam
  <seed>.masks.npy    their masks, packed bits, uint8 [P, 224, 50]
  <seed>.postures.npy poses of the frames and their positions, float32 [96, 28]

Rendering a clip takes a core two thirds of a second, reading it a quarter. 1,000 dives take 3.6 GB; uncompressed frames
would take 26.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fineparser.atomic import atomic_write_text
from fineparser.data.dives import (
    DEFAULT_READ_OPTIONS,
    DataError,
    Dive,
    DiveList,
    Location,
    ProblemLog,
    ReadOptions,
    validation_keys,
)
from fineparser.data.readers.syndive import SOURCE, SynDives
from fineparser.domain.clip_geometry import CLIP_FRAMES, CLIP_SIDE
from fineparser.domain.dive_code import DiveCode
from fineparser.plain_values import read_json
from fineparser.simulator.athlete.pose import POSE_FIELDS, POSITION_FIELDS

STORE_LINES = 2 * CLIP_SIDE
"""Height of the stored frames, pixels: as large as the largest input of a network."""
LAYER_RANGE = (-9, 28)
"""First and last frame with layers, relative to the first frame of the entry: those of an `EntryScene`, with some
margin for errors of the transition."""
QUALITY = 95
"""JPEG quality, without chroma subsampling: the loss is below the noise of recordings."""


@dataclass(frozen=True)
class StoredFrames:
    """Frames and masks of one stored dive, numbered from 0 to 95."""

    stem: Path
    """Path of the files without their endings."""

    ends: tuple[int, ...]
    """End of each of the P images in their file."""

    image_indices: tuple[int, ...]
    """[96]: index of the image of each frame."""

    first_layer: int
    """Index of the first image with layers."""

    layer_ends: tuple[int, ...]
    """End of the layers of each of these images in their file."""

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the frames `numbers`, RGB uint8 [n, 224, W, 3]; DataError where the file is broken."""
        indices, order = self._images(numbers)
        return np.stack(self._jpegs(".pictures.npy", self.ends, indices))[order]

    def read_layers(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the layers of the frames `numbers`, uint8 [n, 224, W, 3], 0 far from the entry; DataError where the file
        is broken."""
        indices, order = self._images(numbers)
        places = indices - self.first_layer
        stored = (places >= 0) & (places < len(self.layer_ends))
        images = self._jpegs(".layers.npy", self.layer_ends, places[stored] if stored.any() else np.zeros(1, int))
        layers = np.zeros((len(indices), *images[0].shape), np.uint8)
        if stored.any():
            layers[stored] = images
        return layers[order]

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the masks of the frames `numbers`, bool [n, 224, W]; DataError where the file is broken."""
        packed = self._open(".masks.npy", (len(self.ends), STORE_LINES, None))
        indices, order = self._images(numbers)
        return np.unpackbits(packed[indices], axis=-1).view(np.bool_)[order]

    def read_poses(self, numbers: Sequence[int]) -> np.ndarray:
        """Read the poses in the frames `numbers`, float32 [n, 28]; DataError where the file is broken."""
        return self._open(".postures.npy", (CLIP_FRAMES, len(POSE_FIELDS) + len(POSITION_FIELDS)), np.float32)[
            list(numbers)
        ]

    def _jpegs(self, ending: str, ends: tuple[int, ...], indices: np.ndarray) -> list[np.ndarray]:
        """Decode some of the images in a file of JPEGs with these ends, RGB uint8 [224, W, 3] each."""
        data, starts = self._open(ending, (ends[-1],)), (0, *ends)
        images = []
        for index in indices:
            image = cv2.imdecode(data[starts[index] : ends[index]], cv2.IMREAD_COLOR_RGB)
            if image is None:
                raise DataError(f"{self.stem}{ending} cannot be read: an image in it is no JPEG.")
            images.append(image)
        return images

    def _images(self, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the images of the frames `numbers`, each once, and the index of each frame in them."""
        return np.unique(np.asarray(self.image_indices)[list(numbers)], return_inverse=True)

    def _open(self, ending: str, shape: tuple[int | None, ...], dtype: type[np.generic] = np.uint8) -> np.ndarray:
        """Open the array in a file; None in the shape allows any length."""
        path = self.stem.with_name(self.stem.name + ending)
        try:
            array = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}") from error
        fits = array.ndim == len(shape) and all(
            length in (None, actual) for length, actual in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype != dtype:
            expected = ", ".join("any" if length is None else str(length) for length in shape)
            raise DataError(f"{path} holds {array.dtype} {list(array.shape)}, not {np.dtype(dtype)} [{expected}]")
        return array


def store_dives(
    source: SynDives,
    folder: Path,
    *,
    workers: int = 1,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Render the dives of a source that are not in the folder yet.

    Args:
        source: full frames of `STORE_LINES` lines.
        folder: store to add to.
        workers: processes that render.
        on_done: called with the number of dives in the store and of the source; an exception of it ends the work.

    Raises:
        ValueError: for a source with other frames.
        OSError: if the disk is full.
    """
    if (source.lines, source.width) != (STORE_LINES, "full"):
        raise ValueError(f"a store holds full frames of {STORE_LINES} lines; make the source with them")
    folder.mkdir(parents=True, exist_ok=True)
    absent = [index for index in range(len(source)) if not _labels_file(folder, source, index).is_file()]
    done = len(source) - len(absent)
    on_done(done, len(source))
    store = partial(_store_dive, source, folder)
    # Spawned: a fork of a process whose torch has threads may wait for one that does not exist.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) if workers > 1 else nullcontext() as pool:
        for _ in map(store, absent) if pool is None else pool.map(store, absent):
            done += 1
            on_done(done, len(source))


def read_store(folder: Path, options: ReadOptions = DEFAULT_READ_OPTIONS) -> DiveList:
    """Read the dives of a store, in the order of their seeds.

    DataError where the folder holds none, or for broken labels, which `OnBroken.SKIP` leaves out.
    """
    problems = ProblemLog(options.on_broken)
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DataError(f"{folder} is no store of dives: there is no .json in it.")
    held_out = validation_keys((file.stem for file in files), options)
    dives = []
    for file in files:
        try:
            labels = read_json(file)
            dives.append(_read_dive(file, labels, "validation" if file.stem in held_out else "train"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            problems.add(Location(file), f"cannot be used: {error!r}", error)
    return DiveList(f"store:{folder}", tuple(dives), tuple(problems.problems), options.on_broken)


def _labels_file(folder: Path, source: SynDives, index: int) -> Path:
    return folder / f"{source.dive_seed(index):06d}.json"


def _store_dive(source: SynDives, folder: Path, index: int) -> None:
    dive = source[index]
    numbers = dive.sample()
    distinct, image_indices = np.unique(numbers, return_inverse=True)
    frames, masks = dive.read(distinct.tolist()), dive.read_masks(distinct.tolist())
    poses, transitions = dive.read_poses(numbers.tolist()), dive.transitions(numbers)
    if masks is None or poses is None or transitions is None:
        raise ValueError(f"{dive.location}: a store holds simulated dives with all labels")
    file = _labels_file(folder, source, index)
    np.save(file.with_suffix(".postures.npy"), poses)
    images = [_encode_jpeg(frame) for frame in frames]
    np.save(file.with_suffix(".pictures.npy"), np.concatenate(images))
    first, last = (int(image_indices[np.clip(transitions.entry + shift, 0, len(numbers) - 1)]) for shift in LAYER_RANGE)
    layers = dive.read_layers(distinct[first : last + 1].tolist())
    if layers is None:
        raise ValueError(f"{dive.location}: a store holds simulated dives with all labels")
    layer_images = [_encode_jpeg(layer) for layer in layers]
    np.save(file.with_suffix(".layers.npy"), np.concatenate(layer_images))
    np.save(file.with_suffix(".masks.npy"), np.packbits(masks, axis=-1))
    labels = {
        "id": dive.id,
        "code": str(dive.code),
        "height": dive.height,
        "difficulty": dive.difficulty,
        "score": dive.score,
        "awards": dive.awards,
        "transitions": [transitions.flight, transitions.entry],
        "deductions": dive.deductions,
        "deserved": dive.noise_free_award,
        "divided": first,
        "layer_ends": np.cumsum([len(image) for image in layer_images]).tolist(),
        "ends": np.cumsum([len(image) for image in images]).tolist(),
        "places": image_indices.tolist(),
    }
    # The labels come last: a dive with labels is complete.
    atomic_write_text(file, json.dumps(labels))


def _encode_jpeg(frame: np.ndarray) -> np.ndarray:
    settings = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), settings)[1]


def _read_dive(file: Path, labels: dict[str, Any], split: str) -> Dive:
    flight, entry = labels["transitions"]
    return Dive(
        id=labels["id"],
        source=SOURCE,
        split=split,
        frames=StoredFrames(
            file.with_suffix(""),
            ends=tuple(labels["ends"]),
            image_indices=tuple(labels["places"]),
            first_layer=labels["divided"],
            layer_ends=tuple(labels["layer_ends"]),
        ),
        location=Location(file),
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
        has_poses=True,
        deductions=tuple(labels["deductions"]),
        noise_free_award=labels["deserved"],
    )
