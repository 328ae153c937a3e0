"""Evaluation of scores with an analyser that knows what it predicts."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.score_evaluation import (
    JudgingPanel,
    ScoredClip,
    ScoreEvaluation,
    ScoreEvaluationOptions,
    evaluate_scores,
)
from fineparser.analysis.score_statistics import NUMBER_MEAN, PREDICTION, STANDARD_MEAN, VOTES
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.domain.standards import Standard, award_distribution
from fineparser.exemplars.exemplar import DiveSpec
from fineparser.exemplars.voting_result import ScoreEstimate
from fineparser.model.checkpoint import Provenance
from fineparser.quality_warning import QualityWarning
from fineparser.scoring.award_model import AwardModel, RecordingStep
from fineparser.video.info import VideoError
from tests.analysis.scored_dives import prediction
from tests.builders import falling_block_clip
from tests.judgements import make_judgement

DEFAULTS = ScoreEvaluationOptions(votes=False)


class FakeAnalyser:
    """Predicts the award in a clip's name, such as 6.5 for "club_6.5.mp4", and records how it was asked."""

    judges_measurements = True
    bank = None

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        self.model = SimpleNamespace(provenance=Provenance("fake", ("SynDive 100",)))
        step = RecordingStep({}, {name: (0.5, 1.0) for name in known})
        self.award_model = AwardModel(np.zeros((1, 13)), np.eye(1), {}, (0.3, 0.4, 0.3), 100, step)
        self.trims: list[tuple[int | None, int | None]] = []
        self.standards: list[Standard | None] = []
        self.models: list[AwardModel] = []

    def prepare(self) -> None:
        pass

    def fingerprint(self) -> str:
        return "fake"

    def propose(self, clip, first=None, last=None):
        if "broken" in clip.name:
            raise VideoError(clip, "is broken")
        self.trims.append((first, last))
        return "proposal"

    def analyse(self, clip, code, height, options):
        assert options.proposal == "proposal"
        self.standards.append(options.standard)
        self.models.append(self.award_model)
        if "nothing" in clip.name:
            return SimpleNamespace(judgement=None, execution=None, no_score=(QualityWarning("no_diver"),))
        award = float(clip.stem.rpartition("_")[2])
        if not self.judges_measurements:
            return SimpleNamespace(judgement=None, execution=ScoreEstimate(3 * award, 0.0, 30.0), no_score=())
        judgement = make_judgement(award=award, low=award - 1, high=award + 1)
        return SimpleNamespace(judgement=judgement, execution=None, no_score=())


def scored_clip(name: str, award: float = 6.0, **changes: object) -> ScoredClip:
    spec = DiveSpec.from_input("103B", 1, 1.7)
    fields = {"name": name, "source": name.partition("_")[0], "spec": spec, "score": award * 3 * spec.difficulty}
    fields |= {"first": 4, "last": 60, "file_name": name, "file": lambda folder: Path(name)}
    return ScoredClip(**(fields | changes))


def evaluate(clips, folder, analyser=None, options=DEFAULTS, **settings) -> ScoreEvaluation:
    return evaluate_scores(analyser or FakeAnalyser(), clips, options, folder, resamples=0, **settings)


def test_predictions_stand_beside_the_baselines(tmp_path):
    evaluation = evaluate([scored_clip("club_6.5.mp4", 6.0), scored_clip("club_5.mp4", 5.5)], tmp_path)
    assert evaluation.statistics[PREDICTION]["rmse"].value == pytest.approx(0.5)
    assert evaluation.statistics[PREDICTION]["spearman_within"].value == pytest.approx(1.0)
    standard = Standard(evaluation.predictions[0].standard)
    means = award_distribution(standard).mean, award_distribution(standard, "103B", 1).mean
    errors = [np.sqrt(np.mean([(mean - award) ** 2 for award in (6.0, 5.5)])) for mean in means]
    rows = [evaluation.statistics[name]["rmse"].value for name in (STANDARD_MEAN, NUMBER_MEAN)]
    assert rows == pytest.approx(errors)
    assert evaluation.statistics[NUMBER_MEAN]["spearman_within"].value == 0.0


def test_dives_without_a_score_are_listed_and_in_no_row(tmp_path):
    clips = [scored_clip("club_6.mp4"), scored_clip("club_nothing.mp4", 1.0), scored_clip("club_broken.mp4", 1.0)]
    evaluation = evaluate(clips, tmp_path)
    assert next((one.clip, one.reason) for one in evaluation.missing) == ("club_nothing.mp4", "no_diver")
    assert "is broken" in evaluation.missing[1].reason
    assert {values["dives"].value for values in evaluation.statistics.values()} == {1}
    table = evaluation.table()
    assert table.startswith("3 scored dives, 1 with a prediction: 1 club")
    assert "no score: club_nothing.mp4 (no_diver)" in table


