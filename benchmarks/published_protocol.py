"""The published protocol for comparison: every module as PyTorch offers it, all mask outputs, no encoding is reused."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from fineparser.data.clip_input import network_input
from fineparser.model.compact import CompactFineParser
from fineparser.model.i3d import Stem
from fineparser.model.paper import FineParser
from fineparser.model.protocol import DiagnosticsLevel
from fineparser.model.spatial_action_parser import MaskUpsampling, SpatialActionParser, Upsampling
from fineparser.model.static_visual_encoder import FrameResNet

NetworkType = TypeVar("NetworkType", FineParser, CompactFineParser)


class PlainPad(nn.ConstantPad3d):
    """Zero padding of windows in PyTorch's default memory format."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.contiguous())


class ContiguousFrames(nn.Module):
    """Frames in PyTorch's default memory format."""

    def forward(self, x: Tensor) -> Tensor:
        return x.contiguous()


class PaddedMaxPool(nn.Sequential):
    """Max pooling after zero padding, as TensorFlow's SAME and the published I3D pad."""

    def __init__(self, pool: nn.MaxPool3d) -> None:
        kernel, stride = (
            value if isinstance(value, tuple) else (value,) * 3 for value in (pool.kernel_size, pool.stride)
        )
        surplus = [size - step for size, step in zip(kernel, stride, strict=True)]
        sides = [side for extra in reversed(surplus) for side in (extra // 2, extra - extra // 2)]
        super().__init__(nn.ConstantPad3d(tuple(sides), 0.0), nn.MaxPool3d(kernel, stride, ceil_mode=True))


class PlainSpatialActionParser(SpatialActionParser):
    """Spatial parser that upsamples all sixteen channels of all four sides and fuses the sixty-four at full size."""

    def mask_logits(self, sides: list[Tensor]) -> Tensor:
        full = [upsampling(side) for side, upsampling in zip(sides, self.upsample_features, strict=True)]
        return self.fuse(torch.cat(full, dim=1))[:, 0]


def plain_stems(network: NetworkType) -> NetworkType:
    """A copy whose first layers are ordinary convolutions over single columns, in the default memory format."""
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if isinstance(module, Stem):
            module.pairs = PlainPad((2, 3) * 3, 0.0)
            module.conv3d = _ordinary(module.conv3d, nn.Conv3d, padding=0)
        elif isinstance(module, FrameResNet):
            module.pairs = ContiguousFrames()
            module.conv1 = _ordinary(module.conv1, nn.Conv2d, padding=3)
    return plain


def plain_network(network: NetworkType) -> NetworkType:
    """A copy with the same weights that computes the steps of the published code one by one."""
    plain = plain_stems(network)
    if isinstance(plain, FineParser):
        parser = PlainSpatialActionParser(plain.config).train(network.training)
        parser.load_state_dict(plain.spatial_action_parser.state_dict())
        parser.i3d = plain.spatial_action_parser.i3d
        plain.spatial_action_parser = parser
    for module in list(plain.modules()):
        if isinstance(module, nn.ReLU):
            module.inplace = False
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool3d) and not isinstance(module, PaddedMaxPool):
                setattr(module, name, PaddedMaxPool(child))
            elif isinstance(child, Upsampling | MaskUpsampling):
                setattr(module, name, _transposed(child))
    return plain


def published_vote(plain: FineParser | CompactFineParser, query: Tensor, exemplar: Tensor) -> tuple[Tensor, Tensor]:
    """One pairwise pass that encodes both clips [1, 3, 96, h, h] with all mask outputs.

    Returns:
        The difference in score [1] and the query's fused mask logits [1, 9, 16, 112, 112].
    """
    clips = network_input(plain, torch.cat([query, exemplar]))
    encoding, diagnostics = plain.encode_with_diagnostics(clips, level=DiagnosticsLevel.SIDE_OUTPUTS)
    assert diagnostics.mask_logits is not None
    return plain.compare(encoding.select([0]), encoding.select([1])).delta, diagnostics.mask_logits[:1]


def _ordinary(layer: nn.Conv2d | nn.Conv3d, kind: type, padding: int) -> nn.Module:
    plain = kind(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, padding, bias=False)
    plain.weight = layer.weight
    return plain


def _transposed(layer: Upsampling | MaskUpsampling) -> nn.ConvTranspose3d:
    in_channels, out_channels, *kernel = layer.weight.shape
    stride, padding = tuple(size // 2 for size in kernel), tuple(size // 4 for size in kernel)
    plain = nn.ConvTranspose3d(in_channels, out_channels, tuple(kernel), stride, padding, bias=False)
    plain.weight = layer.weight
    return plain
