"""Single frames as a lesson: what learns, from what, and that a run can be taken up."""

from dataclasses import replace

import pytest
import torch

from fineparser.data.posed_clips import PosedClips
from fineparser.data.syndive import SynDives
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.encoding import frame_probability
from fineparser.model.fineparser import FineParser
from fineparser.simulator.posture import POSTURE
from fineparser.training.edges import EDGES
from fineparser.training.encoding import at_size
from fineparser.training.frame_lesson import FrameLesson, FrameNetwork, measured
from fineparser.training.hints import (
    TRACK_FAULT_SHARE,
    TRACK_POSTURE_SHARE,
    landmark_hints,
    posture_hints,
    token_hints,
)
from fineparser.training.looks import Looks, TrackBatch, Tracks, keep_looks
from fineparser.training.losses import moment_loss, outline_loss
from fineparser.training.machine import accelerator_for
from fineparser.training.options import OptionsError
from fineparser.training.runs import Run
from fineparser.training.train import KEPT, train


@pytest.fixture
def lesson(smallest, options, tmp_path):
    torch.manual_seed(0)
    network, clips = FrameNetwork(FineParser(smallest)), PosedClips(SynDives(2, seed=3, width="full"))
    keep_looks(network.model, clips, tmp_path, accelerator_for("cpu", "float32"))
    looks, tracks = (
        kind(tmp_path, smallest.focus_size, neighbours=smallest.focus_neighbours) for kind in (Looks, Tracks)
    )
    return FrameLesson(network, looks, tracks, replace(options, train="frames", transition_weight=0.5), clips)


def losses_of(lesson, counted=True):
    batch = next(lesson.batches(0, [[0, 1]]))
    lesson.network.train()
    return lesson.losses(lesson.network, batch, counted, True, lambda tensor: tensor), batch


def test_it_teaches_what_looks_along_the_track_alone(lesson):
    losses, (look, track) = losses_of(lesson)
    losses.total.backward()
    model = lesson.network.model
    learning = {".".join(name.split(".")[:2]) for name, p in model.named_parameters() if p.grad is not None}
    assert learning == {
        *(f"static_visual_encoder.{n}" for n in ("backbone", "phases")),
        *(f"dynamic_visual_encoder.{n}" for n in ("norms", "convolutions")),
        *(f"focus_decoder.{n}" for n in ("joins", "outline", "places")),
        *(f"temporal_action_parser.{n}" for n, _ in model.temporal_action_parser.named_children()),
    }
    assert not model.spatial_action_parser.training
    assert (len(look), len(track)) == (2, 1)  # two dives in single frames, the first of them from end to end
    torch.manual_seed(0)  # where the track is cut varies
    found = lesson.network(look.squares, track)
    assert found["postures"].shape == (2, 12, len(POSTURE))
    assert found["track_postures"].shape == (1, 96, len(POSTURE))
    truth = torch.cat([look.truth.flatten(0, 1), track.truth[0]])
    outlines = outline_loss([found["view"].outline[:, None]], truth[:, None])
    landmarks = torch.cat([look.landmarks.flatten(0, 1), track.landmarks[0]])
    single = posture_hints(found["postures"], look.postures, torch.ones(2))
    single = single + landmark_hints(found["view"], landmarks, torch.ones(24 + 96))
    along = posture_hints(found["track_postures"], track.postures, torch.ones(1))
    faults = token_hints(found["told"], track.labels[:, 3:], track.labels[:, 2], torch.ones(1))
    moments = moment_loss(found["probabilities"], track.labels[:, :2])
    hints = single + TRACK_POSTURE_SHARE * along + TRACK_FAULT_SHARE * faults
    assert losses.mask.item() == pytest.approx(outlines.item(), rel=1e-4)
    assert losses.transition.item() == pytest.approx(moments.item(), rel=1e-4)
    assert losses.hints.item() == pytest.approx(hints.item(), rel=0.05)  # the cut is another one
    assert losses.total.item() == pytest.approx((losses.mask + losses.hints + 0.5 * losses.transition).item())


