import pytest
import torch

from fineparser.exemplars.pair_differences import pair_differences


def test_each_pair_is_what_the_network_sees_between_its_two_dives(model, encodings, monkeypatch):
    monkeypatch.setattr("fineparser.exemplars.pair_differences.PAIRS_AT_ONCE", 2)
    difficulty = torch.tensor([1.5, 2.0, 3.0])
    pairs = torch.tensor([(2, 0), (0, 2), (1, 1), (2, 1), (0, 0)])
    dives, others = encodings.select([0, 1, 2]), encodings.select([3, 4, 5])
    found = pair_differences(model, dives, others, pairs, difficulty)
    with torch.inference_mode():
        alone = [
            model.compare(dives.select([one]), others.select([other]), difficulty[[one]]).delta.item()
            for one, other in pairs.tolist()
        ]
    assert found.tolist() == pytest.approx(alone, rel=1e-4, abs=1e-5)
