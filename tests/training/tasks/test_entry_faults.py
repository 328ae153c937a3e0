"""The task "entry-faults": its cache, the augmentation of segmented entries, its loss, and runs of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data import simulated_datasets as entry_dataset
from fineparser.data.batches import ClipBatch
from fineparser.data.datasets import ClipDataset
from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import EntryClipBatch, EntryDataset
from fineparser.data.transforms import ClipTransform
from fineparser.model.compact import CompactFineParser
from fineparser.model.protocol import ClipInput
from fineparser.training.auxiliary_losses import entry_fault_loss
from fineparser.training.options import OptionsError
from fineparser.training.tasks.entry_faults import (
    EntryFaultsTask,
    FaultNetwork,
    SegmentedEntries,
    SegmentedEntryBatch,
    segment_entries,
)


@pytest.fixture
def task(with_entry, context) -> EntryFaultsTask:
    torch.manual_seed(0)
    return EntryFaultsTask(context(CompactFineParser(with_entry), SynDives(2, seed=3), train="entry-faults"))


def cached(folder) -> SegmentedEntries:
    """One entry: layers of 100 with a brighter left edge, maps that rise to the right, eleven frames in the clip."""
    layers = np.full((1, 16, 3, 16, 16), 100, np.uint8)
    layers[..., 0] = 200
    maps = np.zeros((1, 16, 8, 4, 4), np.float16) + np.arange(4, dtype=np.float16)
    labels = np.concatenate([np.arange(16) < 11, [0.1, 0.2, 0.3], np.arange(14) / 10, [7.5]]).astype(np.float32)
    for name, array in (("layers", layers), ("maps", maps), ("labels", labels[None])):
        np.save(folder / f"{name}.npy", array)
    (folder / "whole.json").write_text(json.dumps({"clips": 1}))
    return SegmentedEntries(folder, 32)


def test_the_cache_has_the_entries_as_the_network_segments_them(with_entry, task, monkeypatch):
    """True masks place the entry like masks of the network would, and the camera stands still."""

    def standing(frames, indices, count):
        return torch.eye(3, dtype=torch.float64).expand(1, count, 3, 3), torch.zeros(1, count, dtype=torch.int64)

    monkeypatch.setattr(entry_dataset, "sparse_camera_motion", standing)
    for name, exact in (("TOUCH_ERRORS", {0: 1.0}), ("POSITION_ERROR", 0.0), ("LENGTH_ERROR", 0.0)):
        monkeypatch.setattr(entry_dataset, name, exact)
    model, source = task.network.model.eval(), SynDives(2, seed=3)
    clips = EntryDataset(source, with_entry.crop_size)
    clips._transform = ClipTransform()
    batch = EntryClipBatch.stack([clips[0], clips[1]])
    whole = ClipBatch.stack([ClipDataset(source)[index] for index in range(2)])
    motion = torch.eye(3, dtype=torch.float64).expand(2, 96, 3, 3)
    clip = ClipInput(whole.clips, motion, torch.zeros(2, 96, dtype=torch.int64))
    with torch.no_grad():
        layers, maps, labels = (torch.from_numpy(array) for array in segment_entries(model, batch))
        expected = model.entry_branch(clip, whole.masks[:, 0].float(), whole.transitions)
        segmented, measured = (layers.float() / 255, maps.float()), (labels[:, :16] > 0, labels[:, 16:19])
        mirrored = tuple(values.flip(-1) for values in segmented)
        scores = [model.entry_branch.fault_head(*view, *measured) for view in (segmented, mirrored)]
    torch.testing.assert_close(torch.stack(scores).mean(0), expected.scores, atol=5e-3, rtol=0)
    assert (expected.scores[0] - expected.scores[1]).abs().max() > 1e-2
    torch.testing.assert_close(labels[:, 19:33], whole.deductions)
    torch.testing.assert_close(labels[:, 33], whole.noise_free_award)
    torch.testing.assert_close(task._entries[1].award, whole.noise_free_award[1:])


def test_a_sample_is_the_input_of_the_fault_head_with_labels(tmp_path):
    batch = cached(tmp_path)[0]
    assert batch.layers.shape == (1, 16, 3, 16, 16)
    assert batch.maps.shape == (1, 16, 8, 4, 4)
    assert batch.inside.tolist() == [[True] * 11 + [False] * 5]
    assert batch.measures[0].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert batch.deductions[0].tolist() == pytest.approx([n / 10 for n in range(14)])
    assert batch.award.tolist() == [7.5]
    assert len(SegmentedEntryBatch.stack([batch, batch])) == 2
    with pytest.raises(IndexError):
        cached(tmp_path)[1]


def test_layers_and_maps_are_flipped_together_and_the_contrast_varies(tmp_path):
    dataset = cached(tmp_path)
    flips, levels = set(), set()
    for epoch in range(24):
        dataset.set_epoch(epoch)
        batch = dataset[0]
        is_flipped = bool(batch.layers[0, 0, 0, 0, -1] > batch.layers[0, 0, 0, 0, 1])
        assert is_flipped == bool(batch.maps[0, 0, 0, 0, 0] == 3)
        assert batch.layers.max() <= 1
        flips.add(is_flipped)
        levels.add(round(float(batch.layers[0, 0, 0, 0, 5]), 4))
    assert flips == {True, False}
    assert round(100 / 255, 4) in levels
    assert len(levels) > 5


def losses_of(task, step):
    batch = next(task.batches(0, [[0, 1]]))
    task.network.train()
    return task.losses(task.network, batch, step), batch


def test_the_fault_head_alone_is_trained(task, step, monkeypatch):
    losses, batch = losses_of(task, step)
    losses.total.backward()
    model = task.network.model
    trained = {".".join(name.split(".")[:2]) for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {"entry_branch.fault_head"}
    assert not model.crop_decoder.training
    task.network.eval()
    monkeypatch.setattr(task.network, "train", lambda mode=True: task.network)  # no dropout
    evaluated, _ = losses_of(task, step)
    expected = entry_fault_loss(task.network(batch), batch.deductions, batch.award, torch.ones(2))
    assert evaluated.total.item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_filler_does_not_count(task, filler):
    assert losses_of(task, filler)[0].total.item() == 0


def test_the_loss_falls(task, step):
    batch = next(task.batches(0, [[0, 1]]))
    optimiser = torch.optim.Adam([p for p in task.network.parameters() if p.requires_grad], 0.02)
    task.network.train()
    losses = []
    for _ in range(25):
        loss = task.losses(task.network, batch, step).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.slow
def test_a_run_can_be_resumed_to_the_same_weights(options, entry_file, resumed_records):
    records = resumed_records(replace(options, config=entry_file, train="entry-faults"), "entry_faults/layers.npy")
    assert all(record["total"] > 0 for record in records if record["kind"] == "train")
    assert not any(record["kind"] == "validation" for record in records)
    assert any("no validation metric" in str(record) for record in records)


def test_a_network_without_an_entry_branch_is_refused(smallest):
    with pytest.raises(OptionsError, match="entry_channels"):
        FaultNetwork(CompactFineParser(smallest))
