"""A jointed stick figure turns by formulas; what is measured must be how it was drawn."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.clip_geometry import HEAD, NECK, PELVIS
from fineparser.kinematics.observation import MotionPrediction
from fineparser.kinematics.rotation_measurement import (
    follow_rotation,
    follow_twist,
    measure_rotation,
    rotation_speeds,
)
from tests.kinematics.stick_figures import FLIGHT, FRAMES, StickDive


def best(dive: StickDive, observation=None) -> tuple[int, ...]:
    """Start, sense, front and half somersaults that fit best; flight and stance together."""
    evidence = measure_rotation(observation or dive.observe(), dive.transitions())
    total = evidence.likelihood + evidence.stance[:, None, :, None]
    return tuple(int(index) for index in np.unravel_index(total.argmax(), total.shape))


def motion_prediction(somersault: np.ndarray, twist: np.ndarray, twist_rate: np.ndarray) -> MotionPrediction:
    """Prediction of a motion head with these angles [T] (radians) and that rate (turns a frame)."""

    def vectors(angles: np.ndarray) -> np.ndarray:
        return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)

    zeros = np.zeros(FRAMES, np.float32)
    names = (
        "somersault_rate",
        "hip_angle",
        "knee_angle",
        "foot_angle",
        "knees_apart",
        "ankles_apart",
        "metre",
        "height",
    )
    fields = {name: zeros for name in names if name in MotionPrediction.__dataclass_fields__}
    return MotionPrediction(
        somersault=vectors(somersault), twist=vectors(twist), twist_rate=twist_rate, choices={}, **fields
    )


@pytest.mark.parametrize("half_somersaults", [1, 2, 3, 5, 7, 9])
@pytest.mark.parametrize("sense", [1, -1])
def test_half_somersaults_are_counted_in_both_senses(half_somersaults, sense):
    dive = StickDive(half_somersaults=half_somersaults, sense=sense)
    start, found_sense, _, found = best(dive)
    assert (start, found_sense, found) == (0, 0 if sense > 0 else 1, half_somersaults)


@pytest.mark.parametrize(("hip", "knee"), [(40, 180), (45, 60)])
@pytest.mark.parametrize("front", [1, -1])
def test_a_fold_shows_the_front(hip, knee, front):
    assert best(StickDive(hip=hip, knee=knee, front=front))[2:] == (0 if front > 0 else 1, 5)


def test_feet_on_the_board_show_the_front_of_a_straight_dive():
    assert [best(StickDive(front=front))[2] for front in (1, -1)] == [0, 1]


def test_an_armstand_starts_upside_down():
    dive = StickDive(half_somersaults=4, inverted=True, hip=40, metres=10, seconds=1.45)
    assert best(dive) == (1, 0, 0, 4)


def test_frames_with_head_and_feet_swapped_do_not_disturb_the_count():
    dive = StickDive(half_somersaults=7)
    observation = dive.observe()
    keypoints = observation.keypoints.copy()
    keypoints[:, 34::9, [HEAD, NECK]] = 2 * keypoints[:, 34::9, [PELVIS]] - keypoints[:, 34::9, [HEAD, NECK]]
    assert best(dive, replace(observation, keypoints=keypoints))[3] == 7


def test_a_motion_head_counts_where_keypoints_are_a_blur():
    dive = StickDive(half_somersaults=5, noise=1.5)
    turned = np.pi * 5 * dive.share
    zeros = np.zeros(FRAMES, np.float32)
    observation = replace(dive.observe(), motion=motion_prediction(turned, zeros, zeros))
    assert best(dive, observation)[3] == 5


def test_repeated_frames_count_once_and_short_flights_not_at_all():
    dive = StickDive()
    observation = dive.observe()
    numbers = np.repeat(observation.numbers[::2], 2)
    evidence = measure_rotation(replace(observation, numbers=numbers), dive.transitions())
    assert np.diff(evidence.frames).tolist() == [2] * (len(evidence.frames) - 1)
    assert measure_rotation(observation, replace(dive.transitions(), entry=FLIGHT + 3)) is None


@pytest.mark.parametrize("slow_motion", [1.0, 1.4])
def test_angle_and_speed_are_those_of_the_figure(slow_motion):
    dive = StickDive(half_somersaults=5, noise=0.01, slow_motion=slow_motion)
    observation, transitions = dive.observe(), dive.transitions()
    evidence = measure_rotation(observation, transitions)
    path = follow_rotation(observation, transitions, evidence, start=0, sense=0, half_somersaults=5)
    inner = slice(4, -4)
    assert path.angles[inner] == pytest.approx(900 * dive.share[path.frames][inner], abs=4)
    speed = 900 / dive.seconds
    assert path.speeds[inner] == pytest.approx(np.full(len(path.frames) - 8, speed), rel=0.08)
    peak, mean = rotation_speeds(observation, transitions, path)
    assert mean.value == pytest.approx(speed, rel=0.03)
    assert abs(peak.value - speed) < max(3 * peak.error, 0.08 * speed)
    assert peak.unit == mean.unit == "deg/s"
    assert mean.frames == (100 + FLIGHT, 100 + transitions.entry)


def test_noise_makes_the_error_of_the_peak_larger():
    errors = []
    for noise in (0.01, 0.1):
        dive = StickDive(noise=noise)
        observation, transitions = dive.observe(), dive.transitions()
        evidence = measure_rotation(observation, transitions)
        path = follow_rotation(observation, transitions, evidence, start=0, sense=0, half_somersaults=5)
        errors.append(rotation_speeds(observation, transitions, path)[0].error)
    assert errors[1] > 1.5 * errors[0]


def test_fast_twists_are_unwrapped_by_their_rate():
    dive = StickDive()
    turns = 4.5 * dive.share  # up to 0.6 turns between two sampled frames
    zeros = np.zeros(FRAMES)
    sparse = slice(None, None, 5)
    numbers = np.repeat(np.arange(FRAMES)[sparse], 5)[:FRAMES]
    rate = np.gradient(turns).astype(np.float32)
    motion = motion_prediction(zeros, 2 * np.pi * turns, rate)
    observation, transitions = replace(dive.observe(), motion=motion, numbers=numbers), dive.transitions()
    twist = follow_twist(observation, transitions)
    assert twist[-1] == pytest.approx(360 * turns[70], abs=60)
    assert follow_twist(dive.observe(), transitions) is None
