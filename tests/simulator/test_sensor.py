"""The recording chain: repeatable, sane in brightness, and each of its faults does what its name says."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.simulator.sensor import Sensor

PLAIN = Sensor(
    curve=np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1),
    colours=np.eye(3, dtype=np.float32),
    vignette=0.0,
    defocus=0.0,
    detail=1.0,
    chroma_blur=0.0,
    halo=0.0,
    grain=np.random.default_rng(0).standard_normal((256, 256, 3), dtype=np.float32),
    noise=0.0,
    shot=0.0,
    quality=100,
    group=1,
    combed=False,
    seed=5,
)
PICTURE = np.zeros((112, 112, 3), np.uint8)
PICTURE[:, :56] = (180, 120, 90)
PICTURE[:, 56:] = (30, 90, 160)


def test_a_perfect_chain_changes_nothing():
    assert (PLAIN.develop(PICTURE, 3) == PICTURE).all()


def test_noise_has_its_deviation_and_another_place_in_every_frame():
    noisy = replace(PLAIN, noise=6.0)
    first, again, other = (noisy.develop(PICTURE, number).astype(int) for number in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (first - PICTURE)[:, :56].std() == pytest.approx(6.0, rel=0.1)


def test_shot_noise_grows_with_brightness():
    noisy = replace(PLAIN, noise=0.5, shot=0.5).develop(PICTURE, 1).astype(int) - PICTURE
    assert noisy[:, 4:52, 0].std() > 1.6 * noisy[:, 60:108, 0].std()


def test_noise_covers_large_pictures():
    large = np.full((480, 640, 3), 128, np.uint8)
    noise = replace(PLAIN, noise=5.0).develop(large, 1).astype(int) - 128
    assert noise[-60:, -60:].std() == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize("change", [{"defocus": 0.02}, {"detail": 0.4}])
def test_soft_chains_soften_the_edge(change):
    soft = replace(PLAIN, **change).develop(PICTURE, 1).astype(int)
    assert abs(soft[50, 55, 0] - 180) > 5
    assert abs(soft[50, 20, 0] - 180) < 4


def test_sharpening_leaves_halos():
    sharp = replace(PLAIN, halo=1.0).develop(PICTURE, 1).astype(int)
    assert sharp[50, 55, 0] > 190
    assert sharp[50, 56, 0] < 20


def test_chroma_blur_keeps_the_brightness():
    bled = replace(PLAIN, chroma_blur=0.03).develop(PICTURE, 1).astype(int)
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(bled @ luma - PICTURE @ luma).max() < 16
    assert abs(bled[50, 54, 0] - 180) > 8


def test_compression_costs_detail_and_not_colour():
    # Grey, because the colours of a JPEG are kept at half the resolution at any quality.
    rough = np.random.default_rng(1).integers(60, 200, (112, 112, 1)).astype(np.uint8).repeat(3, -1)
    poor, good = (replace(PLAIN, quality=quality).develop(rough, 1).astype(int) for quality in (15, 95))
    assert np.abs(poor - rough).mean() > 1.5 * np.abs(good - rough).mean()
    flat = replace(PLAIN, quality=30).develop(PICTURE, 1).astype(int)
    assert np.abs(flat[30:80, 10:40].mean((0, 1)) - (180, 120, 90)).max() < 6


def test_a_codec_holds_the_noise_of_a_group_of_frames():
    grouped = replace(PLAIN, noise=4.0, group=4)
    frames = [grouped.develop(PICTURE, number) for number in (4, 7, 8)]
    assert (frames[0] == frames[1]).all()
    assert (frames[0] != frames[2]).any()


def test_recordings_differ_and_stay_visible():
    developed = [Sensor.sample(np.random.default_rng(seed)).develop(PICTURE, 0) for seed in range(40)]
    means = np.array([picture.mean() for picture in developed])
    contrasts = np.array([picture.astype(int)[:, :56].mean() - picture[:, 56:].mean() for picture in developed])
    assert means.min() > 30
    assert means.max() < 225
    assert means.std() > 8
    assert (np.abs(contrasts) > 4).mean() > 0.9


def test_the_same_seed_gives_the_same_chain():
    one, two = (Sensor.sample(np.random.default_rng(9)) for _ in range(2))
    assert (one.develop(PICTURE, 4) == two.develop(PICTURE, 4)).all()


def test_interlaced_frames_take_turns_in_lines():
    woven = Sensor.weave(np.zeros((2, 4, 4, 3), np.uint8), np.full((2, 4, 4, 3), 9, np.uint8))
    assert woven[:, :, 0, 0].tolist() == [[0, 9, 0, 9]] * 2
