"""Clips with outlines: masks, worn as a network's are."""

import numpy as np
import pytest
import torch

from fineparser.data.dives import DataError, DiveList
from fineparser.data.tracks import TrackBatch, TrackDataset, worn
from fineparser.data.transforms import ClipTransform


def source_of(make_dive, **changes):
    values = dict(flight_frame=40, entry_frame=70, score=70.0, has_masks=True)
    return DiveList("clips:x", tuple(make_dive(str(number), **(values | changes)) for number in range(2)))


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


def test_crops_and_outlines_change_with_the_epoch(make_dive):
    dataset = TrackDataset(source_of(make_dive), ClipTransform.for_training())
    first, again = dataset[0], dataset[0]
    assert torch.equal(first.outlined, again.outlined)
    dataset.set_epoch(1)
    assert not torch.equal(first.outlined, dataset[0].outlined)
    assert len(TrackBatch.stack([first, dataset[1]])) == 2


def test_a_dive_without_masks_is_refused(make_dive):
    with pytest.raises(DataError, match="no masks"):
        TrackDataset(source_of(make_dive, has_masks=False), ClipTransform())[0]
