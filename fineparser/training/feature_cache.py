"""Cached samples on disk: outputs of a frozen part of the network, computed once for many epochs of training.

Each file of a cache holds one array with a row a clip. `whole.json` is written last: it has the number of clips and the
fingerprint of the weights, and without it the cache is incomplete. Until then `begun.json` has the same, and `done.npy`
which rows are there: an interrupted cache is continued.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import DTypeLike
from torch.utils.data import DataLoader

from fineparser.atomic import atomic_write_text
from fineparser.data.datasets import DiveDataset, EpochDataset
from fineparser.model.protocol import Network
from fineparser.plain_values import read_json
from fineparser.training.encoded_dives import evaluation_mode, stack_samples

BATCH_SIZE = 2
"""Clips whose rows are computed together."""
MARKER_FILE, BEGUN_FILE = "whole.json", "begun.json"
DONE_FILE = "done.npy"


@dataclass(frozen=True, kw_only=True)
class CacheContents:
    """Contents of a cache: its arrays, and how they are computed."""

    arrays: Mapping[str, tuple[tuple[int, ...], DTypeLike]]
    """Shape of a row and data type of each file, by its name without suffix."""
    compute: Callable[[Any, Any], tuple[np.ndarray, ...]]
    """Rows that a network computes of a batch of the dataset, in the order of `arrays`."""


def write_cache(
    model: Network,
    clips: DiveDataset,
    folder: Path,
    contents: CacheContents,
    accelerator: Accelerator,
    *,
    workers: int = 0,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Compute a cache, unless the folder has that of these weights and this number of clips.

    Args:
        model: in evaluation mode meanwhile.
        clips: each is computed once; they are divided among the processes.
        folder: created if missing; an incomplete cache of these weights is continued, another one replaced.
        contents: arrays and their computation.
        accelerator: processes and device.
        workers: processes that read clips.
        on_done: called with the number of finished clips and all clips of this process; an exception ends the work.

    Raises:
        OSError: if the disk is full.
    """
    marker = folder / MARKER_FILE
    facts = {"clips": len(clips), "weights": model.fingerprint()}
    if _holds(marker, facts):
        return
    if accelerator.is_main_process and not _holds(folder / BEGUN_FILE, facts):
        folder.mkdir(parents=True, exist_ok=True)
        for file in (marker, folder / BEGUN_FILE):
            file.unlink(missing_ok=True)
        for name, (shape, dtype) in contents.arrays.items():
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (len(clips), *shape))
        np.lib.format.open_memmap(folder / DONE_FILE, "w+", np.bool_, (len(clips),))
        atomic_write_text(folder / BEGUN_FILE, json.dumps(facts))
    accelerator.wait_for_everyone()
    arrays = [np.load(folder / f"{name}.npy", mmap_mode="r+") for name in contents.arrays]
    finished = np.load(folder / DONE_FILE, mmap_mode="r+")
    own = list(range(len(clips)))[accelerator.process_index :: accelerator.num_processes]
    absent = [index for index in own if not finished[index]]
    batches = [absent[start : start + BATCH_SIZE] for start in range(0, len(absent), BATCH_SIZE)]
    loader = DataLoader(clips, batch_sampler=batches, collate_fn=stack_samples, num_workers=workers)
    done = len(own) - len(absent)
    with evaluation_mode(model), torch.no_grad():
        for indices, batch in zip(batches, loader, strict=True):
            with accelerator.autocast():
                rows = contents.compute(model, batch.to(accelerator.device))
            for array, values in zip(arrays, rows, strict=True):
                array[indices] = values
            finished[indices] = True
            done += len(indices)
            on_done(done, len(own))
    for array in arrays:
        array.flush()
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        atomic_write_text(marker, json.dumps(facts))
        (folder / BEGUN_FILE).unlink()
        (folder / DONE_FILE).unlink()
    accelerator.wait_for_everyone()


def _holds(marker: Path, facts: dict[str, Any]) -> bool:
    """True if a file has these facts; False if it is missing or broken."""
    with suppress(FileNotFoundError, ValueError):
        return bool(read_json(marker) == facts)
    return False


class CachedDataset(EpochDataset):
    """Samples made of the rows of a cache, with a random augmentation each epoch.

    Args:
        folder: of a complete cache.
        size: height and width of the samples in pixels.
        colour_jitter: see `TrainOptions`.
        seed: of the augmentation.
    """

    def __init__(self, folder: Path, size: int, colour_jitter: float = 0.0, *, seed: int = 0) -> None:
        super().__init__()
        self._folder, self._size, self._colour_jitter, self._seed = folder, size, colour_jitter, seed
        self._count = read_json(folder / MARKER_FILE)["clips"]

    def __len__(self) -> int:
        return self._count

    def _random(self, index: int, *stream: int) -> np.random.Generator:
        """Random numbers for the augmentation of a clip in this epoch; IndexError if there is no such clip.

        stream: number of the generator, if a clip needs several.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return np.random.default_rng((self._seed, int(self._epoch), index, *stream))

    def _row(self, name: str, index: int) -> np.ndarray:
        """Row of a clip in a file of the cache, mapped into memory."""
        return np.load(self._folder / f"{name}.npy", mmap_mode="r")[index]
