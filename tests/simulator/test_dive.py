"""Simulated dives: repeatable, consistent in all their labels, apart between splits."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fineparser.domain.clip_geometry import sample_frames
from fineparser.domain.dive_code import InvalidDiveCode
from fineparser.domain.judging import total_score
from fineparser.domain.phases import ENTRY_SUB_ACTION, Phase
from fineparser.simulator.dive import SimulatedDive, simulate
from fineparser.simulator.filming.sensor import Sensor
from fineparser.simulator.judges import noise_free_award
from fineparser.simulator.plan import DiveRequest, plan_dive

SEEDS = range(6)


@cache
def dive(seed: int, request: DiveRequest | None = None) -> SimulatedDive:
    return simulate(seed, request)


@pytest.mark.parametrize("seed", SEEDS)
def test_shapes_and_types(seed):
    made = dive(seed)
    assert made.frames.shape == (96, 112, 112, 3)
    assert made.frames.dtype == np.uint8
    assert made.masks.shape == (96, 112, 112)
    assert made.masks.dtype == bool
    for name in ("phases", "sub_actions", "hip_angle", "knee_angle", "somersault", "twist", "angular_speed", "times"):
        assert getattr(made, name).shape == (96,), name
    assert made.centre_of_mass.shape == made.trunk_direction.shape == (96, 3)
    assert np.linalg.norm(made.trunk_direction, axis=1) == pytest.approx(np.ones(96), abs=1e-6)


def test_the_same_seed_gives_the_same_bytes():
    one, again = simulate(3), simulate(3)
    assert one.frames.tobytes() == again.frames.tobytes()
    assert one.masks.tobytes() == again.masks.tobytes()
    assert one.awards == again.awards
    assert one.frames.tobytes() != dive(4).frames.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_agree_with_each_other(seed):
    made = dive(seed)
    flight, entry = made.transitions.flight, made.transitions.entry
    assert 0 < flight < entry < 95
    assert (made.transitions.phases() == made.phases).all()
    assert (made.times[:flight] < 0).all()
    assert (made.times[flight:] >= 0).all()
    # the first frame after the touch, of clips with few pictures a second too
    assert -0.01 < made.times[entry] - made.plan.motions[0].entry_time < max(0.06, np.diff(made.times).max() + 0.01)
    assert (made.sub_actions[made.phases == Phase.ENTRY] == ENTRY_SUB_ACTION).all()
    assert set(made.sub_actions) <= set(made.code.sub_actions())
    assert made.score == total_score(made.awards, made.difficulty)
    assert len(made.awards) == 7
    assert abs(np.mean(made.awards) - made.noise_free_award) < 1.2
    assert all(fault.deduction > 0 for fault in made.faults)
    assert (made.source_frames == sample_frames(0, len(made.plan.times) - 1)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_mask_is_on_the_diver(seed):
    made = dive(seed)
    flight = made.phases == Phase.FLIGHT
    shares = made.masks[flight].mean((1, 2))
    # Poles and captions may hide a small diver for a while.
    assert np.median(shares) > 0.0015
    assert shares.max() < 0.35
    sizes = made.masks.mean((1, 2))
    assert sizes[made.plan.cut_frame :].max() < 0.6


def test_repeated_source_frames_are_identical():
    made = dive(next(seed for seed in range(100) if len(plan_dive(seed).times) < 96))
    twice = np.flatnonzero(np.diff(made.source_frames) == 0)
    assert len(twice) > 0
    assert (made.frames[twice] == made.frames[twice + 1]).all()


def test_pictures_of_slow_amateur_cameras_repeat():
    plans = (plan_dive(seed, DiveRequest(camera="handheld", opening=False)) for seed in range(40))
    plan = next(plan for plan in plans if len(np.unique(plan.times)) < 0.7 * len(plan.times))
    assert plan.style.amateur
    middle = len(plan.times) // 2
    numbers = np.arange(middle, middle + 4)
    frames, masks = plan.render(64, None, numbers)
    for first in range(3):
        same = plan.times[numbers[first]] == plan.times[numbers[first + 1]]
        assert (frames[first] == frames[first + 1]).all() == same
        assert not same or (masks[first] == masks[first + 1]).all()
    assert (np.diff(plan.poses(numbers, 64)[:, 0]) == 0).sum() >= (np.diff(plan.times[numbers]) == 0).sum()


def test_the_splash_is_in_the_mask():
    for seed in range(20, 24):
        plan = plan_dive(seed, DiveRequest(camera="static", opening=False, synchro=False))
        motion = plan.motions[0]
        # Under water altogether, splash in the air.
        row = int(np.argmin(np.abs(plan.times - motion.entry_time - 0.45)))
        if motion.at(plan.times[[row]]).joints[0, :, 2].max() > -0.2 or motion.splash_size < 0.2:
            continue
        masks = plan.render(112, "full", [row])[1]
        if masks.any():
            return
    pytest.fail("no splash was in any mask")


def test_splits_share_no_diver():
    plans = [plan_dive(7, split=split) for split in ("train", "validation", "test")]
    statures = {plan.bodies[0].stature for plan in plans}
    seeds = {seed for plan in plans for seed in vars(plan.style.seeds).values()}
    assert len(statures) == 3
    assert len(seeds) == 12


def test_brightness_and_contrast_are_natural():
    means = np.array([dive(seed).frames.mean() for seed in SEEDS])
    contrasts = np.array([dive(seed).frames.std() for seed in SEEDS])
    assert means.min() > 20
    assert means.max() < 235
    assert contrasts.min() > 6


@pytest.mark.parametrize(
    ("lines", "width", "shape"),
    [(96, None, (96, 96)), (112, "full", (112, 200)), (112, 160, (112, 160)), (240, "full", (240, 429))],
)
def test_sizes(lines, width, shape):
    plan = plan_dive(2, DiveRequest(opening=False))
    frames, masks = plan.render(lines, width, [5, 6])
    assert frames.shape == (2, *shape, 3)
    assert masks.shape == (2, *shape)


@pytest.mark.parametrize("interlaced", [False, True])
def test_frames_do_not_depend_on_the_other_rendered_frames(interlaced):
    seed = next(seed for seed in range(100) if Sensor.sample(np.random.default_rng(seed)).interlaced is interlaced)
    plan = plan_dive(8, DiveRequest(opening=False))
    plan = replace(plan, style=replace(plan.style, seeds=replace(plan.style.seeds, recording=seed)))
    alone, together = plan.render(112, None, [10]), plan.render(112, None, [3, 10, 20])
    for single, several in zip(alone, together, strict=True):
        assert (single[0] == several[1]).all()


def test_requests_are_fulfilled():
    made = plan_dive(5, DiveRequest(code="5253B", height=10, synchro=True, camera="static"))
    assert (str(made.code), made.height, made.synchro, made.style.camera_kind) == ("5253B", 10, True, "static")
    assert made.bodies[0].sex == made.bodies[1].sex
    assert abs(made.lateral_offsets[1]) > 1


def test_a_pair_is_judged_on_both():
    plan = plan_dive(12, DiveRequest(synchro=True, opening=False))
    assert len(plan.faults) == 2
    assert plan.noise_free_award == pytest.approx(np.mean([noise_free_award(faults) for faults in plan.faults]))
    assert all(2 * award == int(2 * award) for award in plan.awards)


def test_better_divers_get_more():
    good, poor = (
        np.mean([plan_dive(seed, DiveRequest(level=level)).noise_free_award for seed in range(6)])
        for level in (0.9, 0.2)
    )
    assert good > poor + 2


def test_both_divers_are_in_the_mask():
    plan = plan_dive(11, DiveRequest(code="107B", height=10, synchro=True, camera="static", opening=False))
    row = int(np.argmin(np.abs(plan.times - 0.3)))
    masks = plan.render(224, "full", [row])[1]
    alone = replace(plan, bodies=plan.bodies[:1], motions=plan.motions[:1], lateral_offsets=plan.lateral_offsets[:1])
    assert masks.sum() > 0
    assert alone.render(224, "full", [row])[1].sum() < masks.sum()


def test_an_opening_comes_from_another_dive():
    plan = plan_dive(5, DiveRequest(opening=True))
    assert 1 <= plan.cut_frame <= 4
    assert plan.opening_shot.bodies[0].stature != plan.bodies[0].stature
    frames = (
        plan.render(112, None, [0, plan.cut_frame - 1, plan.cut_frame])[0]
        if plan.cut_frame > 1
        else plan.render(112, None, [0, 1])[0]
    )
    within = np.abs(frames[-2].astype(int) - frames[0]).mean()
    across = np.abs(frames[-1].astype(int) - frames[-2]).mean()
    assert across > 1.5 * within
    assert across > 8


@pytest.mark.parametrize(
    ("dive_request", "size", "error"),
    [
        (DiveRequest(), {"split": "holdout"}, ValueError),
        (DiveRequest(code="109X"), {}, InvalidDiveCode),
        (DiveRequest(code="107B", height=4), {}, ValueError),
        (DiveRequest(camera="drone"), {}, ValueError),
        (DiveRequest(), {"lines": 4}, ValueError),
        (DiveRequest(), {"width": "half"}, ValueError),
        (DiveRequest(), {"width": 500}, ValueError),
    ],
)
def test_impossible_requests_are_refused(dive_request, size, error):
    with pytest.raises(error):
        simulate(0, dive_request, **size)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed"):
        simulate(-1)
