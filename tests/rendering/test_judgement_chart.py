"""The chart of a judgement, as Plotly figure, HTML and table."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from fineparser.domain.phases import Phase
from fineparser.rendering.judgement_chart import (
    judgement_figure,
    judgement_html,
    judgement_range,
    judgement_rows,
    judgement_steps,
)
from fineparser.rendering.messages import typical_range
from fineparser.rendering.palette import PHASE_COLOURS
from tests.judgements import make_judgement, with_judgement


def test_the_steps_lead_from_the_typical_award_to_that_of_the_dive():
    steps = judgement_steps(make_judgement())
    assert [step.label for step in steps] == ["take-off", "flight", "entry"]
    assert steps[0].start == 7.4
    assert steps[-1].end == pytest.approx(8.1)
    for one, following in pairwise(steps):
        assert one.end == following.start


def test_what_the_phases_do_not_explain_has_a_step_of_its_own():
    limited = judgement_steps(make_judgement(award=8.0))[-1]
    assert (limited.label, limited.phase, limited.change) == ("end of the scale", None, pytest.approx(-0.1))
    assert judgement_steps(make_judgement(award=7.6, is_calibrated=True))[-1].label == "your judges"


def test_phases_that_are_not_in_the_clip_have_no_step():
    phases = make_judgement().phases[1:]
    assert [step.phase for step in judgement_steps(make_judgement(phases=phases, award=7.9))] == [
        Phase.FLIGHT,
        Phase.ENTRY,
    ]


def test_the_range_contains_both_intervals():
    judgement = make_judgement()
    low, high = judgement_range(judgement, judgement_steps(judgement))
    assert low < typical_range(judgement)[0]
    assert high > judgement.high
    # 80% of a normal distribution.
    assert typical_range(judgement) == pytest.approx((7.4 - 1.2816 * 1.2, 7.4 + 1.2816 * 1.2), abs=1e-4)
    assert typical_range(make_judgement(typical_award=9.5))[1] == 10


def traces(figure, kind):
    return [trace for trace in figure.data if trace.type == kind]


def test_the_figure_has_a_bar_a_phase_and_marks_with_ranges(judged):
    figure = judgement_figure(judged)
    bars = traces(figure, "bar")
    assert [bar.y[0] for bar in bars] == ["take-off", "flight", "entry"]
    assert [bar.base[0] + bar.x[0] for bar in bars] == pytest.approx([7.6, 8.24, 8.1])
    assert [bar.marker.color for bar in bars] == [colour.css for colour in PHASE_COLOURS.values()]
    typical, dive = traces(figure, "scatter")[:2]
    assert (typical.x[0], dive.x[0]) == (7.4, 8.1)
    assert (dive.error_x.arrayminus[0], dive.error_x.array[0]) == pytest.approx((1.3, 1.3))
    # Three awards count, times a difficulty of 3.3.
    assert figure.layout.xaxis2.range == pytest.approx([9.9 * award for award in figure.layout.xaxis.range])
    assert "80 points (67 to 93)" in dive.hovertemplate


def test_without_a_judgement_the_figure_is_a_sentence(report):
    assert "No score" in judgement_figure(replace(report, judgement=None)).layout.annotations[0].text
    little = judgement_figure(with_judgement(report, is_uninformative=True))
    assert not little.data
    assert "tells little" in little.layout.annotations[0].text


def test_the_html_has_the_right_scale(judged):
    chart = judgement_html(judged)
    typical, award = (float(share) for share in re.findall(r'class="mark[^"]*" style="left:([\d.]+)%', chart))
    widths = [float(share) for share in re.findall(r'class="bar p\d" style="left:[\d.]+%;width:([\d.]+)%', chart)]
    # 0.2, 0.64 and 0.14 awards, and 0.7 from end to end.
    assert [width / (award - typical) for width in widths] == pytest.approx(
        [0.2 / 0.7, 0.64 / 0.7, 0.14 / 0.7], rel=0.01
    )
    (left, width), (low, reach) = re.findall(r'class="interval[^"]*" style="left:([\d.]+)%;width:([\d.]+)%', chart)[:2]
    assert float(left) + float(width) / 2 == pytest.approx(typical, abs=0.02)
    assert float(low) + float(reach) / 2 == pytest.approx(award, abs=0.02)


def test_there_is_no_chart_without_a_judgement(report):
    assert judgement_html(report) == ""
    assert judgement_html(with_judgement(report, is_uninformative=True)) == ""


def test_the_table_has_a_row_a_fault(judged, report):
    headings, *rows = judgement_rows(judged)
    assert headings == ["Fault", "Measured", "Awards", "Frame"]
    assert [row[0].replace("\u00a0", " ") for row in rows] == [
        "low take-off, 1.2 m above the board",
        "loose tuck, 62\u00b0 at the hips",
        "8\u00b0 over",
        "splash 0.6 m high",
        "hips bent 14\u00b0 at the entry",
    ]
    assert rows[2] == ["8\u00b0 over", "8\u00b0 \u00b1 1\u00b0", "\u22120.6", "41"]
    assert judgement_rows(report) == []
    assert judgement_rows(with_judgement(report, is_uninformative=True)) == []
