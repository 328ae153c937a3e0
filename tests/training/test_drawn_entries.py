"""Kept drawings of entries: what is in them, and what varies when they are learnt from."""

import json

import numpy as np
import pytest
import torch

from fineparser.data import entry_clips
from fineparser.data.batches import ClipBatch
from fineparser.data.entry_clips import EntryClipBatch, EntryClips
from fineparser.data.pairs import ClipDataset
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.model.camera_path import CameraPath
from fineparser.model.filmed import Filmed
from fineparser.model.fineparser import FineParser
from fineparser.training.drawn_entries import DrawnEntries, EntryBatch, draw_entries, keep_drawn_entries
from fineparser.training.machine import accelerator_for


def kept(folder):
    """One entry: layers of 100 with a brighter left edge, maps that rise to the right, eleven moments inside."""
    layers = np.full((1, 16, 3, 16, 16), 100, np.uint8)
    layers[..., 0] = 200
    maps = np.zeros((1, 16, 8, 4, 4), np.float16) + np.arange(4, dtype=np.float16)
    told = np.concatenate([np.arange(16) < 11, [0.1, 0.2, 0.3], np.arange(13) / 10, [7.5]]).astype(np.float32)
    for name, array in (("layers", layers), ("maps", maps), ("told", told[None])):
        np.save(folder / f"{name}.npy", array)
    (folder / "whole.json").write_text(json.dumps({"clips": 1}))
    return DrawnEntries(folder, 32)


def test_what_is_kept_is_what_the_network_reads(reading, monkeypatch, tmp_path):
    """Where true masks place the entry as the network's would, and the camera stands."""

    def standing(pictures, *_):
        return CameraPath(np.tile(np.eye(3), (len(pictures), 1, 1)), np.zeros(len(pictures), int))

    monkeypatch.setattr(CameraPath, "of", standing)
    for name, exact in (("FRAMES_OFF", {0: 1.0}), ("PLACE_OFF", 0.0), ("LENGTH_OFF", 0.0)):
        monkeypatch.setattr(entry_clips, name, exact)
    torch.manual_seed(0)
    model, source = FineParser(reading).eval(), SynDives(2, seed=3)
    clips = EntryClips(source, reading.focus_size)
    clips._transform = ClipTransform()
    batch = EntryClipBatch.stack([clips[0], clips[1]])
    whole = ClipBatch.stack([ClipDataset(source)[index] for index in range(2)])
    films = [Filmed.of(clip) for clip in whole.clips]
    with torch.no_grad():
        layers, maps, told = (torch.from_numpy(array) for array in draw_entries(model, batch))
        expected, painted = model.entry_parser(films, whole.masks[:, 0].float(), whole.transitions)
        seen, about = (layers.float() / 255, maps.float()), (told[:, :16] > 0, told[:, 16:19])
        mirrored = tuple(values.flip(-1) for values in seen)
        looks = [model.entry_parser.reader(*look, *about) for look in (seen, mirrored)]
    torch.testing.assert_close(about[0], painted.inside)
    torch.testing.assert_close(about[1], painted.measures)
    torch.testing.assert_close(torch.stack(looks).mean(0), expected, atol=5e-3, rtol=0)
    assert (expected[0] - expected[1]).abs().max() > 1e-2
    torch.testing.assert_close(told[:, 19:32], whole.deductions)
    torch.testing.assert_close(told[:, 32], whole.deserved)
    keep_drawn_entries(model, clips, tmp_path, accelerator_for("cpu", "float32"))
    np.testing.assert_allclose(np.load(tmp_path / "layers.npy"), layers, atol=1)
    sample = DrawnEntries(tmp_path, 32)[1]
    torch.testing.assert_close(sample.award, whole.deserved[1:])


def test_a_sample_is_what_the_reader_reads_with_the_truth(tmp_path):
    batch = kept(tmp_path)[0]
    assert batch.layers.shape == (1, 16, 3, 16, 16)
    assert batch.maps.shape == (1, 16, 8, 4, 4)
    assert batch.inside.tolist() == [[True] * 11 + [False] * 5]
    assert batch.measures[0].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert batch.deductions[0].tolist() == pytest.approx([n / 10 for n in range(13)])
    assert batch.award.tolist() == [7.5]
    assert len(EntryBatch.stack([batch, batch])) == 2
    with pytest.raises(IndexError):
        kept(tmp_path)[1]


def test_layers_and_maps_turn_together_and_grow_fainter_or_stronger(tmp_path):
    dataset = kept(tmp_path)
    turned, levels = set(), set()
    for epoch in range(24):
        dataset.set_epoch(epoch)
        batch = dataset[0]
        is_turned = bool(batch.layers[0, 0, 0, 0, -1] > batch.layers[0, 0, 0, 0, 1])
        assert is_turned == bool(batch.maps[0, 0, 0, 0, 0] == 3)
        assert batch.layers.max() <= 1
        turned.add(is_turned)
        levels.add(round(float(batch.layers[0, 0, 0, 0, 5]), 4))
    assert turned == {True, False}
    assert round(100 / 255, 4) in levels
    assert len(levels) > 5
