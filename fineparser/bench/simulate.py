"""How fast SynDive makes clips on one core."""

import time
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.dive import simulate
from fineparser.simulator.plan import plan_dive


@dataclass(frozen=True)
class SimulatorSpeed:
    """Seconds of one core that clips of 96 frames of 112 x 112 with masks and labels take.

    Processor time, so that whatever else the machine does counts as little as possible.
    """

    clips: int
    seconds: float
    """Mean of a clip."""
    slowest: float
    planning: float
    """Mean of what comes before the first pixel: body, motion, faults, judges, camera."""

    @property
    def clips_a_second(self) -> float:
        """How many clips one core makes in a second."""
        return 1 / self.seconds

    def to_json(self) -> dict:
        """Plain values."""
        return {"clips_a_second": self.clips_a_second, **self.__dict__}


def bench_simulate(clips: int = 40, seed: int = 1_000_000) -> SimulatorSpeed:
    """Makes so many clips, one after the other, and times them; the first one, which warms up, does not count."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        simulate(seed)
        whole, plans = [], []
        for number in range(1, clips + 1):
            start = time.process_time()
            plan_dive(seed + number)
            plans.append(time.process_time() - start)
            start = time.process_time()
            simulate(seed + number)
            whole.append(time.process_time() - start)
    finally:
        cv2.setNumThreads(threads)
    return SimulatorSpeed(clips, float(np.mean(whole)), float(np.max(whole)), float(np.mean(plans)))
