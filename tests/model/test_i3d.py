import torch
from torch.nn import functional

from fineparser.model.config import FineParserConfig
from fineparser.model.i3d import I3D


def test_stages_have_the_published_shapes():
    with torch.inference_mode():
        stages = I3D(FineParserConfig(i3d_width=0.25)).eval()(torch.randn(1, 3, 16, 112, 112))
    shapes = [list(t.shape[1:]) for t in (stages.stem, stages.convolved, stages.mixed_3, stages.mixed_4)]
    assert shapes == [[16, 8, 56, 56], [48, 8, 28, 28], [120, 8, 14, 14], [208, 4, 7, 7]]
    assert stages.feature.shape == (1, 256)


def test_cutting_pools_equal_zero_padded_ones_after_a_relu():
    i3d = I3D(FineParserConfig.tiny())
    x = torch.relu(torch.randn(2, 4, 8, 14, 14))
    for pool, kernel, stride, pad in (
        (i3d.pool_2a, (1, 3, 3), (1, 2, 2), (0, 1, 0, 1, 0, 0)),
        (i3d.pool_4a, (3, 3, 3), (2, 2, 2), (0, 1, 0, 1, 0, 1)),
        (i3d.mixed_3b.branch_3[0], (3, 3, 3), (1, 1, 1), (1, 1, 1, 1, 1, 1)),
    ):
        expected = functional.max_pool3d(functional.pad(x, pad), kernel, stride, ceil_mode=True)
        torch.testing.assert_close(pool(x), expected)
