"""What the square around the diver shows, drawn out: the outline anew, and where points of the body are."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import LANDMARKS, FineParserConfig


@dataclass(frozen=True)
class FocusView:
    """What N squares show."""

    outline: Tensor
    """[N, S, S]: logits of the diver's mask in the square."""
    places: Tensor
    """[N, 7, S / 2, S / 2]: logarithms of the probabilities that a point of the body is there; each adds up to 1."""

    @property
    def points(self) -> Tensor:
        """[N, 7, 3]: x to the right and y down, -1 to 1 from edge to edge of the square, and how far the place is in
        doubt: the root mean square distance."""
        chance = self.places.exp()
        side = (torch.arange(chance.shape[-1], device=chance.device) + 0.5) / chance.shape[-1] * 2 - 1
        columns, rows = chance.sum(-2), chance.sum(-1)
        x, y = columns @ side, rows @ side
        doubt = columns @ side.square() - x.square() + rows @ side.square() - y.square()
        return torch.stack([x, y, doubt.clamp_min(1e-6).sqrt()], dim=-1)

    @staticmethod
    def concatenate(views: Sequence["FocusView"]) -> "FocusView":
        """Several batches as one."""
        return FocusView(torch.cat([view.outline for view in views]), torch.cat([view.places for view in views]))


class FocusDecoder(nn.Module):
    """Draws the diver from what a `FrameResNet` sees in the square (not in the paper).

    stem 1/2 ---- stage 1 1/4 ---- stage 2 1/8 ---- stage 3 1/16 ---- stage 4 1/32
      |             |                |                 |                 |
      join <------ join <---------- join <----------- join <-------------/
      |-- 3x3, pixels of 2 x 2 --> outline [S, S]
      \\-- 1x1, softmax over the places --> 7 points

    The spatial parser's masks are made of windows of the whole picture, in which a diver is small; here most of the
    picture is diver, and what is learnt of each frame costs a twentieth. A point is where its map says on average
    (integral regression, Sun et al. 2018), so that it is finer than the map's pixels.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        first, second, third, last = config.static_channels
        # (channels of the deeper map, of the map beside it, of what they give)
        joins = ((last, third, third), (third, second, second), (second, first, first), (first, first, first))
        self.joins = nn.ModuleList(normed_convolution(deeper + beside, joined) for deeper, beside, joined in joins)
        self.outline = nn.Conv2d(first, 4, 3, padding=1)
        self.places = nn.Conv2d(first, LANDMARKS, 1)

    def forward(self, stages: list[Tensor]) -> FocusView:
        """The five maps of `FrameResNet.stages`."""
        x = stages[-1]
        for join, beside in zip(self.joins, reversed(stages[:-1]), strict=True):
            x = join(joining(x, beside))
        outline = functional.pixel_shuffle(self.outline(x).float(), 2)[:, 0]
        places = self.places(x).float()
        return FocusView(outline, places.flatten(2).log_softmax(-1).view_as(places))


def normed_convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    """A convolution of 3 x 3, a batch norm and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def joining(deeper: Tensor, beside: Tensor) -> Tensor:
    """A coarse map [N, C, H, W], enlarged, and the map beside it [N, D, 2 H, 2 W]: [N, C + D, 2 H, 2 W]."""
    return torch.cat([functional.interpolate(deeper, beside.shape[2:], mode="nearest"), beside], dim=1)
