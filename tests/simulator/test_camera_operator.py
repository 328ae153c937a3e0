"""The hands on the camera."""

import numpy as np
import pytest

from fineparser.simulator.camera_operator import Operator, follow, shake


def operator(**changes):
    settings = {"stiffness": 10.0, "damping": 0.9, "dead_zone": 0.0, "miss": 0.0, "zooms": (), "drift": 0.0}
    return Operator(**{**settings, **changes})


def test_small_motion_within_the_dead_zone_is_not_followed():
    times = np.linspace(0, 3, 90)
    wanted = 0.02 * np.sin(times)
    held = follow(operator(dead_zone=0.1), times, wanted, field=0.3)
    assert np.ptp(held) == 0
    assert np.ptp(follow(operator(), times, wanted, field=0.3)) > 0.01


@pytest.mark.parametrize("miss", [0.1, 0.25])
def test_steady_motion_is_followed_with_the_wanted_lag(miss):
    times = np.linspace(0, 4, 240)
    wanted = 1.5 * times
    angles = follow(operator(miss=miss), times, wanted, field=0.5)
    np.testing.assert_allclose(wanted[-60:-5] - angles[-60:-5], miss * 0.5, atol=0.01)


def test_light_damping_overshoots_when_the_target_stops():
    times = np.linspace(0, 4, 240)
    wanted = np.minimum(times, 1.5)
    free = follow(operator(damping=0.5, miss=0.2), times, wanted, field=0.4)
    assert free.max() > 1.51
    np.testing.assert_allclose(free[-1], 1.5, atol=0.02)


def test_lag_is_in_seconds_so_slow_motion_lags_more_frames():
    fine = np.linspace(0, 2, 400)
    coarse = fine[::8]
    settled = follow(operator(miss=0.2), fine, 0.5 * fine, 0.4)[::8]
    np.testing.assert_allclose(follow(operator(miss=0.2), coarse, 0.5 * coarse, 0.4), settled, atol=0.01)


def test_zoom_is_smooth_and_only_when_asked_for():
    times = np.linspace(-1, 2, 300)
    steady = operator().zoom(times, 1.5)
    assert np.ptp(steady) == 0
    step = operator(zooms=((0.0, "entry", 0.3, 1.3),)).zoom(times, 1.5)
    assert step[0] == 1
    np.testing.assert_allclose(step[-1], 1.3)
    assert np.abs(np.diff(step)).max() < 0.03
    assert step[times < 1.5].max() == 1


def test_shake_has_no_drift_and_the_strength_asked_for():
    times = np.linspace(0, 60, 6000)
    unrest = shake(np.random.default_rng(0), times, 0.01)
    assert abs(unrest.mean()) < 1e-3
    assert 0.001 < unrest.std() < 0.03
    spectrum = np.abs(np.fft.rfft(unrest))
    frequency = np.fft.rfftfreq(len(times), 0.01)
    assert 0.4 < frequency[spectrum.argmax()] < 3.2
