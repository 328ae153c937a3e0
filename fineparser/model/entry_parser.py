"""The entry, found, drawn and read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fineparser.model.config import FineParserConfig
from fineparser.model.entry_painter import EntryPainter
from fineparser.model.entry_reader import EntryReader
from fineparser.model.entry_scene import entry_scenes
from fineparser.model.filmed import Filmed


@dataclass(frozen=True)
class PaintedEntries:
    """The entries of B clips, drawn."""

    shown: Tensor
    """uint8 [B, 16, 3, 96, 96]: what the squares show."""
    layers: Tensor
    """[B, 16, 3, 48, 48]: how much of each pixel is body, flying water and foam, 0 to 1."""
    maps: Tensor
    """[B, 16, C, 12, 12]: of `EntryPainter`."""
    inside: Tensor
    """bool [B, 16]: False for moments after the clip's end."""
    measures: Tensor
    """[B, 3]: see `EntryScene.measures`."""


class EntryParser(nn.Module):
    """What judges see last and weigh most, looked at by itself (not in the paper).

    outlines, transitions --> EntryScene --> still squares [16, 12, 96, 96] --> EntryPainter --> layers [16, 3, 48, 48]
                                                                                                    |
                                                            readings [14] <-- EntryReader <---------/
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        self.focus_size = config.focus_size
        self.painter = EntryPainter(config)
        self.reader = EntryReader(config)

    def forward(self, films: Sequence[Filmed], drawn: Tensor, transitions: Tensor) -> tuple[Tensor, PaintedEntries]:
        """What is read of the entries of B clips, [B, 14], the mean of what is drawn and of its mirror image; and what
        is drawn.

        Args:
            films: the clips.
            drawn: [B, 96, 112, 112], probabilities of the outlines.
            transitions: [B, 2].
        """
        scenes = entry_scenes(films, drawn, transitions)
        seen = [scene.cut(film, self.focus_size) for scene, film in zip(scenes, films, strict=True)]
        seen = [tuple(some.to(drawn.device) for some in pair) for pair in seen]
        layers, maps = self.draw(seen)
        told = (np.stack([getattr(scene, name) for scene in scenes]) for name in ("inside", "measures"))
        inside, measures = (torch.from_numpy(values).to(drawn.device) for values in told)
        looks = (layers, maps), (layers.flip(-1), maps.flip(-1))
        read = [self.reader(*look, inside, measures) for look in looks]
        shown = torch.stack([squares for squares, _ in seen])
        return torch.stack(read).mean(0), PaintedEntries(shown, layers, maps, inside, measures)

    def draw(self, seen: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """`PaintedEntries.layers` and `PaintedEntries.maps` of B squares [16, 3, 96, 96] with their median [3, 96,
        96]."""
        squares = [EntryPainter.channels(*pair) for pair in seen]
        layers, maps = (values.unflatten(0, (len(squares), -1)) for values in self.painter(torch.cat(squares)))
        return layers.sigmoid(), maps
