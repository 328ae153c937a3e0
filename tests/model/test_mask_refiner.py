"""Refined masks: the refiner's input, its start, and its gradients."""

import pytest
import torch

from fineparser.model.background import FRAME_OFFSETS, Background
from fineparser.model.chunks import REFINER_CHANNELS
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.crop_track import CropTrack
from fineparser.model.mask_refiner import MaskRefiner, background_of
from fineparser.model.protocol import ClipInput, pixel_values


@pytest.fixture
def refiner():
    torch.manual_seed(0)
    return MaskRefiner(CompactConfig.tiny()).eval()


@pytest.fixture
def masks():
    """A blob that wanders, [1, 96, 32, 32], between 0.01 and 0.99."""
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    centres = torch.linspace(10, 20, 96)[:, None, None]
    return torch.exp(-((rows - centres) ** 2 + (columns - 15) ** 2) / 20)[None].clamp(0.01, 0.99)


@pytest.fixture
def clip(clips) -> ClipInput:
    return clips.select([0])


def trained(refiner: MaskRefiner) -> MaskRefiner:
    torch.nn.init.normal_(refiner.change.weight, std=30.0)  # features that deep are small
    return refiner


def test_untrained_it_leaves_the_masks(refiner, clip, masks):
    """Except for cropping and pasting."""
    with torch.no_grad():
        refined = refiner.refine(clip, masks, masks)
    torch.testing.assert_close(refined, masks, atol=0.05, rtol=0)


def test_channels():
    bright, dark = torch.full((1, 3, 2, 2), 255.0), torch.full((1, 3, 2, 2), 191.0)
    spread, count = torch.full((1, 2, 2), 8.0), torch.full((1, 2, 2), float(len(FRAME_OFFSETS)))
    channels = MaskRefiner.channels(
        Background(bright, dark, spread, count), torch.zeros(1, 2, 2), torch.full((1, 2, 2), 0.75)
    )
    assert channels.shape == (1, REFINER_CHANNELS, 2, 2)
    assert channels[0, :, 0, 0].tolist() == [1, 1, 1, 2, 2, 2, 0.5, 1, -1, 0.5]
    darker = MaskRefiner.channels(Background(dark, bright, spread, count), torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))
    assert darker[0, 3:6].eq(-2).all()  # differences have a sign


def test_the_background_of_a_clip_is_that_of_its_pixels(clip, masks):
    track = CropTrack.from_masks(masks)
    found = background_of(clip, masks[0], track, 16)
    pixels = pixel_values(clip.frames[0].transpose(0, 1)).transpose(0, 1)
    expected = Background.from_clip(pixels, masks[0], track, (clip.camera_motion[0], clip.shots[0]), 16)
    for name in ("crops", "background", "spread", "count"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name))


def test_outside_the_crops_masks_stay(refiner, clip, masks):
    far = masks.clone()
    far[..., -1, -1] = 0.4  # a corner that no crop reaches
    with torch.no_grad():
        refined = trained(refiner).refine(clip, masks, far)
    assert (refined - far).abs().max() > 0.05
    torch.testing.assert_close(refined[..., -1, -1], far[..., -1, -1])


def test_chunks_change_nothing(refiner, clip, masks):
    trained(refiner)
    with torch.no_grad():
        whole = refiner.refine(clip, masks, masks)
        torch.testing.assert_close(refiner.refine(clip, masks, masks, chunk=7), whole, atol=1e-3, rtol=0)


def test_clips_of_a_batch_do_not_depend_on_each_other(refiner, clips, masks):
    trained(refiner)
    both = torch.cat([masks, masks.flip(1)])
    with torch.no_grad():
        together = refiner.refine(clips.select([0, 1]), both, both)
        alone = refiner.refine(clips.select([1]), both[1:], both[1:])
    torch.testing.assert_close(together[1:], alone, atol=1e-3, rtol=0)


def test_gradients_reach_the_masks_that_are_refined(refiner, clip, masks):
    masks.requires_grad_(True)
    trained(refiner).refine(clip, masks.detach(), masks).mean().backward()
    assert masks.grad.abs().max() > 0


def test_a_network_refines_its_masks_and_nothing_else(clip):
    torch.manual_seed(0)
    model = CompactFineParser(CompactConfig.tiny()).eval()
    with torch.no_grad():
        encoding, before = model.encode_with_diagnostics(clip)
        trained(model.mask_refiner)
        again, after = model.encode_with_diagnostics(clip)
    assert (after.masks - before.masks).abs().max() > 0.01
    for name in ("static", "dynamic", "transition_probabilities"):
        torch.testing.assert_close(getattr(again, name), getattr(encoding, name))
