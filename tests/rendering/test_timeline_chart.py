import re
from dataclasses import replace

import numpy as np
import pytest

from fineparser.analysis.report import Transition
from fineparser.domain.phases import Phase
from fineparser.rendering.timeline_chart import (
    TransitionCurves,
    phase_spans,
    sub_actions,
    timeline_figure,
    timeline_html,
    transition_rows,
    visible_transitions,
)


def test_spans_follow_each_other(report):
    take_off, flight, entry = phase_spans(report)
    assert (take_off.start, take_off.end, take_off.first, take_off.last) == (0.08, 0.72, 2, 17)
    assert (flight.start, flight.end, flight.first, flight.last) == (0.72, 1.64, 18, 40)
    assert (entry.start, entry.end, entry.first, entry.last) == (1.64, 2.2, 41, 55)


def test_curves_have_each_frame_once_and_keep_the_peaks(report):
    curves = TransitionCurves.from_report(report)
    assert curves.frames.tolist() == list(range(2, 56))
    assert curves.seconds == pytest.approx(np.arange(2, 56) / 25)
    # Frame 18 is sampled twice, as samples 29 and 30; the switch is at the second.
    assert curves.flight[18 - 2] == pytest.approx(0.9)
    assert curves.frames[curves.flight.argmax()] == report.flight.frame
    assert curves.frames[curves.entry.argmax()] == report.entry.frame


def test_times_are_those_of_a_varying_rate(report):
    stamps = tuple(0.1 * n for n in range(60))
    varying = replace(report, info=replace(report.info, timestamps=stamps, fps=10.0))
    assert TransitionCurves.from_report(varying).seconds[:2] == pytest.approx([0.2, 0.3])


def test_sub_actions_of_the_dive(report, unscored):
    twisting = replace(report, dive_code="5253B")
    assert sub_actions(twisting) == [
        ("Back", Phase.TAKE_OFF),
        ("1.5 Twists", Phase.FLIGHT),
        ("2.5 Soms.Pike", Phase.FLIGHT),
        ("Entry", Phase.ENTRY),
    ]
    assert [name for name, _ in sub_actions(unscored)] == ["take-off", "flight", "entry"]


def test_the_timeline_is_in_seconds_and_shows_frame_numbers(report):
    figure = timeline_figure(report)
    bands, flight, entry = figure.data
    assert bands.text == ("take-off", "flight", "entry")
    assert (flight.name, entry.name) == ("flight begins", "entry begins")
    assert flight.x[0] == pytest.approx(0.08)
    assert flight.customdata[0][0] == 2
    assert flight.line.dash != entry.line.dash
    assert figure.layout.xaxis.range == pytest.approx((0.08, 2.2))
    transitions = [shape.x0 for shape in figure.layout.shapes if shape.type == "line"]
    assert transitions == pytest.approx([report.flight.seconds, report.entry.seconds])
    assert "3.5 Soms.Tuck" in figure.layout.annotations[-1].text


def test_a_short_phase_has_no_room_for_its_name(report):
    early = replace(report, flight=Transition(4, 0.16, 0.9, 4))
    assert timeline_figure(early).data[0].text == ("flight", "entry")


def test_many_sub_actions_take_two_lines(report):
    long = replace(report, dive_code="5253B")
    assert timeline_figure(report).layout.annotations[-1].text.count("<br>") == 0
    assert timeline_figure(long).layout.annotations[-1].text.count("<br>") == 1


def left_edges(html: str, mark_class: str) -> list[float]:
    return [float(share) for share in re.findall(rf'<i class="{mark_class}" style="left:([\d.]+)%', html)]


def test_the_timeline_has_the_right_scale(report):
    chart = timeline_html(report)
    # Flight from 0.72 s, entry from 1.64 s, of 0.08 s to 2.2 s.
    assert left_edges(chart, "transition") == pytest.approx([100 * 0.64 / 2.12, 100 * 1.56 / 2.12], abs=0.01)
    points = re.search(r'class="flight" points="([^"]+)"', chart)[1].split()
    peak = min(points, key=lambda point: float(point.split(",")[1]))
    assert [float(one) for one in peak.split(",")] == pytest.approx([10 * 100 * 0.64 / 2.12, 10], abs=0.1)


def test_a_dive_that_begins_in_the_air_has_no_take_off(report):
    late = replace(report, missing_phases=(Phase.TAKE_OFF,))
    flight, entry = phase_spans(late)
    assert (flight.phase, flight.first, flight.last) == (Phase.FLIGHT, 2, 40)
    assert (entry.first, entry.last) == (41, 55)
    assert [phase for phase, _ in visible_transitions(late)] == [Phase.ENTRY]
    assert [phase for _, phase in sub_actions(late)] == [Phase.FLIGHT, Phase.ENTRY]
    assert transition_rows(late)[1:] == [
        ["Flight begins", "", "not seen", ""],
        ["Entry begins", "41", "1.64 s", "60%"],
    ]
    assert left_edges(timeline_html(late), "transition") == pytest.approx([100 * 1.56 / 2.12], abs=0.01)
    lines = [shape.x0 for shape in timeline_figure(late).layout.shapes if shape.type == "line"]
    assert lines == pytest.approx([1.64])


def test_a_dive_that_ends_in_the_air_has_no_entry(report):
    cut = replace(report, missing_phases=(Phase.ENTRY,))
    take_off, flight = phase_spans(cut)
    assert (take_off.first, take_off.last, flight.first, flight.last) == (2, 17, 18, 55)
    assert [phase for phase, _ in visible_transitions(cut)] == [Phase.FLIGHT]
    assert transition_rows(cut)[2] == ["Entry begins", "", "not seen", ""]
