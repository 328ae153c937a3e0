"""The background behind a diver: recovered where they covered it, and unknown where no frame shows it."""

import numpy as np
import pytest
import torch

from fineparser.model.background import Background, sort_along_first_axis
from fineparser.model.crop_track import CropTrack
from fineparser.video.camera_motion import CameraMotion
from tests.cameras import SIDE, background_image, pan_motions, shifted_frames

FRAMES = 24


def whole(frames: int = FRAMES) -> CropTrack:
    """Crops that show everything."""
    return CropTrack(torch.zeros(1, frames, 2), torch.full((1, frames), 0.5))


def background(
    frames: np.ndarray,
    masks: np.ndarray,
    crops: CropTrack,
    size: int = SIDE,
    numbers: list[int] | None = None,
    camera: CameraMotion | None = None,
) -> Background:
    """Background of frames uint8 [T, H, W, 3], with the estimated camera motion or a given one."""
    camera = camera or CameraMotion.from_frames(frames)
    motion = torch.from_numpy(camera.motions), torch.from_numpy(camera.shots)
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2).float()
    return Background.from_clip(pixels, torch.from_numpy(masks), crops, motion, size, numbers)


def images(tensor: torch.Tensor) -> np.ndarray:
    """[T, 3, S, S] as [T, S, S, 3]."""
    return tensor.permute(0, 2, 3, 1).numpy()


def with_diver(frames: np.ndarray, step: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Frames with a white diver who falls through them, and their masks of half the size."""
    frames, masks = frames.copy(), np.zeros((len(frames), SIDE // 2, SIDE // 2), np.float32)
    for number, frame in enumerate(frames):
        top = 4 + step * number
        frame[top : top + 20, 70:90] = 255
        masks[number, top // 2 : top // 2 + 10, 35:45] = 1
    return frames, masks


@pytest.fixture(scope="module")
def still():
    return shifted_frames(background_image(5), [pan_motions(1)[0]] * FRAMES)


def test_it_is_recovered_behind_the_diver(still):
    frames, masks = with_diver(still)
    found = background(frames, masks, whole())
    assert found.crops.shape == found.background.shape == (FRAMES, 3, SIDE, SIDE)
    np.testing.assert_allclose(images(found.crops), frames, atol=1)
    inside = np.s_[:, 2:-2, 2:-2]
    assert np.abs(images(found.background)[inside] - still[inside]).max() <= 2
    assert found.spread[inside].max() <= 2
    assert found.count[inside].min() >= 3


def test_it_is_recovered_without_any_mask_where_the_diver_moves_on(still):
    frames, masks = with_diver(still)
    found = background(frames, np.zeros_like(masks), whole())
    off = np.abs(images(found.background) - still).max(-1) > 3
    assert off[:, 2:-2, 2:-2].mean() < 0.002


def test_a_diver_who_stands_still_is_background_unless_a_mask_says_otherwise(still):
    """For most of the clip they wait; without masks most frames show them there."""
    frames, masks = with_diver(still, step=0)
    gone = np.s_[FRAMES - 8 :]
    frames[gone], masks[gone] = still[gone], 0
    number, place = 2, np.s_[8:20, 74:86]
    for given, expected in ((masks, still), (np.zeros_like(masks), frames)):
        found = images(background(frames, given, whole()).background)[number][place]
        assert np.abs(found - expected[number][place]).max() <= 3


def test_the_camera_may_move():
    motions = pan_motions(FRAMES)
    still = shifted_frames(background_image(6), motions)
    frames, masks = with_diver(still)
    found = background(frames, masks, whole())
    known = found.count.numpy() > 2
    assert known.mean() > 0.8
    off = np.abs(images(found.background) - still).mean(-1)
    covered = np.abs(frames.astype(int) - still).max(-1) > 30
    assert off[known & covered].mean() < 8  # of 255; the diver is 120 off
    assert np.abs(frames.astype(int) - still).mean(-1)[covered].mean() > 60


@pytest.mark.parametrize(("half_side", "size"), [(0.25, 80), (0.5, 40)], ids=["full size", "reduced"])
def test_crops_are_cut_as_a_crop_track_does(still, half_side, size):
    """The quarter to the lower right of the centre, and everything at a quarter of the size."""
    centre = torch.full((1, FRAMES, 2), 0.25 if half_side == 0.25 else 0.0)
    crops = CropTrack(centre, torch.full((1, FRAMES), half_side))
    found = background(still, np.zeros((FRAMES, 40, 40), np.float32), crops, size)
    reduced = still.reshape(FRAMES, 40, 4, 40, 4, 3).mean((2, 4))
    # Reduced by halves, then interpolated.
    expected, tolerance = (still[:, 80:, 80:], 1) if half_side == 0.25 else (reduced, 8)
    inside = np.s_[:, 1:-1, 1:-1]
    assert np.abs(images(found.crops)[inside] - expected[inside]).mean() <= tolerance
    assert np.abs(images(found.background)[inside] - expected[inside]).mean() <= tolerance


def test_some_frames_are_as_in_the_whole(still):
    frames, masks = with_diver(still)
    numbers = [3, 17]
    every = background(frames, masks, whole())
    some = background(frames, masks, whole().select_frames(numbers), numbers=numbers)
    for name in ("crops", "background", "spread", "count"):
        assert torch.equal(getattr(some, name), getattr(every, name)[numbers])


def test_where_no_frame_shows_a_place_the_crop_stands_for_it(still):
    """Each frame is a shot of its own."""
    camera = CameraMotion(np.stack([np.eye(3)] * FRAMES), np.arange(FRAMES))
    found = background(still, np.zeros((FRAMES, 40, 40), np.float32), whole(), camera=camera)
    assert torch.equal(found.background, found.crops)
    assert not found.count.any()
    assert not found.spread.any()


@pytest.mark.parametrize("count", range(1, 17))
def test_sorting_is_that_of_torch(count):
    values = torch.randint(0, 9, (count, 5, 7), generator=torch.Generator().manual_seed(count)).float()  # with ties
    assert torch.equal(sort_along_first_axis(values), values.sort(0).values)
