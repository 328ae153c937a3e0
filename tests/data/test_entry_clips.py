"""Entries out of dives whose masks are known: where the squares lie, what they show, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data import entry_clips
from fineparser.data.dives import DataError, DiveList
from fineparser.data.entry_clips import EntryClipBatch, EntryClips
from fineparser.data.kept_dives import keep_dives, read_kept
from fineparser.data.pairs import load_clip
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.model.entry_scene import OFFSETS, EntryScene
from fineparser.model.filmed import Filmed

SIZE = 32


@pytest.fixture(scope="module")
def source():
    return SynDives(3, seed=3, width="full")


@pytest.fixture
def exactly(monkeypatch):
    """No error in where the entry is looked for, and nothing trimmed."""
    monkeypatch.setattr(entry_clips, "FRAMES_OFF", {0: 1.0})
    monkeypatch.setattr(entry_clips, "PLACE_OFF", 0.0)
    monkeypatch.setattr(entry_clips, "LENGTH_OFF", 0.0)

    def make(source, **how):
        clips = EntryClips(source, SIZE, **how)
        clips._transform = replace(clips._transform, longest_end_shift=0, cut_short=0.0)
        return clips

    return make


@pytest.mark.parametrize("detail", [1, 2])
def test_they_are_what_the_whole_clip_shows_about_its_entry(detail, exactly):
    """The scene of all 96 frames, found by the true masks: the same place, and all but the same camera's motion."""
    source = SynDives(2, seed=3, lines=112 * detail, width="full")
    clips = exactly(source, detail=detail)
    for index in range(len(source)):
        found = clips[index]
        whole = load_clip(source[index], ClipTransform(detail=detail), np.random.default_rng(0))
        film, cut = Filmed.of(whole.clips[0]), tuple(whole.transitions[0].tolist())
        scene = EntryScene.of(whole.masks[0, 0].float().numpy(), cut, film)
        shown, scenery = scene.cut(film, SIZE)
        assert found.shown.shape == (1, 16, 3, SIZE, SIZE)
        np.testing.assert_array_equal(found.inside[0], scene.inside)
        np.testing.assert_allclose(found.measures[0], scene.measures, atol=1e-6)
        touch = OFFSETS.index(0)
        torch.testing.assert_close(found.shown[0, touch], shown[touch], atol=1, rtol=0)
        apart = (found.shown[0].float() - shown.float()).abs()[torch.from_numpy(scene.inside)]
        assert apart.mean() < 4  # levels of 255: frames are stepped over, so the motion is followed a little otherwise
        assert (found.scenery[0].float() - scenery.float()).abs().mean() < 4
        torch.testing.assert_close(found.deductions, whole.deductions)
        torch.testing.assert_close(found.award, whole.deserved)


def test_layers_lie_where_body_and_water_are_seen(source, exactly):
    """What is at least half diver or water is what the true masks show in the same squares."""
    found = exactly(source, with_layers=True)[1]
    assert found.layers.shape == (1, 16, 3, SIZE // 2, SIZE // 2)
    assert found.layers.dtype == torch.uint8
    dive = source[1]
    whole = load_clip(dive, ClipTransform(), np.random.default_rng(0))
    masks, cut = whole.masks[0, 0].float(), tuple(whole.transitions[0].tolist())
    scene = EntryScene.of(masks.numpy(), cut, Filmed.of(whole.clips[0]))
    true = scene.focus().cut(masks[None, None, scene.frames], SIZE // 2)[:, 0]
    inside = torch.from_numpy(scene.inside)
    covered = 1 - (1 - found.layers[0].float() / 255).prod(1)
    both = torch.minimum(covered, true)[inside].sum()
    assert both / torch.maximum(covered, true)[inside].sum() > 0.7
    assert exactly(source)[1].layers is None


def test_a_margin_shows_more_around_the_same_middle(source, exactly):
    one, more = exactly(source)[2], EntryClips(source, SIZE * 2, margin=2.0)
    more._transform = replace(more._transform, longest_end_shift=0, cut_short=0.0)
    middle = more[2].shown[..., SIZE // 2 : -SIZE // 2, SIZE // 2 : -SIZE // 2]
    assert (middle.float() - one.shown.float()).abs().mean() < 6


def test_it_is_looked_for_a_little_beside_and_in_another_way_each_time(source):
    clips, lengths, ends = EntryClips(source, SIZE), set(), set()
    for epoch in range(6):
        clips.set_epoch(epoch)
        lengths.add(round(clips[0].measures[0, 1].item(), 5))
        ends.add(round(clips[0].measures[0, 2].item(), 5))
    assert len(lengths) == 6
    assert max(lengths) - min(lengths) < 0.5
    assert len(ends) > 2  # trimmed, too
    clips.set_epoch(0)
    again = clips[0]
    assert torch.equal(again.shown, clips[0].shown)
    assert len(EntryClipBatch.stack([again, clips[1]])) == 2


def test_kept_dives_show_what_drawn_ones_do(exactly, tmp_path):
    source = SynDives(1, seed=5, lines=224, width="full")
    keep_dives(source, tmp_path)
    kept = read_kept(tmp_path, validation=0)
    one, other = (exactly(some, with_layers=True, detail=2)[0] for some in (source, kept))
    torch.testing.assert_close(one.measures, other.measures, atol=1e-4, rtol=0)
    assert (one.shown.float() - other.shown.float()).abs().mean() < 6
    assert (one.layers.float() - other.layers.float()).abs().mean() < 6


def test_dives_that_do_not_tell_enough_are_refused(make_dive):
    def entry(with_layers=False, **about):
        return EntryClips(DiveList("painted", (make_dive(**about),)), SIZE, with_layers=with_layers)[0]

    switches = dict(flight_frame=20, entry_frame=60)
    with pytest.raises(DataError, match="no switches"):
        entry(has_masks=True)
    with pytest.raises(DataError, match="no masks"):
        entry(**switches)
    with pytest.raises(DataError, match="does not tell body from water"):
        entry(**switches, has_masks=True, with_layers=True)
