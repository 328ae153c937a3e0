"""Whole dives: free fall, constant angular momentum, turns by the code, faults that are visible."""

import numpy as np
import pytest

from fineparser.domain.difficulty import HEIGHTS, UndefinedDifficulty, has_difficulty
from fineparser.domain.dive_code import FINEDIVING_ACTION_TYPES, DiveCode
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.skeleton import JOINT_INDEX, Sex
from fineparser.simulator.faults import Faults, sample_faults
from fineparser.simulator.flight.diver_motion import RATE, ApproachTiming, plan_motion, plan_partner
from fineparser.simulator.flight.spin import HIP_ENTRY_DELAY

pytestmark = pytest.mark.slow

MORE_CODES = (
    "101A", "102C", "112B", "113B", "1011C", "201A", "203B", "212C", "302B", "313C", "401A", "412B", "403C",
    "5111A", "5122D", "5134D", "5211A", "5221D", "5233D", "5333D", "5411A", "5421D", "5436D",
    "600A", "611A", "621B", "632C", "6122D", "6261B",
)  # fmt: skip
BODY = Body.build(Sex.FEMALE, 1.61, 55.0)


def usual_height(code):
    """Usual height of a dive: 10 m if possible for armstands and platform dives, else 3 m."""
    order = (10, 7.5, 5, 3, 1) if code.armstand else (3, 10, 7.5, 5, 1)
    return next(height for height in order if has_difficulty(code, height))


def plan(number, height=None, faults=None, approach=None):
    code = DiveCode.parse(number)
    height = usual_height(code) if height is None else height
    return plan_motion(code, height, BODY, faults or Faults(), np.random.default_rng(0), approach)


def in_the_air(motion):
    return slice(np.searchsorted(motion.times, 0.0), np.searchsorted(motion.times, motion.entry_time))


def angular_momentum(body, joints, step):
    """About the mass centre [N, 3] from the finished joints alone, by finite differences over each segment."""
    weights = np.array([segment.mass for segment in body.segments])
    centres = np.stack(
        [(1 - s.centre) * joints[:, s.start] + s.centre * joints[:, s.end] for s in body.segments], axis=1
    )
    centres = centres - (weights[:, None] * centres).sum(axis=1, keepdims=True) / body.mass
    momentum = (weights[:, None] * np.cross(centres, np.gradient(centres, step, axis=0))).sum(axis=1)
    across = {
        "lower": joints[:, JOINT_INDEX["hip_l"]] - joints[:, JOINT_INDEX["hip_r"]],
        "upper": joints[:, JOINT_INDEX["shoulder_l"]] - joints[:, JOINT_INDEX["shoulder_r"]],
    }
    trunk_spin = None
    for segment in body.segments:
        along = joints[:, segment.end] - joints[:, segment.start]
        along = along / np.linalg.norm(along, axis=-1, keepdims=True)
        if segment.name in ("lower_trunk", "upper_trunk", "head"):
            left = across["lower" if segment.name == "lower_trunk" else "upper"]
            left = left - (left * along).sum(-1, keepdims=True) * along
            left /= np.linalg.norm(left, axis=-1, keepdims=True)
            axes = np.stack([np.cross(left, along), left, along], axis=-1)
            skew = np.matmul(np.gradient(axes, step, axis=0), axes.transpose(0, 2, 1))
            spin = np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=-1)
            momentum += np.einsum("nij,j,nkj,nk->ni", axes, np.array(segment.inertia), axes, spin)
            trunk_spin = spin
        else:  # limbs turn about their own length as the trunk does
            momentum += segment.inertia[0] * np.cross(along, np.gradient(along, step, axis=0))
            momentum += segment.inertia[2] * along * (trunk_spin * along).sum(-1, keepdims=True)
    return momentum


def momentum_error(motion, body=BODY):
    """Deviation of the angular momentum from the motion's constant, as a share of it, [N]."""
    measured = angular_momentum(body, motion.joints[in_the_air(motion)], 1 / RATE)[2:-2]
    return np.linalg.norm(measured - motion.momentum, axis=-1) / np.linalg.norm(motion.momentum)


