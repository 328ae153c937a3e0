import numpy as np
import pytest

from fineparser.analysis.fall_detection import Fall, detect_fall, detect_falls
from tests.analysis.moving_pictures import dive_path, render_clip
from tests.analysis.test_clip_scan import scanned

FPS = 25.0


def dive(frames: int, leaves: int, enters: int, followed: bool):
    """A disc that falls in front of a fixed camera, or one that follows it down."""
    path = dive_path(frames, FPS, leaves, enters, top=90, bottom=440 if followed else 160, x=130)
    camera = np.zeros((frames, 2), int)
    if followed:
        camera[:, 1] = np.maximum(path[:, 1] - 90, 0).round()
    return scanned(render_clip(path, camera)), np.arange(frames) / FPS


@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize(("leaves", "enters"), [(30, 48), (90, 115), (60, 140)])
def test_the_fall_is_detected_for_any_camera_and_speed(leaves, enters, followed):
    motion, seconds = dive(170, leaves, enters, followed)
    fall = detect_fall(motion, seconds, 0, 169)
    length = enters - leaves
    assert abs(fall.entry - enters) <= max(4, 0.15 * length)
    # A fall starts slowly: its first third is a ninth of the drop.
    assert leaves - 8 <= fall.top <= leaves + 0.4 * length
    first, last = fall.trim(seconds, 0, 169)
    assert leaves - 2.5 * FPS - 0.8 * length < first <= leaves - 0.3 * FPS
    assert enters + 0.4 * FPS <= last < enters + 1.5 * FPS + 0.8 * length


def test_a_level_path_is_no_dive():
    path = np.stack([np.linspace(40, 200, 100), np.full(100, 90.0)], axis=1)
    assert detect_fall(scanned(render_clip(path, np.zeros((100, 2), int))), np.arange(100) / FPS, 0, 99) is None


def test_a_climb_is_no_dive():
    path = dive_path(100, FPS, 20, 70, top=160, bottom=60, x=130)
    assert detect_fall(scanned(render_clip(path, np.zeros((100, 2), int))), np.arange(100) / FPS, 0, 99) is None


@pytest.mark.parametrize(("second", "expected"), [(160, [45, 195]), (78, [45])])
def test_every_fall_of_a_shot_is_detected_but_the_weak_one_beside_a_dive(second, expected):
    """The disc falls twice, the second time to a row: as far as the first time, or only to bend down."""
    rows = np.concatenate(
        [
            dive_path(150, FPS, 30, 45, top=50, bottom=160, x=130),
            dive_path(150, FPS, 30, 45, top=50, bottom=second, x=130),
        ]
    )
    falls = detect_falls(scanned(render_clip(rows, np.zeros((300, 2), int))), np.arange(300) / FPS, 0, 299)
    assert sorted(fall.entry for fall in falls) == [pytest.approx(entry, abs=5) for entry in expected]


def test_only_the_given_shot_counts():
    motion, seconds = dive(120, 20, 40, followed=False)
    assert detect_fall(motion, seconds, 0, 60) is not None
    assert detect_fall(motion, seconds, 60, 119) is None
    assert detect_fall(motion, seconds, 60, 62) is None


def test_the_motion_peak_near_the_dive_stays_in_the_trim():
    seconds = np.arange(500) / FPS
    # Falls from 100 to 120; the motion peak is in the fall, shortly after it, or much later.
    falls = [Fall(100, 120, 0.5, peak) for peak in (110, 170, 400)]
    plain, late, elsewhere = (fall.trim(seconds, 0, 499) for fall in falls)
    assert plain[1] < 145
    assert plain[0] == late[0] == elsewhere[0]
    assert 170 < late[1] < 170 + 1.5 * FPS
    assert elsewhere == plain
