from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.rendering.timeline import curves, parts, phase_spans


def test_spans_follow_each_other(report):
    take_off, flight, entry = phase_spans(report)
    assert (take_off.start, take_off.end, take_off.first, take_off.last) == (0.08, 0.72, 2, 17)
    assert (flight.start, flight.end, flight.first, flight.last) == (0.72, 1.64, 18, 40)
    assert (entry.start, entry.end, entry.first, entry.last) == (1.64, 2.2, 41, 55)


def test_curves_have_each_frame_once_and_keep_the_peaks(report):
    found = curves(report)
    assert found.frames.tolist() == list(range(2, 56))
    assert found.seconds == pytest.approx(np.arange(2, 56) / 25)
    # Frame 18 is sampled twice, as samples 29 and 30; the switch is at the second.
    assert found.flight[18 - 2] == pytest.approx(0.9)
    assert found.frames[found.flight.argmax()] == report.flight.frame
    assert found.frames[found.entry.argmax()] == report.entry.frame


def test_times_are_those_of_a_varying_rate(report):
    stamps = tuple(0.1 * n for n in range(60))
    varying = replace(report, info=replace(report.info, timestamps=stamps, fps=10.0))
    assert curves(varying).seconds[:2] == pytest.approx([0.2, 0.3])


def test_parts_of_the_dive(report, unscored):
    twisting = replace(report, dive_code="5253B")
    assert parts(twisting) == [
        ("Back", Phase.TAKE_OFF),
        ("1.5 Twists", Phase.FLIGHT),
        ("2.5 Soms.Pike", Phase.FLIGHT),
        ("Entry", Phase.ENTRY),
    ]
    assert [name for name, _ in parts(unscored)] == ["take-off", "flight", "entry"]
