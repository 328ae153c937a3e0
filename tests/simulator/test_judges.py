"""Judges: every fault is deducted, and panels spread like real ones."""

import csv
from pathlib import Path

import numpy as np
import pytest

from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import total_score
from fineparser.simulator.faults import TYPICAL_SIZES, Faults, sample_faults, sample_level
from fineparser.simulator.judges import (
    DEDUCTION_CURVES,
    assess_faults,
    award_panel,
    deductions_by_phase,
    noise_free_award,
)

REAL = Path(__file__).parents[2].parent / "shared" / "real" / "mtl_aqa_dives.csv"
MEAN, SPREAD, WITHIN = 7.04, 1.41, 0.535
"""Of 1,670 real dives with seven awards each: mean and standard deviation, and that within a panel."""


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
    assert award_panel(rng, Faults(failed=True)) == (0.0,) * 7
    assert award_panel(rng, Faults(twist=-90.0)) == (0.0,) * 7
    assert assess_faults(Faults(failed=True))[0].deduction == 10.0


def test_awards_are_seven_halves_and_the_same_for_the_same_generator():
    faults = Faults(entry=8.0, splash=0.4)
    awards = award_panel(np.random.default_rng(3), faults)
    assert len(awards) == 7
    assert all(0.0 <= award <= 10.0 and (2 * award).is_integer() for award in awards)
    assert awards == award_panel(np.random.default_rng(3), faults)
    assert len(award_panel(np.random.default_rng(3), faults, judges=5)) == 5


@pytest.fixture(scope="module")
def competition():
    """Real dives if the real table is available, else common ones: [(code, height, difficulty)]."""
    if REAL.exists():
        with REAL.open(newline="") as file:
            rows = [(row["dive_number"], float(row["height"]), float(row["dd"])) for row in csv.DictReader(file)]
    else:
        numbers = ("407C", "107B", "5253B", "207C", "307C", "6243D", "5255B", "109C", "205B", "103B", "405B", "301B")
        rows = [(number, 10.0, difficulty(DiveCode.parse(number), 10)) for number in numbers]
    return [(DiveCode.parse(number), int(height) if height.is_integer() else height, dd) for number, height, dd in rows]


@pytest.fixture(scope="module")
def panels(competition):
    rng = np.random.default_rng(8)
    awards, scores = [], []
    for index in range(2500):
        code, height, dd = competition[index * 7 % len(competition)]
        panel = award_panel(rng, sample_faults(rng, sample_level(rng, code, height), code, height))
        awards.append(panel)
        scores.append(total_score(panel, dd))
    return np.array(awards), np.array(scores)


def test_awards_spread_like_those_of_real_judges(panels):
    awards, _ = panels
    assert awards.mean() == pytest.approx(MEAN, rel=0.10)
    assert awards.std() == pytest.approx(SPREAD, rel=0.10)
    assert awards.std(axis=1, ddof=1).mean() == pytest.approx(WITHIN, rel=0.10)


@pytest.mark.skipif(not REAL.exists(), reason="the real awards are not available")
def test_awards_and_totals_against_the_real_table(panels):
    """The table's own 882 dives with seven awards: quarter points of the mean award, and the totals."""
    with REAL.open(newline="") as file:
        rows = list(csv.DictReader(file))
    real = [[float(award) for award in row["judges"].split()] for row in rows]
    real = np.array([panel for panel in real if len(panel) == 7 and max(panel) <= 10]).mean(axis=1)
    scores = np.array([float(row["score"]) for row in rows])
    awards, totals = panels
    points = (0.05, 0.25, 0.5, 0.75, 0.95)
    np.testing.assert_allclose(np.quantile(awards.mean(axis=1), points), np.quantile(real, points), atol=0.55)
    assert awards.mean() == pytest.approx(real.mean(), rel=0.10)
    assert totals.mean() == pytest.approx(scores.mean(), rel=0.10)
    assert totals.std() == pytest.approx(scores.std(), rel=0.12)


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
