"""What a network sees between many pairs of encoded dives."""

import torch

from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser

PAIRS_AT_ONCE = 512


def pair_differences(
    model: FineParser, dives: ClipEncoding, others: ClipEncoding, pairs: torch.Tensor, difficulty: torch.Tensor
) -> torch.Tensor:
    """Points by which dives are better than others, float32 [N] on the processor.

    Args:
        model: that encoded them, in eval mode.
        dives, others: of which each pair has one.
        pairs: int64 [N, 2], places in `dives` and in `others`.
        difficulty: float32, one for each of `dives`.
    """
    device = next(model.parameters()).device
    found = []
    with torch.inference_mode():
        for some in pairs.split(PAIRS_AT_ONCE):
            places, beside = some.unbind(1)
            sides = dives.select(places), others.select(beside)
            sides = (each.without_masks().to(device) for each in sides)
            found.append(model.compare(*sides, difficulty[places].to(device)).delta.float().cpu())
    return torch.cat(found)
