from dataclasses import replace

import torch

from fineparser.model.config import FineParserConfig
from fineparser.model.spatial_action_parser import SpatialActionParser


def test_the_folded_fusion_equals_upsampling_all_channels_and_fusing_them():
    parser = SpatialActionParser(replace(FineParserConfig.tiny(), side_refinement=False)).eval()
    torch.manual_seed(0)
    for upsample in parser.upsample_features:
        torch.nn.init.normal_(upsample.weight)
    windows = torch.randn(2, 3, 16, 32, 32)
    with torch.inference_mode():
        stages = parser.i3d(windows)
        depths = (stages.stem, stages.convolved, stages.mixed_3, stages.mixed_4)
        full = [
            upsample(reduce(depth))
            for upsample, reduce, depth in zip(parser.upsample_features, parser.side_features, depths, strict=True)
        ]
        expected = parser.fuse(torch.cat(full, dim=1))[:, 0]
        torch.testing.assert_close(parser(windows).fused_logits, expected, rtol=1e-4, atol=1e-4)


def test_side_outputs_only_when_asked_for():
    parser = SpatialActionParser(FineParserConfig.tiny()).eval()
    windows = torch.randn(1, 3, 16, 32, 32)
    assert parser(windows).side_logits is None
    assert parser(windows, side_outputs=True).side_logits.shape == (1, 4, 16, 32, 32)


def finest_seen_by(parser):
    """Which depths the finest side's own mask depends on: whether a gradient reaches each depth's reduction."""
    parser(torch.randn(1, 3, 16, 32, 32), side_outputs=True).side_logits[:, 0].sum().backward()
    return [layer.weight.grad is not None and bool(layer.weight.grad.any()) for layer in parser.side_features]


def test_refined_sides_see_the_deeper_ones_and_published_ones_do_not():
    torch.manual_seed(0)
    config = FineParserConfig.tiny()
    assert finest_seen_by(SpatialActionParser(config)) == [True, True, True, True]
    published = SpatialActionParser(replace(config, side_refinement=False))
    assert finest_seen_by(published) == [True, False, False, False]
