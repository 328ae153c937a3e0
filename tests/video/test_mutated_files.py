"""Damaged files are refused with a reason or give frames: no other exception, no crash, no hang, no leftovers."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from tests.video.mutated_files import FRAMES, Outcome, write_mutated, write_sources

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COUNT = 150
SEED = 32
SECONDS = 20.0
"""Longest time for one file."""

MEMORY = 1_000_000_000
"""Largest peak memory of the process that reads them all, bytes; the interpreter and its libraries take 200 MB."""


@dataclass(frozen=True)
class Run:
    """Outcomes of the files, by name, and what else was seen."""

    outcomes: dict[str, Outcome]
    peak_memory: int
    log: str
    """What was written to the standard error output."""


def read_all(paths: list[Path], fill: int) -> Run:
    """Read files in processes of their own, as few as possible: after a hang or a crash another one goes on.

    `fill` is the byte with which the C library fills memory that is allocated or freed, so that a picture with
    memory in it that was not written differs between two runs.
    """
    outcomes: dict[str, Outcome] = {}
    peak, log = 0, ""
    while waiting := [path for path in paths if path.name not in outcomes]:
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-m", "tests.video.mutated_files", *map(str, waiting)],
                cwd=ROOT,
                env={**os.environ, "MALLOC_PERTURB_": str(fill), "OMP_NUM_THREADS": "1"},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            name, fault = waiting[0].name, ""
            for line in lines_in_time(process):
                result = json.loads(line)
                name = result["name"]
                if len(result) > 1:
                    peak = max(peak, result.pop("peak_memory"))
                    outcomes[name] = Outcome(**result)
            if process.poll() is None:
                process.kill()
                fault = f"takes more than {SECONDS:g} s"
            elif process.returncode:
                fault = f"the process ended with {process.returncode}"
            process.communicate()
            if fault:
                outcomes[name] = Outcome(name, fault=fault)
            errors.seek(0)
            log += errors.read()
    return Run(outcomes, peak, log)


def lines_in_time(process: subprocess.Popen[str]) -> Iterator[str]:
    """Lines that a process prints, until it ends or takes longer than `SECONDS` for one of them."""
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    thread = threading.Thread(target=lambda: [*map(lines.put, process.stdout), lines.put(None)], daemon=True)
    thread.start()
    try:
        while (line := lines.get(timeout=SECONDS)) is not None:
            yield line
        process.wait()
    except queue.Empty:
        return


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, bytes]:
    return write_sources(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def runs(sources, tmp_path_factory) -> tuple[Run, Run]:
    """Two runs over the damaged files, in opposite order."""
    paths = write_mutated(tmp_path_factory.mktemp("mutated"), COUNT, SEED, sources)
    return read_all(paths, fill=0x55), read_all(paths[::-1], fill=0xAA)


def test_the_undamaged_files_are_read(sources, tmp_path):
    paths = [tmp_path / name for name in sources]
    for path in paths:
        path.write_bytes(sources[path.name])
    outcomes = read_all(paths, fill=0x55).outcomes
    assert {name: outcome.frames for name, outcome in outcomes.items()} == dict.fromkeys(sources, FRAMES), outcomes


def test_each_file_gives_frames_or_a_reason(runs):
    for run in runs:
        assert len(run.outcomes) == COUNT
        assert [outcome for outcome in run.outcomes.values() if outcome.fault] == []
        for outcome in run.outcomes.values():
            assert bool(outcome.frames) != bool(outcome.error), outcome
    kinds = [bool(outcome.frames) for outcome in runs[0].outcomes.values()]
    assert kinds.count(True) > COUNT / 10  # the damage is not such that everything is refused at the door
    assert kinds.count(False) > COUNT / 10


def test_frames_hold_nothing_that_was_in_memory_before(runs):
    first, second = (run.outcomes for run in runs)
    differing = {
        name: [
            field.name for field in fields(Outcome) if getattr(first[name], field.name) != getattr(other, field.name)
        ]
        for name, other in second.items()
        if first[name] != other
    }
    assert differing == {}


def test_memory_stays_small_and_the_log_empty(runs):
    for run in runs:
        assert run.peak_memory < MEMORY
        assert run.log == ""
