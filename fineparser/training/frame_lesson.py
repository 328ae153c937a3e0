"""Single frames as a lesson of their own: what the diver's posture is, seen through the square that follows the mask.

What a fault cost is one number a dive, and thousands of dives are too few to learn from it what a body looks like. A
posture is known of every frame: hundreds of times as much to learn from. What has been learnt is then read over time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.data.frames import FrameBatch, FrameDataset
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.fineparser import FineParser
from fineparser.training.hints import PostureReader, posture_hints
from fineparser.training.lessons import PartialNetwork, Reduce, read_batches
from fineparser.training.losses import Losses
from fineparser.training.options import OptionsError, TrainOptions


class FrameNetwork(PartialNetwork):
    """Frames and outlines to postures; only the encoder of single frames learns.

    OptionsError for a network that does not follow the diver.
    """

    def __init__(self, model: FineParser) -> None:
        if not model.config.diver_track:
            raise OptionsError("train='frames' teaches what looks along the diver's track: this one has none")
        super().__init__(model, [model.static_visual_encoder.backbone])
        self.reader = PostureReader(model.config)

    def forward(self, batch: FrameBatch) -> Tensor:
        """The postures [B, 24, 25] of B clips' frames."""
        size = self.model.config.image_size
        pictures, outlined = batch.pictures, batch.outlined
        if pictures.shape[-1] != size:
            pictures = functional.interpolate(pictures, (pictures.shape[2], size, size), mode="area")
            outlined = functional.interpolate(outlined, (size, size), mode="area")
        focus = DiverFocus.of(outlined).at(batch.picked)
        chosen = batch.picked[:, :, None, None].expand(-1, -1, size, size)
        return self.reader(self.model.look(pictures, outlined.gather(1, chosen), focus))


@dataclass
class FrameLesson:
    """The encoder of single frames, on postures."""

    network: FrameNetwork
    dataset: FrameDataset
    options: TrainOptions

    def __len__(self) -> int:
        return len(self.dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[FrameBatch]:
        yield from read_batches(self, epoch, indices, FrameBatch.stack)

    def losses(self, network: nn.Module, batch: FrameBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        batch = batch.to(next(network.parameters()).device, non_blocking=True)
        weight = torch.full((len(batch),), float(counted), device=batch.postures.device)
        hints = posture_hints(network(batch), batch.postures, weight)
        nothing = hints.new_zeros(())
        return Losses(nothing, nothing, nothing, weights=(0.0, 0.0, 0.0), hints=hints)
