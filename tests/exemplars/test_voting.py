from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fineparser.exemplars.voting import PairVotes, vote_on_pairs


def scored(encodings, scores, difficulty):
    return SimpleNamespace(encodings=encodings, scores=torch.tensor(scores), difficulty=torch.tensor(difficulty))


def test_the_difference_of_each_pair_is_that_of_the_network(model, encodings, monkeypatch):
    monkeypatch.setattr("fineparser.exemplars.voting.PAIRS_AT_ONCE", 2)
    difficulty = torch.tensor([1.5, 2.0, 3.0])
    pairs = torch.tensor([(2, 0), (0, 2), (1, 1), (2, 1), (0, 0)])
    dives, others = encodings.select([0, 1, 2]), encodings.select([3, 4, 5])
    votes = vote_on_pairs(model, dives, difficulty, scored(others, [30.0] * 3, [2.0] * 3), pairs)
    with torch.inference_mode():
        single = [
            model.compare(dives.select([dive]), others.select([other]), difficulty[[dive]]).delta.item()
            for dive, other in pairs.tolist()
        ]
    assert votes.difference.tolist() == pytest.approx(single, rel=1e-4, abs=1e-5)
    assert votes.scores.tolist() == pytest.approx((votes.base + votes.difference).tolist())


def test_scores_are_carried_over_to_the_difficulty_of_the_dive(model, encodings):
    exemplars = scored(encodings, [30.0, 40.0] * 3, [2.0, float("nan")] * 3)
    difficulty = torch.tensor([3.0, float("nan")] * 3)
    pairs = torch.tensor([(0, 0), (0, 1), (1, 0)])
    # 30 points at difficulty 2 are 45 at difficulty 3; if one is unknown, the score stays.
    assert vote_on_pairs(model, encodings, difficulty, exemplars, pairs).base.tolist() == [45.0, 40.0, 30.0]


def test_the_difference_is_the_sum_of_the_contributions():
    votes = PairVotes(torch.tensor([50.0]), torch.arange(6.0).view(1, 2, 3))
    assert votes.difference.tolist() == [15.0]
    assert votes.scores.tolist() == [65.0]
    assert np.isclose(votes.contributions.sum(1).sum(), 15.0)
