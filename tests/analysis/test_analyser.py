from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.analysis.analyser import AnalysisOptions, DiveAnalyser
from fineparser.domain.dive_code import InvalidDiveCode
from fineparser.domain.standards import Standard
from fineparser.exemplars.exemplar import USER_DIVES, DiveSpec, FileFrames, clip_digest
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.model.checkpoint import CheckpointError, Provenance
from fineparser.model.compact import CompactFineParser
from fineparser.quality_warning import QualityWarning
from fineparser.scoring.evidence import EVIDENCE_NAMES
from fineparser.scoring.judge_calibration import MIN_SCORED_DIVES
from fineparser.video.info import VideoError
from fineparser.video.writer import write_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Sixty frames of a bright block that falls across a grey picture, 25 frames a second."""
    frames = np.full((60, 96, 160, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        frame[number + 5 : number + 25, 70:90] = (230, 190, 160)
    path = tmp_path_factory.mktemp("clips") / "falling block.mp4"
    write_video(path, frames, 25.0)
    return path


@pytest.fixture(scope="module")
def analyser(model, bank):
    return DiveAnalyser(model, bank)


def codes(report) -> list[str]:
    return [warning.code for warning in report.warnings]


def trained_by_name(model, dataset: str = "SynDive 100") -> CompactFineParser:
    """The random network as one that says that it was trained."""
    trained = CompactFineParser(model.config, Provenance("some", (dataset,))).eval()
    trained.load_state_dict(model.state_dict())
    return trained


@pytest.fixture(scope="module")
def report(analyser, clip):
    return analyser.analyse(clip, code="207C", height=10)


def test_the_report_is_complete(report):
    json = report.to_json()
    assert json["clip"]["frames"] == 60
    assert json["clip"]["fps"] == pytest.approx(25)
    assert json["clip"]["crop"] == [[35.2, 0, 124.8, 96]]  # the centre 112 of 200 columns, on 160
    assert json["dive_name"] == "back 3 1/2 somersaults, tuck"
    assert (json["difficulty"], json["difficulty_source"]) == (3.3, "table")
    assert len(json["votes"]) == 3
    assert json["exemplar"]["exemplar"] in {vote["exemplar"] for vote in json["votes"]}
    assert 0 <= json["transitions"]["flight"]["frame"] < json["transitions"]["entry"]["frame"] < 60
    assert json["weights"] == {
        "name": "untrained",
        "trained_on": [],
        "calibrated_on": {"code": "scale_untrained"},
    }


def test_total_and_breakdown_follow_from_the_votes(report):
    scores = [vote.score for vote in report.votes]
    assert report.total.value == pytest.approx(np.clip(np.mean(scores), 0, 99))
    assert report.execution.value == pytest.approx(report.total.value / 3.3)
    for vote in report.votes:
        assert vote.score == pytest.approx(vote.exemplar_score + vote.contributions.sum(), abs=1e-4)
    assert report.breakdown.base + report.breakdown.points.sum() == pytest.approx(np.mean(scores), abs=1e-4)


def test_untrained_weights_are_a_warning(report, model, bank, clip):
    assert "untrained_weights" in codes(report)
    trained, force = trained_by_name(model), AnalysisOptions(force=True)
    simulated = DiveAnalyser(trained, bank).analyse(clip, "207C", 10, force)
    assert "untrained_weights" not in codes(simulated)
    assert simulated.weights.score_scale == QualityWarning("scale_simulated", {"min_dives": MIN_SCORED_DIVES})
    real = DiveAnalyser(trained_by_name(model, "FineDiving"), bank).analyse(clip, "207C", 10, force)
    assert real.weights.score_scale == QualityWarning("scale_real", {"datasets": "FineDiving"})
    assert report.weights.score_scale.code == "scale_untrained"


def test_weights_that_know_simulated_judges_alone_judge_measurements(model, bank, clip):
    options = AnalysisOptions(force=True, standard=Standard.NATIONAL)
    report = DiveAnalyser(trained_by_name(model), bank).analyse(clip, "207C", 10, options)
    judgement = report.judgement
    assert judgement is not None
    assert judgement.standard is Standard.NATIONAL
    assert report.total.value == pytest.approx(3 * 3.3 * judgement.award)
    assert report.execution.high == pytest.approx(3 * judgement.high)
    # Nobody falls in this clip, and nothing is measured: the award is the typical one.
    assert judgement.award == pytest.approx(judgement.typical_award)
    assert judgement.is_uninformative
    assert report.breakdown is None
    assert {vote.score for vote in report.votes} == {None}
    assert report.exemplar in {vote.exemplar for vote in report.votes}
    assert report.to_json()["judgement"]["standard"] == "national"


def test_weights_that_know_real_scores_let_exemplars_vote(model, bank, clip):
    report = DiveAnalyser(trained_by_name(model, "FineDiving"), bank).analyse(
        clip, "207C", 10, AnalysisOptions(force=True)
    )
    assert report.judgement is None
    assert report.total.value == pytest.approx(np.clip(np.mean([vote.score for vote in report.votes]), 0, 99))


def judged_bank(bank: ExemplarBank, clip: Path, own: int) -> ExemplarBank:
    """The exemplars as seven dives that strict judges judged; `own` of them are of the clip."""
    frames = FileFrames(clip_digest(clip), 0, 59)
    exemplars = tuple(
        replace(bank.exemplars[0], id=f"own-{n}", source=USER_DIVES, score=20.0, files=(frames,) if n < own else ())
        for n in range(7)
    )
    encodings = bank.encodings.select([0] * len(exemplars))
    evidence = torch.zeros(len(exemplars), len(EVIDENCE_NAMES), 2)
    evidence[:, EVIDENCE_NAMES.index("low")] = torch.tensor([1.2, 50.0])
    return replace(bank, exemplars=exemplars, encodings=replace(encodings, evidence=evidence))


@pytest.mark.parametrize(("own", "dives"), [(0, 7), (2, 5), (3, None)])
def test_judged_dives_calibrate_but_never_the_dive_that_they_show(model, bank, clip, own, dives):
    analyser = DiveAnalyser(trained_by_name(model), judged_bank(bank, clip, own))
    report = analyser.analyse(clip, "207C", 10, AnalysisOptions(force=True))
    assert report.judgement.is_calibrated == (dives is not None)
    assert (report.judge_calibration and report.judge_calibration.dives) == dives
    if dives is not None:
        assert report.judgement.award < report.judgement.typical_award - 1
        assert report.weights.score_scale.code == "scale_judges"


def test_encodings_of_trained_weights_have_evidence(model, bank, clip):
    encoding = DiveAnalyser(trained_by_name(model), bank).encode_clip(clip, 0, 59, 10)
    assert encoding.evidence.shape == (1, len(EVIDENCE_NAMES), 2)
    assert encoding.evidence.isfinite().all()
    assert DiveAnalyser(model, bank).encode_clip(clip, 0, 59).evidence is None


def test_the_same_seed_gives_the_same_report(analyser, clip, report):
    again = analyser.analyse(clip, code="207C", height=10)
    assert again.to_json() == report.to_json()


def test_a_given_difficulty_scales_the_exemplars_scores(analyser, clip, report):
    harder = analyser.analyse(clip, code="207C", height=10, options=AnalysisOptions(difficulty=3.6))
    assert harder.difficulty_source == "given"
    for ours, theirs in zip(harder.votes, report.votes, strict=True):
        carried = theirs.exemplar_score * 3.6 / 3.3
        # The same difference of execution is worth more points, too.
        assert ours.score == pytest.approx(carried + theirs.contributions.sum() * 3.6 / 3.3, rel=1e-4)


def test_without_a_dive_number_there_is_no_score(analyser, clip):
    report = analyser.analyse(clip)
    assert report.total is None
    assert report.votes == ()
    assert "no_dive_number" in codes(report)
    assert report.to_json()["total"] is None


def test_exemplars_of_a_missing_number_are_simulated(analyser, clip):
    report = analyser.analyse(clip, code="403C", height=3, options=AnalysisOptions(exemplars=2))
    assert {vote.code for vote in report.votes} == {"403C"}
    assert len(report.votes) == 2
    assert QualityWarning("exemplars_simulated", {"code": "403C", "count": 2}) in report.warnings


def test_a_single_exemplar_suffices(analyser, clip):
    report = analyser.analyse(clip, code="207C", height=10, options=AnalysisOptions(exemplars=1))
    assert report.total.low == report.total.value == report.total.high


def test_trimming(analyser, clip):
    report = analyser.analyse(clip, options=AnalysisOptions(first=10, last=50))
    assert (report.frame_numbers[0], report.frame_numbers[-1]) == (10, 50)
    assert QualityWarning("low_frame_count", {"frames": 41, "needed": 96}) in report.warnings
    with pytest.raises(VideoError, match="frames 10 to 600"):
        analyser.analyse(clip, options=AnalysisOptions(first=10, last=600))


def test_masks_lie_on_the_source(report):
    masks = report.source_masks()
    assert masks.shape == (96, 96, 160)
    assert masks.dtype == bool
    assert not masks[:, :, :30].any()  # left of the crop of the middle 56%


def test_progress_is_reported_in_order(analyser, clip):
    stages = []
    analyser.analyse(clip, code="207C", height=10, progress=lambda stage, done: stages.append((done, stage)))
    assert stages == sorted(stages)
    assert len({stage for _, stage in stages}) == len(stages) >= 4


def test_a_hard_cut_in_a_file(analyser, tmp_path):
    rng = np.random.default_rng(0)
    first, second = (np.kron(rng.integers(0, 255, (6, 10, 3)), np.ones((16, 16, 1))).astype(np.uint8) for _ in range(2))
    frames = np.concatenate([np.repeat(first[None], 5, 0), np.repeat(second[None], 55, 0)])
    write_video(tmp_path / "cut.mp4", frames, 25.0)
    report = analyser.analyse(tmp_path / "cut.mp4")
    assert report.cuts == (5,)
    assert (report.first_frame, report.last_frame) == (5, 59)
    assert QualityWarning("one_shot_used", {"cuts": (5,), "first": 5, "last": 59}) in report.warnings


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        ({"code": "999Z", "height": 10}, InvalidDiveCode, "999Z"),
        ({"code": "207C", "height": 4}, ValueError, "4"),
        (
            {"code": "207C", "height": 10, "options": AnalysisOptions(difficulty=9)},
            ValueError,
            "between 0.5 and 6, not",
        ),
        ({"code": "207C", "height": 10, "options": AnalysisOptions(exemplars=0)}, ValueError, "at least one exemplar"),
    ],
)
def test_impossible_input_is_refused(analyser, clip, arguments, error, reason):
    with pytest.raises(error, match=reason):
        analyser.analyse(clip, **arguments)


def test_a_dive_needs_number_and_height():
    assert DiveSpec.from_input("207C", None, None) is None
    assert DiveSpec.from_input("207C", "10", None).difficulty == 3.3


def test_the_inference_copy_gives_the_same_numbers(analyser, model, report, clip):
    assert analyser.network.fingerprint() == model.fingerprint()
    plain = DiveAnalyser(model, analyser.bank)
    plain.__dict__["network"] = model
    expected = plain.analyse(clip, code="207C", height=10)
    assert np.abs(report.mask_probability - expected.mask_probability).max() < 1e-4
    assert report.total.value == pytest.approx(expected.total.value, rel=1e-4)


def test_the_network_computes_in_the_given_precision(model, monkeypatch):
    monkeypatch.setattr("fineparser.model.precision.has_bfloat16", lambda device: False)
    with pytest.raises(ValueError, match="no bf16"):
        DiveAnalyser(model, precision="bf16")
    assert DiveAnalyser(model, precision="auto").dtype == torch.float32
    monkeypatch.setattr("fineparser.model.precision.has_bfloat16", lambda device: True)
    assert DiveAnalyser(model, precision="auto").dtype == torch.bfloat16


def test_missing_weights_are_an_error(tmp_path):
    with pytest.raises(CheckpointError):
        DiveAnalyser.from_pretrained(tmp_path / "nothing")


def test_a_bank_that_does_not_fit_is_a_warning(model, clip):
    warning = QualityWarning("bank_unusable", {"reason": "it belongs to other weights"})
    report = DiveAnalyser(model, None, bank_warning=warning).analyse(
        clip, code="403C", height=3, options=AnalysisOptions(exemplars=1)
    )
    assert warning in report.warnings


def test_a_broken_bundled_bank_is_a_warning(model, tmp_path, monkeypatch):
    (tmp_path / "bank.safetensors").write_text("not a bank")
    model.save_pretrained(tmp_path / "weights")
    monkeypatch.setattr("fineparser.analysis.analyser.BUNDLED_WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr("fineparser.analysis.analyser.BUNDLED_BANK", tmp_path / "bank.safetensors")
    analyser = DiveAnalyser.from_pretrained()
    assert analyser.bank is None
    assert analyser.bank_warning.code == "bank_unusable"
    assert "is not an exemplar bank" in analyser.bank_warning.values["reason"]


def test_without_a_dive_there_is_no_score_unless_it_is_forced(model, bank, clip):
    analyser = DiveAnalyser(trained_by_name(model), bank)
    report = analyser.analyse(clip, "207C", 10)
    assert report.no_score
    assert (report.total, report.execution, report.breakdown, report.votes) == (None, None, None, ())
    assert not report.is_forced
    assert report.mask_probability.shape == (96, 112, 112)
    forced = analyser.analyse(clip, "207C", 10, AnalysisOptions(force=True))
    assert forced.total is not None
    assert forced.is_forced
    assert forced.no_score == report.no_score
    json = forced.to_json()
    assert json["forced"]
    assert [reason["code"] for reason in json["no_score"]] == [reason.code for reason in report.no_score]
    # Without a dive number there is no score to be missed.
    assert analyser.analyse(clip).no_score == ()


def test_a_dive_that_the_recording_does_not_have(model, bank, clip):
    analyser = DiveAnalyser(trained_by_name(model), bank)
    with pytest.raises(ValueError, match="no dive 3"):
        analyser.propose(clip, dive=3)
    with pytest.raises(ValueError, match="not both"):
        analyser.propose(clip, 0, 40, dive=1)
