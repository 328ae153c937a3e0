"""The square around the diver: where it lies, and what it shows."""

import torch
from torchvision.transforms.functional import resize

from fineparser.model.config import MEASURES
from fineparser.model.diver_focus import REACH, DiverFocus, smooth


def boxes(*edges, frames=20, side=100):
    """Masks [1, frames, side, side] that are 1 in the boxes (top, bottom, left, right)."""
    masks = torch.zeros(1, frames, side, side)
    for top, bottom, left, right in edges:
        masks[..., top:bottom, left:right] = 1
    return masks


def test_it_lies_around_a_still_mask():
    masks = boxes((10, 50, 60, 80))
    focus = DiverFocus.of(masks)
    middle = slice(8, 12)
    torch.testing.assert_close(focus.centre[0, middle], torch.tensor([[0.2, -0.2]]).expand(4, -1), atol=0.02, rtol=0)
    spread = ((0.4**2 + 0.2**2) / 12) ** 0.5
    torch.testing.assert_close(focus.reach[0, middle], torch.full((4,), REACH * spread), atol=0.02, rtol=0)
    measures = focus.measures(masks)
    assert measures.shape == (1, 20, MEASURES)
    assert measures.isfinite().all()


def test_without_a_diver_it_shows_the_whole_picture():
    focus = DiverFocus.of(torch.zeros(1, 20, 64, 64))
    assert focus.centre.abs().max() == 0
    assert (focus.reach == 0.5).all()
    picture = torch.rand(1, 3, 20, 64, 64)
    torch.testing.assert_close(focus.cut(picture, 64), picture[0].transpose(0, 1))


def test_a_gap_of_a_few_frames_is_bridged():
    masks = boxes((10, 50, 60, 80))
    masks[:, 9:11] = 0
    focus = DiverFocus.of(masks)
    assert (focus.centre[0, 9] - torch.tensor([0.2, -0.2])).abs().max() < 0.03


def test_a_shrunk_cut_averages_as_an_antialiased_resize_does():
    picture = torch.rand(1, 3, 4, 100, 100)
    focus = DiverFocus(torch.zeros(1, 4, 2), torch.full((1, 4), 0.5))
    reference = resize(picture[0].transpose(0, 1), [40, 40], antialias=True)
    torch.testing.assert_close(focus.cut(picture, 40), reference, atol=1e-5, rtol=0)


def test_beyond_the_edge_there_is_nothing():
    focus = DiverFocus(torch.full((1, 1, 2), 0.5), torch.full((1, 1), 0.25))
    cut = focus.cut(torch.ones(1, 1, 1, 80, 80), 40)[0, 0]
    assert (cut[:20, :20] == 1).all()
    assert (cut[21:] == 0).all()
    assert (cut[:, 21:] == 0).all()


def test_what_was_cut_is_laid_back_where_it_was():
    rows, columns = torch.meshgrid(torch.linspace(0, 6, 96), torch.linspace(0, 6, 96), indexing="ij")
    picture = (0.5 + 0.4 * torch.sin(rows) * torch.cos(columns))[None, None, None]  # smooth: survives the scaling
    focus = DiverFocus(torch.tensor([[[0.1, -0.2]]]), torch.full((1, 1), 0.2))
    for size in (24, 64):
        laid = focus.paste(focus.cut(picture, size)[None, :, 0], torch.full((1, 1, 96, 96), -1.0))[0, 0]
        inside = laid >= 0
        # 0.4 of the side, from 0.4 to 0.8 of the width and from 0.1 to 0.5 of the height
        assert inside.nonzero().min(0).values.tolist() == [10, 38]
        assert inside.nonzero().max(0).values.tolist() == [47, 76]
        assert (laid - picture[0, 0, 0])[inside].abs().max() < 0.03
        assert (laid[~inside] == -1).all()


def test_other_masks_change_the_measures_and_not_the_squares():
    masks = boxes((10, 50, 60, 80))
    focus = DiverFocus.of(masks)
    own, other = focus.measures(masks), focus.measures(boxes((20, 30, 60, 80)))
    assert torch.equal(other[..., -3:-1], focus.centre)
    assert torch.equal(other[..., -3:], own[..., -3:])
    assert (other[..., 0] < own[..., 0]).all()


def test_smoothing_keeps_the_sum_of_what_is_far_from_the_ends():
    values = torch.zeros(1, 41)
    values[0, 20] = 1
    torch.testing.assert_close(smooth(values, 2.0).sum(), torch.tensor(1.0))
    torch.testing.assert_close(smooth(values[..., None].expand(-1, -1, 3), 2.0)[..., 1], smooth(values, 2.0))
