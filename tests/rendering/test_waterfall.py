from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fineparser.analysis.report import Breakdown, Estimate
from fineparser.rendering.waterfall import points_per_award, waterfall_range, waterfall_steps


def test_the_steps_lead_from_the_exemplars_to_the_total(report):
    steps = waterfall_steps(report)
    assert [step.label for step in steps[:3]] == ["take-off, dynamic", "take-off, static", "flight, dynamic"]
    assert steps[0].start == 78
    assert [step.change for step in steps] == pytest.approx([0, 0.5, 2, -1 / 6, -1 / 3, 0], abs=1e-9)
    for one, following in pairwise(steps):
        assert one.end == following.start
    assert steps[-1].end == pytest.approx(80)


def test_a_mean_beyond_the_scale_is_led_back(report):
    """Votes of 98 + 4 on a scale that ends at 99."""
    beyond = replace(
        report,
        total=Estimate(99.0, 98.0, 99.0),
        breakdown=Breakdown(98.0, np.array([[4.0, 0, 0], [0, 0, 0]])),
    )
    last = waterfall_steps(beyond)[-1]
    assert (last.label, last.phase, last.start, last.end) == ("end of the scale", None, 102, 99)


def test_the_range_holds_everything(report):
    low, high = waterfall_range(report)
    assert low < 72
    assert high > 88


def test_an_award_is_worth_three_times_the_difficulty(report):
    assert points_per_award(report) == pytest.approx(9.9)


def test_without_a_score_there_are_no_steps(unscored):
    assert waterfall_steps(unscored) == []
