from dataclasses import replace

import numpy as np
import pytest

from fineparser.rendering.stroboscope import FILL, compose_background, flight_indices, stroboscope, warp
from fineparser.video.framing import Framing
from fineparser.video.reader import probe
from fineparser.video.writer import write_video
from tests.rendering.conftest import FPS, FRAMES, HEIGHT, WIDTH, block_at

PAN = 2
"""Pixels a frame by which the camera of `panned` moves to the right."""


def blocks(picture: np.ndarray) -> np.ndarray:
    """True for pixels of the bright block."""
    return picture[..., 0] > 170


def test_the_divers_stand_over_one_background(report):
    """The block of 20 x 20 falls from row 23 to row 46 of the frames."""
    picture = stroboscope(report)
    rows, columns = np.nonzero(blocks(picture))
    # The picture is twice as large as the clip, and its lower right corner beyond the block's margin.
    assert np.ptp(columns) + 1 == pytest.approx(2 * 20, abs=4)
    assert np.ptp(rows) + 1 == pytest.approx(2 * (20 + 41 - 18), abs=4)
    background = picture[:, : columns.min() - 8]
    assert background.size
    assert background.astype(int) == pytest.approx(90, abs=4)


def test_the_background_of_a_moving_camera_is_put_together(report, tmp_path):
    """A wide scene with a stripe, panned: in the picture the block falls straight, beside one stripe."""
    scene = np.full((HEIGHT, WIDTH + PAN * FRAMES, 3), 60, np.uint8)
    scene[:, 150:156] = (20, 120, 20)
    frames, masks = [], np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    for number in range(FRAMES):
        frame = scene[:, PAN * number : PAN * number + WIDTH].copy()
        rows, columns = block_at(number)
        columns = slice(columns.start + 30 - PAN * (number - 30), columns.stop + 30 - PAN * (number - 30))
        frame[rows, columns] = (230, 190, 160)
        masks[number, rows, columns] = True
        frames.append(frame)
    path = write_video(tmp_path / "pan.mp4", np.stack(frames), FPS, quality=10)
    framing = Framing.full_frame(WIDTH, HEIGHT)
    probability = framing.crop_masks(masks[report.frame_numbers]).astype(np.float32)
    camera = np.tile(np.eye(3), (96, 1, 1))
    camera[:, 0, 2] = PAN * (report.frame_numbers - report.frame_numbers[0])
    kinematics = replace(report.kinematics, series=replace(report.kinematics.series, camera=camera))
    panned = replace(report, info=probe(path), framing=framing, mask_probability=probability, kinematics=kinematics)
    picture = stroboscope(panned)
    _, columns = np.nonzero(blocks(picture))
    assert np.ptp(columns) + 1 == pytest.approx(2 * 20, abs=5)
    green = (picture[..., 1].astype(int) - picture[..., 0] > 50).any(axis=0)
    assert green.sum() == pytest.approx(2 * 6, abs=4)
    assert not (picture == FILL).all(axis=-1)[:, 4:-4].any()


def test_only_frames_of_the_flight_that_show_the_diver_count(report):
    indices = flight_indices(report, report.kinematics.series)
    assert report.frame_numbers[indices].tolist() == list(range(18, 42))
    centre = report.kinematics.series.centre_of_mass.copy()
    centre[:50] = np.nan
    masks = report.mask_probability.copy()
    masks[60:] = 0
    partly = replace(report, mask_probability=masks)
    assert set(flight_indices(partly, replace(report.kinematics.series, centre_of_mass=centre))) <= set(range(50, 60))


def test_without_a_flight_there_is_no_picture(report):
    series = replace(report.kinematics.series, centre_of_mass=np.full((96, 2), np.nan))
    assert stroboscope(replace(report, kinematics=replace(report.kinematics, series=series))) is None
    assert stroboscope(replace(report, kinematics=None)) is None


def test_the_background_is_the_median_of_what_is_to_be_seen():
    images = np.zeros((5, 1, 4, 3), np.uint8)
    images[:, 0] = np.array([10, 20, 30, 200, 250])[:, None, None]
    covered = np.ones((5, 1, 4), bool)
    clear = covered.copy()
    clear[3:, 0, 1] = False  # the diver in two of them
    clear[:, 0, 2] = False  # the diver in all of them
    covered[:, 0, 3] = False  # outside of all frames
    background = compose_background(images, covered, clear)
    assert background[0, :, 0].tolist() == [30, 20, 30, FILL[0]]


def test_a_warp_keeps_places_and_means():
    image = np.zeros((40, 60), np.float32)
    image[10:20, 30:50] = 1
    half = warp(image, np.array([[0.5, 0, 2], [0, 0.5, 1], [0, 0, 1.0]]), (40, 30))
    rows, columns = np.nonzero(half > 0.5)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (6, 11, 17, 27)
    assert half.sum() == pytest.approx(image.sum() / 4, rel=0.02)
