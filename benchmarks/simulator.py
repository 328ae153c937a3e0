"""Simulated clips per second of one core."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.dive import simulate
from fineparser.simulator.plan import plan_dive


@dataclass(frozen=True)
class SimulatorBenchmark:
    """Number and seeds of the clips."""

    clips: int = 40
    """Clips to simulate, one after the other."""
    seed: int = 1_000_000
    """Seed before that of the first clip."""


OPTIONS = SimulatorBenchmark


def measure(options: SimulatorBenchmark, report: Callable[[str], None]) -> dict[str, float]:
    """Processor seconds for clips of 96 frames of 112 x 112 pixels with masks and labels.

    Processor time, so that other work on the machine counts as little as possible. One more clip, for warming up,
    comes first and does not count.

    Returns:
        clips, clips_per_second, mean seconds of a clip, seconds of the slowest clip, and mean seconds of planning
        (everything before the first pixel).
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        simulate(options.seed)
        seconds, planning = [], []
        for number in range(1, options.clips + 1):
            start = time.process_time()
            plan_dive(options.seed + number)
            planning.append(time.process_time() - start)
            start = time.process_time()
            simulate(options.seed + number)
            seconds.append(time.process_time() - start)
            report(f"clip {number} of {options.clips}: {seconds[-1]:.2f} s")
    finally:
        cv2.setNumThreads(threads)
    return {
        "clips": options.clips,
        "clips_per_second": 1 / float(np.mean(seconds)),
        "seconds": float(np.mean(seconds)),
        "slowest": max(seconds),
        "planning": float(np.mean(planning)),
    }
