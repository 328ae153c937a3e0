"""Convolutions by Winograd's minimal filtering (Lavin and Gray, CVPR 2016): fewer products for the same sums.

A tile of 4 outputs of a kernel of 3 takes 6 products a pair of channels instead of 12 along an axis, 36 instead of 144
along two. The cost, transforming tiles of inputs and of outputs, grows with the channels and not with their pairs, and
with the size of the maps: so it pays for many channels. For 32-bit numbers, of whose precision it loses a decimal
place.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.cpu.column_pairs import ColumnPairConv3d, pair_kernel, pair_stride
from fineparser.model.cpu.onednn import AddingConvolution, FusedConvolution

TILE = 4
"""Outputs of a tile along an axis."""
PRODUCTS = TILE + 2
"""Products of a tile of a kernel of 3 along an axis, and its inputs."""
_POINTS = (0, 1, -1, 2, -2, 0.5)
"""Points at which the polynomials behind the matrices are evaluated, beside infinity; the product of the second enters
every output with weight 1."""


@lru_cache
def minimal_filtering(kernel: int) -> tuple[Tensor, Tensor, Tensor]:
    """Matrices of F(4, kernel), by Toom and Cook: of inputs [P, P], of the kernel [P, kernel], of outputs [4, P].

    P = kernel + 3. The outputs of a tile are `outputs @ ((of_kernel @ kernel) * (inputs @ tile))`. In 64 bits.
    """
    products = TILE + kernel - 1
    points = np.array(_POINTS[: products - 1], dtype=float)
    others = [np.delete(points, place) for place in range(len(points))]
    inputs = np.zeros((products, products))
    for place, rest in enumerate(others):
        inputs[place, :-1] = np.poly(rest)[::-1]
    inputs[-1] = np.poly(points)[::-1]
    scales = np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])
    infinity = np.zeros((1, kernel))
    infinity[0, -1] = 1
    of_kernel = np.concatenate([points[:, None] ** np.arange(kernel) / scales[:, None], infinity])
    last = np.zeros((TILE, 1))
    last[-1] = 1
    outputs = np.concatenate([points[None] ** np.arange(TILE)[:, None], last], axis=1)
    return torch.from_numpy(inputs), torch.from_numpy(of_kernel), torch.from_numpy(outputs)


class SpatialWinograd(AddingConvolution):
    """A 3x3 convolution at stride 1 with a bias and a ReLU: [N, I, H, W] -> [N, O, H, W], channels last in memory."""

    inputs: Tensor
    outputs: Tensor

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        inputs, kernel, outputs = minimal_filtering(3)
        weight = convolution.weight.detach().double()
        products = torch.einsum("ay,bx,oiyx->abio", kernel, kernel, weight).flatten(0, 1)
        self.weight = nn.Parameter(products.float(), requires_grad=False)  # [36, I, O]
        self.bias = nn.Parameter(convolution.get_parameter("bias").detach(), requires_grad=False)
        for name, matrix in (("inputs", inputs), ("outputs", outputs)):
            self.register_buffer(name, torch.kron(matrix, matrix).float(), persistent=False)  # [36, 36] and [16, 36]

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
        weights = torch.einsum("kt,oityx->koiyx", minimal_filtering(3)[1], convolution.weight.detach().double()).float()
        self.products = nn.ModuleList()
        for number, weight in enumerate(weights):
            # The second product enters each output once, and with it the bias.
            product = nn.Conv3d(
                convolution.in_channels, convolution.out_channels, (1, 3, 3), padding=(0, 1, 1), bias=number == 1
            )
            product.weight = nn.Parameter(weight[:, :, None], requires_grad=False)
            if number == 1:
                product.bias = nn.Parameter(convolution.get_parameter("bias").detach(), requires_grad=False)
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
    """Matrices from frames to the factors of tiles [6, tiles, frames], and from products to frames [frames, 6 tiles].

    Frames before the first and after the last are zero, so their columns are left out.
    """
    tiles = -(-frames // TILE)
    of_tile, _, of_products = minimal_filtering(3)
    inputs = torch.zeros(PRODUCTS, tiles, TILE * tiles + 2)
    outputs = torch.zeros(TILE * tiles, PRODUCTS, tiles)
    for tile in range(tiles):
        start = TILE * tile
        inputs[:, tile, start : start + PRODUCTS] = of_tile
        outputs[start : start + TILE, :, tile] = of_products
    return inputs[:, :, 1 : frames + 1].contiguous(), outputs[:frames].flatten(1)


class StemWinograd(nn.Module):
    """The I3D's first layer, 7x7x7 at stride 2 over pairs of columns, with its ReLU: 13 products along time for 28.

    At stride 2 the even frames meet the kernel's even slices alone, and the odd ones its odd slices: two convolutions
    at stride 1, of 4 and of 3 slices, whose products along time are convolutions of single frames.

    [N, 2I, 2T + 5, H, W] -> [N, O, T, ...], channels last in memory, T a multiple of 4.
    """

    def __init__(self, convolution: ColumnPairConv3d) -> None:
        super().__init__()
        weight = pair_kernel(convolution.weight.detach().double())
        self.out_channels = convolution.out_channels
        self.picture = tuple(weight.shape[3:]), pair_stride(convolution)[1:]  # kernel and stride over column pairs
        self.products = nn.ModuleList()
        for parity in (0, 1):
            slices = weight[:, :, parity::2]
            of_kernel = minimal_filtering(slices.shape[2])[1]
            for number, product in enumerate(torch.einsum("kt,oityx->koiyx", of_kernel, slices).float()):
                has_bias = parity == 0 and number == 1  # it enters each output once
                out_channels, in_channels = product.shape[:2]
                kernel, stride = self.picture
                layer = nn.Conv3d(in_channels, out_channels, (1, *kernel), (1, *stride), bias=has_bias)  # type: ignore[arg-type]
                layer.weight = nn.Parameter(product[:, :, None], requires_grad=False)
                if has_bias:
                    layer.bias = nn.Parameter(convolution.get_parameter("bias").detach(), requires_grad=False)
                self.products.append(FusedConvolution(layer, relu=False))

    def forward(self, x: Tensor) -> Tensor:
        windows = x.permute(0, 2, 3, 4, 1)  # [N, 2T + 5, H, W, 2I]
        inputs, outputs = stem_matrices(windows.shape[1])
        height, width = (
            (side - size) // stride + 1 for side, size, stride in zip(x.shape[3:], *self.picture, strict=True)
        )
        tiles = len(inputs) // len(self.products)
        maps = x.new_empty(len(x), len(outputs), height, width, self.out_channels)
        products = x.new_empty(len(self.products), tiles, *maps.shape[2:])
        for window, output in zip(windows, maps, strict=True):  # one by one: a window's features stay in the cache
            transformed = (inputs @ window.flatten(1)).view(-1, tiles, *window.shape[1:])
            products.zero_()
            for product, tile, layer in zip(products, transformed, self.products, strict=True):
                assert isinstance(layer, AddingConvolution)
                layer.add_to(product[None].permute(0, 4, 1, 2, 3), tile[None].permute(0, 4, 1, 2, 3))
            torch.mm(outputs, products.flatten(0, 1).flatten(1), out=output.flatten(1)).relu_()
        return maps.permute(0, 4, 1, 2, 3)


@lru_cache
def stem_matrices(frames: int) -> tuple[Tensor, Tensor]:
    """Matrices from 2T + 5 frames to the factors of tiles [13 T / 4, frames], and from products to T frames
    [T, 13 T / 4]."""
    tiles = (frames - 5) // 2 // TILE
    inputs, outputs = [], []
    for parity in (0, 1):
        of_tile, _, of_products = minimal_filtering(4 - parity)
        count = len(of_tile)
        every = torch.zeros(count, tiles, frames)
        back = torch.zeros(TILE * tiles, count, tiles)
        for tile in range(tiles):
            first = 2 * TILE * tile + parity
            every[:, tile, first : first + 2 * count : 2] = of_tile
            back[TILE * tile : TILE * (tile + 1), :, tile] = of_products
        inputs.append(every.flatten(0, 1))
        outputs.append(back.flatten(1))
    return torch.cat(inputs), torch.cat(outputs, dim=1)
