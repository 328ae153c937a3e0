"""Analyses as the page runs them, and the clips of simulated exemplars."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from fineparser.analysis.report import DiveReport
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.standards import Standard
from fineparser.exemplars.exemplar import SIMULATED, USER_DIVES, Exemplar, ExemplarClip
from fineparser.exemplars.simulated_exemplars import graded_recipes, simulate_exemplar
from fineparser.exemplars.voting_result import Vote
from fineparser.rendering.results import TRAJECTORY, ZIP
from fineparser.ui.analysis_service import DOWNLOADS, AnalysisRequest, AnalysisService, with_exemplar_clip
from fineparser.ui.background_tasks import TaskCancelled
from fineparser.video.reader import probe, reopen
from tests.builders import sample_kinematics

CODE = DiveCode.parse("101C")


@pytest.fixture(scope="module")
def service(tiny_analyser):
    return AnalysisService(tiny_analyser)


def test_a_request_becomes_a_report_a_player_clip_and_files(service, scan, proposal, tmp_path):
    steps = []
    request = AnalysisRequest(clip=scan, proposal=proposal)
    report, clip = service.analyse_for_viewer(request, tmp_path, lambda name, done: steps.append(done))
    assert (report.first_frame, report.last_frame) == (proposal.first, proposal.last)
    assert clip.path.is_file()
    files = service.write_files(report, tmp_path / "results", lambda name, done: steps.append(done))
    # The tiny network measures nothing, so there is no path.
    assert [file.name for file in files] == [name for name in DOWNLOADS if name != TRAJECTORY]
    assert files[0].name == ZIP
    assert all(file.is_file() for file in files)
    assert steps == sorted(steps)


def test_without_a_proposal_one_is_made(service, scan):
    steps = []
    report = service.analyse(AnalysisRequest(clip=scan), lambda name, done: steps.append(name))
    assert "Looking for dives" in steps
    assert report.first_frame > 20


def test_a_program_chooses_a_trim_and_the_centre_of_the_frame(service, falling_block):
    request = AnalysisRequest(clip=str(falling_block), first=10, last=90, crop="centre")
    report = service.analyse(request, lambda name, done: None)
    assert (report.first_frame, report.last_frame) == (10, 90)
    assert report.framing.boxes.tolist() == [[35.2, 0, 124.8, 96]]


@pytest.mark.parametrize("standard", [None, Standard.CLUB])
def test_the_standard_of_competition_reaches_the_analyser(service, scan, proposal, standard, monkeypatch):
    monkeypatch.setattr(service.analyser, "analyse", lambda path, code, height, options, progress: options.standard)
    request = AnalysisRequest(clip=scan, proposal=proposal, standard=standard)
    assert service.analyse(request, lambda name, done: None) is standard


def test_a_cancelled_analysis_leaves_no_files(service, scan, proposal, tmp_path):
    def progress(name, done):
        raise TaskCancelled

    with pytest.raises(TaskCancelled):
        service.analyse_for_viewer(AnalysisRequest(clip=scan, proposal=proposal), tmp_path, progress)
    assert not list(tmp_path.glob(".*part*"))


def test_a_request_can_be_sent_to_the_process_that_has_the_gpu(scan, proposal):
    request = pickle.loads(pickle.dumps(AnalysisRequest(clip=scan, code="207C", height="10", proposal=proposal)))
    assert (request.proposal.first, request.proposal.last) == (proposal.first, proposal.last)
    assert request.proposal.scan.info == scan.info
    with reopen(request.proposal.scan.info) as source:
        assert source.frame(3).shape == (96, 160, 3)


def vote(exemplar: Exemplar, clip_exemplar: Exemplar | None = None) -> Vote:
    return Vote(
        exemplar=exemplar.id,
        code=str(exemplar.code),
        height=exemplar.height,
        difficulty=exemplar.difficulty,
        exemplar_score=exemplar.score,
        source=exemplar.source,
        rule="same dive number",
        contributions=np.zeros((2, 3)),
        score=exemplar.score,
        clip_exemplar=clip_exemplar,
        recipe=exemplar.recipe,
    )


@pytest.fixture
def report(tmp_path, monkeypatch):
    """The votes of a report: a simulated exemplar shown by a similar one, a real dive without a clip, the similar."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    simulated = simulate_exemplar("weak", CODE, 1, graded_recipes(CODE, 1, 2)[0], 112).exemplar
    similar = replace(simulated, id="similar", clip=ExemplarClip(tmp_path / "similar.mp4", 0, 1, 2, 3))
    real = Exemplar("real", CODE, 1, 1.2, 20.0, USER_DIVES)
    empty = dict.fromkeys(DiveReport.__dataclass_fields__)
    return DiveReport(**empty | {"votes": (vote(simulated, similar), vote(real), vote(similar, similar))})


def test_a_simulated_exemplar_gets_its_own_clip(report):
    result = with_exemplar_clip(report, "weak")
    first, *others = result.votes
    assert first.clip_exemplar.id == "weak"
    assert first.clip_exemplar.source == SIMULATED
    assert probe(first.clip_exemplar.clip.path).frame_count == first.clip_exemplar.clip.last + 1
    assert others == list(report.votes[1:])
    # It has a clip of its own now, which is not rendered again.
    assert with_exemplar_clip(result, "weak") is result


@pytest.mark.parametrize("exemplar", ["real", "similar", "unknown", None])
def test_other_exemplars_keep_their_clips(report, exemplar):
    assert with_exemplar_clip(report, exemplar) is report


def test_the_exemplar_beside_a_dive_is_measured_in_its_phases(service, report, falling_block, monkeypatch):
    clip = ExemplarClip(falling_block, 30, 80, 100, 120)
    shown = Exemplar("shown", CODE, 3, 1.2, 20.0, USER_DIVES, clip=clip)
    report = replace(report, votes=(vote(shown, shown),), exemplar="shown")
    requests, kinematics = [], sample_kinematics()

    def analyse(path, code, height, options, progress):
        requests.append((path, code, height, options.proposal.first, options.proposal.last))
        assert not options.selection.simulate_missing
        return replace(report, kinematics=kinematics)

    monkeypatch.setattr(service.analyser, "analyse", analyse)
    assert service.measure_exemplar(report, lambda name, done: None) is kinematics
    assert requests == [(falling_block, "101C", "3", 30, 120)]
    with pytest.raises(ValueError, match="The clip of gone is gone"):
        service.measure_exemplar(replace(report, exemplar="gone"), lambda name, done: None)
