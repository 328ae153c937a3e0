"""Faults: sampled from a level, larger for harder dives."""

import dataclasses

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.faults import (
    TYPICAL_SIZES,
    FaultProfile,
    Faults,
    fault_scale,
    sample_faults,
    sample_level,
)
from fineparser.simulator.judges import noise_free_award

DIVE = DiveCode.parse("107B")


def mean_execution(level, code=DIVE, height=3, count=200):
    rng = np.random.default_rng(1)
    return np.mean([noise_free_award(sample_faults(rng, level, code, height)) for _ in range(count)])


def test_better_divers_and_easier_dives_have_smaller_faults():
    assert mean_execution(0.95) > mean_execution(0.6) + 0.5 > mean_execution(0.2) + 1.5
    assert fault_scale(0.5, DiveCode.parse("109C"), 3) > fault_scale(0.5, DiveCode.parse("103B"), 3)


def test_same_generator_same_faults():
    first, again = (sample_faults(np.random.default_rng(4), 0.5, DIVE, 3) for _ in range(2))
    assert first == again
    assert first != sample_faults(np.random.default_rng(5), 0.5, DIVE, 3)


def test_a_dive_has_only_the_faults_it_can_have():
    rng = np.random.default_rng(0)
    for _ in range(20):
        faults = sample_faults(rng, 0.3, DIVE, 3)
        assert faults.wobble == 0.0
        assert faults.loose > 0.0
        assert sample_faults(rng, 0.3, DiveCode.parse("626C"), 10).wobble > 0.0
        assert faults.bent_entry > 0.0
        free = sample_faults(rng, 0.3, DiveCode.parse("5337D"), 3)
        assert free.loose == free.bent_entry == 0.0
        assert sample_faults(rng, 0.3, DiveCode.parse("5111B"), 3).bent_entry == 0.0  # no pike after the twist
        assert 0.0 <= faults.splash <= 1.0


def profile(height=10, splash=0.1, **deviations):
    """Profile of 107B with these deviations from no fault at all."""
    return FaultProfile(DIVE, height, dict.fromkeys(TYPICAL_SIZES, 0.0) | deviations, 0.0, splash, None)


def test_faults_bring_others_with_them():
    late, low, clean = profile(late=2.0).faults(1.0), profile(low=2.0).faults(1.0), profile().faults(1.0)
    assert clean == Faults(splash=clean.splash)
    assert late.entry < -3.0
    assert late.bent_entry > 5.0
    assert late.splash > clean.splash + 0.05
    assert low.late > 0.02
    assert low.loose > 2.0
    assert low.entry < -2.0
    short, over = profile(entry=-2.0).faults(1.0), profile(entry=2.0).faults(1.0)
    assert short.bent_entry > 5.0
    assert over.bent_entry == 0.0


def test_all_faults_grow_with_the_scale():
    rng = np.random.default_rng(3)
    for _ in range(20):
        sampled = FaultProfile.sample(rng, DIVE, 10)
        small, large = (dataclasses.astuple(sampled.faults(scale))[:-1] for scale in (0.4, 0.8))
        assert sum(np.abs(large)) > sum(np.abs(small))
        assert noise_free_award(sampled.faults(0.8)) <= noise_free_award(sampled.faults(0.4))


def test_beginners_jump_low_from_springboards_only():
    weak = FaultProfile(DIVE, 3, dict.fromkeys(TYPICAL_SIZES, 0.0), 1.0, 0.1, None)
    assert weak.faults(1.5).low > 0.3
    assert weak.faults(0.6).low == 0.0
    assert dataclasses.replace(weak, height=10).faults(1.5).low == 0.0


def test_a_level_sampled_for_a_dive_grows_with_its_difficulty():
    rng = np.random.default_rng(2)
    hard = [sample_level(rng, DiveCode.parse("109C"), 10) for _ in range(400)]
    easy = [sample_level(rng, DiveCode.parse("101B"), 10) for _ in range(400)]
    assert np.mean(hard) > np.mean(easy) + 0.15
    assert 0.0 <= min(easy) <= max(hard) <= 1.0


@pytest.mark.parametrize("level", [-0.1, 1.2])
def test_levels_outside_0_to_1_are_refused(level):
    with pytest.raises(ValueError, match="level"):
        sample_faults(np.random.default_rng(0), level, DIVE, 3)


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="loose"):
        Faults(loose=-3.0)
    with pytest.raises(ValueError, match="entry"):
        Faults(entry=float("nan"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Faults().entry = 3.0