def test_a_clip_that_the_model_was_fitted_on_is_left_out_of_it(tmp_path):
    analyser = FakeAnalyser(known=("club_6.mp4", "pool_7.mp4"))
    evaluation = evaluate([scored_clip("club_6.mp4"), scored_clip("meet_7.mp4")], tmp_path, analyser)
    assert [one.is_left_out for one in evaluation.predictions] == [True, False]
    # The fake is copied, but its lists are shared.
    assert [sorted(model.step.errors) for model in analyser.models] == [["pool_7.mp4"], ["club_6.mp4", "pool_7.mp4"]]
    assert "fitted on 1 of these dives" in evaluation.table()


def test_simulated_clips_take_no_step_to_real_ones(tmp_path):
    analyser = FakeAnalyser(known=("club_6.mp4",))
    evaluate([scored_clip("syn_6.mp4", is_simulated=True)], tmp_path, analyser)
    assert not analyser.models[0].step.errors


@pytest.mark.parametrize(
    ("options", "changes", "trim"),
    [
        (DEFAULTS, {}, (None, None)),
        (replace(DEFAULTS, trim="given"), {}, (4, 60)),
        (DEFAULTS, {"is_shared": True}, (4, 60)),
    ],
)
def test_the_trim_is_the_apps_unless_it_is_asked_for_or_could_find_another_dive(tmp_path, options, changes, trim):
    analyser = FakeAnalyser()
    evaluate([scored_clip("club_6.mp4", **changes)], tmp_path, analyser, options)
    assert analyser.trims == [trim]


@pytest.mark.parametrize(
    ("option", "expected"),
    [(None, [Standard.CLUB, None]), (Standard.NATIONAL, [Standard.CLUB, Standard.NATIONAL])],
)
def test_the_standard_is_that_of_the_table_then_the_option_then_none(tmp_path, option, expected):
    analyser = FakeAnalyser()
    clips = [scored_clip("club_6.mp4", standard=Standard.CLUB), scored_clip("club_7.mp4")]
    evaluation = evaluate(clips, tmp_path, analyser, replace(DEFAULTS, standard=option))
    assert analyser.standards == expected
    assert [one.is_standard_stated for one in evaluation.predictions] == [True, option is not None]


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    clips = [scored_clip("club_6.mp4"), scored_clip("club_7.mp4")]
    evaluate(clips[:1], tmp_path)
    analyser, lines = FakeAnalyser(), []
    evaluation = evaluate(clips, tmp_path, analyser, report=lines.append)
    assert len(analyser.models) == 1
    assert len(evaluation.scored) == 2
    assert any(line.startswith("1 of 2 dives from") for line in lines)
    for again in (replace(DEFAULTS, fresh=True), replace(DEFAULTS, standard=Standard.CLUB)):
        analyser = FakeAnalyser()
        evaluate(clips, tmp_path, analyser, again)
        assert len(analyser.models) == 2
    changed = [replace(clips[0], score=20.0)]
    assert evaluate(changed, tmp_path).predictions[0].award == pytest.approx(20 / 5.1)


def test_an_interrupted_run_ends_with_the_dives_so_far(tmp_path):
    lines: list[str] = []

    def clips():
        yield scored_clip("club_6.mp4")
        raise KeyboardInterrupt

    assert len(evaluate(clips(), tmp_path, report=lines.append).predictions) == 1
    assert "stopped; dives in the table: 1" in lines


def test_dives_of_other_code_are_counted(tmp_path, monkeypatch):
    evaluate([scored_clip("club_6.mp4")], tmp_path)
    monkeypatch.setattr("fineparser.analysis.score_evaluation.code_digest", lambda: "other")
    lines: list[str] = []
    evaluate([scored_clip("club_6.mp4")], tmp_path, report=lines.append)
    assert ", 1 of them by other code" in lines[0]


def test_another_panel_awards_each_judge_or_the_mean():
    panel = JudgingPanel(offset=-1.0, slope=1.0)
    known = scored_clip("a_6.mp4", awards=(6.0, 6.5, 7.0, 7.0, 7.5))
    assert known.award(panel) == pytest.approx((5.5 + 6.0 + 6.0) / 3)
    assert scored_clip("a_6.mp4", 6.0).award(panel) == pytest.approx(5.0)
    assert scored_clip("a_6.mp4", 6.0).award() == pytest.approx(6.0)


def test_judged_dives_calibrate_and_are_in_no_row(tmp_path, monkeypatch):
    added, selections = [], []

    class Exemplars:
        def __init__(self, folder, max_exemplars):
            pass

        def dives(self):
            return ()

        def add(self, encoder, clip, dive, *, first, last, name):
            added.append((name, dive.score / (3 * dive.spec.difficulty), dive.standard))

    def from_sources(sources, bank, exemplars, encoder):
        selections.append(exemplars)
        return "selection"

    monkeypatch.setattr("fineparser.analysis.score_evaluation.UserExemplars", Exemplars)
    monkeypatch.setattr(
        "fineparser.analysis.score_evaluation.ExemplarSelection", SimpleNamespace(from_sources=from_sources)
    )
    clips = [scored_clip(f"club_{award}.mp4", award) for award in (4.0, 5.0, 6.0)]
    options = replace(DEFAULTS, calibrate=2, panel=(1.0, 1.0), standard=Standard.CLUB)
    evaluation = evaluate(clips, tmp_path, options=options)
    assert added == [
        ("club_4.0.mp4", pytest.approx(5.0), Standard.CLUB),
        ("club_5.0.mp4", pytest.approx(6.0), Standard.CLUB),
    ]
    assert len(selections) == 1
    assert [one.clip for one in evaluation.predictions] == ["club_6.0.mp4"]
    assert evaluation.predictions[0].award == pytest.approx(7.0)
    assert "calibrated on 2 judged dives" in evaluation.table()
    assert "awards of another panel: 1 times as far from 6.5, moved by 1" in evaluation.table()
    with pytest.raises(ValueError, match="there is no scored dive to predict"):
        evaluate(clips, tmp_path, options=replace(options, calibrate=3))


