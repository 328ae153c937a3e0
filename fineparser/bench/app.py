"""A whole analysis as the page runs it, split into its steps, and the memory that a long clip takes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.bench.machine import describe, peak_memory
from fineparser.rendering import charts
from fineparser.simulator.plan import DivePlan, plan_dive
from fineparser.ui.analysis import Analysis, Request
from fineparser.ui.upload import look_through
from fineparser.ui.viewer import viewer_value
from fineparser.video.writing import write_video

FPS = 30.0
DIVE = {"code": "207C", "height": 10.0, "camera": "broadcast", "synchro": False, "opening": False, "split": "test"}
LOOKS, JUDGES, SHOWS, FILES = "after the upload", "after the click", "page", "to take home"
"""Parts of an analysis; those that somebody waits for after the click are the second and the third."""


@dataclass(frozen=True)
class AppBenchOptions:
    """What to measure."""

    checkpoint: str = "default"
    """Weights."""
    seconds: float = 4.0
    """Of the clip whose analysis is timed."""
    lines: int = 720
    """Of its pictures."""
    long_seconds: float = 60.0
    """Of the clip whose analysis must not take much memory."""
    long_lines: int = 1080
    """Of its pictures."""
    repeats: int = 3
    """Analyses; the quickest counts, since what other programs took from the others is no part of it."""

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ValueError(f"the analysis has to run once at least, not {self.repeats} times")


def bench_app(options: AppBenchOptions, told: Callable[[str], None] = lambda text: None) -> dict:
    """Seconds of every step of an analysis, from the upload to the files, and the peak memory of a long clip.

    Args:
        options: what to measure.
        told: gets a line of progress now and then.

    Raises:
        CheckpointError: for weights that cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="fineparser-bench-") as name:
        folder = Path(name)
        start = time.perf_counter()
        analyser = DiveAnalyser.from_pretrained(options.checkpoint)
        analyser.prepare()
        loading = time.perf_counter() - start
        told(f"writing a clip of {options.seconds:g} s with {options.lines} lines")
        clip = write_clip(folder / "dive.mp4", options.seconds, options.lines)
        runs = []
        for number in range(options.repeats):
            runs.append(time_analysis(Analysis(analyser), clip, folder / f"run {number}"))
            told(f"run {number + 1} of {options.repeats}: {shown_after(runs[-1]):.1f} s from the click to the page")
        best = min(runs, key=shown_after)
        told(f"writing a clip of {options.long_seconds:g} s with {options.long_lines} lines")
        long = write_clip(folder / "long.mp4", options.long_seconds, options.long_lines)
        peak = memory_of(long, options.checkpoint)
        told("peak memory of its analysis: " + ("not told here" if peak is None else f"{peak / 1e9:.2f} GB"))
    return {
        "machine": describe(),
        "weights": analyser.model.provenance.name,
        "exemplars": "made for the report" if analyser.bank is None else "from the bank",
        "clip": {"seconds": options.seconds, "lines": options.lines},
        "loading": loading,
        "steps": best,
        "from_click_to_shown": shown_after(best),
        "long_clip": {"seconds": options.long_seconds, "lines": options.long_lines, "peak_memory": peak},
    }


def shown_after(steps: dict[str, dict[str, float]]) -> float:
    """Seconds from the click to everything shown."""
    return sum(steps[JUDGES].values()) + sum(steps[SHOWS].values())


def time_analysis(analysis: Analysis, clip: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Runs an analysis as the page does: seconds of each step, under the part that it belongs to."""
    folder.mkdir()
    parts: dict[str, dict[str, float]] = {}

    looks = Stopwatch("looking through the clip")
    survey = look_through(clip)
    request = Request(survey, DIVE["code"], f"{DIVE['height']:g}")
    proposal = analysis.propose(request, looks.step)
    parts[LOOKS] = looks.stop()

    judges = Stopwatch("starting")
    request = Request(survey, request.code, request.height, proposal=proposal)
    report, film = analysis.judge_and_film(request, folder, judges.step)
    parts[JUDGES] = judges.stop()

    shows = Stopwatch("the viewer's outlines")
    viewer_value(report, film)
    shows.step("the figures")
    for figure in (charts.timeline, charts.waterfall, charts.votes):
        figure(report)
    parts[SHOWS] = shows.stop()

    files = Stopwatch("starting")
    analysis.files(report, folder / "results", files.step)
    parts[FILES] = files.stop()
    return parts


class Stopwatch:
    """Seconds between the steps that somebody tells."""

    def __init__(self, first: str) -> None:
        self._name, self._since = first, time.perf_counter()
        self._seconds: dict[str, float] = {}

    def step(self, name: str, done: float = 0.0) -> None:
        """The next step begins."""
        now = time.perf_counter()
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + now - self._since
        self._name, self._since = name[:1].lower() + name[1:], now

    def stop(self) -> dict[str, float]:
        """Seconds of each step, the last one included."""
        self.step("")
        return self._seconds


def write_clip(path: Path, seconds: float, lines: int) -> Path:
    """Writes a simulated dive of that length: the diver stands for as long as there is time to fill.

    Pictures of more than 540 lines are enlarged ones: how large they are matters here, not what is to see in them.
    """
    plan = a_dive()
    count = round(seconds * FPS)
    taken = np.unique(np.linspace(0, len(plan.times) - 1, round(len(plan.times) / plan.fps * FPS)).astype(int))[-count:]
    drawn, _ = plan.film(min(lines, 540), "full", taken)

    def frames() -> Iterator[np.ndarray]:
        for index in range(count):
            frame = drawn[max(0, index - (count - len(drawn)))]
            shape = round(frame.shape[1] * lines / frame.shape[0] / 2) * 2, lines
            yield cv2.resize(frame, shape, interpolation=cv2.INTER_LINEAR) if frame.shape[0] != lines else frame

    return write_video(path, frames(), FPS)


def a_dive() -> DivePlan:
    """The first dive of the simulator's test split that a camera follows at life's own speed."""
    plans = (plan_dive(seed, **DIVE) for seed in range(1000))
    return next(plan for plan in plans if plan.slow_motion == 1)


def memory_of(clip: Path, checkpoint: str) -> int | None:
    """Most bytes that a process of its own has in memory while it analyses a clip and writes its results."""
    program = "import sys; from fineparser.bench.app import analyse_and_tell; analyse_and_tell(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, str(clip), checkpoint], capture_output=True, text=True, env=os.environ
    )
    if done.returncode != 0:
        raise RuntimeError(f"the analysis of {clip.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])["peak_memory"]


def analyse_and_tell(clip: str, checkpoint: str) -> None:
    """Analyses a clip, writes the results beside it, and prints the peak memory of this process."""
    analysis = Analysis(DiveAnalyser.from_pretrained(checkpoint))
    folder = Path(clip).parent / "long"
    folder.mkdir()
    report, _ = analysis.judge_and_film(
        Request(clip, DIVE["code"], f"{DIVE['height']:g}"), folder, lambda step, done: None
    )
    analysis.files(report, folder / "results", lambda step, done: None)
    print(json.dumps({"peak_memory": peak_memory()}))
