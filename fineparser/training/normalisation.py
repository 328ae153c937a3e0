"""Batch norm over the batches of all processes.

Each process sees a part of a step's clips. With statistics of its own part only, two processes would compute
something else than one with the whole batch. torch's SyncBatchNorm joins them on GPUs; on processors it is not
to be had, so `JoinedBatchNorm` does the same with two sums over the processes.
"""

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _SumOverProcesses(torch.autograd.Function):
    """Sums a tensor over all processes; so is its gradient."""

    @staticmethod
    def forward(context, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


class JoinedBatchNorm(_BatchNorm):
    """A batch norm [N, C, ...] whose statistics, while training, are those of all processes' batches."""

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
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(sums[:-1] / count, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        normed = centred * (variance + self.eps).rsqrt().view(shape)
        return normed * self.weight.view(shape) + self.bias.view(shape)


def join_batch_norms(module: nn.Module, device: torch.device) -> nn.Module:
    """Lets every batch norm of a network, in place, take its statistics from all processes.

    Parameters and their names stay. For use in a run of several processes only.
    """
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)
    for child in module.modules():
        if isinstance(child, _BatchNorm) and not isinstance(child, JoinedBatchNorm):
            # The same module with another forward: whoever holds it, holds the joined one.
            child.__class__ = JoinedBatchNorm
    return module