@pytest.mark.parametrize("number", ["103B", "207C", "305C", "405B", "5253B", "626C", "113B"])
def test_the_mass_centre_falls_freely(number):
    motion = plan(number)
    flight = in_the_air(motion)
    masses = sum(
        s.mass / BODY.mass * ((1 - s.centre) * motion.joints[:, s.start] + s.centre * motion.joints[:, s.end])
        for s in BODY.segments
    )
    np.testing.assert_allclose(masses[flight], motion.centre_of_mass[flight], atol=1e-6)
    acceleration = np.diff(masses[flight], 2, axis=0) * RATE**2
    np.testing.assert_allclose(acceleration, np.broadcast_to([0.0, 0.0, -9.81], acceleration.shape), atol=1e-4)


@pytest.mark.parametrize(
    "number", ["101B", "103B", "107B", "109C", "207C", "307C", "407C", "201B", "103C", "626C", "614B"]
)
def test_angular_momentum_is_constant(number):
    assert momentum_error(plan(number)).max() < 0.015


@pytest.mark.parametrize("number", [n for n in FINEDIVING_ACTION_TYPES if DiveCode.parse(n).twisting])
def test_angular_momentum_of_twisting_dives(number):
    """Within 6% over the flight; for a moment, while the tilt is removed (`steer_rotation`), up to 20%."""
    error = momentum_error(plan(number))
    assert np.sqrt((error**2).mean()) < 0.06
    assert error.max() < 0.20


@pytest.mark.parametrize("number", ["5132D", "5152B", "5231D", "5233D", "5337D"])
def test_angular_momentum_of_dives_that_untwist_by_themselves(number):
    assert momentum_error(plan(number)).max() < 0.06


def test_a_fast_dive_touches_further_from_the_vertical_and_both_pass_it():
    slow, fast = plan("101B", 10), plan("107B", 3)
    assert -7.0 < slow.entry_angle < -2.0
    assert -19.0 < fast.entry_angle < -9.0
    for motion in (slow, fast):
        hips = np.flatnonzero(motion.joints[:, JOINT_INDEX["pelvis"], 2] < 0)[0]
        assert (motion.somersault[hips] - round(2 * motion.somersault[hips]) / 2) * 360 == pytest.approx(0, abs=6.0)


@pytest.mark.parametrize("number", [*FINEDIVING_ACTION_TYPES, *MORE_CODES])
def test_somersaults_and_twists_agree_with_the_code(number):
    code = DiveCode.parse(number)
    rng = np.random.default_rng(11)
    faults = sample_faults(rng, 0.8, code, usual_height(code))
    for given in (Faults(), Faults(entry=faults.entry, twist=faults.twist)):
        motion = plan(number, faults=given)
        last = in_the_air(motion).stop - 1
        off = (motion.somersault[last] - code.half_somersaults / 2) * 360
        through = motion.angular_speed[last - 2] * HIP_ENTRY_DELAY
        assert off + through == pytest.approx(given.entry, abs=10.0)  # the trunk bends, and legs still open
        assert motion.entry_angle == pytest.approx(off, abs=3.0)
        twist = given.twist if code.position == "D" else 0.0
        assert motion.twist[last] * 360 == pytest.approx(code.half_twists * 180 + twist, abs=5.0)
        upside_down = motion.trunk_direction[last, 2] < 0
        assert upside_down == code.head_first
        low = motion.joints[last + 1, :, 2].argmin()
        assert (
            low
            in (JOINT_INDEX["fingertip_l"], JOINT_INDEX["fingertip_r"], JOINT_INDEX["wrist_l"], JOINT_INDEX["wrist_r"])
        ) == code.head_first


