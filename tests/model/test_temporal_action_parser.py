import itertools

import pytest
import torch

from fineparser.model.temporal_action_parser import decode_transitions


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
    probabilities[0, 40, 0] = 0.95  # alone the most probable flight, but no entry comes after it
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
