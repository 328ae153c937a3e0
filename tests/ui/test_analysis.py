import pickle

import pytest

from fineparser.rendering.results import ZIP
from fineparser.ui.analysis import DOWNLOADS, Analysis, Request
from fineparser.ui.steps import Stopped
from fineparser.video.reading import reopen


@pytest.fixture(scope="module")
def analysis(tiny_analyser):
    return Analysis(tiny_analyser)


def test_a_request_becomes_a_report_a_film_and_files(analysis, survey, proposed, tmp_path):
    steps = []
    request = Request(survey, None, None, proposal=proposed)
    report, film = analysis.judge_and_film(request, tmp_path, lambda name, done: steps.append(done))
    assert (report.first_frame, report.last_frame) == (proposed.first, proposed.last)
    assert film.path.is_file()
    files = analysis.files(report, tmp_path / "results", lambda name, done: steps.append(done))
    assert [file.name for file in files] == list(DOWNLOADS)
    assert files[0].name == ZIP
    assert all(file.is_file() for file in files)
    assert steps == sorted(steps)


def test_without_a_proposal_one_is_made(analysis, survey):
    steps = []
    report = analysis.judge(Request(survey, None, None), lambda name, done: steps.append(name))
    assert "Looking for the diver" in steps
    assert report.first_frame > 20


def test_a_trim_and_the_middle_as_programs_ask_for_them(analysis, falling_block):
    report = analysis.judge(Request(str(falling_block), None, None, None, 10, 90, "centre"), lambda name, done: None)
    assert (report.first_frame, report.last_frame) == (10, 90)
    assert report.framing.boxes.tolist() == [[35.2, 0, 124.8, 96]]


def test_stopping_leaves_nothing_running(analysis, survey, proposed, tmp_path):
    def progress(name, done):
        raise Stopped

    with pytest.raises(Stopped):
        analysis.judge_and_film(Request(survey, None, None, proposal=proposed), tmp_path, progress)
    assert not list(tmp_path.glob(".*part*"))


def test_a_request_can_be_sent_to_the_process_that_has_the_gpu(survey, proposed):
    request = pickle.loads(pickle.dumps(Request(survey, "207C", "10", proposal=proposed)))
    assert (request.proposal.first, request.proposal.last) == (proposed.first, proposed.last)
    assert request.proposal.survey.info == survey.info
    with reopen(request.proposal.survey.info) as source:
        assert source.frame(3).shape == (96, 160, 3)
