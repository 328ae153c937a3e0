"""Convolutions of oneDNN, PyTorch's library for processors, that finish what they computed before it leaves the cache.

PyTorch's compiler calls these operators for the same purpose; they have no gradient.
"""

import torch
from torch import Tensor, nn

from fineparser.model.column_pairs import ColumnPairConv2d, ColumnPairConv3d, pair_kernel, pair_stride


class FusedConvolution(nn.Module):
    """A convolution, with its ReLU or without."""

    def __init__(self, convolution: nn.Conv2d | nn.Conv3d, relu: bool) -> None:
        super().__init__()
        paired = isinstance(convolution, ColumnPairConv2d | ColumnPairConv3d)
        layout = torch.channels_last if convolution.weight.ndim == 4 else torch.channels_last_3d
        weight = pair_kernel(convolution.weight) if paired else convolution.weight
        self.weight = nn.Parameter(weight.detach().contiguous(memory_format=layout), requires_grad=False)
        self.bias = convolution.bias
        self.stride = pair_stride(convolution) if paired else convolution.stride
        self.padding = convolution.padding
        self.dilation, self.groups = convolution.dilation, convolution.groups
        self.relu = relu

    @property
    def geometry(self) -> tuple:
        """Weight, bias and the rest of a convolution's arguments."""
        return self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups

    def forward(self, x: Tensor) -> Tensor:
        finish = "relu" if self.relu else "none"
        return torch.ops.mkldnn._convolution_pointwise(x, *self.geometry, finish, [], "")

    def add_to(self, shortcut: Tensor, x: Tensor) -> Tensor:
        """The shortcut and the convolution of x, with its ReLU or without, in the shortcut's memory."""
        finish = ("add", 1.0, "relu" if self.relu else None, [], "")
        return torch.ops.mkldnn._convolution_pointwise_.binary(shortcut, x, *self.geometry, *finish)


class FusedResidualBlock(nn.Module):
    """torchvision's `BasicBlock` without batch norms, in two or three calls; writes over its input or its shortcut.

    Its convolutions end in a ReLU and know how to `add_to` a shortcut before it.
    """

    def __init__(self, conv1: nn.Module, conv2: nn.Module, shortcut: FusedConvolution | None) -> None:
        super().__init__()
        self.conv1, self.conv2, self.shortcut = conv1, conv2, shortcut

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return self.conv2.add_to(shortcut, self.conv1(x))
