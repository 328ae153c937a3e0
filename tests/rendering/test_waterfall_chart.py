import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.exemplars.voting_result import Breakdown, ScoreEstimate
from fineparser.rendering.palette import PHASE_COLOURS
from fineparser.rendering.waterfall_chart import (
    breakdown_rows,
    points_per_award,
    waterfall_figure,
    waterfall_html,
    waterfall_range,
    waterfall_steps,
)


def test_the_steps_lead_from_the_exemplars_to_the_total(report):
    steps = waterfall_steps(report)
    assert [step.label for step in steps[:3]] == ["take-off, dynamic", "take-off, static", "flight, dynamic"]
    assert steps[0].start == 78
    assert [step.change for step in steps] == pytest.approx([0, 0.5, 2, -1 / 6, -1 / 3, 0], abs=1e-9)
    for one, following in pairwise(steps):
        assert one.end == following.start
    assert steps[-1].end == pytest.approx(80)


def test_a_mean_beyond_the_scale_has_a_step_back(report):
    """Votes of 98 + 4 on a scale that ends at 99."""
    beyond = replace(
        report,
        total=ScoreEstimate(99.0, 98.0, 99.0),
        breakdown=Breakdown(98.0, np.array([[4.0, 0, 0], [0, 0, 0]])),
    )
    last = waterfall_steps(beyond)[-1]
    assert (last.label, last.phase, last.start, last.end) == ("end of the scale", None, 102, 99)


def test_the_range_contains_everything(report):
    low, high = waterfall_range(waterfall_steps(report), report.total)
    assert low < 72
    assert high > 88


def test_an_award_is_worth_three_times_the_difficulty(report):
    assert points_per_award(report) == pytest.approx(9.9)


def test_without_a_score_there_are_no_steps(unscored):
    assert waterfall_steps(unscored) == []


def traces(figure, kind):
    return [trace for trace in figure.data if trace.type == kind]


def test_the_waterfall_has_a_bar_for_each_contribution(report):
    bars = traces(waterfall_figure(report), "bar")
    assert [bar.y[0] for bar in bars] == [
        f"{phase}, {branch}" for phase in ("take-off", "flight", "entry") for branch in ("dynamic", "static")
    ]
    assert [(bar.base[0], bar.x[0]) for bar in bars[1:4]] == [
        (78, 0.5),
        (78.5, 2),
        (80.5, pytest.approx(-1 / 6)),
    ]
    assert [bar.marker.color for bar in bars[::2]] == [colour.css for colour in PHASE_COLOURS.values()]
    assert [bar.marker.pattern.shape for bar in bars] == [None, "/"] * 3


def test_both_scales_of_the_waterfall_agree(report):
    layout = waterfall_figure(report).layout
    assert layout.xaxis.range == pytest.approx([9.9 * award for award in layout.xaxis2.range])


def test_the_waterfalls_ends_are_marks_with_the_interval(report):
    marks = traces(waterfall_figure(report), "scatter")[0]
    assert marks.x == (78, 80)
    assert (marks.error_x.arrayminus[1], marks.error_x.array[1]) == (8, 8)


def left_edges(html: str, mark_class: str) -> list[float]:
    return [float(share) for share in re.findall(rf'<i class="{mark_class}" style="left:([\d.]+)%', html)]


def test_the_waterfall_has_the_right_scale(report):
    chart = waterfall_html(report)
    base, (total,) = left_edges(chart, "mark")[0], left_edges(chart, "mark total")
    (bar,) = re.findall(r'class="bar p1 dynamic" style="left:([\d.]+)%;width:([\d.]+)%', chart)[:1]
    # 78 to 80 is the way from the base to the total; the flight's dynamic share, 78.5 to 80.5, is as wide.
    assert float(bar[1]) == pytest.approx(total - base, abs=0.02)
    assert float(bar[0]) == pytest.approx(base + (total - base) / 4, abs=0.02)


@pytest.fixture
def begins_in_air(report):
    """Its take-off is not in the clip and carries no points."""
    points = report.breakdown.points.copy()
    points[:, Phase.TAKE_OFF] = 0
    ranges = np.array([[0.0, 0.0], [0.5, 3.25], [-4.0, 0.0]])
    return replace(report, missing_phases=(Phase.TAKE_OFF,), breakdown=Breakdown(78.5, points, ranges))


def test_phases_that_are_not_in_the_clip_are_left_out(begins_in_air):
    steps = waterfall_steps(begins_in_air)
    assert [step.label for step in steps] == ["flight, dynamic", "flight, static", "entry, dynamic", "entry, static"]
    assert (steps[0].start, steps[-1].end) == (78.5, pytest.approx(80))
    rows = breakdown_rows(begins_in_air, "Exemplars")
    assert [row[0] for row in rows] == ["Points", "Exemplars", "Flight", "Entry", "Together", "This dive"]
    assert [row[-1] for row in rows[2:4]] == ["+0.50 to +3.25", "\u22124.00 to +0.00"]
    assert "Take-off" not in waterfall_html(begins_in_air)
    assert not any("take-off" in bar.y[0] for bar in traces(waterfall_figure(begins_in_air), "bar"))
