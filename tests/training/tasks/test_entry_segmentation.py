"""The task "entry-segmentation": its cache, the augmentation of cached crops, its loss, and runs of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import EntryDataset
from fineparser.model.compact import CompactFineParser
from fineparser.model.entry import FRAME_OFFSETS
from fineparser.training.losses import layer_mask_loss
from fineparser.training.options import OptionsError
from fineparser.training.tasks.entry_segmentation import (
    ENTRY_MARGIN,
    FRAMES_PER_SAMPLE,
    EntryCropBatch,
    EntryCropsDataset,
    EntrySegmentationTask,
    SegmentationNetwork,
    cached_side,
)

SIDE = 42
"""Of cached crops, where those of the network have 32 pixels."""


def cached(folder, crops=None, layers=None):
    """Crops of 120 before a median of 80, airborne water in the right half."""
    if crops is None:
        crops = np.full((1, 17, 3, SIDE, SIDE), 120, np.uint8)
        crops[:, -1] = 80
    if layers is None:
        layers = np.zeros((1, 16, 3, SIDE // 2, SIDE // 2), np.uint8)
        layers[:, :, 1, :, SIDE // 4 :] = 255
    np.save(folder / "crops.npy", crops)
    np.save(folder / "layers.npy", layers)
    (folder / "whole.json").write_text(json.dumps({"clips": len(crops)}))
    return EntryCropsDataset(folder, 32)


def samples(dataset, epochs):
    for epoch in range(epochs):
        dataset.set_epoch(epoch)
        yield dataset[0]


@pytest.fixture
def task(with_entry, context) -> EntrySegmentationTask:
    torch.manual_seed(0)
    model, source = CompactFineParser(with_entry), SynDives(2, seed=3)
    return EntrySegmentationTask(context(model, source, train="entry-segmentation", mask_weight=2.0))


def test_the_cache_has_crops_and_layers_of_the_entries(task, with_entry):
    assert cached_side(with_entry) == SIDE
    dataset = EntryDataset(SynDives(2, seed=3), SIDE, margin=ENTRY_MARGIN, with_layers=True, seed=task.options.seed)
    entry = dataset[1]
    crops, layers = (np.load(task.cache_folder / f"{name}.npy") for name in ("crops", "layers"))
    assert crops.shape == (2, 17, 3, SIDE, SIDE)
    np.testing.assert_array_equal(crops[1, :16], entry.crops[0])
    np.testing.assert_array_equal(crops[1, 16], entry.median[0])
    np.testing.assert_array_equal(layers[1], entry.layers[0])
    assert len(task) == 2


def test_a_sample_is_the_input_of_the_segmenter_with_true_layers(tmp_path):
    dataset = cached(tmp_path)
    batch = dataset[0]
    assert batch.crops.shape == (1, FRAMES_PER_SAMPLE, 12, 32, 32)
    assert batch.layers.shape == (1, FRAMES_PER_SAMPLE, 3, 16, 16)
    channels = batch.crops[0, 0, :, 16, 16].tolist()
    assert channels[:9] == pytest.approx([*[120 / 127.5 - 1] * 3, *[40 / 32] * 3, 0, 0, 1])
    assert round(channels[9] * 12) in FRAME_OFFSETS
    assert channels[10:] == pytest.approx([40 / 24, 0])
    assert batch.layers[0, :, (0, 2)].max() == 0
    assert len(EntryCropBatch.stack([batch, batch])) == 2
    with pytest.raises(IndexError):
        dataset[1]


def test_neighbours_are_those_of_the_clip(tmp_path):
    crops = np.zeros((1, 17, 3, SIDE, SIDE), np.uint8)
    crops[0] = (10 + 10 * np.arange(17))[:, None, None, None]
    for batch in samples(cached(tmp_path, crops), 12):
        moments = (batch.crops[0, :, 9, 16, 16] * 12).round().int().tolist()
        before, after = (batch.crops[0, :, channel, 16, 16] * 32 for channel in (6, 7))
        for moment, back, forth in zip(moments, before.tolist(), after.tolist(), strict=True):
            number = FRAME_OFFSETS.index(moment)
            assert back == pytest.approx(10 * (number > 0))
            assert forth == pytest.approx(-10 * (number < 15))


def test_places_sizes_and_flips_of_crops_and_layers_vary_together(tmp_path):
    """Crops are bright where the layer is."""
    crops = np.full((1, 17, 3, SIDE, SIDE), 40, np.uint8)
    crops[:, :16, :, :, SIDE // 2 - 1 :] = 240
    layers = np.zeros((1, 16, 3, SIDE // 2, SIDE // 2), np.uint8)
    layers[:, :, 1, :, (SIDE // 2 - 1) // 2 :] = 255
    shares, sides = set(), set()
    dataset = cached(tmp_path, crops, layers)
    for batch in samples(dataset, 24):
        is_bright = torch.nn.functional.avg_pool2d(batch.crops[0, :, 0], 2) > 0
        water = batch.layers[0, :, 1] > 0.5
        assert (is_bright == water).float().mean() > 0.9
        shares.add(round(water.float().mean().item(), 3))
        sides.add(bool(water[0, 8, 0]))
    assert sides == {True, False}
    assert len(shares) > 2
    dataset.set_epoch(2)
    again = dataset[0].crops
    dataset.set_epoch(2)
    assert torch.equal(dataset[0].crops, again)


def test_colours_vary_and_the_outside_of_the_frame_stays_black(tmp_path):
    crops = np.full((1, 17, 3, SIDE, SIDE), 120, np.uint8)
    crops[:, :, 2] = 60
    crops[:, :, :, :4] = 0
    cached(tmp_path, crops)
    colours, greys = set(), 0
    for batch in samples(EntryCropsDataset(tmp_path, 32, 0.3), 40):
        inside = batch.crops[0, :, 8] > 0
        assert (batch.crops[0, :, 0][~inside] == -1).all()
        colours.add(round(float(batch.crops[0, 0, 0, 16, 16]), 4))
        greys += bool(batch.crops[0, :, 11].max() < 0.02)
    assert len(colours) > 20
    assert 1 <= greys <= 14  # of 40, at 0.15: 6 expected


def losses_of(task, step):
    batch = next(task.batches(0, [[0, 1]]))
    task.network.train()
    return task.losses(task.network, batch, step), batch


def test_the_segmenter_alone_is_trained(task, step, monkeypatch):
    losses, batch = losses_of(task, step)
    losses.total.backward()
    model = task.network.model
    trained = {".".join(name.split(".")[:2]) for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {"entry_branch.segmenter"}
    assert not model.crop_decoder.training
    task.network.eval()
    monkeypatch.setattr(task.network, "train", lambda mode=True: task.network)  # no dropout
    evaluated, _ = losses_of(task, step)
    expected = layer_mask_loss(task.network(batch.crops), batch.layers.flatten(0, 1))
    assert evaluated.mask.item() == pytest.approx(expected.item(), rel=1e-4)
    assert evaluated.total.item() == pytest.approx(2 * evaluated.mask.item())


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
    records = resumed_records(
        replace(options, config=entry_file, train="entry-segmentation"), "entry_segmentation/layers.npy"
    )
    assert all(record["total"] > 0 for record in records if record["kind"] == "train")
    assert not any(record["kind"] == "validation" for record in records)
    assert any("no validation metric" in str(record) for record in records)


def test_a_network_without_an_entry_branch_is_refused(smallest):
    with pytest.raises(OptionsError, match="entry_channels"):
        SegmentationNetwork(CompactFineParser(smallest))
