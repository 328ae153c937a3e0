"""Tables of a report: votes with and without a judge calibration, and columns that narrow screens leave out."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from fineparser.exemplars.judge_calibration import JudgeCalibration
from fineparser.exemplars.voting_result import Vote
from fineparser.rendering.messages import JUDGE_CALIBRATED_VOTES
from fineparser.ui.results_panel import html_table, votes_table

CALIBRATION = JudgeCalibration(-1.0, 1.2, 7, ((0.1, 0.0), (0.0, 0.1)), 0.8, 15.0)


def test_votes_with_a_judge_calibration_are_explained():
    low = Vote("weak", "207C", 10, 3.3, 60.0, "SynDive", "same number", np.full((2, 3), 0.5), 63.0)
    votes = (low, replace(low, exemplar="strong", exemplar_score=80.0, score=83.0))
    report = SimpleNamespace(votes=votes, exemplar="weak", judge_calibration=None)
    plain = votes_table(report)
    assert plain.index("83.00") < plain.index("63.00")
    assert JUDGE_CALIBRATED_VOTES not in plain
    calibrated = votes_table(SimpleNamespace(**vars(report) | {"judge_calibration": CALIBRATION}))
    assert calibrated == f'{plain}<p class="fp-hint">{JUDGE_CALIBRATED_VOTES}</p>'


def test_detail_columns_are_marked_for_narrow_screens():
    html = html_table(["Points", "Dynamic", "Both"], [["Entry", "+1", "<2>"]], strong_row=0, detail_columns=(1,))
    assert '<th class="text">Points</th><th class="detail">Dynamic</th><th>Both</th>' in html
    assert '<tr class="strong"><td class="text">Entry</td><td class="detail">+1</td><td>&lt;2&gt;</td></tr>' in html
