import pytest
import torch
from torch.nn import functional

from fineparser.model.spatial_action_parser import SIDE_STRIDES
from fineparser.model.upsampling import Upsampling, upsample


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
