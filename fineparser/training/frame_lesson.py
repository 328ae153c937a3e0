"""Single frames as a lesson of their own: the diver's outline, points of the body and posture in the square.

What a fault cost is one number a dive, and thousands of dives are too few to learn from it what a body looks like. An
outline and a posture are known of every frame: hundreds of times as much to learn from. What has been learnt is then
read over time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fineparser.data.posed_clips import PosedClips
from fineparser.model.fineparser import FineParser
from fineparser.model.focus_decoder import FocusView
from fineparser.training.encoding import at_size, evaluating
from fineparser.training.hints import PostureReader, landmark_hints, posture_hints
from fineparser.training.lessons import PartialNetwork, Reduce, read_batches
from fineparser.training.looks import LookBatch, Looks
from fineparser.training.losses import Losses, outline_loss
from fineparser.training.options import OptionsError, TrainOptions

SETTLED_ON = 64
"""Clips on which the edge of the outlines is settled."""
EDGES = tuple(step / 20 for step in range(-40, 41))
"""Where it may go: logits that are added to those of the outlines."""


class FrameNetwork(PartialNetwork):
    """Squares to outlines, points and postures; only what looks at single frames learns.

    OptionsError for a network that does not outline the diver in squares.
    """

    def __init__(self, model: FineParser) -> None:
        if model.focus_decoder is None:
            raise OptionsError(
                "train='frames' teaches what looks along the diver's track: this network has focus_outlines off"
            )
        super().__init__(model, [model.static_visual_encoder.backbone, model.focus_decoder])
        self.reader = PostureReader(model.config.frame_features)

    def forward(self, squares: Tensor) -> tuple[Tensor, FocusView]:
        """Squares [B, 12, 4, 64, 64] to the postures [B, 12, 25] in them, and to what is drawn of all B * 12."""
        features, view = self.model.view(squares.flatten(0, 1), len(squares))
        return self.reader(features), view


@dataclass
class FrameLesson:
    """What looks at single frames, on kept looks."""

    network: FrameNetwork
    dataset: Looks
    options: TrainOptions
    clips: PosedClips
    """What the looks were taken of."""

    def __len__(self) -> int:
        return len(self.dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[LookBatch]:
        yield from read_batches(self, epoch, indices, LookBatch.stack)

    def losses(self, network: nn.Module, batch: LookBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        batch = batch.to(next(network.parameters()).device, non_blocking=True)
        postures, view = network(batch.squares)
        frames = batch.squares.shape[1]
        weight = torch.full((len(batch),), float(counted), device=postures.device)
        each = weight.repeat_interleave(frames)
        truth = batch.truth.flatten(0, 1)[:, None, None]  # a mask each, as windows of one frame
        outlines = outline_loss([view.outline[:, None, None]], truth, each, reduce(weight.sum()) * frames)
        hints = posture_hints(postures, batch.postures, weight)
        hints = hints + landmark_hints(view, batch.landmarks.flatten(0, 1), each)
        nothing = outlines.new_zeros(())
        return Losses(nothing, nothing, outlines, weights=(0.0, 0.0, self.options.mask_weight), hints=hints)

    @torch.no_grad()
    def settle(self) -> float:
        """Moves the edge of the outlines to where the IoU of clips learnt from is best; by how many logits.

        What is in doubt counts as background at one half, and of thin arms most is in doubt; and a pixel of a clip
        belongs to the diver from half covered on, which makes true masks a little wide. In the squares neither shows:
        there the best edge was elsewhere, so it is looked for in whole clips.
        """
        model, edges = self.network.model, torch.tensor(EDGES)
        device = next(model.parameters()).device
        found = []
        with evaluating(model):
            for index in range(min(len(self.clips), SETTLED_ON)):
                batch = at_size(self.clips[index].clips.to(device), model.config)
                drawn = model.encode(batch.clips).outline_logits
                logits, truth = drawn.flatten().cpu(), batch.masks.flatten().cpu()
                below = [torch.searchsorted(some.sort().values, -edges) for some in (logits, logits[truth])]
                whole, both = len(logits) - below[0], int(truth.sum()) - below[1]
                found.append(both / (whole + truth.sum() - both).clamp_min(1))
        best = EDGES[int(torch.stack(found).mean(0).argmax())]
        model.focus_decoder.outline.bias += best
        return best
