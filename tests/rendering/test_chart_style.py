"""Properties that all Plotly figures of a report share, ticks and numbers."""

import json

import pytest

from fineparser.rendering.chart_style import round_ticks, signed
from fineparser.rendering.judgement_chart import judgement_figure
from fineparser.rendering.palette import DARK, LIGHT, NEUTRAL
from fineparser.rendering.timeline_chart import timeline_figure
from fineparser.rendering.votes_chart import votes_figure
from fineparser.rendering.waterfall_chart import waterfall_figure

FIGURES = [waterfall_figure, votes_figure, timeline_figure, judgement_figure]


@pytest.mark.parametrize("draw", FIGURES)
@pytest.mark.parametrize("theme", [LIGHT, DARK, NEUTRAL])
def test_figures_keep_to_what_gradio_renders(report, judged, draw, theme):
    figure = json.loads(draw(judged if draw is judgement_figure else report, theme).to_json())
    assert {trace["type"] for trace in figure["data"]} <= {"bar", "scatter"}
    assert "title" not in figure["layout"]  # Gradio gives it 100 pixels
    assert figure["layout"]["paper_bgcolor"].endswith(", 0)")
    assert "width" not in figure["layout"]
    assert figure["layout"]["font"]["color"] == theme.text.css


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_of_a_report_without_a_score(unscored, draw):
    assert draw(unscored).to_json()


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 3.2, ["0", "1", "2", "3"]),
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (7.65, 7.74, ["7.66", "7.68", "7.70", "7.72", "7.74"]),
        (-3, 9, ["-2.5", "0.0", "2.5", "5.0", "7.5"]),
        (30, 110, ["40", "60", "80", "100"]),
    ],
)
def test_ticks_are_round_and_inside(low, high, labels):
    ticks = round_ticks(low, high)
    assert [text for _, text in ticks] == labels
    assert all(float(text) == pytest.approx(value) for value, text in ticks)


def test_signs():
    assert [signed(value) for value in (1.234, -1.0, 0.0, -0.001)] == ["+1.23", "\u22121.00", "+0.00", "+0.00"]
