"""Encoded dives: in order, each once, with their labels."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from fineparser.data.datasets import ClipDataset
from fineparser.data.dives import DataError, OnBroken
from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import PoseDataset
from fineparser.data.sources import open_data
from fineparser.data.transforms import ClipTransform
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.protocol import ClipInput, DiagnosticsLevel
from fineparser.model.temporal_action_parser import decode_transitions
from fineparser.simulator.athlete.pose import MIRRORED_FIELDS, POSE_FIELDS
from fineparser.training.encoded_dives import EncodedDives, EncodeSettings, encode_dives, evaluation_mode, resize_batch
from fineparser.training.metrics.masks import MASK_METRICS

pytestmark = pytest.mark.slow

TRACKS = EncodeSettings(with_tracks=True)


@pytest.fixture(scope="module")
def model(smallest):
    torch.manual_seed(0)
    return CompactFineParser(smallest)


@pytest.fixture(scope="module")
def accelerator():
    return Accelerator(cpu=True)


@pytest.fixture(scope="module")
def encoded(dives, model, accelerator):
    return encode_dives(model, open_data(f"clips:{dives}", "test"), accelerator, EncodeSettings(batch_size=3))


def test_labels_and_order_are_those_of_the_source(dives, encoded):
    source = open_data(f"clips:{dives}", "test")
    assert [card.id for card in encoded.cards] == [dive.id for dive in source]
    assert encoded.scores.tolist() == pytest.approx([dive.score for dive in source])
    assert encoded.difficulty.tolist() == pytest.approx([dive.difficulty for dive in source])
    assert encoded.transitions.tolist() == [[dive.flight_frame, dive.entry_frame] for dive in source]
    assert encoded.frame_numbers[2].tolist() == list(range(96))


def test_frames_have_the_input_size_of_the_network(smallest, accelerator):
    """Crops are cut from the simulated 224 lines; the same dive with 112 lines gives other features."""
    torch.manual_seed(0)
    detailed = CompactFineParser(replace(smallest, image_size=112, crop_scale=2))
    fine, coarse = (
        encode_dives(detailed, SynDives(1, seed=3, lines=lines), accelerator, TRACKS) for lines in (224, 112)
    )
    assert fine.mask_values.isfinite().all()
    with torch.no_grad():
        batch = ClipDataset(SynDives(1, seed=3, lines=224), ClipTransform(scale=2))[0]
        clip = ClipInput(batch.clips)
        expected = detailed.eval().encode_with_diagnostics(clip, level=DiagnosticsLevel.FEATURES)[1].frame_features
    torch.testing.assert_close(fine.tracks, expected, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(coarse.tracks, expected, rtol=1e-3, atol=1e-3)


def test_poses_are_those_of_the_tracks(smallest, model, accelerator):
    source, flipped = SynDives(2, seed=3, width="full"), replace(ClipTransform(), flip_probability=1.0)
    plain, mirrored = (
        encode_dives(model, source, accelerator, replace(TRACKS, transform=transform))
        for transform in (ClipTransform(), flipped)
    )
    expected = PoseDataset(source, ClipTransform())[1].poses
    torch.testing.assert_close(plain.poses[1:], expected, equal_nan=True)
    signs = torch.ones(len(POSE_FIELDS))
    signs[list(MIRRORED_FIELDS)] = -1
    torch.testing.assert_close(mirrored.poses, plain.poses * signs, equal_nan=True)
    both = EncodedDives.concatenate("both", [plain, mirrored]).select([3, 0])
    torch.testing.assert_close(both.poses[0], mirrored.poses[1], equal_nan=True)
    bare = encode_dives(model, source, accelerator, EncodeSettings(), indices=[0])
    assert bare.poses is None
    assert EncodedDives.concatenate("some", [plain, bare]).poses is None


def test_an_encoding_does_not_depend_on_its_batch(dives, model, accelerator, encoded):
    one_by_one = encode_dives(
        model, open_data(f"clips:{dives}", "test"), accelerator, EncodeSettings(batch_size=1), indices=[2]
    )
    torch.testing.assert_close(one_by_one.encodings.dynamic, encoded.encodings.dynamic[2:3], rtol=1e-4, atol=1e-5)
    assert one_by_one.cards == encoded.cards[2:3]


def test_masks_are_measured_at_the_size_of_the_network(dives, model, encoded):
    batch = resize_batch(ClipDataset(open_data(f"clips:{dives}", "test"))[1], model.config)
    with torch.no_grad():
        probability = model.eval().encode_with_diagnostics(ClipInput(batch.clips))[1].masks[0].numpy()
    expected = [metric.of_clip(probability, batch.masks[0, 0].numpy()) for metric in MASK_METRICS]
    assert encoded.mask_values[1].tolist() == pytest.approx(expected, rel=1e-4)


def test_encodings_can_be_pooled_at_labelled_transitions(dives, model, accelerator, encoded):
    forced = encode_dives(model, open_data(f"clips:{dives}", "test"), accelerator, EncodeSettings(pools_at_labels=True))
    assert forced.encodings.transitions.tolist() == encoded.transitions.tolist()
    assert encoded.encodings.transitions.tolist() != encoded.transitions.tolist()


def test_missing_labels_are_nan(relabelled, model, accelerator):
    folder = relabelled(
        lambda row: {"score": "", "flight_frame": "", "entry_frame": "", "mask": ""} if row["clip"] == "dive0" else {},
        keep=2,
    )
    encoded = encode_dives(model, open_data(f"clips:{folder}", "test"), accelerator, EncodeSettings())
    assert encoded.scores.isnan().tolist() == [True, False]
    assert encoded.transitions.isnan().tolist() == [[True, True], [False, False]]
    assert encoded.mask_values.isnan().all(dim=1).tolist() == [True, False]


def test_a_broken_dive_is_left_out_and_no_other_is_repeated(relabelled, model, accelerator):
    folder = relabelled(lambda row: {}, keep=3)
    source = open_data(f"clips:{folder}", "test")
    (folder / "dive1" / "00050.jpg").unlink()  # deleted after the folder was read
    with pytest.raises(DataError, match="dive1"):
        encode_dives(model, source, accelerator, EncodeSettings())
    encoded = encode_dives(model, replace(source, on_broken=OnBroken.SKIP), accelerator, EncodeSettings())
    assert [card.id for card in encoded.cards] == ["dive0#0", "dive2#0"]


def test_collections_can_be_selected_and_joined(encoded):
    turned = encoded.select([3, 0])
    assert turned.cards == (encoded.cards[3], encoded.cards[0])
    assert torch.equal(turned.encodings.dynamic, encoded.encodings.dynamic[[3, 0]])
    joined = EncodedDives.concatenate("both", [turned, encoded])
    assert len(joined) == 6
    assert torch.equal(joined.scores, torch.cat([turned.scores, encoded.scores]))


def test_scores_at_the_difficulty_of_other_dives(encoded):
    queries = encoded.select([0, 2])
    exemplars = encoded.select([2, 2])
    ratio = encoded.difficulty[0] / encoded.difficulty[2]
    expected = [encoded.scores[2] * ratio, encoded.scores[2]]
    assert exemplars.scores_at_difficulty(queries.difficulty).tolist() == pytest.approx(
        [value.item() for value in expected]
    )


def test_deductions_by_phase(model, accelerator):
    source = SynDives(3, seed=5)
    found = encode_dives(model, source, accelerator, EncodeSettings()).deductions_by_phase()
    phases = [price.phase for price in DEDUCTION_CURVES.values()]
    for number, lost in enumerate(found):
        dive = source[number]
        assert lost.sum().item() == pytest.approx(10 - dive.noise_free_award, abs=1e-4)
        expected = np.bincount(phases, dive.deductions, minlength=3)
        np.testing.assert_allclose(lost / lost.sum(), expected / expected.sum(), atol=1e-5)


def test_unknown_deductions_are_nan(encoded):
    assert encoded.deductions_by_phase().isnan().all()


def test_evaluation_mode_restores_the_mode_of_each_module(smallest):
    model = CompactFineParser(smallest).train()
    model.crop_decoder.eval()
    with evaluation_mode(model):
        assert not any(module.training for module in model.modules())
    assert model.training
    assert model.temporal_action_parser.training
    assert not any(module.training for module in model.crop_decoder.modules())


def test_frames_are_resized_by_means_and_masks_by_majority(dives):
    batch = ClipDataset(open_data(f"clips:{dives}", "test"))[0]
    config = replace(CompactConfig.tiny(), crop_scale=1)
    small = resize_batch(batch, replace(config, image_size=16))
    means = batch.clips.numpy().reshape(1, 3, 96, 16, 7, 16, 7).mean(axis=(4, 6))
    np.testing.assert_allclose(small.clips.numpy(), means, atol=1e-4)
    cover = batch.masks.numpy().reshape(1, 1, 96, 16, 7, 16, 7).mean(axis=(4, 6))
    np.testing.assert_array_equal(small.masks.numpy(), cover >= 0.5)
    same = resize_batch(batch, replace(config, image_size=112))
    assert (same.clips is batch.clips, same.masks is batch.masks) == (True, True)
    # Frames can be larger than the masks of a network.
    detailed = resize_batch(batch, replace(config, image_size=16, crop_scale=7))
    assert (detailed.clips is batch.clips, detailed.masks.shape[-1]) == (True, 16)


def test_augmented_encodings_differ_by_epoch_and_repeat(model, accelerator):
    source = SynDives(2, seed=3, width="full")
    settings = EncodeSettings(transform=ClipTransform.for_centre_training(0.2))
    first, again, other = (
        encode_dives(model, source, accelerator, replace(settings, epoch=epoch)) for epoch in (0, 0, 1)
    )
    assert torch.equal(first.encodings.dynamic, again.encodings.dynamic)
    assert not torch.equal(first.encodings.dynamic, other.encodings.dynamic)


def test_tracks_are_encoded_by_the_network_as_it_is(dives, model, accelerator, encoded):
    with pytest.raises(ValueError, match="without track features"):
        encoded.encode_tracks(model)
    cached = encode_dives(model, open_data(f"clips:{dives}", "test"), accelerator, TRACKS)
    same = cached.encode_tracks(model)
    torch.testing.assert_close(same.encodings.static, encoded.encodings.static, atol=1e-5, rtol=1e-4)
    changed = copy.deepcopy(model)
    with torch.no_grad():
        changed.temporal_action_parser.classifier.bias += 1
        changed.temporal_action_parser.classifier.weight *= -3
    result = cached.encode_tracks(changed).encodings
    assert not torch.equal(result.transition_probabilities, cached.encodings.transition_probabilities)
    expected = decode_transitions(result.transition_probabilities, model.config.transition_rule)
    assert torch.equal(result.transitions, expected.long())
