"""Shapes in the air: within what people's joints can do, closed and lined up when they should be."""

import numpy as np
import pytest

from fineparser.domain.dive_code import FINEDIVING_ACTION_TYPES, DiveCode
from fineparser.simulator.body import Body, Sex
from fineparser.simulator.choreography import Manner, Repertoire, choreograph, take_off_lean
from fineparser.simulator.faults import Faults, draw_faults
from fineparser.simulator.shape import CHANNEL, hip_angle, place
from fineparser.simulator.twisting import Twisting, choreograph_twist, first_throw

BODY = Body.build(Sex.MALE, 1.7, 65.0)
TIMES = np.linspace(-0.1, 1.7, 400)
LIMITS = {
    "spine": (-20.0, 60.0),
    "side": (-25.0, 25.0),
    "neck": (-45.0, 45.0),
    "raise": (-30.0, 200.0),
    "plane": (-30.0, 110.0),
    "roll": (-110.0, 115.0),
    "elbow": (0.0, 150.0),
    "wrist": (0.0, 85.0),
    "hip": (-32.0, 140.0),
    "apart": (-2.0, 40.0),
    "knee": (0.0, 140.0),
    "point": (15.0, 85.0),
}
"""Degrees that healthy young people's joints reach, divers' straight knees and pointed feet included."""


def angles(number, faults, manner):
    code = DiveCode.parse(number)
    forms = Repertoire.of(code, BODY, faults, manner, take_off_lean(code))
    if code.twisting:
        return choreograph_twist(code, forms, 1.5, faults, manner, Twisting(0.7)).at(TIMES)
    return choreograph(code, forms, 1.5, faults, manner).at(TIMES)


@pytest.mark.parametrize("number", FINEDIVING_ACTION_TYPES)
def test_joints_stay_within_what_people_can_do(number):
    rng = np.random.default_rng(1)
    code = DiveCode.parse(number)
    height = 10 if code.armstand or number in ("636C",) else 3
    try:
        drawn = draw_faults(rng, 0.1, code, height)
    except ValueError:
        drawn = draw_faults(rng, 0.1, code, 10)
    for faults in (Faults(), drawn):
        course = angles(number, faults, Manner.sample(rng))
        for name, index in CHANNEL.items():
            low, high = LIMITS[name.removesuffix("_l").removesuffix("_r")]
            assert course[:, index].min() >= low - 1e-6, name
            assert course[:, index].max() <= high + 1e-6, name


def test_untwisted_dives_are_the_same_left_and_right():
    for number in ("107B", "205C", "626C", "113B", "101A"):
        course = angles(number, Faults(split_legs=10.0), Manner())
        for name, index in CHANNEL.items():
            if name.endswith("_l"):
                np.testing.assert_allclose(course[:, index], course[:, CHANNEL[name[:-1] + "r"]])
        np.testing.assert_allclose(course[:, CHANNEL["side"]], 0.0)


def test_shapes_close_open_and_line_up_in_time():
    joints = place(BODY, angles("107B", Faults(), Manner()))[:, :20]
    bend = hip_angle(joints)
    assert bend[np.searchsorted(TIMES, 0.4)] < 45
    assert bend[np.searchsorted(TIMES, 1.38)] > 170
    late = hip_angle(place(BODY, angles("107B", Faults(late=0.1), Manner()))[:, :20])
    assert late[np.searchsorted(TIMES, 1.25)] < bend[np.searchsorted(TIMES, 1.25)] - 20


def test_divers_have_manners_of_their_own_in_one_and_the_same_dive():
    usual = angles("107C", Faults(), Manner())
    tucked = np.searchsorted(TIMES, 0.6)
    wide = angles("107C", Faults(), Manner(knees_out=15.0))
    assert wide[tucked, CHANNEL["apart_l"]] == pytest.approx(usual[tucked, CHANNEL["apart_l"]] + 15.0)
    close = hip_angle(place(BODY, angles("107C", Faults(), Manner(tight=6.0)))[:, :20])
    assert close[tucked] < hip_angle(place(BODY, usual)[:, :20])[tucked] - 3
    slow = angles("107C", Faults(), Manner(kick=1.3))
    opening = np.searchsorted(TIMES, 1.2)
    assert slow[opening, CHANNEL["knee_l"]] > usual[opening, CHANNEL["knee_l"]] + 5
    hollow = angles("107C", Faults(), Manner(hollow=6.0))
    assert hollow[-1, CHANNEL["spine"]] == pytest.approx(usual[-1, CHANNEL["spine"]] + 6.0)
    shanks = [
        Repertoire.of(DiveCode.parse("107C"), BODY, Faults(), Manner(tuck_hold=at), 0.0).closed for at in (0.3, 0.65)
    ]
    assert shanks[0][CHANNEL["elbow_l"]] > shanks[1][CHANNEL["elbow_l"]] + 5


def test_flying_dives_fly_straight_first():
    straight = hip_angle(place(BODY, angles("113B", Faults(), Manner()))[:, :20])
    assert straight[np.searchsorted(TIMES, 0.35)] > 165
    assert straight[np.searchsorted(TIMES, 0.80)] < 60


def test_twisting_arms_one_up_one_across_then_undone():
    code = DiveCode.parse("5152B")
    course = angles("5152B", Faults(), Manner(handed=1))
    during = np.searchsorted(TIMES, first_throw(code) + 0.35)
    assert course[during, CHANNEL["raise_l"]] > 140 > 60 > course[during, CHANNEL["raise_r"]]
    assert course[during, CHANNEL["elbow_r"]] > 60
    mirrored = angles("5152B", Faults(), Manner(handed=-1))
    assert mirrored[during, CHANNEL["raise_r"]] > 140
    after = np.searchsorted(TIMES, first_throw(code) + 0.75)
    assert course[after, CHANNEL["raise_l"]] == pytest.approx(course[after, CHANNEL["raise_r"]], abs=8)
