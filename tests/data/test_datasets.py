"""Samples depend on seed, epoch and index alone; broken dives are skipped if the source says so."""

import logging
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from fineparser.data.batches import ClipBatch, PairBatch, WindowBatch
from fineparser.data.datasets import ClipDataset, PairDataset, WindowDataset, load_clip
from fineparser.data.dives import DataError, DiveList, OnBroken
from fineparser.data.transforms import ClipTransform


@pytest.fixture
def source(make_dive):
    dives = [
        make_dive(name, "107B", height=10, score=70.0 + index, last_frame=100, flight_frame=20, entry_frame=60)
        for index, name in enumerate("abcd")
    ]
    return DiveList("clips:x", tuple(dives))


def same(one, other):
    return (
        one.query.ids == other.query.ids
        and one.exemplar.ids == other.exemplar.ids
        and torch.equal(one.query.clips, other.query.clips)
        and torch.equal(one.exemplar.clips, other.exemplar.clips)
        and torch.equal(one.query.frame_numbers, other.query.frame_numbers)
    )


def test_a_clip_is_sampled_transformed_and_labelled(make_dive):
    dive = make_dive(last_frame=190, flight_frame=40, entry_frame=101, score=70.0, has_masks=True)
    batch = load_clip(dive, ClipTransform(), np.random.default_rng(0))
    assert batch.clips.shape == (1, 3, 96, 112, 112)
    assert batch.clips.dtype == torch.float32
    assert batch.transitions.tolist() == [[20, 51]]
    shown = (batch.clips[0, 0, :, 0, 0] * 0.229 + 0.485).mul(255).round().long()
    assert shown.tolist() == batch.frame_numbers[0].tolist() == list(range(0, 191, 2))
    # The mask covers the left 100 of 200 columns, and the crop starts at 44.
    assert batch.masks[0, 0, 0, 0].tolist() == [True] * 56 + [False] * 56


def test_frames_that_a_short_clip_repeats_are_read_once(make_dive):
    dive = make_dive(first_frame=3, last_frame=12)
    batch = load_clip(dive, ClipTransform(), np.random.default_rng(0))
    assert dive.frames.requests == [list(range(3, 13))]
    shown = (batch.clips[0, 0, :, 0, 0] * 0.229 + 0.485).mul(255).round().long()
    assert shown.tolist() == dive.sample().tolist()


def test_masks_of_another_size_are_named(make_dive):
    dive = make_dive(has_masks=True)
    dive.frames.read_masks = lambda numbers: np.zeros((len(numbers), 50, 50), bool)
    with pytest.raises(DataError, match=r"line 2: the masks have the shape \(96, 50, 50\)"):
        load_clip(dive, ClipTransform(), np.random.default_rng(0))


def test_a_sample_depends_on_seed_epoch_and_index_alone(source):
    one, other = PairDataset(source, seed=3), PairDataset(source, seed=3)
    for dataset in (one, other):
        dataset.set_epoch(5)
    straight = [one[index] for index in range(4)]
    backwards = [other[index] for index in (3, 2, 1, 0)][::-1]
    assert all(same(*pair) for pair in zip(straight, backwards, strict=True))
    assert all(pair.query.ids != pair.exemplar.ids for pair in straight)


def test_another_epoch_or_seed_gives_other_samples(source):
    dataset = PairDataset(source, seed=3)
    first = [dataset[index] for index in range(4)]
    dataset.set_epoch(1)
    assert not all(same(dataset[index], first[index]) for index in range(4))
    elsewhere = PairDataset(source, seed=4)
    assert not all(same(elsewhere[index], first[index]) for index in range(4))


def test_the_choice_does_not_read_frames(source):
    dataset = PairDataset(source, seed=3)
    choices = [dataset.choice(index) for index in range(4)]
    assert all(not dive.frames.requests for dive in source)
    assert choices == [dataset[index].choices[0] for index in range(4)]


