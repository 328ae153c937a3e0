"""Layers of oneDNN, PyTorch's library for CPUs, that apply ReLU and shortcut early, and faster pooling after a ReLU.

The separate operations would read and write every feature once more. PyTorch's compiler calls these operators for the
same purpose; they have no gradient.
"""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from fineparser.model.cpu.column_pairs import ColumnPairConv2d, ColumnPairConv3d, pair_kernel, pair_stride


class AddingConvolution(nn.Module):
    """A convolution that can add its output to a shortcut."""

    @abstractmethod
    def add_to(self, shortcut: Tensor, x: Tensor) -> Tensor:
        """ReLU of the shortcut plus the convolution of x."""


class FusedConvolution(AddingConvolution):
    """A convolution, with its ReLU or without."""

    def __init__(self, convolution: nn.Conv2d | nn.Conv3d, relu: bool) -> None:
        super().__init__()
        layout = torch.channels_last if convolution.weight.ndim == 4 else torch.channels_last_3d
        weight, self.stride = convolution.weight, convolution.stride
        if isinstance(convolution, ColumnPairConv2d | ColumnPairConv3d):
            weight, self.stride = pair_kernel(weight), pair_stride(convolution)
        self.weight = nn.Parameter(weight.detach().contiguous(memory_format=layout), requires_grad=False)
        self.bias = convolution.bias
        self.padding = convolution.padding
        self.dilation, self.groups = convolution.dilation, convolution.groups
        self.relu = relu

    @property
    def geometry(self) -> tuple:
        """Weight, bias and the other arguments of a convolution."""
        return self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups

    def forward(self, x: Tensor) -> Tensor:
        activation = "relu" if self.relu else "none"
        return torch.ops.mkldnn._convolution_pointwise(x, *self.geometry, activation, [], "")

    def add_to(self, shortcut: Tensor, x: Tensor) -> Tensor:
        """Add the convolution of x to the shortcut, then apply the ReLU, in the shortcut's memory."""
        activation = "relu" if self.relu else None
        return torch.ops.mkldnn._convolution_pointwise_.binary(
            shortcut, x, *self.geometry, "add", 1.0, activation, [], ""
        )


class FusedResidualBlock(nn.Module):
    """torchvision's `BasicBlock` without batch norms, in two or three calls; overwrites its input or its shortcut.

    Its convolutions end in a ReLU, and the second can add a shortcut before it.
    """

    conv2: AddingConvolution

    def __init__(self, conv1: nn.Module, conv2: nn.Module, shortcut: FusedConvolution | None) -> None:
        super().__init__()
        assert isinstance(conv2, AddingConvolution)
        self.conv1, self.conv2, self.shortcut = conv1, conv2, shortcut

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return self.conv2.add_to(shortcut, self.conv1(x))


INTEGERS = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}


class RectifiedMaxPool(nn.Module):
    """A max pool for values that are not negative, without gradients.

    Floating point numbers of one sign have the order of their bits as integers, which CPUs compare faster, those of 16
    bits above all. Axes are pooled one after the other.
    """

    def __init__(self, pool: nn.MaxPool2d | nn.MaxPool3d) -> None:
        super().__init__()
        self.axes = 2 if isinstance(pool, nn.MaxPool2d) else 3
        self.kernel, self.stride, self.padding = (
            value if isinstance(value, tuple) else (value,) * self.axes
            for value in (pool.kernel_size, pool.stride, pool.padding)
        )
        self.ceil_mode = pool.ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.view(INTEGERS[x.dtype])
        for axis in sorted(range(self.axes), key=lambda axis: axis != self.axes - 2):  # the longest first: rows
            pooled = self._along(pooled, axis)
        return pooled.view(x.dtype)

    def _along(self, x: Tensor, axis: int) -> Tensor:
        kernel, stride, padding = self.kernel[axis], self.stride[axis], self.padding[axis]
        if kernel == 1:
            return x
        size, dim = x.shape[axis + 2], axis + 2
        surplus = size + 2 * padding - kernel
        count = (-(-surplus // stride) if self.ceil_mode else surplus // stride) + 1
        centre = pooled = _strided(x, dim, 0, stride, count)  # shift 0, which enters every maximum
        for shift in sorted(range(-padding, kernel - padding), key=abs)[1:]:
            first = max(0, -(shift // stride))
            stop = min(count, (size - 1 - shift) // stride + 1)
            shifted = _strided(x, dim, first * stride + shift, stride, stop - first)
            so_far = pooled.narrow(dim, first, stop - first)
            if pooled is centre:
                pooled = torch.empty_like(centre)
                for start, end in ((0, first), (stop, count)):
                    pooled.narrow(dim, start, end - start).copy_(centre.narrow(dim, start, end - start))
            torch.maximum(so_far, shifted, out=pooled.narrow(dim, first, stop - first))
        return pooled


def _strided(x: Tensor, dim: int, first: int, stride: int, count: int) -> Tensor:
    return x[(slice(None),) * dim + (slice(first, None, stride),)].narrow(dim, 0, count)
