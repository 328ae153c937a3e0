"""The task "refiner": its cache, the augmentation of cached crops, its loss, and runs of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data.clip_input import clip_input
from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import PoseBatch, PoseDataset
from fineparser.data.transforms import ClipTransform
from fineparser.model.compact import CompactFineParser
from fineparser.model.crop_track import CropTrack
from fineparser.model.mask_refiner import background_of
from fineparser.training.encoded_dives import resize_clips
from fineparser.training.losses import dice_mask_loss
from fineparser.training.mask_threshold import THRESHOLDS
from fineparser.training.options import OptionsError
from fineparser.training.tasks.crops import CROP_MARGIN
from fineparser.training.tasks.refiner import (
    FRAME_STRIDE,
    RefinerBatch,
    RefinerCrops,
    RefinerNetwork,
    RefinerTask,
    compute_refiner_crops,
)

SIDE = 40


@pytest.fixture
def task(with_refiner, context) -> RefinerTask:
    torch.manual_seed(0)
    source = SynDives(2, seed=3, width="full")
    return RefinerTask(context(CompactFineParser(with_refiner), source, train="refiner", mask_weight=2.0))


# The cache


def test_the_cache_has_frames_backgrounds_and_masks(smallest):
    """The masks before refinement, which are the final ones of a network without a refiner."""
    torch.manual_seed(0)
    model = CompactFineParser(smallest).eval()
    source = PoseDataset(SynDives(2, seed=3), ClipTransform(mask_scale=2))
    batch = PoseBatch.stack([source[index] for index in range(2)])
    with torch.no_grad():
        (rows,) = compute_refiner_crops(model, batch)
        clip = clip_input(resize_clips(batch.clips.clips, smallest.input_size))
        masks = model.encode_with_diagnostics(clip)[1].masks
    assert rows.shape == (2, 24, 11, SIDE, SIDE)
    frames = list(range(0, 96, FRAME_STRIDE))
    crops = CropTrack.from_masks(masks[1:]).select_frames(frames).enlarge(CROP_MARGIN)
    background = background_of(clip.select([1]), masks[1], crops, SIDE, frames)
    np.testing.assert_array_equal(rows[1, :, :3], background.crops)
    np.testing.assert_array_equal(rows[1, :, 3:6], background.background)
    np.testing.assert_array_equal(rows[1, :, 7], background.count)
    for channel, mask in ((9, masks[1, frames]), (10, batch.clips.masks[1, 0, frames].float())):
        expected = crops.crop(mask[None, None], SIDE)[:, 0] * 255
        np.testing.assert_allclose(rows[1, :, channel], expected.numpy(), atol=1.01)


# Augmentation


def cached(folder, crops=None) -> RefinerCrops:
    """Crops [1, 24, 11, 40, 40], by default frames of 200, backgrounds of 100 and masks of the right half."""
    if crops is None:
        crops = np.zeros((1, 24, 11, SIDE, SIDE), np.uint8)
        crops[:, :, :3], crops[:, :, 3:6], crops[:, :, 6], crops[:, :, 7] = 200, 100, 8, 12
        crops[:, :, 8:, :, SIDE // 2 :] = 255
    np.save(folder / "crops.npy", crops)
    (folder / "whole.json").write_text(json.dumps({"clips": len(crops)}))
    return RefinerCrops(folder, 32)


def samples(dataset, epochs):
    for epoch in range(epochs):
        dataset.set_epoch(epoch)
        yield dataset[0]


def test_a_sample_is_the_input_of_the_refiner_with_the_true_mask(tmp_path):
    dataset = cached(tmp_path)
    batch = dataset[0]
    assert batch.crops.shape == (1, 8, 10, 32, 32)
    assert batch.truth.shape == (1, 8, 32, 32)
    channels = batch.crops[0, 0, :, 0, 0]
    assert channels[:8].tolist() == pytest.approx([*[200 / 127.5 - 1] * 3, *[100 / 32] * 3, 8 / 16, 12 / 8 - 1])
    assert torch.equal(batch.crops[:, :, 9] > 0, batch.truth)
    assert len(RefinerBatch.stack([batch, batch])) == 2
    with pytest.raises(IndexError):
        dataset[1]


def test_frames_places_and_flips_vary_and_repeat_with_the_epoch(tmp_path):
    crops = np.zeros((1, 24, 11, SIDE, SIDE), np.uint8)
    crops[0, :, 8] = np.arange(24)[:, None, None]  # number of the frame
    crops[0, :, 10, :, SIDE // 2 :] = 255
    dataset = cached(tmp_path, crops)
    flips, edges, frames = set(), set(), set()
    for batch in samples(dataset, 24):
        row = batch.truth[0, 0, 0]
        flips.add(bool(row[0]))
        edges.add(int(row.sum()))
        numbers = ((batch.crops[0, :, 8, 0, 0] + 1) * 127.5).round().int().tolist()
        assert numbers == sorted(set(numbers))
        frames.update(numbers)
    assert flips == {True, False}
    assert len(edges) > 4
    assert len(frames) > 20
    dataset.set_epoch(3)
    again = dataset[0]
    dataset.set_epoch(4)
    assert not torch.equal(dataset[0].crops, again.crops)
    dataset.set_epoch(3)
    assert torch.equal(dataset[0].crops, again.crops)


def test_the_background_is_dropped_in_some_samples(tmp_path):
    dropped = 0
    for batch in samples(cached(tmp_path), 200):
        if not batch.crops[0, :, 3:6].any():
            dropped += 1
            assert batch.crops[0, :, 6].eq(0).all()
            assert batch.crops[0, :, 7].eq(-1).all()  # no frame in the median
    assert 2 <= dropped <= 20  # of 200, at 0.05: 10 expected, within three standard deviations


def test_colours_of_frame_and_background_vary_together(tmp_path):
    crops = np.zeros((1, 24, 11, SIDE, SIDE), np.uint8)
    crops[:, :, :6] = 120
    cached(tmp_path, crops)
    colours = set()
    for batch in samples(RefinerCrops(tmp_path, 32, 0.3), 6):
        assert not batch.crops[0, :, 3:6].any()
        colours.add(float(batch.crops[0, 0, 0, 0, 0]))
    assert len(colours) == 6


# Losses


def losses_of(task, step):
    batch = next(task.batches(0, [[0, 1]]))
    task.network.train()
    return task.losses(task.network, batch, step), batch


def test_the_refiner_alone_is_trained(task, step):
    losses, batch = losses_of(task, step)
    losses.total.backward()
    model = task.network.model
    trained = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {"mask_refiner"}
    assert not model.crop_decoder.training
    # Untrained, it returns the masks of the crop decoder.
    unrefined = ((batch.crops[:, :, 9] + 1) / 2).clamp(0.003, 0.997).logit()
    assert losses.mask.item() == pytest.approx(dice_mask_loss([unrefined], batch.truth).item(), rel=1e-4)
    assert losses.total.item() == pytest.approx(2 * losses.mask.item())


def test_a_filler_does_not_count(task, filler):
    assert losses_of(task, filler)[0].total.item() == 0


def test_the_loss_falls(task, step):
    """On crops whose true masks are the differences from the background."""
    batch = next(task.batches(0, [[0, 1]]))
    batch = replace(batch, truth=batch.crops[:, :, 3] > 0.5)
    optimiser = torch.optim.Adam(task.network.model.mask_refiner.parameters(), 0.02)
    task.network.train()
    losses = []
    for _ in range(25):
        loss = task.losses(task.network, batch, step).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


def test_the_threshold_of_the_refiner_is_calibrated(task):
    model = task.network.model
    before = model.mask_refiner.change.bias.clone(), model.crop_decoder.mask.bias.clone()
    offset = task.calibrate_mask_threshold()
    assert offset in THRESHOLDS
    torch.testing.assert_close(model.mask_refiner.change.bias, before[0] + offset)
    torch.testing.assert_close(model.crop_decoder.mask.bias, before[1])


def test_a_network_without_a_refiner_is_refused(smallest):
    with pytest.raises(OptionsError, match="refiner_channels"):
        RefinerNetwork(CompactFineParser(smallest))


# Runs


@pytest.mark.slow
def test_a_run_can_be_resumed_to_the_same_weights(options, refiner_file, resumed_records):
    chosen = replace(options, config=refiner_file, train="refiner", validation_limit=1)
    records = resumed_records(chosen, "refiner/crops.npy")
    assert all(record["mask"] > 0 for record in records if record["kind"] == "train")
    assert any(record["kind"] == "validation" for record in records)
