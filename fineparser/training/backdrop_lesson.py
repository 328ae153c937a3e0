"""What is drawn before the scenery, as a lesson of its own: `OutlineRefiner` alone, from drawings that were kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fineparser.data.posed_clips import PosedClips
from fineparser.model.fineparser import FineParser
from fineparser.training.drawings import DrawingBatch, Drawings
from fineparser.training.edges import settle
from fineparser.training.lessons import PartialNetwork, Reduce, read_batches
from fineparser.training.losses import Losses, outline_loss
from fineparser.training.options import OptionsError, TrainOptions


class BackdropNetwork(PartialNetwork):
    """Squares to outlines; nothing but the refiner learns.

    OptionsError for a network without one.
    """

    def __init__(self, model: FineParser) -> None:
        if model.outline_refiner is None:
            raise OptionsError(
                "train='backdrop' teaches what refines outlines: this network's configuration has no refiner_channels"
            )
        super().__init__(model, [model.outline_refiner])

    def forward(self, squares: Tensor) -> Tensor:
        """Squares [B, F, 10, 96, 96] -> logits of the outlines [B, F, 96, 96]."""
        return self.model.outline_refiner(squares.flatten(0, 1)).unflatten(0, squares.shape[:2])


@dataclass
class BackdropLesson:
    """The refiner, on kept drawings."""

    network: BackdropNetwork
    drawings: Drawings
    options: TrainOptions
    clips: PosedClips
    """What was drawn."""

    def __len__(self) -> int:
        return len(self.drawings)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[DrawingBatch]:
        yield from read_batches(self, self.drawings, epoch, indices, DrawingBatch.stack)

    def losses(self, network: nn.Module, batch: DrawingBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        batch = batch.to(next(network.parameters()).device, non_blocking=True)
        weight = torch.full((len(batch),), float(counted), device=batch.squares.device)
        outlines = outline_loss([network(batch.squares)], batch.truth, weight, reduce(weight.sum()))
        nothing = outlines.new_zeros(())
        return Losses(nothing, nothing, outlines, weights=(0.0, 0.0, self.options.mask_weight))

    def settle(self) -> float:
        """Moves the edge of the refined outlines, see `fineparser.training.edges`; by how many logits."""
        model = self.network.model
        return settle(model, self.clips, model.outline_refiner.change)
