"""Kept looks: what the squares show, what varies, and that they are made once."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data.posed_clips import PosedBatch, PosedClips
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.fineparser import FineParser
from fineparser.simulator.posture import POSTURE, SIDEWAYS
from fineparser.training import looks
from fineparser.training.looks import MARGIN, LookBatch, Looks, TrackBatch, Tracks, keep_looks, look_through
from fineparser.training.machine import accelerator_for

DETAILED = replace(ClipTransform.for_reading(detail=2), mask_detail=2)


@pytest.fixture(scope="module")
def clips():
    return PosedClips(SynDives(2, seed=3, width="full"))


def whole_picture(batch: PosedBatch) -> DiverFocus:
    frames = batch.clips.clips.shape[2]
    return DiverFocus(torch.zeros(1, frames, 2), torch.full((1, frames), 0.5))


def test_a_square_around_everything_shows_the_clip_in_its_middle(clips):
    batch = clips[0]
    clip, masks = batch.clips.clips, batch.clips.masks
    outlined = masks[:, 0].float() * 0.5
    squares, postures, landmarks = look_through(whole_picture(batch), outlined, clip, batch, 112)
    edge = (squares.shape[-1] - 112) // 2
    middle = torch.from_numpy(squares[0, :, :, edge : edge + 112, edge : edge + 112]).float() / 255
    back = (middle[:, :3].transpose(0, 1) - torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1, 1)) / torch.tensor(
        (0.229, 0.224, 0.225)
    ).view(3, 1, 1, 1)
    assert (back - clip[0]).abs().mean() < 0.02
    torch.testing.assert_close(middle[:, 3], outlined[0], atol=0.01, rtol=0)
    assert ((middle[:, 4] >= 0.5) == masks[0, 0]).float().mean() > 0.999
    np.testing.assert_allclose(landmarks, batch.landmarks.numpy() * 2, atol=1e-6)
    np.testing.assert_array_equal(postures, batch.postures.numpy())


def test_what_is_sharper_than_the_outlines_stays_sharp():
    """A clip of twice the size, its columns finer than the outlines' pixels, through squares of its own size."""
    batch = PosedClips(SynDives(1, seed=3, lines=224), DETAILED)[0]
    assert batch.clips.clips.shape[-1] == batch.clips.masks.shape[-1] == 224
    clip = torch.zeros_like(batch.clips.clips) - 2
    clip[..., ::2] = 2
    focus, outlined = whole_picture(batch), torch.zeros(1, 96, 112, 112)
    squares, _, landmarks = look_through(focus, outlined, clip, batch, 224)
    middle = squares[0, 0, 0, 28:252, 28:252].astype(int)
    assert np.array_equal(middle[:, ::2] > middle[:, 1::2], np.ones((224, 112)))
    truth = squares[0, :, 4, 28:252, 28:252] >= 128
    assert (truth == batch.clips.masks[0, 0].numpy()).mean() > 0.999
    coarse = PosedClips(SynDives(1, seed=3))[0]
    np.testing.assert_allclose(landmarks, coarse.landmarks.numpy() * 2, atol=2e-3)


def kept(folder, count=1, seen=0.6):
    """Squares that are black but for a white column at 60% of the way, where the landmarks are, too."""
    side = 40
    squares = np.zeros((count, 96, 5, side, side), np.uint8)
    column = int(side * seen)
    squares[..., column] = 255
    place = ((column + 0.5) / side * 2 - 1) * MARGIN
    landmarks = np.full((count, 96, 7, 2), [place, 0.0], np.float32)
    postures = np.broadcast_to(np.arange(96, dtype=np.float32)[None, :, None], (count, 96, len(POSTURE)))
    for name, array in (("squares", squares), ("landmarks", landmarks), ("postures", postures)):
        np.save(folder / f"{name}.npy", array)
    (folder / "whole.json").write_text(json.dumps({"clips": count}))
    return Looks(folder, 32)


