"""Base of the training tasks: one object a task that owns everything that the training loop needs.

A task has the part of the network that learns, its samples, its losses, its cache on disk and its validation. The loop
in `fineparser.training.trainer` is the same for all tasks.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader

from fineparser.data.datasets import DiveDataset, EpochDataset
from fineparser.data.dives import DiveSource
from fineparser.model.compact import CompactFineParser
from fineparser.model.cpu.optimisation import optimise
from fineparser.model.paper import FineParser
from fineparser.model.precision import dtype_of
from fineparser.model.protocol import Network
from fineparser.training.encoded_dives import stack_samples
from fineparser.training.feature_cache import CacheContents, write_cache
from fineparser.training.losses import Losses
from fineparser.training.options import TrainOptions
from fineparser.training.validation import ClipValidation, Validation

Record = dict[str, Any]
"""An entry of the log of a run."""


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """Everything that a task is made of."""

    options: TrainOptions
    model: Network
    training: DiveSource
    validation: DiveSource | None
    """None if there are no validation dives."""
    accelerator: Accelerator
    on_record: Callable[[Record], None]
    """Receives the progress of the encoding before the first step, and the log afterwards."""

    def report_encoding(self, done: int, total: int) -> None:
        """Report how many clips are encoded."""
        self.on_record({"kind": "encoding", "done": done, "of": total})

    def inference_copy(self) -> Network:
        """A fast copy of the network as it is now, for encoding."""
        dtype = dtype_of(self.options.precision or "float32", self.accelerator.device)
        if not isinstance(self.model, FineParser | CompactFineParser):
            raise TypeError(f"there is no inference copy of a {type(self.model).__name__}")
        return optimise(self.model, dtype)


@dataclass(frozen=True)
class StepContext:
    """State of the run in a step, as far as losses depend on it."""

    is_weighted: bool
    """False for a filler batch, whose losses are 0."""
    teacher_forcing: bool
    """Pool at labelled transitions."""
    mean: Callable[[Tensor], Tensor]
    """Mean of a tensor over all processes."""

    def weights(self, count: int, device: torch.device) -> Tensor:
        """Weights [count] of the samples of a batch: 1, or 0 in a filler."""
        return torch.full((count,), float(self.is_weighted), device=device)

    def normaliser(self, weights: Tensor) -> Tensor:
        """Mean number of weighted samples a process, see `fineparser.training.losses`."""
        return self.mean(weights.sum())


class TrainingTask(ABC):
    """Base of the tasks. A subclass has its facts, its samples and its losses.

    Args:
        context: of the run.
    """

    name: ClassVar[str]
    """Value of `TrainOptions.train`."""
    trained_part: ClassVar[str]
    """Part of the network that the task trains, for the model card."""
    compares_pairs: ClassVar[bool] = False
    """True if dives are compared with exemplars, in training and in validation."""
    checkpoint_metrics: ClassVar[tuple[str, ...]] = ()
    """Metrics that choose the best checkpoint: the first of them that the validation dives have labels for. Without
    any, there is no validation and the last checkpoint is the best one."""
    cache_name: ClassVar[str | None] = None
    """Folder of the cache in that of the run; it is deleted at the end of the run."""
    calibrates_mask_threshold: ClassVar[bool] = False
    """True if `calibrate_mask_threshold` is called at the end of the run."""

    network: nn.Module
    """Computes a step: the only module that is wrapped for several processes. It has the network as `model`; its other
    parameters are trained, too, but are no part of the checkpoints."""

    def __init__(self, context: TaskContext) -> None:
        self.context = context
        self.options, self.model = context.options, context.model

    @classmethod
    def leaves_parameters_unused(cls, model: Network) -> bool:
        """True if some trainable parameters get no gradient in a step; several processes have to allow for it.

        Without the spatial gate the last block of the I3D of the spatial parser has no influence on the losses.
        """
        return not (isinstance(model, FineParser) and model.config.spatial_gate)

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return next(self.network.parameters()).device

    @abstractmethod
    def __len__(self) -> int:
        """Samples of an epoch."""

    @abstractmethod
    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[Any]:
        """Batches of these samples of an epoch."""

    @abstractmethod
    def losses(self, network: nn.Module, batch: Any, step: StepContext) -> Losses:
        """Losses of the batch of one process; their mean over the processes is that of the whole batch.

        Args:
            network: `network`, as it is wrapped for several processes.
            batch: one of `batches`.
            step: state of the run.
        """

    def validation(self) -> Validation | None:
        """Measurement on the validation dives, None without them or without a metric of the task."""
        if self.context.validation is None or not self.checkpoint_metrics:
            return None
        return ClipValidation(
            self.options,
            self.model,
            self.context.training,
            self.context.validation,
            self.context.accelerator,
            compares_pairs=self.compares_pairs,
        )

    def calibrate_mask_threshold(self) -> float:
        """Move the threshold of the masks to where their IoU is best, see `calibrate_mask_bias`; return the offset."""
        raise NotImplementedError(f"the task {self.name!r} has no mask threshold")

    @property
    def cache_folder(self) -> Path:
        """Folder of the cache; ValueError for a task without one."""
        if self.cache_name is None:
            raise ValueError(f"the task {self.name!r} has no cache")
        return self.options.out / self.cache_name

    def write_cache(self, model: Network, clips: DiveDataset, contents: CacheContents) -> None:
        """Compute the cache of the task with the workers of the run, unless it is there; see `write_cache`."""
        write_cache(
            model,
            clips,
            self.cache_folder,
            contents,
            self.context.accelerator,
            workers=self.options.workers,
            on_done=self.context.report_encoding,
        )

    def remove_cache(self) -> None:
        """Delete the cache: gigabytes that only a resumed run needs."""
        if self.cache_name is not None:
            shutil.rmtree(self.cache_folder)

    def read_batches(self, dataset: EpochDataset, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[Any]:
        """Batches of these samples of an epoch, read by the workers of the run."""
        dataset.set_epoch(epoch)
        yield from DataLoader(
            dataset,
            batch_sampler=[list(batch) for batch in indices],
            collate_fn=stack_samples,
            num_workers=self.options.workers,
            pin_memory=self.device.type == "cuda",
        )


class PartialNetwork(nn.Module):
    """A network of which some parts are trained; the others keep their weights and stay in evaluation mode.

    Args:
        model: the network.
        trained: modules of it.
    """

    def __init__(self, model: nn.Module, trained: Sequence[nn.Module]) -> None:
        super().__init__()
        self.model = model
        self._trained = list(trained)
        model.requires_grad_(False)
        for part in self._trained:
            part.requires_grad_(True)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.model.eval()
        for part in self._trained:
            part.train(mode)
        return self
