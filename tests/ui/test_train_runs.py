"""The status line of a run, its buttons and its curves."""

import time
from types import SimpleNamespace

import gradio as gr
import pytest

from fineparser.training.jobs.job_folder import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    PAUSED,
    PREPARING,
    STOPPED,
    TRAINING,
    WAITING,
    Jobs,
    Status,
)
from fineparser.training.jobs.run_comparison import COMPARED_METRICS
from fineparser.training.options import TrainOptions
from fineparser.training.run_folder import Run
from fineparser.ui.train_runs import (
    PARSER_CURVES,
    SCORE_CURVES,
    EnabledButtons,
    curve_names,
    enabled_buttons,
    run_choices,
    run_updates,
    status_html,
    time_left,
)
from fineparser.ui.training_storage import TrainingStorage


@pytest.fixture
def job(tmp_path):
    return Jobs(tmp_path).new("<Club>", "installed", TrainOptions(out=tmp_path, data=("syndive:4",)))


@pytest.mark.parametrize(
    ("state", "alive", "can"),
    [
        (WAITING, True, "pause stop"),
        (PREPARING, True, "pause stop"),
        (TRAINING, True, "pause stop"),
        (PAUSED, False, "stop resume delete"),
        (INTERRUPTED, False, "stop resume delete"),
        (FAILED, False, "resume delete"),
        (STOPPED, False, "delete"),
        (FINISHED, False, "delete"),
    ],
)
def test_buttons_fit_the_state(state, alive, can):
    enabled = enabled_buttons(Status(state), alive)
    assert " ".join(name for name, is_enabled in vars(enabled).items() if is_enabled) == can


def test_without_a_run_no_button_works():
    assert not any(vars(EnabledButtons()).values())


def records(pace: float, steps: int = 60) -> list[dict]:
    return [{"kind": "train", "step": number + 1, "seconds": number * pace} for number in range(steps)]


@pytest.mark.parametrize(
    ("pace", "words"),
    [(0.05, "less than a minute"), (1.0, "16 min"), (10.0, "2.6 h")],
    ids=["quick", "slow", "slowest"],
)
def test_the_time_left_follows_the_pace(pace, words):
    assert time_left(Status(TRAINING, 60, 1000, updated=time.time()), records(pace)) == words


def test_the_time_left_is_not_guessed():
    assert time_left(Status(PREPARING, 1, 10), records(1.0)) == ""
    assert time_left(Status(TRAINING, 1, 10), records(1.0, 1)) == ""


def test_the_status_line_shows_the_progress_and_escapes_names(job):
    text = status_html(job, Status(PREPARING, 3, 12), [])
    assert "&lt;Club&gt;, from installed: encoding the dives, dive 3 of 12." in text
    assert 'value="0.250"' in text
    failed = status_html(job, Status(FAILED, text="The disk is full."), [])
    assert "problem" in failed
    assert "The disk is full." in failed
    assert "after step 60" in status_html(job, Status(PAUSED, 60, 100), records(1.0))


def test_runs_without_scores_show_other_curves():
    record = {"kind": "validation", "step": 1, "best": True, "dives": [], "mask_iou": 0.5}
    assert curve_names([record]) == PARSER_CURVES
    assert curve_names([record | {"spearman": 0.5}]) == SCORE_CURVES
    assert set(PARSER_CURVES + SCORE_CURVES) <= set(COMPARED_METRICS)


def test_a_broken_job_and_a_broken_run_leave_the_other_runs_on_the_page(job, tmp_path):
    storage = TrainingStorage(tmp_path / "storage")
    options = TrainOptions(out=tmp_path, data=("syndive:4",))
    names = ("run", "status", "pause", "stop", "resume", "figures", "losses", "first_curve", "second_curve")
    panel = SimpleNamespace(
        **{name: name for name in (*names, "predictions", "mark")}, delete=SimpleNamespace(ask="delete")
    )
    good, bad, cut = (storage.jobs.new(name, "installed", options) for name in ("good", "bad", "cut"))
    (bad.folder / "job.json").write_text('{"created": "today"}')
    Run.start(cut.run_folder, cut.settings)
    (cut.run_folder / "run.json").write_text("[]")
    updates = run_updates(panel, storage, good.id, None)
    assert "bad-1/job.json holds no job that can be read" in updates[panel.status]
    assert [name for _, name in run_choices(storage.jobs)] == [cut.id, good.id]
    assert "run.json is not readable" in run_updates(panel, storage, cut.id, None)[panel.status]
    assert run_updates(panel, storage, good.id, updates[panel.mark]) == {panel.status: gr.skip()}
