import numpy as np
import pytest

from fineparser.analysis.dive_moment import DiveMoment, find_dive
from tests.analysis.moving_pictures import dive_path, film
from tests.analysis.test_motion import watched

FPS = 25.0


def dive(frames: int, leaves: int, enters: int, followed: bool):
    """A disc that falls before a camera that stands, or one that follows it down."""
    path = dive_path(frames, FPS, leaves, enters, top=90, bottom=440 if followed else 160, x=130)
    camera = np.zeros((frames, 2), int)
    if followed:
        camera[:, 1] = np.maximum(path[:, 1] - 90, 0).round()
    return watched(film(path, camera)), np.arange(frames) / FPS


@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize(("leaves", "enters"), [(30, 48), (90, 115), (60, 140)])
def test_the_fall_is_found_however_it_is_filmed_and_however_slow(leaves, enters, followed):
    motion, seconds = dive(170, leaves, enters, followed)
    found = find_dive(motion, seconds, 0, 169)
    length = enters - leaves
    assert abs(found.entry - enters) <= max(4, 0.15 * length)
    # A fall begins slowly: its first third is a ninth of the way.
    assert leaves - 8 <= found.top <= leaves + 0.4 * length
    first, last = found.trim(seconds, 0, 169)
    assert leaves - 2.5 * FPS - 0.8 * length < first <= leaves - 0.3 * FPS
    assert enters + 0.4 * FPS <= last < enters + 1.5 * FPS + 0.8 * length


def test_nothing_that_falls_is_no_dive():
    path = np.stack([np.linspace(40, 200, 100), np.full(100, 90.0)], axis=1)
    assert find_dive(watched(film(path, np.zeros((100, 2), int))), np.arange(100) / FPS, 0, 99) is None


def test_a_climb_is_no_dive():
    path = dive_path(100, FPS, 20, 70, top=160, bottom=60, x=130)
    assert find_dive(watched(film(path, np.zeros((100, 2), int))), np.arange(100) / FPS, 0, 99) is None


def test_only_the_shot_that_is_asked_for_counts():
    motion, seconds = dive(120, 20, 40, followed=False)
    assert find_dive(motion, seconds, 0, 60) is not None
    assert find_dive(motion, seconds, 60, 119) is None
    assert find_dive(motion, seconds, 60, 62) is None


def test_the_liveliest_moment_near_the_dive_is_never_cut():
    seconds = np.arange(500) / FPS
    # Falls from 100 to 120; a little later far more moves than in what was taken for the fall.
    moments = [DiveMoment(100, 120, 0.5, liveliest) for liveliest in (110, 170, 400)]
    plain, late, elsewhere = (moment.trim(seconds, 0, 499) for moment in moments)
    assert plain[1] < 145
    assert plain[0] == late[0] == elsewhere[0]
    assert 170 < late[1] < 170 + 1.5 * FPS
    assert elsewhere == plain  # somebody else, much later
