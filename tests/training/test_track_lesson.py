"""The track as a lesson: what learns, from which outlines, and that pairs are compared in awards."""

from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator

from fineparser.data.sources import open_data
from fineparser.data.tracks import TrackDataset
from fineparser.data.transforms import ClipTransform
from fineparser.model.fineparser import FineParser
from fineparser.training.losses import moment_loss
from fineparser.training.options import OptionsError
from fineparser.training.runs import Run
from fineparser.training.track_lesson import TrackLesson, TrackNetwork, see_dives, slipped
from fineparser.training.train import train


@pytest.fixture
def lesson_of(smallest, dives, options):
    def make(outlines):
        torch.manual_seed(0)
        chosen = replace(options, train="track", outlines=outlines)
        model, source = FineParser(smallest), open_data(f"clips:{dives}", "test")
        dataset = TrackDataset(source, ClipTransform())
        if outlines == "own":
            dataset = TrackDataset(
                source, ClipTransform(), seen=see_dives(model.eval(), dataset, Accelerator(cpu=True))
            )
        return TrackLesson(TrackNetwork(model, chosen), dataset, source, chosen)

    return make


def losses_of(lesson, indices=(0, 2), counted=True):
    batch = next(lesson.batches(0, [list(indices)]))
    lesson.network.train()
    return lesson.losses(lesson.network, batch, counted, True, lambda tensor: tensor), batch


def test_true_outlines_teach_the_track_alone(lesson_of):
    lesson = lesson_of("true")
    losses, batch = losses_of(lesson)
    losses.total.backward()
    assert len(batch) == 2
    assert losses.score.item() == 0
    model = lesson.network.model
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None} == {
        "static_visual_encoder",
        "temporal_action_parser",
    }
    assert not model.spatial_action_parser.training


def test_own_outlines_are_what_the_network_says_of_the_same_crop(lesson_of):
    lesson = lesson_of("own")
    model = lesson.network.model.eval()
    sample = lesson.dataset[1]
    small = torch.nn.functional.interpolate(sample.clips.clips, (96, 32, 32), mode="area")
    encoding = model.encode(small)
    assert (sample.outlined - encoding.mask_probability).abs().max() <= 0.5 / 255 + 1e-6
    torch.testing.assert_close(sample.dynamic, encoding.dynamic)
    # What is read with these is what the whole network reads.
    frames, probabilities = model.read_frames(small, sample.dynamic, encoding.mask_probability)
    torch.testing.assert_close(probabilities, encoding.transition_probabilities)
    static = model.static_visual_encoder(frames, encoding.transitions)
    torch.testing.assert_close(static, encoding.static)


def test_with_own_outlines_pairs_of_a_number_are_compared(lesson_of):
    lesson = lesson_of("own")
    losses, batch = losses_of(lesson)
    assert batch.clips.codes[:2] == batch.clips.codes[2:]
    assert len(set(batch.clips.ids)) == 4
    losses.total.backward()
    assert any(p.grad is not None for p in lesson.network.model.contrastive_regression.parameters())
    assert losses.score.item() > 0


def test_transitions_are_learnt_as_moments(lesson_of):
    lesson = lesson_of("true")
    losses, batch = losses_of(lesson)
    lesson.network.train()
    small = torch.nn.functional.interpolate(batch.clips.clips, (96, 32, 32), mode="area")
    outlined = torch.nn.functional.interpolate(batch.outlined, (32, 32), mode="area")
    found = lesson.network(small, outlined, None, batch.clips.transitions)
    expected = moment_loss(found["probabilities"], batch.clips.transitions)
    assert losses.transition.item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_filler_does_not_count(lesson_of):
    assert losses_of(lesson_of("own"), counted=False)[0].total.item() == 0


def test_slips_are_small_and_keep_the_order():
    torch.manual_seed(0)
    moved = slipped(torch.tensor([[10, 11], [0, 95], [94, 95]]).repeat(50, 1), 96)
    assert (moved[:, 0] <= moved[:, 1]).all()
    assert moved.min() >= 0
    assert moved.max() <= 95
    assert (moved - torch.tensor([[10, 11], [0, 95], [94, 95]]).repeat(50, 1)).abs().max() <= 3


def test_a_run_learns_it_and_goes_on_to_the_same_weights(options, dives, tmp_path):
    started = FineParser.from_pretrained(train(replace(options, out=tmp_path / "first", max_steps=1)).last)
    started.save_pretrained(tmp_path / "start")
    chosen = replace(
        options,
        train="track",
        outlines="own",
        checkpoint=str(tmp_path / "start"),
        config="compact",
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
    assert all(record["hints"] > 0 and record["score"] > 0 for record in records)


def test_a_network_without_a_track_is_refused(smallest, options):
    model = FineParser(replace(smallest, diver_track=False))
    with pytest.raises(OptionsError, match="diver_track off"):
        TrackNetwork(model, replace(options, train="track"))
