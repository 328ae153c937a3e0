"""Pseudo-labels: they fit the frames of the dive, and written masks can be read."""

import numpy as np
import torch

from fineparser.data.dive_tables import TABLE, make_row, read_rows, write_rows
from fineparser.data.dives import ProblemLog, ReadOptions
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.model.compact import CompactFineParser
from fineparser.training.jobs.pseudo_labels import PseudoLabels, predict_labels, write_masks
from fineparser.video.writer import write_video


def clip_folder(tmp_path, height=90, width=160):
    frames = np.full((40, height, width, 3), 90, np.uint8)
    write_video(tmp_path / "a.mp4", frames, 25.0)
    write_rows(tmp_path / TABLE, [make_row("a.mp4", score="50", start_frame="4", end_frame="33")])
    (dive,) = read_clip_folder(tmp_path, ReadOptions(validation=0))
    return dive


def test_pseudo_labels_are_frames_of_the_dive(tmp_path, smallest):
    torch.manual_seed(0)
    dive = clip_folder(tmp_path)
    labels = predict_labels(CompactFineParser(smallest).eval(), dive)
    assert 4 <= labels.flight_frame <= labels.entry_frame <= 33
    assert all(0 <= confidence <= 1 for confidence in labels.confidence)
    assert (labels.frame_numbers[0], labels.frame_numbers[-1]) == (4, 33)
    assert labels.masks.dtype == bool
    assert len(labels.masks) == 96


def test_written_masks_lie_in_the_centre_crop_and_can_be_read(tmp_path):
    """The middle 56% of the width; the left half of the crop is the diver in the first frames, nothing later."""
    dive = clip_folder(tmp_path)
    masks = np.zeros((96, 112, 112), bool)
    masks[:48, :, :56] = True
    numbers = dive.sample()
    labels = PseudoLabels(10, 20, (1.0, 1.0), numbers, masks)
    write_masks(labels, dive, tmp_path / "a.npz")
    assert [path.name for path in tmp_path.glob(".*")] == []
    rows = [row for _, row in read_rows(tmp_path / TABLE, ProblemLog())]
    write_rows(tmp_path / TABLE, [rows[0] | {"mask": "a.npz"}])
    (labelled,) = read_clip_folder(tmp_path, ReadOptions(validation=0))
    first, last = labelled.read_masks([4, 33])
    assert first.shape == (90, 160)
    assert not last.any()
    # Columns 35.2 to 80 of 160: the crop's left half.
    assert first[:, 36:80].all()
    assert not first[:, :35].any()
    assert not first[:, 81:].any()


def test_frames_of_the_size_of_a_clip_are_not_cropped():
    masks = np.ones((96, 112, 112), bool)
    labels = PseudoLabels(1, 2, (1.0, 1.0), np.arange(96), masks)
    assert labels.mask_at(5, 112, 112).all()
