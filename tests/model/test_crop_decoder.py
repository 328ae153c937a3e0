"""Masks and keypoints of crops: shapes, and keypoints against SciPy's centre of mass."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from fineparser.domain.clip_geometry import ANKLES, HEAD, KNEES, NECK, PELVIS, TOES, WRISTS
from fineparser.model.config import KEYPOINTS, POSE_FEATURES, CompactConfig
from fineparser.model.crop_decoder import JOINTS, SEGMENTS, CropDecoder, CropPrediction, pose_features, with_neighbours
from fineparser.model.static_visual_encoder import FrameResNet


def test_masks_have_the_size_of_the_crop():
    config = CompactConfig()
    encoder = FrameResNet(config.resnet_blocks, config.resnet_channels, 4)
    stages = encoder.stages(torch.randn(3, 4, 64, 64))
    assert [stage.shape[-1] for stage in stages] == [32, 16, 8, 4, 2]
    prediction = CropDecoder(config)(stages)
    assert prediction.mask.shape == (3, 64, 64)
    assert prediction.keypoint_maps.shape == (3, KEYPOINTS, 32, 32)
    torch.testing.assert_close(prediction.keypoint_maps.exp().sum((-2, -1)), torch.ones(3, KEYPOINTS))


def test_the_features_are_the_mean_of_the_last_stage():
    torch.manual_seed(0)
    encoder = FrameResNet((1, 1, 1, 1), (8, 8, 16, 64)).eval()
    frames = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(encoder.stages(frames)[-1].mean((2, 3)), encoder(frames))


def test_keypoints_are_the_centres_of_mass_of_their_maps():
    torch.manual_seed(0)
    maps = torch.randn(2, KEYPOINTS, 16, 16).mul(3).flatten(2).log_softmax(-1).view(2, KEYPOINTS, 16, 16)
    keypoints = CropPrediction(torch.zeros(2, 32, 32), maps).keypoints
    for crop in range(2):
        for number in range(KEYPOINTS):
            probability = maps[crop, number].exp().numpy()
            row, column = ndimage.center_of_mass(probability)
            x, y = (column + 0.5) / 8 - 1, (row + 0.5) / 8 - 1
            rows, columns = np.mgrid[:16, :16]
            squared = ((rows - row) ** 2 + (columns - column) ** 2) / 64
            expected = [x, y, np.sqrt((probability * squared).sum() / probability.sum())]
            np.testing.assert_allclose(keypoints[crop, number], expected, atol=1e-4)


def test_neighbours_follow_the_crop_of_a_frame():
    crops = torch.arange(2 * 5 * 4, dtype=torch.float32).view(2, 5, 4, 1, 1).expand(-1, -1, -1, 3, 3)
    joined = with_neighbours(crops)
    assert joined.shape == (2, 5, 10, 3, 3)
    assert torch.equal(joined[:, :, :4], crops)
    for frame, before, after in ((0, 0, 1), (2, 1, 3), (4, 3, 4)):
        assert torch.equal(joined[:, frame, 4:7], crops[:, before, :3])
        assert torch.equal(joined[:, frame, 7:], crops[:, after, :3])


KNEE = 3  # in JOINTS


def body(**keypoints):
    features = torch.zeros(KEYPOINTS, 3)
    for name, position in keypoints.items():
        features[globals()[name.upper()], :2] = torch.tensor(position)
    return features


UPRIGHT = body(
    head=(0.0, -0.8), neck=(0.0, -0.5), pelvis=(0.0, 0.0), knees=(0.0, 0.4), ankles=(0.0, 0.8), toes=(0.1, 0.8),
    wrists=(0.0, -1.0),
)  # fmt: skip


def parts(keypoints):
    features = pose_features(keypoints)
    count = len(SEGMENTS)
    cosines, sines = features[..., 3 * count :].chunk(2, dim=-1)
    return features[..., : 2 * count].unflatten(-1, (count, 2)), features[..., 2 * count : 3 * count], cosines, sines


def test_an_upright_body():
    directions, lengths, cosines, _ = parts(UPRIGHT)
    assert pose_features(UPRIGHT).shape == (POSE_FEATURES,)
    torch.testing.assert_close(directions[0], torch.tensor([0.0, -1.0]))  # the trunk, up
    torch.testing.assert_close(directions[3], torch.tensor([0.0, 1.0]))  # the thighs, down
    torch.testing.assert_close(directions[5], torch.tensor([1.0, 0.0]))  # the feet, to the right
    torch.testing.assert_close(lengths[[0, 3, 6]], torch.tensor([0.5, 0.4, 1.8]))
    torch.testing.assert_close(cosines, torch.tensor([1.0, 1.0, -1.0, 1.0, 0.0]), atol=1e-6, rtol=0)


def test_bent_knees_have_their_angle_and_its_sign():
    for degrees in (30, -70, 120):
        turn = math.radians(degrees)
        bent = UPRIGHT.clone()
        bent[ANKLES, :2] = bent[KNEES, :2] + 0.4 * torch.tensor([math.sin(turn), math.cos(turn)])
        _, _, cosines, sines = parts(bent)
        assert math.degrees(math.atan2(sines[KNEE], cosines[KNEE])) == pytest.approx(-degrees, abs=1e-3)


def test_joints_do_not_depend_on_position_and_rotation_nor_directions_on_size():
    directions, lengths, cosines, sines = parts(UPRIGHT)
    moved = UPRIGHT.clone()
    moved[:, :2] = 0.5 * moved[:, :2] + 0.2
    smaller = parts(moved)
    torch.testing.assert_close(smaller[0], directions)
    torch.testing.assert_close(smaller[1], 0.5 * lengths)
    turned = UPRIGHT.clone()
    turned[:, 0], turned[:, 1] = -UPRIGHT[:, 1], UPRIGHT[:, 0]
    torch.testing.assert_close(torch.stack(parts(turned)[2:]), torch.stack([cosines, sines]))


def test_coinciding_keypoints_have_no_direction_and_a_gradient():
    keypoints = torch.zeros(2, KEYPOINTS, 3, requires_grad=True)
    features = pose_features(keypoints)
    assert (features == 0).all()
    features.sum().backward()
    assert keypoints.grad.isfinite().all()
    assert len(JOINTS) == 5
    assert {PELVIS, NECK, HEAD, TOES, WRISTS} < {point for segment in SEGMENTS for point in segment}
