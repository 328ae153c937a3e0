"""Rotation in the air against cases that are known in closed form or from SciPy's integrator."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from fineparser.simulator.athlete.shape import ShapeSequence
from fineparser.simulator.flight.rotation import (
    Rotation,
    TiltBalance,
    find_root,
    integrate_rotation,
    planar_rotation,
    steer_rotation,
)

STEP = 1 / 480
COUNT = 481


def rigid(moments, count=COUNT):
    inertia = np.repeat(np.diag(moments)[None].astype(float), count, axis=0)
    return ShapeSequence(np.zeros((count, 20, 3)), inertia, np.zeros((count, 3)))


def test_a_rigid_body_without_tilt_turns_evenly():
    turned = integrate_rotation(rigid((11.0, 10.0, 0.7)), STEP, 40.0, 0.3)
    np.testing.assert_allclose(turned.somersault, 0.3 + 4.0 * np.arange(241) / 240, atol=1e-9)
    np.testing.assert_allclose(turned.twist, 0.0, atol=1e-12)
    first, second = planar_rotation(rigid((11.0, 10.0, 0.7)), STEP)
    np.testing.assert_allclose(0.3 + 40.0 * first - second, 0.3 + 4.0 * np.arange(COUNT) * STEP, atol=1e-9)


def test_a_rod_with_tilt_twists_by_poinsots_solution():
    """Equal moments A about the cross axes: tilt constant, somersault L/A, twist L sin(tilt) (1/A - 1/C)."""
    across, along, momentum, tilt = 10.0, 0.8, 60.0, 0.2
    turned = integrate_rotation(rigid((across, across, along)), STEP, momentum, 0.0, tilt)
    times = np.arange(241) / 240
    np.testing.assert_allclose(turned.tilt, tilt, atol=1e-6)
    np.testing.assert_allclose(turned.somersault, momentum / across * times, atol=1e-5)
    np.testing.assert_allclose(turned.twist, momentum * np.sin(tilt) * (1 / across - 1 / along) * times, atol=1e-4)


def test_an_unequal_body_against_scipy():
    moments = np.array([11.0, 9.0, 1.1])

    def euler(_, m):
        return np.cross(m, m / moments)

    start = [0.0, -55.0 * np.cos(0.15), 55.0 * np.sin(0.15)]
    exact = solve_ivp(euler, (0.0, 1.0), start, rtol=1e-10, atol=1e-10, t_eval=[1.0]).y[:, 0] / -55.0
    turned = integrate_rotation(rigid(moments), STEP, -55.0, 0.0, 0.15)
    assert -np.sin(turned.tilt[-1]) == pytest.approx(exact[2], abs=1e-6)
    assert np.sin(turned.twist[-1]) * np.cos(turned.tilt[-1]) == pytest.approx(exact[0], abs=1e-5)


def test_orientation_carries_the_angular_momentum():
    """The body's spin, turned into the world, times inertia gives the same momentum at all times."""
    moments = np.array([11.0, 9.0, 1.1])
    turned = integrate_rotation(rigid(moments), STEP, 50.0, 0.1, 0.2)
    axes = turned.matrices()
    rates = np.gradient(axes, 2 * STEP, axis=0)
    skew = np.matmul(axes.transpose(0, 2, 1), rates)
    spin = np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=-1)
    momentum = np.einsum("nij,nj->ni", axes, spin * moments)
    np.testing.assert_allclose(momentum[2:-2], np.broadcast_to([0.0, 50.0, 0.0], (237, 3)), atol=0.1)


def test_balance_removes_tilt_and_stays_within_its_share():
    shapes = rigid((10.0, 10.0, 1.0))
    eager = TiltBalance(np.full(COUNT, 14.0), 0.05)
    turned = integrate_rotation(shapes, STEP, 50.0, 0.0, 0.1, eager)
    assert abs(turned.tilt[-1]) < 1e-3
    assert np.abs(np.diff(turned.tilt) * 240).max() <= 0.05 * 50.0 / 10.0 + 1e-6
    left = integrate_rotation(shapes, STEP, -50.0, 0.0, -0.1, eager)
    assert abs(left.tilt[-1]) < 1e-3


def test_steering_ends_square_and_keeps_the_somersaults_momentum():
    shapes = rigid((10.0, 10.0, 0.8))
    free = integrate_rotation(shapes, STEP, 60.0, 0.0, -0.15)
    goal = 2 * np.pi * np.sign(free.twist[-1])
    steered, free_twist = steer_rotation(shapes, STEP, 60.0, free, goal, 0.4, 0.8)
    assert isinstance(steered, Rotation)
    assert steered.twist[-1] == pytest.approx(goal)
    assert steered.tilt[-1] == pytest.approx(0.0, abs=1e-12)
    assert abs(np.diff(steered.twist, 2)).max() < 0.02, "no jump in the rate of twisting"
    rate = (free.twist[96] - free.twist[95]) * 240
    assert free_twist == pytest.approx(free.twist[96] + 0.2 * rate)
    assert steered.somersault[-1] - steered.somersault[-25] == pytest.approx(6.0 * 24 / 240, rel=1e-3)


def test_find_root_finds_roots_and_returns_the_best_point_where_there_is_none():
    root, left = find_root(lambda x: np.array([x[0] ** 2 - 2.0, x[0] * x[1] - 3.0]), np.array([1.0, 1.0]), [0.05, 0.05])
    np.testing.assert_allclose(root, [np.sqrt(2), 3 / np.sqrt(2)], atol=3e-3)
    assert np.abs(left).max() < 2e-3
    _, left = find_root(lambda x: np.array([x[0] ** 2 + 1.0]), np.array([0.7]), [0.01], limit=40)
    assert left[0] < 1.4, "nearer than the guess, though there is no root"
