"""Kept drawings: what is in them, and what varies when they are learnt from."""

import json

import numpy as np
import pytest
import torch

from fineparser.data.posed_clips import PosedBatch, PosedClips
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.model.backdrop import Backdrop
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.fineparser import FineParser
from fineparser.model.pictures import denormalise
from fineparser.training.drawings import STRIDE, DrawingBatch, Drawings, draw, keep_drawings
from fineparser.training.encoding import pictures_of
from fineparser.training.looks import MARGIN
from fineparser.training.machine import accelerator_for

SIDE = 40


def kept(folder, squares=None):
    """Squares [1, 24, 11, 40, 40], by default a picture of 200, a backdrop of 100 and masks of their right half."""
    if squares is None:
        squares = np.zeros((1, 24, 11, SIDE, SIDE), np.uint8)
        squares[:, :, :3], squares[:, :, 3:6], squares[:, :, 6], squares[:, :, 7] = 200, 100, 8, 12
        squares[:, :, 8:, :, SIDE // 2 :] = 255
    np.save(folder / "squares.npy", squares)
    (folder / "whole.json").write_text(json.dumps({"clips": len(squares)}))
    return Drawings(folder, 32)


def drawn(dataset, epochs):
    for epoch in range(epochs):
        dataset.set_epoch(epoch)
        yield dataset[0]


def test_what_is_kept_is_what_the_network_draws_before_its_backdrop(smallest):
    torch.manual_seed(0)
    model = FineParser(smallest).eval()
    transform = ClipTransform(mask_detail=2)
    batch = PosedBatch.stack([PosedClips(SynDives(2, seed=3), transform)[index] for index in range(2)])
    with torch.no_grad():
        (squares,) = draw(model, batch, SIDE)
        clips = pictures_of(batch.clips.clips, smallest.picture_size)
        outlines = model.encode(clips).mask_probability
    assert squares.shape == (2, 24, 11, SIDE, SIDE)
    focus = DiverFocus.of(outlines[1:])
    frames = np.arange(0, 96, STRIDE)
    pictures = (denormalise(clips[1].transpose(0, 1)) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    wide = focus.centre[0, frames].numpy(), focus.reach[0, frames].numpy() * MARGIN
    backdrop = Backdrop.of(pictures, outlines[1].numpy(), *wide, SIDE, frames)
    np.testing.assert_array_equal(squares[1, :, :3], backdrop.shown.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(squares[1, :, 3:6], backdrop.behind.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(squares[1, :, 7], backdrop.seen)
    square = DiverFocus(*(torch.from_numpy(part)[None] for part in wide))
    for channel, mask in ((9, outlines[1, frames]), (10, batch.clips.masks[1, 0, frames].float())):
        expected = square.cut(mask[None, None], SIDE)[:, 0] * 255
        np.testing.assert_allclose(squares[1, :, channel], expected.numpy(), atol=1.01)


def test_a_sample_is_what_the_refiner_sees_with_the_truth(tmp_path):
    dataset = kept(tmp_path)
    batch = dataset[0]
    assert batch.squares.shape == (1, 8, 10, 32, 32)
    assert batch.truth.shape == (1, 8, 32, 32)
    told = batch.squares[0, 0, :, 0, 0]
    assert told[:8].tolist() == pytest.approx([*[200 / 127.5 - 1] * 3, *[100 / 32] * 3, 8 / 16, 12 / 8 - 1])
    assert torch.equal(batch.squares[:, :, 9] > 0, batch.truth)
    assert len(DrawingBatch.stack([batch, batch])) == 2
    with pytest.raises(IndexError):
        dataset[1]


def test_frames_places_and_sides_vary_and_are_the_same_when_asked_again(tmp_path):
    squares = np.zeros((1, 24, 11, SIDE, SIDE), np.uint8)
    squares[0, :, 8] = np.arange(24)[:, None, None]  # the frame's number
    squares[0, :, 10, :, SIDE // 2 :] = 255
    dataset = kept(tmp_path, squares)
    sides, edges, frames = set(), set(), set()
    for batch in drawn(dataset, 24):
        row = batch.truth[0, 0, 0]
        sides.add(bool(row[0]))
        edges.add(int(row.sum()))
        numbers = ((batch.squares[0, :, 8, 0, 0] + 1) * 127.5).round().int().tolist()
        assert numbers == sorted(set(numbers))
        frames.update(numbers)
    assert sides == {True, False}
    assert len(edges) > 4
    assert len(frames) > 20
    dataset.set_epoch(3)
    again = dataset[0]
    dataset.set_epoch(4)
    assert not torch.equal(dataset[0].squares, again.squares)
    dataset.set_epoch(3)
    assert torch.equal(dataset[0].squares, again.squares)


def test_the_backdrop_is_withheld_now_and_then(tmp_path):
    dataset = kept(tmp_path)
    withheld = 0
    for batch in drawn(dataset, 200):
        if not batch.squares[0, :, 3:6].any():
            withheld += 1
            assert batch.squares[0, :, 6].eq(0).all()
            assert batch.squares[0, :, 7].eq(-1).all()  # no frame was asked
    assert 2 <= withheld <= 20  # of 200, at 0.05: 10 expected, within three standard deviations


def test_colours_vary_alike_before_and_behind(tmp_path):
    squares = np.zeros((1, 24, 11, SIDE, SIDE), np.uint8)
    squares[:, :, :6] = 120
    kept(tmp_path, squares)
    shown = set()
    for batch in drawn(Drawings(tmp_path, 32, 0.3), 6):
        assert not batch.squares[0, :, 3:6].any()
        shown.add(float(batch.squares[0, 0, 0, 0, 0]))
    assert len(shown) == 6


def test_they_are_made_once(smallest, tmp_path):
    torch.manual_seed(0)
    model, accelerator = FineParser(smallest), accelerator_for("cpu", "float32")
    clips = PosedClips(SynDives(1, seed=3))
    told = []
    for _ in range(2):
        keep_drawings(model, clips, tmp_path, accelerator, on_done=lambda done, of: told.append((done, of)))
    assert told == [(1, 1)]
    assert Drawings(tmp_path, smallest.focus_size)[0].squares.shape == (1, 8, 10, 32, 32)
