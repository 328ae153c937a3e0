"""Dives as encodings: in order, each once, with their labels."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from fineparser.data.dives import DataError
from fineparser.data.pairs import ClipDataset
from fineparser.data.posed_clips import PosedClips
from fineparser.data.sources import open_data
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.simulator.judges import PRICES
from fineparser.simulator.posture import POSTURE, SIDEWAYS
from fineparser.training.encoding import EncodedDives, at_size, encode_dives, evaluating
from fineparser.training.mask_metrics import MASK_METRICS


@pytest.fixture(scope="module")
def model(smallest):
    torch.manual_seed(0)
    return FineParser(smallest)


@pytest.fixture(scope="module")
def accelerator():
    return Accelerator(cpu=True)


@pytest.fixture(scope="module")
def encoded(dives, model, accelerator):
    return encode_dives(model, open_data(f"clips:{dives}", "test"), accelerator, batch_size=3)


def test_labels_and_order_are_those_of_the_source(dives, encoded):
    source = open_data(f"clips:{dives}", "test")
    assert [card.id for card in encoded.cards] == [dive.id for dive in source]
    assert encoded.scores.tolist() == pytest.approx([dive.score for dive in source])
    assert encoded.difficulty.tolist() == pytest.approx([dive.difficulty for dive in source])
    assert encoded.transitions.tolist() == [[dive.flight_frame, dive.entry_frame] for dive in source]
    assert encoded.frame_numbers[2].tolist() == list(range(96))
    assert encoded.encodings.mask_logits is None


def test_a_network_that_sees_details_is_shown_them(smallest, accelerator):
    """Its squares come out of the drawn 224 lines: shown the same dive in 112 of them, it sees something else."""
    torch.manual_seed(0)
    detailed = FineParser(replace(smallest, image_size=112, focus_detail=2))
    fine, coarse = (
        encode_dives(detailed, SynDives(1, seed=3, lines=lines), accelerator, with_frames=True) for lines in (224, 112)
    )
    assert fine.mask_values.isfinite().all()
    with torch.no_grad():
        batch = ClipDataset(SynDives(1, seed=3, lines=224), ClipTransform(detail=2))[0]
        expected = detailed.eval().encode(batch.clips, keep_frames=True).frames
    torch.testing.assert_close(fine.encodings.frames, expected, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(coarse.encodings.frames, expected, rtol=1e-3, atol=1e-3)


def test_postures_go_with_the_frames_that_they_are_seen_in(smallest, model, accelerator):
    source, turned = SynDives(2, seed=3, width="full"), replace(ClipTransform(), mirror_chance=1.0)
    plain, mirrored = (
        encode_dives(model, source, accelerator, with_frames=True, transform=transform)
        for transform in (ClipTransform(), turned)
    )
    expected = PosedClips(source, ClipTransform())[1].postures
    torch.testing.assert_close(plain.postures[1:], expected, equal_nan=True)
    signs = torch.ones(len(POSTURE))
    signs[list(SIDEWAYS)] = -1
    torch.testing.assert_close(mirrored.postures, plain.postures * signs, equal_nan=True)
    both = EncodedDives.concatenate("both", [plain, mirrored]).select([3, 0])
    torch.testing.assert_close(both.postures[0], mirrored.postures[1], equal_nan=True)
    bare = encode_dives(model, source, accelerator, indices=[0])
    assert bare.postures is None
    assert EncodedDives.concatenate("some", [plain, bare]).postures is None


def test_an_encoding_does_not_depend_on_its_batch(dives, model, accelerator, encoded):
    one_by_one = encode_dives(model, open_data(f"clips:{dives}", "test"), accelerator, batch_size=1, indices=[2])
    torch.testing.assert_close(one_by_one.encodings.dynamic, encoded.encodings.dynamic[2:3], rtol=1e-4, atol=1e-5)
    assert one_by_one.cards == encoded.cards[2:3]


def test_masks_are_measured_on_the_clip_at_the_networks_size(dives, model, encoded):
    batch = at_size(ClipDataset(open_data(f"clips:{dives}", "test"))[1], model.config)
    with torch.no_grad():
        probability = model.eval().encode(batch.clips).mask_probability[0].numpy()
    expected = [metric.of_clip(probability, batch.masks[0, 0].numpy()) for metric in MASK_METRICS]
    assert encoded.mask_values[1].tolist() == pytest.approx(expected, rel=1e-4)


def test_labelled_transitions_are_pooled_at_where_asked_for(dives, model, accelerator, encoded):
    forced = encode_dives(model, open_data(f"clips:{dives}", "test"), accelerator, forced=True)
    assert forced.encodings.transitions.tolist() == encoded.transitions.tolist()
    assert encoded.encodings.transitions.tolist() != encoded.transitions.tolist()


def test_missing_labels_are_nan(relabelled, model, accelerator):
    folder = relabelled(
        lambda row: {"score": "", "flight_frame": "", "entry_frame": "", "mask": ""} if row["clip"] == "dive0" else {},
        keep=2,
    )
    encoded = encode_dives(model, open_data(f"clips:{folder}", "test"), accelerator)
    assert encoded.scores.isnan().tolist() == [True, False]
    assert encoded.transitions.isnan().tolist() == [[True, True], [False, False]]
    assert encoded.mask_values.isnan().all(dim=1).tolist() == [True, False]


def test_a_broken_dive_is_left_out_and_no_other_counts_twice(relabelled, model, accelerator):
    folder = relabelled(lambda row: {}, keep=3)
    source = open_data(f"clips:{folder}", "test")
    (folder / "dive1" / "00050.jpg").unlink()  # goes missing after the folder was looked through
    with pytest.raises(DataError, match="dive1"):
        encode_dives(model, source, accelerator)
    encoded = encode_dives(model, source, accelerator, skip_broken=True)
    assert [card.id for card in encoded.cards] == ["dive0#0", "dive2#0"]


def test_collections_can_be_selected_and_joined(encoded):
    turned = encoded.select([3, 0])
    assert turned.cards == (encoded.cards[3], encoded.cards[0])
    assert torch.equal(turned.encodings.dynamic, encoded.encodings.dynamic[[3, 0]])
    joined = EncodedDives.concatenate("both", [turned, encoded])
    assert len(joined) == 6
    assert torch.equal(joined.scores, torch.cat([turned.scores, encoded.scores]))


def test_scores_are_carried_over_by_difficulty(encoded):
    queries = encoded.select([0, 2])
    exemplars = encoded.select([2, 2])
    ratio = encoded.difficulty[0] / encoded.difficulty[2]
    expected = [encoded.scores[2] * ratio, encoded.scores[2]]
    assert exemplars.carried_to(queries).tolist() == pytest.approx([value.item() for value in expected])


def test_what_a_dive_lost_is_told_by_phase(model, accelerator):
    source = SynDives(3, seed=5)
    found = encode_dives(model, source, accelerator).lost_by_phase()
    phases = [price.phase for price in PRICES.values()]
    for number, lost in enumerate(found):
        dive = source[number]
        assert lost.sum().item() == pytest.approx(10 - dive.deserved, abs=1e-4)
        told = np.bincount(phases, dive.deductions, minlength=3)
        np.testing.assert_allclose(lost / lost.sum(), told / told.sum(), atol=1e-5)


def test_what_nobody_knows_is_not_lost(encoded):
    assert encoded.lost_by_phase().isnan().all()


def test_evaluation_mode_ends_with_every_part_in_its_own_mode(smallest):
    model = FineParser(smallest).train()
    model.focus_decoder.eval()
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    assert model.training
    assert model.temporal_action_parser.training
    assert not any(module.training for module in model.focus_decoder.modules())


def test_pictures_are_averaged_down_and_masks_by_majority(dives):
    batch = ClipDataset(open_data(f"clips:{dives}", "test"))[0]
    config = replace(FineParserConfig.tiny(), focus_detail=1)
    small = at_size(batch, replace(config, image_size=16))
    means = batch.clips.numpy().reshape(1, 3, 96, 16, 7, 16, 7).mean(axis=(4, 6))
    np.testing.assert_allclose(small.clips.numpy(), means, atol=1e-4)
    cover = batch.masks.numpy().reshape(1, 1, 96, 16, 7, 16, 7).mean(axis=(4, 6))
    np.testing.assert_array_equal(small.masks.numpy(), cover >= 0.5)
    same = at_size(batch, replace(config, image_size=112))
    assert (same.clips is batch.clips, same.masks is batch.masks) == (True, True)
    # Of a network that sees details the pictures are larger than the masks that it draws.
    detailed = at_size(batch, replace(config, image_size=16, focus_detail=7))
    assert (detailed.clips is batch.clips, detailed.masks.shape[-1]) == (True, 16)


def test_views_of_a_dive_differ_and_repeat(model, accelerator):
    source, how = SynDives(2, seed=3, width="full"), dict(transform=ClipTransform.for_reading(0.2))
    first, again, other = (encode_dives(model, source, accelerator, epoch=epoch, **how) for epoch in (0, 0, 1))
    assert torch.equal(first.encodings.dynamic, again.encodings.dynamic)
    assert not torch.equal(first.encodings.dynamic, other.encodings.dynamic)


def test_kept_tracks_are_read_by_the_network_as_it_is(dives, model, accelerator, encoded):
    assert encoded.reread_by(model) is encoded  # without frames there is nothing to read
    kept = encode_dives(model, open_data(f"clips:{dives}", "test"), accelerator, with_frames=True)
    same = kept.reread_by(model)
    torch.testing.assert_close(same.encodings.static, encoded.encodings.static, atol=1e-5, rtol=1e-4)
    changed = copy.deepcopy(model)
    with torch.no_grad():
        changed.temporal_action_parser.classifier.bias += 1
        changed.temporal_action_parser.classifier.weight *= -3
    found = kept.reread_by(changed).encodings
    assert not torch.equal(found.transition_probabilities, kept.encodings.transition_probabilities)
    expected = changed.decode_transitions(found.transition_probabilities, model.config.transition_rule)
    assert torch.equal(found.transitions, expected.long())
