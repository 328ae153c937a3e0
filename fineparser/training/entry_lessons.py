"""The entry as two lessons: to draw it, body, flying water and foam, and to read off the drawing what faults cost.

One after the other: both at once, from what a fault cost alone, learnt worse (see the model card).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fineparser.model.fineparser import FineParser
from fineparser.training.drawn_entries import DrawnEntries, EntryBatch
from fineparser.training.entry_squares import EntrySquares, SquareBatch
from fineparser.training.hints import entry_hints
from fineparser.training.lessons import PartialNetwork, Reduce, read_batches
from fineparser.training.losses import Losses, layer_loss
from fineparser.training.options import OptionsError, TrainOptions


class WaterNetwork(PartialNetwork):
    """Squares of entries to what they are made of; nothing but the painter learns.

    OptionsError for a network without one.
    """

    def __init__(self, model: FineParser) -> None:
        _refuse_without_entry(model, "water")
        super().__init__(model, [model.entry_parser.painter])

    def forward(self, squares: Tensor) -> Tensor:
        """Squares [B, F, 12, 96, 96] -> logits of the layers [B * F, 3, 48, 48]."""
        return self.model.entry_parser.painter(squares.flatten(0, 1))[0]


@dataclass
class WaterLesson:
    """The painter, on kept squares."""

    network: WaterNetwork
    squares: EntrySquares
    options: TrainOptions

    def __len__(self) -> int:
        return len(self.squares)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[SquareBatch]:
        yield from read_batches(self, self.squares, epoch, indices, SquareBatch.stack)

    def losses(self, network: nn.Module, batch: SquareBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        batch = batch.to(next(network.parameters()).device, non_blocking=True)
        layers = batch.layers.flatten(0, 1)
        weight = torch.full((len(layers),), float(counted), device=layers.device)
        drawn = layer_loss(network(batch.squares), layers, weight, reduce(weight.sum()))
        nothing = drawn.new_zeros(())
        return Losses(nothing, nothing, drawn, weights=(0.0, 0.0, self.options.mask_weight))


class EntryNetwork(PartialNetwork):
    """Drawn entries to readings; nothing but the reader learns.

    OptionsError for a network without one.
    """

    def __init__(self, model: FineParser) -> None:
        _refuse_without_entry(model, "entry")
        super().__init__(model, [model.entry_parser.reader])

    def forward(self, batch: EntryBatch) -> Tensor:
        """Readings [B, 14]."""
        return self.model.entry_parser.reader(batch.layers, batch.maps, batch.inside, batch.measures)


@dataclass
class EntryLesson:
    """The reader, on kept drawings of entries."""

    network: EntryNetwork
    entries: DrawnEntries
    options: TrainOptions

    def __len__(self) -> int:
        return len(self.entries)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[EntryBatch]:
        yield from read_batches(self, self.entries, epoch, indices, EntryBatch.stack)

    def losses(self, network: nn.Module, batch: EntryBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        batch = batch.to(next(network.parameters()).device, non_blocking=True)
        weight = torch.full((len(batch),), float(counted), device=batch.layers.device)
        hints = entry_hints(network(batch), batch.deductions, batch.award, weight)
        nothing = hints.new_zeros(())
        return Losses(nothing, nothing, nothing, weights=(0.0, 0.0, 0.0), hints=hints)


def _refuse_without_entry(model: FineParser, part: str) -> None:
    if model.entry_parser is None:
        raise OptionsError(
            f"train={part!r} teaches what draws and reads the entry: this network's configuration has no entry_channels"
        )
