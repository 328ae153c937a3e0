"""Courses of joint angles: minimum-jerk moves and Hermite courses."""

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from fineparser.simulator.shape import CHANNEL, shape
from fineparser.simulator.timeline import Timeline, course, ease


def test_ease_starts_and_ends_at_rest():
    times = np.linspace(-0.5, 2.0, 2501)
    values = ease(times, 0.2, 1.0)
    assert values[0] == 0.0
    assert values[-1] == 1.0
    assert ease(np.array([0.7]), 0.2, 1.0)[0] == pytest.approx(0.5)
    speed = np.gradient(values, times)
    assert speed.max() == pytest.approx(1.875, abs=1e-3)  # the peak of a minimum-jerk movement
    assert np.abs(np.gradient(speed, times)).max() < 6.0


def test_moves_add_up_and_leave_other_joints_alone():
    timeline = Timeline(shape(knee=10.0)).move(0.0, 0.5, knee=100.0, hip=90.0, only="knee")
    timeline = timeline.move(0.4, 0.5, hip_l=30.0, only="hip")
    end = timeline.at(np.array([-1.0, 5.0]))
    assert end[0, CHANNEL["knee_l"]] == 10.0
    assert end[1, CHANNEL["knee_l"]] == end[1, CHANNEL["knee_r"]] == 100.0
    assert end[1, CHANNEL["hip_l"]] == 30.0
    assert end[1, CHANNEL["hip_r"]] == 0.0
    np.testing.assert_allclose(timeline.last, end[1])


def test_course_is_a_hermite_spline():
    knots, values, slopes = [0.0, 0.4, 1.0], [1.0, 3.0, -2.0], [0.5, 2.0, -1.0]
    times = np.linspace(0.0, 1.0, 101)
    expected = CubicHermiteSpline(knots, values, slopes)(times)
    np.testing.assert_allclose(course(times, knots, values, slopes), expected, atol=1e-12)
    np.testing.assert_allclose(course(np.array([-3.0, 9.0]), knots, values, slopes), [1.0, -2.0])


def test_course_does_not_overshoot_where_it_turns():
    times = np.linspace(0.0, 3.0, 301)
    values = course(times, [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.2, 0.9], [0.0, None, None, 0.0])
    assert values.max() <= 1.0 + 1e-9
    assert values.min() >= -1e-9