@pytest.mark.parametrize("height", HEIGHTS)
def test_take_off_speed_and_flight_time_agree_with_measurements(height):
    """Measured in competitions, for ordinary dives."""
    speeds = {1: (3.8, 5.2), 3: (4.2, 5.6), 5: (2.2, 3.4), 7.5: (2.2, 3.4), 10: (2.2, 3.4)}
    times = {1: (0.98, 1.26), 3: (1.30, 1.56), 5: (1.2, 1.5), 7.5: (1.4, 1.7), 10: (1.64, 1.84)}
    for number in ("103B", "203C", "403C"):
        motion = plan(number, height)
        flight = in_the_air(motion)
        speed = (motion.centre_of_mass[flight.start + 1] - motion.centre_of_mass[flight.start]) * RATE
        assert speeds[height][0] < speed[2] < speeds[height][1]
        assert 0.5 < speed[0] < 2.0
        assert times[height][0] < motion.entry_time < times[height][1]
        assert 1.0 < motion.entry_position[0] < 2.6


def test_spin_agrees_with_published_measurements():
    """Spin in the closed shape, degrees per second, within a fifth of published measurements."""
    for number, height, expected in (
        ("105B", 3, 780),
        ("107B", 3, 1060),
        ("407C", 3, 1180),
        ("109C", 3, 1360),
        ("407C", 10, 930),
    ):
        motion = plan(number, height)
        flight = in_the_air(motion)
        closed = motion.hip_angle[flight] < 60
        assert np.median(motion.angular_speed[flight][closed]) == pytest.approx(expected, rel=0.2)


def test_a_loose_tuck_needs_more_momentum():
    tight, loose = (abs(plan("305C", faults=Faults(loose=size)).momentum[1]) for size in (0.0, 25.0))
    assert loose > 1.05 * tight


@pytest.mark.parametrize("number", ["107B", "205C", "305C", "407C", "5253B", "5337D", "626C", "113B"])
def test_bodies_move_without_jumps_and_stay_off_the_board(number):
    code = DiveCode.parse(number)
    height = usual_height(code)
    motion = plan(number, height)
    speed = np.diff(motion.joints, axis=0) * RATE
    jump = np.linalg.norm(np.diff(speed, axis=0), axis=-1)
    start = in_the_air(motion).start
    air = slice(start + 3, in_the_air(motion).stop - 3)
    legs = [JOINT_INDEX[f"{name}_{side}"] for name in ("knee", "ankle", "toe") for side in "lr"]
    trunk = [index for index in range(20) if index not in legs]
    assert np.median(jump[:start].max(axis=1)) < 0.5
    assert jump[air].max() < 8.0, "m/s from one sample to the next"
    assert jump[start - 3 : start + 3, trunk].max() < 5.0, "the trunk and arms go on as they were going"
    assert jump[start - 3 : start + 3, legs].max() < 13.0, "the legs stop pushing"
    fall = motion.centre_of_mass[start + 3] - motion.centre_of_mass[start]
    rise = motion.centre_of_mass[start - 3] - motion.centre_of_mass[start - 6]
    assert np.linalg.norm(fall - rise) * RATE / 3 < 1.8, "m/s at the take-off"
    flight = motion.joints[in_the_air(motion)][int(0.45 * RATE) :]
    passing = (flight[..., 2] < height + 0.05) & (flight[..., 2] > height - 0.6)
    assert flight[..., 0][passing].min() > 0.45
    standing = motion.joints[: start - 2]
    over_board = standing[..., 0] < -0.02
    below = standing[..., 2] - height - motion.board_tip[: start - 2, None]
    assert below[over_board].min() > -0.06


def test_standing_feet_stand_still_and_the_springboard_bends():
    motion = plan("205C", 3)
    wait = motion.times < -2.6
    toes = motion.joints[wait][:, [JOINT_INDEX["toe_l"], JOINT_INDEX["toe_r"]]]
    assert np.ptp(toes, axis=0).max() < 0.01
    push = (motion.times > -0.5) & (motion.times < 0)
    assert -0.9 < motion.board_tip[push].min() < -0.4
    assert plan("205C", 10).board_tip.min() == 0.0


