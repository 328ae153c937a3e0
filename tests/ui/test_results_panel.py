"""The result of a dive: its card, breakdown and exemplars, for dives that exemplars vote on and for judged ones."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.analysis.analyser import AnalysisOptions
from fineparser.domain.judging import BANDS
from fineparser.exemplars.voting_result import Vote
from fineparser.ui import results_panel
from fineparser.ui.dive_suggestion import SuggestionPanel
from fineparser.ui.measurements_panel import MeasurementsPanel
from fineparser.ui.player import PlayerClip, copy_to_cache
from fineparser.ui.results_panel import MEAN, ResultsPanel, html_table
from tests.judgements import with_judgement
from tests.ui.conftest import placeholder_panel


def make_vote(name: str, exemplar_score: float, score: float | None) -> Vote:
    """An exemplar of a 207C, which votes if it has a score for the dive."""
    contributions = None if score is None else np.full((2, 3), (score - exemplar_score) / 6)
    return Vote(name, "207C", 10, 3.3, exemplar_score, "SynDive", "same dive number", contributions, score)


VOTES = (make_vote("weak", 60.0, 63.0), make_vote("strong", 80.0, 83.0))
SHOWN = tuple(make_vote(vote.exemplar, vote.exemplar_score, None) for vote in VOTES)


@pytest.fixture(scope="module")
def voted(tiny_analyser, noise_bank, proposal):
    """A 207C, on which one exemplar votes."""
    analyser = type(tiny_analyser)(tiny_analyser.model, noise_bank)
    return analyser.analyse(proposal.scan.info.path, "207C", 10, AnalysisOptions(proposal=proposal, force=True))


@pytest.fixture
def judged(voted):
    """The same, judged by its measurements."""
    return replace(with_judgement(voted), votes=SHOWN, exemplar="weak")


@pytest.fixture
def panel():
    parts = {
        "suggestions": placeholder_panel(SuggestionPanel),
        "measurements": placeholder_panel(MeasurementsPanel),
        "files": (),
    }
    return replace(placeholder_panel(ResultsPanel), **parts)


@pytest.fixture
def clip(voted, user_home):
    """The clip of the dive in the cache."""
    times = tuple(number / voted.info.fps for number in range(voted.info.frame_count + 1))
    return PlayerClip(copy_to_cache(voted.info.path), voted.info.fps, 0, times, 0.0)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_score_that_is_not_calibrated_is_a_range_without_a_word(judged):
    html = results_panel.score_card(judged)
    assert "80 points 67 to 93 8.1 mean award 6.8 to 9.4" in words(html)
    # The range is as large as the number.
    assert re.findall(r'<(b|span) class="value">([^<]*)<', html) == [
        ("b", "80"),
        ("span", "67 to 93"),
        ("b", "8.1"),
        ("span", "6.8 to 9.4"),
    ]
    assert not any(name in words(html) for _, name in BANDS)
    assert html.count('class="caution"') == 1
    assert "Not calibrated to real judges: on 9 real dives the mean award was off by 0.8" in html
    assert "Judged as: international." in html


def test_a_calibrated_score_has_a_decimal_and_the_word_of_the_rules(judged):
    html = results_panel.score_card(replace(judged, judgement=replace(judged.judgement, is_calibrated=True)))
    assert "80.2 points 67.3 to 93.1" in words(html)
    assert "mean award: good" in html or "mean award: very good" in html
    assert "caution" not in html


def test_where_the_clip_tells_little_there_is_no_number(judged, panel, clip):
    little = replace(judged, judgement=replace(judged.judgement, is_uninformative=True))
    html = results_panel.score_card(little)
    assert "This clip tells little about the score" in html
    assert "Typical 207C from 10 m, international: 5.9 to 8.9 awards." in html
    assert 'class="value"' not in html
    assert "fp-marks" not in html
    updates = results_panel.report_updates(panel, little, clip)
    assert "Splash 0.6" in updates["breakdown"]
    assert not updates["judgement"].visible


def test_a_judged_dive_has_its_faults_and_exemplars_that_do_not_vote(judged, panel, clip):
    updates = results_panel.report_updates(panel, judged, clip)
    assert updates["judgement"].visible
    assert "Splash 0.6" in updates["breakdown"]
    assert (updates["branches_column"].visible, updates["votes_row"].visible) == (False, False)
    choice = updates["exemplar"]
    assert (choice.choices, choice.value) == ([("strong: 80.00", "strong"), ("weak: 60.00", "weak")], "weak")


def test_another_exemplar_beside_a_judged_dive_leaves_the_judgement(judged, panel, clip):
    updates = results_panel.compare_updates(panel, judged, clip, "strong")
    assert updates["report"] is judged
    assert updates["breakdown"] == results_panel.breakdown_table(judged)
    assert "waterfall" not in updates
    with pytest.raises(ValueError, match="no exemplar 'gone'"):
        results_panel.compare_updates(panel, judged, clip, "gone")


def test_a_dive_with_votes_has_phases_with_branches_folded_away(voted, panel, clip):
    updates = results_panel.report_updates(panel, voted, clip)
    assert not updates["judgement"].visible
    assert (updates["branches_column"].visible, updates["votes_row"].visible) == (True, True)
    assert updates["exemplar"].choices[0] == (MEAN, MEAN)
    assert "Dynamic" not in updates["breakdown"]
    assert "This dive" in updates["breakdown"]
    branches = re.findall(r'<td class="text">([^<]*)</td>', updates["branches"])
    assert branches == [*(phase.label.capitalize() for phase in voted.visible_phases), "Together"]
    assert "Execution is the total divided by the difficulty." in updates["score_card"]
    assert "caution" not in updates["score_card"]


def test_a_single_vote_is_a_report_of_its_own(voted):
    report = replace(voted, votes=VOTES)
    single = results_panel.with_single_vote(report, "weak")
    assert (single.total.value, single.breakdown.base, single.votes) == (63.0, 60.0, VOTES[:1])
    assert results_panel.with_single_vote(report, MEAN) is report


def test_votes_are_listed_the_highest_first():
    report = SimpleNamespace(votes=VOTES, exemplar="weak", dive_code="207C", height=10)
    rows = re.findall(r"<tr.*?</tr>", results_panel.votes_table(report))
    assert [words(row).split()[0] for row in rows] == ["Exemplar", "strong", "weak"]
    assert 'class="strong"' in rows[2]
    assert results_panel.votes_table(SimpleNamespace(votes=SHOWN, exemplar="weak")) == ""


def test_the_texts_of_a_table_are_escaped():
    html = html_table(["Points", "Both"], [["Entry", "<2>"]], strong_row=0)
    assert '<th class="text">Points</th><th>Both</th>' in html
    assert '<tr class="strong"><td class="text">Entry</td><td>&lt;2&gt;</td></tr>' in html
