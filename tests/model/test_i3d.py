import torch
from torch.nn import functional

from fineparser.model.config import CompactConfig, FineParserConfig
from fineparser.model.i3d import I3D, I3DTop, I3DTrunk, Unit3D, windows_of


def test_stages_have_the_published_shapes():
    with torch.inference_mode():
        i3d = I3D(FineParserConfig(i3d_width=0.25)).eval()
        stages = i3d(torch.randn(1, 3, 16, 112, 112))
        feature = i3d.window_feature(stages.mixed_4)
    shapes = [list(t.shape[1:]) for t in (stages.stem, stages.convolved, stages.mixed_3, stages.mixed_4)]
    assert shapes == [[16, 8, 56, 56], [48, 8, 28, 28], [120, 8, 14, 14], [208, 4, 7, 7]]
    assert feature.shape == (1, 256)


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


def test_maps_of_few_frames_are_convolved_in_float32_while_training_in_bf16():
    """oneDNN has infinite gradients there sometimes; the rule itself is tested."""
    torch.manual_seed(0)
    unit = Unit3D(16, 8, 3).train()
    dtypes = []
    unit.conv3d.register_forward_pre_hook(lambda module, inputs: dtypes.append(inputs[0].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        for frames in (2, 4):
            unit(torch.randn(2, 16, frames, 4, 4, dtype=torch.bfloat16)).float().sum().backward()
        with torch.no_grad():
            unit(torch.randn(2, 16, 2, 4, 4, dtype=torch.bfloat16))
    assert dtypes == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert unit.conv3d.weight.grad.isfinite().all()


def test_a_trunk_and_a_top_make_a_whole():
    torch.manual_seed(0)
    config = CompactConfig.tiny()
    whole, trunk, top = I3D(config).eval(), I3DTrunk(config).eval(), I3DTop(config).eval()
    for part in (trunk, top):
        part.load_state_dict({name: whole.state_dict()[name] for name in part.state_dict()})
    assert set(trunk.state_dict()) | set(top.state_dict()) == set(whole.state_dict())
    windows = torch.randn(1, 3, 16, 32, 32)
    with torch.inference_mode():
        expected = whole.window_feature(whole(windows).mixed_4)
        torch.testing.assert_close(top(trunk(windows).mixed_4), expected)


def test_windows_overlap():
    frames = torch.arange(96.0).view(1, 1, 96, 1, 1).expand(2, 3, 96, 4, 4)
    windows = windows_of(frames, FineParserConfig())
    assert windows.shape == (18, 3, 16, 4, 4)
    assert windows[10, 0, :, 0, 0].tolist() == list(range(10, 26))  # clip 1, window 1
    assert windows.is_contiguous(memory_format=torch.channels_last_3d)
