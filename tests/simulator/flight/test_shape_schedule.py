"""Shapes in the air: within the range of human joints, closed and lined up when they should be."""

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from fineparser.domain.dive_code import FINEDIVING_ACTION_TYPES, DiveCode
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import ANGLE_INDEX, hip_angle, joint_positions, shape
from fineparser.simulator.athlete.skeleton import Sex
from fineparser.simulator.faults import Faults, sample_faults
from fineparser.simulator.flight.shape_schedule import (
    DiverStyle,
    DiveShapes,
    ShapeTimeline,
    ease,
    hermite,
    schedule_dive,
    take_off_lean,
)
from fineparser.simulator.flight.twisting import TwistTiming, first_throw_time, schedule_twisting_dive

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


def angles(number, faults, style):
    code = DiveCode.parse(number)
    forms = DiveShapes.from_dive(code, BODY, faults, style, take_off_lean(code))
    if code.twisting:
        return schedule_twisting_dive(code, forms, 1.5, faults, style, TwistTiming(0.7)).at(TIMES)
    return schedule_dive(code, forms, 1.5, faults, style).at(TIMES)


@pytest.mark.parametrize("number", FINEDIVING_ACTION_TYPES)
def test_joint_angles_stay_in_anatomical_ranges_during_flight(number):
    rng = np.random.default_rng(1)
    code = DiveCode.parse(number)
    height = 10 if code.armstand or number in ("636C",) else 3
    try:
        sampled = sample_faults(rng, 0.1, code, height)
    except ValueError:
        sampled = sample_faults(rng, 0.1, code, 10)
    for faults in (Faults(), sampled):
        course = angles(number, faults, DiverStyle.sample(rng, 3))
        for name, index in ANGLE_INDEX.items():
            low, high = LIMITS[name.removesuffix("_l").removesuffix("_r")]
            assert course[:, index].min() >= low - 1e-6, name
            assert course[:, index].max() <= high + 1e-6, name


def test_untwisted_dives_are_the_same_left_and_right():
    for number in ("107B", "205C", "626C", "113B", "101A"):
        course = angles(number, Faults(split_legs=10.0), DiverStyle())
        for name, index in ANGLE_INDEX.items():
            if name.endswith("_l"):
                np.testing.assert_allclose(course[:, index], course[:, ANGLE_INDEX[name[:-1] + "r"]])
        np.testing.assert_allclose(course[:, ANGLE_INDEX["side"]], 0.0)


def test_shapes_close_open_and_line_up_in_time():
    joints = joint_positions(BODY, angles("107B", Faults(), DiverStyle()))[:, :20]
    bend = hip_angle(joints)
    assert bend[np.searchsorted(TIMES, 0.4)] < 45
    assert bend[np.searchsorted(TIMES, 1.38)] > 170
    late = hip_angle(joint_positions(BODY, angles("107B", Faults(late=0.1), DiverStyle()))[:, :20])
    assert late[np.searchsorted(TIMES, 1.25)] < bend[np.searchsorted(TIMES, 1.25)] - 20


def test_styles_change_the_shapes_of_one_dive():
    usual = angles("107C", Faults(), DiverStyle())
    tucked = np.searchsorted(TIMES, 0.6)
    wide = angles("107C", Faults(), DiverStyle(knee_abduction=15.0))
    assert wide[tucked, ANGLE_INDEX["apart_l"]] == pytest.approx(usual[tucked, ANGLE_INDEX["apart_l"]] + 15.0)
    close = hip_angle(joint_positions(BODY, angles("107C", Faults(), DiverStyle(extra_flexion=6.0)))[:, :20])
    assert close[tucked] < hip_angle(joint_positions(BODY, usual)[:, :20])[tucked] - 3
    slow = angles("107C", Faults(), DiverStyle(opening_duration=1.3))
    opening = np.searchsorted(TIMES, 1.2)
    assert slow[opening, ANGLE_INDEX["knee_l"]] > usual[opening, ANGLE_INDEX["knee_l"]] + 5
    hollow = angles("107C", Faults(), DiverStyle(entry_spine=6.0))
    assert hollow[-1, ANGLE_INDEX["spine"]] == pytest.approx(usual[-1, ANGLE_INDEX["spine"]] + 6.0)
    shanks = [
        DiveShapes.from_dive(DiveCode.parse("107C"), BODY, Faults(), DiverStyle(tuck_grip=at), 0.0).closed
        for at in (0.3, 0.65)
    ]
    assert shanks[0][ANGLE_INDEX["elbow_l"]] > shanks[1][ANGLE_INDEX["elbow_l"]] + 5


def test_flying_dives_fly_straight_first():
    straight = hip_angle(joint_positions(BODY, angles("113B", Faults(), DiverStyle()))[:, :20])
    assert straight[np.searchsorted(TIMES, 0.35)] > 165
    assert straight[np.searchsorted(TIMES, 0.80)] < 60


def test_twisting_arms_one_up_one_across_then_undone():
    code = DiveCode.parse("5152B")
    course = angles("5152B", Faults(), DiverStyle(twist_side=1))
    during = np.searchsorted(TIMES, first_throw_time(code) + 0.35)
    assert course[during, ANGLE_INDEX["raise_l"]] > 140 > 60 > course[during, ANGLE_INDEX["raise_r"]]
    assert course[during, ANGLE_INDEX["elbow_r"]] > 60
    mirrored = angles("5152B", Faults(), DiverStyle(twist_side=-1))
    assert mirrored[during, ANGLE_INDEX["raise_r"]] > 140
    after = np.searchsorted(TIMES, first_throw_time(code) + 0.75)
    assert course[after, ANGLE_INDEX["raise_l"]] == pytest.approx(course[after, ANGLE_INDEX["raise_r"]], abs=8)


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
    timeline = ShapeTimeline(shape(knee=10.0)).move(0.0, 0.5, knee=100.0, hip=90.0, only="knee")
    timeline = timeline.move(0.4, 0.5, hip_l=30.0, only="hip")
    end = timeline.at(np.array([-1.0, 5.0]))
    assert end[0, ANGLE_INDEX["knee_l"]] == 10.0
    assert end[1, ANGLE_INDEX["knee_l"]] == end[1, ANGLE_INDEX["knee_r"]] == 100.0
    assert end[1, ANGLE_INDEX["hip_l"]] == 30.0
    assert end[1, ANGLE_INDEX["hip_r"]] == 0.0
    np.testing.assert_allclose(timeline.last, end[1])


def test_hermite_agrees_with_scipy():
    knots, values, slopes = [0.0, 0.4, 1.0], [1.0, 3.0, -2.0], [0.5, 2.0, -1.0]
    times = np.linspace(0.0, 1.0, 101)
    expected = CubicHermiteSpline(knots, values, slopes)(times)
    np.testing.assert_allclose(hermite(times, knots, values, slopes), expected, atol=1e-12)
    np.testing.assert_allclose(hermite(np.array([-3.0, 9.0]), knots, values, slopes), [1.0, -2.0])


def test_hermite_does_not_overshoot_at_extrema():
    times = np.linspace(0.0, 3.0, 301)
    values = hermite(times, [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.2, 0.9], [0.0, None, None, 0.0])
    assert values.max() <= 1.0 + 1e-9
    assert values.min() >= -1e-9
