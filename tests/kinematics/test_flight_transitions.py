"""Decoding of the transitions against projectiles whose every number is known."""

import numpy as np
import pytest

from fineparser.domain.clip_geometry import GRAVITY
from fineparser.kinematics.body_path import BodyPath
from fineparser.kinematics.flight_transitions import FlightParabola, FlightTransitions, decode_flight_transitions
from tests.kinematics.projectiles import Projectile


def decode(projectile: Projectile, height: float | None = None) -> FlightTransitions:
    observation = projectile.observe()
    transitions = decode_flight_transitions(observation, BodyPath.from_observation(observation), height)
    assert transitions is not None
    return transitions


@pytest.mark.parametrize(
    "projectile",
    [
        Projectile(),
        Projectile(height=1, speed=3.5, noise=2),
        Projectile(height=10, speed=2.5, pixels=45),
        Projectile(camera_speed=1.5, noise=2),
        Projectile(slow_motion=3.0),
    ],
)
def test_transitions_are_near_the_truth(projectile: Projectile) -> None:
    transitions = decode(projectile)
    tolerance = 0.12 * projectile.slow_motion
    assert transitions.flight_seconds == pytest.approx(projectile.flight_seconds, abs=tolerance)
    assert transitions.entry_seconds == pytest.approx(projectile.entry_seconds, abs=0.06 * projectile.slow_motion)


def test_time_scale_of_slow_motion() -> None:
    assert decode(Projectile(slow_motion=3.0)).time_scale == pytest.approx(3.0, rel=0.1)
    assert decode(Projectile()).time_scale == 1.0


@pytest.mark.parametrize(("height", "speed"), [(1, 3.5), (3, 4.6), (10, 2.6)])
def test_height_follows_from_the_fall(height: float, speed: float) -> None:
    probabilities = decode(Projectile(height=height, speed=speed)).height_probabilities
    assert max(probabilities, key=probabilities.__getitem__) == height
    assert sum(probabilities.values()) == pytest.approx(1)


def test_given_height_is_certain() -> None:
    assert decode(Projectile(), height=3).height_probabilities[3] == pytest.approx(1)


def test_probabilities_of_frames_add_up_to_1() -> None:
    transitions = decode(Projectile())
    np.testing.assert_allclose(transitions.probabilities.sum(0), 1)
    assert 0 < transitions.flight_error < 0.2
    assert 0 < transitions.entry_error < 0.2


def test_a_clip_of_few_frames_has_no_moments() -> None:
    observation = Projectile(fps=2).observe()
    assert decode_flight_transitions(observation, BodyPath.from_observation(observation)) is None


def test_parabola_ignores_outliers() -> None:
    seconds = np.linspace(2, 3, 31)
    points = np.stack([50 + 80 * (seconds - 2), 300 - 200 * (seconds - 2) + 400 * (seconds - 2) ** 2], axis=1)
    points[[5, 20]] += (200, -150)
    parabola = FlightParabola.fit(seconds, points, np.ones(31))
    np.testing.assert_allclose(parabola.acceleration, (0, 800), atol=25)
    assert parabola.top == pytest.approx(2.25, abs=0.02)
    np.testing.assert_allclose(parabola.place(3.0), points[-1], atol=4)


def test_parabola_matches_least_squares() -> None:
    rng = np.random.default_rng(1)
    seconds = np.linspace(0, 1, 40)
    height = 2.0 - 4.0 * seconds + GRAVITY / 2 * seconds**2 + rng.normal(0, 0.01, 40)
    parabola = FlightParabola.fit(seconds, np.stack([height, height], axis=1), np.full(40, 0.01))
    reference = np.polyfit(seconds, height, 2)
    assert parabola.acceleration[1] == pytest.approx(2 * reference[0], rel=0.02)
    assert parabola.acceleration_error < 0.5
    with pytest.raises(ValueError, match="5 points at least, not 4"):
        FlightParabola.fit(seconds[:4], np.zeros((4, 2)), np.ones(4))
