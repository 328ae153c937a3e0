"""The track as a lesson: what learns, from what, and that a run can be taken up."""

from dataclasses import replace

import pytest
import torch

from fineparser.data.sources import open_data
from fineparser.data.tracks import TrackDataset
from fineparser.data.transforms import ClipTransform
from fineparser.model.fineparser import FineParser
from fineparser.training.hints import AWARD_SHARE
from fineparser.training.losses import moment_loss
from fineparser.training.options import OptionsError
from fineparser.training.runs import Run
from fineparser.training.track_lesson import TrackLesson, TrackNetwork, slipped
from fineparser.training.train import train


@pytest.fixture
def lesson(smallest, dives, options):
    torch.manual_seed(0)
    chosen = replace(options, train="track", transition_weight=2.0)
    dataset = TrackDataset(open_data(f"clips:{dives}", "test"), ClipTransform())
    return TrackLesson(TrackNetwork(FineParser(smallest)), dataset, chosen)


def losses_of(lesson, indices=(0, 2), counted=True):
    batch = next(lesson.batches(0, [list(indices)]))
    lesson.network.train()
    torch.manual_seed(1)
    return lesson.losses(lesson.network, batch, counted, True, lambda tensor: tensor), batch


def seen(batch):
    small = torch.nn.functional.interpolate(batch.clips.clips, (96, 32, 32), mode="area")
    return small, torch.nn.functional.interpolate(batch.outlined, (32, 32), mode="area")


def test_it_teaches_what_reads_the_track_alone(lesson):
    losses, _ = losses_of(lesson)
    losses.total.backward()
    model = lesson.network.model
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None} == {
        "static_visual_encoder",
        "temporal_action_parser",
    }
    assert not model.spatial_action_parser.training
    assert model.static_visual_encoder.training


def test_transitions_are_learnt_as_moments_and_awards_as_hints(lesson):
    losses, batch = losses_of(lesson)
    lesson.network.train()
    torch.manual_seed(1)
    probabilities, (_, award) = lesson.network(*seen(batch), batch.clips.transitions)
    expected = moment_loss(probabilities, batch.clips.transitions)
    assert losses.transition.item() == pytest.approx(expected.item(), rel=1e-4)
    # The clips' scores make awards of 3 and 4 of ten; nobody knows what their faults cost.
    true = batch.clips.scores / (3 * batch.clips.difficulty)
    assert losses.hints.item() == pytest.approx(AWARD_SHARE * ((award - true) ** 2).mean().item(), rel=1e-4)
    assert losses.total.item() == pytest.approx(2 * losses.transition.item() + losses.hints.item(), rel=1e-5)


def test_unknown_transitions_are_cut_as_predicted(lesson):
    _, batch = losses_of(lesson)
    network = lesson.network.eval()
    probabilities, (told, _) = network(*seen(batch), torch.full((2, 2), -1))
    cut = network.model.decode_transitions(probabilities, "ordered")
    frames, _ = network.model.read_track(*seen(batch))
    expected, _ = network.reader(network.model.static_visual_encoder(frames, cut))
    torch.testing.assert_close(told, expected)


def test_a_filler_does_not_count(lesson):
    assert losses_of(lesson, counted=False)[0].total.item() == 0


def test_slips_are_small_and_keep_the_order():
    torch.manual_seed(0)
    moved = slipped(torch.tensor([[10, 11], [0, 95], [94, 95]]).repeat(50, 1), 96)
    assert (moved[:, 0] <= moved[:, 1]).all()
    assert moved.min() >= 0
    assert moved.max() <= 95
    assert (moved - torch.tensor([[10, 11], [0, 95], [94, 95]]).repeat(50, 1)).abs().max() <= 3


def test_a_run_learns_it_and_goes_on_to_the_same_weights(options, tmp_path):
    chosen = replace(
        options,
        train="track",
        out=tmp_path / "whole",
        averaged=0.5,
        weight_decay=0.01,
        max_steps=4,
        checkpoint_every=1,
    )
    whole = FineParser.from_pretrained(train(chosen).last).state_dict()
    cut = replace(chosen, out=tmp_path / "cut")
    asked = iter((False, True))
    stopped = train(cut, should_stop=lambda: next(asked))
    assert stopped.stopped
    again = FineParser.from_pretrained(train(replace(cut, resume=True)).last).state_dict()
    for name, tensor in whole.items():
        torch.testing.assert_close(again[name], tensor, msg=name)
    records = [record for record in Run.read(tmp_path / "cut").records() if record["kind"] == "train"]
    assert all(record["hints"] > 0 and record["score"] == 0 for record in records)


def test_checkpoints_hold_averaged_weights(options, tmp_path):
    chosen = replace(options, train="track", out=tmp_path / "run", averaged=0.9, max_steps=3)
    last = train(chosen).last
    kept = FineParser.from_pretrained(last).state_dict()
    learning = torch.load(last / "optimiser.pt", weights_only=True)["weights"]
    name = "temporal_action_parser.classifier.weight"
    assert not torch.equal(kept[name], learning[name])
    torch.testing.assert_close(kept[name], learning[name], atol=0.02, rtol=0)


def test_a_network_without_a_track_is_refused(smallest):
    model = FineParser(replace(smallest, diver_track=False))
    with pytest.raises(OptionsError, match="diver_track off"):
        TrackNetwork(model)
