import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from fineparser.model.cpu.column_pairs import ColumnPairConv3d, ColumnPairs
from fineparser.model.cpu.winograd import SpatialWinograd, StemWinograd, TemporalWinograd, minimal_filtering


@pytest.mark.parametrize("sizes", [(4, 4), (7, 7), (5, 8), (1, 9)])
def test_over_space_it_is_a_convolution_with_a_relu(sizes):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 5, 3, padding=1)
    x, shortcut = torch.randn(3, 6, *sizes), torch.randn(3, 5, *sizes)
    with torch.inference_mode():
        ours, expected = SpatialWinograd(plain), plain(x)
        torch.testing.assert_close(ours(x), functional.relu(expected), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(ours.add_to(shortcut, x), functional.relu(expected + shortcut), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frames", [8, 4, 2, 5])
def test_over_time_it_is_a_convolution_with_a_relu(frames):
    torch.manual_seed(0)
    plain = nn.Conv3d(6, 5, 3, padding=1)
    x = torch.randn(2, 6, frames, 5, 4)
    with torch.inference_mode():
        torch.testing.assert_close(TemporalWinograd(plain)(x), functional.relu(plain(x)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frames", [16, 8])
def test_the_first_layer_is_a_convolution_at_stride_2_with_a_relu(frames):
    torch.manual_seed(0)
    plain = ColumnPairConv3d(3, 8, 7, 2)
    pairs = ColumnPairs(before=2, after=3)(torch.randn(2, 3, frames, 12, 10))
    with torch.inference_mode():
        found, expected = StemWinograd(plain)(pairs), functional.relu(plain(pairs))
    assert found.is_contiguous(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("kernel", [3, 4])
def test_minimal_filtering_is_a_correlation(kernel):
    rng = np.random.default_rng(0)
    tile, taps = rng.normal(size=kernel + 3), rng.normal(size=kernel)
    inputs, of_kernel, outputs = (matrix.numpy() for matrix in minimal_filtering(kernel))
    found = outputs @ ((of_kernel @ taps) * (inputs @ tile))
    np.testing.assert_allclose(found, np.correlate(tile, taps, mode="valid"), atol=1e-12)
