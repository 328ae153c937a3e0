"""Scale, vertical and distances against projectiles whose every number is known."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.clip_geometry import GRAVITY
from fineparser.kinematics.body_path import BodyPath, body_length, centre_of_mass
from fineparser.kinematics.flight import Flight
from fineparser.kinematics.flight_transitions import decode_flight_transitions
from tests.kinematics.projectiles import FIGURE, STANCE, Projectile


def measure(projectile: Projectile, height: float | None = None) -> Flight:
    observation = projectile.observe()
    path = BodyPath.from_observation(observation)
    transitions = decode_flight_transitions(observation, path, height)
    assert transitions is not None
    return Flight.measure(observation, path, transitions, height)


def test_centre_of_mass_of_one_point_is_the_point() -> None:
    points = np.tile((3.0, -2.0), (4, 7, 1))
    np.testing.assert_allclose(centre_of_mass(points), points[:, 0])


def test_body_length_is_that_of_the_figure() -> None:
    projectile = Projectile()
    ankle_to_head = FIGURE[0, 1] - FIGURE[3, 1]
    assert body_length(projectile.observe()) == pytest.approx(ankle_to_head * projectile.pixels, rel=0.02)


@pytest.mark.parametrize("projectile", [Projectile(), Projectile(height=10, speed=2.5, pixels=45), Projectile(noise=2)])
def test_scale_within_its_error(projectile: Projectile) -> None:
    flight = measure(projectile, projectile.height)
    assert flight.scale == pytest.approx(projectile.pixels, rel=0.07)
    assert 0.01 < flight.scale_error < 0.1


def test_speed_and_height() -> None:
    projectile = Projectile(height=3, speed=4.6)
    flight = measure(projectile, 3)
    speed, height, air = flight.take_off_speed(), flight.height_above_board(), flight.air_time()
    assert speed.value == pytest.approx(4.6, abs=0.4)
    assert height.value == pytest.approx(STANCE + 4.6**2 / 2 / GRAVITY, abs=0.2)
    assert air.value == pytest.approx(projectile.touch, abs=0.08)
    assert air.frames[0] < height.frames[0] < air.frames[1]


@pytest.mark.parametrize("drift", [1.0, -1.0])
def test_distance_away_from_the_board(drift: float) -> None:
    projectile = Projectile(drift=drift)
    distance = measure(projectile, 3).entry_distance()
    assert distance.value == pytest.approx(projectile.touch, abs=0.25)
    assert distance.error is not None
    assert 0.05 < distance.error < 0.6


def test_tilted_camera() -> None:
    assert measure(Projectile(tilt=4.0)).tilt == pytest.approx(2.0, abs=1.0)  # half way to the level of most cameras
    assert measure(Projectile()).tilt == pytest.approx(0.0, abs=0.3)


def test_a_path_that_does_not_fall_gives_no_distance():
    observation = Projectile().observe()
    path = BodyPath.from_observation(observation)
    transitions = decode_flight_transitions(observation, path, 3)
    assert transitions is not None
    slow = replace(transitions.parabola, acceleration=transitions.parabola.acceleration / 4)
    flight = Flight.measure(observation, path, replace(transitions, parabola=slow), 3)
    assert flight.entry_distance().reason == flight.closest_distance(observation).reason == "diver_not_visible"
    assert flight.scale == pytest.approx(Projectile().pixels, rel=0.1)  # by the length of the body
