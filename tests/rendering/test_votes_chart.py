from dataclasses import replace

import pytest

from fineparser.rendering.votes_chart import votes_figure, votes_html


def test_votes_are_sorted_and_carry_their_exemplars(report):
    figure = votes_figure(report)
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


def test_an_exemplars_score_is_scaled_to_this_dives_difficulty(report):
    """Half the difficulty: its 41 points are worth 82 here."""
    easy = replace(report.votes[1], difficulty=1.65, exemplar_score=41.0)
    figure = votes_figure(replace(report, votes=(easy,), exemplar=easy.exemplar))
    assert figure.data[1].x == pytest.approx((82,))


def test_exemplars_of_a_judgement_do_not_vote(judged, report):
    beside = replace(judged, votes=tuple(replace(vote, score=None, contributions=None) for vote in report.votes))
    figure = votes_figure(beside)
    assert not figure.data
    assert "do not vote" in figure.layout.annotations[0].text
    assert votes_html(beside) == ""
