"""Drawn outlines before their backdrops, kept on disk: what `OutlineRefiner` learns from.

FOLDER/
  squares.npy  uint8 [N, 24, 11, 120, 120]: red, green, blue as shown and as behind the diver; how far apart and how
               many frames tell that, see `Backdrop`; the windows' mask, the drawn one, the true one

Every fourth frame of each clip. The squares reach a quarter further than those that are refined: learning shifts them.
1,000 dives take 3.8 GB.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from fineparser.data.batches import TensorBatch
from fineparser.data.posed_clips import PosedBatch, PosedClips
from fineparser.data.transforms import jitter_colours
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.encoding import frame_probability
from fineparser.model.filmed import Filmed
from fineparser.model.fineparser import FineParser
from fineparser.model.outline_refiner import OutlineRefiner, backdrop
from fineparser.training.encoding import pictures_of
from fineparser.training.kept import KeptDataset, keep
from fineparser.training.looks import MARGIN

STRIDE = 4
"""Frames from one that is kept to the next."""
PICKED = 8
"""Of those that are kept of a clip, so many are learnt from at a time."""
UNTOLD = 0.05
"""How often the backdrop of a clip is withheld: where the camera's motion is not found, there is none."""
_PARTS = (3, 3, 1, 1, 1, 1, 1)


@dataclass(frozen=True)
class DrawingBatch(TensorBatch):
    """F frames each of B clips."""

    squares: Tensor
    """float32 [B, F, 10, 96, 96], see `OutlineRefiner.channels`."""

    truth: Tensor
    """bool [B, F, 96, 96]: the true mask in the square."""

    def __len__(self) -> int:
        return len(self.squares)


class Drawings(KeptDataset):
    """Some of the kept frames of each clip, shifted, mirrored and coloured in another way each time.

    Join samples with `DrawingBatch.stack`.
    """

    def __getitem__(self, index: int) -> DrawingBatch:
        """IndexError where there is no such clip."""
        rng = self._draws(index)
        kept = self._kept("squares", index)
        picked = np.sort(rng.choice(len(kept), min(PICKED, len(kept)), replace=False))
        left, top = rng.integers(0, kept.shape[-1] - self._size + 1, 2)
        squares = kept[picked][..., top : top + self._size, left : left + self._size]
        if rng.random() < 0.5:
            squares = squares[..., ::-1]
        shown, behind, spread, seen, *masks = np.split(squares, np.cumsum(_PARTS)[:-1], axis=1)
        if rng.random() < UNTOLD:
            behind, spread, seen = shown, np.zeros_like(spread), np.zeros_like(seen)
        if self._colour_jitter:
            both = np.concatenate([shown, behind]).transpose(0, 2, 3, 1)
            both = jitter_colours(both, rng, self._colour_jitter).transpose(0, 3, 1, 2)
            shown, behind = both[: len(picked)], both[len(picked) :]
        colours = (torch.from_numpy(np.ascontiguousarray(some)) for some in (shown, behind))
        single = (torch.from_numpy(np.ascontiguousarray(some[:, 0])) for some in (spread, seen))
        outlined, drawn, truth = (torch.from_numpy(some[:, 0] / np.float32(255)) for some in masks)
        channels = OutlineRefiner.channels(*colours, *single, outlined, drawn)
        return DrawingBatch(channels[None], (truth >= 0.5)[None])


def keep_drawings(
    model: FineParser,
    clips: PosedClips,
    folder: Path,
    accelerator: Accelerator,
    *,
    workers: int = 0,
    on_done: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Lets a network that draws outlines draw those of the clips and keeps them before their backdrops; as `keep`
    does."""
    config = model.config
    side, frames = round(config.focus_size * MARGIN), len(range(0, config.clip_frames, STRIDE))
    arrays = {"squares": ((frames, sum(_PARTS), side, side), np.uint8)}
    keep(model, clips, folder, accelerator, arrays, partial(draw, side=side), workers=workers, on_done=on_done)


def draw(model: FineParser, batch: PosedBatch, side: int) -> tuple[np.ndarray]:
    """What is kept of B clips: squares [B, 24, 11, 120, 120]."""
    clips = pictures_of(batch.clips.clips, model.config.picture_size)
    outlined = frame_probability(model.outline(clips), model.config.window_starts)
    drawn = model.read_track(clips, outlined)[2].float()
    frames = np.arange(0, clips.shape[2], STRIDE)
    found = []
    for number, focus in enumerate(DiverFocus.of(drawn)):
        wide = DiverFocus(focus.centre[:, frames], focus.reach[:, frames] * MARGIN)
        behind = backdrop(Filmed.of(clips[number]), drawn[number], wide, side, frames)
        masks = [
            wide.cut(some[number].float()[None, None, frames], side).mul(255).round().clamp(0, 255).byte()
            for some in (outlined, drawn, batch.clips.masks[:, 0])
        ]
        arrays = [some if some.ndim == 4 else some[:, None] for some in (*behind, *masks)]
        found.append(torch.cat(arrays, dim=1).cpu().numpy())
    return (np.stack(found),)