def test_points_follow_the_picture_through_shift_scale_and_mirror(tmp_path):
    dataset = kept(tmp_path)
    mirrored = 0
    for epoch in range(12):
        dataset.set_epoch(epoch)
        batch = dataset[0]
        assert batch.squares.shape == (1, 12, 4, 32, 32)
        where = batch.truth[0].float().mean((0, 1))
        column = ((where * (torch.arange(32) + 0.5)).sum() / where.sum()).item() / 16 - 1
        known = batch.landmarks[0][batch.landmarks[0].isfinite().all(-1)]
        assert known[:, 0] == pytest.approx(torch.full((len(known),), column).numpy(), abs=0.05)
        mirrored += int((batch.postures[0, :, SIDEWAYS[0]] < 0).any())
    assert 0 < mirrored < 12


def test_frames_are_every_eighth_and_the_same_each_time_an_epoch_is_asked_for(tmp_path):
    dataset = kept(tmp_path)
    first = dataset[0].postures[0, :, POSTURE.index("age")]
    assert first.diff().unique().tolist() == [8]
    dataset.set_epoch(1)
    others = dataset[0].squares
    dataset.set_epoch(0)
    assert not torch.equal(dataset[0].squares, others)
    assert torch.equal(dataset[0].postures[0, :, POSTURE.index("age")], first)
    assert len(LookBatch.stack([dataset[0], dataset[0]])) == 2
    with pytest.raises(IndexError):
        dataset[1]


def test_neighbours_come_along_in_the_same_place_and_colours(tmp_path):
    kept(tmp_path)
    squares = np.load(tmp_path / "squares.npy")
    squares[:, :, :3] = np.arange(96, dtype=np.uint8)[None, :, None, None, None]
    np.save(tmp_path / "squares.npy", squares)
    dataset = Looks(tmp_path, 32, neighbours=True)
    sd = torch.tensor((0.229, 0.224, 0.225))
    for epoch in range(8):
        dataset.set_epoch(epoch)
        seen = dataset[0].squares[0]
        own, before, after = ((seen[:, first : first + 3].mean((2, 3)) * sd * 255) for first in (0, 4, 7))
        numbers = (own + torch.tensor((0.485, 0.456, 0.406)) * 255).mean(1).round()
        first, last = numbers == 0, numbers == 95  # which have no frame before, or after
        assert (own - before).numpy() == pytest.approx(np.tile((~first).float()[:, None].numpy(), 3), abs=0.02)
        assert (after - own).numpy() == pytest.approx(np.tile((~last).float()[:, None].numpy(), 3), abs=0.02)


def test_the_mask_that_led_there_is_withheld_now_and_then(tmp_path):
    dataset = kept(tmp_path)
    squares = np.load(tmp_path / "squares.npy")
    squares[:, :, 3:] = 255
    np.save(tmp_path / "squares.npy", squares)
    withheld = 0
    for epoch in range(60):
        dataset.set_epoch(epoch)
        batch = dataset[0]
        assert batch.truth.all()
        withheld += not batch.squares[:, :, 3].any()
    assert 4 <= withheld <= 22  # of 60, at 0.2: 12 expected, within three standard deviations


def test_colours_vary(tmp_path):
    kept(tmp_path)
    plain, varied = (Looks(tmp_path, 32, jitter)[0].squares for jitter in (0.0, 0.3))
    assert not torch.allclose(plain[:, :, :3], varied[:, :, :3])
    assert torch.equal(plain[:, :, 3], varied[:, :, 3])


def test_they_are_made_once_and_anew_for_other_weights(clips, smallest, tmp_path, monkeypatch):
    torch.manual_seed(0)
    model, accelerator = FineParser(smallest), accelerator_for("cpu", "float32")
    told = []
    keep_looks(model, clips, tmp_path, accelerator, on_done=lambda done, of: told.append((done, of)))
    assert told == [(2, 2)]
    assert len(Looks(tmp_path, smallest.focus_size)) == 2
    assert np.load(tmp_path / "squares.npy").any(axis=(2, 3, 4)).mean() > 0.9
    with monkeypatch.context() as patch:
        patch.setattr(looks, "look_at", lambda *_: pytest.fail("made again"))
        keep_looks(model, clips, tmp_path, accelerator)
    keep_looks(FineParser(smallest), clips, tmp_path, accelerator, on_done=lambda done, of: told.append((done, of)))
    assert len(told) == 2


