from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from fineparser.model.config import FineParserConfig
from fineparser.model.phase_pooling import pool_dynamic, pool_static, resample


@pytest.mark.parametrize(("first", "stop", "count"), [(0, 9, 4), (2, 5, 4), (3, 4, 4), (0, 7, 36), (1, 9, 3)])
def test_resample_is_linear_interpolation_with_aligned_corners(first, stop, count):
    features = torch.randn(2, 9, 5)
    expected = functional.interpolate(
        features[:, first:stop].transpose(1, 2), size=count, mode="linear", align_corners=True
    ).transpose(1, 2)
    got = resample(features, torch.tensor([first, first]), torch.tensor([stop, stop]), count)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


def test_each_clip_of_a_batch_has_its_own_stretch():
    features = torch.arange(9.0).view(1, 9, 1).expand(2, 9, 1)
    got = resample(features, torch.tensor([0, 6]), torch.tensor([4, 9]), 4)[..., 0]
    torch.testing.assert_close(got, torch.tensor([[0.0, 1, 2, 3], [6, 6 + 2 / 3, 6 + 4 / 3, 8]]))


@pytest.mark.parametrize("transitions", [(0, 0), (0, 95), (95, 95), (94, 95), (3, 4)])
def test_every_pair_of_transitions_can_be_pooled(transitions):
    """The published code fails on an entry or a flight in the last window: here no phase is ever empty."""
    config = FineParserConfig.paper()
    pair = torch.tensor([transitions])
    dynamic = pool_dynamic(torch.randn(1, 9, 8), pair, pair, config)
    static = pool_static(torch.randn(1, 96, 8), pair)
    assert [list(t.shape) for t in dynamic] == [[1, 4, 8]] * 3
    assert [list(t.shape) for t in static] == [[1, 36, 8], [1, 60, 8], [1, 48, 8]]
    assert all(t.isfinite().all() for t in dynamic + static)


def test_without_temporal_parsing_the_clip_is_one_phase():
    config = replace(FineParserConfig.paper(), temporal_parsing=False, phase_weights=(1.0,))
    pair = torch.tensor([[20, 70]])
    dynamic = torch.randn(1, 9, 8)
    (only,) = pool_dynamic(dynamic, pair, pair, config)
    torch.testing.assert_close(only[:, [0, -1]], dynamic[:, [0, -1]])
