"""The entry, found, drawn and read."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fineparser.model.config import FineParserConfig
from fineparser.model.entry_painter import EntryPainter
from fineparser.model.entry_reader import EntryReader
from fineparser.model.entry_scene import entry_scenes
from fineparser.model.filmed import Filmed


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

    def forward(self, films: Sequence[Filmed], drawn: Tensor, transitions: Tensor) -> Tensor:
        """What is read of the entries of B clips, [B, 14]: the mean of what is drawn and of its mirror image.

        Args:
            films: the clips.
            drawn: [B, 96, 112, 112], probabilities of the outlines.
            transitions: [B, 2].
        """
        layers, maps, inside, measures = self.paint(films, drawn, transitions)
        layers = layers.sigmoid()
        looks = [(layers, maps), (layers.flip(-1), maps.flip(-1))]
        return torch.stack([self.reader(*look, inside, measures) for look in looks]).mean(0)

    def paint(
        self, films: Sequence[Filmed], drawn: Tensor, transitions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the reader looks at: logits of the layers [B, 16, 3, 48, 48], maps [B, 16, C, 12, 12], which moments are
        inside the clips [B, 16], and measures [B, 3]; arguments as in `forward`."""
        scenes = entry_scenes(films, drawn, transitions)
        seen = [scene.cut(film, self.focus_size) for scene, film in zip(scenes, films, strict=True)]
        squares = torch.cat([EntryPainter.channels(*(some.to(drawn.device) for some in pair)) for pair in seen])
        painted = (values.unflatten(0, (len(scenes), -1)) for values in self.painter(squares))
        told = (np.stack([getattr(scene, name) for scene in scenes]) for name in ("inside", "measures"))
        return *painted, *(torch.from_numpy(values).to(drawn.device) for values in told)
