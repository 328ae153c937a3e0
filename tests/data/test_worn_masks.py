"""Labelled masks made as bad as a network's."""

import numpy as np
import torch

from fineparser.data.worn_masks import worn


def test_worn_masks_are_probabilities_about_where_the_diver_is():
    mask = torch.zeros(96, 112, 112, dtype=torch.bool)
    mask[:, 30:70, 40:60] = True
    shares = []
    for seed in range(12):
        outlined = worn(mask, np.random.default_rng(seed))
        assert outlined.min() >= 0
        assert outlined.max() <= 1
        shares.append((outlined[mask].mean().item(), outlined[~mask].mean().item()))
    inside, outside = np.mean(shares, axis=0)
    assert inside > 0.6 > 0.03 > outside
    assert not torch.equal(worn(mask, np.random.default_rng(0)), worn(mask, np.random.default_rng(1)))
