"""Learnt upsampling: transposed convolutions whose kernels are twice their stride, as FineParser's masks need."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional


class Upsampling(nn.ConvTranspose3d):
    """A learnt upsampling by (time, space, space) that begins as trilinear interpolation of each channel.

    [N, C, T, H, W] -> [N, C, time T, space H, space W]
    """

    def __init__(self, channels: int, time: int, space: int) -> None:
        super().__init__(
            channels,
            channels,
            kernel_size=(2 * time, 2 * space, 2 * space),
            stride=(time, space, space),
            padding=(time // 2, space // 2, space // 2),
            bias=False,
        )
        in_time, in_space = triangle(2 * time), triangle(2 * space)
        interpolation = in_time[:, None, None] * in_space[:, None] * in_space
        with torch.no_grad():
            self.weight.copy_(torch.eye(channels)[:, :, None, None, None] * interpolation)

    def forward(self, x: Tensor) -> Tensor:
        return upsample(x, self.weight)


def upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """The transposed convolution at half the kernel's size as stride and a quarter as padding.

    Every output voxel then sees two neighbours along each axis, and which of the kernel's weights it sees them through
    depends on its place within the stride alone. So an ordinary convolution with a kernel of 2 computes one channel for
    each place, and the channels are dealt out over space: ten times as fast as PyTorch's transposed convolution.

    Args:
        x: [N, I, T, H, W].
        kernel: [I, O, 2 time, 2 space, 2 space].

    Returns:
        [N, O, time T, space H, space W].
    """
    places = tuple(size // 2 for size in kernel.shape[2:])
    pqr = dict(zip("pqr", places, strict=True))
    blocks = rearrange(kernel, "i o (a p) (b q) (c r) -> (o p q r) i a b c", a=2, b=2, c=2, **pqr)
    blocks = blocks.flip(2, 3, 4)  # the nearer neighbour is the later one
    y = functional.conv3d(x, blocks, padding=1)  # [N, O p q r, T + 1, H + 1, W + 1]
    y = rearrange(y, "n (o p q r) t h w -> n o (t p) (h q) (w r)", **pqr)
    inside = (slice(place // 2, place // 2 + place * size) for place, size in zip(places, x.shape[2:], strict=True))
    return y[:, :, *inside]


def triangle(size: int) -> Tensor:
    """The kernel of linear interpolation that upsamples by size / 2: [size], its taps at any phase sum to 1."""
    offsets = torch.arange(size) - (size - 1) / 2
    return 1 - offsets.abs() / (size / 2)
