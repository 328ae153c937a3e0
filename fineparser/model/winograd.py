"""Convolutions by Winograd's minimal filtering (Lavin and Gray, CVPR 2016): fewer products for the same sums.

A tile of 4 outputs of a kernel of 3 takes 6 products a pair of channels instead of 12 along an axis, 36 instead of 144
along two. What it costs, transforming tiles of inputs there and tiles of outputs back, grows with the channels and not
with their pairs, and with the size of the maps: so it pays for many channels. For 32-bit numbers, of whose precision
it loses a decimal place.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.onednn import FusedConvolution

TILE = 4
"""Outputs of a tile along an axis; it sees 6 inputs."""
PRODUCTS = TILE + 2
"""Products of a tile along an axis."""
# The matrices of F(4, 3) for the points 0, 1, -1, 2, -2 and infinity.
_INPUTS = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUTS = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


class SpatialWinograd(nn.Module):
    """A 3x3 convolution at stride 1 with a bias and a ReLU: [N, I, H, W] -> [N, O, H, W], channels last in memory."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        kernel = torch.tensor(_KERNEL, dtype=torch.float64)
        weight = convolution.weight.detach().double()
        products = torch.einsum("ay,bx,oiyx->abio", kernel, kernel, weight).flatten(0, 1)
        self.weight = nn.Parameter(products.float(), requires_grad=False)  # [36, I, O]
        self.bias = nn.Parameter(convolution.bias.detach(), requires_grad=False)
        for name, matrix in (("inputs", _INPUTS), ("outputs", _OUTPUTS)):
            one_axis = torch.tensor(matrix, dtype=torch.float32)
            self.register_buffer(name, torch.kron(one_axis, one_axis), persistent=False)  # [36, 36] and [16, 36]

    def forward(self, x: Tensor) -> Tensor:
        return self._convolve(x).relu_()

    def add_to(self, shortcut: Tensor, x: Tensor) -> Tensor:
        """ReLU of the shortcut and the convolution of x."""
        return self._convolve(x).add_(shortcut).relu_()

    def _convolve(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        rows, columns = -(-height // TILE), -(-width // TILE)
        after = TILE * rows - height + 1, TILE * columns - width + 1
        padded = functional.pad(x.permute(0, 2, 3, 1), (0, 0, 1, after[1], 1, after[0]))
        tiles = padded.unfold(1, PRODUCTS, TILE).unfold(2, PRODUCTS, TILE)  # [N, rows, columns, I, 6, 6]
        tiles = tiles.permute(0, 1, 2, 4, 5, 3).reshape(-1, PRODUCTS**2, channels)
        products = torch.bmm((self.inputs @ tiles).transpose(0, 1), self.weight)  # [36, N rows columns, O]
        maps = self.outputs @ products.transpose(0, 1)
        maps = maps.view(count, rows, columns, TILE, TILE, -1).transpose(2, 3)
        maps = maps.reshape(count, rows * TILE, columns * TILE, -1)[:, :height, :width]
        return (maps + self.bias).permute(0, 3, 1, 2)


class TemporalWinograd(nn.Module):
    """A 3x3x3 convolution at stride 1 with a bias and a ReLU, whose six products along time are 3x3 convolutions.

    [N, I, T, H, W] -> [N, O, T, H, W], channels last in memory; quickest where T is a multiple of 4.
    """

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        kernel = torch.tensor(_KERNEL, dtype=torch.float64)
        weights = torch.einsum("kt,oityx->koiyx", kernel, convolution.weight.detach().double()).float()
        self.products = nn.ModuleList()
        for number, weight in enumerate(weights):
            # The second product enters each output once, and with it the bias.
            product = nn.Conv3d(
                convolution.in_channels, convolution.out_channels, (1, 3, 3), padding=(0, 1, 1), bias=number == 1
            )
            product.weight = nn.Parameter(weight[:, :, None], requires_grad=False)
            if number == 1:
                product.bias = nn.Parameter(convolution.bias.detach(), requires_grad=False)
            self.products.append(FusedConvolution(product, relu=False))

    def forward(self, x: Tensor) -> Tensor:
        count, channels, frames, *sizes = x.shape
        inputs, outputs = temporal_matrices(frames)
        flat = x.permute(0, 2, 3, 4, 1).reshape(count, frames, -1)
        products = []
        for of_product, convolve in zip(inputs, self.products, strict=True):
            tiles = (of_product @ flat).view(count, -1, *sizes, channels)
            product = convolve(tiles.permute(0, 4, 1, 2, 3)).permute(0, 2, 3, 4, 1)
            products.append(product.reshape(count, len(of_product), -1))
        maps = outputs @ torch.cat(products, dim=1)
        return maps.relu_().view(count, frames, *sizes, -1).permute(0, 4, 1, 2, 3)


@lru_cache
def temporal_matrices(frames: int) -> tuple[Tensor, Tensor]:
    """From frames to what is multiplied in each tile [6, tiles, frames], and from products to frames [frames, 6 tiles].

    Frames before the first and after the last are zero, so their columns are left out.
    """
    tiles = -(-frames // TILE)
    inputs = torch.zeros(PRODUCTS, tiles, TILE * tiles + 2)
    outputs = torch.zeros(TILE * tiles, PRODUCTS, tiles)
    for tile in range(tiles):
        start = TILE * tile
        inputs[:, tile, start : start + PRODUCTS] = torch.tensor(_INPUTS)
        outputs[start : start + TILE, :, tile] = torch.tensor(_OUTPUTS)
    return inputs[:, :, 1 : frames + 1].contiguous(), outputs[:frames].flatten(1)
