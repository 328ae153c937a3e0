"""Cuts are detected where shots were joined, and nowhere else: synthetic shots, and recordings where present."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fineparser.video.cuts import CutDetector
from fineparser.video.reader import open_source
from tests.video.clips import encode, write_folder

REAL = Path(__file__).parents[2].parent / "shared" / "real"
HEIGHT, WIDTH = 120, 160


def panorama(seed: int, hue: int) -> np.ndarray:
    """A wide picture of blobs around one hue with boxes on it, uint8 RGB [400, 1200, 3]."""
    rng = np.random.default_rng(seed)
    blobs = cv2.resize(rng.integers(0, 255, (50, 150), np.uint8), (1200, 400), interpolation=cv2.INTER_CUBIC)
    hsv = np.stack([np.full_like(blobs, hue), np.full_like(blobs, 140), blobs // 2 + 90], axis=-1)
    picture = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    for _ in range(100):
        x, y = rng.integers(0, 1160), rng.integers(0, 360)
        colour = rng.integers(0, 255, 3).tolist()
        cv2.rectangle(picture, (int(x), int(y)), (int(x) + 40, int(y) + 30), colour, -1)
    return picture


def shot(scene: np.ndarray, count: int, start=(100, 100), speed=(0.0, 0.0), seed: int = 0) -> np.ndarray:
    """A camera that moves by `speed` pixels a frame, with the motion blur of an open shutter and some noise."""
    rng = np.random.default_rng(seed)
    frames = []
    for index in range(count):
        views = []
        for shutter in np.linspace(0, 1, 8):
            x = int(start[0] + speed[0] * (index + shutter))
            y = int(start[1] + speed[1] * (index + shutter))
            views.append(scene[y : y + HEIGHT, x : x + WIDTH].astype(float))
        noisy = np.mean(views, axis=0) + rng.normal(0, 4, (HEIGHT, WIDTH, 3))
        frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return np.stack(frames)


def find_cuts(stream: Iterable[tuple[int, np.ndarray]]) -> tuple[int, ...]:
    detector = CutDetector()
    for number, frame in stream:
        detector.add(number, frame)
    return detector.result()


def cuts_of(frames: np.ndarray) -> tuple[int, ...]:
    return find_cuts(enumerate(frames))


POOL, STANDS = panorama(1, hue=100), panorama(2, hue=20)


@pytest.mark.parametrize("at", [1, 2, 5, 20, 38, 39])
def test_a_cut_anywhere_is_found(at):
    frames = np.concatenate([shot(POOL, at), shot(STANDS, 40 - at, seed=1)])
    assert cuts_of(frames) == (at,)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_cut_to_another_view_of_the_same_pool(seed):
    """The colours stay nearly the same; what is where changes."""
    frames = np.concatenate([shot(POOL, 20), shot(panorama(seed, hue=100), 20, seed=1)])
    assert cuts_of(frames) == (20,)


def test_several_cuts():
    shots = [shot(POOL, 12), shot(STANDS, 7, seed=1), shot(POOL, 15, start=(600, 50), seed=2)]
    assert cuts_of(np.concatenate(shots)) == (12, 19)


@pytest.mark.parametrize("speed", [(0.0, 0.0), (16.0, 0.0), (33.0, 0.0), (0.0, 8.0), (20.0, 5.0)])
def test_a_pan_is_no_cut(speed):
    """Up to a fifth of the picture's width between frames, smeared by the shutter."""
    assert cuts_of(shot(POOL, 30, start=(20, 10), speed=speed)) == ()


@pytest.mark.parametrize("speed", [(40.0, 0.0), (0.0, 30.0)])
def test_a_jerk_of_the_camera_is_no_cut(speed):
    """Standing still, two frames in which the camera swings by a quarter of the picture, still again."""
    x, y = 100 + 2 * speed[0], 10 + 2 * speed[1]
    shots = [shot(POOL, 15, (100, 10)), shot(POOL, 2, (100, 10), speed), shot(POOL, 15, (x, y), seed=1)]
    assert cuts_of(np.concatenate(shots)) == ()


def test_a_camera_that_starts_to_follow_is_no_cut():
    """Standing still, then at once a fast pan: the liveliness changes from one frame to the next."""
    still, moving = shot(POOL, 20), shot(POOL, 20, speed=(28.0, 0.0), seed=1)
    assert cuts_of(np.concatenate([still, moving])) == ()


@pytest.mark.parametrize("times", [2, 3])
def test_frames_that_are_stored_twice_do_not_confuse(times):
    """25 frames a second stored as 50 or 75: most steps are nothing, the others are not cuts for it."""
    pan = shot(POOL, 20, speed=(24.0, 0.0)).repeat(times, axis=0)
    assert cuts_of(pan) == ()
    assert cuts_of(np.concatenate([pan, shot(STANDS, 10, seed=1).repeat(times, axis=0)])) == (20 * times,)


def test_a_cut_during_a_pan_is_found():
    frames = np.concatenate([shot(POOL, 15, speed=(16.0, 0.0)), shot(STANDS, 15, speed=(16.0, 0.0), seed=1)])
    assert cuts_of(frames) == (15,)


@pytest.mark.parametrize("length", [1, 2])
def test_a_flash_is_no_cut(length):
    frames = shot(POOL, 30)
    frames[14 : 14 + length] = np.clip(frames[14 : 14 + length].astype(int) + 170, 0, 255)
    assert cuts_of(frames) == ()


def test_a_torn_frame_is_no_cut():
    frames = shot(POOL, 30)
    frames[14] = shot(STANDS, 1)[0]
    assert cuts_of(frames) == ()


def test_a_splash_is_no_cut():
    frames = shot(POOL, 30)
    for index in range(10, 30):
        cv2.circle(frames[index], (80, 90), min(60, (index - 9) * 15), (240, 245, 250), -1)
    assert cuts_of(frames) == ()


def test_the_light_going_on_is_no_cut():
    frames = shot(POOL, 30)
    frames[15:] = np.clip(frames[15:] * 1.35, 0, 255)
    assert cuts_of(frames) == ()


def test_frames_without_anything_on_them():
    black = np.zeros((20, HEIGHT, WIDTH, 3), np.uint8)
    assert cuts_of(black) == ()
    assert cuts_of(np.concatenate([black, shot(POOL, 20)])) == (20,)
    assert cuts_of(black[:1]) == ()
    assert cuts_of(black[:0]) == ()


def test_files_and_folders_give_source_numbers(tmp_path):
    frames = np.concatenate([shot(POOL, 12), shot(STANDS, 12, seed=1)])
    with open_source(encode(tmp_path / "cut.mp4", frames)) as source:
        assert find_cuts(source.stream()) == (12,)
        assert find_cuts(source.stream(14)) == ()
    with open_source(write_folder(tmp_path / "frames", frames, first=500, suffix=".jpg")) as source:
        assert find_cuts(source.stream()) == (512,)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real recordings are not here")
@pytest.mark.parametrize(
    ("name", "cuts"),
    [
        ("london2012_10m_207C.avi", (1,)),
        ("college_springboard_inward.mp4", ()),
        ("silhouettes_springboard_3m_single.mp4", ()),
        ("silhouettes_platform_10m_synchro.mp4", ()),
    ],
)
def test_real_recordings(name, cuts):
    with open_source(REAL / name) as source:
        assert find_cuts(source.stream()) == cuts
