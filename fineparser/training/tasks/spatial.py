"""The task "spatial": the masks of the spatial parser alone, from single windows of many dives."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from fineparser.data.batches import WindowBatch
from fineparser.data.datasets import WindowDataset
from fineparser.data.transforms import ClipTransform
from fineparser.model.compact import CompactFineParser
from fineparser.model.i3d import I3DTop
from fineparser.model.paper import FineParser
from fineparser.model.protocol import Network
from fineparser.model.spatial_action_parser import SideParser
from fineparser.training.auxiliary_losses import WindowHead, window_loss
from fineparser.training.encoded_dives import resize_clips, resize_masks
from fineparser.training.losses import Losses, dice_mask_loss, mask_loss
from fineparser.training.tasks.base import PartialNetwork, StepContext, TaskContext, TrainingTask

MASK_LOSSES: dict[str, Callable[..., Tensor]] = {"focal": mask_loss, "dice": dice_mask_loss}
"""Mask losses by the values of `TrainOptions.mask_loss`."""


class SpatialNetwork(PartialNetwork):
    """Masks of windows and, of `CompactFineParser`, the outputs of a `WindowHead` on features of its I3D.

    The head trains the I3D on phases and faults, too. The last blocks of the I3D, which only the head needs, are part
    of it and of no checkpoint.

    Args:
        model: the network.
        side_output_probability: see `SpatialTaskOptions`.
    """

    model: Network

    def __init__(self, model: Network, side_output_probability: float) -> None:
        super().__init__(model, [spatial_parser(model)])
        self._side_output_probability = side_output_probability
        self.head: WindowHead | None = None
        self.i3d: I3DTop | None = None
        if isinstance(model, CompactFineParser):
            self.head, self.i3d = WindowHead(model.config), I3DTop(model.config)

    def forward(self, windows: Tensor) -> tuple[list[Tensor], tuple[Tensor, Tensor] | None]:
        """Predict the masks of windows [R, 3, 16, 112, 112].

        Returns:
            Mask logits [R, 1, 16, 112, 112]: in a random share of the steps four side outputs, then the fused masks;
            phases and deductions of the `WindowHead`, if there is one.
        """
        windows = windows.to(self.model.dtype, memory_format=torch.channels_last_3d)
        probability = self._side_output_probability
        has_side_outputs = probability == 1 or torch.rand(()).item() < probability
        parser = spatial_parser(self.model)
        stages = parser.i3d(windows)
        sides = parser.sides(stages)
        masks = [parser.mask_logits(sides)[:, None]]
        if has_side_outputs:
            masks = [*parser.side_logits(sides).split(1, dim=1), *masks]
        predicted = None
        if self.head is not None and self.i3d is not None:
            predicted = self.head(self.i3d(stages.mixed_4))
        return masks, predicted


def spatial_parser(model: Network) -> SideParser:
    """Spatial parser of either network."""
    assert isinstance(model, FineParser | CompactFineParser)
    return model.spatial_action_parser


class SpatialTask(TrainingTask):
    """Training of the spatial parser."""

    name: ClassVar[str] = "spatial"
    trained_part: ClassVar[str] = "the masks of the spatial parser alone"
    checkpoint_metrics: ClassVar[tuple[str, ...]] = ("mask_iou",)
    network: SpatialNetwork

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        options, config = self.options, self.model.config
        self.network = SpatialNetwork(self.model, options.spatial.side_output_probability)
        self._dataset = WindowDataset(
            context.training,
            ClipTransform.for_training(options.colour_jitter, options.zoom_jitter, options.crop_attempts),
            windows=options.spatial.windows_per_dive,
            frames=config.window_frames,
            seed=options.seed,
        )

    @classmethod
    def leaves_parameters_unused(cls, model: Network) -> bool:
        return True

    def __len__(self) -> int:
        return len(self._dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[WindowBatch]:
        yield from self.read_batches(self._dataset, epoch, indices)

    def losses(self, network: nn.Module, batch: WindowBatch, step: StepContext) -> Losses:
        size = self.model.config.image_size
        batch = batch.to(self.device, non_blocking=True)
        weight = step.weights(len(batch), self.device)
        masks, predicted = network(resize_clips(batch.clips, size))
        compute_loss = MASK_LOSSES[self.options.mask_loss]
        return Losses(
            mask=compute_loss(masks, resize_masks(batch.masks, size), weight, step.normaliser(weight)),
            auxiliary=None if predicted is None else window_loss(predicted, batch.phases, batch.deductions, weight),
            mask_weight=self.options.mask_weight,
        )
