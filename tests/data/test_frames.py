"""Single frames with postures: what is picked, what a mirror does, what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data.dives import DataError, DiveList
from fineparser.data.frames import FrameBatch, FrameDataset
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.simulator.posture import POSTURE, SIDEWAYS

STILL = ClipTransform()


@pytest.fixture(scope="module")
def source():
    return SynDives(2, seed=3, width="full")


def test_frames_are_every_fourth_of_the_clip_with_their_postures(source):
    batch = FrameDataset(source, STILL)[0]
    assert batch.pictures.shape == (1, 3, 24, 112, 112)
    assert batch.outlined.shape == (1, 96, 112, 112)
    assert batch.picked[0].diff().unique().tolist() == [4]
    dive = source[0]
    numbers = dive.sample()[batch.picked[0].numpy()]
    rising, places = np.unique(numbers, return_inverse=True)
    expected = dive.read_postures(rising.tolist())[places]
    known = batch.postures[0].isfinite().numpy()
    assert known.any()
    assert np.array_equal(batch.postures[0].numpy()[known], expected[known])


def test_a_mirror_turns_pictures_outlines_and_sideways_numbers(source):
    still, turned = (FrameDataset(source, replace(STILL, mirror_chance=chance))[1] for chance in (0.0, 1.0))
    assert torch.equal(turned.pictures, still.pictures.flip(-1))
    assert torch.equal(turned.outlined, still.outlined.flip(-1))
    signs = torch.ones(len(POSTURE))
    signs[list(SIDEWAYS)] = -1
    torch.testing.assert_close(turned.postures, still.postures * signs, equal_nan=True)


def test_a_frame_without_the_diver_tells_no_posture(source):
    # The left edge of the wide picture: the diver is hardly ever there.
    class Aside(ClipTransform):
        def __call__(self, frames, masks, rng):
            clip, mask = super().__call__(frames, masks, rng)
            mask[:, :50] = False
            return clip, mask

    batch = FrameDataset(source, Aside())[0]
    assert batch.postures[0, batch.picked[0] < 50].isnan().all()
    assert batch.postures[0, batch.picked[0] >= 50].isfinite().any()


def test_frames_change_with_the_epoch_and_join(source):
    dataset = FrameDataset(source, ClipTransform.for_training())
    first, again = dataset[0], dataset[0]
    assert torch.equal(first.pictures, again.pictures)
    dataset.set_epoch(1)
    assert not torch.equal(first.outlined, dataset[0].outlined)
    assert len(FrameBatch.stack([first, dataset[1]])) == 2


def test_a_dive_without_masks_or_postures_is_refused(make_dive):
    values = dict(flight_frame=40, entry_frame=70, score=70.0, has_masks=True)
    dives = DiveList("clips:x", (make_dive("a", **values),))
    with pytest.raises(DataError, match="lacks masks or postures"):
        FrameDataset(dives, STILL)[0]
