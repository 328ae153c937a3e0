"""Judges: every fault is deducted, and awards scatter like real ones."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.domain.standards import Standard, award_distribution
from fineparser.simulator.faults import TYPICAL_SIZES, FaultProfile, Faults
from fineparser.simulator.judges import (
    assess_faults,
    award_panel,
    deductions_by_phase,
    faults_of_award,
    noise_free_award,
    sample_award,
)


def test_a_dive_without_faults_is_a_ten():
    assert assess_faults(Faults()) == ()
    assert noise_free_award(Faults()) == 10.0


@pytest.mark.parametrize("name", DEDUCTION_CURVES)
def test_every_fault_is_deducted_and_more_when_it_is_larger(name):
    size = TYPICAL_SIZES.get(name, 0.3)
    small, large = Faults(**{name: size}), Faults(**{name: 3 * size})
    (fault,) = assess_faults(small)
    assert fault.name == name
    assert fault.size == size
    assert 0.0 < fault.deduction < assess_faults(large)[0].deduction <= DEDUCTION_CURVES[name].most
    assert noise_free_award(small) == pytest.approx(10.0 - fault.deduction)
    if name in ("distance", "entry", "twist", "crooked"):
        assert noise_free_award(Faults(**{name: -size})) == noise_free_award(small)


def test_deductions_add_up_in_descending_order_and_awards_stay_positive():
    faults = Faults(entry=10.0, splash=0.3, bent_knees=4.0)
    assessed = assess_faults(faults)
    assert [fault.deduction for fault in assessed] == sorted((fault.deduction for fault in assessed), reverse=True)
    assert noise_free_award(faults) == pytest.approx(10.0 - sum(fault.deduction for fault in assessed))
    wreck = Faults(**{name: 8 * size for name, size in TYPICAL_SIZES.items() if name != "twist"}, splash=1.0)
    assert sum(fault.deduction for fault in assess_faults(wreck)) > 12.0
    assert 0.0 < noise_free_award(wreck) < 1.0


def test_failed_dives_and_twists_a_quarter_off_have_zero():
    rng = np.random.default_rng(0)
    assert award_panel(rng, Faults(failed=True), 0.35) == (0.0,) * 7
    assert award_panel(rng, Faults(twist=-90.0), 0.35) == (0.0,) * 7
    assert assess_faults(Faults(failed=True))[0].deduction == 10.0


def test_awards_are_seven_halves_and_the_same_for_the_same_generator():
    faults = Faults(entry=8.0, splash=0.4)
    awards = award_panel(np.random.default_rng(3), faults, 0.35)
    assert len(awards) == 7
    assert all(0.0 <= award <= 10.0 and (2 * award).is_integer() for award in awards)
    assert awards == award_panel(np.random.default_rng(3), faults, 0.35)
    assert len(award_panel(np.random.default_rng(3), faults, 0.35, judges=5)) == 5


STANDARDS = [
    ("international", "107B", 3),
    ("international", "207C", 10),
    ("international", "5253B", 10),
    ("international", "405B", 3),
    ("national", "103B", 1),
    ("national", "201C", 1),
    ("national", "401B", 1),
    ("club", "103B", 1),
]


@pytest.mark.parametrize(("standard", "number", "height"), STANDARDS)
def test_awards_scatter_as_at_the_standard(standard, number, height):
    """Mean awards of dives, and the awards within a panel."""
    standard, code, rng = Standard(standard), DiveCode.parse(number), np.random.default_rng(8)
    expected = award_distribution(standard, code, height)
    dives = [
        faults_of_award(FaultProfile.sample(rng, code, height), sample_award(rng, standard, code, height))
        for _ in range(350)
    ]
    awards = np.array([award_panel(rng, faults, expected.panel_sd) for faults in dives])
    means = awards.mean(axis=1)
    assert means.mean() == pytest.approx(expected.mean, abs=0.2)
    assert means.std() == pytest.approx(expected.sd, rel=0.15)
    assert awards.std(axis=1, ddof=1).mean() == pytest.approx(expected.panel_sd, abs=0.03)


def test_an_award_decides_the_size_of_the_faults():
    rng = np.random.default_rng(2)
    code = DiveCode.parse("405C")
    for award in (9.5, 7.0, 3.0, 1.0):
        profile = FaultProfile.sample(rng, code, 3)
        assert noise_free_award(faults_of_award(profile, award)) == pytest.approx(award, abs=0.01)
    failed = replace(profile, failed_entry=-70.0)
    assert noise_free_award(faults_of_award(failed, 7.0)) == 0.0
    assert faults_of_award(failed, 7.0).entry == -70.0


def test_what_a_judge_sees_first_costs_most():
    rng, code = np.random.default_rng(4), DiveCode.parse("107B")
    dives = [faults_of_award(FaultProfile.sample(rng, code, 3), 7.0) for _ in range(200)]
    cost = {
        name: np.mean([curve.deduction(getattr(faults, name)) for faults in dives])
        for name, curve in DEDUCTION_CURVES.items()
    }
    seen_first = ("splash", "entry", "bent_entry", "low", "loose", "late")
    hardly_seen = ("unpointed", "bent_knees", "split_legs", "lean")
    assert max(cost[name] for name in hardly_seen) < 0.6 * min(cost[name] for name in seen_first)
    assert sum(cost[name] for name in hardly_seen) < 0.1 * sum(cost.values())
    assert max(cost, key=cost.__getitem__) == "splash"


def test_deductions_by_phase_add_up_to_ten_less_the_award():
    """Deductions so large that they are compressed: each phase in proportion."""
    faults = Faults(low=0.5, lean=9.0, loose=25.0, bent_knees=30.0, split_legs=25.0, entry=35.0, splash=0.9)
    cost = np.array([curve.deduction(getattr(faults, name)) for name, curve in DEDUCTION_CURVES.items()])
    assert cost.sum() > 10.0 - noise_free_award(faults) + 0.5
    lost = deductions_by_phase(cost, np.array(noise_free_award(faults)))
    assert lost.sum() == pytest.approx(10.0 - noise_free_award(faults))
    sums = np.bincount([curve.phase for curve in DEDUCTION_CURVES.values()], cost)
    np.testing.assert_allclose(lost / lost.sum(), sums / sums.sum())
    np.testing.assert_array_equal(deductions_by_phase(np.zeros((2, len(cost))), np.full(2, 10.0)), np.zeros((2, 3)))
