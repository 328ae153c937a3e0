"""Seconds of each step of an analysis as the app runs it, the peak memory for a long clip, and memory that adds up."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.machine import describe, peak_memory, resident_memory
from fineparser.analysis.analyser import DiveAnalyser
from fineparser.progress import Progress
from fineparser.rendering.timeline_chart import timeline_figure
from fineparser.rendering.votes_chart import votes_figure
from fineparser.rendering.waterfall_chart import waterfall_figure
from fineparser.simulator.plan import DivePlan, DiveRequest, plan_dive
from fineparser.ui.analysis_service import AnalysisRequest, AnalysisService
from fineparser.ui.background_tasks import TaskRunner
from fineparser.ui.input_panel import scan_upload
from fineparser.ui.player import viewer_value
from fineparser.video.writer import write_video

FPS = 30.0
CODE, HEIGHT = "207C", 10.0
DIVE = DiveRequest(code=CODE, height=HEIGHT, camera="broadcast", synchro=False, opening=False)
MAX_SIMULATED_LINES = 540
"""Height of frames up to which they are simulated; larger ones are enlarged, since only their size matters here."""
UPLOAD, ANALYSIS, PAGE, FILES = "after the upload", "after the click", "page", "files"
"""Stages of an analysis; a person waits for the second and the third after the click."""


@dataclass(frozen=True, kw_only=True)
class AppBenchmark:
    """Weights and clips of the measurement."""

    checkpoint: str = "default"
    """Folder or Hugging Face id of the weights."""
    seconds: float = 4.0
    """Length of the clip whose analysis is timed."""
    lines: int = 720
    """Height of its frames in pixels."""
    long_seconds: float = 60.0
    """Length of the clip whose analysis must not need much memory."""
    long_lines: int = 1080
    """Height of its frames in pixels."""
    repeats: int = 3
    """Number of analyses; the fastest counts, since other programs may slow the rest."""
    row: int = 20
    """Number of analyses in one process, after which it must not need more memory than after half of them."""

    def __post_init__(self) -> None:
        if self.repeats < 1 or self.row < 1:
            raise ValueError(f"the analysis has to run at least once, not {min(self.repeats, self.row)} times")


OPTIONS = AppBenchmark


def measure(options: AppBenchmark, report: Callable[[str], None] = lambda line: None) -> dict:
    """Seconds of every step of an analysis, from the upload to the files; the peak memory for a long clip; memory after
    each of many analyses.

    Args:
        options: weights and clips.
        report: called with lines of progress.

    Raises:
        CheckpointError: for weights that cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="fineparser-benchmark-") as name:
        folder = Path(name)
        start = time.perf_counter()
        analyser = DiveAnalyser.from_pretrained(options.checkpoint)
        analyser.prepare()
        loading = time.perf_counter() - start
        report(f"writing a clip of {options.seconds:g} s with {options.lines} lines")
        clip = write_clip(folder / "dive.mp4", options.seconds, options.lines)
        runs = []
        for number in range(options.repeats):
            runs.append(time_analysis(AnalysisService(analyser), clip, folder / f"run {number}"))
            report(f"run {number + 1} of {options.repeats}: {waiting_time(runs[-1]):.1f} s from the click to the page")
        best = min(runs, key=waiting_time)
        report(f"writing a clip of {options.long_seconds:g} s with {options.long_lines} lines")
        long_clip = write_clip(folder / "long.mp4", options.long_seconds, options.long_lines)
        peak = memory_of_analysis(long_clip, options.checkpoint)
        report("peak memory of its analysis: " + ("unknown" if peak is None else f"{peak / 1e9:.2f} GB"))
        memory = memory_after_analyses(clip, options.checkpoint, options.row)
        report(f"memory after each of {options.row} analyses in GB: {', '.join(map(_gigabytes, memory))}")
    return {
        "machine": describe(),
        "weights": analyser.model.provenance.name,
        "exemplars": "simulated for the report" if analyser.bank is None else "from the bank",
        "clip": {"seconds": options.seconds, "lines": options.lines},
        "loading": loading,
        "steps": best,
        "from_click_to_page": waiting_time(best),
        "long_clip": {"seconds": options.long_seconds, "lines": options.long_lines, "peak_memory": peak},
        "memory_after_analyses": memory,
    }


def waiting_time(steps: dict[str, dict[str, float]]) -> float:
    """Seconds from the click to the complete page."""
    return sum(steps[ANALYSIS].values()) + sum(steps[PAGE].values())


