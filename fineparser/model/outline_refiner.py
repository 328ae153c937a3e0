"""Outlines set right by what moves before the scenery."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.backdrop import OFFSETS, Backdrop
from fineparser.model.config import FineParserConfig
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.filmed import Filmed
from fineparser.model.portions import portions
from fineparser.model.square_pyramid import SquarePyramid

SEEN = 10
"""Channels that the refiner sees of a square, see `OutlineRefiner.channels`."""
DIFFERENCE_UNIT, SPREAD_UNIT = 32, 16
"""Levels of 255 that count 1: of what differs from the backdrop, and of how sure that is known."""
SUREST = 0.003
"""Probabilities nearer to 0 or 1 count as this far off: what is drawn wrong has to be within reach."""


class OutlineRefiner(SquarePyramid):
    """Draws a square's outline once more, before a `Backdrop` (not in the paper).

    square [10, 96, 96] -- SquarePyramid --> 1/2 -- 3x3, pixels of 2 x 2 --> what the outline's logits change by

    What single frames show, and two beside them, leaves a limb and the post behind it alike. What is there when the
    diver is not, told from all other frames, leaves no doubt, but does not know a diver from his splash's spray or from
    water that glitters: that is what has to be learnt, and it is little.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__(SEEN, config.refiner_channels, further=1)
        self.focus_size = config.focus_size
        self.change = nn.Conv2d(config.refiner_channels[0], 4, 3, padding=1)
        # As it was drawn, before anything is learnt.
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def forward(self, squares: Tensor) -> Tensor:
        """Squares [N, 10, S, S], see `channels`, -> logits of the outlines [N, S, S]."""
        drawn = squares[:, -1].float().add(1).div(2).clamp(SUREST, 1 - SUREST).logit()
        finest = self.joined(squares, self.change.weight.dtype)[-1]
        return drawn + functional.pixel_shuffle(self.change(finest).float(), 2)[:, 0]

    @staticmethod
    def channels(
        shown: Tensor, behind: Tensor, spread: Tensor, seen: Tensor, outlined: Tensor, drawn: Tensor
    ) -> Tensor:
        """What the refiner sees of N squares, float32 [N, 10, S, S], each about -1 to 1.

        Args:
            shown, behind: [N, 3, S, S], spread, seen: [N, S, S]; see `Backdrop`.
            outlined: [N, S, S], probabilities of the windows' masks.
            drawn: [N, S, S], of the outlines that are to be refined.
        """
        shown = shown.float()
        single = [
            spread / SPREAD_UNIT,
            seen * (2 / len(OFFSETS)) - 1,
            outlined * 2 - 1,
            drawn * 2 - 1,
        ]
        return torch.cat([shown / 127.5 - 1, (shown - behind) / DIFFERENCE_UNIT, torch.stack(single, dim=1)], dim=1)

    def refine(self, films: Sequence[Filmed], outlined: Tensor, drawn: Tensor) -> Tensor:
        """Outlines of whole clips, drawn once more.

        Args:
            films: B clips of 96 frames.
            outlined: [B, 96, 112, 112], probabilities of the windows' masks.
            drawn: [B, 96, 112, 112], of the outlines as they were drawn.

        Returns:
            [B, 96, 112, 112], probabilities; beyond the squares as they were drawn.
        """
        focus = DiverFocus.of(drawn.detach())
        backdrops = zip(
            *(backdrop(*some, self.focus_size) for some in zip(films, drawn, focus, strict=True)), strict=True
        )
        masks = (focus.cut(some[:, None], self.focus_size)[:, 0] for some in (outlined.detach(), drawn))
        squares = self.channels(*(torch.cat(arrays) for arrays in backdrops), *masks)
        logits = torch.cat([self(some) for some in portions(squares, self.squares_at_once)])
        # Laid back as logits: a mean of probabilities would thin what is thinner than a pixel.
        beyond = drawn.clamp(SUREST, 1 - SUREST).logit()
        return focus.paste(logits.unflatten(0, drawn.shape[:2]), beyond).sigmoid()


def backdrop(
    film: Filmed, drawn: Tensor, focus: DiverFocus, size: int, frames: np.ndarray | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The `Backdrop` of one clip of 96 frames as bytes, where `drawn` is: shown and behind [T, 3, S, S], spread and
    seen [T, S, S].

    Args:
        film: the clip.
        drawn: [96, h, h], probabilities of where the diver is.
        focus: where the squares of T frames are, a batch of one.
        frames: which frames these are; None: all.
    """
    masks = drawn.detach().float().cpu().numpy()
    centre, reach = (some[0].cpu().numpy() for some in (focus.centre, focus.reach))
    found = Backdrop.of(film.pictures, masks, centre, reach, size, frames, film.path)
    arrays = *(np.moveaxis(some, -1, 1) for some in (found.shown, found.behind)), found.spread, found.seen
    return tuple(torch.from_numpy(np.ascontiguousarray(array)).to(drawn.device) for array in arrays)
