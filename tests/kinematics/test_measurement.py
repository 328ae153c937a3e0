"""All measurements together: of a projectile, of a clip without a flight, and of one that lacks a phase."""

import json
from dataclasses import fields

import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.kinematics import Kinematics
from fineparser.kinematics.body_path import BodyPath
from fineparser.kinematics.flight_transitions import decode_flight_transitions
from fineparser.kinematics.measurement import measure_dive, without_phases
from tests.kinematics.projectiles import Projectile


@pytest.fixture(scope="module")
def kinematics() -> Kinematics:
    observation = Projectile().observe()
    path = BodyPath.from_observation(observation)
    return measure_dive(observation, path, decode_flight_transitions(observation, path, 3), 3)


def test_a_projectile_is_measured(kinematics):
    assert kinematics.air_time.value == pytest.approx(Projectile().touch, abs=0.1)
    assert kinematics.height.probabilities == {"3": 1.0}
    assert kinematics.start.value == "feet"
    assert np.isfinite(kinematics.series.path).all()
    assert json.loads(json.dumps(kinematics.to_json()))["scale"]["unit"] == "px/m"


def test_without_a_flight_nothing_is_measurable():
    observation = Projectile().observe()
    nothing = measure_dive(observation, BodyPath.from_observation(observation), None)
    assert {nothing[name].reason for name in Kinematics.units()} == {"no_flight"}
    assert len(nothing.series.keypoints) == len(observation)


def test_a_missing_entry_takes_what_needs_it(kinematics):
    cut = without_phases(kinematics, (Phase.ENTRY,))
    for name in ("air_time", "entry_angle", "splash_height", "dive_number", "opening_time"):
        assert cut[name].reason == "no_entry"
    assert cut.direction is kinematics.direction
    assert cut.entry_picture is None


def test_a_missing_take_off_takes_what_needs_it(kinematics):
    cut = without_phases(kinematics, (Phase.TAKE_OFF,))
    assert cut.air_time.reason == cut.closest_distance.reason == "no_flight"
    assert cut.entry_angle is kinematics.entry_angle


def test_a_whole_dive_keeps_everything(kinematics):
    whole = without_phases(kinematics, ())
    assert all(getattr(whole, one.name) is getattr(kinematics, one.name) for one in fields(Kinematics))