def time_analysis(service: AnalysisService, clip: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Run an analysis as the app does; return the seconds of each step, by stage."""
    folder.mkdir()
    stages: dict[str, dict[str, float]] = {}

    watch = Stopwatch("scanning the clip")
    scan = scan_upload(clip)
    proposal = service.propose(AnalysisRequest(clip=scan, code=CODE, height=f"{HEIGHT:g}"), watch.step)
    stages[UPLOAD] = watch.stop()

    watch = Stopwatch("starting")
    request = AnalysisRequest(clip=scan, code=CODE, height=f"{HEIGHT:g}", proposal=proposal)
    dive_report, player_clip = service.analyse_for_viewer(request, folder, watch.step)
    stages[ANALYSIS] = watch.stop()

    watch = Stopwatch("the viewer's masks")
    viewer_value(dive_report, player_clip)
    watch.step("the figures")
    for figure in (timeline_figure, waterfall_figure, votes_figure):
        figure(dive_report)
    stages[PAGE] = watch.stop()

    watch = Stopwatch("starting")
    service.write_files(dive_report, folder / "results", watch.step)
    stages[FILES] = watch.stop()
    return stages


class Stopwatch:
    """Seconds of the steps of a stage."""

    def __init__(self, first: str) -> None:
        self._name, self._start = first, time.perf_counter()
        self._seconds: dict[str, float] = {}

    def step(self, name: str, done: float = 0.0) -> None:
        """Begin the next step; a `Progress` callback."""
        now = time.perf_counter()
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + now - self._start
        self._name, self._start = name[:1].lower() + name[1:], now

    def stop(self) -> dict[str, float]:
        """Seconds of each step, the last one included."""
        self.step("")
        return self._seconds


def write_clip(path: Path, seconds: float, lines: int) -> Path:
    """Write a simulated dive of the given length; the first frame is repeated to fill it."""
    plan = full_speed_dive()
    count = round(seconds * FPS)
    numbers = np.unique(np.linspace(0, len(plan.times) - 1, round(len(plan.times) / plan.fps * FPS)).astype(int))
    rendered, _ = plan.render(min(lines, MAX_SIMULATED_LINES), "full", numbers[-count:])

    def frames() -> Iterator[np.ndarray]:
        for index in range(count):
            frame = rendered[max(0, index - (count - len(rendered)))]
            size = round(frame.shape[1] * lines / frame.shape[0] / 2) * 2, lines
            yield cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR) if frame.shape[0] != lines else frame

    return write_video(path, frames(), FPS)


def full_speed_dive() -> DivePlan:
    """The first dive of the simulator's test split that is not in slow motion."""
    plans = (plan_dive(seed, DIVE, split="test") for seed in range(1000))
    return next(plan for plan in plans if plan.slow_motion == 1)


def memory_of_analysis(clip: Path, checkpoint: str) -> int | None:
    """Peak memory in bytes of a process that analyses a clip and writes its results."""
    return _in_own_process("print_peak_memory", clip, checkpoint)


def memory_after_analyses(clip: Path, checkpoint: str, count: int) -> list[int | None]:
    """Memory in bytes of a process that analyses a clip several times, after each time."""
    return _in_own_process("print_memory_after_analyses", clip, checkpoint, str(count))


def print_peak_memory(clip: str, checkpoint: str) -> None:
    """Analyse a clip, write the results beside it, and print the peak memory of this process."""
    _analyse_once(AnalysisService(DiveAnalyser.from_pretrained(checkpoint)), TaskRunner(), clip)
    print(json.dumps(peak_memory()))


def print_memory_after_analyses(clip: str, checkpoint: str, count: str) -> None:
    """Analyse a clip several times as the app does; print the memory of this process after each time."""
    service, tasks = AnalysisService(DiveAnalyser.from_pretrained(checkpoint)), TaskRunner()
    memory = []
    for _ in range(int(count)):
        _analyse_once(service, tasks, clip)
        memory.append(resident_memory())
    print(json.dumps(memory))


def _analyse_once(service: AnalysisService, tasks: TaskRunner, clip: str) -> None:
    """Analyse a clip and write its results to a folder that is deleted afterwards."""
    request = AnalysisRequest(clip=clip, code=CODE, height=f"{HEIGHT:g}")
    with tempfile.TemporaryDirectory(prefix="fineparser-benchmark-") as name:

        def work(progress: Progress) -> None:
            dive_report, _ = service.analyse_for_viewer(request, Path(name), progress)
            service.write_files(dive_report, Path(name) / "results", progress)

        for _ in tasks.run(work):
            pass


def _in_own_process(function: str, clip: Path, *arguments: str) -> Any:
    """The JSON that a function of this module prints last, in a process of its own."""
    program = f"import sys; from benchmarks.app import {function}; {function}(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, str(clip), *arguments],
        capture_output=True,
        text=True,
        env=os.environ,
        cwd=Path(__file__).parents[1],
    )
    if done.returncode != 0:
        raise RuntimeError(f"the analysis of {clip.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _gigabytes(number: int | None) -> str:
    return "unknown" if number is None else f"{number / 1e9:.2f}"
