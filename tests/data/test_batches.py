"""Stacking clips and pairs, with labels that some dives lack."""

import torch

from fineparser.data.batches import ClipBatch, PairBatch
from fineparser.data.exemplar_pool import ExemplarChoice


def one(make_dive, name, masks=False, **labels):
    dive = make_dive(name, **labels)
    clip = torch.full((3, 96, 4, 4), float(ord(name)))
    mask = torch.ones(1, 96, 4, 4, dtype=torch.bool) if masks else None
    return ClipBatch.from_dive(dive, dive.sample(), clip, mask)


def test_labels_come_with_flags(make_dive):
    full = one(make_dive, "a", masks=True, code="107B", score=80.0, difficulty=3.0, flight_frame=20, entry_frame=70)
    bare = one(make_dive, "b")
    batch = ClipBatch.stack([full, bare])
    assert len(batch) == 2
    assert batch.ids == ("a", "b")
    assert batch.codes == ("107B", None)
    assert batch.clips[:, 0, 0, 0, 0].tolist() == [97.0, 98.0]
    assert batch.frame_numbers.tolist() == [list(range(96))] * 2
    assert batch.transitions.tolist() == [[20, 70], [0, 0]]
    assert batch.scores.tolist() == [80.0, 0.0]
    assert batch.difficulty.tolist() == [3.0, 0.0]
    for flags in (batch.has_masks, batch.has_transitions, batch.has_scores, batch.has_difficulty):
        assert flags.tolist() == [True, False]
    assert batch.masks.shape == (2, 1, 96, 4, 4)
    assert batch.masks.flatten(1).all(1).tolist() == [True, False]


def test_a_score_of_zero_is_a_score(make_dive):
    batch = one(make_dive, "a", score=0.0)
    assert batch.scores.tolist() == [0.0]
    assert batch.has_scores.tolist() == [True]


def test_a_batch_without_any_masks_carries_none(make_dive):
    assert ClipBatch.stack([one(make_dive, "a"), one(make_dive, "b")]).masks is None


def test_a_pair_has_a_score_where_both_dives_have_one(make_dive):
    scored, unscored = one(make_dive, "a", score=80.0), one(make_dive, "b")
    choice = ExemplarChoice("a", "b", 1, "any dive")
    pairs = PairBatch.stack(
        [PairBatch(scored, other, (choice,)) for other in (scored, unscored)] + [PairBatch(unscored, scored, (choice,))]
    )
    assert len(pairs) == 3
    assert pairs.has_scores.tolist() == [True, False, False]
    assert pairs.choices == (choice,) * 3
    assert pairs.exemplar.ids == ("a", "b", "a")


def test_a_batch_moves_as_a_whole(make_dive):
    pair = PairBatch(one(make_dive, "a", masks=True), one(make_dive, "b"), ())
    moved = pair.to("meta")
    assert moved.query.clips.device.type == "meta"
    assert moved.query.masks.device.type == "meta"
    assert moved.exemplar.has_scores.device.type == "meta"
    assert moved.exemplar.masks is None
    assert moved.query.ids == ("a",)
    assert pair.query.clips.device.type == "cpu"