@pytest.mark.parametrize(("number", "height"), [("103B", 1), ("107B", 3), ("403B", 1), ("405C", 3), ("5132D", 1)])
def test_the_recoil_carries_straight_legs_on_which_the_diver_folds(number, height):
    motion = plan(number, height)

    def before(seconds):
        return int(np.searchsorted(motion.times, -seconds))

    end = before(0.0)
    assert motion.knee_angle[before(0.3)] < 125, "knees bent while the board goes down"
    assert motion.knee_angle[before(0.12) : end].min() > 160
    assert motion.board_tip[before(0.24) : before(0.14)].min() == motion.board_tip.min()
    toes = motion.joints[before(0.35) : end, [JOINT_INDEX["toe_l"], JOINT_INDEX["toe_r"]], 2]
    touching = toes - height - motion.board_tip[before(0.35) : end, None]
    assert np.abs(touching).max() < 0.04, "the feet ride the blade"
    lean = np.rad2deg(np.arccos(motion.trunk_direction[:, 2]))
    assert lean[before(0.15)] < 20 < 35 < lean[end]
    tip_speed = (motion.board_tip[end - 1] - motion.board_tip[end - 2]) * RATE
    after = (motion.board_tip[end + 1] - motion.board_tip[end]) * RATE
    assert after == pytest.approx(tip_speed, rel=0.15)


@pytest.mark.parametrize("number", ["103B", "401B", "107B", "405C", "5253B", "201C", "207C", "305B"])
def test_a_bent_entry_is_as_large_as_its_fault(number):
    clean, bent = (plan(number, faults=Faults(bent_entry=size)) for size in (0.0, 25.0))
    bends = [180 - motion.at(np.array([motion.entry_time])).hip_angle[0] for motion in (clean, bent)]
    backwards = number[0] in "23"
    assert bends[0] < 18, "nobody deducts it"
    assert bends[1] == pytest.approx(25 if backwards else 25 + bends[0], abs=4)


def test_a_short_low_dive_with_bent_hips_straightens_in_the_water():
    clean, short = plan("103B", 1), plan("103B", 1, faults=Faults(entry=-20.0, low=0.5, bent_entry=30.0))
    bends = [180 - motion.hip_angle[in_the_air(motion).stop] for motion in (clean, short)]
    assert bends[0] < 15
    assert 25 < bends[1] < 60
    later = np.searchsorted(short.times, short.entry_time + 0.12)
    assert 180 - short.hip_angle[later] < bends[1] - 15, "the legs come up while the body enters"
    assert 0.75 < short.entry_time < clean.entry_time - 0.1


def test_running_take_offs_come_from_behind():
    walking = plan("105B", 3, approach=ApproachTiming(running=True))
    standing = plan("105B", 3, approach=ApproachTiming(running=False))
    assert walking.joints[0, JOINT_INDEX["pelvis"], 0] < -1.8
    assert abs(standing.joints[0, JOINT_INDEX["pelvis"], 0]) < 0.4
    assert not plan("205B", 3, approach=ApproachTiming(running=True)).approach.running, "back dives stand"


def test_armstands_stand_on_their_hands_and_wobble():
    def swing(wobble):
        motion = plan("614B", 10, faults=Faults(wobble=wobble))
        held = (motion.times > -2.0) & (motion.times < -0.6)
        assert (motion.trunk_direction[held, 2] < -0.9).all()
        hands = motion.joints[held][:, JOINT_INDEX["wrist_l"]]
        assert np.ptp(hands, axis=0).max() < 0.02
        return np.ptp(motion.joints[held][:, JOINT_INDEX["ankle_l"], 0])

    assert swing(6.0) > 3 * swing(0.0)
    assert plan("614B").armstand


