"""Kept entries with what they are made of, and what varies when they are learnt from."""

import json

import numpy as np
import pytest
import torch

from fineparser.data.entry_clips import EntryClips
from fineparser.data.syndive import SynDives
from fineparser.model.entry_scene import OFFSETS
from fineparser.model.fineparser import FineParser
from fineparser.training.entry_squares import MARGIN, PICKED, EntrySquares, SquareBatch, keep_squares, kept_side
from fineparser.training.machine import accelerator_for

SIDE = 42
"""Of kept squares, where 32 pixels are looked at."""


def kept(folder, squares=None, layers=None):
    """Squares of 120 before scenery of 80, flying water in their right half."""
    if squares is None:
        squares = np.full((1, 17, 3, SIDE, SIDE), 120, np.uint8)
        squares[:, -1] = 80
    if layers is None:
        layers = np.zeros((1, 16, 3, SIDE // 2, SIDE // 2), np.uint8)
        layers[:, :, 1, :, SIDE // 4 :] = 255
    np.save(folder / "squares.npy", squares)
    np.save(folder / "layers.npy", layers)
    (folder / "whole.json").write_text(json.dumps({"clips": len(squares)}))
    return EntrySquares(folder, 32)


def drawn(dataset, epochs):
    for epoch in range(epochs):
        dataset.set_epoch(epoch)
        yield dataset[0]


def test_what_is_kept_is_what_the_entries_show_and_is_not_made_again(reading, tmp_path):
    torch.manual_seed(0)
    model, told = FineParser(reading).eval(), []
    assert kept_side(reading) == SIDE
    clips = EntryClips(SynDives(2, seed=3), SIDE, margin=MARGIN, with_layers=True)
    for _ in range(2):
        keep_squares(model, clips, tmp_path, accelerator_for("cpu", "float32"), on_done=lambda *done: told.append(done))
    assert told == [(2, 2)]
    one = clips[1]
    squares, layers = (np.load(tmp_path / f"{name}.npy") for name in ("squares", "layers"))
    assert squares.shape == (2, 17, 3, SIDE, SIDE)
    np.testing.assert_array_equal(squares[1, :16], one.shown[0])
    np.testing.assert_array_equal(squares[1, 16], one.scenery[0])
    np.testing.assert_array_equal(layers[1], one.layers[0])
    assert len(EntrySquares(tmp_path, 32)) == 2


def test_a_sample_is_what_the_painter_sees_with_the_truth(tmp_path):
    dataset = kept(tmp_path)
    batch = dataset[0]
    assert batch.squares.shape == (1, PICKED, 12, 32, 32)
    assert batch.layers.shape == (1, PICKED, 3, 16, 16)
    told = batch.squares[0, 0, :, 16, 16].tolist()
    assert told[:9] == pytest.approx([*[120 / 127.5 - 1] * 3, *[40 / 32] * 3, 0, 0, 1])
    assert round(told[9] * 12) in OFFSETS
    assert told[10:] == pytest.approx([40 / 24, 0])
    assert batch.layers[0, :, (0, 2)].max() == 0
    assert len(SquareBatch.stack([batch, batch])) == 2
    with pytest.raises(IndexError):
        dataset[1]


def test_neighbours_are_those_in_the_clip_however_few_are_taken(tmp_path):
    squares = np.zeros((1, 17, 3, SIDE, SIDE), np.uint8)
    squares[0] = (10 + 10 * np.arange(17))[:, None, None, None]
    for batch in drawn(kept(tmp_path, squares), 12):
        moments = (batch.squares[0, :, 9, 16, 16] * 12).round().int().tolist()
        before, after = (batch.squares[0, :, channel, 16, 16] * 32 for channel in (6, 7))
        for moment, back, forth in zip(moments, before.tolist(), after.tolist(), strict=True):
            number = OFFSETS.index(moment)
            assert back == pytest.approx(10 * (number > 0))
            assert forth == pytest.approx(-10 * (number < 15))


def test_places_sizes_and_sides_vary_together(tmp_path):
    """Where the water is drawn it is seen: squares are bright where the layer is."""
    squares = np.full((1, 17, 3, SIDE, SIDE), 40, np.uint8)
    squares[:, :16, :, :, SIDE // 2 - 1 :] = 240
    layers = np.zeros((1, 16, 3, SIDE // 2, SIDE // 2), np.uint8)
    layers[:, :, 1, :, (SIDE // 2 - 1) // 2 :] = 255
    shares, sides = set(), set()
    dataset = kept(tmp_path, squares, layers)
    for batch in drawn(dataset, 24):
        seen = torch.nn.functional.avg_pool2d(batch.squares[0, :, 0], 2) > 0
        water = batch.layers[0, :, 1] > 0.5
        assert (seen == water).float().mean() > 0.9
        shares.add(round(water.float().mean().item(), 3))
        sides.add(bool(water[0, 8, 0]))
    assert sides == {True, False}
    assert len(shares) > 2
    dataset.set_epoch(2)
    again = dataset[0].squares
    dataset.set_epoch(2)
    assert torch.equal(dataset[0].squares, again)


def test_colours_vary_and_what_is_beyond_the_picture_stays_black(tmp_path):
    squares = np.full((1, 17, 3, SIDE, SIDE), 120, np.uint8)
    squares[:, :, 2] = 60
    squares[:, :, :, :4] = 0
    kept(tmp_path, squares)
    shown, greys = set(), 0
    for batch in drawn(EntrySquares(tmp_path, 32, 0.3), 40):
        inside = batch.squares[0, :, 8] > 0
        assert (batch.squares[0, :, 0][~inside] == -1).all()
        shown.add(round(float(batch.squares[0, 0, 0, 16, 16]), 4))
        greys += bool(batch.squares[0, :, 11].max() < 0.02)
    assert len(shown) > 20
    assert 1 <= greys <= 14  # of 40, at 0.15: 6 expected
