"""Max pooling of what a ReLU gave, exact and several times as fast as PyTorch's, which also notes where maxima were."""

import torch
from torch import Tensor, nn

WHOLE_NUMBERS = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}


class RectifiedMaxPool(nn.Module):
    """Does what a max pool does, for values that are not negative and without gradients.

    Floating point numbers of one sign are in the order of their bits read as whole numbers, which processors compare
    faster, those of 16 bits above all. Axes are pooled one after the other.
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
        pooled = x.view(WHOLE_NUMBERS[x.dtype])
        for axis in sorted(range(self.axes), key=lambda axis: axis != self.axes - 2):  # rows first: they are longest
            pooled = self._along(pooled, axis)
        return pooled.view(x.dtype)

    def _along(self, x: Tensor, axis: int) -> Tensor:
        kernel, stride, padding = self.kernel[axis], self.stride[axis], self.padding[axis]
        if kernel == 1:
            return x
        size, dim = x.shape[axis + 2], axis + 2
        surplus = size + 2 * padding - kernel
        count = (-(-surplus // stride) if self.ceil_mode else surplus // stride) + 1
        centre = pooled = _strided(x, dim, 0, stride, count)  # shift 0, which every maximum sees
        for shift in sorted(range(-padding, kernel - padding), key=abs)[1:]:
            first = max(0, -(shift // stride))
            stop = min(count, (size - 1 - shift) // stride + 1)
            seen = _strided(x, dim, first * stride + shift, stride, stop - first)
            so_far = pooled.narrow(dim, first, stop - first)
            if pooled is centre:
                pooled = torch.empty_like(centre)
                for start, end in ((0, first), (stop, count)):
                    pooled.narrow(dim, start, end - start).copy_(centre.narrow(dim, start, end - start))
            torch.maximum(so_far, seen, out=pooled.narrow(dim, first, stop - first))
        return pooled


def _strided(x: Tensor, dim: int, first: int, stride: int, count: int) -> Tensor:
    return x[(slice(None),) * dim + (slice(first, None, stride),)].narrow(dim, 0, count)
