"""Where outlines end: the edge that their IoU is best at."""

import torch
from torch import nn

from fineparser.data.posed_clips import PosedClips
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import at_size, evaluating

SETTLED_ON = 64
"""Clips on which the edge of the outlines is settled."""
EDGES = tuple(step / 20 for step in range(-40, 41))
"""Where it may go: logits that are added to those of the outlines."""


@torch.no_grad()
def settle(model: FineParser, clips: PosedClips, outline: nn.Conv2d) -> float:
    """Moves the edge of the outlines to where the IoU of clips learnt from is best; by how many logits.

    What is in doubt counts as background at one half, and of thin arms most is in doubt; and a pixel of a clip
    belongs to the diver from half covered on, which makes true masks a little wide. In the squares neither shows:
    there the best edge was elsewhere, so it is looked for in whole clips.

    Args:
        outline: what the outlines' logits come from; its bias moves.
    """
    edges, device = torch.tensor(EDGES), next(model.parameters()).device
    found = []
    with evaluating(model):
        for index in range(min(len(clips), SETTLED_ON)):
            batch = at_size(clips[index].clips.to(device), model.config)
            drawn = model.encode(batch.clips).outline_logits
            logits, truth = drawn.flatten().cpu(), batch.masks.flatten().cpu()
            below = [torch.searchsorted(some.sort().values, -edges) for some in (logits, logits[truth])]
            whole, both = len(logits) - below[0], int(truth.sum()) - below[1]
            found.append(both / (whole + truth.sum() - both).clamp_min(1))
    best = EDGES[int(torch.stack(found).mean(0).argmax())]
    outline.bias += best
    return best
