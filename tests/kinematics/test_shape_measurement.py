"""A stick figure folds and opens at known times; what is measured must be how it was drawn."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.kinematics.observation import MotionPrediction
from fineparser.kinematics.shape_measurement import measure_shape
from tests.kinematics.stick_figures import FLIGHT, FRAMES, StickDive


@pytest.mark.parametrize(
    ("hip", "knee", "position"), [(180, 180, "A"), (170, 175, "A"), (40, 178, "B"), (60, 165, "B"), (45, 60, "C")]
)
def test_the_closed_shape_is_the_position(hip, knee, position):
    dive = StickDive(hip=hip, knee=knee)
    likelihood = measure_shape(dive.observe(), dive.transitions()).position_likelihood
    assert max(likelihood, key=likelihood.__getitem__) == position
    assert set(likelihood) == {"A", "B", "C"}


def test_angles_are_those_of_the_figure():
    dive = StickDive(hip=50, knee=70)
    shape = measure_shape(dive.observe(), dive.transitions())
    for quantity, angle in ((shape.tightest_hip, 50), (shape.tightest_knee, 70)):
        assert quantity.value == pytest.approx(angle, abs=6)
        assert 0 < quantity.error < 20
        assert FLIGHT < quantity.frames[0] - 100 < dive.transitions().entry
    assert shape.angles.blur < 0.2
    assert shape.angles.hip.shape == (FRAMES,)


def test_the_opening_is_half_way_between_closed_and_straight():
    dive = StickDive(hip=40, noise=0.005)
    opening = measure_shape(dive.observe(), dive.transitions()).opening_time
    assert opening.value == pytest.approx((1 - 0.725) * dive.seconds, abs=0.04)
    assert opening.frames[0] - 100 == pytest.approx(FLIGHT + 0.725 * dive.count, abs=2)


def test_slow_motion_opens_at_the_same_real_time():
    dive = StickDive(hip=40, noise=0.005, slow_motion=1.4)
    opening = measure_shape(dive.observe(), dive.transitions()).opening_time
    assert opening.value == pytest.approx((1 - 0.725) * dive.seconds, abs=0.04)


def test_a_straight_dive_has_no_opening():
    dive = StickDive()
    assert measure_shape(dive.observe(), dive.transitions()).opening_time.reason == "no_shape"


def test_bent_knees_and_feet_in_a_pike_are_measured():
    dive = StickDive(hip=60, knee=150, noise=0.005)
    shape = measure_shape(dive.observe(), dive.transitions())
    bend = 30 * np.median(dive.fold[FLIGHT : FLIGHT + dive.count + 1])
    assert shape.knee_bend.value == pytest.approx(bend, abs=4)
    assert shape.knee_bend.frames == (100 + FLIGHT, 100 + dive.transitions().entry)
    straight = StickDive(hip=60, noise=0.005)
    assert measure_shape(straight.observe(), straight.transitions()).knee_bend.value < 6


def test_a_diver_too_small_for_angles_has_none():
    dive = StickDive(hip=60, noise=1.5)
    shape = measure_shape(dive.observe(), dive.transitions())
    for quantity in (shape.tightest_hip, shape.tightest_knee, shape.opening_time, shape.foot_bend):
        assert quantity.reason == "too_small"


def test_a_blur_leaves_the_position_open():
    sharp, blurred = (
        measure_shape(dive.observe(), dive.transitions()).position_likelihood
        for dive in (StickDive(hip=40, noise=0.01), StickDive(hip=40, noise=1.0))
    )
    assert sharp["B"] - sharp["C"] > 3 > abs(blurred["B"] - blurred["C"])


def test_a_motion_head_replaces_the_keypoints():
    dive = StickDive(noise=0.6)
    fold = dive.fold.astype(np.float32)
    fields = {
        name: np.zeros(FRAMES, np.float32)
        for name in MotionPrediction.__dataclass_fields__
        if name not in ("choices", "somersault", "twist")
    }
    fields |= {
        "hip_angle": 180 - 130 * fold,
        "knee_angle": 180 - 110 * fold,
        "foot_angle": 160 + 0 * fold,
        "ankles_apart": 0.12 + 0 * fold,
    }
    vectors = np.zeros((FRAMES, 2), np.float32)
    motion = MotionPrediction(somersault=vectors, twist=vectors, choices={}, **fields)
    shape = measure_shape(replace(dive.observe(), motion=motion), dive.transitions())
    assert shape.tightest_hip.value == pytest.approx(50, abs=1)
    assert shape.legs_apart.value == pytest.approx(0.12)
    assert shape.foot_bend.value == pytest.approx(20)
    assert max(shape.position_likelihood, key=shape.position_likelihood.__getitem__) == "C"
    assert measure_shape(dive.observe(), dive.transitions()).legs_apart.reason == "no_motion_head"


def test_short_flights_have_no_shape():
    dive = StickDive()
    assert measure_shape(dive.observe(), replace(dive.transitions(), entry=FLIGHT + 2)) is None
