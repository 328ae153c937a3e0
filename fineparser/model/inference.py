"""A copy of a network for inference alone: what only training needs is folded away, what is left is fused.

The copy is a `FineParser` like any other and runs the same `encode` and `compare`; only modules inside are exchanged.
"""

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.resnet import BasicBlock

from fineparser.model import entry_painter, outline_refiner
from fineparser.model.column_pairs import ColumnPairConv3d
from fineparser.model.fineparser import FineParser
from fineparser.model.onednn import FusedConvolution, FusedResidualBlock
from fineparser.model.portions import PORTION_BYTES
from fineparser.model.rectified_pooling import RectifiedMaxPool
from fineparser.model.spatial_action_parser import SpatialActionParser
from fineparser.model.winograd import SpatialWinograd, StemWinograd, TemporalWinograd

SPATIAL_CHANNELS, TEMPORAL_CHANNELS = 256, 64
"""From so many channels on, Winograd's convolutions were faster than oneDNN's in 32 bits: 3x3 on the small maps where
the ResNet has that many, and along time."""
SHORT_BLOCKS = ("mixed_5b", "mixed_5c")
"""Blocks of the I3D that see two frames, fewer than Winograd's tile."""


def optimise(model: FineParser, dtype: torch.dtype = torch.float32) -> FineParser:
    """A copy for inference, which gives the same numbers in a fraction of the time; the original stays as it is.

    Batch norms are folded into the convolutions before them, and the fusion of the mask into its upsampling. On a
    processor with oneDNN, convolutions apply their ReLU and add their shortcut themselves, the widest multiply less
    (in float32), pools compare whole numbers, and windows and frames come in portions.

    Args:
        model: on the device where the copy is to run.
        dtype: of the weights and features of both I3Ds and the ResNet, as `dtype_of` says. What comes behind them, the
            parsing of phases and the comparison, is small and stays in float32.
    """
    fast = copy.deepcopy(model).eval().requires_grad_(False)
    fast.optimised_from = model.fingerprint()
    fold_batch_norms(fast)
    fold_mask_fusion(fast.spatial_action_parser)
    backbones: list[nn.Module] = [fast.spatial_action_parser]
    if fast.i3d is not None:
        backbones.append(fast.i3d)
    if fast.static_visual_encoder is not None:
        backbones.append(fast.static_visual_encoder.backbone)
    painter = None if fast.entry_parser is None else fast.entry_parser.painter
    backbones += [part for part in (fast.focus_decoder, fast.outline_refiner, painter) if part is not None]
    on_processor = next(model.parameters()).device.type == "cpu" and torch.backends.mkldnn.is_available()
    for backbone in backbones:
        if on_processor:
            exchange(backbone, winograd=dtype == torch.float32)
        backbone.to(dtype)
    if on_processor:
        portion(fast)
    return fast


def fold_batch_norms(network: nn.Module) -> None:
    """Folds every batch norm into the convolution that is registered right before it, throughout a network."""
    for module in network.modules():
        for (name, layer), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, _ConvNd) and isinstance(norm, _BatchNorm):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
                setattr(module, norm_name, nn.Identity())


def portion(network: FineParser) -> None:
    """Sets how many windows and frames a network encodes at once."""
    config, item = network.config, network.dtype.itemsize
    side = config.image_size // 2
    window = config.i3d_channels(64) * config.window_frames // 2 * side**2 * item
    network.windows_at_once = max(1, PORTION_BYTES // window)
    if network.static_visual_encoder is not None:
        network.static_visual_encoder.frames_at_once = max(
            1, PORTION_BYTES // (config.static_channels[0] * side**2 * item)
        )
    painter = None if network.entry_parser is None else network.entry_parser.painter
    for drawing, channels, seen in (
        (network.outline_refiner, config.refiner_channels, outline_refiner.SEEN),
        (painter, config.entry_channels, entry_painter.SEEN),
    ):
        if drawing is not None:
            widest = max(channels[0], 4 * seen) * (config.focus_size // 2) ** 2 * item
            drawing.squares_at_once = max(1, PORTION_BYTES // widest)


def fold_mask_fusion(parser: SpatialActionParser) -> None:
    """Leaves one channel of each upsampling, that of the fused mask, and nothing but a sum to the fusion."""
    sides = len(parser.upsample_features)
    for upsampling, weight in zip(parser.upsample_features, parser.fuse.weight.chunk(sides, dim=1), strict=True):
        upsampling.weight = nn.Parameter(
            torch.einsum("iothw,o->ithw", upsampling.weight, weight.flatten())[:, None], requires_grad=False
        )
    parser.fuse.weight = nn.Parameter(torch.ones_like(parser.fuse.weight[:, :sides]), requires_grad=False)


def exchange(network: nn.Module, winograd: bool) -> None:
    """Puts oneDNN's layers in the place of a network's convolutions and residual blocks, and faster pools.

    Args:
        network: without batch norms.
        winograd: use Winograd's convolutions where they are faster.
    """
    children = [(name, child) for name, child in network.named_children() if not isinstance(child, nn.Identity)]
    for (name, module), (next_name, behind) in pairwise([*children, ("", None)]):
        if isinstance(module, BasicBlock):
            setattr(network, name, residual_block(module, winograd))
        elif isinstance(module, nn.MaxPool2d | nn.MaxPool3d):
            setattr(network, name, RectifiedMaxPool(module))
        elif isinstance(module, nn.Conv2d | nn.Conv3d):
            setattr(network, name, fused(module, isinstance(behind, nn.ReLU), winograd))
            if isinstance(behind, nn.ReLU):
                setattr(network, next_name, nn.Identity())
        else:
            exchange(module, winograd and name not in SHORT_BLOCKS)


def residual_block(block: BasicBlock, winograd: bool) -> FusedResidualBlock:
    """The fused form of a block without batch norms."""
    shortcut = None if block.downsample is None else fused(block.downsample[0], relu=False, winograd=False)
    return FusedResidualBlock(
        *(fused(layer, relu=True, winograd=winograd) for layer in (block.conv1, block.conv2)), shortcut
    )


def fused(convolution: nn.Conv2d | nn.Conv3d, relu: bool, winograd: bool) -> nn.Module:
    """The fastest form of a convolution, with its ReLU or without."""
    if winograd and relu and isinstance(convolution, ColumnPairConv3d):
        return StemWinograd(convolution)
    if winograd and relu and set(convolution.kernel_size) == {3} and set(convolution.stride) == {1}:
        for kind, faster, channels in (
            (nn.Conv2d, SpatialWinograd, SPATIAL_CHANNELS),
            (nn.Conv3d, TemporalWinograd, TEMPORAL_CHANNELS),
        ):
            if isinstance(convolution, kind) and convolution.in_channels >= channels:
                return faster(convolution)
    return FusedConvolution(convolution, relu)