def test_the_votes_of_exemplars_are_a_baseline(tmp_path, model, bank):
    """Of the tiny network, which was not trained, but says so: its exemplars vote beside the fake judgement."""
    analyser = FakeAnalyser()
    real = DiveAnalyser(model, bank)
    analyser.model, analyser.bank, analyser.network = real.model, bank, real.network
    clip = falling_block_clip(tmp_path / "club_6.mp4")
    analyser.propose = real.propose
    analyser.analyse = lambda file, code, height, options: SimpleNamespace(
        judgement=make_judgement(), execution=None, no_score=()
    )
    scored = replace(scored_clip("club_6.mp4"), spec=DiveSpec.from_input("207C", 10), file=lambda folder: clip)
    evaluation = evaluate([scored], tmp_path, analyser, ScoreEvaluationOptions())
    votes = real.analyse(clip, "207C", 10).execution
    assert evaluation.predictions[0].ranges[VOTES].award == pytest.approx(votes.value / 3)
    assert "votes of exemplars" in evaluation.table()


def test_weights_whose_exemplars_vote_are_evaluated_by_their_votes(tmp_path, monkeypatch):
    monkeypatch.setattr(FakeAnalyser, "judges_measurements", False)
    evaluation = evaluate([scored_clip("club_6.5.mp4", 6.0)], tmp_path, options=ScoreEvaluationOptions())
    assert evaluation.predictions[0].ranges[PREDICTION].award == pytest.approx(6.5)
    assert VOTES not in evaluation.statistics


def test_files_have_a_row_for_each_dive(tmp_path):
    evaluation = evaluate([scored_clip("club_6.5.mp4", 6.0), scored_clip("club_nothing.mp4")], tmp_path)
    path, table = evaluation.save(tmp_path / "numbers.json")
    assert (path.name, table.name) == ("numbers.scores.json", "numbers.scores.csv")
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["predicted_award"] for row in rows] == ["6.500", ""]
    assert rows[0]["score"] == "30.60"
    assert rows[1]["reason"] == "no_diver"
    values = json.loads(path.read_text())
    assert values["statistics"]["prediction"]["bias"]["value"] == pytest.approx(0.5)
    assert values["missing"] == {"club_nothing.mp4": "no_diver"}


def test_the_table_has_sources_of_several_dives_in_a_table_of_their_own():
    dives = [prediction(award=4.0 + n, predicted=5.0 + n, source=source) for source in ("club", "pool") for n in (0, 1)]
    dives.append(prediction(award=8.5, predicted=8.0, source="london"))
    table = ScoreEvaluation(DEFAULTS, {}, tuple(dives), resamples=0).table()
    assert table.splitlines()[0] == "5 scored dives, 5 with a prediction: 2 club, 2 pool, 1 london"
    header = next(line for line in table.splitlines() if line.startswith("Spearman"))
    assert header.split("  ", 1)[1].split() == ["club", "(2)", "pool", "(2)"]


def test_a_folder_gives_its_scored_dives(tmp_path):
    falling_block_clip(tmp_path / "meet_1.mp4")
    falling_block_clip(tmp_path / "club_2.mp4", frames=60)
    falling_block_clip(tmp_path / "unscored.mp4", frames=40)
    (tmp_path / "dives.csv").write_text(
        "clip,dive_code,height,score,start_frame,end_frame,standard\n"
        "meet_1.mp4,107B,3,60,0,20,international\nmeet_1.mp4,107B,3,50,25,49,\n"
        "club_2.mp4,103B,1,30,,,\nunscored.mp4,103B,1,,,,\n"
    )
    clips = ScoredClip.from_dives(read_clip_folder(tmp_path))
    assert [(clip.name, clip.source, clip.standard, clip.is_shared) for clip in clips] == [
        ("meet_1.mp4#0", "meet", Standard.INTERNATIONAL, True),
        ("meet_1.mp4#25", "meet", None, True),
        ("club_2.mp4", "club", None, False),
    ]
    assert clips[2].file(Path("unused")) == tmp_path / "club_2.mp4"
    assert clips[2].award() == pytest.approx(30 / (3 * clips[2].spec.difficulty))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trim": "manual"}, "trim is automatic or given, not 'manual'"),
        ({"calibrate": -1}, "0 or more, not -1"),
        ({"panel": (0.0, 0.0)}, "slope of a panel is above 0"),
    ],
)
def test_impossible_options_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        ScoreEvaluationOptions(**changes)