def test_joint_angles_stay_in_anatomical_ranges():
    rng = np.random.default_rng(2)
    for number in ("107B", "205C", "5253B", "626C", "101A"):
        motion = plan(
            number, faults=sample_faults(rng, 0.2, DiveCode.parse(number), usual_height(DiveCode.parse(number)))
        )
        assert motion.knee_angle.min() > 25
        assert motion.hip_angle.min() > 12
        joints = motion.joints
        for side in "lr":
            hip, knee, ankle = (joints[:, JOINT_INDEX[f"{name}_{side}"]] for name in ("hip", "knee", "ankle"))
            across = joints[:, JOINT_INDEX["hip_l"]] - joints[:, JOINT_INDEX["hip_r"]]
            bend = (np.cross(knee - hip, ankle - knee) * across).sum(-1)
            assert bend.min() > -5e-3, "no knee bends forwards"


def test_closed_shapes_and_the_line_of_the_entry():
    tuck = plan("305C", 3)
    middle = np.searchsorted(tuck.times, 0.5 * tuck.entry_time)
    assert 25 < tuck.knee_angle[middle] < 65
    assert 20 < tuck.hip_angle[middle] < 55
    shin = (tuck.joints[middle, JOINT_INDEX["knee_l"]] + tuck.joints[middle, JOINT_INDEX["ankle_l"]]) / 2
    assert np.linalg.norm(tuck.joints[middle, JOINT_INDEX["wrist_l"]] - shin) < 0.12
    pike = plan("107B", 3)
    middle = np.searchsorted(pike.times, 0.5 * pike.entry_time)
    assert 20 < pike.hip_angle[middle] < 45
    assert pike.knee_angle[middle] > 172
    end = in_the_air(pike).stop
    wrists = pike.joints[end, JOINT_INDEX["wrist_l"]] - pike.joints[end, JOINT_INDEX["wrist_r"]]
    assert np.linalg.norm(wrists) < 0.12, "hands joined at the entry"
    assert pike.hip_angle[end] > 170


def far(first, second):
    """Largest distance in metres between the joints of two motions from the take-off to the entry."""
    times = np.linspace(0.0, min(first.entry_time, second.entry_time), 60)
    return np.linalg.norm(first.at(times).joints - second.at(times).joints, axis=-1).max()


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("107B", {"low": 0.3}),
        ("107B", {"lean": 8.0}),
        ("107B", {"distance": 0.5}),
        ("107B", {"distance": -0.4}),
        ("107B", {"loose": 18.0}),
        ("305C", {"loose": 18.0}),
        ("103B", {"bent_knees": 15.0}),
        ("205B", {"split_legs": 15.0}),
        ("305C", {"late": 0.1}),
        ("407C", {"entry": 15.0}),
        ("407C", {"entry": -15.0}),
        ("5337D", {"twist": 20.0}),
        ("201B", {"twist": 20.0}),
        ("301B", {"crooked": 6.0}),
        ("407C", {"entry": 70.0, "failed": True}),
    ],
)
def test_every_fault_is_visible(number, fault):
    assert far(plan(number), plan(number, faults=Faults(**fault))) > 0.08


