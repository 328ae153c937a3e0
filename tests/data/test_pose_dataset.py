"""Clips with postures and points: where they are, what a mirror does, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data.datasets import ClipDataset
from fineparser.data.dives import DataError
from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import PoseBatch, PoseDataset, clip_positions
from fineparser.data.transforms import ClipTransform
from fineparser.domain.clip_geometry import LANDMARKS
from fineparser.simulator.athlete.pose import MIRRORED_FIELDS, POSE_FIELDS


@pytest.fixture(scope="module")
def source():
    return SynDives(3, seed=3, width="full")


def test_points_lie_on_the_diver(source):
    on_mask = []
    for index in range(len(source)):
        batch = PoseDataset(source)[index]
        assert batch.clips.clips.shape == (1, 3, 96, 112, 112)
        assert batch.poses.shape == (1, 96, len(POSE_FIELDS))
        assert batch.landmarks.shape == (1, 96, len(LANDMARKS), 2)
        for frame in range(0, 96, 5):
            x, y = ((batch.landmarks[0, frame, LANDMARKS.index("pelvis")] + 0.5) * 112).tolist()
            if np.isfinite(x) and 0 <= x < 112 and 0 <= y < 112:
                on_mask.append(batch.clips.masks[0, 0, frame, int(y), int(x)].item())
    assert len(on_mask) > 20
    assert np.mean(on_mask) > 0.8


def test_a_flip_flips_frames_masks_landmarks_and_poses(source):
    still, turned = PoseDataset(source), PoseDataset(source)
    still._flip_probability, turned._flip_probability = 0.0, 1.0
    one, other = still[1], turned[1]
    assert torch.equal(other.clips.clips, one.clips.clips.flip(-1))
    assert torch.equal(other.clips.masks, one.clips.masks.flip(-1))
    signs = torch.ones(len(POSE_FIELDS))
    signs[list(MIRRORED_FIELDS)] = -1
    torch.testing.assert_close(other.poses, one.poses * signs, equal_nan=True)
    torch.testing.assert_close(other.landmarks, one.landmarks * torch.tensor([-1.0, 1.0]), equal_nan=True)


def test_a_frame_without_the_diver_has_no_pose(source):
    batch = PoseDataset(source)[2]
    empty = batch.clips.masks[0, 0].sum((1, 2)) < 6
    assert batch.poses[0, empty].isnan().all()
    assert batch.landmarks[0, empty].isnan().all()


def test_dives_without_masks_are_rejected_and_those_without_poses_not(make_dive):
    from fineparser.data.dives import DiveList

    with pytest.raises(DataError, match="no masks"):
        PoseDataset(DiveList("painted", (make_dive(),)))[0]
    batch = PoseDataset(DiveList("painted", (make_dive(has_masks=True),)))[0]
    assert batch.poses.isnan().all()
    assert batch.landmarks.isnan().all()
    bare = PoseDataset(DiveList("painted", (make_dive(),)), needs_masks=False)[0]
    assert bare.clips.masks is None
    assert bare.clips.clips.shape == (1, 3, 96, 112, 112)


def test_a_random_crop_is_rejected(source):
    with pytest.raises(ValueError, match="without a random crop"):
        PoseDataset(source, ClipTransform.for_training())


def test_the_clip_is_the_one_of_the_same_transform(source):
    transform = ClipTransform()
    expected = ClipDataset(source, transform)[1]
    result = PoseDataset(source, transform)[1].clips
    assert torch.equal(result.clips, expected.clips)
    assert torch.equal(result.masks, expected.masks)
    assert torch.equal(result.transitions, expected.transitions)


def test_points_of_a_frame_of_any_shape():
    corner = np.array([0.0, 0.0])
    np.testing.assert_allclose(clip_positions(corner, 112, 112), [-0.5, -0.5])
    # The loader cuts 44 of 200 columns off the left.
    np.testing.assert_allclose(clip_positions(corner, 112, 200), [-0.5 - 44 / 112, -0.5], rtol=1e-6)
    np.testing.assert_allclose(clip_positions(np.array([320 / 240 / 2, 0.5]), 240, 320), [0, 0], atol=1e-6)


def test_batches_join(source):
    clips = PoseDataset(source)
    batch = PoseBatch.stack([clips[0], clips[1]])
    assert len(batch) == 2
    assert len(batch.clips) == 2
    assert replace(batch).to("cpu").landmarks.shape[0] == 2
