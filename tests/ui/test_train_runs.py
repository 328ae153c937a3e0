"""What the page says of a run, and which buttons make sense then."""

import time

import pytest

from fineparser.training.jobs import (
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
from fineparser.training.options import TrainOptions
from fineparser.ui.train_runs import buttons_for, figures, status_html, time_left


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
    buttons = buttons_for(Status(state), alive)
    names = ("pause", "stop", "resume", "delete")
    assert " ".join(name for name, one in zip(names, buttons, strict=True) if one.interactive) == can


def test_without_a_run_no_button_works():
    assert not any(one.interactive for one in buttons_for(None, False))


def records(pace: float, steps: int = 60) -> list[dict]:
    return [{"kind": "train", "step": number + 1, "seconds": number * pace} for number in range(steps)]


@pytest.mark.parametrize(
    ("pace", "words"),
    [(0.05, "less than a minute"), (1.0, "16 min"), (10.0, "2.6 h")],
    ids=["quick", "slow", "slowest"],
)
def test_time_left_follows_the_pace(pace, words):
    assert time_left(Status(TRAINING, 60, 1000, updated=time.time()), records(pace)) == words


def test_time_left_is_not_guessed():
    assert time_left(Status(PREPARING, 1, 10), records(1.0)) == ""
    assert time_left(Status(TRAINING, 1, 10), records(1.0, 1)) == ""


def test_the_line_says_how_far_it_is_and_escapes_names(job):
    text = status_html(job, Status(PREPARING, 3, 12), [])
    assert "&lt;Club&gt;, from installed: reads and encodes the dives, dive 3 of 12." in text
    assert 'value="0.250"' in text
    failed = status_html(job, Status(FAILED, text="The disk is full."), [])
    assert "problem" in failed
    assert "The disk is full." in failed
    assert "after step 60" in status_html(job, Status(PAUSED, 60, 100), records(1.0))


def test_parsers_show_their_own_curves():
    look = {"kind": "validation", "step": 1, "best": True, "dives": [], "mask_iou": 0.5, "transition_error_frames": 3.0}
    titles = [figure.layout.yaxis.title.text for figure in figures([look])[1:3]]
    assert titles == ["Switches off by, frames", "Mask IoU"]
