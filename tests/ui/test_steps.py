import threading
import time

import pytest

from fineparser.ui import steps
from fineparser.ui.steps import Outcome, Step, Stopped, Workbench, on_zero_gpu, with_gpu

PATIENCE = 30


def drained(iterator):
    return [news for news in iterator if news is not None]


def test_steps_come_out_in_order_and_the_outcome_last():
    def work(progress):
        progress("Reading", 0.2)
        progress("Writing", 0.9)
        return 42

    expected = [Step("Starting", 0.0), Step("Reading", 0.2), Step("Writing", 0.9), Outcome(42)]
    assert drained(Workbench().steps(work)) == expected


def test_what_the_work_raises_is_raised_here():
    def work(progress):
        raise ValueError("no such dive")

    with pytest.raises(ValueError, match="no such dive"):
        drained(Workbench().steps(work))


def test_work_that_nobody_wants_ends_at_its_next_step_and_frees_the_bench():
    bench, begun, ended = Workbench(), threading.Event(), threading.Event()

    def work(progress):
        begun.set()
        try:
            while True:
                progress("Going on", 0.5)
                time.sleep(0.01)
        except Stopped:
            ended.set()
            raise

    running = bench.steps(work)
    next(running)
    assert begun.wait(PATIENCE)
    running.close()
    assert ended.wait(PATIENCE)
    assert drained(bench.steps(lambda progress: "next"))[-1] == Outcome("next")


def test_two_pieces_of_work_take_turns():
    bench, inside, most = Workbench(), [0], [0]

    def work(progress):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        inside[0] -= 1

    threads = [threading.Thread(target=lambda: drained(bench.steps(work))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert most == [1]


def test_only_a_space_that_lends_its_gpu_wraps_functions(monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert not on_zero_gpu()
    assert with_gpu(len) is len
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    monkeypatch.setattr(steps.importlib.util, "find_spec", lambda name: None)
    assert not on_zero_gpu()  # the variable alone is not enough
