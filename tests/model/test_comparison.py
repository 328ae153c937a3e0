"""Pooling by phases against torch's interpolation, and attention against torch's own."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from fineparser.model.comparison import (
    PHASE_TOKENS,
    CrossAttention,
    CrossAttentionDecoder,
    TrackPooling,
    pool_dynamic,
    pool_static,
    recorded_attention,
    resample,
)
from fineparser.model.config import CompactConfig, FineParserConfig

CONFIG = CompactConfig.tiny()
TRANSITIONS = torch.tensor([[30, 70], [20, 50]])
FEATURES = 12


# Phase pooling


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
    pair = torch.tensor([transitions])
    dynamic = pool_dynamic(torch.randn(1, 9, 8), pair, pair, FineParserConfig())
    static = pool_static(torch.randn(1, 96, 8), pair)
    assert [list(t.shape) for t in dynamic] == [[1, 4, 8]] * 3
    assert [list(t.shape) for t in static] == [[1, 36, 8], [1, 60, 8], [1, 48, 8]]
    assert all(t.isfinite().all() for t in dynamic + static)


def test_without_temporal_parsing_the_clip_is_one_phase():
    config = replace(FineParserConfig(), temporal_parsing=False, phase_weights=(1.0,))
    pair = torch.tensor([[20, 70]])
    dynamic = torch.randn(1, 9, 8)
    (only,) = pool_dynamic(dynamic, pair, pair, config)
    torch.testing.assert_close(only[:, [0, -1]], dynamic[:, [0, -1]])


@pytest.fixture
def pooling() -> TrackPooling:
    torch.manual_seed(0)
    return TrackPooling(FEATURES, CONFIG).eval()


@pytest.fixture
def tracks() -> torch.Tensor:
    return torch.randn(2, 2, 96, FEATURES, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_the_tokens_of_a_phase_depend_on_its_own_frames(pooling, tracks):
    before = pooling(tracks, TRANSITIONS)
    assert before.shape == (2, 3, PHASE_TOKENS, CONFIG.token_width)
    changed = tracks.clone()
    inside = slice(37, 63)  # phases reach five frames over their transitions
    changed[0, :, inside] += torch.randn_like(changed[0, :, inside])
    after = pooling(changed, TRANSITIONS)
    torch.testing.assert_close(after[0, [0, 2]], before[0, [0, 2]])
    torch.testing.assert_close(after[1], before[1])
    assert not torch.allclose(after[0, 1], before[0, 1], atol=1e-3)


@torch.inference_mode()
def test_the_tracks_of_both_passes_are_averaged(pooling, tracks):
    alone = [pooling(tracks[:, number : number + 1], TRANSITIONS) for number in (0, 1)]
    torch.testing.assert_close(pooling(tracks, TRANSITIONS), (alone[0] + alone[1]) / 2)
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)


def test_static_and_dynamic_tokens_come_from_their_parts_of_a_track(tiny):
    """And both from the measures of the masks."""
    tracks = torch.randn(2, 2, 96, sum(tiny.config.track_parts), generator=torch.Generator().manual_seed(2))
    depends = []
    with torch.inference_mode():
        before = tiny.phase_tokens(tracks, TRANSITIONS)
        parts = tracks.split(tiny.config.track_parts, dim=-1)
        for index in range(3):
            noise = [torch.randn_like(part) if number == index else part for number, part in enumerate(parts)]
            after = tiny.phase_tokens(torch.cat(noise, dim=-1), TRANSITIONS)
            depends.append({name for name in after if not torch.allclose(after[name], before[name], atol=1e-6)})
    assert depends == [{"static"}, {"dynamic"}, {"static", "dynamic"}]


# Cross-attention


@pytest.fixture
def pair():
    """Ours with the weights of torch's own multi-head attention."""
    torch.manual_seed(0)
    ours = CrossAttention(16, 4)
    theirs = torch.nn.MultiheadAttention(16, 4, bias=True, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.to_query.weight, ours.to_key.weight, ours.to_value.weight]))
        theirs.in_proj_bias.zero_()
        theirs.out_proj.load_state_dict(ours.project.state_dict())
    return ours, theirs


def test_it_is_torchs_multi_head_attention(pair):
    ours, theirs = pair
    queries, values = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    torch.testing.assert_close(ours(queries, values), theirs(queries, values, values)[0])


def test_its_weights_are_torchs(pair):
    ours, theirs = pair
    queries, values = 3 * torch.randn(2, 5, 16), 3 * torch.randn(2, 7, 16)
    _, expected = theirs(queries, values, values, average_attn_weights=False)
    assert expected.std() > 0.05
    torch.testing.assert_close(ours.weights(queries, values), expected)


def test_every_block_is_recorded_in_order():
    torch.manual_seed(0)
    decoder = CrossAttentionDecoder(16, heads=4, layers=3)
    queries, values = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    plain = decoder(queries, values)
    with recorded_attention(decoder) as recorded:
        torch.testing.assert_close(decoder(queries, values), plain, rtol=0, atol=0)
        assert [weights.shape for weights in recorded] == [(2, 4, 5, 7)] * 3
    first = decoder.blocks[0]
    torch.testing.assert_close(
        recorded[0], first.attention.weights(first.norm_queries(queries), first.norm_values(values))
    )
    decoder(queries, values)
    assert len(recorded) == 3


def test_recording_ends_with_its_block_after_an_error():
    decoder = CrossAttentionDecoder(16, heads=4, layers=1)
    with pytest.raises(RuntimeError), recorded_attention(decoder) as recorded:
        decoder(torch.randn(1, 2, 16), torch.randn(1, 2, 15))
    recorded.clear()
    decoder(torch.randn(1, 2, 16), torch.randn(1, 2, 16))
    assert recorded == []
