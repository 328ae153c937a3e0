"""The spatial parser learning alone: what it is shown, what changes and what must not."""

from dataclasses import replace

import pytest
import torch

from fineparser.data.sources import open_data
from fineparser.data.transforms import ClipTransform
from fineparser.data.windows import WindowDataset
from fineparser.model.config import WITHOUT_TRACK
from fineparser.model.fineparser import FineParser
from fineparser.training.hints import PHASE_SHARE
from fineparser.training.losses import mask_loss, outline_loss
from fineparser.training.spatial_lesson import SpatialLesson, SpatialNetwork
from fineparser.training.train import train


@pytest.fixture(params=["focal", "outline"])
def lesson(request, smallest, dives, options):
    torch.manual_seed(0)
    options = replace(options, train="spatial", mask_objective=request.param, mask_weight=3.0)
    dataset = WindowDataset(open_data(f"clips:{dives}", "test"), transform=ClipTransform(), windows=1)
    return SpatialLesson(SpatialNetwork(FineParser(smallest), options), dataset, options)


def losses_of(lesson, counted=True):
    batch = next(lesson.batches(0, [[0, 1]]))
    lesson.network.train()
    return lesson.losses(lesson.network, batch, counted, True, lambda tensor: tensor), batch


def test_the_loss_is_that_of_the_five_outputs(lesson):
    losses, batch = losses_of(lesson)
    small = torch.nn.functional.interpolate(batch.clips, (16, 32, 32), mode="area")
    truth = torch.nn.functional.interpolate(batch.masks.float(), (16, 32, 32), mode="area") >= 0.5
    parse = lesson.network.model.spatial_action_parser(small, side_outputs=True)
    outputs = [*parse.side_logits.split(1, dim=1), parse.fused_logits[:, None]]
    objective = {"focal": mask_loss, "outline": outline_loss}[lesson.options.mask_objective]
    expected = objective(outputs, truth)
    assert losses.mask.item() == pytest.approx(expected.item(), rel=1e-4)
    assert (losses.total - losses.hints).item() == pytest.approx(3 * expected.item(), rel=1e-4)


def test_what_outlines_and_what_reads_windows_learns(lesson):
    losses_of(lesson)[0].total.backward()
    learning = {name.split(".")[0] for name, p in lesson.network.model.named_parameters() if p.grad is not None}
    assert learning == {"spatial_action_parser"}
    modes = {name: module.training for name, module in lesson.network.model.named_children()}
    assert [name for name, training in modes.items() if training] == ["spatial_action_parser"]
    # Windows' features are a part of the reader's, where the network has none.
    assert all(parameter.grad is not None for parameter in lesson.network.i3d.parameters())


def test_a_network_of_windows_keeps_what_it_learns_of_their_features(smallest, dives, options):
    options = replace(options, train="spatial")
    dataset = WindowDataset(open_data(f"clips:{dives}", "test"), transform=ClipTransform(), windows=1)
    network = SpatialNetwork(FineParser(replace(smallest, **WITHOUT_TRACK)), options)
    losses, _ = losses_of(SpatialLesson(network, dataset, options))
    losses.total.backward()
    learning = {name.split(".")[0] for name, p in network.model.named_parameters() if p.grad is not None}
    assert learning == {"spatial_action_parser", "i3d"}
    assert network.i3d is None


def test_phases_are_hinted_at_and_unknown_deductions_are_not(lesson):
    losses, batch = losses_of(lesson)
    small = torch.nn.functional.interpolate(batch.clips, (16, 32, 32), mode="area")
    feature, _ = lesson.network.model.see(small, i3d=lesson.network.i3d)
    phases, _ = lesson.network.reader(feature)
    assert batch.deductions.isnan().all()
    expected = torch.nn.functional.cross_entropy(phases.flatten(0, 1), batch.phases.flatten())
    assert losses.hints.item() == pytest.approx(PHASE_SHARE * expected.item(), rel=1e-4)


def test_a_network_with_two_i3ds_learns_outlines_alone(smallest, dives, options):
    options = replace(options, train="spatial")
    dataset = WindowDataset(open_data(f"clips:{dives}", "test"), transform=ClipTransform(), windows=1)
    model = FineParser(replace(smallest, shared_i3d=False))
    lesson = SpatialLesson(SpatialNetwork(model, options), dataset, options)
    losses, _ = losses_of(lesson)
    losses.total.backward()
    assert losses.hints is None
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None} == {
        "spatial_action_parser"
    }


def test_side_outputs_learn_in_some_steps(lesson):
    lesson.network._side_chance = 0.5
    counts = []
    for step in range(8):
        torch.manual_seed(step)
        counts.append(len(lesson.network(torch.randn(1, 3, 16, 32, 32))[0]))
    assert set(counts) == {1, 5}


def test_a_filler_does_not_count(lesson):
    losses, _ = losses_of(lesson, counted=False)
    assert losses.total.item() == 0


def test_a_run_learns_outlines(options, dives, tmp_path):
    first = replace(options, train="spatial", out=tmp_path / "spatial", data=(f"clips:{dives}",), max_steps=2)
    done = train(first)
    assert done.chosen_by in ("mask_iou", None)
    assert FineParser.from_pretrained(done.last).provenance.trained