def test_workers_give_what_one_process_gives_in_every_epoch(source):
    """Workers are kept from epoch to epoch, and hear of the new one all the same."""
    dataset = PairDataset(source, transform=ClipTransform(max_end_shift=3), seed=3)
    loader = DataLoader(dataset, batch_size=2, num_workers=1, persistent_workers=True, collate_fn=PairBatch.stack)
    for epoch in range(2):
        dataset.set_epoch(epoch)
        batches = list(loader)
        assert [len(batch) for batch in batches] == [2, 2]
        expected = [PairBatch.stack([dataset[0], dataset[1]]), PairBatch.stack([dataset[2], dataset[3]])]
        assert all(same(*pair) for pair in zip(batches, expected, strict=True))


def test_a_dataset_survives_pickling(source):
    dataset = PairDataset(source, seed=3)
    dataset.set_epoch(2)
    assert same(pickle.loads(pickle.dumps(dataset))[1], dataset[1])


def test_exemplars_may_come_from_another_source(source, make_dive):
    queries = DiveList("clips:y", (make_dive("q", "107B", height=10),))
    pair = PairDataset(queries, source, ClipTransform())[0]
    assert pair.query.ids == ("q",)
    assert pair.exemplar.ids[0] in "abcd"
    assert pair.has_scores.tolist() == [False]


def test_a_broken_dive_raises_or_is_skipped(source, make_dive, broken_frames, caplog):
    dives = (source[0], make_dive("broken", "107B", score=60.0, frames=broken_frames), source[1])
    broken = DiveList("clips:x", dives)
    with pytest.raises(DataError, match=r"dives\.csv, line 2: 00007\.jpg is not an image"):
        ClipDataset(broken)[1]
    with caplog.at_level(logging.WARNING):
        assert ClipDataset(replace(broken, on_broken=OnBroken.SKIP))[1].ids == ("b",)
    assert "left out: dives.csv, line 2" in caplog.text


def test_pairs_skip_broken_exemplars(source, make_dive, broken_frames):
    dives = (source[0], make_dive("broken", "107B", height=10, score=60.0, frames=broken_frames), source[1])
    dataset = PairDataset(DiveList("clips:x", dives, on_broken=OnBroken.SKIP), transform=ClipTransform())
    for epoch in range(4):
        dataset.set_epoch(epoch)
        for index in range(3):
            pair = dataset[index]
            assert "broken" not in pair.query.ids + pair.exemplar.ids


def test_a_source_of_broken_dives_is_named(make_dive, broken_frames):
    dives = tuple(make_dive(name, frames=broken_frames) for name in "ab")
    with pytest.raises(DataError, match="clips:x: every dive in it is broken"):
        ClipDataset(DiveList("clips:x", dives, on_broken=OnBroken.SKIP))[0]


def test_an_empty_source_is_named():
    with pytest.raises(DataError, match="clips:x: there are no dives in it"):
        PairDataset(DiveList("clips:x", ()))


def test_indices_end_where_the_dives_end(source):
    dataset = ClipDataset(source)
    assert len(dataset) == 4
    assert isinstance(dataset[3], ClipBatch)
    with pytest.raises(IndexError):
        dataset[4]


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


def test_windows_differ_between_epochs_and_are_reproducible(make_dive):
    dataset = WindowDataset(source_of(make_dive), ClipTransform(), windows=2, seed=4)
    first, again = dataset[0], dataset[0]
    assert torch.equal(first.clips, again.clips)
    dataset.set_epoch(1)
    assert not torch.equal(first.clips, dataset[0].clips)


def test_windows_stack(make_dive):
    dataset = WindowDataset(source_of(make_dive), windows=2, frames=8)
    assert len(WindowBatch.stack([dataset[0], dataset[0]])) == 4
    assert WindowBatch.stack([dataset[0], dataset[0]]).clips.shape == (4, 3, 8, 112, 112)


def test_a_dive_without_masks_is_rejected(make_dive):
    with pytest.raises(DataError, match="no masks"):
        WindowDataset(source_of(make_dive, has_masks=False))[0]
