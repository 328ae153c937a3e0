"""Deduction curves of faults."""

import math

import pytest

from fineparser.domain.faults import DEDUCTION_CURVES, FAULT_NAMES


@pytest.mark.parametrize("name", FAULT_NAMES)
def test_curves_start_at_nothing_and_approach_their_most(name):
    curve = DEDUCTION_CURVES[name]
    sizes = [curve.half * share for share in (0.0, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 20.0)]
    costs = [curve.deduction(size) for size in sizes]
    assert costs[0] == 0.0
    assert costs == sorted(costs)
    assert costs[1] < 0.01 * curve.most  # invisible
    assert costs[4] == curve.most / 2
    assert math.isclose(costs[-1], curve.most, rel_tol=1e-6)
    assert curve.deduction(-curve.half) == curve.most / 2
