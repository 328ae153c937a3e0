"""The recording chain: repeatable, sane in brightness, and each of its faults does what its name says."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.filming.sensor import (
    JOINT_STEP_PX,
    MAX_INSTANTS,
    Sensor,
    background_motion,
    exposure_views,
    motion_blur,
)

PLAIN = Sensor(
    tone_curves=np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1),
    colour_matrix=np.eye(3, dtype=np.float32),
    vignette=0.0,
    defocus=0.0,
    resolution=1.0,
    chroma_blur=0.0,
    sharpening=0.0,
    grain=np.random.default_rng(0).standard_normal((256, 256, 3), dtype=np.float32),
    dark_noise=0.0,
    shot_noise=0.0,
    quality=100,
    noise_period=1,
    interlaced=False,
    seed=5,
)
IMAGE = np.zeros((112, 112, 3), np.uint8)
IMAGE[:, :56] = (180, 120, 90)
IMAGE[:, 56:] = (30, 90, 160)


def test_a_perfect_chain_changes_nothing():
    assert (PLAIN.record(IMAGE, 3) == IMAGE).all()


def test_noise_has_its_deviation_and_another_place_in_every_frame():
    noisy = replace(PLAIN, dark_noise=6.0)
    first, again, other = (noisy.record(IMAGE, number).astype(int) for number in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (first - IMAGE)[:, :56].std() == pytest.approx(6.0, rel=0.1)


def test_shot_noise_grows_with_brightness():
    noisy = replace(PLAIN, dark_noise=0.5, shot_noise=0.5).record(IMAGE, 1).astype(int) - IMAGE
    assert noisy[:, 4:52, 0].std() > 1.6 * noisy[:, 60:108, 0].std()


def test_noise_covers_large_pictures():
    large = np.full((480, 640, 3), 128, np.uint8)
    noise = replace(PLAIN, dark_noise=5.0).record(large, 1).astype(int) - 128
    assert noise[-60:, -60:].std() == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize("change", [{"defocus": 0.02}, {"resolution": 0.4}])
def test_soft_chains_soften_the_edge(change):
    soft = replace(PLAIN, **change).record(IMAGE, 1).astype(int)
    assert abs(soft[50, 55, 0] - 180) > 5
    assert abs(soft[50, 20, 0] - 180) < 4


def test_sharpening_leaves_halos():
    sharp = replace(PLAIN, sharpening=1.0).record(IMAGE, 1).astype(int)
    assert sharp[50, 55, 0] > 190
    assert sharp[50, 56, 0] < 20


def test_chroma_blur_keeps_the_brightness():
    bled = replace(PLAIN, chroma_blur=0.03).record(IMAGE, 1).astype(int)
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(bled @ luma - IMAGE @ luma).max() < 16
    assert abs(bled[50, 54, 0] - 180) > 8


def test_compression_costs_detail_and_not_colour():
    # Grey, because the colours of a JPEG are kept at half the resolution at any quality.
    rough = np.random.default_rng(1).integers(60, 200, (112, 112, 1)).astype(np.uint8).repeat(3, -1)
    poor, good = (replace(PLAIN, quality=quality).record(rough, 1).astype(int) for quality in (15, 95))
    assert np.abs(poor - rough).mean() > 1.5 * np.abs(good - rough).mean()
    flat = replace(PLAIN, quality=30).record(IMAGE, 1).astype(int)
    assert np.abs(flat[30:80, 10:40].mean((0, 1)) - (180, 120, 90)).max() < 6


def test_a_codec_holds_the_noise_of_a_group_of_frames():
    grouped = replace(PLAIN, dark_noise=4.0, noise_period=4)
    frames = [grouped.record(IMAGE, number) for number in (4, 7, 8)]
    assert (frames[0] == frames[1]).all()
    assert (frames[0] != frames[2]).any()


def test_recordings_differ_and_stay_visible():
    recorded = [Sensor.sample(np.random.default_rng(seed)).record(IMAGE, 0) for seed in range(40)]
    means = np.array([image.mean() for image in recorded])
    contrasts = np.array([image.astype(int)[:, :56].mean() - image[:, 56:].mean() for image in recorded])
    assert means.min() > 30
    assert means.max() < 225
    assert means.std() > 8
    assert (np.abs(contrasts) > 4).mean() > 0.9


def test_the_same_seed_gives_the_same_chain():
    one, two = (Sensor.sample(np.random.default_rng(9)) for _ in range(2))
    assert (one.record(IMAGE, 4) == two.record(IMAGE, 4)).all()


def test_interlaced_frames_take_turns_in_lines():
    frames = Sensor.interlace(np.zeros((2, 4, 4, 3), np.uint8), np.full((2, 4, 4, 3), 9, np.uint8))
    assert frames[:, :, 0, 0].tolist() == [[0, 9, 0, 9]] * 2


def tilting_camera(rate, times, focal=400.0):
    """A camera in (0, -10, 2) that looks along +y and tilts by `rate` radians a second."""
    return Camera(
        position=np.array([0.0, -10.0, 2.0]),
        rotation=orientation(np.full(len(times), math.pi / 2), rate * times),
        focal=np.full(len(times), focal),
        principal_point=(56.0, 56.0),
        width=112,
        height=112,
    )


def still_pose(times):
    joints = np.zeros((1, len(times), 20, 3))
    joints[..., 2] = 2.0
    return joints


@pytest.mark.parametrize("motion", [(6.0, 0.0), (0.0, 9.0), (5.0, -3.0), (2.2, 7.7)])
def test_a_point_smears_into_a_line_of_that_length(motion):
    image = np.zeros((41, 41), np.float32)
    image[20, 20] = 1.0
    blurred = motion_blur(image, motion)
    rows, columns = np.mgrid[:41, :41]
    assert blurred.sum() == pytest.approx(1.0, abs=1e-4)
    assert (blurred * columns).sum() == pytest.approx(20, abs=0.02)
    assert (blurred * rows).sum() == pytest.approx(20, abs=0.02)
    # A line of length L has a variance of L^2 / 12 along itself.
    along = ((columns - 20) * motion[0] + (rows - 20) * motion[1]) / np.hypot(*motion)
    assert (blurred * along**2).sum() == pytest.approx(np.hypot(*motion) ** 2 / 12, rel=0.2, abs=0.3)


def test_a_still_picture_is_left_alone():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert motion_blur(image, (0.2, -0.3)) is image


def test_scenery_moves_by_rate_times_shutter_times_focal_length():
    times = np.arange(5) / 25
    camera = tilting_camera(-0.8, times)
    moved = background_motion(camera, np.array([0, 2]), times, 1 / 50)
    # The camera tilts down, so the background moves up.
    assert moved[0] == pytest.approx([0, -0.8 / 50 * 400], abs=0.02)


def test_a_still_diver_before_a_still_camera_is_drawn_once():
    times = np.arange(5) / 25
    views, instants = exposure_views(tilting_camera(0.0, times), np.arange(5), times, still_pose, 1 / 50)
    assert views.counts.tolist() == [1] * 5
    assert instants == pytest.approx(times)


def test_fast_frames_are_drawn_at_several_instants_within_the_shutter():
    times = np.arange(5) / 25

    def rising(when):
        joints = still_pose(when)
        joints[..., 2] += np.where(when > 0.1, 5.0 * (when - 0.1), 0.0)[None, :, None]
        return joints

    views, instants = exposure_views(tilting_camera(0.0, times), np.array([0, 3]), times, rising, 1 / 50)
    # 5 m/s for 1/50 s is 0.1 m: 4 pixels at 10 m and a focal length of 400.
    assert views.counts.tolist() == [1, math.ceil(4 / JOINT_STEP_PX)]
    assert np.abs(instants[1:] - times[3]).max() < 0.01
    assert instants[1:].mean() == pytest.approx(times[3])


def test_the_number_of_instants_is_bounded():
    times = np.arange(3) / 25
    views, _ = exposure_views(tilting_camera(-9.0, times), np.arange(3), times, still_pose, 1 / 50)
    assert views.counts.max() == MAX_INSTANTS
