import resource
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fineparser.ui.background_tasks import TaskCancelled, TaskProgress, TaskResult, TaskRunner

PATIENCE = 30


def events_of(iterator):
    return [event for event in iterator if event is not None]


def test_progress_is_yielded_in_order_and_the_result_last():
    def work(progress):
        progress("Reading", 0.2)
        progress("Writing", 0.9)
        return 42

    expected = [
        TaskProgress("Starting", 0.0),
        TaskProgress("Reading", 0.2),
        TaskProgress("Writing", 0.9),
        TaskResult(42),
    ]
    assert events_of(TaskRunner().run(work)) == expected


def test_an_exception_in_the_work_is_raised_by_the_iterator():
    def work(progress):
        raise ValueError("no such dive")

    with pytest.raises(ValueError, match="no such dive"):
        events_of(TaskRunner().run(work))


def test_a_cancelled_task_ends_at_its_next_progress_and_lets_the_next_one_run():
    runner, begun, ended = TaskRunner(), threading.Event(), threading.Event()

    def work(progress):
        begun.set()
        try:
            while True:
                progress("Working", 0.5)
                time.sleep(0.01)
        except TaskCancelled:
            ended.set()
            raise

    running = runner.run(work)
    next(running)
    assert begun.wait(PATIENCE)
    running.close()
    assert ended.wait(PATIENCE)
    assert events_of(runner.run(lambda progress: "next"))[-1] == TaskResult("next")


def test_tasks_run_one_at_a_time():
    runner, running, most = TaskRunner(), [0], [0]

    def work(progress):
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.05)
        running[0] -= 1

    threads = [threading.Thread(target=lambda: events_of(runner.run(work))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert most == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no malloc_trim")
def test_memory_that_a_task_has_freed_goes_back_to_the_system():
    def work(progress):
        # Small blocks lie in the heap of the thread; the last one, which is in use, holds those before it.
        blocks = [np.ones(100_000, np.uint8) for _ in range(2000)]
        return blocks[-1]

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    events_of(TaskRunner().run(work))
    before = resident()
    kept = [events_of(TaskRunner().run(work))[-1] for _ in range(3)]
    assert resident() - before < 50_000_000
    assert len(kept) == 3
