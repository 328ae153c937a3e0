"""A copy of a network for inference alone: what only training needs is folded away, the rest is fused.

The copy has the class of the original and the same `encode` and `compare`; only modules inside are exchanged.
"""

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.resnet import BasicBlock

from fineparser.model.checkpoint import PretrainedNetwork
from fineparser.model.chunks import ChunkSizes
from fineparser.model.cpu.column_pairs import ColumnPairConv3d
from fineparser.model.cpu.onednn import FusedConvolution, FusedResidualBlock, RectifiedMaxPool
from fineparser.model.cpu.winograd import SpatialWinograd, StemWinograd, TemporalWinograd
from fineparser.model.i3d import TOP_BLOCKS
from fineparser.model.spatial_action_parser import SpatialActionParser, fold_fusion

SPATIAL_CHANNELS, TEMPORAL_CHANNELS = 256, 64
"""Channels from which on Winograd's convolutions were faster than oneDNN's in 32 bits: 3x3 on the small maps where the
ResNet has that many, and along time."""

NetworkType = TypeVar("NetworkType", bound=PretrainedNetwork)
Convolution = nn.Conv2d | nn.Conv3d
Replacement = Callable[[Convolution, bool], nn.Module]
"""Makes the faster form of a convolution, with the ReLU behind it (True) or without."""


def optimise(network: NetworkType, dtype: torch.dtype = torch.float32) -> NetworkType:
    """A copy for inference, which gives the same numbers in a fraction of the time; the original stays as it is.

    Batch norms are folded into the convolutions before them, and the fusion of the mask into its upsampling. On a CPU
    with oneDNN, convolutions apply their ReLU and add their shortcut themselves, the widest ones multiply less (in
    float32), pools compare integers, and windows and frames are computed in chunks.

    Args:
        network: on the device where the copy is to run.
        dtype: of the weights and features of the backbones, see `dtype_of`. The parsing of phases and the comparison
            are small and stay in float32.
    """
    fast = copy.deepcopy(network).eval().requires_grad_(False)
    fast.optimised_from = network.fingerprint()
    fold_batch_norms(fast)
    for module in fast.modules():
        if isinstance(module, SpatialActionParser):
            fold_mask_fusion(module)
    on_cpu = network.device.type == "cpu" and torch.backends.mkldnn.is_available()
    for backbone in fast.backbones():
        if on_cpu:
            exchange(backbone, fastest if dtype == torch.float32 else fused)
        backbone.to(dtype)
    if on_cpu:
        fast.chunk_sizes = ChunkSizes.for_cpu(fast.config, fast.dtype)
    return fast


def fold_batch_norms(network: nn.Module) -> None:
    """Fold every batch norm into the convolution that is registered right before it, throughout a network.

    A batch norm in eval mode is a scale and an offset of each channel: so are the rows of a kernel and its bias.
    """
    for module in network.modules():
        for (name, layer), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, _ConvNd) and isinstance(norm, _BatchNorm):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
                setattr(module, norm_name, nn.Identity())


def fold_mask_fusion(parser: SpatialActionParser) -> None:
    """Keep one channel of each upsampling, that of the fused mask, and only a sum of the fusion.

    The parser folds them in every forward pass, since both are trained; in a copy for inference once is enough.
    `CompactSpatialParser` has no fusion of its own.
    """
    sides = len(parser.upsample_features)
    for upsampling, weight in zip(parser.upsample_features, parser.fuse.weight.chunk(sides, dim=1), strict=True):
        kernel = fold_fusion(upsampling.get_parameter("weight"), weight)
        upsampling.weight = nn.Parameter(kernel, requires_grad=False)
    parser.fuse.weight = nn.Parameter(torch.ones_like(parser.fuse.weight[:, :sides]), requires_grad=False)


def exchange(network: nn.Module, replacement: Replacement) -> None:
    """Replace a network's convolutions, residual blocks and pools by faster ones, in place.

    Args:
        network: without batch norms.
        replacement: of a convolution.
    """
    children = [(name, child) for name, child in network.named_children() if not isinstance(child, nn.Identity)]
    for (name, module), (next_name, follower) in pairwise([*children, ("", None)]):
        if isinstance(module, BasicBlock):
            setattr(network, name, residual_block(module, replacement))
        elif isinstance(module, nn.MaxPool2d | nn.MaxPool3d):
            setattr(network, name, RectifiedMaxPool(module))
        elif isinstance(module, nn.Conv2d | nn.Conv3d):
            setattr(network, name, replacement(module, isinstance(follower, nn.ReLU)))
            if isinstance(follower, nn.ReLU):
                setattr(network, next_name, nn.Identity())
        elif module is not None:
            # The top blocks of an I3D have two frames, fewer than Winograd's tile.
            exchange(module, fused if name in TOP_BLOCKS else replacement)


def residual_block(block: BasicBlock, replacement: Replacement) -> FusedResidualBlock:
    """The fused form of a block without batch norms."""
    shortcut = None if block.downsample is None else FusedConvolution(block.downsample[0], relu=False)
    return FusedResidualBlock(replacement(block.conv1, True), replacement(block.conv2, True), shortcut)


def fused(convolution: Convolution, relu: bool) -> nn.Module:
    """The fused form of a convolution."""
    return FusedConvolution(convolution, relu)


def fastest(convolution: Convolution, relu: bool) -> nn.Module:
    """The fastest form of a convolution in 32 bits."""
    if relu and isinstance(convolution, ColumnPairConv3d):
        return StemWinograd(convolution)
    if relu and set(convolution.kernel_size) == {3} and set(convolution.stride) == {1}:
        if isinstance(convolution, nn.Conv2d) and convolution.in_channels >= SPATIAL_CHANNELS:
            return SpatialWinograd(convolution)
        if isinstance(convolution, nn.Conv3d) and convolution.in_channels >= TEMPORAL_CHANNELS:
            return TemporalWinograd(convolution)
    return FusedConvolution(convolution, relu)
