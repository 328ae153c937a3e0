"""Entries as a network draws them, kept on disk with what their faults cost: what `EntryReader` learns from.

FOLDER/
  layers.npy  uint8 [N, 16, 3, 48, 48]: body, flying water and foam as they were drawn
  maps.npy    float16 [N, 16, 72, 12, 12]: of what drew them
  told.npy    float32 [N, 33]: which moments are inside the clip, measures of the scene, what each fault cost, the award
              of a judge without noise

1,000 dives take 0.4 GB.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from fineparser.data.batches import TensorBatch
from fineparser.data.entry_clips import EntryClipBatch, EntryClips
from fineparser.model.entry_painter import LAYERS
from fineparser.model.entry_scene import OFFSETS, SCENE_MEASURES
from fineparser.model.fineparser import FineParser
from fineparser.simulator.judges import PRICES
from fineparser.training.kept import KeptDataset, keep

FAINTER = 0.15
"""Standard deviation of the logarithm by which what is drawn of half of the clips is fainter or stronger."""
_TOLD = (len(OFFSETS), SCENE_MEASURES, len(PRICES), 1)


@dataclass(frozen=True)
class EntryBatch(TensorBatch):
    """B drawn entries, see `EntryReader`."""

    layers: Tensor
    """float32 [B, 16, 3, 48, 48], 0 to 1."""
    maps: Tensor
    """float32 [B, 16, 72, 12, 12]."""
    inside: Tensor
    """bool [B, 16]."""
    measures: Tensor
    """float32 [B, 3]."""
    deductions: Tensor
    """float32 [B, 13]: awards that each fault cost; NaN where they are not known."""
    award: Tensor
    """float32 [B]: of a judge without noise; NaN where it is not known."""

    def __len__(self) -> int:
        return len(self.layers)


class DrawnEntries(KeptDataset):
    """Each kept entry, mirrored, fainter or stronger each time.

    Join samples with `EntryBatch.stack`.
    """

    def __getitem__(self, index: int) -> EntryBatch:
        """IndexError where there is no such clip."""
        rng = self._draws(index)
        layers, maps, told = (np.array(self._kept(name, index)) for name in ("layers", "maps", "told"))
        layers, maps = torch.from_numpy(layers).float() / 255, torch.from_numpy(maps).float()
        if rng.random() < 0.5:
            layers, maps = layers.flip(-1), maps.flip(-1)
        if rng.random() < 0.5:
            layers = (layers * float(np.exp(rng.normal(0, FAINTER)))).clamp_max(1)
        inside, measures, deductions, award = torch.from_numpy(told)[None].split(_TOLD, dim=1)
        return EntryBatch(layers[None], maps[None], inside > 0, measures, deductions, award[:, 0])


def keep_drawn_entries(
    model: FineParser,
    clips: EntryClips,
    folder: Path,
    accelerator: Accelerator,
    *,
    workers: int = 0,
    on_done: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Lets a network that draws entries draw these and keeps them; as `keep` does."""
    size, count, channels = model.config.focus_size, len(OFFSETS), model.config.entry_channels[-2]
    arrays = {
        "layers": ((count, len(LAYERS), size // 2, size // 2), np.uint8),
        "maps": ((count, channels, size // 8, size // 8), np.float16),
        "told": ((sum(_TOLD),), np.float32),
    }
    keep(model, clips, folder, accelerator, arrays, draw_entries, workers=workers, on_done=on_done)


def draw_entries(model: FineParser, batch: EntryClipBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is kept of B entries."""
    layers, maps = model.entry_parser.draw(zip(batch.shown, batch.scenery, strict=True))
    told = torch.cat([batch.inside.float(), batch.measures, batch.deductions, batch.award[:, None]], dim=1)
    kept = layers.mul(255).round().byte(), maps.half(), told
    return tuple(values.cpu().numpy() for values in kept)
