"""Transitions from probabilities, and the parser of tracks."""

import itertools

import pytest
import torch

from fineparser.model.config import MASK_MEASURES, CompactConfig
from fineparser.model.temporal_action_parser import DILATIONS, TrackTemporalParser, decode_transitions


def brute_force(probabilities):
    frames = range(len(probabilities))
    pairs = [(a, b) for a, b in itertools.product(frames, frames) if a < b]
    return max(pairs, key=lambda pair: (probabilities[pair[0], 0] * probabilities[pair[1], 1]).item())


def test_ordered_finds_the_most_probable_pair_with_flight_before_entry():
    probabilities = torch.rand(50, 24, 2, generator=torch.Generator().manual_seed(0))
    decoded = decode_transitions(probabilities, "ordered")
    assert [tuple(pair) for pair in decoded.tolist()] == [brute_force(p) for p in probabilities]


def test_ordered_can_put_the_entry_into_the_first_half_and_windowed_cannot():
    probabilities = torch.full((1, 96, 2), 0.01)
    probabilities[0, 12, 0] = probabilities[0, 30, 1] = 0.9
    probabilities[0, 40, 0] = 0.95  # by itself the most probable flight, but no entry follows it
    assert decode_transitions(probabilities, "ordered").tolist() == [[12, 30]]
    assert decode_transitions(probabilities, "windowed").tolist() == [[40, 48]]


def test_certainly_impossible_frames_do_not_break_the_order():
    probabilities = torch.zeros(1, 96, 2)
    probabilities[0, 95, 0] = probabilities[0, 0, 1] = 1.0
    flight, entry = decode_transitions(probabilities, "ordered")[0].tolist()
    assert 0 <= flight < entry < 96


def test_an_unknown_rule_is_named():
    with pytest.raises(ValueError, match="'best' is not one of windowed, ordered"):
        decode_transitions(torch.rand(1, 96, 2), "best")


def track_inputs(config, batch=2):
    return (
        torch.randn(batch, config.clip_frames, config.static_features),
        torch.randn(batch, config.clip_frames, MASK_MEASURES),
    )


def test_each_transition_of_a_track_is_at_some_frame():
    config = CompactConfig.tiny()
    temporal, probabilities = TrackTemporalParser(config).eval()(*track_inputs(config))
    assert temporal.shape == (2, 96, config.track_width)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2, 2))


def test_every_frame_of_a_track_depends_on_the_whole_clip():
    assert 2 * sum(DILATIONS) + 1 >= 64  # to both sides
    config = CompactConfig.tiny()
    parser = TrackTemporalParser(config).eval()
    frames, measures = track_inputs(config, 1)
    measures.requires_grad_(True)
    parser(frames, measures)[0][0, 48].sum().backward()
    reached = measures.grad[0].abs().sum(-1).nonzero().flatten()
    assert reached.min() <= 48 - sum(DILATIONS)
    assert reached.max() >= min(95, 48 + sum(DILATIONS))
