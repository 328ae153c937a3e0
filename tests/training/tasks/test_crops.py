"""The task "crops": its cache, the augmentation of cached crops, its losses, and runs of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import PoseBatch, PoseDataset
from fineparser.data.transforms import ClipTransform
from fineparser.model.compact import CompactFineParser
from fineparser.model.crop_track import CropTrack
from fineparser.model.paper import FineParser
from fineparser.model.protocol import frame_probability
from fineparser.model.temporal_action_parser import decode_transitions
from fineparser.simulator.athlete.pose import MIRRORED_FIELDS, POSE_FIELDS
from fineparser.training.auxiliary_losses import (
    TRACK_FAULT_WEIGHT,
    TRACK_POSE_WEIGHT,
    keypoint_loss,
    pose_loss,
    token_fault_loss,
)
from fineparser.training.encoded_dives import resize_batch
from fineparser.training.launch import train
from fineparser.training.losses import dice_mask_loss, soft_transition_loss
from fineparser.training.mask_threshold import THRESHOLDS
from fineparser.training.options import OptionsError
from fineparser.training.run_folder import Run
from fineparser.training.tasks.crops import (
    CROP_MARGIN,
    CropBatch,
    CropNetwork,
    CropsTask,
    CropTracks,
    SingleCrops,
    TrackBatch,
    cut_crops,
    jitter_transitions,
    mask_measures,
    pooling_transitions,
)

pytestmark = pytest.mark.slow

DETAILED = replace(ClipTransform.for_centre_training(scale=2), mask_scale=2)


@pytest.fixture(scope="module")
def source():
    return SynDives(2, seed=3, width="full")


@pytest.fixture(scope="module")
def clips(source):
    return PoseDataset(source)


@pytest.fixture
def task(smallest, source, context) -> CropsTask:
    torch.manual_seed(0)
    return CropsTask(context(CompactFineParser(smallest), source, train="crops", transition_weight=0.5))


# The cache


def whole_frame(batch: PoseBatch) -> CropTrack:
    frames = batch.clips.clips.shape[2]
    return CropTrack(torch.zeros(1, frames, 2), torch.full((1, frames), 0.5))


def test_a_crop_of_the_whole_frame_has_the_clip_in_its_middle(clips):
    batch = clips[0]
    clip, masks = batch.clips.clips, batch.clips.masks
    guides = masks[:, 0].float() * 0.5
    crops, poses, keypoints = cut_crops(whole_frame(batch), guides, clip, batch, 112)
    edge = (crops.shape[-1] - 112) // 2
    middle = torch.from_numpy(crops[0, :, :, edge : edge + 112, edge : edge + 112]).float() / 255
    mean, deviation = (
        torch.tensor(values).view(3, 1, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    assert ((middle[:, :3].transpose(0, 1) - mean) / deviation - clip[0]).abs().mean() < 0.02
    torch.testing.assert_close(middle[:, 3], guides[0], atol=0.01, rtol=0)
    assert ((middle[:, 4] >= 0.5) == masks[0, 0]).float().mean() > 0.999
    np.testing.assert_allclose(keypoints, batch.landmarks.numpy() * 2, atol=1e-6)
    np.testing.assert_array_equal(poses, batch.poses.numpy())


def test_crops_are_cut_at_the_resolution_of_the_frames():
    """A clip of twice the size, with columns finer than a pixel of the guide masks, in crops of its own size."""
    batch = PoseDataset(SynDives(1, seed=3, lines=224), DETAILED)[0]
    assert batch.clips.clips.shape[-1] == batch.clips.masks.shape[-1] == 224
    clip = torch.zeros_like(batch.clips.clips) - 2
    clip[..., ::2] = 2
    track, guides = whole_frame(batch), torch.zeros(1, 96, 112, 112)
    crops, _, keypoints = cut_crops(track, guides, clip, batch, 224)
    middle = crops[0, 0, 0, 28:252, 28:252].astype(int)
    assert np.array_equal(middle[:, ::2] > middle[:, 1::2], np.ones((224, 112)))
    truth = crops[0, :, 4, 28:252, 28:252] >= 128
    assert (truth == batch.clips.masks[0, 0].numpy()).mean() > 0.999
    coarse = PoseDataset(SynDives(1, seed=3))[0]
    np.testing.assert_allclose(keypoints, coarse.landmarks.numpy() * 2, atol=2e-3)


def test_the_cache_has_crops_of_the_diver_and_the_labels_of_the_dives(task, clips):
    folder = task.cache_folder
    assert np.load(folder / "crops.npy").any(axis=(2, 3, 4)).mean() > 0.9
    labels = clips[1].clips
    expected = torch.cat([labels.transitions[0].float(), labels.noise_free_award, labels.deductions[0]])
    torch.testing.assert_close(task._tracks[1].labels[0], expected)


def test_keypoints_of_tracks_have_their_positions_in_the_frame(task, clips):
    """Crop coordinates and the place of the crop give the position in the frame, or in the mirrored frame."""
    known = clips[0].landmarks
    mirrored = 0
    for epoch in range(6):
        task._tracks.set_epoch(epoch)
        track = task._tracks[0]
        assert track.crops.shape == (1, 96, 10, 32, 32)
        centre, half_side = track.places[..., :2], track.places[..., 2]
        points = track.keypoints * half_side[..., None, None] + centre[:, :, None]
        inside = points.isfinite()
        assert inside.float().mean() > 0.2
        errors = [(points - known * torch.tensor(sides))[inside].abs().max() for sides in ((1.0, 1.0), (-1.0, 1.0))]
        assert min(errors) < 1e-4
        mirrored += int(errors[1] < errors[0])
    assert 0 < mirrored < 6
    assert len(TrackBatch.stack([task._tracks[0], task._tracks[1]])) == 2


# Augmentation


def cached(folder, position=0.6) -> SingleCrops:
    """Crops that are black except for a white column, where the keypoints are, too; poses have the frame number."""
    side = 40
    crops = np.zeros((1, 96, 5, side, side), np.uint8)
    column = int(side * position)
    crops[..., column] = 255
    x = ((column + 0.5) / side * 2 - 1) * CROP_MARGIN
    keypoints = np.full((1, 96, 7, 2), [x, 0.0], np.float32)
    poses = np.broadcast_to(np.arange(96, dtype=np.float32)[None, :, None], (1, 96, len(POSE_FIELDS)))
    for name, array in (("crops", crops), ("keypoints", keypoints), ("poses", poses)):
        np.save(folder / f"{name}.npy", array)
    (folder / "whole.json").write_text(json.dumps({"clips": 1}))
    return SingleCrops(folder, 32)


def test_keypoints_follow_the_crop_through_shift_scale_and_flip(tmp_path):
    dataset = cached(tmp_path)
    mirrored = 0
    for epoch in range(12):
        dataset.set_epoch(epoch)
        batch = dataset[0]
        assert batch.crops.shape == (1, 12, 10, 32, 32)
        density = batch.truth[0].float().mean((0, 1))
        column = ((density * (torch.arange(32) + 0.5)).sum() / density.sum()).item() / 16 - 1
        inside = batch.keypoints[0][batch.keypoints[0].isfinite().all(-1)]
        assert inside[:, 0] == pytest.approx(torch.full((len(inside),), column).numpy(), abs=0.05)
        mirrored += int((batch.poses[0, :, MIRRORED_FIELDS[0]] < 0).any())
    assert 0 < mirrored < 12


def test_single_crops_are_every_eighth_frame_and_repeat_with_the_epoch(tmp_path):
    dataset = cached(tmp_path)
    first = dataset[0].poses[0, :, POSE_FIELDS.index("age")]
    assert first.diff().unique().tolist() == [8]
    dataset.set_epoch(1)
    other = dataset[0].crops
    dataset.set_epoch(0)
    assert not torch.equal(dataset[0].crops, other)
    assert torch.equal(dataset[0].poses[0, :, POSE_FIELDS.index("age")], first)
    assert len(CropBatch.stack([dataset[0], dataset[0]])) == 2
    with pytest.raises(IndexError):
        dataset[1]


def test_neighbours_have_the_same_place_and_colours(tmp_path):
    dataset = cached(tmp_path)
    crops = np.load(tmp_path / "crops.npy")
    crops[:, :, :3] = np.arange(96, dtype=np.uint8)[None, :, None, None, None]
    np.save(tmp_path / "crops.npy", crops)
    deviation = torch.tensor((0.229, 0.224, 0.225))
    for epoch in range(8):
        dataset.set_epoch(epoch)
        sample = dataset[0].crops[0]
        current, before, after = (sample[:, start : start + 3].mean((2, 3)) * deviation * 255 for start in (0, 4, 7))
        numbers = (current + torch.tensor((0.485, 0.456, 0.406)) * 255).mean(1).round()
        is_first, is_last = numbers == 0, numbers == 95  # without a frame before, or after
        assert (current - before).numpy() == pytest.approx(np.tile((~is_first).float()[:, None].numpy(), 3), abs=0.02)
        assert (after - current).numpy() == pytest.approx(np.tile((~is_last).float()[:, None].numpy(), 3), abs=0.02)


def test_the_guide_mask_is_dropped_in_some_samples(tmp_path):
    dataset = cached(tmp_path)
    crops = np.load(tmp_path / "crops.npy")
    crops[:, :, 3:] = 255
    np.save(tmp_path / "crops.npy", crops)
    dropped = 0
    for epoch in range(60):
        dataset.set_epoch(epoch)
        batch = dataset[0]
        assert batch.truth.all()
        dropped += not batch.crops[:, :, 3].any()
    assert 4 <= dropped <= 22  # of 60, at 0.2: 12 expected, within three standard deviations


def test_colours_vary(tmp_path):
    cached(tmp_path)
    plain, varied = (SingleCrops(tmp_path, 32, jitter)[0].crops for jitter in (0.0, 0.3))
    assert not torch.allclose(plain[:, :, :3], varied[:, :, :3])
    assert torch.equal(plain[:, :, 3], varied[:, :, 3])


def test_crops_of_tracks_match_their_guide_masks_and_places(tmp_path):
    cached(tmp_path)
    rows, columns = np.mgrid[:112, :112]
    blob = np.exp(-((columns - 60) ** 2 / 200 + (rows - 50) ** 2 / 80))  # right of and above the middle
    guides = np.broadcast_to((blob * 255).astype(np.uint8), (1, 96, 112, 112))
    places = np.broadcast_to(np.float32([0.05, -0.02, 0.2]), (1, 96, 3))
    masks = torch.from_numpy(guides / np.float32(255))
    centre, half_side = (torch.from_numpy(part.copy()) for part in (places[..., :2], places[..., 2]))
    crops = np.load(tmp_path / "crops.npy")
    crops[0, :, 3] = (CropTrack(centre, half_side * CROP_MARGIN).crop(masks[:, None], 40)[:, 0] * 255).numpy()
    for name, array in (("crops", crops), ("guides", guides), ("places", places)):
        np.save(tmp_path / f"{name}.npy", array)
    np.save(tmp_path / "labels.npy", np.zeros((1, 16), np.float32))
    tracks = CropTracks(tmp_path, 32)
    compared = 0
    for epoch in range(6):
        tracks.set_epoch(epoch)
        track = tracks[0]
        guide = track.crops[0, :, 3]
        crop_track = CropTrack(track.places[..., :2], track.places[..., 2])
        compared += bool(guide.any())
        assert not guide.any() or (guide - crop_track.crop(track.guides[:, None], 32)[:, 0]).abs().max() < 0.03
    assert compared > 2


# Losses


def losses_of(task, step):
    batch = next(task.batches(0, [[0, 1]]))
    task.network.train()
    return task.losses(task.network, batch, step), batch


def test_the_losses_are_those_of_its_parts(task, step):
    losses, (crops, track) = losses_of(task, step)
    losses.total.backward()
    model = task.network.model
    trained = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    pooling = {"static_pooling", "dynamic_pooling"}
    assert trained == {"crop_encoder", "crop_decoder", "temporal_action_parser"} | pooling
    assert not model.spatial_action_parser.training
    assert (len(crops), len(track)) == (2, 1)  # single frames of two dives, and the first of them whole
    torch.manual_seed(0)  # of the jitter of the transitions
    outputs = task.network(crops.crops, track)
    assert outputs["poses"].shape == (2, 12, len(POSE_FIELDS))
    assert outputs["track_poses"].shape == (1, 96, len(POSE_FIELDS))
    truth = torch.cat([crops.truth.flatten(0, 1), track.truth[0]])
    mask = dice_mask_loss([outputs["prediction"].mask[:, None]], truth[:, None])
    keypoints = torch.cat([crops.keypoints.flatten(0, 1), track.keypoints[0]])
    auxiliary = pose_loss(outputs["poses"], crops.poses, torch.ones(2))
    auxiliary = auxiliary + keypoint_loss(outputs["prediction"], keypoints, torch.ones(24 + 96))
    auxiliary = auxiliary + TRACK_POSE_WEIGHT * pose_loss(outputs["track_poses"], track.poses, torch.ones(1))
    faults = token_fault_loss(outputs["faults"], track.labels[:, 3:], track.labels[:, 2], torch.ones(1))
    auxiliary = auxiliary + TRACK_FAULT_WEIGHT * faults
    transition = soft_transition_loss(outputs["probabilities"], track.labels[:, :2])
    assert losses.mask.item() == pytest.approx(mask.item(), rel=1e-4)
    assert losses.transition.item() == pytest.approx(transition.item(), rel=1e-4)
    assert losses.auxiliary.item() == pytest.approx(auxiliary.item(), rel=0.05)  # the jitter is another one
    assert losses.total.item() == pytest.approx((losses.mask + losses.auxiliary + 0.5 * losses.transition).item())


def test_mask_measures_are_those_of_the_network(task):
    """For a clip with the crops of the network itself, without augmentation."""
    model = task.network.model.eval()
    frames = resize_batch(task._clips[0].clips, model.config).clips
    with torch.no_grad():
        guides = frame_probability(model.predict_masks(frames), model.config.window_starts)
        track = CropTrack.from_masks(guides)
        _, prediction = model.encode_crops(frames, guides, track)
        expected = model.track_features(frames, guides).tracks[:, 0]
        places = torch.cat([track.centre, track.half_side[..., None]], dim=-1)
        empty = torch.zeros(1)
        batch = TrackBatch(empty, empty, empty, empty, guides, places, empty)
        measures = mask_measures(prediction.mask.sigmoid()[None], batch)
    torch.testing.assert_close(measures, expected.split(model.config.track_parts, dim=-1)[2])


def test_a_filler_does_not_count(task, filler):
    assert losses_of(task, filler)[0].total.item() == 0


def test_the_threshold_of_the_crop_decoder_is_calibrated(task):
    decoder = task.network.model.crop_decoder
    before = decoder.mask.bias.clone()
    offset = task.calibrate_mask_threshold()
    torch.testing.assert_close(decoder.mask.bias, before + offset)


def test_the_published_network_is_refused(published):
    with pytest.raises(OptionsError, match="crop encoder of CompactFineParser"):
        CropNetwork(FineParser(published))


# Runs


def test_a_run_can_be_resumed_to_the_same_weights(options, resumed_records, tmp_path):
    chosen = replace(options, train="crops", ema_decay=0.5, weight_decay=0.01)
    records = resumed_records(chosen, "crops/crops.npy")
    # Checkpoints have the EMA, beside the weights to resume from.
    last = Run.read(tmp_path / "whole").checkpoints.last
    ema = CompactFineParser.from_pretrained(last).state_dict()["crop_encoder.conv1.weight"]
    current = torch.load(last / "optimiser.pt", weights_only=True)["weights"]["crop_encoder.conv1.weight"]
    assert not torch.equal(ema, current)
    torch.testing.assert_close(ema, current, atol=0.02, rtol=0)
    assert all(r["auxiliary"] > 0 and r["mask"] > 0 for r in records if r["kind"] == "train")
    assert any("no validation metric" in r["text"] for r in records if r["kind"] == "note")
    (threshold,) = [record for record in records if record["kind"] == "mask_threshold"]
    assert threshold["step"] == 4
    assert threshold["offset"] in THRESHOLDS


def test_dives_with_masks_alone_train_masks(options, tmp_path):
    result = train(replace(options, train="crops", out=tmp_path / "run", max_steps=2))
    records = [record for record in Run.read(result.run).records() if record["kind"] == "train"]
    assert all(record["mask"] > 0 and record["auxiliary"] == 0 for record in records)


def test_the_jitter_is_small_and_keeps_the_order():
    torch.manual_seed(0)
    labelled = torch.tensor([[10, 11], [0, 95], [94, 95]]).repeat(50, 1)
    moved = jitter_transitions(labelled, 96)
    assert (moved[:, 0] <= moved[:, 1]).all()
    assert moved.min() >= 0
    assert moved.max() <= 95
    assert (moved - labelled).abs().max() <= 3


def test_clips_without_labels_are_pooled_at_predictions(smallest):
    torch.manual_seed(0)
    probabilities = torch.rand(2, 96, 2).softmax(1)
    labelled = torch.tensor([[10.0, 50.0], [torch.nan, torch.nan]])
    transitions = pooling_transitions(CompactFineParser(smallest), labelled, probabilities)
    assert (transitions[0] - labelled[0]).abs().max() <= 2
    assert torch.equal(transitions[1], decode_transitions(probabilities, "ordered")[1])
