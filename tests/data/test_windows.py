"""Windows out of clips: which frames they show, and that frames and masks stay together."""

import numpy as np
import pytest
import torch

from fineparser.data.batches import WindowBatch
from fineparser.data.dives import DataError, DiveList
from fineparser.data.pairs import load_clip
from fineparser.data.transforms import ClipTransform
from fineparser.data.windows import WindowDataset


def source_of(make_dive, **changes):
    values = dict(last_frame=190, flight_frame=40, entry_frame=101, score=70.0, has_masks=True)
    return DiveList("clips:x", (make_dive(**(values | changes)),))


def test_windows_are_stretches_of_the_clip(make_dive):
    source = source_of(make_dive)
    whole = load_clip(source[0], ClipTransform(), np.random.default_rng(0))
    batch = WindowDataset(source, ClipTransform(), windows=3, seed=4)[0]
    assert batch.clips.shape == (3, 3, 16, 112, 112)
    assert batch.masks.shape == (3, 1, 16, 112, 112)
    starts = set()
    for window, mask in zip(batch.clips, batch.masks, strict=True):
        (start,) = (at for at in range(81) if torch.equal(window, whole.clips[0, :, at : at + 16]))
        assert torch.equal(mask, whole.masks[0, :, start : start + 16])
        starts.add(start)
    assert len(starts) == 3


def test_every_epoch_draws_other_windows_the_same_each_time(make_dive):
    dataset = WindowDataset(source_of(make_dive), ClipTransform(), windows=2, seed=4)
    first, again = dataset[0], dataset[0]
    assert torch.equal(first.clips, again.clips)
    dataset.set_epoch(1)
    assert not torch.equal(first.clips, dataset[0].clips)


def test_windows_stack(make_dive):
    dataset = WindowDataset(source_of(make_dive), windows=2, frames=8)
    assert len(WindowBatch.stack([dataset[0], dataset[0]])) == 4
    assert WindowBatch.stack([dataset[0], dataset[0]]).clips.shape == (4, 3, 8, 112, 112)


def test_a_dive_without_masks_is_refused(make_dive):
    with pytest.raises(DataError, match="no masks"):
        WindowDataset(source_of(make_dive, has_masks=False))[0]
