"""A jointed stick figure turns and falls; what the check warns of must be how it was drawn."""

from dataclasses import replace

import pytest

from fineparser.analysis.dive_number_check import check_dive_number
from fineparser.exemplars.exemplar import DiveSpec
from fineparser.kinematics.dive_identity import identify_dive
from fineparser.kinematics.flight_transitions import FlightTransitions
from fineparser.kinematics.quantity import Choice
from fineparser.kinematics.rotation_measurement import measure_rotation
from fineparser.kinematics.shape_measurement import measure_shape
from fineparser.quality_warning import QualityWarning
from fineparser.rendering.messages import message
from tests.kinematics.stick_figures import BODY_LENGTH, StickDive

HEIGHTS = (1, 3, 5, 7.5, 10)


def figure(**fields: float) -> StickDive:
    """A figure in pike; as long in the air as from 3 m."""
    return StickDive(**{"hip": 40.0, **fields})


def check(number: str, height: float, dive: StickDive, *, seen: float | None = None, **changes) -> list[QualityWarning]:
    """Warnings about a dive; `seen` is the height that its flight shows, `changes` are fields of its transitions."""
    transitions: FlightTransitions = replace(
        dive.transitions(), height_probabilities={each: float(each == (seen or height)) for each in HEIGHTS}, **changes
    )
    observation = dive.observe()
    rotation, shape = measure_rotation(observation, transitions), measure_shape(observation, transitions)
    identity = identify_dive(observation, transitions, rotation, shape, BODY_LENGTH)
    return check_dive_number(DiveSpec.from_input(number, height), identity, transitions)


@pytest.mark.parametrize(
    ("number", "height", "dive"),
    [
        ("105B", 3, figure()),
        ("105B", 3, figure(sense=-1, front=-1, travel=-1.5)),
        ("205B", 3, figure(front=-1)),
        ("305B", 3, figure(sense=-1)),
        ("405B", 3, figure(travel=-1.5)),
        ("105B", 3, figure(half_somersaults=4.75)),
        ("5253B", 10, figure(front=-1, half_twists=3, metres=10, seconds=1.7)),
        ("107B", 10, figure(half_somersaults=7, metres=10, seconds=1.7)),
        ("626B", 10, figure(half_somersaults=6, metres=10, seconds=1.45, inverted=True, front=-1)),
    ],
)
def test_a_number_that_fits_gives_no_warning(number, height, dive):
    assert check(number, height, dive) == []


@pytest.mark.parametrize("number", ["103B", "107B", "104B", "106B"])
def test_another_rotation_is_a_warning_that_says_what_is_seen(number):
    (warning,) = check(number, 3, figure())
    assert warning.code == "number_rotation"
    assert f"looks like about 2 1/2 somersaults, and {number} has " in message(warning)


@pytest.mark.parametrize("noise", [0.7, 1.5, 3.0])
def test_a_rotation_that_cannot_be_seen_is_not_doubted(noise):
    assert check("103B", 3, figure(noise=noise)) == []


@pytest.mark.parametrize(
    ("number", "fields", "text"),
    [
        ("405B", {}, "looks like a forward dive, and 405B is an inward dive"),
        ("105B", {"sense": -1}, "looks like a reverse dive, and 105B is a forward dive"),
        ("105B", {"travel": -1.5}, "looks like an inward dive, and 105B is a forward dive"),
    ],
)
def test_another_direction_is_a_warning(number, fields, text):
    (warning,) = check(number, 3, figure(**fields))
    assert warning.code == "number_direction"
    assert text in message(warning)


def test_a_diver_who_does_not_move_sideways_has_no_side():
    assert check("405B", 3, figure(travel=0.0)) == []


@pytest.mark.parametrize(
    ("number", "inverted", "text"),
    [
        ("204B", True, "starts from an armstand, and 204B starts on the feet"),
        ("624B", False, "starts on the feet, and 624B starts from an armstand"),
    ],
)
def test_another_start_is_a_warning(number, inverted, text):
    dive = figure(half_somersaults=4, metres=10, seconds=1.6, inverted=inverted, front=-1)
    warnings = {warning.code: message(warning) for warning in check(number, 10, dive)}
    assert text in warnings["number_start"]


@pytest.mark.parametrize(
    ("number", "none", "some", "text"),
    [
        ("5152B", 0.0, -3.0, "No twist is seen in the flight, and 5152B has 1 twist"),
        ("105B", -3.0, 0.0, "seems to twist, and 105B has no twist"),
        ("5152B", -3.0, 0.0, None),
        ("105B", 0.0, -3.0, None),
        ("105B", -1.0, 0.0, None),
    ],
)
def test_twists_by_the_motion_head(number, none, some, text):
    dive = figure()
    observation, transitions = dive.observe(), dive.transitions()
    rotation, shape = measure_rotation(observation, transitions), measure_shape(observation, transitions)
    identity = identify_dive(observation, transitions, rotation, shape, BODY_LENGTH)
    fits = {**identity.log_likelihood, "half_twists": {"0": none, "2": some}}
    identity = replace(identity, half_twists=Choice.from_probabilities({"0": 0.5, "2": 0.5}), log_likelihood=fits)
    warnings = check_dive_number(DiveSpec.from_input(number, 3), identity, transitions)
    assert len(warnings) == (text is not None)
    assert all(text in message(warning) for warning in warnings)


@pytest.mark.parametrize(
    ("height", "seen", "fields", "text"),
    [
        (10, 3, {}, "falls about 3 m in 1.4 s of flight, and a fall from 10 m takes 1.7 to"),
        (
            3,
            10,
            {"metres": 10, "seconds": 1.7},
            "falls about 10 m in 1.7 s of flight, and a fall from 3 m takes 1.3 to",
        ),
    ],
)
def test_a_fall_from_another_height_is_a_warning(height, seen, fields, text):
    (warning,) = check("105B", height, figure(**fields), seen=seen)
    assert warning.code == "number_height"
    assert text in message(warning)


def test_a_height_that_fits_the_duration_is_not_doubted():
    assert check("105B", 3, figure(), seen=1) == []


def test_slow_motion_does_not_change_the_duration():
    assert check("105B", 3, figure(slow_motion=1.4), seen=10) == []


def test_uncertain_moments_are_not_checked():
    assert check("101B", 3, figure()) != []
    assert check("101B", 3, figure(), flight_error=0.3) == []
    assert check("101B", 3, figure(), entry_error=0.3) == []
