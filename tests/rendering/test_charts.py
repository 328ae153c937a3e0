import json
from dataclasses import replace

import pytest

from fineparser.analysis.report import Transition
from fineparser.rendering import charts
from fineparser.rendering.palette import DARK, EITHER, LIGHT, PHASE_COLOURS

DRAWINGS = [charts.waterfall, charts.votes, charts.timeline]


def traces(figure, kind):
    return [trace for trace in figure.data if trace.type == kind]


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("theme", [LIGHT, DARK, EITHER])
def test_figures_keep_to_what_gradio_renders(report, draw, theme):
    figure = json.loads(draw(report, theme).to_json())
    assert {trace["type"] for trace in figure["data"]} <= {"bar", "scatter"}
    assert "title" not in figure["layout"]  # Gradio gives it 100 pixels
    assert figure["layout"]["paper_bgcolor"].endswith(", 0)")
    assert "width" not in figure["layout"]
    assert figure["layout"]["font"]["color"] == theme.text.css


@pytest.mark.parametrize("draw", DRAWINGS)
def test_figures_of_a_report_without_a_score(unscored, draw):
    assert draw(unscored).to_json()


def test_the_waterfall_has_a_bar_a_share(report):
    bars = traces(charts.waterfall(report), "bar")
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
    layout = charts.waterfall(report).layout
    assert layout.xaxis.range == pytest.approx([9.9 * award for award in layout.xaxis2.range])


def test_the_waterfalls_ends_are_marks_with_the_interval(report):
    marks = traces(charts.waterfall(report), "scatter")[0]
    assert marks.x == (78, 80)
    assert (marks.error_x.arrayminus[1], marks.error_x.array[1]) == (8, 8)


def test_votes_are_sorted_and_carry_their_exemplars(report):
    figure = charts.votes(report)
    starts, ends = figure.data[1], figure.data[2]
    assert ends.x == (70, 80, 90)
    assert starts.x == pytest.approx((66, 82, 86))
    assert [row[0] for row in ends.customdata] == ["weak", "middling", "strong <b>"]
    # What plotly writes on the screen may hold no tags of strangers.
    assert [row[1] for row in ends.customdata] == ["weak", "middling", "strong &lt;b&gt;"]
    assert figure.layout.yaxis.ticktext[2] == "strong &lt;b&gt;"
    assert "customdata[0]" not in ends.hovertemplate
    assert list(ends.marker.symbol) == ["circle", "diamond", "circle"]
    band = figure.layout.shapes[0]
    assert (band.x0, band.x1) == (72, 88)


def test_an_exemplar_of_lower_difficulty_is_shown_at_this_dives(report):
    """Half the difficulty: its 41 points are worth 82 here."""
    easy = replace(report.votes[1], difficulty=1.65, exemplar_score=41.0)
    figure = charts.votes(replace(report, votes=(easy,), exemplar=easy.exemplar))
    assert figure.data[1].x == pytest.approx((82,))


def test_the_timeline_is_in_seconds_and_tells_frame_numbers(report):
    figure = charts.timeline(report)
    bands, flight, entry = figure.data
    assert bands.text == ("take-off", "flight", "entry")
    assert (flight.name, entry.name) == ("flight begins", "entry begins")
    assert flight.x[0] == pytest.approx(0.08)
    assert flight.customdata[0][0] == 2
    assert flight.line.dash != entry.line.dash
    assert figure.layout.xaxis.range == pytest.approx((0.08, 2.2))
    switches = [shape.x0 for shape in figure.layout.shapes if shape.type == "line"]
    assert switches == pytest.approx([report.flight.seconds, report.entry.seconds])
    assert "3.5 Soms.Tuck" in figure.layout.annotations[-1].text


def test_a_short_phase_has_no_room_for_its_name(report):
    early = replace(report, flight=Transition(4, 0.16, 0.9, 4))
    assert charts.timeline(early).data[0].text == ("flight", "entry")


def test_many_sub_actions_take_two_lines(report):
    long = replace(report, dive_code="5253B")
    assert charts.timeline(report).layout.annotations[-1].text.count("<br>") == 0
    assert charts.timeline(long).layout.annotations[-1].text.count("<br>") == 1
