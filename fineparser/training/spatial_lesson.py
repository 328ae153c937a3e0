"""The spatial parser's own lesson: outlines alone, from single windows of many dives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fineparser.data.batches import WindowBatch
from fineparser.data.windows import WindowDataset
from fineparser.model.fineparser import FineParser
from fineparser.model.i3d import I3DTop
from fineparser.training.encoding import masks_of, pictures_of
from fineparser.training.hints import WindowReader, window_hints
from fineparser.training.lessons import MASK_LOSSES, PartialNetwork, Reduce, read_batches
from fineparser.training.losses import Losses
from fineparser.training.options import TrainOptions


class SpatialNetwork(PartialNetwork):
    """Windows [R, 3, 16, 112, 112] to masks and, where one I3D serves both branches, to what `WindowReader` tells.

    The rest of the network does not learn.
    """

    def __init__(self, model: FineParser, options: TrainOptions) -> None:
        reads = model.config.shared_i3d
        super().__init__(model, [model.spatial_action_parser, *([model.i3d] if reads and model.i3d else [])])
        self._side_chance = options.side_chance
        self.reader = WindowReader(model.config) if reads else None
        # What follows the diver has no windows' features of its own: a part of the reader, and gone with it.
        self.i3d = I3DTop(model.config) if reads and model.i3d is None else None

    def forward(self, windows: Tensor) -> tuple[list[Tensor], tuple[Tensor, Tensor] | None]:
        """Masks [R, 1, 16, 112, 112], in some steps of the four depths and in all the fused ones last; the readings."""
        windows = windows.to(self.model.dtype, memory_format=torch.channels_last_3d)
        sides = self._side_chance == 1 or torch.rand(()).item() < self._side_chance
        if self.reader is None:
            parse, told = self.model.spatial_action_parser(windows, side_outputs=sides), None
        else:
            feature, parse = self.model.see(windows, side_outputs=sides, i3d=self.i3d)
            told = self.reader(feature)
        fused = parse.fused_logits[:, None]
        return [*parse.side_logits.split(1, dim=1), fused] if sides else [fused], told


@dataclass
class SpatialLesson:
    """The spatial parser alone, on windows."""

    network: SpatialNetwork
    dataset: WindowDataset
    options: TrainOptions

    def __len__(self) -> int:
        return len(self.dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[WindowBatch]:
        yield from read_batches(self, self.dataset, epoch, indices, WindowBatch.stack)

    def losses(self, network: nn.Module, batch: WindowBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        device, size = next(network.parameters()).device, self.network.model.config.image_size
        batch = batch.to(device, non_blocking=True)
        weight = torch.full((len(batch),), float(counted), device=device)
        masks, told = network(pictures_of(batch.clips, size))
        truth = masks_of(batch.masks, size)
        loss = MASK_LOSSES[self.options.mask_objective](masks, truth, weight, reduce(weight.sum()))
        nothing = loss.new_zeros(())
        hints = None if told is None else window_hints(told, batch.phases, batch.deductions, weight)
        return Losses(nothing, nothing, loss, weights=(0.0, 0.0, self.options.mask_weight), hints=hints)
