"""Masks of windows: the folded fusion, and the depths that a side output depends on."""

import pytest
import torch
from torch.nn import functional

from fineparser.model.config import CompactConfig, FineParserConfig
from fineparser.model.spatial_action_parser import (
    SIDE_STRIDES,
    CompactSpatialParser,
    SpatialActionParser,
    Upsampling,
    upsample,
)


def test_the_folded_fusion_equals_upsampling_all_channels_and_fusing_them():
    parser = SpatialActionParser(FineParserConfig.tiny()).eval()
    torch.manual_seed(0)
    for layer in parser.upsample_features:
        torch.nn.init.normal_(layer.weight)
    windows = torch.randn(2, 3, 16, 32, 32)
    with torch.inference_mode():
        sides = parser.sides(parser.i3d(windows))
        full = [upsample(side) for upsample, side in zip(parser.upsample_features, sides, strict=True)]
        expected = parser.fuse(torch.cat(full, dim=1))[:, 0]
        torch.testing.assert_close(parser(windows), expected, rtol=1e-4, atol=1e-4)


def finest_depends_on(parser):
    """Depths that the finest side output depends on: whether a gradient reaches each depth's reduction."""
    sides = parser.sides(parser.i3d(torch.randn(1, 3, 16, 32, 32)))
    logits = parser.side_logits(sides)
    assert logits.shape == (1, 4, 16, 32, 32)
    logits[:, 0].sum().backward()
    return [layer.weight.grad is not None and bool(layer.weight.grad.any()) for layer in parser.side_features]


def test_sides_of_the_compact_parser_depend_on_deeper_ones_and_published_ones_do_not():
    torch.manual_seed(0)
    assert finest_depends_on(CompactSpatialParser(CompactConfig.tiny())) == [True, True, True, True]
    assert finest_depends_on(SpatialActionParser(FineParserConfig.tiny())) == [True, False, False, False]


def test_the_compact_parser_starts_with_varied_masks():
    torch.manual_seed(0)
    parser = CompactSpatialParser(CompactConfig.tiny()).eval()
    with torch.inference_mode():
        assert parser(torch.randn(1, 3, 16, 32, 32)).std() > 0
    assert len(parser.mask_biases()) == 5


@pytest.mark.parametrize("stride", SIDE_STRIDES)
def test_it_is_the_transposed_convolution(stride):
    torch.manual_seed(0)
    time, space = stride
    layer = Upsampling(3, time, space)
    torch.nn.init.normal_(layer.weight)
    x = torch.randn(2, 3, 4, 3, 5)
    expected = functional.conv_transpose3d(x, layer.weight, stride=layer.stride, padding=layer.padding)
    assert expected.shape == (2, 3, 4 * time, 3 * space, 5 * space)
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-4)


def test_so_are_its_gradients():
    x = torch.randn(1, 2, 2, 3, 3, requires_grad=True)
    kernel = torch.randn(2, 1, 4, 8, 8, requires_grad=True)
    ours = torch.autograd.grad(upsample(x, kernel).square().sum(), (x, kernel))
    plain = functional.conv_transpose3d(x, kernel, stride=(2, 4, 4), padding=(1, 2, 2))
    theirs = torch.autograd.grad(plain.square().sum(), (x, kernel))
    for gradient, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-3)


def test_it_begins_as_interpolation():
    for time, space in SIDE_STRIDES:
        layer = Upsampling(2, time, space)
        x = torch.arange(2.0)[None, :, None, None, None] + torch.ones(1, 2, 4, 4, 4)
        inner = layer(x)[:, :, time:-time, space:-space, space:-space]
        torch.testing.assert_close(inner, x[:, :, :1, :1, :1].expand_as(inner))