def test_faults_change_what_they_name():
    clean = plan("103B", 3)
    end = in_the_air(clean).stop - 1
    low = plan("103B", 3, faults=Faults(low=0.3))
    assert clean.centre_of_mass[:, 2].max() - low.centre_of_mass[:, 2].max() == pytest.approx(0.3, abs=0.02)
    far_out = plan("103B", 3, faults=Faults(distance=0.5))
    assert far_out.entry_position[0] - clean.entry_position[0] == pytest.approx(0.5, abs=0.15)
    assert plan("103B", 3, faults=Faults(bent_knees=15.0)).knee_angle[end] < clean.knee_angle[end] - 10
    middle = np.searchsorted(clean.times, 0.5)
    assert plan("103B", 3, faults=Faults(loose=20.0)).hip_angle[middle] > clean.hip_angle[middle] + 10
    late = plan("103B", 3, faults=Faults(late=0.12))
    assert (
        late.hip_angle[np.searchsorted(late.times, late.entry_time - 0.35)]
        < clean.hip_angle[end - int(0.35 * RATE)] - 10
    )
    feet = [plan("103B", 3, faults=Faults(unpointed=size)) for size in (0.0, 25.0)]
    toe, ankle, knee = (feet[1].joints[end, JOINT_INDEX[f"{name}_l"]] for name in ("toe", "ankle", "knee"))
    bend = np.dot(toe - ankle, ankle - knee) / np.linalg.norm(toe - ankle) / np.linalg.norm(ankle - knee)
    assert np.degrees(np.arccos(bend)) == pytest.approx(90 - 78 + 25, abs=3)
    crooked = plan("103B", 3, faults=Faults(crooked=8.0))
    assert abs(crooked.trunk_direction[end, 1]) > 0.1 > abs(clean.trunk_direction[end, 1]) + 0.09
    assert abs(crooked.entry_position[1]) > abs(clean.entry_position[1]) + 0.05
    assert plan("103B", 3, faults=Faults(splash=0.7)).splash_size == 0.7


def test_sub_actions_and_labels():
    motion = plan("5253B", 10)
    starts = [start for start, _ in motion.sub_actions]
    assert [name for _, name in motion.sub_actions] == list(DiveCode.parse("5253B").sub_actions())
    assert starts == sorted(starts)
    assert starts[0] == motion.times[0]
    assert starts[1] == motion.take_off_time == 0.0
    assert starts[-1] == motion.entry_time
    np.testing.assert_allclose(np.diff(motion.times), 1 / RATE)
    assert motion.times[-1] - motion.entry_time > 1.1
    assert motion.joints[-1, :, 2].max() < 0, "under water at last"
    np.testing.assert_allclose(np.linalg.norm(motion.trunk_direction, axis=-1), 1.0)
    turned = np.gradient(motion.somersault, 1 / RATE) * 360
    np.testing.assert_allclose(motion.angular_speed, turned)
    track = motion.at(np.array([-50.0, 0.123, 50.0]))
    assert track.joints.shape == (3, 20, 3)
    np.testing.assert_allclose(track.joints[0], motion.joints[0])
    np.testing.assert_allclose(track.joints[2], motion.joints[-1])
    below = np.searchsorted(motion.times, 0.123) - 1
    share = (0.123 - motion.times[below]) * RATE
    blend = (1 - share) * motion.joints[below] + share * motion.joints[below + 1]
    np.testing.assert_allclose(track.joints[1], blend, atol=1e-9)


def test_same_seed_same_bytes():
    code = DiveCode.parse("5152B")
    first, again = (plan_motion(code, 3, BODY, Faults(), np.random.default_rng(9)) for _ in range(2))
    assert first.joints.tobytes() == again.joints.tobytes()
    assert first.sub_actions == again.sub_actions


def test_partners_are_nearly_together():
    code = DiveCode.parse("205B")
    first = plan("205B", 10)
    partner = Body.build(Sex.FEMALE, 1.58, 52.0)
    second = plan_partner(code, 10, partner, Faults(loose=6.0), np.random.default_rng(2), first, sideways=2.2)
    assert 0.0 < abs(second.take_off_time - first.take_off_time) < 0.06
    assert abs(second.entry_time - first.entry_time) < 0.12
    times = np.linspace(-2.0, 1.3, 100)
    apart = second.at(times).joints[:, JOINT_INDEX["pelvis"]] - first.at(times).joints[:, JOINT_INDEX["pelvis"]]
    np.testing.assert_allclose(apart[:, 1], 2.2, atol=0.05)
    assert np.abs(apart[:, [0, 2]]).max() < 0.55


@pytest.mark.parametrize(("number", "height"), [("626C", 3), ("1011C", 1), ("107B", 4)])
def test_dives_that_are_not_allowed_at_the_height_are_refused(number, height):
    with pytest.raises((UndefinedDifficulty, ValueError), match=r"\d"):
        plan(number, height)
