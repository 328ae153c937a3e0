"""The network as the published code computes it, to measure against: every module plain, every output, no sharing."""

import copy

import torch
from torch import Tensor, nn

from fineparser.model.fineparser import FineParser
from fineparser.model.i3d import Stem
from fineparser.model.spatial_action_parser import SpatialActionParser
from fineparser.model.static_visual_encoder import FrameResNet
from fineparser.model.upsampling import Upsampling


class PlainPad(nn.ConstantPad3d):
    """Zero padding of windows in PyTorch's ordinary memory order, channels first."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.contiguous())


class ContiguousPictures(nn.Module):
    """Pictures in PyTorch's ordinary memory order, channels first."""

    def forward(self, x: Tensor) -> Tensor:
        return x.contiguous()


class PaddedMaxPool(nn.Sequential):
    """Max pooling that pads with zeros first, as TensorFlow's SAME does and the published I3D after it."""

    def __init__(self, pool: nn.MaxPool3d) -> None:
        triples = [value if isinstance(value, tuple) else (value,) * 3 for value in (pool.kernel_size, pool.stride)]
        surplus = [kernel - stride for kernel, stride in zip(*triples, strict=True)]
        sides = [side for extra in reversed(surplus) for side in (extra // 2, extra - extra // 2)]
        super().__init__(nn.ConstantPad3d(tuple(sides), 0.0), nn.MaxPool3d(*triples, ceil_mode=True))


class PlainSpatialActionParser(SpatialActionParser):
    """Upsamples all sixteen channels of all four sides to full size, and fuses the sixty-four there."""

    def _fused(self, sides: list[Tensor]) -> Tensor:
        full = [upsampling(side) for side, upsampling in zip(sides, self.upsample_features, strict=True)]
        return self.fuse(torch.cat(full, dim=1))[:, 0]


def plain_stems(model: FineParser) -> FineParser:
    """A copy whose first layers are ordinary convolutions over single columns, channels first in memory."""
    plain = copy.deepcopy(model)
    for module in plain.modules():
        if isinstance(module, Stem):
            module.pairs = PlainPad((2, 3) * 3, 0.0)
            module.conv3d = _ordinary(module.conv3d, nn.Conv3d, padding=0)
        elif isinstance(module, FrameResNet):
            module.pairs = ContiguousPictures()
            module.conv1 = _ordinary(module.conv1, nn.Conv2d, padding=3)
    return plain


def plain_network(model: FineParser) -> FineParser:
    """A copy with the same weights that computes step by step what the published code does, as PyTorch offers it."""
    plain = plain_stems(model)
    parser = PlainSpatialActionParser(model.config).train(model.training)
    parser.i3d = plain.spatial_action_parser.i3d
    parser.load_state_dict(model.spatial_action_parser.state_dict())
    plain.spatial_action_parser = parser
    for module in list(plain.modules()):
        if isinstance(module, nn.ReLU):
            module.inplace = False
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool3d) and not isinstance(module, PaddedMaxPool):
                setattr(module, name, PaddedMaxPool(child))
    for group in (parser.upsample_features, parser.upsample_scores):
        for number, layer in enumerate(group):
            group[number] = _transposed(layer)
    return plain


def published_vote(plain: FineParser, query: Tensor, exemplar: Tensor) -> tuple[Tensor, Tensor]:
    """One pairwise pass, both clips [1, 3, 96, 112, 112] encoded anew with all mask outputs.

    Returns:
        The difference in score [1] and the query's fused mask logits [1, 9, 16, 112, 112].
    """
    both = plain.encode(torch.cat([query, exemplar]), side_outputs=True)
    first, second = both.select([0]), both.select([1])
    return plain.compare(first, second).delta, first.mask_logits


def _ordinary(layer: nn.Conv2d | nn.Conv3d, kind: type, padding: int) -> nn.Module:
    plain = kind(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, padding, bias=False)
    plain.weight = layer.weight
    return plain


def _transposed(layer: Upsampling) -> nn.ConvTranspose3d:
    plain = nn.ConvTranspose3d(
        layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, bias=False
    )
    plain.weight = layer.weight
    return plain
