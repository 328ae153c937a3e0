import torch
from torch.nn import functional

from fineparser.model.config import FineParserConfig
from fineparser.model.i3d import I3D, Unit3D


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


def test_short_maps_are_convolved_in_float32_while_learning_in_bf16():
    """oneDNN's gradient there is infinite now and then; the rule itself is what is checked."""
    torch.manual_seed(0)
    unit = Unit3D(16, 8, 3).train()
    seen = []
    unit.conv3d.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        for frames in (2, 4):
            unit(torch.randn(2, 16, frames, 4, 4, dtype=torch.bfloat16)).float().sum().backward()
        with torch.no_grad():
            unit(torch.randn(2, 16, 2, 4, 4, dtype=torch.bfloat16))
    assert seen == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert unit.conv3d.weight.grad.isfinite().all()
