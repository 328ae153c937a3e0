"""The task "spatial": the losses of windows, and the modules that they train."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from fineparser.data.datasets import WindowDataset
from fineparser.data.sources import open_data
from fineparser.data.transforms import ClipTransform
from fineparser.model.checkpoint import load_network
from fineparser.model.compact import CompactFineParser
from fineparser.model.paper import FineParser
from fineparser.training.auxiliary_losses import PHASE_WEIGHT
from fineparser.training.launch import train
from fineparser.training.losses import dice_mask_loss, mask_loss
from fineparser.training.tasks.spatial import SpatialTask


@pytest.fixture
def task_for(context, dives):
    """Makes the task for a network, on windows of clips without augmentation."""

    def make(model, **changes) -> SpatialTask:
        source = open_data(f"clips:{dives}", "test")
        task = SpatialTask(context(model, source, train="spatial", mask_weight=3.0, **changes))
        task._dataset = WindowDataset(source, transform=ClipTransform(), windows=1)
        return task

    return make


@pytest.fixture(params=["focal", "dice"])
def task(request, smallest, task_for):
    torch.manual_seed(0)
    return task_for(CompactFineParser(smallest), mask_loss=request.param)


def losses_of(task, step):
    batch = next(task.batches(0, [[0, 1]]))
    task.network.train()
    return task.losses(task.network, batch, step), batch


def resized(windows):
    return functional.interpolate(windows.float(), (16, 32, 32), mode="area")


def test_the_loss_is_that_of_the_five_outputs(task, step):
    losses, batch = losses_of(task, step)
    parser = task.model.spatial_action_parser
    sides = parser.sides(parser.i3d(resized(batch.clips)))
    outputs = [*parser.side_logits(sides).split(1, dim=1), parser.mask_logits(sides)[:, None]]
    compute_loss = {"focal": mask_loss, "dice": dice_mask_loss}[task.options.mask_loss]
    expected = compute_loss(outputs, resized(batch.masks) >= 0.5)
    assert losses.mask.item() == pytest.approx(expected.item(), rel=1e-4)
    assert (losses.total - losses.auxiliary).item() == pytest.approx(3 * expected.item(), rel=1e-4)


def test_the_spatial_parser_and_the_head_are_trained(task, step):
    losses, _ = losses_of(task, step)
    losses.total.backward()
    trained = {name.split(".")[0] for name, p in task.model.named_parameters() if p.grad is not None}
    assert trained == {"spatial_action_parser"}
    assert [name for name, module in task.model.named_children() if module.training] == ["spatial_action_parser"]
    # The last blocks of the I3D are part of the head.
    assert all(parameter.grad is not None for parameter in task.network.i3d.parameters())


def test_phases_have_a_loss_and_unknown_deductions_have_none(task, step):
    losses, batch = losses_of(task, step)
    mixed_4 = task.model.spatial_action_parser.i3d(resized(batch.clips)).mixed_4
    phases, _ = task.network.head(task.network.i3d(mixed_4))
    assert batch.deductions.isnan().all()
    expected = functional.cross_entropy(phases.flatten(0, 1), batch.phases.flatten())
    assert losses.auxiliary.item() == pytest.approx(PHASE_WEIGHT * expected.item(), rel=1e-4)


def test_the_published_network_learns_masks_alone(published, task_for, step):
    task = task_for(FineParser(published))
    losses, _ = losses_of(task, step)
    losses.total.backward()
    assert losses.auxiliary is None
    trained = {name.split(".")[0] for name, p in task.model.named_parameters() if p.grad is not None}
    assert trained == {"spatial_action_parser"}


def test_side_outputs_are_trained_in_some_steps(task):
    task.network._side_output_probability = 0.5
    counts = []
    for seed in range(8):
        torch.manual_seed(seed)
        counts.append(len(task.network(torch.randn(1, 3, 16, 32, 32))[0]))
    assert set(counts) == {1, 5}


def test_a_filler_does_not_count(task, filler):
    losses, _ = losses_of(task, filler)
    assert losses.total.item() == 0


def test_a_run_trains_masks(options, tmp_path):
    result = train(replace(options, train="spatial", out=tmp_path / "spatial", max_steps=2))
    assert result.chosen_by in ("mask_iou", None)
    assert load_network(result.last).provenance.trained
