"""Single frames as a lesson: what learns, from what, and that a run can be taken up."""

from dataclasses import replace

import pytest
import torch

from fineparser.data.frames import FrameDataset
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.model.fineparser import FineParser
from fineparser.simulator.posture import POSTURE
from fineparser.training.frame_lesson import FrameLesson, FrameNetwork
from fineparser.training.hints import posture_hints
from fineparser.training.options import OptionsError
from fineparser.training.runs import Run
from fineparser.training.train import train


@pytest.fixture
def lesson(smallest, options):
    torch.manual_seed(0)
    dataset = FrameDataset(SynDives(2, seed=3, width="full"), ClipTransform())
    return FrameLesson(FrameNetwork(FineParser(smallest)), dataset, replace(options, train="frames"))


def losses_of(lesson, counted=True):
    batch = next(lesson.batches(0, [[0, 1]]))
    lesson.network.train()
    return lesson.losses(lesson.network, batch, counted, True, lambda tensor: tensor), batch


def test_it_teaches_what_sees_single_frames_alone(lesson):
    losses, batch = losses_of(lesson)
    losses.total.backward()
    model = lesson.network.model
    learning = {".".join(name.split(".")[:2]) for name, p in model.named_parameters() if p.grad is not None}
    assert learning == {"static_visual_encoder.backbone"}
    assert not model.spatial_action_parser.training
    found = lesson.network(batch)
    assert found.shape == (2, 24, len(POSTURE))
    assert losses.total.item() == pytest.approx(posture_hints(found, batch.postures, torch.ones(2)).item(), rel=1e-4)


def test_a_filler_does_not_count(lesson):
    assert losses_of(lesson, counted=False)[0].total.item() == 0


def test_a_run_learns_it_and_goes_on_to_the_same_weights(options, tmp_path):
    chosen = replace(
        options,
        data=("syndive:4",),
        train="frames",
        out=tmp_path / "whole",
        averaged=0.5,
        weight_decay=0.01,
        max_steps=4,
        checkpoint_every=1,
    )
    whole = FineParser.from_pretrained(train(chosen).last).state_dict()
    cut = replace(chosen, out=tmp_path / "cut")
    asked = iter((False, True))
    assert train(cut, should_stop=lambda: next(asked)).stopped
    again = FineParser.from_pretrained(train(replace(cut, resume=True)).last).state_dict()
    for name, tensor in whole.items():
        torch.testing.assert_close(again[name], tensor, msg=name)
    records = Run.read(tmp_path / "cut").records()
    assert all(record["hints"] > 0 for record in records if record["kind"] == "train")
    assert any("Postures are not measured" in record["text"] for record in records if record["kind"] == "note")


def test_checkpoints_hold_averaged_weights(options, tmp_path):
    chosen = replace(options, data=("syndive:4",), train="frames", out=tmp_path / "run", averaged=0.9, max_steps=3)
    last = train(chosen).last
    kept = FineParser.from_pretrained(last).state_dict()
    learning = torch.load(last / "optimiser.pt", weights_only=True)["weights"]
    name = "static_visual_encoder.backbone.conv1.weight"
    assert not torch.equal(kept[name], learning[name])
    torch.testing.assert_close(kept[name], learning[name], atol=0.02, rtol=0)


def test_a_network_without_a_track_is_refused(smallest):
    with pytest.raises(OptionsError, match="this one has none"):
        FrameNetwork(FineParser(replace(smallest, diver_track=False)))
