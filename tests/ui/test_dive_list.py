"""The list of the dives of a recording, and the table of their results."""

import re
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from fineparser.analysis.analyser import AnalysisOptions
from fineparser.analysis.dive_segments import DiveSegment
from fineparser.domain.standards import Standard
from fineparser.exemplars.voting_result import ScoreEstimate
from fineparser.quality_warning import QualityWarning
from fineparser.ui.analyse_tab import dive_result, event_number, opened_updates, replaced_updates, session_updates
from fineparser.ui.analysis_service import AnalysisRequest
from fineparser.ui.background_tasks import TaskRunner
from fineparser.ui.controls import Controls
from fineparser.ui.dive_list import (
    DiveListPanel,
    DiveResult,
    SessionPanel,
    StoredReport,
    choices_html,
    list_updates,
    results_html,
    thumbnails,
)
from fineparser.ui.results_panel import EXPIRED
from fineparser.video.info import VideoError
from tests.judgements import with_judgement
from tests.ui.conftest import placeholder_panel


def make_dive(proposal, number: int, **evidence) -> DiveSegment:
    """A dive of the falling block."""
    facts = {"flight_frame": 80, "entry_frame": 100, "confidence": 0.9, "begins_in_air": False, "ends_in_air": False}
    found = SimpleNamespace(**facts | evidence)
    return DiveSegment(number=number, proposal=replace(proposal, dive=number, dives=3), evidence=found)


@pytest.fixture
def dives(proposal):
    """Three dives: a whole one, one that begins in the air, and a replay of the first."""
    late = make_dive(proposal, 2, begins_in_air=True, confidence=0.95)
    replay = replace(make_dive(proposal, 3), replay_of=1)
    return (make_dive(proposal, 1), late, replay)


@pytest.fixture
def session():
    controls = Controls(start="start", status="status", stop="stop")
    return replace(placeholder_panel(SessionPanel), controls=controls)


def test_the_list_has_times_confidence_and_remarks(dives):
    html = choices_html(dives, 2)
    assert "2 dives and 1 replay in this clip. Choose one, or analyse all below." in html
    assert re.findall(r'value="(\d)"( checked)?', html) == [("1", ""), ("2", " checked"), ("3", "")]
    first, last = (dives[0].proposal.scan.info.seconds(number) for number in (dives[0].first, dives[0].last))
    assert html.count(f"<span>0:{first:04.1f} to 0:{last:04.1f}</span>") == 3
    assert "begins in the air" in html
    assert "replay of dive 1" in html
    assert html.count("data:image/jpeg;base64,") == 3
    assert "http" not in html


