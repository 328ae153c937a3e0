"""Bodies: de Leva's figures, the rendered parts, and the same diver from the same seed."""

import numpy as np
import pytest

from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import ShapeSequence, joint_positions, shape
from fineparser.simulator.athlete.skeleton import JOINT_INDEX, JOINTS, Sex


def test_there_are_twenty_joints():
    assert len(JOINTS) == 20
    assert JOINTS[:4] == ("pelvis", "waist", "neck", "head")
    assert JOINTS[4:] == tuple(
        f"{name}_{side}"
        for name in ("shoulder", "elbow", "wrist", "fingertip", "hip", "knee", "ankle", "toe")
        for side in "lr"
    )


@pytest.mark.parametrize("sex", list(Sex))
def test_segment_masses_add_up_to_the_body_mass(sex):
    body = Body.build(sex, 1.65, 58.0)
    assert sum(segment.mass for segment in body.segments) == pytest.approx(58.0, abs=0.02)
    for segment in body.segments:
        assert segment.mass > 0
        assert 0 < segment.centre < 1
        assert all(moment > 0 for moment in segment.inertia)


def test_masses_are_those_of_de_leva():
    body = Body.build(Sex.MALE, 1.741, 73.0)
    masses = {segment.name: segment.mass / 73.0 * 100 for segment in body.segments}
    assert masses["thigh_l"] == pytest.approx(14.16)
    assert masses["head"] == pytest.approx(6.94)
    assert masses["lower_trunk"] + masses["upper_trunk"] == pytest.approx(11.17 + 16.33 + 15.96)
    assert body.proportions.thigh == pytest.approx(0.4222)


@pytest.mark.parametrize(
    ("angles", "low", "high"),
    [
        ({"raise": 190.0, "plane": 90.0, "point": 80.0}, 9.5, 12.5),  # published: 10.4, arms overhead
        ({"raise": 2.0, "plane": 90.0, "point": 80.0}, 7.5, 9.8),  # 8.2, arms at the sides
        ({"spine": 42.0, "hip": 128.0, "knee": 128.0, "raise": 70.0, "plane": 37.0, "elbow": 85.0}, 2.4, 3.4),  # tuck
        ({"spine": 40.0, "hip": 127.0, "raise": 118.0, "plane": 45.0, "elbow": 80.0}, 3.0, 4.4),  # 3.2-3.6, pike
    ],
)
def test_inertia_about_the_somersault_axis_is_that_of_a_diver_of_60_kg(angles, low, high):
    body = Body.build(Sex.FEMALE, 1.62, 60.0)
    inertia = ShapeSequence.from_angles(body, shape(**angles)[None], 1.0).inertia[0]
    assert low < inertia[1, 1] < high


def test_long_axis_inertia_arms_in_and_out():
    body = Body.build(Sex.FEMALE, 1.62, 60.0)
    arms_in = ShapeSequence.from_angles(
        body, shape(**{"raise": 190.0, "plane": 90.0, "point": 80.0})[None], 1.0
    ).inertia[0]
    arms_out = ShapeSequence.from_angles(
        body, shape(**{"raise": 90.0, "plane": 90.0, "point": 80.0})[None], 1.0
    ).inertia[0]
    assert 0.4 < arms_in[2, 2] < 0.7  # published: 0.55
    assert 1.2 < arms_out[2, 2] < 1.8  # 1.4


def test_same_seed_same_diver_and_variety_between_seeds():
    first, again = (Body.sample(np.random.default_rng(5)) for _ in range(2))
    assert first == again
    many = [Body.sample(np.random.default_rng(seed)) for seed in range(60)]
    assert {body.sex for body in many} == set(Sex)
    brightness = [sum(body.colours["skin"]) for body in many]
    assert max(brightness) - min(brightness) > 250
    assert all(0 <= channel <= 255 for body in many for colour in body.colours.values() for channel in colour)
    assert all(part.material in body.colours for body in many for part in body.parts)


def test_capsules_follow_the_joints():
    body = Body.build(Sex.MALE, 1.7, 64.0)
    joints = joint_positions(body, shape()[None])[:, :20]
    starts, ends = body.capsules(joints)
    assert starts.shape == ends.shape == (1, len(body.parts), 3)
    names = [part.name for part in body.parts]
    shank = names.index("shank_l")
    np.testing.assert_allclose(starts[0, shank], joints[0, JOINT_INDEX["knee_l"]])
    np.testing.assert_allclose(ends[0, shank], joints[0, JOINT_INDEX["ankle_l"]])
    calf, face = names.index("calf_l"), names.index("face")
    assert starts[0, calf, 2] < joints[0, JOINT_INDEX["knee_l"], 2]
    middle = (starts[0, calf] + ends[0, calf]) / 2 - (starts[0, shank] + ends[0, shank]) / 2
    assert middle[0] < 0, "the calf is at the back of the shank"
    assert starts[0, face, 0] > 0, "the face looks forwards"
    shift = np.array([1.0, 2.0, 3.0])
    moved_starts, _ = body.capsules(joints + shift)
    np.testing.assert_allclose(moved_starts, starts + shift)


def test_impossible_people_are_refused():
    with pytest.raises(ValueError, match=r"2\.60 m"):
        Body.build(Sex.MALE, 2.6, 70.0)
