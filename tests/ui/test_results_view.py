"""The votes in a table: what is said of scores that stand on the scale of one's own judges."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from fineparser.exemplars.panel_scale import ON_SCALE, PanelScale
from fineparser.analysis.report import Vote
from fineparser.ui.results_view import table, votes_table

SCALE = PanelScale(-1.0, 1.2, 7, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0)


def test_the_votes_say_whose_scores_they_are():
    low = Vote("weak", "207C", 10, 3.3, 60.0, "SynDive", "same number", np.full((2, 3), 0.5), 63.0)
    votes = (low, replace(low, exemplar="strong", exemplar_score=80.0, score=83.0))
    report = SimpleNamespace(votes=votes, exemplar="weak", scale=None)
    plain = votes_table(report)
    assert plain.index("83.00") < plain.index("63.00")
    assert ON_SCALE not in plain
    assert (
        votes_table(SimpleNamespace(**vars(report) | {"scale": SCALE})) == f'{plain}<p class="fp-hint">{ON_SCALE}</p>'
    )


def test_details_are_what_a_narrow_table_leaves_out():
    shown = table(["Points", "Dynamic", "Both"], [["Entry", "+1", "<2>"]], strong=0, details=(1,))
    assert '<th class="text">Points</th><th class="detail">Dynamic</th><th>Both</th>' in shown
    assert '<tr class="strong"><td class="text">Entry</td><td class="detail">+1</td><td>&lt;2&gt;</td></tr>' in shown