def test_a_thumbnail_shows_the_middle_of_the_flight(dives):
    """The block falls from row 5 to row 65; in mid-flight its upper edge is at row 20 of 96."""
    image = cv2.imdecode(np.frombuffer(thumbnails(dives[:1])[0], np.uint8), cv2.IMREAD_COLOR)
    assert max(image.shape[:2]) == 144
    rows = np.flatnonzero(image[:, image.shape[1] // 2, 0] > 160)
    assert rows.min() / image.shape[0] == pytest.approx(20 / 96, abs=0.03)


@pytest.mark.parametrize("count", [0, 1])
def test_a_clip_of_one_dive_or_none_has_no_list(dives, session, count):
    updates = list_updates(placeholder_panel(DiveListPanel), session, dives[:count])
    assert updates["choices"] == ""
    assert not updates["column"].visible
    assert len(updates["dives"]) == count


def test_a_single_dive_that_is_not_whole_gets_a_remark(dives, session):
    updates = list_updates(placeholder_panel(DiveListPanel), session, dives[1:2])
    assert "The dive begins in the air." in updates["choices"]
    assert "radio" not in updates["choices"]


def test_the_best_dive_is_chosen_and_replays_are_not_analysed(dives, session):
    updates = list_updates(placeholder_panel(DiveListPanel), session, dives)
    assert 'value="2" checked' in updates["choices"]
    assert updates["column"].visible
    assert updates["start"].value == "Analyse all 2 dives"
    assert updates["results"] == {}


@pytest.fixture(scope="module")
def report(tiny_analyser, proposal):
    return tiny_analyser.analyse(proposal.scan.info.path, options=AnalysisOptions(proposal=proposal))


def test_a_stored_report_comes_back_whole_or_says_that_it_expired(report, user_home):
    stored = StoredReport.from_report(report)
    assert stored.report.mask_probability.size == 0
    assert (stored.load().mask_probability == report.mask_probability).all()
    assert stored.load().frame_numbers.tolist() == report.frame_numbers.tolist()
    stored.masks.unlink()
    with pytest.raises(ValueError, match=EXPIRED):
        stored.load()


def test_the_table_has_scores_reasons_and_problems(dives, report, user_home):
    scores = {"total": ScoreEstimate(51.234, 44.0, 58.0), "execution": ScoreEstimate(21.0, 18.0, 24.0)}
    scored = StoredReport(replace(report, **scores), "masks")
    unscored = StoredReport(replace(report, no_score=(QualityWarning("no_fall"),)), "masks")
    request = AnalysisRequest(clip="session.mp4")
    results = {
        2: DiveResult(segment=dives[1], request=request, stored=unscored),
        1: DiveResult(segment=dives[0], request=request, stored=scored),
        3: DiveResult(segment=dives[2], request=request, problem="frame 7 is <broken>"),
    }
    html = results_html(results)
    assert html.index('51.23 <span class="detail">(44.00 to 58.00)</span>') < html.index(
        "Begins in the air. No score: nobody"
    )
    assert "Frame 7 is &lt;broken&gt;" in html
    assert re.findall(r'data-dive="(\d)"', html) == ["1", "2"]
    assert results_html({}) == ""


@pytest.mark.parametrize(
    ("fields", "score", "remark"),
    [
        ({}, "80 (67 to 93)", ""),
        ({"is_calibrated": True}, "80.2 (67.3 to 93.1)", ""),
        ({"is_uninformative": True}, "\u2013", "tells little about the score"),
    ],
)
def test_a_judged_dive_has_a_range_or_a_remark(dives, report, fields, score, remark, user_home):
    known = replace(report, dive_code="207C", dive_name="back", height=10, difficulty=3.3)
    stored = StoredReport(with_judgement(known, **fields), "masks")
    html = results_html({1: DiveResult(segment=dives[0], request=AnalysisRequest(clip="a.mp4"), stored=stored)})
    assert f"<td>{score}</td>" in html
    assert remark in html
    assert ("tells little" in html) == bool(remark)


class Service:
    """Analyses that return a report, or fail for one dive."""

    def __init__(self, report, broken: int) -> None:
        self.report, self.broken, self.requests = report, broken, []

    def analyse(self, request, progress):
        self.requests.append(request)
        progress("Reading the clip", 0.5)
        if request.proposal.dive == self.broken:
            raise VideoError("session.mp4", "is damaged")
        return self.report


def test_every_live_dive_is_analysed_and_a_broken_one_gets_a_row(dives, report, session, user_home):
    service = Service(report, broken=2)
    workers = SimpleNamespace(service=service, tasks=TaskRunner())
    changed = replace(dives[0].proposal, last=dives[0].last - 1)
    request = AnalysisRequest(clip="session.mp4", code="103B", height="3", standard=Standard.CLUB, proposal=changed)
    updates = list(session_updates(request, dives, workers, session))
    assert [one.proposal for one in service.requests] == [changed, dives[1].proposal]
    assert {(one.code, one.standard) for one in service.requests} == {("103B", Standard.CLUB)}
    steps = "".join(str(one.get("status", "")) for one in updates)
    assert re.findall(r'(Dive \d of 2): Reading the clip.*?value="([\d.]+)"', steps) == [
        ("Dive 1 of 2", "0.25"),
        ("Dive 2 of 2", "0.75"),
    ]
    tables = [one["results"] for one in updates if "results" in one]
    assert [list(table) for table in tables] == [[], [1], [1, 2]]
    assert tables[-1][1].stored.report.info == report.info
    assert tables[-1][2].problem == "session.mp4 is damaged"
    assert "2 dives analysed" in updates[-1]["status"]


def test_without_dives_the_page_says_so(session, report):
    with pytest.raises(ValueError, match="No dives have been found"):
        list(session_updates(AnalysisRequest(clip="a.mp4"), (), SimpleNamespace(), session))


def test_a_forced_score_replaces_that_in_the_table(dives, report, session, user_home):
    request = AnalysisRequest(clip="session.mp4", code="103B", height="3", proposal=dives[0].proposal)
    before = dive_result(Service(report, broken=0), dives[0], request, lambda *_: None)
    forced = replace(request, force=True)
    scores = {"total": ScoreEstimate(40.0, 30.0, 50.0), "execution": ScoreEstimate(20.0, 15.0, 25.0)}
    scored = replace(report, **scores, no_score=(QualityWarning("no_fall"),), is_forced=True)
    updates = replaced_updates(session, {1: before}, request, forced, scored)
    assert "(30.00 to 50.00)" in updates["table"]
    assert "Scored on request" in updates["table"]
    other = replace(request, code="105B")
    assert replaced_updates(session, {1: before}, other, forced, scored) == {}


def test_a_result_that_is_gone_is_an_error(dives):
    with pytest.raises(ValueError, match=EXPIRED):
        opened_updates(SimpleNamespace(), SimpleNamespace(), None)


@pytest.mark.parametrize("number", [None, "1", 1.5])
def test_an_event_without_a_number_is_an_error(number):
    with pytest.raises(ValueError, match="Choose a dive"):
        event_number(SimpleNamespace(dive=number))
