"""Entry crops of dives with known masks: their positions, contents, and the errors of missing labels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data import simulated_datasets as entry_dataset
from fineparser.data.clip_input import clip_input
from fineparser.data.datasets import load_clip
from fineparser.data.dive_store import read_store, store_dives
from fineparser.data.dives import DataError, DiveList, ReadOptions
from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import EntryClipBatch, EntryDataset
from fineparser.data.transforms import ClipTransform
from fineparser.model.entry import FRAME_OFFSETS, EntryCrops

pytestmark = pytest.mark.slow

SIZE = 32


@pytest.fixture(scope="module")
def source():
    return SynDives(3, seed=3, width="full")


@pytest.fixture
def exactly(monkeypatch):
    """Dataset without position errors and trims."""
    monkeypatch.setattr(entry_dataset, "TOUCH_ERRORS", {0: 1.0})
    monkeypatch.setattr(entry_dataset, "POSITION_ERROR", 0.0)
    monkeypatch.setattr(entry_dataset, "LENGTH_ERROR", 0.0)

    def make(source, **how):
        clips = EntryDataset(source, SIZE, **how)
        clips._transform = replace(clips._transform, max_end_shift=0, trim_probability=0.0)
        return clips

    return make


def whole_entry(batch) -> EntryCrops:
    """The entry crops of a whole clip with its true mask and transitions."""
    clip = clip_input(batch.clips)
    return EntryCrops.from_masks(
        batch.masks[:, 0].float(), batch.transitions, clip.require_camera_motion(), clip.frames.shape[-1]
    )


@pytest.mark.parametrize("scale", [1, 2])
def test_crops_equal_those_of_the_whole_clip(scale, exactly):
    """Against the crops of all 96 frames by the true masks: the same place, and nearly the same camera motion."""
    source = SynDives(2, seed=3, lines=112 * scale, width="full")
    clips = exactly(source, scale=scale)
    for index in range(len(source)):
        result = clips[index]
        whole = load_clip(source[index], ClipTransform(scale=scale), np.random.default_rng(0))
        entry = whole_entry(whole)
        (crops,), (median,) = entry.crop(whole.clips, SIZE)
        assert result.crops.shape == (1, 16, 3, SIZE, SIZE)
        assert torch.equal(result.inside, entry.inside)
        torch.testing.assert_close(result.measures, entry.measures, atol=1e-6, rtol=0)
        touch = FRAME_OFFSETS.index(0)
        torch.testing.assert_close(result.crops[0, touch].float(), crops[touch], atol=1, rtol=0)
        apart = (result.crops[0].float() - crops).abs()[entry.inside[0]]
        assert apart.mean() < 4  # levels of 255: frames are skipped, so the camera motion differs a little
        assert (result.median[0].float() - median).abs().mean() < 4
        torch.testing.assert_close(result.deductions, whole.deductions)
        torch.testing.assert_close(result.award, whole.noise_free_award)


def test_layers_agree_with_the_masks(source, exactly):
    """Pixels covered by body or water are those of the true masks in the same crops."""
    result = exactly(source, with_layers=True)[1]
    assert result.layers.shape == (1, 16, 3, SIZE // 2, SIZE // 2)
    assert result.layers.dtype == torch.uint8
    dive = source[1]
    whole = load_clip(dive, ClipTransform(), np.random.default_rng(0))
    entry = whole_entry(whole)
    true = entry.track.crop(whole.masks[:, :, entry.frames[0]].float(), SIZE // 2)[:, 0]
    inside = entry.inside[0]
    covered = 1 - (1 - result.layers[0].float() / 255).prod(1)
    both = torch.minimum(covered, true)[inside].sum()
    assert both / torch.maximum(covered, true)[inside].sum() > 0.7
    assert exactly(source)[1].layers is None


def test_a_margin_extends_the_crop_around_the_same_centre(source, exactly):
    one, more = exactly(source)[2], EntryDataset(source, SIZE * 2, margin=2.0)
    more._transform = replace(more._transform, max_end_shift=0, trim_probability=0.0)
    middle = more[2].crops[..., SIZE // 2 : -SIZE // 2, SIZE // 2 : -SIZE // 2]
    assert (middle.float() - one.crops.float()).abs().mean() < 6


def test_errors_and_trims_differ_in_every_epoch(source):
    clips, lengths, ends = EntryDataset(source, SIZE), set(), set()
    for epoch in range(6):
        clips.set_epoch(epoch)
        lengths.add(round(clips[0].measures[0, 1].item(), 5))
        ends.add(round(clips[0].measures[0, 2].item(), 5))
    assert len(lengths) == 6
    assert max(lengths) - min(lengths) < 0.5
    assert len(ends) > 2  # trimmed, too
    clips.set_epoch(0)
    again = clips[0]
    assert torch.equal(again.crops, clips[0].crops)
    assert len(EntryClipBatch.stack([again, clips[1]])) == 2


def test_stored_dives_equal_rendered_ones(exactly, tmp_path):
    source = SynDives(1, seed=5, lines=224, width="full")
    store_dives(source, tmp_path)
    stored = read_store(tmp_path, ReadOptions(validation=0))
    one, other = (exactly(some, with_layers=True, scale=2)[0] for some in (source, stored))
    torch.testing.assert_close(one.measures, other.measures, atol=1e-4, rtol=0)
    assert (one.crops.float() - other.crops.float()).abs().mean() < 6
    assert (one.layers.float() - other.layers.float()).abs().mean() < 6


def test_dives_without_the_labels_are_rejected(make_dive):
    def entry(with_layers=False, **about):
        return EntryDataset(DiveList("constant", (make_dive(**about),)), SIZE, with_layers=with_layers)[0]

    transitions = dict(flight_frame=20, entry_frame=60)
    with pytest.raises(DataError, match="no transitions"):
        entry(has_masks=True)
    with pytest.raises(DataError, match="no masks"):
        entry(**transitions)
    with pytest.raises(DataError, match="has no layers"):
        entry(**transitions, has_masks=True, with_layers=True)
