"""The entry drawn: of each pixel of a still square, how much shows body, flying water and foam."""

import torch
from torch import Tensor, nn

from fineparser.model.config import FineParserConfig
from fineparser.model.entry_scene import OFFSETS
from fineparser.model.portions import portions
from fineparser.model.square_pyramid import SquarePyramid

LAYERS = ("body", "flying water", "foam")
SEEN = 12
"""Channels that the painter sees of a square, see `EntryPainter.channels`."""
DIFFERENCE_UNIT, CHANGE_UNIT, COLOUR_UNIT = 32, 24, 64
"""Levels of 255 that count 1: of what differs from the scenery or from neighbours, of how far, of how colourful."""


class EntryPainter(SquarePyramid):
    """Draws what an `EntryScene` shows (not in the paper).

    square [12, 96, 96] -- SquarePyramid --> 1/8, maps, which a reader looks at, too
                                      \\--> 1/2 -- 3x3 --> body, flying water and foam [3, 48, 48]

    What a splash cost is one number a dive, from which thousands of dives teach a network little of what a splash looks
    like. What is water and what is foam, simulated dives tell of every pixel.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__(SEEN, config.entry_channels, further=2)
        self.paint = nn.Conv2d(config.entry_channels[0], len(LAYERS), 3, padding=1)

    def forward(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Squares [N, 12, S, S], see `channels`, -> logits of the layers [N, 3, S / 2, S / 2], and maps [N, C, S / 8,
        S / 8], in 32 bits both."""
        found = [self._paint(some) for some in portions(squares, self.squares_at_once)]
        layers, maps = (torch.cat(some) for some in zip(*found, strict=True))
        return layers, maps

    def _paint(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.joined(squares, self.paint.weight.dtype)
        return self.paint(maps[-1]).float(), maps[0].float()

    @staticmethod
    def channels(shown: Tensor, scenery: Tensor) -> Tensor:
        """What the painter sees of one scene's squares, float32 [16, 12, S, S], each about -1 to 1.

        Args:
            shown: [16, 3, S, S], 0 to 255; black beyond the pictures.
            scenery: [3, S, S], their median.
        """
        before, after = torch.cat([shown[:1], shown[:-1]]), torch.cat([shown[1:], shown[-1:]])
        return EntryPainter.channels_of(shown, before, after, scenery, torch.tensor(OFFSETS, device=shown.device))

    @staticmethod
    def channels_of(shown: Tensor, before: Tensor, after: Tensor, scenery: Tensor, offsets: Tensor) -> Tensor:
        """The same of N squares [N, 3, S, S] with their neighbours in time, at offsets [N] in frames."""
        shown, before, after, scenery = (some.float() for some in (shown, before, after, scenery))
        inside = (shown > 1).any(1, keepdim=True).float()
        apart = shown - scenery
        moments = (offsets.float() / 12).view(-1, 1, 1, 1).expand_as(inside)
        return torch.cat(
            [
                shown / 127.5 - 1,
                apart / DIFFERENCE_UNIT * inside,
                (shown - before).mean(1, keepdim=True) / DIFFERENCE_UNIT,
                (shown - after).mean(1, keepdim=True) / DIFFERENCE_UNIT,
                inside * 2 - 1,
                moments,
                (apart.abs().mean(1, keepdim=True) / CHANGE_UNIT).clamp_max(3),
                (shown.amax(1, keepdim=True) - shown.amin(1, keepdim=True)) / COLOUR_UNIT,
            ],
            dim=1,
        )
