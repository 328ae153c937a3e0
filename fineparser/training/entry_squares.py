"""Entries kept on disk with what they are made of: what `EntryPainter` learns from.

FOLDER/
  squares.npy  uint8 [N, 17, 3, 128, 128]: the sixteen moments of an `EntryScene`, and their median
  layers.npy   uint8 [N, 16, 3, 64, 64]: body, flying water and foam of the moments

The squares reach a third further than those that are looked at: learning shifts and scales them. 1,000 dives take
1.0 GB.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from fineparser.data.batches import TensorBatch
from fineparser.data.entry_clips import EntryClipBatch, EntryClips
from fineparser.data.transforms import jitter_colours
from fineparser.model.config import FineParserConfig
from fineparser.model.entry_painter import LAYERS, EntryPainter
from fineparser.model.entry_scene import OFFSETS
from fineparser.model.fineparser import FineParser
from fineparser.training.kept import KeptDataset, keep

MARGIN = 4 / 3
"""Half side of a kept square over that of the square that is looked at."""
PICKED = 5
"""Moments of a clip that are learnt from at a time."""
NEARER, FARTHER = 0.875, 1.175
"""Sizes of the squares that are learnt from, over that of the square that is looked at."""
ASTRAY = 1 / 16
"""Standard deviation of where they lie, in sides of it."""
GREY = 0.15
"""How often a clip loses its colours."""


@dataclass(frozen=True)
class SquareBatch(TensorBatch):
    """F moments each of B entries."""

    squares: Tensor
    """float32 [B, F, 12, 96, 96], see `EntryPainter.channels`."""

    layers: Tensor
    """float32 [B, F, 3, 48, 48], 0 to 1."""

    def __len__(self) -> int:
        return len(self.squares)


class EntrySquares(KeptDataset):
    """Some moments of each kept entry, shifted, scaled, mirrored and coloured in another way each time.

    Join samples with `SquareBatch.stack`.
    """

    def __getitem__(self, index: int) -> SquareBatch:
        """IndexError where there is no such clip."""
        rng = self._draws(index)
        kept, layers = self._kept("squares", index), self._kept("layers", index)
        picked = np.sort(rng.choice(len(OFFSETS), PICKED, replace=False))
        beside = np.maximum(picked - 1, 0), np.minimum(picked + 1, len(OFFSETS) - 1)
        squares, layers = kept[np.concatenate([picked, *beside, [len(OFFSETS)]])], layers[picked]
        # Whole pixels of both: one of the layers' is two wide.
        side = 2 * round(self._size * rng.uniform(NEARER, FARTHER) / 2)
        spare = kept.shape[-1] - side
        left, top = np.clip(spare / 2 + rng.normal(0, ASTRAY * self._size, 2), 0, spare).astype(int) // 2 * 2
        squares = _seen(squares, left, top, side, self._size)
        layers = _seen(layers, left // 2, top // 2, side // 2, self._size // 2)
        if rng.random() < 0.5:
            squares, layers = squares[:, :, ::-1], layers[:, :, ::-1]
        inside = (squares > 1).any(-1, keepdims=True)
        if self._colour_jitter:
            squares = jitter_colours(squares, rng, self._colour_jitter)
        if rng.random() < GREY:
            squares = np.repeat(squares.mean(-1, keepdims=True), 3, axis=-1)
        # Black is what is beyond the pictures, however they are coloured.
        squares = np.where(inside, np.maximum(squares, 2), 0).astype(np.float32)
        parts = torch.from_numpy(squares).permute(0, 3, 1, 2).split(PICKED)
        *seen, scenery = parts
        channels = EntryPainter.channels_of(*seen, scenery, torch.tensor(OFFSETS)[picked])
        truth = torch.from_numpy(layers.astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous()
        return SquareBatch(channels[None], truth[None])


def _seen(pictures: np.ndarray, left: int, top: int, side: int, size: int) -> np.ndarray:
    """A part of pictures [N, 3, S, S], scaled to [N, size, size, 3]."""
    shown = pictures[..., top : top + side, left : left + side].transpose(0, 2, 3, 1)
    return np.stack([cv2.resize(np.ascontiguousarray(picture), (size, size)) for picture in shown])


def keep_squares(
    model: FineParser,
    clips: EntryClips,
    folder: Path,
    accelerator: Accelerator,
    *,
    workers: int = 0,
    on_done: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Keeps what entries with layers show; as `keep` does."""
    half = kept_side(model.config) // 2
    count = len(OFFSETS)
    arrays = {
        "squares": ((count + 1, 3, 2 * half, 2 * half), np.uint8),
        "layers": ((count, len(LAYERS), half, half), np.uint8),
    }
    keep(model, clips, folder, accelerator, arrays, _shown, workers=workers, on_done=on_done)


def kept_side(config: FineParserConfig) -> int:
    """Pixels of a kept square's side."""
    return 2 * round(config.focus_size * MARGIN / 2)


def _shown(_: FineParser, batch: EntryClipBatch) -> tuple[np.ndarray, np.ndarray]:
    squares = torch.cat([batch.shown, batch.scenery[:, None]], dim=1)
    return squares.cpu().numpy(), batch.layers.cpu().numpy()
