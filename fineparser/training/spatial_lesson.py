"""The spatial parser's own lesson: outlines alone, from single windows of many dives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fineparser.data.batches import WindowBatch
from fineparser.data.windows import WindowDataset
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import at_size
from fineparser.training.lessons import MASK_LOSSES, Reduce
from fineparser.training.losses import Losses
from fineparser.training.options import TrainOptions


class SpatialNetwork(nn.Module):
    """Windows [R, 3, 16, 112, 112] to the five mask outputs; nothing else of the network learns."""

    def __init__(self, model: FineParser, options: TrainOptions) -> None:
        super().__init__()
        self.model = model
        model.requires_grad_(False)
        model.spatial_action_parser.requires_grad_(True)

    def train(self, mode: bool = True) -> "SpatialNetwork":
        super().train(mode)
        self.model.eval()
        self.model.spatial_action_parser.train(mode)
        return self

    def forward(self, windows: Tensor) -> list[Tensor]:
        """Masks [R, 1, 16, 112, 112] of the four depths, then the fused ones."""
        windows = windows.to(self.model.i3d.dtype, memory_format=torch.channels_last_3d)
        parse = self.model.spatial_action_parser(windows, side_outputs=True)
        return [*parse.side_logits.split(1, dim=1), parse.fused_logits[:, None]]


@dataclass
class SpatialLesson:
    """The spatial parser alone, on windows."""

    network: SpatialNetwork
    dataset: WindowDataset
    options: TrainOptions

    def __len__(self) -> int:
        return len(self.dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[WindowBatch]:
        self.dataset.set_epoch(epoch)
        yield from DataLoader(
            self.dataset,
            batch_sampler=list(indices),
            collate_fn=WindowBatch.stack,
            num_workers=self.options.workers,
            pin_memory=next(self.network.parameters()).device.type == "cuda",
        )

    def losses(self, network: nn.Module, batch: WindowBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        device = next(network.parameters()).device
        batch = at_size(batch.to(device, non_blocking=True), self.network.model.config.image_size)
        weight = torch.full((len(batch),), float(counted), device=device)
        mask_loss = MASK_LOSSES[self.options.mask_objective]
        loss = mask_loss(network(batch.clips), batch.masks, weight, reduce(weight.sum()))
        nothing = loss.new_zeros(())
        return Losses(nothing, nothing, loss, weights=(0.0, 0.0, self.options.mask_weight))
