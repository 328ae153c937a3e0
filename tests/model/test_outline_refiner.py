"""Outlines drawn once more: what the refiner sees, that it begins by leaving them, and that looks learn through it."""

from dataclasses import replace

import pytest
import torch

from fineparser.model.backdrop import OFFSETS, Backdrop
from fineparser.model.config import FineParserConfig
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.filmed import Filmed
from fineparser.model.fineparser import FineParser
from fineparser.model.outline_refiner import SEEN, OutlineRefiner, backdrop
from fineparser.model.pictures import normalise


@pytest.fixture
def refiner():
    torch.manual_seed(0)
    return OutlineRefiner(FineParserConfig.tiny()).eval()


@pytest.fixture
def drawn(clips):
    """A blob that wanders, [1, 96, 32, 32], between 0.01 and 0.99."""
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    centres = torch.linspace(10, 20, 96)[:, None, None]
    return torch.exp(-((rows - centres) ** 2 + (columns - 15) ** 2) / 20)[None].clamp(0.01, 0.99)


def learnt(refiner: OutlineRefiner) -> OutlineRefiner:
    torch.nn.init.normal_(refiner.change.weight, std=30.0)  # what comes that deep is small
    return refiner


def test_before_it_learns_outlines_stay(refiner, clips, drawn):
    """But for being cut out and laid back."""
    with torch.no_grad():
        refined = refiner.refine([Filmed.of(clips[0])], drawn, drawn)
    torch.testing.assert_close(refined, drawn, atol=0.05, rtol=0)


def test_channels_are_what_it_is_told_they_are():
    shown, behind = torch.full((1, 3, 2, 2), 255, dtype=torch.uint8), torch.full((1, 3, 2, 2), 191, dtype=torch.uint8)
    spread, seen = torch.full((1, 2, 2), 8, dtype=torch.uint8), torch.full((1, 2, 2), len(OFFSETS), dtype=torch.uint8)
    found = OutlineRefiner.channels(shown, behind, spread, seen, torch.zeros(1, 2, 2), torch.full((1, 2, 2), 0.75))
    assert found.shape == (1, SEEN, 2, 2)
    assert found[0, :, 0, 0].tolist() == [1, 1, 1, 2, 2, 2, 0.5, 1, -1, 0.5]
    darker = OutlineRefiner.channels(behind, shown, spread, seen, torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))
    assert darker[0, 3:6].eq(-2).all()  # differences have a sign, though pictures have none


def test_the_backdrop_of_a_clip_is_that_of_its_pictures(drawn):
    pictures = torch.randint(0, 256, (96, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    focus = DiverFocus.of(drawn)
    found = backdrop(Filmed.of(normalise(pictures.numpy())), drawn[0], focus, 16)
    places = focus.centre[0].numpy(), focus.reach[0].numpy()
    expected = Backdrop.of(pictures.numpy(), drawn[0].numpy(), *places, 16)
    for tensor, array in zip(found[:2], (expected.shown, expected.behind), strict=True):
        torch.testing.assert_close(tensor, torch.from_numpy(array).permute(0, 3, 1, 2))
    for tensor, array in zip(found[2:], (expected.spread, expected.seen), strict=True):
        torch.testing.assert_close(tensor, torch.from_numpy(array))


def test_beyond_the_squares_outlines_stay(refiner, clips, drawn):
    far = drawn.clone()
    far[..., -1, -1] = 0.4  # a corner that no square reaches
    with torch.no_grad():
        refined = learnt(refiner).refine([Filmed.of(clips[0])], drawn, far)
    assert (refined - far).abs().max() > 0.05
    torch.testing.assert_close(refined[..., -1, -1], far[..., -1, -1])


def test_portions_change_nothing(refiner, clips, drawn):
    learnt(refiner)
    with torch.no_grad():
        whole = refiner.refine([Filmed.of(clips[0])], drawn, drawn)
        refiner.squares_at_once = 7
        torch.testing.assert_close(refiner.refine([Filmed.of(clips[0])], drawn, drawn), whole, atol=1e-3, rtol=0)


def test_clips_do_not_know_of_each_other(refiner, clips, drawn):
    learnt(refiner)
    both = torch.cat([drawn, drawn.flip(1)])
    with torch.no_grad():
        together = refiner.refine([Filmed.of(clip) for clip in clips[:2]], both, both)
        alone = refiner.refine([Filmed.of(clips[1])], both[1:], both[1:])
    torch.testing.assert_close(together[1:], alone, atol=1e-3, rtol=0)


def test_gradients_reach_what_drew_the_outlines(refiner, clips, drawn):
    drawn.requires_grad_(True)
    learnt(refiner).refine([Filmed.of(clips[0])], drawn.detach(), drawn).mean().backward()
    assert drawn.grad.abs().max() > 0


def test_a_network_refines_the_masks_that_it_shows(clips):
    torch.manual_seed(0)
    model = FineParser(FineParserConfig.tiny()).eval()
    with torch.no_grad():
        before = model.encode(clips[:1])
        learnt(model.outline_refiner)
        after, bare = model.encode(clips[:1]), model.encode(clips[:1], masks=False)
    assert (after.mask_probability - before.mask_probability).abs().max() > 0.01
    assert bare.outlines is None
    for name in ("static", "dynamic", "transition_probabilities"):  # which it has no part in
        torch.testing.assert_close(getattr(after, name), getattr(before, name))


def test_without_channels_there_is_none():
    config = replace(FineParserConfig.tiny(), refiner_channels=())
    assert FineParser(config).outline_refiner is None
