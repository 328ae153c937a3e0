"""The user's judges against predictions: marks at the awards, and the line of the calibration."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import USER_DIVES, Exemplar
from fineparser.exemplars.judge_calibration import JudgeCalibration, JudgeComparison
from fineparser.rendering.judge_calibration_chart import judge_calibration_figure

SCALE = JudgeCalibration(-1.0, 1.2, 3, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0)


def dive(score, name="club <meet>"):
    return Exemplar("own", DiveCode.parse("405B"), 3.0, 2.0, score, USER_DIVES, name=name)


@pytest.fixture
def comparison():
    return JudgeComparison((dive(30.0), dive(36.0), dive(48.0)), (36.0, 42.0, 48.0), SCALE)


def named(figure):
    return {trace.name: trace for trace in figure.data}


def test_marks_are_at_the_awards_of_the_dives(comparison):
    marks = named(judge_calibration_figure(comparison))["your dives"]
    assert list(marks.x) == pytest.approx([6, 7, 8])
    assert list(marks.y) == pytest.approx([5, 6, 8])
    assert marks.customdata[0][1:] == ["club &lt;meet&gt;", "30.00", "36.00"]


def test_line_and_interval_are_those_of_the_calibration(comparison):
    traces = named(judge_calibration_figure(comparison))
    line, band = traces["judge calibration"], next(t for name, t in traces.items() if name.startswith("80%"))
    for x, y in zip(line.x, line.y, strict=True):
        assert y == pytest.approx(6.5 - 1.0 + 1.2 * (x - 6.5))
    low = dict(zip(band.x[: len(line.x)], band.y[: len(line.x)], strict=True))
    middle = line.x[20]
    assert low[middle] == pytest.approx(SCALE.interval(3 * line.y[20], 1.0)[0] / 3)
    assert list(traces["as predicted"].x) == list(traces["as predicted"].y)


def test_without_a_calibration_there_are_only_the_dives(comparison):
    assert set(named(judge_calibration_figure(replace(comparison, calibration=None)))) == {"as predicted", "your dives"}


def test_without_dives_there_is_a_sentence():
    figure = judge_calibration_figure(JudgeComparison())
    assert not figure.data
    assert "No scored dive" in figure.layout.annotations[0].text


def test_awards_stay_on_the_scale():
    figure = judge_calibration_figure(JudgeComparison((dive(0.0), dive(60.0)), (1.0, 59.0)))
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == (0, 10)
    assert np.all(np.isfinite(named(figure)["your dives"].x))