def test_measures_are_those_that_the_network_takes(lesson):
    """Of a clip at the places where the network itself would look, so that nothing is varied."""
    model = lesson.network.model.eval()
    batch = lesson.clips[0].clips
    clips = at_size(batch, model.config).clips
    with torch.no_grad():
        outlined = frame_probability(model.outline(clips), model.config.window_starts)
        focus = DiverFocus.of(outlined)
        _, view = model.look(clips, outlined, focus)
        first = model.read_track(clips, outlined)[0][:, 0]
        places = torch.cat([focus.centre, focus.reach[..., None]], dim=-1)
        nothing = torch.zeros(1)
        kept = TrackBatch(nothing, nothing, nothing, nothing, outlined, places, nothing)
        found = measured(view.outline.sigmoid()[None], kept)
    torch.testing.assert_close(found, first.split(model.config.track_parts, dim=-1)[2])


def test_a_filler_does_not_count(lesson):
    assert losses_of(lesson, counted=False)[0].total.item() == 0


def test_the_edge_goes_to_where_the_iou_is_best(lesson):
    model, truths, logits = lesson.network.model.eval(), [], []
    before = model.focus_decoder.outline.bias.clone()
    for index in range(2):
        batch = at_size(lesson.clips[index].clips, model.config)
        with torch.no_grad():
            logits.append(model.encode(batch.clips).mask_probability.logit())
        truths.append(batch.masks[:, 0])
    ious = []
    for edge in EDGES:
        shown = [one + edge > 0 for one in logits]
        each = [(a & b).sum() / max(int((a | b).sum()), 1) for a, b in zip(shown, truths, strict=True)]
        ious.append(float(sum(each)))
    moved = lesson.settle()
    assert ious[EDGES.index(moved)] == pytest.approx(max(ious))
    torch.testing.assert_close(model.focus_decoder.outline.bias, before + moved)


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
    assert not (chosen.out / KEPT["frames"]).exists()
    cut = replace(chosen, out=tmp_path / "cut")
    asked = iter((False, True))
    assert train(cut, should_stop=lambda: next(asked)).stopped
    assert (cut.out / KEPT["frames"] / "squares.npy").is_file()
    again = FineParser.from_pretrained(train(replace(cut, resume=True)).last).state_dict()
    for name, tensor in whole.items():
        torch.testing.assert_close(again[name], tensor, msg=name)
    records = Run.read(tmp_path / "cut").records()
    assert all(record["hints"] > 0 and record["mask"] > 0 for record in records if record["kind"] == "train")
    assert any(
        "not measured on the validation split" in record["text"] for record in records if record["kind"] == "note"
    )
    (settled,) = [record for record in records if record["kind"] == "settled"]
    assert settled["step"] == 4
    assert settled["by"] in EDGES


def test_checkpoints_hold_averaged_weights(options, tmp_path):
    chosen = replace(options, data=("syndive:4",), train="frames", out=tmp_path / "run", averaged=0.9, max_steps=3)
    last = train(chosen).last
    kept = FineParser.from_pretrained(last).state_dict()
    learning = torch.load(last / "optimiser.pt", weights_only=True)["weights"]
    name = "static_visual_encoder.backbone.conv1.weight"
    assert not torch.equal(kept[name], learning[name])
    torch.testing.assert_close(kept[name], learning[name], atol=0.02, rtol=0)


def test_dives_with_masks_alone_teach_outlines(options, dives, tmp_path):
    chosen = replace(options, data=(f"clips:{dives}",), train="frames", out=tmp_path / "run", max_steps=2)
    result = train(chosen)
    records = [record for record in Run.read(result.run).records() if record["kind"] == "train"]
    assert all(record["mask"] > 0 and record["hints"] == 0 for record in records)


def test_a_network_that_does_not_draw_is_refused(smallest):
    with pytest.raises(OptionsError, match="focus_outlines off"):
        FrameNetwork(FineParser(replace(smallest, focus_outlines=False, second_look=False)))
