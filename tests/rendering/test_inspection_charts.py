import json
from dataclasses import replace

import numpy as np
import pytest

from fineparser.rendering import inspection_charts as charts
from fineparser.rendering.palette import BLACK, DARK, HEATMAP, LIGHT, NEUTRAL, PHASE_COLOURS, WHITE
from tests.inspections import labelled, made_up, paired

DRAWINGS = [
    charts.transition_figure,
    charts.agreement_figure,
    charts.similarity_figure,
    charts.token_figure,
    lambda inspection, theme=NEUTRAL: charts.attention_figure(inspection, 1, theme=theme),
]


@pytest.fixture(scope="module")
def inspection():
    return labelled(paired(made_up()))


def trace(figure, name):
    return next(one for one in figure.data if one.name and one.name.startswith(name))


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("theme", [LIGHT, DARK, NEUTRAL])
def test_figures_keep_to_what_gradio_renders(inspection, draw, theme):
    figure = json.loads(draw(inspection, theme).to_json())
    assert {one["type"] for one in figure["data"]} <= {"bar", "scatter", "heatmap"}
    assert "title" not in figure["layout"]
    assert figure["layout"]["paper_bgcolor"].endswith(", 0)")
    assert "width" not in figure["layout"]
    assert figure["layout"]["font"]["color"] == theme.text.css


@pytest.mark.parametrize("draw", DRAWINGS)
def test_figures_of_a_dive_alone(draw):
    assert draw(made_up()).to_json()


def test_transitions_show_both_columns_and_both_rules(inspection):
    figure = charts.transition_figure(inspection)
    for column, phase in ((0, "flight begins"), (1, "entry begins")):
        np.testing.assert_allclose(trace(figure, phase).y, inspection.transition_probabilities[:, column])
    assert trace(figure, "windowed").x == (20, 60)
    assert trace(figure, "ordered").name == "ordered (in use)"
    assert trace(figure, "ordered").x == (30, 50)
    assert trace(figure, "ordered").y == pytest.approx(
        (inspection.transition_probabilities[30, 0], inspection.transition_probabilities[50, 1])
    )
    halves = [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.type == "rect"]
    assert halves == [(-0.5, 47.5), (47.5, 95.5)]


def test_labelled_transitions_are_marked(inspection):
    assert list(trace(charts.transition_figure(inspection), "labelled").x) == [30, 60]
    assert not any(one.name == "labelled" for one in charts.transition_figure(made_up()).data)


def test_agreement_has_a_bar_for_each_frame_of_two_windows(inspection):
    bars = trace(charts.agreement_figure(inspection), "IoU between")
    assert len(bars.x) == 48
    assert dict(zip(bars.x, bars.y, strict=True))[12] == 0.5
    # Nothing against nothing agrees, but is drawn faintly.
    colours = dict(zip(bars.x, bars.marker.color, strict=True))
    assert colours[12].endswith(", 1)")
    assert colours[33].endswith(", 0.3)")
    shown_by_frame = dict(zip(bars.x, bars.customdata, strict=True))
    assert tuple(shown_by_frame[12]) == ("1 and 2", "agree on 0.50")
    assert tuple(shown_by_frame[33]) == ("3 and 4", "find no diver")
    line = trace(charts.agreement_figure(inspection), "IoU with").y
    assert (line[5], line[17], line[50]) == (0.75, 0.0, None)
    assert len(charts.agreement_figure(made_up()).data) == 1


def test_similarity_has_legible_numbers(inspection):
    figure = charts.similarity_figure(inspection)
    cells, *texts = figure.data
    np.testing.assert_allclose(cells.z, inspection.comparison.similarity)
    assert cells.colorscale[0][1] == HEATMAP[0].css
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.xaxis.ticktext == tuple(str(start) for start in range(0, 81, 10))
    written = {}
    for one in texts:
        written |= {(y, x): (text, one.textfont.color) for x, y, text in zip(one.x, one.y, one.text, strict=True)}
    assert len(written) == 81
    assert written[2, 2] == ("1.0", BLACK.css)  # on yellow
    assert written[0, 5] == (".50", WHITE.css)  # on dark blue


def test_similarity_of_tokens_is_labelled_phase_by_phase(inspection):
    cosines = np.linspace(-1, 1, 144).reshape(12, 12).astype(np.float32)
    of_tokens = replace(
        inspection, features=np.ones((12, 8), np.float32), comparison=replace(inspection.comparison, similarity=cosines)
    )
    figure = charts.similarity_figure(of_tokens)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.ticktext == ("take-off", "flight", "entry")
        np.testing.assert_array_equal(axis.tickvals, [1.5, 5.5, 9.5])
    assert sorted(line.x0 for line in figure.layout.shapes if line.x0 == line.x1) == [3.5, 7.5]
    assert list(figure.data[0].customdata[3][4]) == ["take-off 4", "flight 1"]


def test_attention_of_a_layer_and_a_head(inspection):
    even = charts.attention_figure(inspection, 0, "dynamic", 0).data[0]
    np.testing.assert_allclose(even.z, 1 / 12, rtol=1e-5)
    one = charts.attention_figure(inspection, 2, "dynamic", 1, 3).data[0]
    np.testing.assert_array_equal(one.z, np.eye(12))
    mean = charts.attention_figure(inspection, 2, "dynamic", 1).data[0]
    np.testing.assert_allclose(mean.z, (np.eye(12) + 3 / 12) / 4, rtol=1e-5)
    assert charts.attention_figure(inspection, 1, "static").data[0].z.shape == (4, 4)


def test_a_missing_branch_or_phase_is_explained(inspection):
    whole = replace(inspection.comparison, attention=(inspection.comparison.attention[0][:1],))
    alone = replace(inspection, comparison=whole)
    assert "no static branch" in charts.attention_figure(alone, 0, "static").layout.annotations[0].text
    assert "do not divide" in charts.attention_figure(alone, 1).layout.annotations[0].text
    assert charts.attention_figure(alone, 0).layout.xaxis.title.text == "whole clip: exemplar's tokens"


def test_tokens_are_grouped_by_phase_and_branch(inspection):
    figure = charts.token_figure(inspection)
    bars = figure.data
    assert [len(bar.x) for bar in bars] == [12, 12, 12, 4, 4, 4]
    assert [bar.marker.color for bar in bars[:3]] == [colour.css for colour in PHASE_COLOURS.values()]
    assert {bar.marker.pattern.shape for bar in bars[3:]} == {"/"}
    assert len({x for bar in bars[:3] for x in bar.x}) == 36  # no two on one place
    np.testing.assert_allclose(bars[1].y, 1 + np.arange(12) / 10, rtol=1e-6)
    means = [shape.y0 for shape in figure.layout.shapes]
    assert means == pytest.approx([0.55, 1.55, 2.55, -1, -1, -1])
