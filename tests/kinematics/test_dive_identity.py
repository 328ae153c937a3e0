"""A stick figure dives; its number must be among the likely ones, and each of its parts for the right reason."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.difficulty import HEIGHTS
from fineparser.domain.dive_code import DiveCode
from fineparser.kinematics.dive_identity import DiveIdentity, identify_dive, travel_likelihood
from fineparser.kinematics.flight_transitions import FlightTransitions
from fineparser.kinematics.observation import MotionPrediction
from fineparser.kinematics.rotation_measurement import measure_rotation
from fineparser.kinematics.shape_measurement import measure_shape
from tests.kinematics.stick_figures import BODY_LENGTH, FRAMES, StickDive

PIKE, TUCK = {"hip": 40.0}, {"hip": 45.0, "knee": 60.0}


def identify(dive: StickDive, height: float = 1, motion: MotionPrediction | None = None) -> DiveIdentity:
    observation = replace(dive.observe(), motion=motion)
    transitions: FlightTransitions = replace(
        dive.transitions(), height_probabilities={each: float(each == height) for each in HEIGHTS}
    )
    rotation, shape = measure_rotation(observation, transitions), measure_shape(dive.observe(), transitions)
    return identify_dive(observation, transitions, rotation, shape, BODY_LENGTH)


def confident_head(code: DiveCode) -> MotionPrediction:
    """Prediction of a motion head that is certain of a dive and says nothing about single frames."""
    index = {
        "half_somersaults": (12, code.half_somersaults),
        "half_twists": (10, code.half_twists),
        "direction": (4, code.direction - 1),
        "start": (2, int(code.armstand)),
        "position": (4, "ABCD".index(code.position)),
    }
    zeros = np.zeros(FRAMES, np.float32)
    fields = {
        name: zeros for name in MotionPrediction.__dataclass_fields__ if name not in ("choices", "somersault", "twist")
    }
    vectors = np.zeros((FRAMES, 2), np.float32)
    choices = {name: np.eye(count, dtype=np.float32)[value] for name, (count, value) in index.items()}
    return MotionPrediction(somersault=vectors, twist=vectors, choices=choices, **fields)


@pytest.mark.parametrize(
    ("number", "figure"),
    [
        ("105B", {"sense": 1, "front": 1, "travel": 1.5, **PIKE}),
        ("105B", {"sense": -1, "front": -1, "travel": -1.5, **PIKE}),
        ("205B", {"sense": 1, "front": -1, "travel": 1.5, **PIKE}),
        ("305B", {"sense": -1, "front": 1, "travel": 1.5, **PIKE}),
        ("405B", {"sense": 1, "front": 1, "travel": -1.5, **PIKE}),
        ("107C", {"half_somersaults": 7, **TUCK}),
        ("403C", {"half_somersaults": 3, "sense": -1, "front": -1, "travel": 1.5, **TUCK}),
        ("101B", {"half_somersaults": 1, **PIKE}),
    ],
)
def test_fold_and_travel_give_the_number(number, figure):
    identity, code = identify(StickDive(**figure)), DiveCode.parse(number)
    assert identity.direction.value == ("forward", "back", "reverse", "inward")[code.direction - 1]
    assert identity.half_somersaults.value == str(code.half_somersaults)
    assert identity.position.value == code.position
    assert identity.start.value == "feet"
    assert (identity.dive_number.value, str(identity.code)) == (number, number)
    assert identity.sense == figure.get("sense", 1)


def test_an_armstand_is_told_from_its_start():
    dive = StickDive(half_somersaults=4, inverted=True, metres=10, seconds=1.45, **PIKE)
    identity = identify(dive, height=10)
    assert (identity.start.value, identity.code.group, identity.code.half_somersaults) == ("hands", 6, 4)


def test_an_odd_number_of_half_twists_turns_the_front():
    """The fold of 5253B comes after its twists and looks like that of a forward dive; the feet on the board do not."""
    dive = StickDive(front=-1, half_twists=3, metres=10, seconds=1.7, **PIKE)
    assert identify(dive, height=10).dive_number.value == "5253B"
    without_twist = replace(dive, front=1, half_twists=0)
    assert identify(without_twist, height=10).direction.value == "forward"
    code = DiveCode.parse("5253B")
    identity = identify(without_twist, height=10, motion=confident_head(code))
    assert (identity.code, identity.direction.value, identity.half_twists.value) == (code, "back", "3")


def test_half_twists_take_a_motion_head():
    assert identify(StickDive(**PIKE)).half_twists.reason == "no_motion_head"


def test_probabilities_add_up_and_five_numbers_are_proposed():
    identity = identify(StickDive(**PIKE))
    for choice in (identity.half_somersaults, identity.direction, identity.start, identity.position, identity.height):
        assert sum(choice.probabilities.values()) == pytest.approx(1)
    assert len(identity.dive_number.probabilities) == 5
    assert sum(identity.dive_number.probabilities.values()) <= 1
    assert set(identity.height.probabilities) == {f"{height:g}" for height in HEIGHTS}
    assert identity.height.value == "1"


def test_evidence_is_compared_without_the_prior():
    identity = identify(StickDive(**PIKE))
    assert identity.gap("half_somersaults", "5") == 0 == identity.gap("direction", "forward")
    assert identity.gap("half_somersaults", "3") > 5 < identity.gap("start", "hands")
    assert identity.best("half_somersaults") == "5"


def test_travel_shows_the_side_of_the_board():
    right, left = (travel_likelihood(StickDive(travel=travel).transitions(), BODY_LENGTH) for travel in (1.5, -1.5))
    assert right[0] - right[1] > 2
    assert left == pytest.approx(right[::-1])
    still = travel_likelihood(StickDive(travel=0).transitions(), BODY_LENGTH)
    assert still[0] == pytest.approx(still[1])


def test_a_poor_track_says_little_about_the_side():
    transitions = StickDive().transitions()
    poor = replace(transitions, parabola=replace(transitions.parabola, residual=0.3 * BODY_LENGTH))
    sharp, rough = travel_likelihood(transitions, BODY_LENGTH), travel_likelihood(poor, BODY_LENGTH)
    assert sharp[0] - sharp[1] > 3 * (rough[0] - rough[1])
