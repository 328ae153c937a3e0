"""A square, seen coarser and coarser, and put together again from the coarsest map to the finest."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.focus_decoder import joining, normed_convolution


class SquarePyramid(nn.Module):
    """What networks that draw something anew in a square have in common (a U-Net, Ronneberger et al. 2015).

    square [seen, S, S], pixels of 2 x 2 as channels:
      1/2 ---- 1/4 ---- 1/8 ---- 1/16
       |        |        |         |
      join <-- join <-- join <-----/
    """

    def __init__(self, seen: int, channels: Sequence[int], further: int) -> None:
        """
        Args:
            seen: channels of a square.
            channels: of the maps, the finest first.
            further: convolutions that each level but the first, which has one, adds to the one that halves its map.
        """
        super().__init__()
        self.squares_at_once: int | None = None  # all of them; an inference copy takes so many that memory is reused
        self.levels, before = nn.ModuleList(), 4 * seen
        for number, width in enumerate(channels):
            stride, more = (1, 1) if number == 0 else (2, further)
            level = [normed_convolution(before, width, stride)]
            self.levels.append(nn.Sequential(*level, *(normed_convolution(width, width) for _ in range(more))))
            before = width
        self.joins = nn.ModuleList()
        for width in reversed(channels[:-1]):
            self.joins.append(normed_convolution(before + width, width))
            before = width

    def joined(self, squares: Tensor, dtype: torch.dtype) -> list[Tensor]:
        """Squares [N, seen, S, S] -> what comes of each join, [N, C, S / 8, S / 8] first and [N, C, S / 2, S / 2]
        last, computed in `dtype`."""
        x, beside = functional.pixel_unshuffle(squares.to(dtype), 2), []
        x = x.contiguous(memory_format=torch.channels_last)
        for level in self.levels:
            beside.append(x := level(x))
        maps = []
        for join, other in zip(self.joins, reversed(beside[:-1]), strict=True):
            maps.append(x := join(joining(x, other)))
        return maps
