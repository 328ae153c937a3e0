"""What a network that does not change shows of clips, kept on disk: asked for once, learnt from for as long as one
wants.

Each file holds one array, a row a clip. `whole.json` says how many there are, and by which weights: where it is, the
rest is.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import DTypeLike
from torch.utils.data import DataLoader

from fineparser.data.batches import TensorBatch
from fineparser.data.pairs import DiveDataset, EpochDataset
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import evaluating
from fineparser.training.runs import write_whole

AT_ONCE = 2
"""Clips that are shown together."""
WHOLE = "whole.json"


def keep(
    model: FineParser,
    clips: DiveDataset,
    folder: Path,
    accelerator: Accelerator,
    arrays: Mapping[str, tuple[tuple[int, ...], DTypeLike]],
    find: Callable[[FineParser, TensorBatch], tuple[np.ndarray, ...]],
    *,
    workers: int = 0,
    on_done: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Keeps what is found in each clip, unless the folder holds that already.

    Args:
        model: in evaluation mode meanwhile.
        clips: what to look at, each once, shared out over the processes.
        folder: made where it is not there; what an interrupted call left in it is written anew.
        arrays: by the names of the files: the shape that they have a clip, and the kind of number.
        find: what is kept of a batch, in that order.
        on_done: is told how many of how many clips of this process are done; what it raises ends the work.

    Raises:
        OSError: where the disk takes no more.
    """
    whole = folder / WHOLE
    about = {"clips": len(clips), "weights": model.fingerprint()}
    if whole.is_file() and json.loads(whole.read_text()) == about:
        return
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
        whole.unlink(missing_ok=True)
        for name, (shape, kind) in arrays.items():
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, (len(clips), *shape))
    accelerator.wait_for_everyone()
    kept = [np.load(folder / f"{name}.npy", mmap_mode="r+") for name in arrays]
    own = list(range(len(clips)))[accelerator.process_index :: accelerator.num_processes]
    batches = [own[start : start + AT_ONCE] for start in range(0, len(own), AT_ONCE)]
    loader = DataLoader(clips, batch_sampler=batches, collate_fn=_stack, num_workers=workers)
    done = 0
    with evaluating(model), torch.no_grad():
        for indices, batch in zip(batches, loader, strict=True):
            with accelerator.autocast():
                found = find(model, batch.to(accelerator.device))
            for array, values in zip(kept, found, strict=True):
                array[indices] = values
            done += len(indices)
            on_done(done, len(own))
    for array in kept:
        array.flush()
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        write_whole(whole, json.dumps(about))
    accelerator.wait_for_everyone()


def _stack(samples: Sequence[TensorBatch]) -> TensorBatch:
    """Joins samples as their kind does."""
    return type(samples[0]).stack(samples)


class KeptDataset(EpochDataset):
    """What is learnt of each clip that a folder holds, varied anew each epoch."""

    def __init__(self, folder: Path, size: int, colour_jitter: float = 0.0, *, seed: int = 0) -> None:
        super().__init__()
        self._folder, self._size, self._colour_jitter, self._seed = folder, size, colour_jitter, seed
        self._count = json.loads((folder / WHOLE).read_text())["clips"]

    def __len__(self) -> int:
        return self._count

    def _draws(self, index: int, *others: int) -> np.random.Generator:
        """What a clip's variation is drawn from in this epoch; IndexError where there is no such clip."""
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return np.random.default_rng((self._seed, int(self._epoch), index, *others))

    def _kept(self, name: str, index: int) -> np.ndarray:
        return np.load(self._folder / f"{name}.npy", mmap_mode="r")[index]
