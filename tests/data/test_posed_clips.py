"""Clips with postures and points: where they are, what a mirror does, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data.dives import DataError
from fineparser.data.pairs import ClipDataset
from fineparser.data.posed_clips import PosedBatch, PosedClips, in_clip
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.simulator.posture import LANDMARKS, POSTURE, SIDEWAYS


@pytest.fixture(scope="module")
def source():
    return SynDives(3, seed=3, width="full")


def test_points_lie_on_the_diver(source):
    on_mask = []
    for index in range(len(source)):
        batch = PosedClips(source)[index]
        assert batch.clips.clips.shape == (1, 3, 96, 112, 112)
        assert batch.postures.shape == (1, 96, len(POSTURE))
        assert batch.landmarks.shape == (1, 96, len(LANDMARKS), 2)
        for frame in range(0, 96, 5):
            x, y = ((batch.landmarks[0, frame, LANDMARKS.index("pelvis")] + 0.5) * 112).tolist()
            if np.isfinite(x) and 0 <= x < 112 and 0 <= y < 112:
                on_mask.append(batch.clips.masks[0, 0, frame, int(y), int(x)].item())
    assert len(on_mask) > 20
    assert np.mean(on_mask) > 0.8


def test_a_mirror_turns_pictures_masks_points_and_sideways_numbers(source):
    still, turned = PosedClips(source), PosedClips(source)
    still._mirror_chance, turned._mirror_chance = 0.0, 1.0
    one, other = still[1], turned[1]
    assert torch.equal(other.clips.clips, one.clips.clips.flip(-1))
    assert torch.equal(other.clips.masks, one.clips.masks.flip(-1))
    signs = torch.ones(len(POSTURE))
    signs[list(SIDEWAYS)] = -1
    torch.testing.assert_close(other.postures, one.postures * signs, equal_nan=True)
    torch.testing.assert_close(other.landmarks, one.landmarks * torch.tensor([-1.0, 1.0]), equal_nan=True)


def test_a_frame_without_the_diver_tells_nothing(source):
    batch = PosedClips(source)[2]
    empty = batch.clips.masks[0, 0].sum((1, 2)) < 6
    assert batch.postures[0, empty].isnan().all()
    assert batch.landmarks[0, empty].isnan().all()


def test_dives_without_masks_are_refused_and_those_without_postures_not(make_dive):
    from fineparser.data.dives import DiveList

    with pytest.raises(DataError, match="no masks"):
        PosedClips(DiveList("painted", (make_dive(),)))[0]
    batch = PosedClips(DiveList("painted", (make_dive(has_masks=True),)))[0]
    assert batch.postures.isnan().all()
    assert batch.landmarks.isnan().all()
    bare = PosedClips(DiveList("painted", (make_dive(),)), needs_masks=False)[0]
    assert bare.clips.masks is None
    assert bare.clips.clips.shape == (1, 3, 96, 112, 112)


def test_a_random_crop_is_refused(source):
    with pytest.raises(ValueError, match="random crop would lose them"):
        PosedClips(source, ClipTransform.for_training())


def test_the_clip_is_the_one_of_the_same_transform(source):
    transform = ClipTransform()
    expected = ClipDataset(source, transform)[1]
    found = PosedClips(source, transform)[1].clips
    assert torch.equal(found.clips, expected.clips)
    assert torch.equal(found.masks, expected.masks)
    assert torch.equal(found.transitions, expected.transitions)


def test_points_of_a_picture_of_any_shape():
    corner = np.array([0.0, 0.0])
    np.testing.assert_allclose(in_clip(corner, 112, 112), [-0.5, -0.5])
    # The loader cuts 44 of 200 columns off the left.
    np.testing.assert_allclose(in_clip(corner, 112, 200), [-0.5 - 44 / 112, -0.5], rtol=1e-6)
    np.testing.assert_allclose(in_clip(np.array([320 / 240 / 2, 0.5]), 240, 320), [0, 0], atol=1e-6)


def test_batches_join(source):
    clips = PosedClips(source)
    batch = PosedBatch.stack([clips[0], clips[1]])
    assert len(batch) == 2
    assert len(batch.clips) == 2
    assert replace(batch).to("cpu").landmarks.shape[0] == 2
