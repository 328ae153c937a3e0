"""Entries of dives whose masks and switches are known: the squares that `EntryScene` cuts, and nothing else of them.

What is far from the entry is neither drawn nor read, and no network has to find it: a simulated entry takes a core 0.4
seconds, where drawing and encoding a whole dive takes 2.5.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from fineparser.data.batches import TensorBatch, deductions_of, deserved_of
from fineparser.data.dives import DataError, Dive, DiveSource
from fineparser.data.pairs import DiveDataset, read_pictures
from fineparser.data.transforms import ClipTransform, crop, resize
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.model.entry_scene import EntryScene, looked_at
from fineparser.model.filmed import Filmed

FRAMES_OFF = {-1: 0.15, 0: 0.7, 1: 0.15}
"""By how many frames the touch is mistaken, and how often: networks find it half a frame off on average."""
PLACE_OFF, LENGTH_OFF = 0.03, 0.05
"""Standard deviations of where the entry is looked for, each way, in lengths of the diver, and of the logarithm of how
long he is taken for."""


@dataclass(frozen=True)
class EntryClipBatch(TensorBatch):
    """What B entries show, and what is known of them."""

    shown: torch.Tensor
    """uint8 [B, 16, 3, S, S]: the moments of an `EntryScene`."""
    scenery: torch.Tensor
    """uint8 [B, 3, S, S]: their median."""
    inside: torch.Tensor
    """bool [B, 16]: False for moments after the clip's end."""
    measures: torch.Tensor
    """float32 [B, 3], see `EntryScene.measures`."""
    deductions: torch.Tensor
    """float32 [B, 13]: awards that each fault cost; NaN where they are not known."""
    award: torch.Tensor
    """float32 [B]: of a judge without noise; NaN where it is not known."""
    layers: torch.Tensor | None = None
    """uint8 [B, 16, 3, S / 2, S / 2]: what the moments are made of, body, flying water and foam; None unless asked
    for."""

    def __len__(self) -> int:
        return len(self.shown)


class EntryClips(DiveDataset):
    """The entry of each dive of a source, about where a network would look for it, trimmed at random.

    Join samples with `EntryClipBatch.stack`. Dives without masks or switches are refused with `DataError`, and with
    `with_layers` those of which it is not known what they show.

    Args:
        size: side S of the squares, in pixels.
        margin: they are so many times as large as those of an `EntryScene`.
        detail: pictures are taken so many times as large as 112 x 112.
    """

    def __init__(
        self,
        source: DiveSource,
        size: int,
        *,
        margin: float = 1.0,
        detail: int = 1,
        with_layers: bool = False,
        seed: int = 0,
        skip_broken: bool = False,
    ) -> None:
        super().__init__(source, ClipTransform.for_reading(detail=detail), seed=seed, skip_broken=skip_broken)
        self._size, self._margin, self._with_layers = size, margin, with_layers

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> EntryClipBatch:
        dive = self._source.at_epoch(epoch)[index]
        numbers = self._transform.numbers(dive, rng)
        transitions = dive.transitions(numbers)
        if transitions is None:
            raise DataError(f"{dive.place}: it has no switches, which say where its entry is.")
        last = CLIP_FRAMES - 1
        off = rng.choice(list(FRAMES_OFF), p=list(FRAMES_OFF.values()))
        touch = int(np.clip(transitions.entry + off, transitions.flight + 1, last))
        frames = looked_at(touch, last)
        pictures, masks, places = read_pictures(dive, numbers[frames])
        if masks is None:
            raise DataError(f"{dive.place}: it has no masks, which say where its entry is.")
        pictures, masks = crop(resize(pictures, self._transform.detail))[places], crop(resize(masks))[places]
        film = Filmed.partly(pictures, frames, CLIP_FRAMES)
        outlines = np.zeros((CLIP_FRAMES, *masks.shape[1:]), np.float32)
        outlines[frames] = masks
        scene = _mistaken(EntryScene.of(outlines, (transitions.flight, touch), film), rng)
        shown, scenery = scene.cut(film, self._size, self._margin)
        return EntryClipBatch(
            shown[None],
            scenery[None],
            torch.from_numpy(scene.inside)[None],
            torch.from_numpy(scene.measures)[None],
            deductions_of(dive)[None],
            deserved_of(dive)[None],
            self._layers(dive, numbers, scene) if self._with_layers else None,
        )

    def _layers(self, dive: Dive, numbers: np.ndarray, scene: EntryScene) -> torch.Tensor:
        """What the moments of a scene are made of, [1, 16, 3, S / 2, S / 2]."""
        layers = dive.read_layers(numbers[scene.frames].tolist())
        if layers is None:
            raise DataError(f"{dive.place}: it does not tell body from water, which is learnt from simulated dives.")
        cut = torch.from_numpy(np.ascontiguousarray(crop(resize(layers, self._transform.detail))))
        squares = scene.focus(self._margin).cut(cut.permute(3, 0, 1, 2)[None].float(), self._size // 2)
        return squares.round().clamp(0, 255).byte()[None]


def _mistaken(scene: EntryScene, rng: np.random.Generator) -> EntryScene:
    """The scene where it would be with outlines that are a little off."""
    longer = np.float32(np.exp(rng.normal(0, LENGTH_OFF)))
    moved = rng.normal(0, PLACE_OFF, 2).astype(np.float32) * scene.reach[:, None]
    return replace(scene, centre=scene.centre + moved, reach=scene.reach * longer, length=float(scene.length * longer))
