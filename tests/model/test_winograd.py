import pytest
import torch
from torch import nn
from torch.nn import functional

from fineparser.model.winograd import SpatialWinograd, TemporalWinograd


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
