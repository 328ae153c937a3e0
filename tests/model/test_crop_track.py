"""Crops around the diver: position, content, and the way back."""

import torch
from torchvision.transforms.functional import resize

from fineparser.model.config import MASK_MEASURES
from fineparser.model.crop_track import HALF_SIDE_OVER_SPREAD, CropTrack, smooth


def boxes(*edges, frames=20, side=100):
    """Masks [1, frames, side, side] that are 1 in the boxes (top, bottom, left, right)."""
    masks = torch.zeros(1, frames, side, side)
    for top, bottom, left, right in edges:
        masks[..., top:bottom, left:right] = 1
    return masks


def test_it_is_centred_on_a_still_mask():
    masks = boxes((10, 50, 60, 80))
    track = CropTrack.from_masks(masks)
    middle = slice(8, 12)
    torch.testing.assert_close(track.centre[0, middle], torch.tensor([[0.2, -0.2]]).expand(4, -1), atol=0.02, rtol=0)
    spread = ((0.4**2 + 0.2**2) / 12) ** 0.5
    torch.testing.assert_close(
        track.half_side[0, middle], torch.full((4,), HALF_SIDE_OVER_SPREAD * spread), atol=0.02, rtol=0
    )
    measures = track.measures(masks)
    assert measures.shape == (1, 20, MASK_MEASURES)
    assert measures.isfinite().all()


def test_without_a_diver_it_is_the_whole_frame():
    track = CropTrack.from_masks(torch.zeros(1, 20, 64, 64))
    assert track.centre.abs().max() == 0
    assert (track.half_side == 0.5).all()
    frame = torch.rand(1, 3, 20, 64, 64)
    torch.testing.assert_close(track.crop(frame, 64), frame[0].transpose(0, 1))


def test_a_gap_of_a_few_frames_is_bridged():
    masks = boxes((10, 50, 60, 80))
    masks[:, 9:11] = 0
    track = CropTrack.from_masks(masks)
    assert (track.centre[0, 9] - torch.tensor([0.2, -0.2])).abs().max() < 0.03


def test_a_reduced_crop_is_an_antialiased_resize():
    frame = torch.rand(1, 3, 4, 100, 100)
    track = CropTrack(torch.zeros(1, 4, 2), torch.full((1, 4), 0.5))
    reference = resize(frame[0].transpose(0, 1), [40, 40], antialias=True)
    torch.testing.assert_close(track.crop(frame, 40), reference, atol=1e-5, rtol=0)


def test_it_is_zero_beyond_the_frame():
    track = CropTrack(torch.full((1, 1, 2), 0.5), torch.full((1, 1), 0.25))
    crop = track.crop(torch.ones(1, 1, 1, 80, 80), 40)[0, 0]
    assert (crop[:20, :20] == 1).all()
    assert (crop[21:] == 0).all()
    assert (crop[:, 21:] == 0).all()


def test_a_crop_is_pasted_back_into_its_place():
    rows, columns = torch.meshgrid(torch.linspace(0, 6, 96), torch.linspace(0, 6, 96), indexing="ij")
    frame = (0.5 + 0.4 * torch.sin(rows) * torch.cos(columns))[None, None, None]  # smooth: survives the scaling
    track = CropTrack(torch.tensor([[[0.1, -0.2]]]), torch.full((1, 1), 0.2))
    for size in (24, 64):
        pasted = track.paste(track.crop(frame, size)[None, :, 0], torch.full((1, 1, 96, 96), -1.0))[0, 0]
        inside = pasted >= 0
        # 0.4 of the side, from 0.4 to 0.8 of the width and from 0.1 to 0.5 of the height
        assert inside.nonzero().min(0).values.tolist() == [10, 38]
        assert inside.nonzero().max(0).values.tolist() == [47, 76]
        assert (pasted - frame[0, 0, 0])[inside].abs().max() < 0.03
        assert (pasted[~inside] == -1).all()


def test_other_masks_change_the_measures_and_not_the_crops():
    masks = boxes((10, 50, 60, 80))
    track = CropTrack.from_masks(masks)
    own, other = track.measures(masks), track.measures(boxes((20, 30, 60, 80)))
    assert torch.equal(other[..., -3:-1], track.centre)
    assert torch.equal(other[..., -3:], own[..., -3:])
    assert (other[..., 0] < own[..., 0]).all()


def test_smoothing_preserves_the_sum_far_from_the_ends():
    values = torch.zeros(1, 41)
    values[0, 20] = 1
    torch.testing.assert_close(smooth(values, 2.0).sum(), torch.tensor(1.0))
    torch.testing.assert_close(smooth(values[..., None].expand(-1, -1, 3), 2.0)[..., 1], smooth(values, 2.0))


def test_flipped_crops_show_the_mirrored_frame():
    track = CropTrack(torch.tensor([[[0.1, -0.2]]]), torch.full((1, 1), 0.2))
    frame = torch.rand(1, 3, 1, 64, 64)
    torch.testing.assert_close(track.flip().crop(frame.flip(-1), 24), track.crop(frame, 24).flip(-1))


def test_each_clip_and_some_frames():
    track = CropTrack(torch.rand(3, 5, 2), torch.rand(3, 5))
    assert [len(one) for one in track] == [1, 1, 1]
    assert torch.equal(list(track)[1].centre, track.centre[1:2])
    some = track.select_frames([4, 0]).enlarge(2.0)
    assert torch.equal(some.half_side, 2 * track.half_side[:, [4, 0]])
