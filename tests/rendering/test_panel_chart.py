"""Own judges beside what is told: marks where awards say, and the line that scores are told by."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.exemplars.exemplar import OWN, Exemplar
from fineparser.exemplars.own_panel import PanelReading
from fineparser.exemplars.panel_scale import PanelScale
from fineparser.domain.dive_code import DiveCode
from fineparser.rendering.panel_chart import panel_figure

SCALE = PanelScale(-1.0, 1.2, 3, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0)


def dive(score, name="club <meet>"):
    return Exemplar("own", DiveCode.parse("405B"), 3.0, 2.0, score, OWN, name=name)


@pytest.fixture
def reading():
    return PanelReading((dive(30.0), dive(36.0), dive(48.0)), (36.0, 42.0, 48.0), SCALE)


def named(figure):
    return {trace.name: trace for trace in figure.data}


def test_a_dive_stands_where_its_awards_are(reading):
    marks = named(panel_figure(reading))["your dives"]
    assert list(marks.x) == pytest.approx([6, 7, 8])
    assert list(marks.y) == pytest.approx([5, 6, 8])
    assert marks.customdata[0][1:] == ["club &lt;meet&gt;", "30.00", "36.00"]


def test_the_line_and_its_band_are_the_scales(reading):
    traces = named(panel_figure(reading))
    line, band = traces["your judges' scale"], next(t for name, t in traces.items() if name.startswith("80%"))
    for x, y in zip(line.x, line.y, strict=True):
        assert y == pytest.approx(6.5 - 1.0 + 1.2 * (x - 6.5))
    low = dict(zip(band.x[: len(line.x)], band.y[: len(line.x)], strict=True))
    middle = line.x[20]
    assert low[middle] == pytest.approx(SCALE.interval(3 * line.y[20], 1.0)[0] / 3)
    assert list(traces["as told"].x) == list(traces["as told"].y)


def test_without_a_scale_the_dives_are_shown_alone(reading):
    assert set(named(panel_figure(replace(reading, scale=None)))) == {"as told", "your dives"}


def test_without_dives_it_says_so():
    figure = panel_figure(PanelReading())
    assert not figure.data
    assert "No judged dive" in figure.layout.annotations[0].text


def test_awards_stay_on_the_scale():
    figure = panel_figure(PanelReading((dive(0.0), dive(60.0)), (1.0, 59.0)))
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == (0, 10)
    assert np.all(np.isfinite(named(figure)["your dives"].x))
