"""Devices, processes, threads and precision of a run or an evaluation, by way of Accelerate."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from torch import Tensor, distributed, nn
from torch.autograd.function import FunctionCtx
from torch.nn.modules.batchnorm import _BatchNorm

from fineparser.model.precision import dtype_of


def accelerator_for(device: str, precision: str | None, *, find_unused: bool = False) -> Accelerator:
    """Accelerator of this process, alone or among those that `accelerate launch` started.

    Args:
        device: "auto" or "cpu".
        precision: see `dtype_of`; None: bf16 if a GPU has it.
        find_unused: some trainable parameters get no gradient in a step, which several processes must know.
    """
    torch_device = device_for(device)
    if precision is None:
        precision = "auto" if torch_device.type == "cuda" else "float32"
    mixed = "bf16" if dtype_of(precision, torch_device) == torch.bfloat16 else "no"
    kwargs = DistributedDataParallelKwargs(find_unused_parameters=find_unused)
    return Accelerator(cpu=device == "cpu", mixed_precision=mixed, kwargs_handlers=[kwargs])


def device_for(device: str) -> torch.device:
    """Device of this process, alone or among those that `accelerate launch` started.

    Args:
        device: "auto" for a GPU if there is one, or "cpu"; ValueError for anything else.
    """
    if device not in ("auto", "cpu"):
        raise ValueError(f'device is "auto" or "cpu", not {device!r}; CUDA_VISIBLE_DEVICES chooses among GPUs')
    return PartialState(cpu=device == "cpu").device


@contextmanager
def reserve_cores(workers: int) -> Iterator[None]:
    """Context in which torch leaves a core to each of the worker processes.

    With a thread on every core beside the workers, threads wait for each other most of the time.
    """
    threads = torch.get_num_threads()
    if workers:
        torch.set_num_threads(max(1, min(threads, (os.cpu_count() or 1) - workers)))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def shut_down_processes() -> bool:
    """Close the process group; return True in the main process, which reports results.

    A process that ends with an open group may be aborted by a thread of the group.
    """
    processes = PartialState()
    processes.destroy_process_group()
    return processes.is_main_process


class _SumOverProcesses(torch.autograd.Function):
    """Sum of a tensor over all processes, in the backward pass that of its gradient."""

    @staticmethod
    def forward(context: FunctionCtx, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


class SyncedBatchNorm(_BatchNorm):
    """Batch norm [N, C, ...] with the statistics of the batches of all processes in training mode."""

    def _check_input_dim(self, x: Tensor) -> None:
        if x.ndim < 2:
            raise ValueError(f"batch norm takes [N, C, ...], not {list(x.shape)}")

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        axes = [0, *range(2, x.ndim)]
        shape = [1, -1] + [1] * (x.ndim - 2)
        count = x.new_tensor([x.numel() / x.shape[1]])
        sums = _SumOverProcesses.apply(torch.cat([x.sum(axes), count]))
        count = sums[-1].detach()
        centred = x - (sums[:-1] / count).view(shape)
        variance = _SumOverProcesses.apply((centred**2).sum(axes)) / count
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        with torch.no_grad():
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(sums[:-1] / count, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        normed = centred * (variance + self.eps).rsqrt().view(shape)
        return normed * self.weight.view(shape) + self.bias.view(shape)


def sync_batch_norms(module: nn.Module, device: torch.device) -> nn.Module:
    """Replace every batch norm of a network by a synced one, in place; parameters keep their names.

    For runs with several processes only.
    """
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)
    for child in module.modules():
        if isinstance(child, _BatchNorm) and not isinstance(child, SyncedBatchNorm):
            # The same module with another forward, so that references to it stay valid.
            child.__class__ = SyncedBatchNorm
    return module
