import pytest
import torch
from torch import nn

from fineparser.model.cpu.onednn import RectifiedMaxPool


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool3d((1, 3, 3), (1, 2, 2), ceil_mode=True),
        nn.MaxPool3d(3, 2, ceil_mode=True),
        nn.MaxPool3d(2, 2, ceil_mode=True),
        nn.MaxPool3d(3, 1, padding=1),
        nn.MaxPool2d(3, 2, padding=1),
    ],
    ids=str,
)
@pytest.mark.parametrize("sizes", [(4, 8, 14), (3, 7, 9)])
def test_it_pools_as_torch_does(pool, sizes, dtype):
    sizes = sizes if isinstance(pool, nn.MaxPool3d) else sizes[1:]
    x = torch.relu(torch.randn(2, 5, *sizes, dtype=dtype)).movedim(-1, 1).contiguous().movedim(1, -1)
    assert torch.equal(RectifiedMaxPool(pool)(x), pool(x))
