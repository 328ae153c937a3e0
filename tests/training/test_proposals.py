"""Proposed labels: they fit the dive's frames, and masks written by us are read back by the reader."""

import numpy as np
import torch

from fineparser.data.clip_folder import read_clip_folder
from fineparser.data.clip_table import TABLE, read_rows, row_of, write_rows
from fineparser.data.dives import Problems
from fineparser.model.fineparser import FineParser
from fineparser.training.proposals import Proposal, propose, write_masks
from fineparser.video.writing import write_video


def clip_folder(tmp_path, height=90, width=160):
    frames = np.full((40, height, width, 3), 90, np.uint8)
    write_video(tmp_path / "a.mp4", frames, 25.0)
    write_rows(tmp_path / TABLE, [row_of("a.mp4", score="50", start_frame="4", end_frame="33")])
    (dive,) = read_clip_folder(tmp_path, validation=0)
    return dive


def test_a_proposal_is_made_of_the_dives_own_frames(tmp_path, smallest):
    torch.manual_seed(0)
    dive = clip_folder(tmp_path)
    found = propose(FineParser(smallest).eval(), dive)
    assert 4 <= found.flight_frame <= found.entry_frame <= 33
    assert all(0 <= sure <= 1 for sure in found.confidence)
    assert (found.frame_numbers[0], found.frame_numbers[-1]) == (4, 33)
    assert found.masks.dtype == bool
    assert len(found.masks) == 96


def test_masks_lie_where_the_loader_looks_and_are_read_back(tmp_path):
    """The middle 56% of the width; the left half of the crop is the diver in the first frames, nothing later."""
    dive = clip_folder(tmp_path)
    masks = np.zeros((96, 112, 112), bool)
    masks[:48, :, :56] = True
    numbers = dive.sample()
    proposal = Proposal(10, 20, (1.0, 1.0), numbers, masks)
    write_masks(proposal, dive, tmp_path / "a.npz")
    assert [path.name for path in tmp_path.glob(".*")] == []
    rows = [row for _, row in read_rows(tmp_path / TABLE, Problems(skip_broken=False))]
    write_rows(tmp_path / TABLE, [rows[0] | {"mask": "a.npz"}])
    (labelled,) = read_clip_folder(tmp_path, validation=0)
    first, last = labelled.read_masks([4, 33])
    assert first.shape == (90, 160)
    assert not last.any()
    # Columns 35.2 to 80 of 160: the crop's left half.
    assert first[:, 36:80].all()
    assert not first[:, :35].any()
    assert not first[:, 81:].any()


def test_a_picture_that_is_cropped_already_is_taken_whole():
    masks = np.ones((96, 112, 112), bool)
    proposal = Proposal(1, 2, (1.0, 1.0), np.arange(96), masks)
    assert proposal.mask_at(5, 112, 112).all()
