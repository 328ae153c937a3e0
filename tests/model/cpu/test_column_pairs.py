import torch
from torch import nn
from torch.nn import functional

from fineparser.model.cpu.column_pairs import ColumnPairConv2d, ColumnPairConv3d, ColumnPairs


def test_pairs_of_columns_become_channels():
    picture = torch.arange(6.0).view(1, 1, 1, 6)
    pairs = ColumnPairs(before=1, after=2)(picture)
    assert pairs.shape == (1, 2, 4, 5)
    assert pairs[0, :, 1].T.tolist() == [[0, 0], [1, 2], [3, 4], [5, 0], [0, 0]]
    assert pairs.is_contiguous(memory_format=torch.channels_last)


def test_an_odd_surplus_of_padding_goes_to_the_end():
    layer = ColumnPairConv3d(3, 4, 7, 2, bias=False)
    windows = torch.randn(2, 3, 8, 12, 14)
    expected = functional.conv3d(functional.pad(windows, (2, 3, 2, 3, 2, 3)), layer.weight, stride=2)
    torch.testing.assert_close(layer(ColumnPairs(2, 3)(windows)), expected, rtol=1e-4, atol=1e-5)


def test_in_two_dimensions_too():
    layer = ColumnPairConv2d(3, 4, 7, 2)
    pictures = torch.randn(2, 3, 12, 16)
    expected = functional.conv2d(pictures, layer.weight, layer.bias, stride=2, padding=3)
    torch.testing.assert_close(layer(ColumnPairs(3, 3)(pictures)), expected, rtol=1e-4, atol=1e-5)


def test_gradients_are_those_of_the_plain_layer():
    ours, plain = ColumnPairConv3d(3, 2, 7, 2), nn.Conv3d(3, 2, 7, 2)
    plain.load_state_dict(ours.state_dict())
    windows = torch.randn(1, 3, 4, 8, 8)
    ours(ColumnPairs(2, 3)(windows)).square().sum().backward()
    plain(functional.pad(windows, (2, 3, 2, 3, 2, 3))).square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad, rtol=1e-4, atol=1e-4)
