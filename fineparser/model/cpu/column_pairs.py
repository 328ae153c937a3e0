"""First layers at stride 2, with each pair of columns of an image as the channels of one.

Three colours are too few channels for the matrix units of a CPU, which computes such a layer in bf16 at a tenth of
their rate. Two neighbouring columns have six, and in channels-last memory they are adjacent already: a convolution over
the columns at stride 2 is one over their pairs at stride 1, with the same products and sums.
"""

from torch import Tensor, nn
from torch.nn import functional


class ColumnPairs(nn.Module):
    """Pads images or windows with zeros on all axes, then turns pairs of columns into channels.

    [N, C, ..., H, W] -> [N, 2C, ..., before + H + after, (before + W + after) / 2 rounded up], channels last in memory
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, images: Tensor) -> Tensor:
        count, channels, *sizes = images.shape
        padded_sizes = [self.before + size + self.after for size in sizes]
        padded_sizes[-1] += padded_sizes[-1] % 2
        padded = images.new_zeros(count, *padded_sizes, channels)
        inside = tuple(slice(self.before, self.before + size) for size in sizes)
        padded[:, *inside] = images.movedim(1, -1)
        return padded.unflatten(-2, (-1, 2)).flatten(-2).movedim(-1, 1)


class ColumnPairConv3d(nn.Conv3d):
    """A convolution of the output of `ColumnPairs`; its kernel, as that of `nn.Conv3d`, is over single columns."""

    def forward(self, pairs: Tensor) -> Tensor:
        return functional.conv3d(pairs, pair_kernel(self.weight), self.bias, pair_stride(self))


class ColumnPairConv2d(nn.Conv2d):
    """A convolution of the output of `ColumnPairs`; its kernel, as that of `nn.Conv2d`, is over single columns."""

    def forward(self, pairs: Tensor) -> Tensor:
        return functional.conv2d(pairs, pair_kernel(self.weight), self.bias, pair_stride(self))


def pair_kernel(kernel: Tensor) -> Tensor:
    """A kernel over columns as one over their pairs: [O, C, ..., 7] -> [O, 2C, ..., 4]; an odd width gains a zero."""
    even = functional.pad(kernel, (0, kernel.shape[-1] % 2))
    return even.unflatten(-1, (-1, 2)).movedim(-1, 1).flatten(1, 2)


def pair_stride(convolution: ColumnPairConv2d | ColumnPairConv3d) -> tuple[int, ...]:
    """The strides over pairs; those over columns are even."""
    *others, columns = convolution.stride
    return (*others, columns // 2)