def test_what_was_interrupted_is_made_anew(clips, smallest, tmp_path):
    model, accelerator = FineParser(smallest), accelerator_for("cpu", "float32")

    def stop(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_looks(model, clips, tmp_path, accelerator, on_done=stop)
    assert not (tmp_path / "whole.json").exists()
    keep_looks(model, clips, tmp_path, accelerator)
    assert (tmp_path / "whole.json").is_file()


def test_a_network_of_smaller_pictures_keeps_smaller_squares(clips, smallest, tmp_path):
    model = FineParser(replace(smallest, focus_size=64))
    keep_looks(model, clips, tmp_path, accelerator_for("cpu", "float32"))
    assert Looks(tmp_path, 64)[0].squares.shape == (1, 12, 4, 64, 64)


def test_whole_clips_tell_where_their_squares_are(clips, smallest, tmp_path):
    """In the whole picture, points are where they were, or in the mirror."""
    torch.manual_seed(0)
    keep_looks(FineParser(smallest), clips, tmp_path, accelerator_for("cpu", "float32"))
    tracks, known = Tracks(tmp_path, smallest.focus_size), clips[0].landmarks
    mirrored = 0
    for epoch in range(6):
        tracks.set_epoch(epoch)
        track = tracks[0]
        assert track.squares.shape == (1, 96, 4, 32, 32)
        centre, reach = track.places[..., :2], track.places[..., 2]
        points = track.landmarks * reach[..., None, None] + centre[:, :, None]
        seen = points.isfinite()
        assert seen.float().mean() > 0.2
        sides = [(points - known * torch.tensor(side))[seen].abs().max() for side in ((1.0, 1.0), (-1.0, 1.0))]
        assert min(sides) < 1e-4
        mirrored += int(sides[1] < sides[0])
    assert 0 < mirrored < 6
    assert len(TrackBatch.stack([tracks[0], tracks[1]])) == 2


def test_squares_of_whole_clips_show_the_masks_that_led_there(tmp_path):
    kept(tmp_path)
    rows, columns = np.mgrid[:112, :112]
    blob = np.exp(-((columns - 60) ** 2 / 200 + (rows - 50) ** 2 / 80))  # right of and above the middle
    outlined = np.broadcast_to((blob * 255).astype(np.uint8), (1, 96, 112, 112))
    places = np.broadcast_to(np.float32([0.05, -0.02, 0.2]), (1, 96, 3))
    masks = torch.from_numpy(outlined / np.float32(255))
    centre, reach = (torch.from_numpy(part.copy()) for part in (places[..., :2], places[..., 2]))
    squares = np.load(tmp_path / "squares.npy")
    squares[0, :, 3] = (DiverFocus(centre, reach * MARGIN).cut(masks[:, None], 40)[:, 0] * 255).numpy()
    for name, array in (("squares", squares), ("outlined", outlined), ("places", places)):
        np.save(tmp_path / f"{name}.npy", array)
    np.save(tmp_path / "labels.npy", np.zeros((1, 16), np.float32))
    tracks = Tracks(tmp_path, 32)
    shown = 0
    for epoch in range(6):
        tracks.set_epoch(epoch)
        track = tracks[0]
        led = track.squares[0, :, 3]
        focus = DiverFocus(track.places[..., :2], track.places[..., 2])
        shown += bool(led.any())
        assert not led.any() or (led - focus.cut(track.outlined[:, None], 32)[:, 0]).abs().max() < 0.03
    assert shown > 2


def test_whole_clips_come_with_what_is_known_of_the_dives(clips, smallest, tmp_path):
    keep_looks(FineParser(smallest), clips, tmp_path, accelerator_for("cpu", "float32"))
    known = clips[1].clips
    labels = Tracks(tmp_path, smallest.focus_size)[1].labels[0]
    expected = torch.cat([known.transitions[0].float(), known.deserved, known.deductions[0]])
    torch.testing.assert_close(labels, expected)
